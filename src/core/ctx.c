/* SPDX-License-Identifier: MIT */
/* Contexts: see ctx.h. A context is made empty; its steward comes with the first socket.
 * It ends in zmq_ctx_term(), which waits for the sockets.
 *
 * Its memory goes back to a list of contexts, not to the system, so that a call with a context
 * that has ended, or with a socket of one, finds a mark instead of somebody else's memory. */
#include "core/ctx.h"

#include "base/check.h"
#include "base/fork.h"
#include "base/random.h"
#include "core/lamp.h"
#include "core/shortage.h"
#include "core/socket.h"
#include "green/sigmask.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <limits.h>
#include <stdalign.h>
#include <stdlib.h>

enum { SETTLE_ROUNDS = 64 };

static pthread_mutex_t free_lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(free_lock)
static LIST_HEAD(, ctx) free_contexts = LIST_HEAD_INITIALIZER(free_contexts);

/* fork(): the child must not touch what belongs to its parent. */
static atomic_uint fork_generation;

static void in_child(void)
{
    atomic_fetch_add(&fork_generation, 1);
    lane_forked();
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

static struct ctx *take_free(void)
{
    pthread_mutex_lock(&free_lock);
    struct ctx *ctx = LIST_FIRST(&free_contexts);
    if (ctx)
        LIST_REMOVE(ctx, all);
    pthread_mutex_unlock(&free_lock);
    if (ctx || !(ctx = malloc(sizeof *ctx)))
        return ctx;
    atomic_init(&ctx->magic, 0);
    atomic_init(&ctx->fork_generation, 0);
    loop_prepare(&ctx->loop);
    return ctx;
}

static void give_back(struct ctx *ctx)
{
    pthread_mutex_lock(&free_lock);
    LIST_INSERT_HEAD(&free_contexts, ctx, all);
    pthread_mutex_unlock(&free_lock);
}

static bool settle(struct ctx *ctx);

static bool on_turn_end(void *owner)
{
    return settle(owner);
}

/* The loop's own thread routes what is staged. True: it shall come again. */
static bool on_errand(void *owner)
{
    struct ctx *ctx = owner;
    bool again = stage_attend(ctx);
    (void)ctx_flush_instant(ctx);
    if (!TAILQ_EMPTY(&ctx->dirty.peers) && ctx->loop.leader)
        loop_changed(&ctx->loop);
    else if (!TAILQ_EMPTY(&ctx->dirty.peers))
        ctx->loop.changed = true;
    return again;
}

/* Fresh or used, all of it but what stays. */
static int begin(struct ctx *ctx)
{
    static atomic_uint_fast64_t serial;
    size_t kept = offsetof(struct ctx, serial);
    memset((char *)ctx + kept, 0, sizeof *ctx - kept);
    ctx->serial = atomic_fetch_add(&serial, 1) + 1;
    ctx->io_threads = 1;
    ctx->max_sockets = ZMQ_MAX_SOCKETS_DFLT;
    ctx->max_msgsz = INT_MAX;
    ctx->blocky = ctx->zero_copy_recv = 1;
    atomic_store(&ctx->fork_generation, atomic_load(&fork_generation));
    background_init(&ctx->background);
    LIST_INIT(&ctx->sockets);
    TAILQ_INIT(&ctx->dirty.peers);
    TAILQ_INIT(&ctx->tasks);
    TAILQ_INIT(&ctx->staged);
    effort_renew(&ctx->effort);
    random_fill(&ctx->next_routing_id, sizeof ctx->next_routing_id);
    int rc = shortage_init(ctx);
    if (rc == 0)
        rc = idle_init(&ctx->idle, &ctx->loop.poller);
    if (rc == 0)
        rc = timer_init(&ctx->old_lamps_end, &ctx->loop.poller);
    if (rc == 0)
        atomic_store(&ctx->magic, CTX_MAGIC);
    return rc;
}

int ctx_new(struct ctx **made)
{
    struct ctx *ctx = take_free();
    if (!ctx)
        return -ENOMEM;
    loop_enter(&ctx->loop);
    int rc = loop_init(&ctx->loop, on_turn_end, on_errand, ctx);
    bool has_loop = rc == 0;
    if (rc == 0)
        rc = begin(ctx);
    loop_leave(&ctx->loop);
    if (rc < 0) {
        if (has_loop)
            loop_term(&ctx->loop);
        give_back(ctx);
        return rc;
    }
    *made = ctx;
    return 0;
}

/* One I/O thread needs no loop of its own. The tests are run with others in its place, too. */
static unsigned count_io_loops(const struct ctx *ctx)
{
#ifdef GREENMQ_TEST
    const char *instead = getenv("GREENMQ_TEST_IO_THREADS");
    if (ctx->io_threads == 1 && instead)
        return (unsigned)atoi(instead);
#endif
    return ctx->io_threads > 1 ? (unsigned)ctx->io_threads : 0;
}

int ctx_start(struct ctx *ctx)
{
    if (ctx->started)
        return 0;
    unsigned io_loops = count_io_loops(ctx);
    int rc = io_loops ? io_loops_start(ctx, io_loops) : 0;
    if (rc == 0 && ctx->io_threads > 0)
        rc = loop_start_steward(&ctx->loop, &ctx->background);
    if (rc < 0)
        io_loops_stop(ctx);
    ctx->started = rc == 0;
    return rc;
}

int ctx_enter(struct ctx *ctx)
{
    if (!ctx || (uintptr_t)ctx % alignof(struct ctx) != 0 ||
        atomic_load_explicit(&ctx->magic, memory_order_acquire) != CTX_MAGIC)
        return -EFAULT;
    if (atomic_load_explicit(&ctx->fork_generation, memory_order_relaxed) !=
        atomic_load_explicit(&fork_generation, memory_order_relaxed))
        return -ETERM;
    loop_enter(&ctx->loop);
    if (atomic_load_explicit(&ctx->magic, memory_order_relaxed) == CTX_MAGIC)
        return 0;
    loop_leave(&ctx->loop); /* it has ended while we waited for the lock */
    return -EFAULT;
}

bool ctx_flush_instant(struct ctx *ctx)
{
    struct peer *peer, *next;
    TAILQ_FOREACH_SAFE(peer, &ctx->dirty.peers, dirty_line, next) {
        if (!peer->link || !peer->link->is_instant)
            continue;
        return settle(ctx);
    }
    return true;
}

/* Output leaves at once when the context was quiet, after a look at what has come: the connection
 * may be gone. In a burst it is left to who runs the loop, so that many messages leave together;
 * and so it is when there are many peers, for who sends must not do the work of all. */
static void flush_or_leave_it(struct ctx *ctx)
{
    enum { QUIET_NS = 50000, PEERS_AT_ONCE = 2 };
    bool many = ctx->dirty.count > PEERS_AT_ONCE;
    if (!loop_is_attended(&ctx->loop) || (!many && loop_clock_ns() - ctx->flushed_ns > QUIET_NS)) {
        loop_turn(&ctx->loop);
        ctx->flushed_ns = loop_clock_ns();
    } else if (many) {
        loop_hurry(&ctx->loop);
    } else {
        loop_changed(&ctx->loop); /* whoever polls next, or polls now, begins with a turn */
    }
}

void ctx_leave(struct ctx *ctx)
{
    bool goes_on = TAILQ_EMPTY(&ctx->tasks) || settle(ctx);
    bool staged = !TAILQ_EMPTY(&ctx->staged); /* then the loop's own thread is about to come */
    if (goes_on && !staged && ctx_flush_instant(ctx) && !TAILQ_EMPTY(&ctx->dirty.peers))
        flush_or_leave_it(ctx);
    loop_leave(&ctx->loop);
}

void ctx_later(struct ctx *ctx, struct task *task)
{
    if (task->queued)
        return;
    task->queued = true;
    TAILQ_INSERT_TAIL(&ctx->tasks, task, line);
}

void ctx_flush(struct peer *peer)
{
    const struct link *link = peer->link;
    if (loop_is_lending && link->flush_lending)
        link->flush_lending(peer);
    else
        link->flush(peer);
}

/* As many as there were: those that are dirty again meanwhile have their turn in the next round.
 * False: enough has been done; but what makes no work for others has left. */
bool ctx_flush_dirty(struct ctx *ctx, struct dirty *dirty)
{
    struct peer *peer;
    unsigned count = dirty->count;
    effort_begin(&ctx->effort);
    while (count-- && (peer = TAILQ_FIRST(&dirty->peers))) {
        peer_unmark_dirty(peer);
        if (!peer->link || !peer->ready)
            continue;
        ctx_flush(peer);
        if (loop_is_lending)
            effort_go_on(&ctx->effort);
    }
    return !effort_is_over(&ctx->effort);
}

static bool is_settled(const struct ctx *ctx)
{
    return TAILQ_EMPTY(&ctx->tasks) && TAILQ_EMPTY(&ctx->dirty.peers);
}

/* False: enough has been done. Then the next one has its turn first. */
static bool run_tasks(struct ctx *ctx, int *rounds)
{
    struct task *task;
    if (TAILQ_EMPTY(&ctx->tasks))
        return true;
    effort_begin(&ctx->effort);
    while ((task = TAILQ_FIRST(&ctx->tasks)) && (*rounds)++ < SETTLE_ROUNDS) {
        TAILQ_REMOVE(&ctx->tasks, task, line);
        task->queued = false;
        task->run(task);
        if (effort_is_over(&ctx->effort))
            return false;
    }
    return true;
}

/* False: enough has been done, and what is left must wait until others have had the lock. Tasks
 * do not take from what there is for the dirty peers, nor these from the tasks. */
static bool settle(struct ctx *ctx)
{
    int rounds = 0;
    bool goes_on;
    uint64_t until = ctx->effort.spent + EFFORT_TURN;
    do {
        stage_route_all(ctx);
        goes_on = run_tasks(ctx, &rounds);
        goes_on = ctx_flush_dirty(ctx, &ctx->dirty) && goes_on && ctx->effort.spent < until;
    } while (goes_on && !is_settled(ctx) && rounds++ < SETTLE_ROUNDS);
    goes_on = goes_on && ctx->effort.spent - ctx->effort.since < EFFORT_TURN;
    effort_renew(&ctx->effort);
    if (!is_settled(ctx))
        loop_hurry(&ctx->loop); /* the rest comes in the next turn, after the others' input */
    idle_look(&ctx->idle);
    return goes_on;
}

void ctx_settle(struct ctx *ctx)
{
    (void)settle(ctx);
}

struct chunk *ctx_scratch(struct ctx *ctx, struct io_loop *io)
{
    struct chunk **scratch = io ? &io->scratch : &ctx->scratch;
    if (*scratch && chunk_refs(*scratch) == 1)
        return *scratch;
    if (*scratch)
        chunk_unref(*scratch);
    return *scratch = chunk_new(CTX_SCRATCH_BYTES);
}

void ctx_close_lanes(struct ctx *ctx)
{
    struct socket *socket;
    LIST_FOREACH(socket, &ctx->sockets, all) {
        lane_close_all(socket);
    }
}

void ctx_shutdown(struct ctx *ctx)
{
    struct socket *socket;
    ctx->shutting_down = true;
    LIST_FOREACH(socket, &ctx->sockets, all) {
        if (socket->sink)
            socket->sink->closing(socket->sink);
        lane_close_all(socket);
        socket_notify(socket, EVENT_IN | EVENT_OUT);
        ctx_later(ctx, &socket->finish); /* a lingering one may have nothing to wait for now */
    }
}

void ctx_socket_gone(struct ctx *ctx)
{
    if (ctx->terminator && LIST_EMPTY(&ctx->sockets))
        loop_wake(&ctx->loop, ctx->terminator);
}

static void ctx_free(struct ctx *ctx)
{
    loop_enter(&ctx->loop);
    io_loops_stop(ctx);
    lamp_forget_old(ctx);
    loop_leave(&ctx->loop);
    loop_term(&ctx->loop);
    if (ctx->scratch)
        chunk_unref(ctx->scratch);
    give_back(ctx);
}

/* Until the last socket has gone. */
static int await_sockets(struct ctx *ctx)
{
    while (!LIST_EMPTY(&ctx->sockets)) {
        struct waiter waiter;
        waiter_init(&waiter);
        waiter.what = "zmq_ctx_term";
        ctx->terminator = &waiter;
        ctx_settle(ctx);
        int rc = LIST_EMPTY(&ctx->sockets) ? 0 : loop_wait(&ctx->loop, &waiter, UINT64_MAX);
        ctx->terminator = NULL;
        if (rc < 0 && !LIST_EMPTY(&ctx->sockets))
            return rc;
    }
    return 0;
}

int ctx_term(struct ctx *ctx)
{
    ctx_shutdown(ctx);
    bool begun = sigmask_begin();
    int rc = await_sockets(ctx);
    sigmask_end(begun);
    if (rc < 0) {
        ctx_leave(ctx);
        return rc;
    }
    atomic_store(&ctx->magic, 0);
    loop_leave(&ctx->loop);
    ctx_free(ctx);
    return 0;
}
