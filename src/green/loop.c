/* SPDX-License-Identifier: MIT */
/* The loop: see loop.h. A call enters, does its work under the lock and leaves. If it must wait
 * it goes through loop_wait(), where it leads or follows. Nothing in here fails once the loop is
 * made, but for a follower's eventfd: without one it looks at its descriptors every 10 ms. */
#include "green/loop.h"

#include "base/fd.h"
#include "base/check.h"
#include "base/chunk.h"
#include "base/clock.h"
#include "base/lock_order.h"
#include "base/quiet_thread.h"
#include "green/sigmask.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    STEWARD_TICK_NS = 1000000,
    OUTSIDE_TICK_NS = 100000, /* the same when somebody waits outside */
    GIVE_WAY_MS = 1,
    GIVE_WAY_LONG_MS = 20, /* after a turn that had more to do */
    TURNS_MAX = 8,
    FOLLOW_MS = 3600000,
    BUSY_WORK = 4,     /* reads in a turn, after which the next one comes without a poll */
    BUSY_TURNS = 16,   /* but not more such turns in a row */
    BLIND_POLL_MS = 10 /* who got no bell looks so often */
};

uint64_t loop_clock_ns(void)
{
    return clock_ns();
}

uint64_t loop_deadline_ns(long ms)
{
    uint64_t now = loop_clock_ns();
    if (ms < 0 || (uint64_t)ms > (UINT64_MAX - now) / 1000000u)
        return UINT64_MAX;
    return now + (uint64_t)ms * 1000000u;
}

bool loop_is_over(uint64_t deadline_ns)
{
    return deadline_ns != UINT64_MAX && loop_clock_ns() >= deadline_ns;
}

static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

/* Bells that this thread has promised to ring when it has given the lock back: who is woken wants
 * that first of all. */
struct rings {
    int bells[4];
    unsigned count;
};

static _Thread_local struct rings rings __attribute__((tls_model("initial-exec")));

static void ring_now(int bell)
{
    uint64_t one = 1;
    check(write(bell, &one, sizeof one) == sizeof one);
}

static void ring_late(int bell)
{
    if (rings.count == sizeof rings.bells / sizeof rings.bells[0])
        ring_now(bell);
    else
        rings.bells[rings.count++] = bell;
}

static void ring_all(void)
{
    int error = errno;
    while (rings.count)
        ring_now(rings.bells[--rings.count]);
    errno = error;
}

static void cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ns)
{
    ring_all();
    if (deadline_ns == UINT64_MAX) {
        pthread_cond_wait(cond, lock);
        return;
    }
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                             .tv_nsec = (long)(deadline_ns % 1000000000u)};
    pthread_cond_timedwait(cond, lock, &until);
}

static void give_lock(struct loop *loop)
{
    lock_order_gives(LOCK_CONTEXT);
    pthread_mutex_unlock(&loop->lock);
    if (unlikely(rings.count))
        ring_all();
}

static void take_lock(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    lock_order_taken(LOCK_CONTEXT);
}

/* Then comes what the application's free functions waited for. */
static void unlock(struct loop *loop)
{
    give_lock(loop);
    chunk_release();
}

void loop_enter(struct loop *loop)
{
    if (loop_try_enter(loop))
        return;
    atomic_fetch_add(&loop->queueing, 1);
    take_lock(loop);
    atomic_fetch_sub(&loop->queueing, 1);
    chunk_hold();
}

bool loop_try_enter(struct loop *loop)
{
    if (pthread_mutex_trylock(&loop->lock) != 0)
        return false;
    lock_order_tried(LOCK_CONTEXT);
    chunk_hold();
    return true;
}

/* Ends the poll of a waiter. The bell stays rung until the waiter itself has heard it: nobody
 * else's turn can take the event away. */
void loop_ring(struct waiter *waiter)
{
    if (waiter->leads) {
        if (poller_promise_wake(waiter->leads))
            ring_late(waiter->leads->bell);
        return;
    }
    if (waiter->rung || !waiter->polling || waiter->bell < 0)
        return;
    waiter->rung = true;
    if (waiter->hears)
        ring_late(waiter->bell);
    else
        ring_now(waiter->bell);
}

/* Wakes one of those who sleep, to lead. */
static void call_follower(struct loop *loop)
{
    if (!TAILQ_EMPTY(&loop->followers))
        loop_ring(TAILQ_FIRST(&loop->followers));
}

/* Nobody leads, and there is something to look after. */
static void call_somebody(struct loop *loop)
{
    call_follower(loop);
    if (loop->steward_asleep)
        pthread_cond_signal(&loop->steward_cond);
}

/* Is there something that needs a leader? */
static bool has_matter(const struct loop *loop)
{
    return loop->hurried || poller_is_busy(&loop->poller);
}

void loop_leave(struct loop *loop)
{
    if (loop->outside.waiters)
        outside_update(loop);
    if (loop->giving_way)
        pthread_cond_signal(&loop->way_given);
    if (!loop->leader && has_matter(loop))
        call_somebody(loop);
    unlock(loop);
}

/* A leader that comes back from its poll lets calls of the application in before it goes on,
 * so that a busy device cannot keep them out. */
static void lock_after_poll(struct loop *loop)
{
    take_lock(loop);
    chunk_hold();
    if (!atomic_load(&loop->queueing) || loop->giving_way)
        return;
    loop->giving_way = true;
    long ms = loop->has_more ? GIVE_WAY_LONG_MS : GIVE_WAY_MS;
    cond_wait_until(&loop->way_given, &loop->lock, loop_deadline_ns(ms));
    loop->giving_way = false;
}

static void hear(struct waiter *waiter)
{
    if (!waiter->rung)
        return;
    waiter->rung = false;
    fd_hear_bell(waiter->bell);
}

static void take_bell(struct loop *loop, struct waiter *waiter)
{
    if (loop->spare_bell_count)
        waiter->bell = loop->spare_bells[--loop->spare_bell_count];
    else
        waiter->bell = fd_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

static void give_bell(struct loop *loop, struct waiter *waiter)
{
    if (waiter->bell >= 0 && loop->spare_bell_count < SPARE_BELLS)
        loop->spare_bells[loop->spare_bell_count++] = waiter->bell;
    else if (waiter->bell >= 0)
        close(waiter->bell);
    waiter->bell = -1;
}

void loop_changed(struct loop *loop)
{
    loop->changed = true;
    if (loop->leader)
        loop_ring(loop->leader);
    else
        call_follower(loop);
}

void loop_hurry(struct loop *loop)
{
    loop->hurried = true;
    loop_changed(loop);
    if (!loop->leader && loop->has_steward && !loop->in_turn)
        pthread_cond_signal(&loop->steward_cond);
}

void loop_send_errand(struct loop *loop)
{
    loop->has_errand = true;
    pthread_cond_signal(&loop->steward_cond);
    if (loop->leader && loop->leader->is_steward)
        loop_ring(loop->leader);
}

bool loop_is_attended(const struct loop *loop)
{
    return loop->has_steward || (loop->leader && loop->leader->polling);
}

_Thread_local bool loop_is_lending __attribute__((tls_model("initial-exec")));

static void run_turn(struct loop *loop, struct poller_events *events, bool lends_lock)
{
    bool was_lending = loop_is_lending;
    if (loop->in_turn)
        return;
    loop->in_turn = true;
    loop_is_lending = lends_lock;
    loop->hurried = false;
    for (int turns = 0;; poller_look(&loop->poller, events)) {
        loop->changed = false;
        poller_dispatch(&loop->poller, events);
        loop->has_more = !loop->turn_end(loop->owner);
        if (loop->has_more || !loop->changed || ++turns == TURNS_MAX)
            break;
    }
    loop->in_turn = false;
    loop_is_lending = was_lending;
    if (lends_lock && (!loop->leader || loop->leader->is_steward))
        call_follower(loop); /* it came while the lock was lent, and may lead now */
}

static void look_and_run(struct loop *loop, bool lends_lock)
{
    struct poller_events events;
    if (loop->in_turn)
        return;
    poller_look(&loop->poller, &events);
    run_turn(loop, &events, lends_lock);
}

/* Whoever leads, the steward does it; and calls come in between. */
static void run_errand(struct loop *loop)
{
    loop->has_errand = loop->errand(loop->owner);
    if (loop->changed && !loop->leader)
        look_and_run(loop, true);
    unlock(loop);
    lock_after_poll(loop);
}

void loop_turn(struct loop *loop)
{
    look_and_run(loop, false);
}

void loop_lend_lock(struct loop *loop)
{
    check(loop_is_lending);
    give_lock(loop);
}

void loop_take_lock_back(struct loop *loop)
{
    take_lock(loop);
}

void loop_wait_apart(struct loop *loop, struct poller *poller, struct poller_events *events,
                     int timeout_ms)
{
    loop_leave(loop); /* it may have started what somebody must look after */
    poller_wait(poller, events, timeout_ms, NULL);
    lock_after_poll(loop);
    poller_end_wait(poller);
}

void loop_wake_poller(struct poller *poller)
{
    if (poller_promise_wake(poller))
        ring_late(poller->bell);
}

/* Polls with the lock released: the poller's descriptor if `fd` is that, the bell, and those of the
 * application's that the waiter came with. */
static int poll_unlocked(struct loop *loop, struct waiter *waiter, int fd, int timeout_ms,
                         bool *ready)
{
    *ready = false;
    if (chunk_held.late && chunk_held.first) {
        waiter->woken = true; /* a hub that must find somebody who calls the free functions */
        return 0;
    }
    struct pollfd own[WAITER_FDS], *fds = waiter->fd_count ? waiter->fds : own;
    nfds_t count = waiter->fd_count ? waiter->fd_count : WAITER_FDS;
    fds[0] = (struct pollfd){.fd = fd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = waiter->bell, .events = POLLIN};
    waiter->polling = waiter->hears = true;
    unlock(loop);
    int n = sigmask_poll(fds, count, timeout_ms, waiter->mask);
    int error = errno;
    lock_after_poll(loop);
    waiter->polling = false;
    hear(waiter);
    *ready = n > 0 && fds[0].revents;
    if (n < 0)
        return error == EINTR ? -EINTR : 0;
    if (n > (fds[0].revents != 0) + (fds[1].revents != 0))
        waiter->woken = true;
    return 0;
}

/* The steward has a bell of its own, for the next leader waits before it has come back. */
static int wait_beside_bell(struct loop *loop, struct waiter *waiter, struct poller_events *events,
                            int timeout_ms)
{
    bool ready;
    if (waiter->is_steward && waiter->bell < 0 && (timeout_ms < 0 || timeout_ms > BLIND_POLL_MS))
        timeout_ms = BLIND_POLL_MS;
    int rc = poll_unlocked(loop, waiter, poller_fd(&loop->poller), timeout_ms, &ready);
    if (ready)
        poller_look(&loop->poller, events);
    return rc;
}

static int wait_in_poller(struct loop *loop, struct waiter *waiter, struct poller_events *events,
                          int timeout_ms)
{
    waiter->polling = true;
    unlock(loop);
    int rc = poller_wait(&loop->poller, events, timeout_ms, sigmask_asleep(waiter->mask));
    lock_after_poll(loop);
    waiter->polling = false;
    return rc;
}

/* The leader waits: until the deadline, or until the loop's next timer. */
static int wait_leading(struct loop *loop, struct waiter *waiter, struct poller_events *events,
                        uint64_t deadline_ns)
{
    uint64_t until_ns = loop->changed ? 0 : deadline_ns;
    int timeout_ms = poller_begin_wait(&loop->poller, events, until_ns);
    int rc = waiter->fd_count || waiter->is_steward
                 ? wait_beside_bell(loop, waiter, events, timeout_ms)
                 : wait_in_poller(loop, waiter, events, timeout_ms);
    if (loop->leader == waiter)
        poller_end_wait(&loop->poller);
    return rc;
}

/* Waits, unless the last turn found so much to do that there will be more. */
static int wait_or_go_on(struct loop *loop, struct waiter *waiter, struct poller_events *events,
                         uint64_t deadline_ns, unsigned *turns)
{
    bool busy = loop->work >= BUSY_WORK && ++*turns < BUSY_TURNS;
    loop->work = 0;
    if (busy && !atomic_load(&loop->queueing)) {
        poller_look(&loop->poller, events);
        return 0;
    }
    *turns = 0;
    return wait_leading(loop, waiter, events, deadline_ns);
}

/* Runs the loop until this waiter is woken or another thread takes the lead. */
static int lead(struct loop *loop, struct waiter *waiter, uint64_t deadline_ns)
{
    struct poller_events events;
    int rc = 0;
    unsigned turns = 0;
    loop->leader = waiter;
    waiter->leads = waiter->is_steward ? NULL : &loop->poller;
    if (loop->changed)
        look_and_run(loop, true);
    while (!waiter->woken && loop->leader == waiter && rc == 0 &&
           !(waiter->is_steward && loop->has_errand)) {
        rc = wait_or_go_on(loop, waiter, &events, deadline_ns, &turns);
        run_turn(loop, &events, true);
        if (rc == 0 && !waiter->woken && loop_is_over(deadline_ns))
            rc = -ETIMEDOUT;
    }
    waiter->leads = NULL;
    if (loop->leader == waiter)
        loop->leader = NULL;
    return rc;
}

/* Sleeps while another thread leads. */
static int follow(struct loop *loop, struct waiter *waiter, uint64_t deadline_ns)
{
    uint64_t now = loop_clock_ns();
    uint64_t left_ms = now < deadline_ns ? (deadline_ns - now + 999999) / 1000000 : 0;
    bool ready;
    if (waiter->bell < 0)
        take_bell(loop, waiter);
    uint64_t most_ms = waiter->bell < 0 ? BLIND_POLL_MS : FOLLOW_MS;
    TAILQ_INSERT_TAIL(&loop->followers, waiter, line);
    int rc = poll_unlocked(loop, waiter, -1, (int)(left_ms < most_ms ? left_ms : most_ms), &ready);
    TAILQ_REMOVE(&loop->followers, waiter, line);
    return rc == 0 && !waiter->woken && loop_is_over(deadline_ns) ? -ETIMEDOUT : rc;
}

/* Before it sleeps: perhaps another thread is about to wake it. Not where descriptors must be
 * looked at. */
static void spin_unlocked(struct loop *loop, struct waiter *waiter)
{
    if (waiter->woken || loop->changed || waiter->fd_count || waiter->mask ||
        !spin_begins(&loop->spin))
        return;
    struct spin spin = loop->spin;
    loop_leave(loop);
    spin_for(&spin, &waiter->woken);
    loop_enter(loop);
    spin_ends(&loop->spin, waiter->woken);
}

static int when_woken(uint64_t deadline_ns)
{
    return loop_is_over(deadline_ns) ? -ETIMEDOUT : 0;
}

int loop_wait_here(struct loop *loop, struct waiter *waiter, uint64_t deadline_ns)
{
    int rc = sigmask_wait();
    loop->waits++;
    if (rc == 0)
        spin_unlocked(loop, waiter);
    if (rc == 0 && waiter->woken)
        return when_woken(deadline_ns);
    sigmask_block();
    while (!waiter->woken && rc == 0) {
        /* The steward gives way to any thread of the application. */
        if (loop->in_turn || (loop->leader && !loop->leader->is_steward)) {
            rc = follow(loop, waiter, deadline_ns);
        } else {
            if (loop->leader)
                loop_ring(loop->leader);
            rc = lead(loop, waiter, deadline_ns);
        }
    }
    /* If nobody leads now, the next follower does; or else the steward, see loop_leave(). Within a
     * process there may be nothing to look after. */
    if (!loop->leader && (loop->changed || poller_is_busy(&loop->poller)))
        call_follower(loop);
    give_bell(loop, waiter);
    return rc == 0 ? when_woken(deadline_ns) : rc;
}

/* The steward. It sleeps while another thread leads or there is nothing to look after. When the
 * application has not waited for a tick, it leads until the application wants to. */
static void *steward_run(void *arg)
{
    struct loop *loop = arg;
    struct waiter waiter;
    waiter_init(&waiter);
    waiter.is_steward = true;
    background_apply(loop->background, 0);
    loop_enter(loop);
    take_bell(loop, &waiter);
    uint64_t seen = loop->waits;
    while (!loop->steward_quit) {
        if (chunk_held.first) {
            unlock(loop);
            loop_enter(loop);
        } else if (loop->has_errand) {
            run_errand(loop);
        } else if (loop->leader || !has_matter(loop)) {
            loop->steward_asleep = true;
            cond_wait_until(&loop->steward_cond, &loop->lock, UINT64_MAX);
            loop->steward_asleep = false;
        } else if (loop->waits != seen && !loop->hurried) {
            seen = loop->waits;
            uint64_t tick_ns = loop->outside.waiters ? OUTSIDE_TICK_NS : STEWARD_TICK_NS;
            cond_wait_until(&loop->steward_cond, &loop->lock, loop_clock_ns() + tick_ns);
        } else {
            lead(loop, &waiter, UINT64_MAX);
        }
    }
    give_bell(loop, &waiter);
    unlock(loop);
    return NULL;
}

int loop_start_steward(struct loop *loop, const struct background *background)
{
    loop->background = background;
    int rc = quiet_thread_start(&loop->steward, steward_run, loop);
    loop->has_steward = rc == 0;
    return rc;
}

static void wake_here(struct waiter *waiter)
{
    waiter->woken = true;
    loop_ring(waiter);
}

static void steward_stop(struct loop *loop)
{
    take_lock(loop);
    loop->steward_quit = true;
    pthread_cond_signal(&loop->steward_cond);
    if (loop->leader && loop->leader->is_steward)
        wake_here(loop->leader);
    give_lock(loop);
    pthread_join(loop->steward, NULL);
}

void loop_prepare(struct loop *loop)
{
    pthread_mutex_init(&loop->lock, NULL);
    atomic_init(&loop->queueing, 0);
    cond_init(&loop->way_given);
    cond_init(&loop->steward_cond);
}

int loop_init(struct loop *loop, bool (*turn_end)(void *owner), bool (*errand)(void *owner),
              void *owner)
{
    size_t kept = offsetof(struct loop, poller);
    memset((char *)loop + kept, 0, sizeof *loop - kept);
    loop->turn_end = turn_end;
    loop->errand = errand;
    loop->owner = owner;
    TAILQ_INIT(&loop->followers);
    spin_init(&loop->spin);
    resolver_init(&loop->resolver, &loop->poller);
    return poller_init(&loop->poller);
}

void loop_term(struct loop *loop)
{
    if (loop->has_steward)
        steward_stop(loop);
    loop_enter(loop);
    resolver_term(&loop->resolver);
    poller_term(&loop->poller);
    outside_term(&loop->outside);
    while (loop->spare_bell_count)
        close(loop->spare_bells[--loop->spare_bell_count]);
    unlock(loop);
}
