/* SPDX-License-Identifier: MIT */
/* A peer: one far end of a socket, with its output, its inbox and its books.
 *
 *   out    pattern ─ peer_write() ─> [ out ] ── link ──> far end
 *   in     pattern <─ recv ── [ in ] <─ peer_deliver() ── transport
 *
 * The peer of an accepted connection lives as long as the connection. The peer of a connect()
 * lives until disconnect, or until its dialer ends: its link comes and goes, and what waits for it
 * stays. A peer closed while its inbox is not empty stays for the reader; then it is only `in`. */
#ifndef GREENMQ_CORE_PEER_H
#define GREENMQ_CORE_PEER_H

#include "base/buffer.h"
#include "base/list.h"
#include "core/io_loop.h"
#include "core/ledger.h"
#include "core/link.h"

#define HASH_NONFATAL_OOM 1 /* an element that has no memory is left with hh.tbl NULL */
#include <uthash.h>

struct attachment;
struct socket;
struct options;

enum { PEER_ID_INLINE = 8, PEER_FLUSH_BYTES = 65536, PEER_DIRECT_MIN = 4096 };

struct peer {
    struct socket *socket;
    const struct link *link;         /* NULL while the connection is down */
    void *far;                       /* the link's: a stream, or the peer at the other end */
    void *owner;                     /* the transport's: the dialer that made it, or NULL */
    const struct attachment *origin; /* of an accepted one: the bind, until that is undone */

    struct buffer out, in;
    uint64_t out_max, in_max;   /* high-water marks, in messages; UINT64_MAX for none */
    uint64_t out_mark, in_mark; /* those of our own socket; the ones above are of twins together */
    uint64_t out_bytes_max;     /* the same in octets; only in a device, where input can be held */

    uint8_t *id; /* routing id: NULL, id_inline or on the heap */
    uint8_t id_size;
    bool id_given; /* by ZMQ_CONNECT_ROUTING_ID: it stays */
    uint8_t id_inline[PEER_ID_INLINE];
    UT_hash_handle by_id; /* ROUTER: in the socket's map */

    bool ready;            /* the handshake is done; false again when the connection is lost */
    bool full;             /* out refused a message since it last had room */
    struct dirty *dirty;   /* the list of those to be flushed in which it is, or NULL */
    struct io_loop *io;    /* that its connection belongs to, or NULL */
    bool flushing;         /* inproc: is handing on what is in out */
    struct socket *feeder; /* whose lane goes into the inbox, or NULL */
    bool held;             /* input was refused; to be resumed */
    bool last_words;       /* what is left of its input goes to the inbox, see peer_last_words() */
    bool in_held;          /* in a device's line of held inputs */
    bool attached;         /* the pattern knows it */
    bool joined;           /* it was ready once */
    bool ending;           /* disconnected by the application; out still leaves */
    bool unbound;          /* what it came by was unbound: it goes when nothing waits in out */
    bool ignored;          /* nothing is received from it any more: see peer_ignore() */
    bool dismissed;        /* sent away: see peer_dismiss() */
    bool closed;           /* only `in` is left, see above */
    bool in_line;          /* in socket->lineup.ready */
    bool in_balance;       /* in socket->lineup.open */
    bool routed;           /* ROUTER: in the map */
    bool conflates;        /* keeps the newest message only, both ways; so since it was opened */
    bool immediate;        /* takes messages only while it is connected; so since it was opened */
    enum leave why;        /* set by who ends it, before peer_close() */
    uint32_t stamp;        /* PUB: the last fan-out that chose it; REQ: the last request to it */
    int32_t over_parts, over_bytes; /* what a message counts more in the books than in `out` */
    void *topics;                   /* XPUB: its subscriptions */
    struct properties *properties;  /* of what it sends, see core/sender.h */

    /* core/twin.h, within a process: */
    struct peer *twin;    /* the other end */
    uint64_t unread;      /* sent, and as far as we have been told not read there */
    uint64_t took, told;  /* received; ... of these the twin knows that they were read */
    uint64_t tells_after; /* ... and is told after so many more */

    uint64_t left_bytes; /* once it is closed: counted in ctx->departed_bytes */
    struct tally received;
    uint64_t probes;  /* messages of ZMQ_PROBE_ROUTER written to it, until a device has seen them */
    uint64_t settled; /* a device's: so many of those forwarded to it await no reply any more */
    struct ledger books; /* forwarded, queued and dropped of what was written to it */

    TAILQ_ENTRY(peer) all; /* socket->peers */
    TAILQ_ENTRY(peer) ready_line;
    TAILQ_ENTRY(peer) open_line;
    TAILQ_ENTRY(peer) dirty_line;
    TAILQ_ENTRY(peer) held_line; /* a device's: inputs that wait */
};

/* A new peer of a socket, attached to its pattern, with the options frozen when it was bound or
 * connected. One that has an owner takes the routing id over that ZMQ_CONNECT_ROUTING_ID has set
 * aside. NULL without memory. */
struct peer *peer_open(struct socket *socket, const struct options *options, void *owner);

/* Gives it a copy of the routing id. 0 or -ENOMEM. */
int peer_set_id(struct peer *peer, const uint8_t *id, size_t size);

/* Takes the high-water marks over: those frozen, or those that the application has just set. */
void peer_set_marks(struct peer *peer, const struct options *options);

/* The connection is up and shaken hands: 0, or a negative errno when the pattern refuses it. */
int peer_ready(struct peer *peer);

/* The connection is lost, and the peer waits for another. */
void peer_lost(struct peer *peer);

/* Ends it, for the reason peer->why. What is queued is dropped, what is in the inbox can still be
 * received. The link's close() is called if it has one. The pointer is dead afterwards. */
void peer_close(struct peer *peer);

/* The pattern shall not use it any more, while its output still leaves. */
void peer_retire(struct peer *peer);

/* Nothing is received from it any more, whatever it has sent or will send. A message whose first
 * parts have been received is received to its end. */
void peer_ignore(struct peer *peer);

/* The application sends it away, by a message that counts as `tally`: what is queued still leaves,
 * nothing is received from it any more, and its connection ends for good. */
void peer_dismiss(struct peer *peer, const struct tally *tally);

void peer_reap(struct peer *peer); /* ends what is left of a closed one when its inbox is empty */

/* Input. Gives a run to the socket, which takes as many messages as it can at once: returns the
 * octets taken. If not all, the transport keeps the rest and reads no more, until the link's
 * resume() is called. */
size_t peer_deliver(struct peer *peer, const struct run *run);

/* The same behind the pattern: to the device or the inbox, for patterns whose deliver() has looked
 * at the run itself. */
size_t peer_take(struct peer *peer, const struct run *run);

/* The same with one message that must be taken, also beyond the limit of the inbox. False without
 * memory. */
bool peer_take_anyway(struct peer *peer, const struct run *message);

/* The far end has closed while the input is held: the inbox takes what is left, beyond its limit,
 * so that the connection can go. False for one that comes again and again, if enough waits. */
bool peer_last_words(struct peer *peer);

/* Do peers that have gone from this socket leave so much that no more should be let in? What those
 * who are there now say yet is bounded by what the system has received. */
bool peer_departed_fill(const struct socket *socket);

/* The inbox has been read from: resumes the input if there is room again. */
void peer_inbox_read(struct peer *peer);

#endif
