/* SPDX-License-Identifier: MIT */
/* A lamp: the descriptor of a socket, which ZMQ_FD hands out and foreign event loops wait for. It
 * is lit, that is readable, while a message can be received. It is also lit when something has
 * changed that may concern the application (there is room to send, the context ends) until the
 * application looks: with ZMQ_EVENTS, zmq_poll(), or a call that sends or receives. A socket that
 * is merely writable does not keep it lit.
 *
 *            something came            looked, and nothing is to be received
 *      dark ────────────────> lit ──────────────────────────────────────────> dark
 *
 * That is a level for those who wait for levels. Those who wait for edges get one for all that
 * comes after they looked, as libzmq gives it. A socket whose lamp nobody asked for has none. */
#ifndef GREENMQ_CORE_LAMP_H
#define GREENMQ_CORE_LAMP_H

#include "base/check.h"
#include "core/socket.h"

/* Gives the descriptor of the socket's lamp, which is made at the first time. A negative errno
 * without resources. */
int lamp_descriptor(struct socket *socket);

/* Something has come. The socket has a lamp. */
void lamp_light(struct lamp *lamp);

/* Lights it or puts it out according to the socket, which has one. */
void lamp_show(struct socket *socket);

/* Closes it; those who wait for it are woken a last time. */
void lamp_close(struct socket *socket);

/* The application has looked at the socket. */
static inline void lamp_seen(struct socket *socket)
{
    if (unlikely(socket->lamp != NULL))
        lamp_show(socket);
}

#endif
