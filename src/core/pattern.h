/* SPDX-License-Identifier: MIT */
/* What a pattern must provide: how a socket of its type chooses among its peers. One of the three
 * tables of functions in greenmq. All are called under the context's lock, none may wait, and
 * none keeps what it is lent. A slot that says "may be NULL" may. */
#ifndef GREENMQ_CORE_PATTERN_H
#define GREENMQ_CORE_PATTERN_H

#include "base/buffer.h"

struct socket;
struct peer;

/* How messages that arrive are seen by a device. */
enum inbound {
    INBOUND_PASS,   /* as they come */
    INBOUND_ID,     /* with the peer's routing id in front */
    INBOUND_FILTER, /* only those that pass pattern->wants() */
    INBOUND_RECEIVE /* one by one through begin(), as the application would receive them */
};

enum { ADMIT_PROMISED = 1 };

struct pattern {
    int type; /* ZMQ_PAIR ... */
    enum inbound inbound;
    bool can_receive, can_send; /* else ENOTSUP */
    bool is_plain;              /* what is sent goes as it is to any one peer, at any time */
    bool by_id;                 /* each message begins with the routing id of its peer, both ways */
    bool balances;              /* peers with room stand in socket->lineup.open */

    /* The socket is made: socket->state may be allocated. 0 or -ENOMEM. May be NULL. */
    int (*open)(struct socket *socket);

    /* The socket ends: frees what open() made. All peers are gone. May be NULL. */
    void (*close)(struct socket *socket);

    /* A peer is there that can be written to, connected or not yet. May be NULL. */
    void (*attach)(struct socket *socket, struct peer *peer);

    /* A connection to it is up; again after each loss. May refuse it with a negative errno
     * (-EADDRINUSE: its routing id is taken; -EBUSY: no further peer is wanted). May be NULL. */
    int (*ready)(struct socket *socket, struct peer *peer);

    /* Its connection is lost, and it waits for another. May be NULL. */
    void (*lost)(struct socket *socket, struct peer *peer);

    /* It goes: forget it. Also for one that was never ready. May be NULL. */
    void (*detach)(struct socket *socket, struct peer *peer);

    /* Input, before it reaches inbox or device: takes the run over entirely and returns the
     * octets taken. NULL for patterns that leave it to the socket. */
    size_t (*deliver)(struct socket *socket, struct peer *peer, const struct run *run);

    /* The peer subscribes, or cancels one subscription. NULL: ignored. */
    void (*subscribe)(struct socket *socket, struct peer *peer, bool add, const uint8_t *topic,
                      size_t size);

    /* INBOUND_FILTER: does the application want this message? */
    bool (*wants)(struct socket *socket, const struct run *message);

    /* Positions socket->reading at the next message to be received, and may put parts that come
     * before it into socket->lead. 0, -EAGAIN when there is none, -EFSM out of turn. */
    int (*begin)(struct socket *socket);

    /* The last part of a message was received. May be NULL. */
    void (*end)(struct socket *socket);

    /* May a message that starts with this frame be sent now? 0; ADMIT_PROMISED when whom it is for
     * has room, which it then has whatever happens before the last part; -EAGAIN to wait,
     * -EHOSTUNREACH, -EFSM, -EINVAL. Asked once a message, before its first part is taken. */
    int (*admit)(struct socket *socket, const struct frame *first);

    /* So many messages, whatever they are, are sure to be admitted and to be taken by route().
     * NULL: that cannot be said. */
    uint64_t (*room)(struct socket *socket);

    /* Output: hands each message of the run, with the prefix in front of it, to the peers it is
     * for. Takes as many as it can and returns the octets taken; the rest must wait until a peer
     * has room again. What goes nowhere is taken and dropped with its reason in
     * socket->ledger. */
    size_t (*route)(struct socket *socket, const struct run *run, const struct prefix *prefix);

    /* Could a message be sent (an answer of true may still meet -EAGAIN for a given first frame)?
     * Could one be received? NULL: socket->lineup answers. */
    bool (*can_send_now)(struct socket *socket);
    bool (*can_receive_now)(struct socket *socket);

    /* In lock step, for a device: will the answer that is due to us not come any more? And: the one
     * that we owe will not be given; true if one was owed. May be NULL. */
    bool (*has_lost)(struct socket *socket);
    bool (*forgo)(struct socket *socket);

    /* An option of the pattern's own. -EINVAL: not mine. May be NULL. */
    int (*set_option)(struct socket *socket, int option, const void *value, size_t size);
};

#endif
