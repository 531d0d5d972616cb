/* SPDX-License-Identifier: MIT */
/* For those who open, book and close lanes (core/lane.h), all under the context's lock: the kinds
 * of lanes have files of their own. */
#ifndef GREENMQ_CORE_LANE_END_H
#define GREENMQ_CORE_LANE_END_H

#include "base/tally.h"
#include "core/lane.h"

/* Takes the lane's lock, for as long as another copies one message; lane_leave() gives it back. */
void lane_enter(struct lane *lane);

/* So many messages may be read from an inbox before the far end must hear that there is room. */
uint64_t lane_quota(const struct peer *peer);

/* A stretch of memory for a lane, and how many messages may pass. */
struct lane_grant {
    struct chunk *chunk;
    uint8_t *at;
    size_t size;
    uint64_t messages;
};

/* Opens it. `peer` is whose buffer it leads to or from, or NULL; `named` the peer with whose
 * routing id each message begins, or NULL. */
void lane_open(struct lane *lane, struct peer *peer, const struct peer *named,
               const struct lane_grant *grant);

/* With the lane's lock: takes what has passed since it was last booked, whole messages only.
 * Returns their octets, the last of which is now lane->start. */
size_t lane_settle(struct lane *lane, struct tally *tally);

/* The same, and nothing more may pass. */
size_t lane_shut(struct lane *lane, struct tally *tally);

#endif
