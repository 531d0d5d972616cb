/* SPDX-License-Identifier: MIT */
/* Twins: the two peers of a connection within the process. They have one limit in each direction,
 * as in libzmq: the sender's ZMQ_SNDHWM and the receiver's ZMQ_RCVHWM added up, none if either is
 * none. The inbox takes all that the sender's mark lets through. */
#ifndef GREENMQ_CORE_TWIN_H
#define GREENMQ_CORE_TWIN_H

#include "core/peer.h"

/* They are joined, or parted again. */
void twin_join(struct peer *peer, struct peer *other);
void twin_part(struct peer *peer);

/* The marks of the peer's own socket have changed. */
void twin_set_marks(struct peer *peer);

/* Messages have come into the peer's inbox, or were read from it. */
void twin_took(struct peer *peer, uint64_t messages);
void twin_was_read(struct peer *peer);

/* How many messages may be read from the inbox before twin_was_read() has something to tell.
 * UINT64_MAX for no limit, or no twin. */
uint64_t twin_quota(const struct peer *peer);

#endif
