/* SPDX-License-Identifier: MIT */
/* A green thread: a function on a stack of its own, and what others may ask of it.
 *
 *      thread_spawn ──> READY ──> RUNNING ──> ... ──> ENDED ──> joined: its id names nobody
 *                         ^          │
 *                         └─ WAITING <
 *
 * One lock of the process guards who there is: ids, names, ends and joiners.
 * It lives in the hub of the ordinary thread that spawned it, and never leaves it. Its memory
 * returns to a list of threads, not to the system, and an id is never given twice: so a stale id
 * can be told from a good one, from any thread.
 *
 * The stack of an ordinary thread counts as one too, once that thread has asked for anything
 * green; it cannot end here. */
#ifndef GREENMQ_GREEN_THREAD_H
#define GREENMQ_GREEN_THREAD_H

#include "base/heap.h"
#include "base/list.h"
#include "green/exceptions.h"
#include "green/fiber.h"

#include <stdatomic.h>

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_WAITING, THREAD_ENDED };

enum { THREAD_NAME_MAX = 31 };

/* What is to be done when a thread ends; the last comes first. */
struct defer {
    SLIST_ENTRY(defer) line;
    void (*run)(void *arg);
    void *arg;
};

/* A thread that waits for the end of another, on its own stack. */
struct joiner {
    struct thread *thread; /* who waits */
    bool done;
    void *result;
};

struct hub;
struct group;

struct thread {
    void *sp; /* while it does not run */
    struct hub *hub;
    struct stack *stack; /* NULL for an ordinary thread's own */
    struct fiber fiber;
    int error; /* errno, while it does not run */
    struct exceptions exceptions;

    int64_t id;     /* 0 while the memory is free */
    unsigned slot;  /* in the table of all threads */
    uint64_t turns; /* how many threads have had this slot */
    char name[THREAD_NAME_MAX + 1];

    void *(*run)(void *arg);
    void *arg;
    void *result;

    TAILQ_ENTRY(thread) ready_line; /* or that of free ones */
    TAILQ_ENTRY(thread) mail_line;
    TAILQ_ENTRY(thread) all; /* hub->all */
    bool ready;              /* in hub->ready; of the hub's own thread */
    bool mailed;             /* in hub->mail; under hub->lock */

    _Atomic int state;          /* enum thread_state */
    _Atomic(const char *) what; /* it waits for, a word */
    _Atomic uint64_t since_ns;  /* it has been in its state, by the hub's clock */
    struct heap_node timer;     /* in hub->timers while it waits with a deadline */
    uint64_t until_ns;          /* the soonest of its deadline scopes; UINT64_MAX for none */
    void *scope;                /* the innermost, the caller's */
    atomic_bool cancelled;      /* it shall end */
    bool ended;                 /* and buried: its result can be taken */
    bool ends;                  /* it is on its way out */
    unsigned shields;           /* it does not want to hear of that now */
    bool interrupted;           /* an ordinary thread's own: a signal came while it waited */
    bool detached;              /* nobody will join it */
    struct joiner *joiner;      /* who waits for its end */
    SLIST_HEAD(, defer) defers;
    void **locals; /* its values of green-local keys, NULL before the first */
    void (*on_end)(struct thread *thread); /* its group's, once it has ended; must not wait */
    struct group *group;                   /* that it is a member of, or NULL */
    TAILQ_ENTRY(thread) group_line;        /* group->threads */
    LIST_HEAD(, group) groups;             /* that it has open */
};

TAILQ_HEAD(threads, thread);

/* How a thread shall be. */
struct thread_options {
    const char *name;   /* NULL: "thread" */
    size_t stack_bytes; /* 0: STACK_BYTES */
    bool detached;
    void (*on_end)(struct thread *thread);
    struct group *group;
};

/* The calling thread; NULL in an ordinary thread that never asked for anything green. */
struct thread *thread_current(void);

/* The same, but made if need be; NULL without memory. */
struct thread *thread_self(void);

/* A new thread in the hub of the caller. 0 and *made; -ENOMEM, -EAGAIN, -EINVAL. */
int thread_spawn(void *(*run)(void *arg), void *arg, const struct thread_options *options,
                 struct thread **made);

/* Ends the calling green thread. */
_Noreturn void thread_exit(void *result);

/* Waits for its end, and takes its result. -ESRCH: there is none by this id (any more); -EDEADLK:
 * it is the caller, or waits for the caller; -EINVAL: it is detached, an ordinary thread's own, or
 * somebody waits for it already; -ETIMEDOUT, -ETIME, -ECANCELED, -EINTR. */
int thread_join(int64_t id, void **result, uint64_t deadline_ns);

/* Waits until then. 0, -ETIME, -ECANCELED, -EINTR, -ENOMEM. */
int thread_sleep(uint64_t until_ns);

/* Its next blocking call, or the one it is in, gives ECANCELED. 0 or -ESRCH. */
int thread_cancel(int64_t id);
void thread_cancel_all(struct hub *hub);
/* Copies its name. 0 or -ESRCH. */
int thread_name(int64_t id, char *name, size_t room);

/* May a call that blocks go on? 0, -ECANCELED; -EINTR: a signal came, to an ordinary thread's own;
 * and if `scopes`, -ETIME when a scope is over. */
int thread_check(struct thread *thread, bool scopes);

/* The sooner of a deadline and those of its scopes. */
uint64_t thread_until(const struct thread *thread, uint64_t deadline_ns);

/* Visits all threads of the process, under a lock that keeps them in being. */
void thread_for_each(void (*visit)(const struct thread *thread, void *arg), void *arg);
void thread_for_each_hub(void (*visit)(struct hub *hub, void *arg), void *arg);

/* For the hub. */
struct thread *thread_take_own(struct hub *hub);
struct thread *thread_take_idle(struct hub *hub, void (*run)(void *hub));
void thread_release(struct thread *thread);
void thread_bury(struct thread *thread); /* another stack runs now */
void thread_remember_hub(struct hub *hub);
void thread_forget_hub(struct hub *hub);

/* In a forked child: there is nobody but the hub's current thread, if it has one. */
void thread_forget_others(struct hub *mine);

#endif
