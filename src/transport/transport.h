/* SPDX-License-Identifier: MIT */
/* Binding and connecting: an endpoint's text is parsed and given to its transport. All return 0
 * or a negative errno; -EPROTONOSUPPORT also for a tcp or ipc endpoint of a socket whose options
 * ask for PLAIN or CURVE. */
#ifndef GREENMQ_TRANSPORT_TRANSPORT_H
#define GREENMQ_TRANSPORT_TRANSPORT_H

#include "core/socket.h"

int transport_bind(struct socket *socket, const char *text);
int transport_connect(struct socket *socket, const char *text);

/* Ends all that was bound or connected by this text: zmq_unbind() and zmq_disconnect() are one in
 * libzmq. -ENOENT: there is nothing. */
int transport_end(struct socket *socket, const char *text);

#endif
