/* SPDX-License-Identifier: MIT */
/* A timer of a poller, embedded in what it belongs to. Room for it is taken beforehand, so that to
 * start one cannot fail. All under the lock of the poller's owner. */
#ifndef GREENMQ_LOOP_TIMER_H
#define GREENMQ_LOOP_TIMER_H

#include "loop/poller.h"

struct timer {
    struct heap_node node;
    struct poller *poller;
    void (*on_due)(struct timer *timer);
};

/* 0 or -ENOMEM. */
int timer_init(struct timer *timer, struct poller *poller);

/* Ends it: its memory may go. */
void timer_term(struct timer *timer);

/* Calls back once, in a turn, when so many milliseconds have passed; if it runs, it starts anew.
 * Who waits meanwhile wakes up in time. What it calls may start it again, or end it. */
void timer_start(struct timer *timer, void (*on_due)(struct timer *timer), uint64_t ms);
void timer_stop(struct timer *timer);

static inline bool timer_runs(const struct timer *timer)
{
    return timer->node.place != 0;
}

#endif
