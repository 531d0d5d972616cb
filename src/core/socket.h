/* SPDX-License-Identifier: MIT */
/* A socket: a pattern, its peers, its options, and what happens when the application calls.
 * Every function here is called under the context's lock.
 *
 * Sockets are never given back to the system, only to a list for new ones: so a call with a
 * closed socket can be told from a good one. */
#ifndef GREENMQ_CORE_SOCKET_H
#define GREENMQ_CORE_SOCKET_H

#include "base/msg.h"
#include "core/attachment.h"
#include "core/ctx.h"
#include "core/lane.h"
#include "core/lineup.h"
#include "core/option.h"
#include "core/pattern.h"
#include "core/sink.h"

/* One who waits for a socket, on the waiter's stack. A waiter may have several. */
struct watch {
    TAILQ_ENTRY(watch) line;
    struct waiter *waiter;
};

TAILQ_HEAD(watches, watch);

struct socket {
    atomic_uint magic;          /* SOCKET_MAGIC while it is open to the application */
    _Atomic(struct ctx *) home; /* its context, for those who must find the lock first */
    struct ctx *ctx;
    const struct pattern *pattern;
    void *state;            /* the pattern's */
    struct options options; /* as the application sets them */
    struct options *frozen; /* a copy for what is bound or connected next; NULL once they change */
    LIST_ENTRY(socket) all; /* ctx->sockets; or the list of free ones */

    struct peers peers;    /* those that can be written to or read from */
    struct peers departed; /* closed, but their inboxes are not empty */
    struct lineup lineup;
    LIST_HEAD(, attachment) attachments;
    char *last_endpoint;
    uint8_t *connect_id; /* ZMQ_CONNECT_ROUTING_ID for the next connect() */
    size_t connect_id_size;

    /* Receiving */
    struct buffer lead;        /* parts that come before those in `reading` */
    struct buffer *reading;    /* the message being received; NULL between messages */
    struct peer *reading_peer; /* whose inbox it is, or NULL */
    bool more;                 /* ZMQ_RCVMORE */
    struct buffer notes;       /* XPUB: subscriptions for the application to receive */

    /* Sending */
    struct buffer building; /* parts of a message that is not complete */
    bool sending;           /* it has been admitted */
    bool promised;          /* ... when somebody had room: it goes even if there is none any more */
    bool past_marks;        /* it goes now, and no high-water mark holds it up */
    bool local;             /* it has used inproc: bodies are shared whatever their size */
    struct ledger ledger;   /* of all that goes out through this socket */

    struct monitor *monitor; /* tells the application of its connections, or NULL */
    struct watches watches;
    struct lamp *lamp;             /* what ZMQ_FD has handed out; NULL: nobody has asked */
    struct sink *sink;             /* the device that it belongs to, or NULL */
    uint64_t out_bytes_max;        /* for its peers; UINT64_MAX outside of a device */
    bool tells_sent;               /* the sink wants to know when messages have left */
    bool counted;                  /* XPUB: its notes go to a device's XSUB, which counts them */
    LIST_HEAD(, socket) feeders;   /* whose lanes go into inboxes of this one */
    LIST_ENTRY(socket) feeding;    /* ... of whom this one is, while its lane is direct */
    unsigned users;                /* threads inside a waiting call */
    bool closed;                   /* by the application; lingering if it is still here */
    bool told_end;                 /* a call has given ETERM: now those for options do so too */
    struct timer linger;           /* runs while it lingers */
    struct task finish;            /* socket_maybe_finish(), later */
    struct stage stage;            /* of messages that are to be routed */
    struct gather *gather;         /* copies of messages that are to be received, or NULL */
    struct lane out_lane, in_lane; /* closed whenever the socket is; they outlast it */
};

enum { SOCKET_MAGIC = 0x67736f63 };

/* 0 and the socket made, or -ENOMEM, -EMFILE, -ETERM. */
int socket_open(struct ctx *ctx, const struct pattern *pattern, struct socket **made);

/* The application closes it. What is queued lingers; the memory goes when it is done. */
void socket_close(struct socket *socket);

/* The same for a socket of the engine's own, also from within a task: it lingers without end. */
void socket_dismiss(struct socket *socket);

/* Sends a part, copied or shared. flags: ZMQ_SNDMORE, ZMQ_DONTWAIT. 0 or a negative errno. */
int socket_send(struct socket *socket, struct msg *msg, int flags);

/* Receives a part, if asked with its properties, into an initialised msg. 0 or a negative errno.
 * The second never waits and runs nothing. */
int socket_receive(struct socket *socket, struct msg *msg, int flags, bool properties);
int socket_try_receive(struct socket *socket, struct msg *msg, bool properties);

void socket_skip_message(struct socket *socket); /* what is left of the one being received */

/* Sends one message of the engine's own if it can go now. */
bool socket_offer(struct socket *socket, const struct run *message);

/* Do its connections carry bare octets? */
bool socket_is_raw(const struct socket *socket);

bool socket_can_receive(struct socket *socket);
bool socket_can_send(struct socket *socket);
int socket_events(struct socket *socket); /* both, as ZMQ_POLLIN and ZMQ_POLLOUT */

/* Waits until something about the socket changes; `what` names the call in lists. 0, -ETERM,
 * -ENOTSOCK when it was closed meanwhile, or as loop_wait(). */
int socket_wait(struct socket *socket, const char *what, uint64_t deadline_ns);

void socket_watch(struct socket *socket, struct watch *watch, struct waiter *waiter);
void socket_unwatch(struct socket *socket, struct watch *watch);

/* Tells those who wait for it, and its device. */
void socket_notify(struct socket *socket, int events);

/* All options, also those that act at once. 0 or a negative errno. */
int socket_set_option(struct socket *socket, int option, const void *value, size_t size);
int socket_get_option(struct socket *socket, int option, void *value, size_t *size);

/* For transports: a reference to a copy of the options as they are now, or NULL. */
struct options *socket_freeze(struct socket *socket);
int socket_add_attachment(struct socket *socket, struct attachment *attachment,
                          const char *endpoint, bool bound);
void socket_remove_attachment(struct attachment *attachment);

/* The application unbinds or disconnects: closes it, at once or when what is queued has left. */
void socket_end_attachment(struct socket *socket, struct attachment *attachment);
void socket_set_last_endpoint(struct socket *socket, struct attachment *attachment);

/* A peer has gone or sent its last: ends a lingering socket that has nothing left to do. */
void socket_maybe_finish(struct socket *socket);

/* For patterns: begin() of those who just read their peers in turn. */
int socket_begin_fair(struct socket *socket);

/* For those that may meet a ROUTER: sends the empty message of ZMQ_PROBE_ROUTER if that is set. */
void socket_probe(struct socket *socket, struct peer *peer);

/* For XPUB: a note for the application or the device, of one part or more. False: it is lost. */
bool socket_note(struct socket *socket, const void *body, size_t size);
bool socket_note_message(struct socket *socket, const struct run *message);
bool socket_has_many_notes(const struct socket *socket); /* ... for too many wait already */

#endif
