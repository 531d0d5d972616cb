/* SPDX-License-Identifier: MIT */
/* Waiting outside: see outside.h. Without a steward two things are to be kept up at the end of
 * each call: a turn that is due is run, and the timerfd is set to the poller's next timer.
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
    const int fds[] = {event, poller_fd(&loop->poller), loop->outside.timer};
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

/* When the loop must run next: 0 for never, which disarms the timer. */
static uint64_t find_due_ns(const struct loop *loop)
{
    uint64_t due_ns = loop->changed ? 1 : poller_due_ns(&loop->poller);
    return due_ns == UINT64_MAX ? 0 : due_ns;
}

static void set_timer(struct outside *outside, uint64_t due_ns)
{
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(due_ns / 1000000000),
                                           .tv_nsec = (long)(due_ns % 1000000000)}};
    outside->due_ns = due_ns;
    timerfd_settime(outside->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

void outside_update(struct loop *loop)
{
    if (!loop->outside.has_timer)
        return;
    if (loop->changed && !loop->leader)
        loop_turn(loop);
    uint64_t due_ns = find_due_ns(loop);
    if (due_ns != loop->outside.due_ns)
        set_timer(&loop->outside, due_ns);
}

void outside_term(struct outside *outside)
{
    if (outside->has_timer)
        close(outside->timer);
}
