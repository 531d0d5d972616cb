/* SPDX-License-Identifier: MIT */
/* Binding and connecting: an endpoint's text is parsed and given to its transport. All return 0
 * or a negative errno. */
#ifndef GREENMQ_TRANSPORT_TRANSPORT_H
#define GREENMQ_TRANSPORT_TRANSPORT_H

#include "core/socket.h"

int transport_bind(struct socket *socket, const char *text);
int transport_connect(struct socket *socket, const char *text);

/* -ENOENT: the socket has no such bind or connect. */
int transport_unbind(struct socket *socket, const char *text);
int transport_disconnect(struct socket *socket, const char *text);

#endif
