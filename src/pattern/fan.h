/* SPDX-License-Identifier: MIT */
/* A fan: the peers that the same messages go to, each a copy. Who has no room loses them. */
#ifndef GREENMQ_PATTERN_FAN_H
#define GREENMQ_PATTERN_FAN_H

#include "core/socket.h"

struct fan {
    struct peer **peers; /* each once */
    size_t count, room;
};

/* False without memory. */
bool fan_add(struct fan *fan, struct peer *peer);

/* Writes a run to all of them and keeps the socket's ledger: copies are counted beyond the first,
 * and what somebody has no room for is dropped for them alone. */
void fan_write(struct socket *socket, const struct fan *fan, const struct run *run,
               const struct prefix *prefix);

/* The same, but false when there is no memory and none has got anything: it can be tried again. */
bool fan_offer(struct socket *socket, const struct fan *fan, const struct run *run,
               const struct prefix *prefix);

/* How many messages all of them have room for; those that have none are marked as full, so that
 * the socket is notified when they have. */
uint64_t fan_room(const struct fan *fan);

void fan_term(struct fan *fan);

#endif
