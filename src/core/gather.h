/* SPDX-License-Identifier: MIT */
/* Receiving from several peers without the context's lock. What a socket would receive next, from
 * its peers in turn, is copied to one place, from which a lane (core/lane.h) is read. It stays in
 * the inboxes until the lane is closed, and then what was read is taken out there: so nobody else
 * sees a difference. For a ROUTER the routing ids are among the copies; a SUB gathers what it wants
 * only. */
#ifndef GREENMQ_CORE_GATHER_H
#define GREENMQ_CORE_GATHER_H

#include <stdbool.h>
#include <stdint.h>

struct gather;
struct properties;
struct socket;

/* Opens the socket's lane that receives, if that pays. */
void gather_open(struct socket *socket);

/* Another peer has something: each of the others gives one more message at most. */
void gather_end_soon(struct socket *socket);

/* Closes it. */
void gather_close(struct socket *socket);

/* Of the peer from which message `n` since it was opened is. */
struct properties *gather_properties(const struct gather *gather, uint32_t n);

/* The socket is gone. */
void gather_term(struct socket *socket);

#endif
