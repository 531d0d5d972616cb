/* SPDX-License-Identifier: MIT */
/* Waiting outside: see outside.h. Without a steward two things are to be kept up at the end of
 * each call: libuv tells the kernel of new descriptors only when it runs, and of its timers never.
 * Nothing in here fails but for want of descriptors, when one is asked for. */
#include "green/outside.h"

#include "base/fd.h"
#include "green/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int open_timer(struct outside *outside)
{
    if (outside->has_timer)
        return 0;
    outside->timer = fd_lift(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (outside->timer < 0)
        return -errno;
    outside->has_timer = true;
    return 0;
}

static int add_to(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* One that is readable when the event is, or when the loop wants to run. */
static int join(struct loop *loop, int event)
{
    int rc = open_timer(&loop->outside);
    if (rc < 0)
        return rc;
    int epoll = fd_lift(epoll_create1(EPOLL_CLOEXEC));
    if (epoll < 0)
        return -errno;
    const int fds[] = {event, uv_backend_fd(&loop->uv), loop->outside.timer};
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = add_to(epoll, fds[i]);
    if (rc == 0)
        return epoll;
    close(epoll);
    return rc == -EINVAL ? -EMFILE : rc; /* the kernel nests so many and no more */
}

int outside_add(struct loop *loop, int event)
{
    int fd = loop->has_steward ? event : join(loop, event);
    loop->outside.waiters += fd >= 0;
    return fd;
}

void outside_remove(struct loop *loop)
{
    loop->outside.waiters--;
}

/* When the loop must run next. libuv's clock may be a millisecond behind the timer's. */
static uint64_t find_due_ms(struct loop *loop)
{
    uv_update_time(&loop->uv);
    int timeout_ms = uv_loop_alive(&loop->uv) ? uv_backend_timeout(&loop->uv) : -1;
    if (loop->changed)
        timeout_ms = 0;
    return timeout_ms < 0 ? 0 : uv_now(&loop->uv) + (uint64_t)timeout_ms + (timeout_ms > 0);
}

static void set_timer(struct outside *outside, uint64_t due_ms)
{
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(due_ms / 1000),
                                           .tv_nsec = (long)(due_ms % 1000 * 1000000)}};
    outside->due_ms = due_ms;
    timerfd_settime(outside->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

void outside_update(struct loop *loop)
{
    if (!loop->outside.has_timer)
        return;
    if (loop->changed && !loop->leader)
        loop_turn(loop);
    uint64_t due_ms = find_due_ms(loop);
    if (due_ms != loop->outside.due_ms)
        set_timer(&loop->outside, due_ms);
}

void outside_term(struct outside *outside)
{
    if (outside->has_timer)
        close(outside->timer);
}
