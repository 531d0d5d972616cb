/* SPDX-License-Identifier: MIT */
/* The loop: see loop.h. A call enters, does its work under the lock and leaves. If it must wait
 * it goes through loop_wait(), where it leads or follows. Nothing in here fails once the loop is
 * made, but for a follower's eventfd: without one it looks at its descriptors every 10 ms. */
#include "green/loop.h"

#include "base/check.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { STEWARD_TICK_MS = 1, GIVE_WAY_MS = 1, TURNS_MAX = 8, BLIND_POLL_MS = 10 };

uint64_t loop_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t loop_deadline_ns(long ms)
{
    return ms < 0 ? UINT64_MAX : loop_clock_ns() + (uint64_t)ms * 1000000u;
}

static void cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX) {
        pthread_cond_wait(cond, lock);
        return;
    }
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                             .tv_nsec = (long)(deadline_ns % 1000000000u)};
    pthread_cond_timedwait(cond, lock, &until);
}

static void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attr);
    pthread_condattr_destroy(&attr);
}

void loop_enter(struct loop *loop)
{
    if (pthread_mutex_trylock(&loop->lock) == 0)
        return;
    atomic_fetch_add(&loop->queueing, 1);
    pthread_mutex_lock(&loop->lock);
    atomic_fetch_sub(&loop->queueing, 1);
}

void loop_leave(struct loop *loop)
{
    if (loop->giving_way)
        pthread_cond_signal(&loop->way_given);
    if (loop->steward_asleep && !loop->leader && uv_loop_alive(&loop->uv))
        pthread_cond_signal(&loop->steward_cond);
    pthread_mutex_unlock(&loop->lock);
}

/* A leader that comes back from its poll lets calls of the application in before it goes on,
 * so that a busy device cannot keep them out. */
static void lock_after_poll(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    if (!atomic_load(&loop->queueing) || loop->giving_way)
        return;
    loop->giving_way = true;
    cond_wait_until(&loop->way_given, &loop->lock, loop_deadline_ns(GIVE_WAY_MS));
    loop->giving_way = false;
}

void loop_kick(struct loop *loop)
{
    if (!loop->polling || loop->kicked)
        return;
    loop->kicked = true;
    uv_async_send(&loop->kick);
}

static void on_kick(uv_async_t *kick)
{
    ((struct loop *)kick->data)->kicked = false;
}

void loop_changed(struct loop *loop)
{
    loop->changed = true;
    loop_kick(loop);
}

bool loop_is_attended(const struct loop *loop)
{
    return loop->has_steward || loop->polling > 0;
}

void loop_turn(struct loop *loop)
{
    if (loop->in_turn)
        return;
    loop->in_turn = true;
    int turns = 0;
    do {
        loop->changed = false;
        loop->now_ns = loop_clock_ns();
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        loop->turn_end(loop->owner);
    } while (loop->changed && ++turns < TURNS_MAX);
    loop->in_turn = false;
}

/* How long the leader may poll: until the deadline, or until the loop's next timer. */
static int poll_timeout_ms(struct loop *loop, uint64_t deadline_ns)
{
    if (loop->changed)
        return 0;
    uv_update_time(&loop->uv);
    int timeout = uv_backend_timeout(&loop->uv);
    if (deadline_ns == UINT64_MAX)
        return timeout;
    uint64_t now = loop_clock_ns();
    uint64_t left_ms = now < deadline_ns ? (deadline_ns - now + 999999) / 1000000 : 0;
    if (timeout < 0 || left_ms < (uint64_t)timeout)
        timeout = left_ms > 3600000 ? 3600000 : (int)left_ms;
    return timeout;
}

/* Polls with the lock released: the loop's descriptor, or a follower's, and the waiter's own. */
static int poll_unlocked(struct loop *loop, struct waiter *waiter, int fd, int timeout_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN}, *fds = &one;
    nfds_t count = 1;
    if (waiter->fd_count) {
        fds = waiter->fds;
        fds[0] = one;
        count = waiter->fd_count;
    }
    bool leads = waiter == loop->leader;
    loop->polling += leads;
    pthread_mutex_unlock(&loop->lock);
    int n = poll(fds, count, timeout_ms);
    int error = errno;
    lock_after_poll(loop);
    loop->polling -= leads;
    if (n < 0)
        return error == EINTR ? -EINTR : 0;
    if (n > (fds[0].revents != 0))
        waiter->woken = true;
    return 0;
}

static bool is_over(uint64_t deadline_ns)
{
    return deadline_ns != UINT64_MAX && loop_clock_ns() >= deadline_ns;
}

/* Runs the loop until this waiter is woken or another thread takes the lead. */
static int lead(struct loop *loop, struct waiter *waiter, uint64_t deadline_ns)
{
    int rc = 0;
    loop->leader = waiter;
    if (loop->changed)
        loop_turn(loop);
    while (!waiter->woken && loop->leader == waiter && rc == 0) {
        int timeout_ms = poll_timeout_ms(loop, deadline_ns);
        rc = poll_unlocked(loop, waiter, uv_backend_fd(&loop->uv), timeout_ms);
        loop->turning = waiter;
        loop_turn(loop);
        loop->turning = NULL;
        if (rc == 0 && is_over(deadline_ns))
            rc = -ETIMEDOUT;
    }
    if (loop->leader == waiter)
        loop->leader = NULL;
    return rc;
}

/* Sleeps while another thread leads. */
static int follow(struct loop *loop, struct waiter *waiter, uint64_t deadline_ns)
{
    int rc = 0;
    waiter->following = true;
    TAILQ_INSERT_TAIL(&loop->followers, waiter, line);
    if (!waiter->fd_count) {
        cond_wait_until(&waiter->cond, &loop->lock, deadline_ns);
    } else {
        if (waiter->wake_fd < 0)
            waiter->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        uint64_t now = loop_clock_ns();
        uint64_t left_ms = now < deadline_ns ? (deadline_ns - now + 999999) / 1000000 : 0;
        int blind = waiter->wake_fd < 0 ? BLIND_POLL_MS : 1000;
        rc = poll_unlocked(loop, waiter, waiter->wake_fd,
                           left_ms < (uint64_t)blind ? (int)left_ms : blind);
    }
    TAILQ_REMOVE(&loop->followers, waiter, line);
    waiter->following = false;
    return rc == 0 && is_over(deadline_ns) ? -ETIMEDOUT : rc;
}

static void follower_call(struct waiter *waiter)
{
    uint64_t one = 1;
    if (waiter->wake_fd >= 0 && write(waiter->wake_fd, &one, sizeof one) < 0)
        return; /* it is full, so it is readable */
    pthread_cond_signal(&waiter->cond);
}

int loop_wait(struct loop *loop, struct waiter *waiter, uint64_t deadline_ns)
{
    int rc = 0;
    cond_init(&waiter->cond);
    loop->waits++;
    while (!waiter->woken && rc == 0) {
        /* The steward gives way to any thread of the application. */
        if (loop->leader && !loop->leader->is_steward) {
            rc = follow(loop, waiter, deadline_ns);
        } else {
            if (loop->leader)
                loop_kick(loop);
            rc = lead(loop, waiter, deadline_ns);
        }
    }
    /* If nobody leads now, the next follower does; or else the steward, see loop_leave(). */
    if (!loop->leader && !TAILQ_EMPTY(&loop->followers))
        follower_call(TAILQ_FIRST(&loop->followers));
    if (waiter->wake_fd >= 0)
        close(waiter->wake_fd);
    pthread_cond_destroy(&waiter->cond);
    return waiter->woken ? 0 : rc;
}

void loop_wake(struct loop *loop, struct waiter *waiter)
{
    if (waiter->woken)
        return;
    waiter->woken = true;
    if (waiter->following)
        follower_call(waiter);
    else if (waiter == loop->leader && waiter != loop->turning)
        loop_kick(loop);
}

/* The steward. It sleeps while another thread leads or there is nothing to look after. When the
 * application has not waited for a tick, it leads until the application wants to. */
static void *steward_run(void *arg)
{
    struct loop *loop = arg;
    struct waiter waiter;
    waiter_init(&waiter);
    waiter.is_steward = true;
    pthread_mutex_lock(&loop->lock);
    uint64_t seen = loop->waits;
    while (!loop->steward_quit) {
        if (loop->leader || !uv_loop_alive(&loop->uv)) {
            loop->steward_asleep = true;
            pthread_cond_wait(&loop->steward_cond, &loop->lock);
            loop->steward_asleep = false;
        } else if (loop->waits != seen) {
            seen = loop->waits;
            cond_wait_until(&loop->steward_cond, &loop->lock, loop_deadline_ns(STEWARD_TICK_MS));
        } else {
            lead(loop, &waiter, UINT64_MAX);
        }
    }
    pthread_mutex_unlock(&loop->lock);
    return NULL;
}

int loop_start_steward(struct loop *loop)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are the application's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&loop->steward, NULL, steward_run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    loop->has_steward = rc == 0;
    return -rc;
}

static void steward_stop(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->steward_quit = true;
    loop->changed = true;
    pthread_cond_signal(&loop->steward_cond);
    if (loop->leader && loop->leader->is_steward) {
        loop->leader->woken = true;
        loop_kick(loop);
    }
    pthread_mutex_unlock(&loop->lock);
    pthread_join(loop->steward, NULL);
}

int loop_init(struct loop *loop, void (*turn_end)(void *owner), void *owner)
{
    *loop = (struct loop){.turn_end = turn_end, .owner = owner};
    int rc = uv_loop_init(&loop->uv);
    if (rc < 0)
        return rc;
    rc = uv_async_init(&loop->uv, &loop->kick, on_kick);
    if (rc < 0) {
        uv_loop_close(&loop->uv);
        return rc;
    }
    loop->kick.data = loop;
    uv_unref((uv_handle_t *)&loop->kick);
    TAILQ_INIT(&loop->followers);
    pthread_mutex_init(&loop->lock, NULL);
    cond_init(&loop->way_given);
    cond_init(&loop->steward_cond);
    return 0;
}

void loop_term(struct loop *loop)
{
    if (loop->has_steward)
        steward_stop(loop);
    uv_close((uv_handle_t *)&loop->kick, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop->uv) == 0);
    pthread_cond_destroy(&loop->steward_cond);
    pthread_cond_destroy(&loop->way_given);
    pthread_mutex_destroy(&loop->lock);
}
