/* SPDX-License-Identifier: MIT */
/* The order in which locks are taken: a context's before a lane's, and one of each at most. Builds
 * for the tests hold it: a thread that takes one out of turn ends the program. */
#ifndef GREENMQ_BASE_LOCK_ORDER_H
#define GREENMQ_BASE_LOCK_ORDER_H

#include "base/check.h"

enum lock_rank { LOCK_CONTEXT, LOCK_LANE };

#ifdef GREENMQ_TEST

extern _Thread_local unsigned lock_order_held; /* a bit for each rank */

static inline void lock_order_taken(enum lock_rank rank)
{
    check(lock_order_held >> rank == 0);
    lock_order_held |= 1u << rank;
}

static inline void lock_order_gives(enum lock_rank rank)
{
    check(lock_order_held >> rank == 1);
    lock_order_held &= ~(1u << rank);
}

#else

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
