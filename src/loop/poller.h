/* SPDX-License-Identifier: MIT */
/* A poller: an epoll set of watched descriptors, and timers. It has no thread and no lock of its
 * own: its owner has a lock, under which all of this is called but for poller_wait().
 *
 *      under the lock    poller_begin_wait()     how long, at the longest
 *      without           poller_wait()           sleeps, and fills the caller's array of events
 *      under the lock    poller_end_wait()
 *                        poller_dispatch()       calls those whose events they are, and due timers
 *
 * One thread waits at a time. Meanwhile others may do everything else, a turn of their own with
 * poller_look() included. So events are not of memory but of a slot and of who had it then: a watch
 * that has ended since is passed over, and its memory may be used again at once.
 *
 * Not libuv: that aborts the process where there is no memory for a descriptor that is accepted,
 * asks for a turn before a handle may be freed, and is polled and changed by one thread only. Here
 * all that can fail says so to its caller. */
#ifndef GREENMQ_LOOP_POLLER_H
#define GREENMQ_LOOP_POLLER_H

#include "base/heap.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

enum { POLLER_EVENTS_MAX = 256 /* at a time; what more is ready comes next */ };

struct poller_slot {
    struct fdwatch *watch; /* NULL: it is free */
    uint32_t user;         /* how many watches have left it */
    uint32_t next_free;
};

struct poller {
    int epoll;
    int bell; /* an eventfd in the set, which ends a wait */
    struct poller_slot *slots;
    uint32_t slot_count, slot_room, first_free;
    uint32_t watched;    /* descriptors that are in the set, without the bell */
    struct heap timers;  /* that run, by when they are due */
    size_t timer_count;  /* all that there are: so much room the heap has */
    uint64_t now_ns;     /* when the present turn began */
    uint32_t turns;      /* so far */
    uint64_t waits_till; /* the end of the present wait; 0: nobody waits */
    bool rung;
};

/* What a wait has found. */
struct poller_events {
    int count;
    uint32_t turn; /* poller->turns of then */
    struct epoll_event list[POLLER_EVENTS_MAX];
};

/* 0, -EMFILE, -ENFILE or -ENOMEM. */
int poller_init(struct poller *poller);

/* All watches have ended. Timers need not: they never fire again. */
void poller_term(struct poller *poller);

/* Is anything watched, or does a timer run? Else only poller_wake() ends a wait. */
static inline bool poller_is_busy(const struct poller *poller)
{
    return poller->watched || !heap_is_empty(&poller->timers);
}

static inline bool poller_is_waited_in(const struct poller *poller)
{
    return poller->waits_till != 0;
}

/* When the next timer is due; UINT64_MAX for never. */
static inline uint64_t poller_due_ns(const struct poller *poller)
{
    return heap_is_empty(&poller->timers) ? UINT64_MAX : heap_first_key(&poller->timers);
}

/* A descriptor that is readable when there are events, for somebody else's poll. */
static inline int poller_fd(const struct poller *poller)
{
    return poller->epoll;
}

/* Somebody is going to wait until a timer is due, but no longer than till `deadline_ns`. Returns
 * the timeout in milliseconds for poller_wait(), or for another poll that has poller_fd(). */
int poller_begin_wait(struct poller *poller, struct poller_events *events, uint64_t deadline_ns);

/* Waits. The only function for which the lock is not held. 0, or -EINTR after a signal. `mask` is
 * that of signals during the wait, NULL for the thread's own. */
int poller_wait(const struct poller *poller, struct poller_events *events, int timeout_ms,
                const sigset_t *mask);

void poller_end_wait(struct poller *poller);

/* Ends the wait that is under way, if there is one. The second leaves it to the caller, if true, to
 * write to poller->bell, without the lock: the wait does not end before that. */
void poller_wake(struct poller *poller);
bool poller_promise_wake(struct poller *poller);

/* What is ready now, without waiting. */
void poller_look(const struct poller *poller, struct poller_events *events);

/* A turn: what was found is told to those who watch, then timers fire that are due. What was found
 * before another turn is looked up again. */
void poller_dispatch(struct poller *poller, struct poller_events *events);

/* For fdwatch.c: a slot for a watch. -ENOMEM. */
int poller_take_slot(struct poller *poller, struct fdwatch *watch, uint32_t *slot);
void poller_give_slot(struct poller *poller, uint32_t slot);

/* For timer.c: a timer starts that is due then. */
void poller_due_at(struct poller *poller, uint64_t due_ns);

#endif
