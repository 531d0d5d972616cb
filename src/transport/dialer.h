/* SPDX-License-Identifier: MIT */
/* A dialer: one connect() on tcp or ipc. It resolves, connects, and connects again whenever the
 * connection is lost, until it is closed. */
#ifndef GREENMQ_TRANSPORT_DIALER_H
#define GREENMQ_TRANSPORT_DIALER_H

#include "core/socket.h"
#include "transport/endpoint.h"

/* Begins to connect; `text` is the endpoint as it was given. 0 or a negative errno. */
int dialer_open(struct socket *socket, const struct endpoint *endpoint, const char *text);

#endif
