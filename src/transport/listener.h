/* SPDX-License-Identifier: MIT */
/* A listener: one bind() on tcp or ipc. It accepts connections, holds them during the handshake
 * and then leaves them to their peers. */
#ifndef GREENMQ_TRANSPORT_LISTENER_H
#define GREENMQ_TRANSPORT_LISTENER_H

#include "core/socket.h"
#include "transport/endpoint.h"

/* Binds. Sets the socket's last endpoint. 0 or a negative errno. */
int listener_open(struct socket *socket, const struct endpoint *endpoint);

#endif
