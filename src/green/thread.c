/* SPDX-License-Identifier: MIT */
/* Green threads: see thread.h. An id is the number of the thread's place in a table, and above it
 * how many have had that place. The table grows by blocks that are never given back.
 *
 * The end of a thread has two halves: on its own stack it does what was deferred and switches
 * away for the last time; who runs next buries it, and only then do others hear of its end. */
#include "green/thread.h"

#include "base/check.h"
#include "base/fork.h"
#include "green/group.h"
#include "green/hub.h"
#include "green/local.h"
#include "green/switch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 1024, /* threads */
    BLOCKS = 16384,
    SLOT_BITS = 24,
    IDLE_STACK_BYTES = 128 * 1024
};

/* Guards the table, and of each thread: id, name, ended, joiner, detached, hub->all. Inside it
 * hub->lock may be taken. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(lock)
static struct thread *blocks[BLOCKS];
static unsigned block_count;
static struct threads free_threads = TAILQ_HEAD_INITIALIZER(free_threads);
static LIST_HEAD(, hub) hubs = LIST_HEAD_INITIALIZER(hubs);

/* ---- who there is ------------------------------------------------------------------------- */

static bool add_block(void)
{
    if (block_count == BLOCKS)
        return false;
    struct thread *block = calloc(BLOCK, sizeof *block);
    if (!block)
        return false;
    for (unsigned i = 0; i < BLOCK; i++) {
        block[i].slot = block_count * BLOCK + i;
        TAILQ_INSERT_TAIL(&free_threads, &block[i], ready_line);
    }
    blocks[block_count++] = block;
    return true;
}

/* A cleared thread with an id. */
static struct thread *take(struct hub *hub)
{
    if (TAILQ_EMPTY(&free_threads) && !add_block())
        return NULL;
    struct thread *thread = TAILQ_FIRST(&free_threads);
    TAILQ_REMOVE(&free_threads, thread, ready_line);
    unsigned slot = thread->slot;
    uint64_t turns = thread->turns + 1;
    *thread = (struct thread){.slot = slot, .turns = turns, .hub = hub, .until_ns = UINT64_MAX};
    thread->id = (int64_t)(turns << SLOT_BITS | slot);
    return thread;
}

static void release(struct thread *thread)
{
    thread->id = 0;
    TAILQ_INSERT_HEAD(&free_threads, thread, ready_line);
}

static struct thread *find(int64_t id)
{
    unsigned slot = (unsigned)id & ((1u << SLOT_BITS) - 1);
    if (id <= 0 || slot / BLOCK >= block_count)
        return NULL;
    struct thread *thread = &blocks[slot / BLOCK][slot % BLOCK];
    return thread->id == id ? thread : NULL;
}

static void set_name(struct thread *thread, const char *name)
{
    snprintf(thread->name, sizeof thread->name, "%s", name ? name : "thread");
}

void thread_release(struct thread *thread)
{
    if (thread->stack) {
        fiber_term(&thread->fiber);
        stack_give(thread->stack);
    }
    pthread_mutex_lock(&lock);
    release(thread);
    pthread_mutex_unlock(&lock);
}

struct thread *thread_take_own(struct hub *hub)
{
    pthread_mutex_lock(&lock);
    struct thread *own = take(hub);
    pthread_mutex_unlock(&lock);
    if (!own)
        return NULL;
    set_name(own, "main");
    own->state = THREAD_RUNNING;
    own->detached = true;
    fiber_init(&own->fiber, NULL);
    return own;
}

struct thread *thread_take_idle(struct hub *hub, void (*run)(void *hub))
{
    struct stack *stack = stack_take(IDLE_STACK_BYTES);
    if (!stack)
        return NULL;
    pthread_mutex_lock(&lock);
    struct thread *idle = take(hub);
    pthread_mutex_unlock(&lock);
    if (!idle) {
        stack_give(stack);
        return NULL;
    }
    set_name(idle, "idle");
    idle->stack = stack;
    idle->detached = true;
    idle->sp = switch_prepare(stack->room + stack->size, run, hub);
    fiber_init(&idle->fiber, stack);
    return idle;
}

void thread_remember_hub(struct hub *hub)
{
    pthread_mutex_lock(&lock);
    LIST_INSERT_HEAD(&hubs, hub, line);
    TAILQ_INSERT_TAIL(&hub->all, hub->own, all);
    pthread_mutex_unlock(&lock);
}

void thread_forget_hub(struct hub *hub)
{
    pthread_mutex_lock(&lock);
    TAILQ_REMOVE(&hub->all, hub->own, all);
    LIST_REMOVE(hub, line);
    pthread_mutex_unlock(&lock);
}

/* Their ids name nobody any more; their memory stays behind with what they hold. */
static void forget_threads(struct hub *hub, const struct thread *but)
{
    struct thread *thread, *next;
    TAILQ_FOREACH_SAFE(thread, &hub->all, all, next) {
        if (thread == but)
            continue;
        TAILQ_REMOVE(&hub->all, thread, all);
        thread->id = 0;
    }
}

void thread_forget_others(struct hub *mine)
{
    struct hub *hub, *next;
    LIST_FOREACH_SAFE(hub, &hubs, line, next) {
        forget_threads(hub, hub == mine ? mine->current : NULL);
        if (hub != mine)
            LIST_REMOVE(hub, line);
    }
    if (!mine)
        return;
    mine->current->joiner = NULL;
    mine->current->group = NULL; /* who awaits it there is not here */
    mine->current->on_end = NULL;
}

void thread_for_each(void (*visit)(const struct thread *thread, void *arg), void *arg)
{
    struct hub *hub;
    struct thread *thread;
    pthread_mutex_lock(&lock);
    LIST_FOREACH(hub, &hubs, line) {
        TAILQ_FOREACH(thread, &hub->all, all) {
            visit(thread, arg);
        }
    }
    pthread_mutex_unlock(&lock);
}

void thread_for_each_hub(void (*visit)(struct hub *hub, void *arg), void *arg)
{
    struct hub *hub;
    pthread_mutex_lock(&lock);
    LIST_FOREACH(hub, &hubs, line) {
        visit(hub, arg);
    }
    pthread_mutex_unlock(&lock);
}

struct thread *thread_current(void)
{
    return hub_current ? hub_current->current : NULL;
}

struct thread *thread_self(void)
{
    struct hub *hub = hub_get();
    return hub ? hub->current : NULL;
}

int thread_name(int64_t id, char *name, size_t room)
{
    pthread_mutex_lock(&lock);
    struct thread *thread = find(id);
    if (thread)
        snprintf(name, room, "%s", thread->name);
    pthread_mutex_unlock(&lock);
    return thread ? 0 : -ESRCH;
}

/* Only its ordinary thread writes it. */
static unsigned count_live(struct hub *hub, int by)
{
    unsigned live = atomic_load_explicit(&hub->live, memory_order_relaxed) + (unsigned)by;
    atomic_store_explicit(&hub->live, live, memory_order_relaxed);
    return live;
}

/* ---- life --------------------------------------------------------------------------------- */

static void begin(void *arg)
{
    struct thread *self = arg;
    hub_arrived(self->hub);
    thread_exit(self->run(self->arg));
}

/* Takes a thread and makes it known, with all that others may ask of it. NULL without memory. */
static struct thread *introduce(struct hub *hub, struct stack *stack,
                                const struct thread_options *options)
{
    pthread_mutex_lock(&lock);
    struct thread *thread = take(hub);
    if (thread) {
        set_name(thread, options->name);
        thread->stack = stack;
        thread->detached = options->detached;
        thread->what = "its first turn";
        thread->since_ns = hub->now_ns;
        TAILQ_INSERT_TAIL(&hub->all, thread, all);
    }
    pthread_mutex_unlock(&lock);
    return thread;
}

int thread_spawn(void *(*run)(void *arg), void *arg, const struct thread_options *options,
                 struct thread **made)
{
    struct hub *hub = hub_get();
    if (!hub || heap_reserve(&hub->timers, hub->live + 2) < 0)
        return -ENOMEM;
    struct stack *stack = stack_take(options->stack_bytes);
    if (!stack)
        return -errno;
    struct thread *thread = introduce(hub, stack, options);
    if (!thread) {
        stack_give(stack);
        return -ENOMEM;
    }
    thread->run = run;
    thread->arg = arg;
    thread->on_end = options->on_end;
    thread->group = options->group;
    thread->sp = switch_prepare(stack->room + stack->size - stack->colour, begin, thread);
    fiber_init(&thread->fiber, stack);
    count_live(hub, 1);
    hub_ready(hub, thread);
    watchdog_stir();
    *made = thread;
    return 0;
}

static void run_defers(struct thread *self)
{
    struct defer *defer;
    self->shields++;
    while ((defer = SLIST_FIRST(&self->defers))) {
        SLIST_REMOVE_HEAD(&self->defers, line);
        defer->run(defer->arg);
        free(defer);
    }
}

void thread_exit(void *result)
{
    struct thread *self = thread_current();
    struct hub *hub = self->hub;
    self->result = result;
    self->scope = NULL;
    self->until_ns = UINT64_MAX;
    run_defers(self);
    group_close_all(self);
    local_term(self);
    self->ends = true; /* from here on nothing makes it ready */
    if (self->ready) {
        TAILQ_REMOVE(&hub->ready, self, ready_line);
        self->ready = false;
    }
    hub->ended = self;
    hub_switch(hub, hub_next(hub), true);
    check(false); /* nobody switches to it any more */
    abort();
}

/* A letter may still have come after its last look. */
static void drop_mail(struct thread *thread)
{
    struct hub *hub = thread->hub;
    if (!thread->mailed)
        return;
    pthread_mutex_lock(&hub->lock);
    TAILQ_REMOVE(&hub->mail, thread, mail_line);
    thread->mailed = false;
    pthread_mutex_unlock(&hub->lock);
}

void thread_bury(struct thread *thread)
{
    struct hub *hub = thread->hub;
    struct stack *stack = thread->stack;
    fiber_term(&thread->fiber);
    if (thread->on_end)
        thread->on_end(thread);
    pthread_mutex_lock(&lock);
    drop_mail(thread);
    atomic_store(&thread->state, THREAD_ENDED);
    thread->ended = true;
    thread->stack = NULL;
    TAILQ_REMOVE(&hub->all, thread, all);
    if (thread->joiner) {
        thread->joiner->done = true;
        thread->joiner->result = thread->result;
        hub_wake(thread->joiner->thread);
    }
    if (thread->joiner || thread->detached)
        release(thread);
    pthread_mutex_unlock(&lock);
    stack_give(stack);
    if (count_live(hub, -1) == 0 && hub->closing)
        hub_ready(hub, hub->own);
}

/* ---- joining ------------------------------------------------------------------------------ */

/* Would `self` wait for its own end? Each waits for one at most. */
static bool is_circle(const struct thread *self, const struct thread *thread)
{
    const struct joiner *joiner = self->joiner;
    while (joiner && joiner->thread != thread)
        joiner = joiner->thread->joiner;
    return joiner || self == thread;
}

/* The first look, under the lock. 1: it waits from now on. */
static int join_or_wait(struct joiner *joiner, int64_t id, void **result)
{
    struct thread *thread = find(id);
    if (!thread)
        return -ESRCH;
    if (is_circle(joiner->thread, thread))
        return -EDEADLK;
    if (thread->detached || thread->joiner)
        return -EINVAL;
    if (!thread->ended) {
        thread->joiner = joiner;
        return 1;
    }
    *result = thread->result;
    release(thread);
    return 0;
}

/* Waits until it has ended, or may not wait any longer. */
static int await_end(struct joiner *joiner, int64_t id, uint64_t deadline_ns)
{
    int rc = 0;
    for (;;) {
        pthread_mutex_lock(&lock);
        if (joiner->done)
            rc = 0;
        else if (rc < 0)
            find(id)->joiner = NULL;
        bool over = joiner->done || rc < 0;
        pthread_mutex_unlock(&lock);
        if (over)
            return rc;
        hub_park("gmq_join", thread_until(joiner->thread, deadline_ns));
        rc = thread_check(joiner->thread, true);
        if (rc == 0 && deadline_ns != UINT64_MAX && loop_clock_ns() >= deadline_ns)
            rc = -ETIMEDOUT;
    }
}

int thread_join(int64_t id, void **result, uint64_t deadline_ns)
{
    struct joiner joiner = {.thread = thread_self()};
    if (!joiner.thread)
        return -ENOMEM;
    int rc = thread_check(joiner.thread, true);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&lock);
    rc = join_or_wait(&joiner, id, &joiner.result);
    pthread_mutex_unlock(&lock);
    if (rc > 0)
        rc = await_end(&joiner, id, deadline_ns);
    if (rc == 0 && result)
        *result = joiner.result;
    return rc;
}

/* ---- cancelling --------------------------------------------------------------------------- */

static void cancel(struct thread *thread)
{
    atomic_store(&thread->cancelled, true);
    hub_wake(thread);
}

int thread_cancel(int64_t id)
{
    pthread_mutex_lock(&lock);
    struct thread *thread = find(id);
    if (thread && !thread->ended)
        cancel(thread);
    pthread_mutex_unlock(&lock);
    return thread ? 0 : -ESRCH;
}

void thread_cancel_all(struct hub *hub)
{
    struct thread *thread;
    pthread_mutex_lock(&lock);
    TAILQ_FOREACH(thread, &hub->all, all) {
        if (thread != hub->own)
            cancel(thread);
    }
    pthread_mutex_unlock(&lock);
}

uint64_t thread_until(const struct thread *thread, uint64_t deadline_ns)
{
    return thread->until_ns < deadline_ns ? thread->until_ns : deadline_ns;
}

int thread_sleep(uint64_t until_ns)
{
    struct thread *self = thread_self();
    int rc = self ? thread_check(self, true) : -ENOMEM;
    while (rc == 0 && loop_clock_ns() < until_ns) {
        hub_park("gmq_sleep", thread_until(self, until_ns));
        rc = thread_check(self, true);
    }
    return rc;
}

int thread_check(struct thread *thread, bool scopes)
{
    if (atomic_load_explicit(&thread->cancelled, memory_order_relaxed) && !thread->shields)
        return -ECANCELED;
    if (thread->interrupted) {
        thread->interrupted = false;
        return -EINTR;
    }
    if (scopes && thread->until_ns != UINT64_MAX && loop_clock_ns() >= thread->until_ns)
        return -ETIME;
    return 0;
}
