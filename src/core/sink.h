/* SPDX-License-Identifier: MIT */
/* A sink: what concerns somebody in the engine about a socket. A device puts one on each of its
 * sockets, a monitor on its PAIR. */
#ifndef GREENMQ_CORE_SINK_H
#define GREENMQ_CORE_SINK_H

#include <stddef.h>

struct peer;
struct run;

/* Why somebody is told that a socket has changed. */
enum { EVENT_IN = 1, EVENT_OUT = 2 };

/* Lent to the socket by its owner, who takes it off again. */
struct sink {
    /* Input of a peer; NULL: of the socket's own (XPUB's notes). Returns the octets taken. May be
     * NULL: the input goes to the inboxes. */
    size_t (*deliver)(struct sink *sink, struct peer *peer, const struct run *run);
    /* A peer of the socket can be written to again, or something can be received. */
    void (*changed)(struct sink *sink, int events);
    void (*peer_joined)(struct sink *sink, struct peer *peer);
    void (*peer_left)(struct sink *sink, struct peer *peer);
    /* A connection was refused or cut for `reason`, which is a plain sentence. */
    void (*refused)(struct sink *sink, const char *address, const char *reason);
    void (*closing)(struct sink *sink); /* the context ends, or the socket is closed */
};

#endif
