/* SPDX-License-Identifier: MIT */
/* What a transport must provide: how a peer's output reaches the far end. One of the three tables
 * of functions in greenmq. All are called under the context's lock and never wait. A peer whose
 * connection is down has no link. */
#ifndef GREENMQ_CORE_LINK_H
#define GREENMQ_CORE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;
struct properties;

struct link {
    bool is_instant; /* a flush is no system call: there is nothing to gain by waiting */

    /* Pushes peer->out onward as far as the far end takes it, and calls peer_sent() for what has
     * left. What remains is pushed later by the transport itself. Does not end the peer: a
     * connection that turns out to be broken is taken down later. */
    void (*flush)(struct peer *peer);

    /* The same in a turn that lends the lock (green/loop.h): it may be released meanwhile, and the
     * peer may be gone afterwards. NULL: flush() does it. */
    void (*flush_lending)(struct peer *peer);

    /* Sends octets at once past an empty peer->out. Returns how many the far end took; 0 when it
     * takes none now, or when the transport does not do this. Never ends the peer. */
    size_t (*write)(struct peer *peer, const uint8_t *data, size_t size);

    /* The socket can take input again that it had refused. Does not end the peer. */
    void (*resume)(struct peer *peer);

    /* Tells the far end about a subscription. 0 or -ENOMEM. */
    int (*subscribe)(struct peer *peer, bool add, const uint8_t *topic, size_t size);

    /* The connection cannot go on, for want of memory: takes it down later, as if it broke. */
    void (*fail)(struct peer *peer);

    /* The peer is going: lets the far end know; does not call back. */
    void (*close)(struct peer *peer);

    /* The far end's address as text into `text`, ends in NUL. */
    void (*describe)(const struct peer *peer, char *text, size_t room);

    /* What the peer's messages tell about it, made anew; NULL without memory. May be NULL: they
     * tell nothing. */
    struct properties *(*introduce)(const struct peer *peer);
};

#endif
