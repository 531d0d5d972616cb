/* SPDX-License-Identifier: MIT */
/* The poller: see poller.h. What epoll keeps for each descriptor is the number of a slot and of the
 * slot's user, so that it never leads to memory that is gone. */
#include "loop/poller.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/fd.h"
#include "loop/fdwatch.h"
#include "loop/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LONGEST_MS = 3600000, SLOTS_MIN = 16 };

#define NO_SLOT UINT32_MAX /* and in an event: the bell */

static int add_bell(struct poller *poller)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = NO_SLOT};
    return epoll_ctl(poller->epoll, EPOLL_CTL_ADD, poller->bell, &event);
}

int poller_init(struct poller *poller)
{
    *poller = (struct poller){.bell = -1, .first_free = NO_SLOT};
    poller->epoll = fd_lift(epoll_create1(EPOLL_CLOEXEC));
    if (poller->epoll >= 0)
        poller->bell = fd_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (poller->bell >= 0 && add_bell(poller) == 0)
        return 0;
    int error = errno;
    poller_term(poller);
    return -error;
}

void poller_term(struct poller *poller)
{
    check(poller->watched == 0);
    if (poller->rung)
        fd_hear_bell(poller->bell);
    if (poller->bell >= 0)
        close(poller->bell);
    if (poller->epoll >= 0)
        close(poller->epoll);
    heap_term(&poller->timers);
    free(poller->slots);
    poller->slots = NULL;
}

/* ---- slots -------------------------------------------------------------------------------- */

static int make_slots(struct poller *poller)
{
    uint32_t room = poller->slot_room ? 2 * poller->slot_room : SLOTS_MIN;
    struct poller_slot *slots = realloc(poller->slots, room * sizeof *slots);
    if (!slots)
        return -ENOMEM;
    poller->slots = slots;
    poller->slot_room = room;
    return 0;
}

int poller_take_slot(struct poller *poller, struct fdwatch *watch, uint32_t *slot)
{
    if (poller->first_free != NO_SLOT) {
        *slot = poller->first_free;
        poller->first_free = poller->slots[*slot].next_free;
    } else {
        if (poller->slot_count == poller->slot_room && make_slots(poller) < 0)
            return -ENOMEM;
        *slot = poller->slot_count++;
        poller->slots[*slot].user = 0;
    }
    poller->slots[*slot].watch = watch;
    return 0;
}

void poller_give_slot(struct poller *poller, uint32_t slot)
{
    poller->slots[slot].watch = NULL;
    poller->slots[slot].user++;
    poller->slots[slot].next_free = poller->first_free;
    poller->first_free = slot;
}

/* ---- waiting ------------------------------------------------------------------------------ */

int poller_begin_wait(struct poller *poller, struct poller_events *events, uint64_t deadline_ns)
{
    uint64_t due_ns = poller_due_ns(poller), till_ns = due_ns < deadline_ns ? due_ns : deadline_ns;
    events->count = 0;
    events->turn = poller->turns;
    poller->waits_till = till_ns ? till_ns : 1;
    if (till_ns == UINT64_MAX)
        return -1;
    uint64_t now_ns = till_ns ? clock_ns() : 0;
    uint64_t left_ns = till_ns > now_ns ? till_ns - now_ns : 0;
    uint64_t left_ms = left_ns / 1000000 + (left_ns % 1000000 != 0);
    return left_ms < LONGEST_MS ? (int)left_ms : LONGEST_MS;
}

int poller_wait(const struct poller *poller, struct poller_events *events, int timeout_ms,
                const sigset_t *mask)
{
    events->count = epoll_pwait(poller->epoll, events->list, POLLER_EVENTS_MAX, timeout_ms, mask);
    if (events->count >= 0)
        return 0;
    events->count = 0;
    return errno == EINTR ? -EINTR : 0;
}

void poller_end_wait(struct poller *poller)
{
    poller->waits_till = 0;
    if (!poller->rung)
        return;
    poller->rung = false;
    fd_hear_bell(poller->bell);
}

bool poller_promise_wake(struct poller *poller)
{
    bool due = poller->waits_till && !poller->rung;
    poller->rung |= due;
    return due;
}

void poller_wake(struct poller *poller)
{
    uint64_t one = 1;
    if (poller_promise_wake(poller))
        check(write(poller->bell, &one, sizeof one) == sizeof one);
}

void poller_look(const struct poller *poller, struct poller_events *events)
{
    poller_wait(poller, events, 0, NULL);
    events->turn = poller->turns;
}

/* ---- a turn ------------------------------------------------------------------------------- */

static struct fdwatch *find(const struct poller *poller, uint64_t key)
{
    uint32_t slot = (uint32_t)key, user = (uint32_t)(key >> 32);
    if (slot >= poller->slot_count || poller->slots[slot].user != user)
        return NULL; /* the bell, or a watch that has ended since */
    return poller->slots[slot].watch;
}

/* What is broken is ready for all that it is watched for. */
static void tell(struct fdwatch *watch, uint32_t found)
{
    uint32_t events = found & (watch->events | EPOLLERR | EPOLLHUP);
    if (events & (EPOLLERR | EPOLLHUP))
        events |= watch->events;
    if (events && watch->events)
        watch->on_ready(watch, events);
}

/* Those that start meanwhile are due later than now_ns, so this comes to an end. */
static void fire(struct poller *poller)
{
    while (poller_due_ns(poller) <= poller->now_ns) {
        struct heap_node *node = heap_first(&poller->timers);
        struct timer *timer = (struct timer *)((char *)node - offsetof(struct timer, node));
        timer_stop(timer);
        timer->on_due(timer);
    }
}

void poller_dispatch(struct poller *poller, struct poller_events *events)
{
    if (events->count && events->turn != poller->turns)
        poller_look(poller, events);
    poller->turns++;
    poller->now_ns = clock_ns();
    for (int i = 0; i < events->count; i++) {
        struct fdwatch *watch = find(poller, events->list[i].data.u64);
        if (watch)
            tell(watch, events->list[i].events);
    }
    fire(poller);
}

void poller_due_at(struct poller *poller, uint64_t due_ns)
{
    if (due_ns < poller->waits_till)
        poller_wake(poller);
}
