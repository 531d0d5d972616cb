/* SPDX-License-Identifier: MIT */
/* The hub: see hub.h. A switch goes from one green thread straight to the next; the idle thread,
 * which has a stack of its own, comes between only when none is ready.
 *
 * Nothing in here fails once the hub is made, but for a seat in a further loop: room for timers is
 * reserved with each thread. */
#include "green/hub.h"

#include "base/fd.h"
#include "base/check.h"
#include "base/chunk.h"
#include "green/embed.h"
#include "green/fdwait.h"
#include "green/group.h"
#include "green/local.h"
#include "green/overflow.h"
#include "green/sigmask.h"
#include "green/signals.h"
#include "green/switch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    IDLE_STACK_BYTES = 128 * 1024,
    BELL_AT = WAITER_FDS, /* places in the idle thread's poll */
    EPOLL_AT,
    LOOPS_AT,
    UNATTENDED_NS = 10000000, /* how often to run loops that have no steward */
    UNPOLLED_NS = 1000000,    /* one may go on so long before others' time is looked at */
    FOREVER_MS = 3600000,
    PREFETCH_LINES = 4
};

_Thread_local struct hub *hub_current __attribute__((tls_model("initial-exec")));

static uint64_t now(struct hub *hub)
{
    uint64_t now_ns = loop_clock_ns();
    atomic_store_explicit(&hub->now_ns, now_ns, memory_order_relaxed);
    return now_ns;
}

/* What lists and the watchdog see of a thread; they look from other ordinary threads. */
static inline void set_state(struct thread *thread, enum thread_state state)
{
    atomic_store_explicit(&thread->state, state, memory_order_relaxed);
}

static inline void enter_state(struct thread *thread, enum thread_state state, const char *what)
{
    uint64_t now_ns = atomic_load_explicit(&thread->hub->now_ns, memory_order_relaxed);
    set_state(thread, state);
    atomic_store_explicit(&thread->what, what, memory_order_relaxed);
    atomic_store_explicit(&thread->since_ns, now_ns, memory_order_relaxed);
}

static inline void make_ready(struct hub *hub, struct thread *thread)
{
    if (thread->ready || thread->ends)
        return;
    thread->ready = true;
    TAILQ_INSERT_TAIL(&hub->ready, thread, ready_line);
    if (hub->idler)
        hub->idler->woken = true;
    if (hub->embed)
        embed_ring(hub);
}

void hub_ready(struct hub *hub, struct thread *thread)
{
    make_ready(hub, thread);
}

static void take_mail(struct hub *hub)
{
    struct thread *thread;
    pthread_mutex_lock(&hub->lock);
    while ((thread = TAILQ_FIRST(&hub->mail))) {
        TAILQ_REMOVE(&hub->mail, thread, mail_line);
        thread->mailed = false;
        hub_ready(hub, thread);
    }
    atomic_store_explicit(&hub->has_mail, false, memory_order_relaxed);
    pthread_mutex_unlock(&hub->lock);
}

void hub_read_mail(struct hub *hub)
{
    if (atomic_load_explicit(&hub->has_mail, memory_order_relaxed))
        take_mail(hub);
}

void hub_ring(struct hub *hub)
{
    uint64_t one = 1;
    if (!atomic_exchange(&hub->rung, true))
        check(write(hub->bell, &one, sizeof one) == sizeof one);
}

void hub_wake(struct thread *thread)
{
    struct hub *hub = thread->hub;
    if (hub == hub_current) {
        hub_ready(hub, thread);
        return;
    }
    pthread_mutex_lock(&hub->lock);
    if (!thread->mailed) {
        thread->mailed = true;
        TAILQ_INSERT_TAIL(&hub->mail, thread, mail_line);
        atomic_store_explicit(&hub->has_mail, true, memory_order_relaxed);
        if (hub->asleep || hub->embedded)
            hub_ring(hub);
    }
    pthread_mutex_unlock(&hub->lock);
}

/* The time of some has come. Who has slept for long is in no cache: what its turn will touch first
 * is on its way while the others are looked for. */
static void ring_out(struct hub *hub, uint64_t now_ns)
{
    while (!heap_is_empty(&hub->timers) && heap_first_key(&hub->timers) <= now_ns) {
        struct heap_node *node = heap_first(&hub->timers);
        struct thread *thread = (struct thread *)((char *)node - offsetof(struct thread, timer));
        for (int line = 0; line < PREFETCH_LINES; line++)
            __builtin_prefetch((void *)((uintptr_t)thread->sp + 64u * (unsigned)line), 1);
        __builtin_prefetch(thread->stack, 1);
        heap_remove(&hub->timers, node);
        hub_ready(hub, thread);
    }
}

static void bury(struct hub *hub)
{
    struct thread *ended = hub->ended;
    hub->ended = NULL;
    thread_bury(ended);
}

/* ---- switching: the path that counts ------------------------------------------------------ */

static inline void arrive(struct hub *hub)
{
    fiber_arrive(&hub->current->fiber, &hub->left->fiber);
    hub->credit = HUB_CREDIT;
    if (hub->ended)
        bury(hub);
}

static inline void go_to(struct hub *hub, struct thread *to, bool ends)
{
    struct thread *from = hub->current;
    uint64_t switches = atomic_load_explicit(&hub->switches, memory_order_relaxed) + 1;
    from->error = *hub->error;
    exceptions_change(hub->exceptions, &from->exceptions, &to->exceptions);
    atomic_store_explicit(&hub->current, to, memory_order_relaxed);
    atomic_store_explicit(&hub->switches, switches, memory_order_relaxed);
    set_state(to, THREAD_RUNNING);
    fiber_leave(&from->fiber, &to->fiber, ends);
    hub->left = from;
    switch_stack(&from->sp, to->sp);
    arrive(hub);
    *hub->error = from->error;
}

void hub_switch(struct hub *hub, struct thread *to, bool ends)
{
    go_to(hub, to, ends);
}

void hub_arrived(struct hub *hub)
{
    arrive(hub);
}

static inline struct thread *take_next(struct hub *hub)
{
    if (--hub->until_poll == 0)
        hub_poll(hub);
    hub_read_mail(hub);
    struct thread *next = TAILQ_FIRST(&hub->ready);
    if (!next)
        return hub->idle;
    TAILQ_REMOVE(&hub->ready, next, ready_line);
    next->ready = false;
    return next;
}

struct thread *hub_next(struct hub *hub)
{
    return take_next(hub);
}

static inline void run_another(struct hub *hub, struct thread *self)
{
    struct thread *next = take_next(hub);
    if (next != self) {
        go_to(hub, next, false);
    } else {
        hub->credit = HUB_CREDIT;
        set_state(self, THREAD_RUNNING);
    }
    if (hub->embed && self == hub->own)
        embed_ring(hub); /* the others may have come to wait for something else meanwhile */
}

/* Free functions that were not called by who let go of the memory: now somebody goes on who may
 * wait in them. Not the idle thread, nor anybody between two others: there is nobody who would be
 * suspended. */
static inline void call_free_functions(void)
{
    if (chunk_held.first)
        chunk_free_held();
}

void hub_park(const char *what, uint64_t deadline_ns)
{
    struct hub *hub = hub_current;
    struct thread *self = hub->current;
    if (deadline_ns != UINT64_MAX)
        heap_insert(&hub->timers, &self->timer, deadline_ns);
    enter_state(self, THREAD_WAITING, what);
    run_another(hub, self);
    heap_remove(&hub->timers, &self->timer);
    call_free_functions();
}

void hub_yield(void)
{
    struct hub *hub = hub_current;
    struct thread *self = hub->current;
    enter_state(self, THREAD_READY, "its turn");
    make_ready(hub, self);
    run_another(hub, self);
    call_free_functions();
}

void hub_give_turn(void)
{
    struct hub *hub = hub_current;
    uint64_t looked_ns = atomic_load_explicit(&hub->now_ns, memory_order_relaxed);
    if (loop_clock_ns() - looked_ns > UNPOLLED_NS)
        hub->until_poll = 1; /* the next switch looks at time, descriptors and loops */
    hub_yield();
}

static void turn(struct loop *loop)
{
    if (!loop_try_enter(loop))
        return;
    loop_turn(loop);
    loop_leave(loop);
}

void hub_poll(struct hub *hub)
{
    hub->until_poll = HUB_POLL_EVERY;
    ring_out(hub, now(hub));
    if (hub->fdwait)
        fdwait_look(hub->fdwait);
    bool late = chunk_held.late;
    chunk_held.late = true;
    for (unsigned i = 0; i < hub->seat_count; i++)
        turn(hub->seats[i].loop);
    chunk_held.late = late;
}

/* ---- waiting in loops --------------------------------------------------------------------- */

int hub_sit(struct hub *hub, struct loop *loop)
{
    unsigned i = 0;
    while (i < hub->seat_count && hub->seats[i].loop != loop)
        i++;
    if (i == hub->seat_count) {
        if (i == hub->seat_room) {
            unsigned room = i ? 2 * i : HUB_SEATS;
            struct seat *seats = realloc(hub->seats, room * sizeof *seats);
            if (!seats)
                return -ENOMEM;
            hub->seats = seats;
            hub->seat_room = room;
        }
        hub->seats[hub->seat_count++] = (struct seat){.loop = loop, .outside = -1};
    }
    struct seat seat = hub->seats[i];
    seat.waiters++;
    hub->seats[i] = hub->seats[0];
    hub->seats[0] = seat;
    return 0;
}

void hub_rise(struct hub *hub, struct loop *loop)
{
    unsigned i = 0;
    while (hub->seats[i].loop != loop)
        i++;
    if (--hub->seats[i].waiters)
        return;
    if (hub->seats[i].outside >= 0) {
        outside_remove(loop);
        embed_leave(hub, hub->seats[i].outside);
    }
    hub->seats[i] = hub->seats[--hub->seat_count];
}

/* ---- the idle thread ---------------------------------------------------------------------- */

bool hub_fall_asleep(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->asleep = TAILQ_EMPTY(&hub->mail);
    bool asleep = hub->asleep;
    pthread_mutex_unlock(&hub->lock);
    return asleep;
}

void hub_wake_up(struct hub *hub)
{
    uint64_t rings;
    pthread_mutex_lock(&hub->lock);
    hub->asleep = false;
    if (atomic_load(&hub->rung)) {
        check(read(hub->bell, &rings, sizeof rings) == sizeof rings);
        atomic_store(&hub->rung, false);
    }
    pthread_mutex_unlock(&hub->lock);
}

/* What the idle thread waits for besides the loop at home. Fills fds from BELL_AT on and returns
 * how many they are; *deadline_ns may come closer. */
static nfds_t list_descriptors(struct hub *hub, struct pollfd *fds, uint64_t *deadline_ns)
{
    nfds_t count = LOOPS_AT;
    fds[BELL_AT] = (struct pollfd){.fd = hub->bell, .events = POLLIN};
    fds[EPOLL_AT] = (struct pollfd){.fd = hub->fdwait ? fdwait_fd(hub->fdwait) : -1,
                                    .events = POLLIN};
    for (unsigned i = 1; i < hub->seat_count; i++) {
        struct loop *loop = hub->seats[i].loop;
        if (count < LOOPS_AT + HUB_SEATS)
            fds[count++] = (struct pollfd){.fd = poller_fd(&loop->poller), .events = POLLIN};
        if (!loop->has_steward && now(hub) + UNATTENDED_NS < *deadline_ns)
            *deadline_ns = now(hub) + UNATTENDED_NS;
    }
    return count;
}

/* Waits in the loop that was waited in last. -EINTR after a signal. */
static int wait_in_loop(struct hub *hub, struct pollfd *fds, nfds_t count, uint64_t deadline_ns)
{
    struct loop *home = hub->seats[0].loop;
    struct waiter waiter;
    waiter_init(&waiter);
    waiter.fds = fds;
    waiter.fd_count = count;
    loop_enter(home);
    hub->idler = &waiter;
    waiter.woken = !TAILQ_EMPTY(&hub->ready);
    int rc = waiter.woken ? 0 : loop_wait_here(home, &waiter, deadline_ns);
    hub->idler = NULL;
    loop_leave(home);
    return rc;
}

static int wait_in_poll(struct pollfd *fds, nfds_t count, uint64_t deadline_ns)
{
    uint64_t now_ns = loop_clock_ns();
    uint64_t left_ms = now_ns < deadline_ns ? (deadline_ns - now_ns + 999999) / 1000000 : 0;
    int timeout_ms = left_ms < FOREVER_MS ? (int)left_ms : FOREVER_MS;
    return sigmask_poll(fds + BELL_AT, count - BELL_AT, timeout_ms, NULL) < 0 ? -errno : 0;
}

/* The loops that nobody else may run, but for the one at home: their timers are in no poll, nor are
 * the descriptors that are new to them. */
static void turn_unattended(struct hub *hub)
{
    for (unsigned i = 1; i < hub->seat_count; i++) {
        if (!hub->seats[i].loop->has_steward)
            turn(hub->seats[i].loop);
    }
}

/* A handler has run while all waited. */
static void interrupt_own(struct hub *hub)
{
    if (signals_were_ours() || atomic_load(&hub->own->state) != THREAD_WAITING)
        return;
    hub->own->interrupted = true;
    hub_ready(hub, hub->own);
}

/* Nobody can run: waits until somebody can. */
static void wait_for_all(struct hub *hub)
{
    turn_unattended(hub);
    if (chunk_held.first)
        return;
    struct pollfd fds[LOOPS_AT + HUB_SEATS];
    uint64_t deadline_ns = heap_is_empty(&hub->timers) ? UINT64_MAX : heap_first_key(&hub->timers);
    nfds_t count = list_descriptors(hub, fds, &deadline_ns);
    if (!hub_fall_asleep(hub))
        return;
    atomic_store(&hub->idling, true);
    int rc = hub->seat_count ? wait_in_loop(hub, fds, count, deadline_ns)
                             : wait_in_poll(fds, count, deadline_ns);
    atomic_store(&hub->idling, false);
    watchdog_stir();
    hub_wake_up(hub);
    if (rc == -EINTR || sigmask_admit() == -EINTR)
        interrupt_own(hub);
    for (nfds_t i = LOOPS_AT; i < count; i++) {
        if (fds[i].revents)
            turn(hub->seats[i - LOOPS_AT + 1].loop);
    }
}

/* The same, while signals come in only where that is noticed: in the poll. In a forked child the
 * last green thread has ended. */
static void idle_wait(struct hub *hub)
{
    if (hub->orphan && !atomic_load(&hub->live))
        exit(EXIT_SUCCESS);
    signals_forget();
    bool begun = sigmask_begin();
    sigmask_block();
    wait_for_all(hub);
    sigmask_end(begun);
}

/* Who calls the free functions that wait for it: the ordinary thread's own stack, which waits for
 * something else, or in a forked child, where that is gone, this one. */
static void find_who_frees(struct hub *hub)
{
    if (!hub->orphan) {
        hub_ready(hub, hub->own);
        return;
    }
    chunk_held.late = false;
    chunk_free_held();
    chunk_held.late = true;
}

static void idle_run(void *arg)
{
    struct hub *hub = arg;
    hub_arrived(hub);
    chunk_held.late = true;
    for (;;) {
        hub->until_poll = HUB_POLL_EVERY;
        ring_out(hub, now(hub));
        if (hub->fdwait)
            fdwait_look(hub->fdwait);
        struct thread *next = hub_next(hub);
        if (next != hub->idle) {
            chunk_held.late = false;
            hub_switch(hub, next, false);
            chunk_held.late = true;
        } else if (chunk_held.first) {
            find_who_frees(hub);
        } else {
            idle_wait(hub);
        }
    }
}

/* ---- its life ----------------------------------------------------------------------------- */

static pthread_key_t end_key;
static pthread_once_t end_once = PTHREAD_ONCE_INIT;

static void hub_free(struct hub *hub)
{
    if (hub->idle)
        thread_release(hub->idle);
    if (hub->own) {
        fiber_term_own();
        thread_release(hub->own);
    }
    if (hub->fdwait)
        fdwait_free(hub->fdwait);
    if (hub->embed)
        embed_free(hub->embed);
    if (hub->bell >= 0)
        close(hub->bell);
    overflow_unwatch(hub->fault_stack);
    heap_term(&hub->timers);
    free(hub->seats);
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

/* The ordinary thread ends, and so must its green threads: they are cancelled, and run until they
 * have taken notice. */
static void on_thread_end(void *arg)
{
    struct hub *hub = arg;
    hub_current = hub; /* whatever thread-local storage has gone already */
    hub->closing = true;
    group_close_all(hub->own);
    local_term(hub->own);
    thread_cancel_all(hub);
    while (hub->live)
        hub_park("the end of its green threads", UINT64_MAX);
    thread_forget_hub(hub);
    hub_current = NULL;
    hub_free(hub);
}

static void make_end_key(void)
{
    check(pthread_key_create(&end_key, on_thread_end) == 0);
}

static struct hub *hub_new(void)
{
    struct hub *hub = calloc(1, sizeof *hub);
    if (!hub)
        return NULL;
    TAILQ_INIT(&hub->ready);
    TAILQ_INIT(&hub->mail);
    TAILQ_INIT(&hub->all);
    pthread_mutex_init(&hub->lock, NULL);
    hub->thread = pthread_self();
    hub->error = &errno;
    hub->exceptions = exceptions_here();
    hub->until_poll = HUB_POLL_EVERY;
    hub->credit = HUB_CREDIT;
    hub->bell = fd_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    hub->own = thread_take_own(hub);
    hub->idle = thread_take_idle(hub, idle_run);
    if (hub->bell < 0 || !hub->own || !hub->idle || heap_reserve(&hub->timers, 1) < 0 ||
        pthread_setspecific(end_key, hub) != 0) {
        hub_free(hub);
        return NULL;
    }
    hub->current = hub->own;
    hub->fault_stack = overflow_watch();
    now(hub);
    return hub;
}

struct hub *hub_get(void)
{
    if (hub_current)
        return hub_current;
    pthread_once(&end_once, make_end_key);
    struct hub *hub = hub_new();
    if (!hub)
        return NULL;
    thread_remember_hub(hub);
    hub_current = hub;
    return hub;
}
