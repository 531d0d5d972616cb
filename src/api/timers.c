/* SPDX-License-Identifier: MIT */
/* Timers of the public API: a list in the order in which they are due, which runs nothing by
 * itself. The application asks how long to wait, waits as it likes, and has the due ones called.
 *
 * A handler may do anything with its timers: cancel any, add some, even destroy them all. So a
 * timer is put where it is due next before its handler is called, and the list is looked at anew
 * afterwards. Each is called once at most in one zmq_timers_execute(), also with an interval of 0.
 * Wrong handles give EFAULT, unknown timers EINVAL. One thread at a time. */
#include "base/list.h"
#include "green/loop.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <limits.h>
#include <stdalign.h>
#include <stdlib.h>

enum { TIMERS_MAGIC = 0x674d5474 };

struct timer {
    TAILQ_ENTRY(timer) line;
    int id;
    uint64_t interval_ms, due_ms; /* UINT64_MAX: never */
    uint64_t round;               /* that last called it, or in which it was added */
    zmq_timer_fn *handler;
    void *arg;
};

struct timers {
    uint32_t magic;
    int last_id;
    uint64_t round;               /* counts the calls of zmq_timers_execute() */
    unsigned running;             /* of which so many have not returned */
    TAILQ_HEAD(queue, timer) due; /* the next one first; of equals the older */
};

static uint64_t clock_ms(void)
{
    return loop_clock_ns() / 1000000;
}

static bool are_timers(const void *handle)
{
    const struct timers *timers = handle;
    return handle && (uintptr_t)handle % alignof(struct timers) == 0 &&
           timers->magic == TIMERS_MAGIC;
}

static int fail(int error)
{
    errno = error;
    return -1;
}

static struct timer *find(const struct timers *timers, int id)
{
    struct timer *timer;
    TAILQ_FOREACH(timer, &timers->due, line) {
        if (timer->id == id)
            return timer;
    }
    return NULL;
}

/* Most intervals are alike, so most are due last. */
static void schedule(struct timers *timers, struct timer *timer, uint64_t now_ms)
{
    struct timer *before;
    uint64_t due_ms = now_ms + timer->interval_ms;
    timer->due_ms = due_ms < now_ms ? UINT64_MAX : due_ms;
    TAILQ_FOREACH_REVERSE(before, &timers->due, queue, line) {
        if (before->due_ms <= timer->due_ms)
            break;
    }
    if (before)
        TAILQ_INSERT_AFTER(&timers->due, before, timer, line);
    else
        TAILQ_INSERT_HEAD(&timers->due, timer, line);
}

void *zmq_timers_new(void)
{
    struct timers *timers = calloc(1, sizeof *timers);
    if (!timers)
        return NULL;
    timers->magic = TIMERS_MAGIC;
    TAILQ_INIT(&timers->due);
    return timers;
}

int zmq_timers_destroy(void **timers_p)
{
    if (!timers_p || !are_timers(*timers_p))
        return fail(EFAULT);
    struct timers *timers = *timers_p;
    struct timer *timer;
    while ((timer = TAILQ_FIRST(&timers->due))) {
        TAILQ_REMOVE(&timers->due, timer, line);
        free(timer);
    }
    timers->magic = 0;
    if (timers->running == 0)
        free(timers);
    *timers_p = NULL;
    return 0;
}

int zmq_timers_add(void *handle, size_t interval_ms, zmq_timer_fn handler, void *arg)
{
    struct timers *timers = handle;
    if (!are_timers(handle) || !handler)
        return fail(EFAULT);
    struct timer *timer = malloc(sizeof *timer);
    if (!timer)
        return -1;
    *timer = (struct timer){.id = ++timers->last_id,
                            .interval_ms = interval_ms,
                            .round = timers->round,
                            .handler = handler,
                            .arg = arg};
    schedule(timers, timer, clock_ms());
    return timer->id;
}

int zmq_timers_cancel(void *handle, int timer_id)
{
    struct timers *timers = handle;
    if (!are_timers(handle))
        return fail(EFAULT);
    struct timer *timer = find(timers, timer_id);
    if (!timer)
        return fail(EINVAL);
    TAILQ_REMOVE(&timers->due, timer, line);
    free(timer);
    return 0;
}

static int restart(void *handle, int timer_id, const size_t *interval_ms)
{
    struct timers *timers = handle;
    if (!are_timers(handle))
        return fail(EFAULT);
    struct timer *timer = find(timers, timer_id);
    if (!timer)
        return fail(EINVAL);
    if (interval_ms)
        timer->interval_ms = *interval_ms;
    TAILQ_REMOVE(&timers->due, timer, line);
    schedule(timers, timer, clock_ms());
    return 0;
}

int zmq_timers_set_interval(void *timers, int timer_id, size_t interval_ms)
{
    return restart(timers, timer_id, &interval_ms);
}

int zmq_timers_reset(void *timers, int timer_id)
{
    return restart(timers, timer_id, NULL);
}

long zmq_timers_timeout(void *handle)
{
    const struct timers *timers = handle;
    if (!are_timers(handle))
        return fail(EFAULT);
    const struct timer *next = TAILQ_FIRST(&timers->due);
    if (!next)
        return -1;
    uint64_t now_ms = clock_ms();
    if (next->due_ms <= now_ms)
        return 0;
    return next->due_ms - now_ms < LONG_MAX ? (long)(next->due_ms - now_ms) : LONG_MAX;
}

/* The next timer to call, if it is due and was not called in this round yet. All that were called
 * or added in this round are due later than those that are still to come. */
static struct timer *next_due(const struct timers *timers, uint64_t now_ms, uint64_t round)
{
    if (timers->magic != TIMERS_MAGIC) /* a handler has destroyed them */
        return NULL;
    struct timer *timer = TAILQ_FIRST(&timers->due);
    return timer && timer->due_ms <= now_ms && timer->round < round ? timer : NULL;
}

int zmq_timers_execute(void *handle)
{
    struct timers *timers = handle;
    if (!are_timers(handle))
        return fail(EFAULT);
    uint64_t now_ms = clock_ms(), round = ++timers->round;
    struct timer *timer;
    timers->running++;
    while ((timer = next_due(timers, now_ms, round))) {
        timer->round = round;
        TAILQ_REMOVE(&timers->due, timer, line);
        schedule(timers, timer, now_ms);
        timer->handler(timer->id, timer->arg);
    }
    if (--timers->running == 0 && timers->magic != TIMERS_MAGIC)
        free(timers);
    return 0;
}
