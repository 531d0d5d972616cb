/* SPDX-License-Identifier: MIT */
/* Those who wait outside: in a poll of the application's own, for a descriptor that was given to
 * it. They are in none of our calls, so nobody knows that they wait, and somebody must run the loop
 * for them. With a steward that is the steward, which then leads sooner.
 *
 *      steward        eventfd                                what is handed out
 *      no steward     eventfd ─┐
 *                     loop   ──┼── epoll descriptor          what is handed out
 *                     timer  ──┘
 *
 * Without one it is the application itself: the descriptor is readable also when the loop has
 * something to run or its next timer is due, and any call of the application's that looks at what
 * has come runs it. */
#ifndef GREENMQ_GREEN_OUTSIDE_H
#define GREENMQ_GREEN_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct outside {
    unsigned waiters; /* descriptors handed out */
    bool has_timer;   /* once a descriptor was handed out by a loop without a steward */
    int timer;        /* a timerfd, readable from due_ns on */
    uint64_t due_ns;  /* when the loop must run next; 0: never */
};

/* The descriptor to hand out for the eventfd `event`: that itself, or one to be closed besides.
 * -EMFILE, -ENOMEM... without resources; without a steward the kernel lets about 500 descriptors
 * hold the loop's, and 100 of those be in one epoll. Under the lock. */
int outside_add(struct loop *loop, int event);
void outside_remove(struct loop *loop);

/* A call ends while somebody may wait outside: sees that the loop is run when it must be. */
void outside_update(struct loop *loop);

/* The loop ends. */
void outside_term(struct outside *outside);

#endif
