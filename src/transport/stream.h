/* SPDX-License-Identifier: MIT */
/* A stream: one ZMTP connection over a descriptor, tcp or ipc.
 *
 *      CONNECTING ──> (PROXY) ──> HANDSHAKE ──> TRAFFIC      raw: no HANDSHAKE
 *           └────────────┴────────────┴────────────┴──> CLOSED
 *
 * Input is read into its loop's scratch chunk, cut into runs and delivered. What cannot be
 * delivered is kept, and nothing is read until it can be. An idle stream owns no buffers. */
#ifndef GREENMQ_TRANSPORT_STREAM_H
#define GREENMQ_TRANSPORT_STREAM_H

#include "core/socket.h"
#include "loop/timer.h"
#include "wire/session.h"

enum stream_state {
    STREAM_CONNECTING,
    STREAM_PROXY,
    STREAM_HANDSHAKE,
    STREAM_TRAFFIC,
    STREAM_CLOSED
};

struct stream;
struct stream_old;
struct endpoint_host;
struct socks;

/* Who made the stream: a dialer or a listener. Called back at most once each, in this order. */
struct stream_owner {
    const char *endpoint; /* what it connects to; NULL for a listener's */

    /* The handshake is done: the peer for it; NULL without memory. The peer's routing id is set
     * by the stream. */
    struct peer *(*ready)(struct stream_owner *owner, struct stream *stream);

    /* The connection is over; `retry` is false when it should not be tried again as it was. The
     * peer, if it had one, has been told. */
    void (*closed)(struct stream_owner *owner, struct stream *stream, bool retry);
};

/* What is only needed until the traffic begins. */
struct handshake {
    struct session_config config;
    struct session session;
};

struct stream {
    struct fdwatch watch;
    struct timer timer; /* the handshake's limit, then heartbeats */
    int fd;
    unsigned holds;       /* of its memory: one till it is closed, one for each who works with it */
    struct io_loop *io;   /* that it belongs to; NULL: the context's own loop */
    struct loop *lent_by; /* whose lock is lent during a system call */
    enum stream_state state;
    bool raw;               /* it carries bare octets: no handshake, no frames */
    bool made;              /* the far end has been reached, by way of the proxy if there is one */
    struct stream_old *old; /* its peer speaks ZMTP 1.0: stream_old.c; else NULL */
    struct socket *socket;
    struct options *options;    /* frozen */
    struct stream_owner *owner; /* NULL once it needs to know nothing more */
    struct peer *peer;          /* from the handshake on */
    struct socks *socks;        /* until the proxy has gone on to the target; NULL without one */
    struct handshake *handshake;
    TAILQ_ENTRY(stream) line; /* the listener's, during the handshake */

    /* Input */
    struct chunk *kept; /* octets that wait: an incomplete frame, or what was refused */
    size_t kept_at, kept_size;
    size_t run_max; /* octets that are delivered at a time, 0 for any number */
    bool is_seen;   /* what is decoded begins with octets that were kept: it comes slowly, and is
                       not to be looked at from its start each time */
    struct buffer message; /* whole frames of a large message that is not complete */
    bool message_whole;    /* it is complete, and was refused */
    struct chunk *body;    /* the body of a large frame: `body_have` octets of `body_size` */
    size_t body_have;
    uint64_t body_size;
    uint8_t body_flags;
    int low_water; /* SO_RCVLOWAT, 0 for never set */
    bool more;     /* the last frame in `message` had MORE */

    /* Output */
    bool blocked; /* the system takes no more; waits for it to be writable */
    bool sending; /* who runs the turn is in the system call, with the lock lent to others */
    bool reading; /* the same for input */
    bool broken;  /* ... it has failed meanwhile: the end comes when that thread is back */
    struct task failing;
    enum leave why;
    int error; /* the errno with it */

    /* Heartbeats, all by loop_clock_ns() */
    uint64_t heard_ns;    /* when something last came */
    uint64_t pinged_ns;   /* when the last PING was due, 0 for never */
    uint64_t put_ns;      /* when the last one was put into the output */
    uint64_t asked_ns;    /* since when an answer is due that has not come */
    uint64_t looked_ns;   /* when we last looked how the output gets on */
    uint64_t shows_ns;    /* when we shall see whether to show that we live, 0 for never */
    uint64_t shown_at;    /* how much had come when we last did */
    bool pings;           /* it has sent PINGs */
    uint32_t peer_ttl_ms; /* what they say, 0 for nothing */
    uint8_t minor, major; /* of the protocol spoken */
    int8_t peer_type;     /* of socket (the public number); -1: not known */
    char address[64];     /* the far end, for people */
};

/* Takes `fd` (non-blocking) over, refers to frozen options. NULL without memory: fd is closed. */
struct stream *stream_open(struct socket *socket, struct options *options, int fd,
                           struct stream_owner *owner);

/* Before it begins: its far end is a SOCKS5 proxy, and the target behind it. 0 or -ENOMEM. */
int stream_through_proxy(struct stream *stream, const struct endpoint_host *target);

/* Begins, once the owner is ready to be called; `connecting` when connect() is still under way. */
void stream_start(struct stream *stream, bool connecting);

void stream_close(struct stream *stream); /* ends it without telling owner or peer */

/* The connection breaks: ends it at the end of the turn, and tells peer and owner. */
void stream_fail(struct stream *stream, enum leave why);

/* Between stream.c and its other files: */
struct stream *stream_of_timer(struct timer *timer);
void stream_let_go(struct stream *stream);                 /* of its memory */
void stream_lend(struct stream *stream, bool *doing);      /* before a system call; sets *doing */
bool stream_take_back(struct stream *stream, bool *doing); /* false: it was closed meanwhile */
void stream_begin(struct stream *stream); /* it is connected: proxy, handshake, traffic */
void stream_watch(struct stream *stream, uint32_t events);
bool stream_read(struct stream *stream); /* false: there was nothing */
bool stream_read_raw(struct stream *stream);
bool stream_read_proxy(struct stream *stream);
void stream_ask_proxy(struct stream *stream);
void stream_notice(struct stream *stream); /* raw: an empty message, as ZMQ_STREAM_NOTIFY says */
size_t stream_shake_hands(struct stream *stream, const uint8_t *data, size_t size);
void stream_decode(struct stream *stream, struct chunk *chunk, uint8_t *data, size_t size);
void stream_resume(struct peer *peer);
void stream_drop_input(struct stream *stream);
bool stream_command(struct stream *stream, const uint8_t *octets, size_t size); /* false: not put */
void stream_on_command(struct stream *stream, const struct frame *frame);
void stream_refuse(struct stream *stream, enum session_error error, const char *detail);
void stream_heartbeat_start(struct stream *stream);
void stream_hides_pings(struct stream *stream); /* one may be there that cannot be read yet */
struct properties *stream_introduce(const struct peer *peer);
int stream_meet(struct stream *stream, const struct session *session);    /* 0 or -ENOMEM */
void stream_tell(const struct stream *stream, unsigned event, int value); /* the monitor */
void stream_tell_failed(const struct stream *stream, const struct session *session);
void stream_tell_end(const struct stream *stream);

extern const struct link stream_link;

#endif
