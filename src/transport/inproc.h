/* SPDX-License-Identifier: MIT */
/* inproc: two sockets of one context, joined under their lock. A connect may come before the
 * bind. No descriptor and no copy of large messages: what leaves one peer's output is the other's
 * input at once. The high-water marks of both ends add up. */
#ifndef GREENMQ_TRANSPORT_INPROC_H
#define GREENMQ_TRANSPORT_INPROC_H

#include "core/socket.h"

/* Is somebody bound to this name? */
bool inproc_is_bound(const struct ctx *ctx, const char *text);

/* 0, -EADDRINUSE or -ENOMEM. `text` is what follows inproc:// in the whole endpoint. */
int inproc_bind(struct socket *socket, const char *text, const char *endpoint);

/* 0 or -ENOMEM. */
int inproc_connect(struct socket *socket, const char *text, const char *endpoint);

#endif
