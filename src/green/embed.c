/* SPDX-License-Identifier: MIT */
/* Embedding: see embed.h. Nothing fails once the descriptor is made, but for a loop without a
 * steward that finds no descriptor: that one is then looked at with each run only. */
#include "green/embed.h"

#include "base/fd.h"
#include "base/check.h"
#include "base/chunk.h"
#include "green/fdwait.h"
#include "green/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { ROUNDS_MAX = 64 };

struct embed {
    int epoll, timer;
    bool has_fdwait; /* its descriptor is in ours */
    bool outside;    /* the foreign loop runs, not embed_run() */
};

static int add(const struct embed *embed, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(embed->epoll, EPOLL_CTL_ADD, fd, &event);
}

static struct embed *embed_new(int bell)
{
    struct embed *embed = calloc(1, sizeof *embed);
    if (!embed)
        return NULL;
    embed->epoll = fd_lift(epoll_create1(EPOLL_CLOEXEC));
    embed->timer = fd_lift(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (embed->epoll >= 0 && embed->timer >= 0 && add(embed, embed->timer) == 0 &&
        add(embed, bell) == 0)
        return embed;
    embed_free(embed);
    return NULL;
}

void embed_free(struct embed *embed)
{
    int error = errno;
    if (embed->epoll >= 0)
        close(embed->epoll);
    if (embed->timer >= 0)
        close(embed->timer);
    free(embed);
    errno = error;
}

void embed_ring(struct hub *hub)
{
    if (hub->embed->outside)
        hub_ring(hub);
}

/* The foreign loop may wait now: sees that it will be told of everything. */
static void go_outside(struct hub *hub)
{
    struct embed *embed = hub->embed;
    for (unsigned i = 0; i < hub->seat_count; i++) {
        struct seat *seat = &hub->seats[i];
        if (seat->outside >= 0)
            continue;
        loop_enter(seat->loop);
        seat->outside = outside_add(seat->loop, hub->bell);
        loop_leave(seat->loop);
        if (seat->outside >= 0 && seat->outside != hub->bell)
            add(embed, seat->outside);
    }
    if (hub->fdwait && !embed->has_fdwait)
        embed->has_fdwait = add(embed, fdwait_fd(hub->fdwait)) == 0;
    uint64_t due_ns = heap_is_empty(&hub->timers) ? 0 : heap_first_key(&hub->timers);
    if (!heap_is_empty(&hub->timers) && due_ns == 0)
        due_ns = 1; /* 0 would disarm it */
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(due_ns / 1000000000),
                                           .tv_nsec = (long)(due_ns % 1000000000)}};
    check(timerfd_settime(embed->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0);
    embed->outside = true;
    atomic_store(&hub->idling, true); /* what the foreign loop does is not our business */
    if (!hub_fall_asleep(hub) || !TAILQ_EMPTY(&hub->ready))
        hub_ring(hub);
}

static void come_inside(struct hub *hub)
{
    hub->embed->outside = false;
    atomic_store(&hub->idling, false);
    watchdog_stir();
    hub_wake_up(hub);
}

void embed_leave(const struct hub *hub, int fd)
{
    if (fd >= 0 && fd != hub->bell)
        close(fd);
}

int embed_fd(struct hub *hub)
{
    if (!hub->embed) {
        hub->embed = embed_new(hub->bell);
        if (!hub->embed)
            return -errno;
        pthread_mutex_lock(&hub->lock);
        hub->embedded = true;
        pthread_mutex_unlock(&hub->lock);
        go_outside(hub);
    }
    return hub->embed->epoll;
}

void embed_run(struct hub *hub)
{
    if (hub->embed)
        come_inside(hub);
    hub_poll(hub);
    chunk_free_held();
    hub_read_mail(hub);
    for (int round = 0; round < ROUNDS_MAX && !TAILQ_EMPTY(&hub->ready); round++)
        hub_yield();
    if (hub->embed)
        go_outside(hub);
}
