/* SPDX-License-Identifier: MIT */
/*
 * loop: epoll in a thread, an eventfd to wake it.
 *
 * Callers: flow.c and trips.c put the broker's two sides into one loop or into one each. The
 * thread ends when loop_stop() was called; a system call that fails ends the process.
 */
#include "loop.h"

#include "load.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS = 64 };

void loop_init(struct loop *loop)
{
    memset(loop, 0, sizeof *loop);
    loop->poller = epoll_create1(EPOLL_CLOEXEC);
    loop->waker = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event ask = {.events = EPOLLIN, .data.ptr = NULL};
    if (loop->poller < 0 || loop->waker < 0 ||
        epoll_ctl(loop->poller, EPOLL_CTL_ADD, loop->waker, &ask) != 0)
        load_fail("epoll: %s", strerror(errno));
}

static void control(struct loop *loop, int what, struct watch *watch, uint32_t events)
{
    struct epoll_event ask = {.events = events, .data.ptr = watch};
    if (epoll_ctl(loop->poller, what, watch->fd, &ask) != 0)
        load_fail("epoll: %s", strerror(errno));
    watch->events = events;
}

void loop_add(struct loop *loop, struct watch *watch, uint32_t events)
{
    control(loop, EPOLL_CTL_ADD, watch, events);
}

void loop_ask(struct loop *loop, struct watch *watch, uint32_t events)
{
    if (watch->events != events)
        control(loop, EPOLL_CTL_MOD, watch, events);
}

static void on_waker(struct loop *loop)
{
    uint64_t times;
    if (read(loop->waker, &times, sizeof times) > 0 && loop->on_wake != NULL)
        loop->on_wake(loop);
}

static void *run(void *arg)
{
    struct loop *loop = arg;
    while (!atomic_load_explicit(&loop->stopped, memory_order_relaxed)) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(loop->poller, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct watch *watch = events[i].data.ptr;
            if (watch == NULL)
                on_waker(loop);
            else
                watch->on_event(watch, events[i].events);
        }
    }
    return NULL;
}

void loop_start(struct loop *loop)
{
    int error = pthread_create(&loop->thread, NULL, run, loop);
    if (error != 0)
        load_fail("cannot start a thread: %s", strerror(error));
}

void loop_wake(struct loop *loop)
{
    uint64_t once = 1;
    if (write(loop->waker, &once, sizeof once) < 0 && errno != EAGAIN)
        load_fail("cannot wake a thread: %s", strerror(errno));
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopped, true);
    loop_wake(loop);
    pthread_join(loop->thread, NULL);
}
