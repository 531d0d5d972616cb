/* SPDX-License-Identifier: MIT */
/* How much a turn does. Within a process messages are handed on from one device to the next, and
 * where devices form a ring they come back; if one of them copies, as several, without end. So the
 * work of handing on is counted, and when a turn has done enough the rest stays where it is and
 * has its turn later, after the others.
 *
 * A hand-on can be within another: a copy finds its peer full, and what is there goes on first, to
 * make room. If that is refused, the copy is dropped for want of room. So the outermost ones stop
 * first, between two runs; those within go on for as long again. */
#ifndef GREENMQ_CORE_EFFORT_H
#define GREENMQ_CORE_EFFORT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    EFFORT_TURN = 1 << 13,  /* writes to a peer: a millisecond or two of work */
    EFFORT_INNER = 1 << 14, /* the same, within others; the outermost stop at half of it */
    EFFORT_RUN = 8,         /* so many parts in a run cost as much as a write of a run */
    EFFORT_DEPTH_MAX = 8    /* within each other */
};

struct effort {
    unsigned depth;
    uint64_t spent; /* in writes, ever */
    uint64_t since; /* what was spent when the lock could last be had */
    uint64_t until; /* at which the turn has done enough */
    uint64_t inner; /* spent within others since then */
};

static inline void effort_renew(struct effort *effort)
{
    effort->since = effort->spent;
    effort->until = UINT64_MAX;
    effort->inner = 0;
}

static inline void effort_begin(struct effort *effort)
{
    effort->until = effort->spent + EFFORT_TURN;
    effort->inner = 0;
}

/* The lock was lent in the middle of it, and others may have had a turn of theirs. */
static inline void effort_go_on(struct effort *effort)
{
    if (effort->until == UINT64_MAX)
        effort_begin(effort);
}

/* A run of so many parts is written to so many peers, or handed on. Messages may grow each time
 * that they go round a ring, by the routing ids that are put in front. */
static inline void effort_spend(struct effort *effort, uint64_t writes, uint64_t parts)
{
    uint64_t units = writes * (1 + parts / EFFORT_RUN);
    effort->spent += units;
    if (effort->depth > 1)
        effort->inner += units;
}

/* Must it stop, what is being done? */
static inline bool effort_is_over(const struct effort *effort)
{
    if (effort->depth > 1)
        return effort->inner >= EFFORT_INNER;
    return effort->spent >= effort->until || effort->inner >= EFFORT_INNER / 2;
}

/* Around each hand-on. False: it must not begin now. */
static inline bool effort_enter(struct effort *effort)
{
    if (effort->depth >= EFFORT_DEPTH_MAX)
        return false;
    effort->depth++;
    if (!effort_is_over(effort))
        return true;
    effort->depth--;
    return false;
}

static inline void effort_leave(struct effort *effort)
{
    effort->depth--;
}

#endif
