/* SPDX-License-Identifier: MIT */
/* The two queues in which a socket's peers stand: those with something to read are read in turn
 * (fair queueing), those with room are written to in turn (load balancing). */
#ifndef GREENMQ_CORE_LINEUP_H
#define GREENMQ_CORE_LINEUP_H

#include "core/output.h"

struct lineup {
    struct peers ready; /* their inbox is not empty */
    struct peers open;  /* they can be written to */
};

void lineup_init(struct lineup *lineup);

/* The peer's inbox has become non-empty; puts it last in the line. */
void lineup_add_ready(struct lineup *lineup, struct peer *peer);
void lineup_remove_ready(struct lineup *lineup, struct peer *peer);

/* The first is read: it goes to the end of the line, or out of it if its inbox is empty. */
void lineup_was_read(struct lineup *lineup, struct peer *peer);

void lineup_add_open(struct lineup *lineup, struct peer *peer);
void lineup_remove_open(struct lineup *lineup, struct peer *peer);

/* Spreads a run over the open peers, a message each in turn (all at once when there is one).
 * Returns the octets taken. */
size_t lineup_balance(struct lineup *lineup, const struct run *run, const struct prefix *prefix);

/* For so many messages there is room in any case. */
uint64_t lineup_room(const struct lineup *lineup);

/* Is there a peer with room? Takes those without out of the line. */
bool lineup_has_room(struct lineup *lineup);

#endif
