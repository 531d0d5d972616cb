/* SPDX-License-Identifier: MIT */
/* A roster: the peers of a socket by routing id, for those patterns that send to the peer that the
 * application names. It is all of socket->state. */
#ifndef GREENMQ_PATTERN_ROSTER_H
#define GREENMQ_PATTERN_ROSTER_H

#include "core/socket.h"

/* The peer of that id, or NULL. */
struct peer *roster_find(const struct socket *socket, const uint8_t *id, size_t size);

/* Gives a peer an id of our own making: a zero octet and 32 bits that no living peer has. 0 or
 * -ENOMEM. */
int roster_name(struct socket *socket, struct peer *peer);

/* Enters a peer under its id, which nobody else has. 0 or -ENOMEM. */
int roster_add(struct socket *socket, struct peer *peer);

/* Takes it out, if it is there: a pattern's detach(). */
void roster_remove(struct socket *socket, struct peer *peer);

/* Puts the id of the peer that is read next in front: a pattern's begin(). */
int roster_begin(struct socket *socket);

#endif
