/* SPDX-License-Identifier: MIT */
/* The greeting: from a connection's first octet to the point where a mechanism takes over (3.x)
 * or traffic begins (2.0). For session.c alone. */
#ifndef GREENMQ_WIRE_GREETING_H
#define GREENMQ_WIRE_GREETING_H

#include "wire/session.h"

/* Queues what is sent before anything is known of the peer. */
void greeting_start(struct session *session);

/* Returns how many octets were used; 0 when more are needed, and after session_fail(). */
size_t greeting_input(struct session *session, const uint8_t *data, size_t size);

#endif
