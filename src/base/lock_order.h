/* SPDX-License-Identifier: MIT */
/* The order in which locks are taken: a context's before a lane's, and one of each at most; that of
 * a second context is only tried for. Builds for the tests hold it: a thread that waits for one out
 * of turn ends the program. */
#ifndef GREENMQ_BASE_LOCK_ORDER_H
#define GREENMQ_BASE_LOCK_ORDER_H

#include "base/check.h"

enum lock_rank { LOCK_CONTEXT, LOCK_LANE, LOCK_RANKS };

#ifdef GREENMQ_TEST

extern _Thread_local unsigned lock_order_held[LOCK_RANKS]; /* by this thread */

/* It has not waited for it. */
static inline void lock_order_tried(enum lock_rank rank)
{
    check(!lock_order_held[LOCK_LANE]);
    lock_order_held[rank]++;
}

static inline void lock_order_taken(enum lock_rank rank)
{
    check(!lock_order_held[rank]);
    lock_order_tried(rank);
}

static inline void lock_order_gives(enum lock_rank rank)
{
    check(lock_order_held[rank]);
    lock_order_held[rank]--;
}

#else

static inline void lock_order_tried(enum lock_rank rank)
{
    (void)rank;
}

static inline void lock_order_taken(enum lock_rank rank)
{
    (void)rank;
}

static inline void lock_order_gives(enum lock_rank rank)
{
    (void)rank;
}

#endif

#endif
