/* SPDX-License-Identifier: MIT */
/* Somebody who waits in a loop (green/loop.h), on the stack of the one who does. */
#ifndef GREENMQ_GREEN_WAITER_H
#define GREENMQ_GREEN_WAITER_H

#include "base/list.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

struct poller;
struct thread;

struct waiter {
    TAILQ_ENTRY(waiter) line; /* among the followers */
    atomic_bool woken;        /* what it waits for may have come */
    bool polling;             /* it is inside poll(), or about to look at its bell: ring it */
    bool rung, hears;         /* ... and it waits for a ring that was promised */
    bool is_steward;
    struct poller *leads;  /* it waits in this one, whose bell ends that; or NULL */
    struct thread *thread; /* the green thread that waits; NULL for an ordinary one */
    const char *what;      /* it waits for, a word for lists */
    int bell;              /* an eventfd that ends its poll while it does not lead; or -1 */
    struct pollfd *fds;    /* descriptors of the application's that wake it too, behind ours */
    nfds_t fd_count;       /* the WAITER_FDS that are ours included; 0 without any */
    const sigset_t *mask;  /* of signals during its poll; NULL: the thread's own */
};

/* The first places of waiter->fds are for the loop: the poller's descriptor and the bell. */
enum { WAITER_FDS = 2 };

TAILQ_HEAD(waiters, waiter);

static inline void waiter_init(struct waiter *waiter)
{
    *waiter = (struct waiter){.bell = -1, .what = "a context"};
}

/* For one who waits for several loops at once, with a poll of its own on the eventfd `bell`. */
static inline void waiter_init_bell(struct waiter *waiter, int bell)
{
    *waiter = (struct waiter){.bell = bell, .polling = true};
}

#endif
