/* SPDX-License-Identifier: MIT */
/* A monitor: tells the application what happens to a socket's connections (zmq_socket_monitor(3)).
 *
 *      transport ── monitor_tell() ──> [ waiting ] ──> PAIR of ours ──> inproc ──> PAIR of theirs
 *
 * Each event is a message of two parts: number (16 bits) and value (32 bits) in the byte order of
 * the machine; the endpoint. What the reader does not take, or what comes before there is one,
 * waits; beyond MONITOR_WAITING_MAX the newest is dropped. So nobody ever waits for a reader. */
#ifndef GREENMQ_CORE_MONITOR_H
#define GREENMQ_CORE_MONITOR_H

#include "base/check.h"
#include "core/socket.h"

enum { MONITOR_WAITING_MAX = 1000 };

struct news;

struct monitor {
    struct socket *pair; /* bound to the endpoint that the application chose */
    struct sink sink;    /* on the PAIR: to learn of a reader, and that it has read */
    unsigned events;     /* those that are wanted, ZMQ_EVENT_... */
    TAILQ_HEAD(, news) waiting;
    unsigned waiting_count;
    struct task handing_on; /* what waits */
};

/* Begins to watch `socket`, which has no monitor, through a PAIR that is bound: takes it over. 0 or
 * -ENOMEM; then it is still the caller's. */
int monitor_start(struct socket *socket, struct socket *pair, unsigned events);

/* Ends it with ZMQ_EVENT_MONITOR_STOPPED. The PAIR's endpoint is free at once; what waits is still
 * there for a reader who is connected. */
void monitor_stop(struct socket *socket);

/* Something has happened that monitor_wants(). Only queues: may be called from anywhere. */
void monitor_tell(struct socket *socket, unsigned event, uint32_t value, const char *endpoint);

static inline bool monitor_wants(const struct socket *socket, unsigned event)
{
    return unlikely(socket->monitor != NULL) && (socket->monitor->events & event);
}

#endif
