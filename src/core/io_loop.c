/* SPDX-License-Identifier: MIT */
/* I/O loops: see io_loop.h. */
#include "core/io_loop.h"

#include "base/chunk.h"
#include "base/quiet_thread.h"
#include "core/ctx.h"

#include <errno.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 8 /* flushes in a row, before it is looked what has come */ };

/* A turn: what has come, what follows from it, and what goes out. */
static void turn(struct io_loop *io, struct poller_events *events)
{
    loop_is_lending = true;
    poller_dispatch(&io->poller, events);
    ctx_settle(io->ctx);
    bool goes_on = true;
    for (int n = 0; goes_on && n < ROUNDS_MAX && io->dirty.count; n++) {
        goes_on = ctx_flush_dirty(io->ctx, &io->dirty);
        ctx_settle(io->ctx);
    }
    loop_is_lending = false;
}

static void *run(void *arg)
{
    struct io_loop *io = arg;
    struct poller_events events;
    struct loop *loop = &io->ctx->loop;
    background_apply(&io->ctx->background, io->number);
    loop_enter(loop);
    while (!io->quit) {
        int timeout_ms = poller_begin_wait(&io->poller, &events, io->dirty.count ? 0 : UINT64_MAX);
        loop_wait_apart(loop, &io->poller, &events, timeout_ms);
        turn(io, &events);
    }
    loop_leave(loop);
    return NULL;
}

static int start(struct io_loop *io, struct ctx *ctx)
{
    io->ctx = ctx;
    io->number = ctx->io_loop_count + 1; /* the thread of the context's own loop is 0 */
    TAILQ_INIT(&io->dirty.peers);
    int rc = poller_init(&io->poller);
    if (rc < 0)
        return rc;
    rc = quiet_thread_start(&io->thread, run, io);
    if (rc < 0)
        poller_term(&io->poller);
    return rc;
}

int io_loops_start(struct ctx *ctx, unsigned count)
{
    if (!(ctx->io_loops = calloc(count, sizeof *ctx->io_loops)))
        return -ENOMEM;
    int rc = 0;
    while (rc == 0 && ctx->io_loop_count < count) {
        rc = start(&ctx->io_loops[ctx->io_loop_count], ctx);
        ctx->io_loop_count += rc == 0;
    }
    if (rc < 0)
        io_loops_stop(ctx);
    return rc;
}

void io_loops_stop(struct ctx *ctx)
{
    for (unsigned i = 0; i < ctx->io_loop_count; i++) {
        struct io_loop *io = &ctx->io_loops[i];
        io->quit = true;
        poller_wake(&io->poller);
        loop_leave(&ctx->loop);
        pthread_join(io->thread, NULL);
        loop_enter(&ctx->loop);
        poller_term(&io->poller);
        if (io->scratch)
            chunk_unref(io->scratch);
    }
    ctx->io_loop_count = 0;
    free(ctx->io_loops);
    ctx->io_loops = NULL;
}

static bool is_among(unsigned i, uint64_t affinity)
{
    return i < 64 && (affinity >> i & 1);
}

struct io_loop *io_loop_choose(struct ctx *ctx, uint64_t affinity)
{
    struct io_loop *least = NULL;
    unsigned count = ctx->io_loop_count;
    if (count < 64 && !(affinity & (((uint64_t)1 << count) - 1)))
        affinity = 0;
    for (unsigned i = 0; i < count; i++) {
        struct io_loop *io = &ctx->io_loops[i];
        if ((!affinity || is_among(i, affinity)) && (!least || io->streams < least->streams))
            least = io;
    }
    return least;
}
