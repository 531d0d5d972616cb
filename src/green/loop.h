/* SPDX-License-Identifier: MIT */
/* The loop: a poller under a lock. A context has one, and everything of the context happens under
 * its lock; other threads may serve further pollers under it (loop_wait_apart()).
 *
 * Whoever waits runs the loop. The first thread that must wait becomes the leader: it polls the
 * descriptors with the lock released and then runs what is ready, with the lock held. Others who
 * wait sleep until they are woken. When the leader has what it wanted, it hands over.
 *
 *      leader   poll ──── turn ──── poll ──── turn: done, hands over
 *      waiter   sleep ..................... woken: leads
 *      steward  sleep ........................................ nobody waits for 1 ms: leads
 *
 * The steward is a thread of the loop's own that leads when the application is away. A loop may
 * have none; then nothing moves but in the application's calls. */
#ifndef GREENMQ_GREEN_LOOP_H
#define GREENMQ_GREEN_LOOP_H

#include "base/list.h"
#include "green/background.h"
#include "green/outside.h"
#include "green/spin.h"
#include "green/waiter.h"
#include "loop/resolver.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { SPARE_BELLS = 8 };

struct loop {
    /* These outlive it: who comes too late finds them as they were. */
    pthread_mutex_t lock;
    atomic_uint queueing; /* threads that wait for the lock to make a call */
    pthread_cond_t way_given, steward_cond;

    struct poller poller;
    struct resolver resolver;
    bool giving_way; /* the leader lets those who queue in first */
    struct waiter *leader;
    struct waiters followers;
    int spare_bells[SPARE_BELLS];
    unsigned spare_bell_count;
    bool changed; /* a turn is due: there is something to flush, or to go on with */
    bool in_turn;
    bool hurried;  /* a turn is due at once */
    bool has_more; /* the last turn has left something for the next one */
    unsigned work; /* reads since the leader last looked; those who read count them */

    /* At the end of each turn, under the lock. False: others shall have that before the next. */
    bool (*turn_end)(void *owner);
    bool (*errand)(void *owner); /* see loop_send_errand() */
    void *owner;

    bool has_steward, steward_asleep, steward_quit, has_errand;
    pthread_t steward;
    const struct background *background; /* what the steward is to be like */
    uint64_t waits;                      /* how often a thread of the application has led */
    struct outside outside;
    struct spin spin;
};

/* Prepares memory that is from now on for loops only. */
void loop_prepare(struct loop *loop);

/* Both in prepared memory, the first under the lock: 0 or a negative errno. */
int loop_init(struct loop *loop, bool (*turn_end)(void *owner), bool (*errand)(void *owner),
              void *owner);

/* Gives it a steward, once. Under the lock. 0 or a negative errno. */
int loop_start_steward(struct loop *loop, const struct background *background);

/* Ends the steward and closes the loop, in which nothing is watched any more. Without the lock. */
void loop_term(struct loop *loop);

void loop_enter(struct loop *loop);
bool loop_try_enter(struct loop *loop);
void loop_leave(struct loop *loop);

/* The steward calls loop->errand() under the lock until that says false, whoever leads. */
void loop_send_errand(struct loop *loop);

/* A turn is due: whoever polls begins one. Not needed for descriptors and timers, which are known
 * at once to who polls. */
void loop_changed(struct loop *loop);

/* The same, and a turn is due at once: also the steward comes without waiting for its time. */
void loop_hurry(struct loop *loop);

/* Is somebody there, or soon there, who runs the loop without being called? */
bool loop_is_attended(const struct loop *loop);

/* Runs what is ready now, without waiting. */
void loop_turn(struct loop *loop);

/* Around a system call, so that no call of the application's has to wait for it: others may have
 * the lock meanwhile. Only within a turn for which loop_is_lending, and where nothing on the stack
 * depends on what they may change. Free functions wait until the turn is over. */
extern _Thread_local bool loop_is_lending __attribute__((tls_model("initial-exec")));
void loop_lend_lock(struct loop *loop);
void loop_take_lock_back(struct loop *loop);

/* For a thread that serves another poller under the same lock: waits in it, and wakes it. */
void loop_wait_apart(struct loop *loop, struct poller *poller, struct poller_events *events,
                     int timeout_ms);
void loop_wake_poller(struct poller *poller);

/* Waits until the waiter is woken or one of its descriptors is ready: 0, look and wait again. At
 * the deadline (UINT64_MAX: never) -ETIMEDOUT; -EINTR after a signal; in a green thread -ECANCELED,
 * -ETIME when a deadline scope is over, and -ENOMEM: look, it may have been woken too, but do not
 * wait again. Holds the lock before and after. All that blocks does so here or in hub_park(). */
int loop_wait(struct loop *loop, struct waiter *waiter, uint64_t deadline_ns);

/* The same for the ordinary thread itself: leads the loop if nobody does. */
int loop_wait_here(struct loop *loop, struct waiter *waiter, uint64_t deadline_ns);

void loop_wake(struct loop *loop, struct waiter *waiter);
void loop_ring(struct waiter *waiter); /* ends the poll of an ordinary thread's */

uint64_t loop_clock_ns(void);
bool loop_is_over(uint64_t deadline_ns);

uint64_t loop_deadline_ns(long ms); /* from now; never when negative */

#endif
