/* SPDX-License-Identifier: MIT */
/* The hub of an ordinary thread: it holds its green threads and runs them in turn.
 *
 *      hub_park():  the caller waits ──> next of hub->ready ──> ... ──> somebody wakes the caller
 *                                └─ none: the idle thread waits for all of them together
 *
 * When no green thread can run, the idle thread waits as any ordinary thread waits: in the loop of
 * a context that one of them waits for, which it leads if nobody does; or else in a poll. Its poll
 * also holds the hub's bell, rung by other ordinary threads, and an epoll descriptor for those that
 * wait for descriptors.
 *
 * All but hub->lock, mail and what the lock guards belong to the one ordinary thread. */
#ifndef GREENMQ_GREEN_HUB_H
#define GREENMQ_GREEN_HUB_H

#include "green/loop.h"
#include "green/thread.h"
#include "green/watchdog.h"

enum { HUB_SEATS = 8, HUB_POLL_EVERY = 64, HUB_CREDIT = 256 };

/* A loop in which green threads of the hub wait. */
struct seat {
    struct loop *loop;
    unsigned waiters;
    int outside; /* what green/outside.h has given for it while the hub is embedded; or -1 */
};

struct hub {
    struct thread *own;               /* the ordinary thread's stack */
    _Atomic(struct thread *) current; /* who runs */
    struct thread *idle;              /* runs when nobody else can */
    struct thread *left;              /* who ran before */
    struct threads ready;
    struct heap timers;
    struct thread *ended;          /* its stack can go once another runs */
    atomic_uint live;              /* green threads that have not ended, without own and idle */
    atomic_bool idling;            /* nobody runs */
    pthread_t thread;              /* the ordinary thread */
    int *error;                    /* its errno */
    struct exceptions *exceptions; /* what C++ keeps for it; NULL without C++ */
    struct watched watched;        /* the watchdog's */
    unsigned until_poll;           /* switches before I/O is looked at again */
    unsigned credit;               /* calls that one may make before others have a turn */
    _Atomic uint64_t switches;
    _Atomic uint64_t now_ns; /* when it last looked at the clock */

    struct seat *seats; /* the one waited in last comes first */
    unsigned seat_count, seat_room;
    struct waiter *idler; /* the idle thread's, while it waits in a loop */
    struct embed *embed;  /* somebody else's loop waits for it; or NULL */
    void *fault_stack;    /* for handlers of signals, see overflow.h; or NULL */
    void *fault_escape;   /* where a fault of overflow_survives() goes; or NULL */
    bool orphan;          /* in a forked child: its own stack is gone */
    bool closing;         /* the ordinary thread ends */

    pthread_mutex_t lock; /* guards what follows */
    struct threads mail;  /* woken by other ordinary threads */
    atomic_bool has_mail;
    bool asleep;   /* letters must be announced with the bell */
    bool embedded; /* always, because nobody knows when it sleeps */
    int bell;      /* an eventfd */
    atomic_bool rung;

    struct fdwait *fdwait; /* those that wait for descriptors; NULL before the first */
    struct threads all;    /* its threads, own included, idle not; under the lock of thread.c */
    LIST_ENTRY(hub) line;  /* of all hubs; under the same */
};

/* The calling thread's; NULL if it has none. */
extern _Thread_local struct hub *hub_current __attribute__((tls_model("initial-exec")));

/* The same, but made if need be. NULL without memory or descriptors. */
struct hub *hub_get(void);

/* The calling green thread waits until it is woken, or by the deadline at the latest. It may also
 * come back for no reason. `what` names it in lists. */
void hub_park(const char *what, uint64_t deadline_ns);

/* Lets all others that are ready run first. */
void hub_yield(void);

/* The same for one who has run for long: also those run whose time has come meanwhile. */
void hub_give_turn(void);

/* Wakes a thread, from any ordinary thread. It is in hub_park(), or its next one ends at once. */
void hub_wake(struct thread *thread);

/* Runs `to` instead of the caller, which goes on when somebody switches to it; who comes onto a
 * fresh stack calls hub_arrived() first. For thread.c. */
void hub_switch(struct hub *hub, struct thread *to, bool ends);
void hub_arrived(struct hub *hub);

/* The next that is ready, taken off the line; the idle thread if there is none. */
struct thread *hub_next(struct hub *hub);

/* Adds one to those that are ready, if it is not there. */
void hub_ready(struct hub *hub, struct thread *thread);

/* Looks at time, letters, descriptors and loops without waiting. */
void hub_poll(struct hub *hub);

/* One of its threads waits in this loop, or no more. The first gives 0 or -ENOMEM. */
int hub_sit(struct hub *hub, struct loop *loop);
void hub_rise(struct hub *hub, struct loop *loop);

/* The ordinary thread is about to wait: from here on letters ring the bell. False: there is one.
 * And the bell is silent again. */
bool hub_fall_asleep(struct hub *hub);
void hub_wake_up(struct hub *hub);
void hub_ring(struct hub *hub);

/* Takes the letters out of hub->mail. */
void hub_read_mail(struct hub *hub);

/* Has the calling thread been told to end? Then a call that may wait does not begin. */
static inline bool hub_is_cancelled(void)
{
    const struct hub *hub = hub_current;
    return hub && atomic_load_explicit(&hub->current->cancelled, memory_order_relaxed) &&
           !hub->current->shields;
}

/* A call that could serve itself without waiting: others get a turn now and then. */
static inline void hub_breathe(void)
{
    struct hub *hub = hub_current;
    if (hub && --hub->credit == 0)
        hub_give_turn();
}

#endif
