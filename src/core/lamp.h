/* SPDX-License-Identifier: MIT */
/* A lamp: the descriptor of a socket, which ZMQ_FD hands out and foreign event loops wait for. It
 * is lit, that is readable, when something is new: a message, room to send, a peer, the end of the
 * context. The application puts it out by asking for the events, with ZMQ_EVENTS or zmq_poll(),
 * whatever they are; what comes afterwards lights it again. So a loop that has looked and now has
 * other things to do is left in peace, as by libzmq.
 *
 *            something new, or a message received and another one left
 *      dark ─────────────────────────────────────────────────────────────> lit
 *      dark <───────────────────────────────────────────────────────────── lit
 *            asked for the events, or nothing to receive and nothing else new
 *
 * Those who never ask, but send and receive whenever it is readable, may take it for a level: a
 * message that lies there keeps it lit until it is received. Room to send does so for a while:
 * until two calls had nothing to do, for it may have come between a send and a receive. A socket
 * whose lamp nobody asked for has none. */
#ifndef GREENMQ_CORE_LAMP_H
#define GREENMQ_CORE_LAMP_H

#include "base/check.h"
#include "core/socket.h"

/* Gives the descriptor of the socket's lamp, which is made at the first time. A negative errno
 * without resources. */
int lamp_descriptor(struct socket *socket);

/* Something is new, in a direction or both. The socket has a lamp. */
void lamp_light(struct lamp *lamp, int events);

/* Ends it; those who wait for it are woken a last time. The descriptors of the last few that ended
 * stay open for a second, unless the context ends or descriptors are short. */
void lamp_close(struct socket *socket);
void lamp_forget_old(struct ctx *ctx);

/* These are for sockets that have one. */
void lamp_put_out(struct socket *socket, int events);
void lamp_show(struct socket *socket, bool received, bool in_vain);

/* The application asks for events, ZMQ_POLLIN or ZMQ_POLLOUT or both. Comes before they are looked
 * at: what arrives meanwhile is news. */
static inline void lamp_asked(struct socket *socket, int events)
{
    if (unlikely(socket->lamp != NULL))
        lamp_put_out(socket, events);
}

/* It has tried to send or to receive, with this result. */
static inline void lamp_sent(struct socket *socket, int rc)
{
    if (unlikely(socket->lamp != NULL))
        lamp_show(socket, false, rc < 0);
}

static inline void lamp_received(struct socket *socket, int rc)
{
    if (unlikely(socket->lamp != NULL))
        lamp_show(socket, rc >= 0, rc < 0);
}

#endif
