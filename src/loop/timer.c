/* SPDX-License-Identifier: MIT */
/* Timers: see timer.h. The time is read when one is started: that of the turn may be long ago. */
#include "loop/timer.h"

#include "base/clock.h"

int timer_init(struct timer *timer, struct poller *poller)
{
    *timer = (struct timer){.poller = poller};
    int rc = heap_reserve(&poller->timers, poller->timer_count + 1);
    poller->timer_count += rc == 0;
    return rc;
}

void timer_term(struct timer *timer)
{
    timer_stop(timer);
    timer->poller->timer_count--;
}

void timer_start(struct timer *timer, void (*on_due)(struct timer *timer), uint64_t ms)
{
    struct poller *poller = timer->poller;
    uint64_t now_ns = clock_ns();
    if (now_ns <= poller->now_ns)
        now_ns = poller->now_ns + 1; /* not in the present turn */
    uint64_t due_ns = ms < (UINT64_MAX - now_ns) / 1000000 ? now_ns + ms * 1000000 : UINT64_MAX - 1;
    timer_stop(timer);
    timer->on_due = on_due;
    heap_insert(&poller->timers, &timer->node, due_ns);
    poller_due_at(poller, due_ns);
}

void timer_stop(struct timer *timer)
{
    heap_remove(&timer->poller->timers, &timer->node);
}
