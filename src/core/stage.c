/* SPDX-License-Identifier: MIT */
/* The stage of a socket: see stage.h. */
#include "core/stage.h"

#include "base/check.h"
#include "core/lane_call.h"
#include "core/lane_end.h"
#include "core/shortage.h"
#include "core/socket.h"

#include <greenmq/zmq.h>

enum {
    BURST_NS = 50000, /* two messages that are no further apart belong to one burst */
    BURST_MIN = 4,    /* so many of which open the stage */
    WORTH_IT = 32,    /* messages; with fewer it is not opened again for the next SKIPPED */
    SKIPPED = 64,
    STAGE_BYTES = 64 * 1024
};

/* Tells threads apart. */
static void *this_thread(void)
{
    return &chunk_held;
}

/* One thread that sends a message and receives it does not make a burst. */
static bool is_burst(struct socket *socket)
{
    struct stage *stage = &socket->stage;
    const struct ctx *ctx = socket->ctx;
    uint64_t now = loop_clock_ns();
    bool alternates = ctx->looker == this_thread() && ctx->looks != stage->looks;
    if (stage->burst >= 0 && (alternates || now - stage->sent_ns > BURST_NS))
        stage->burst = 0;
    stage->sent_ns = now;
    stage->looks = ctx->looks;
    return ++stage->burst > BURST_MIN;
}

static bool may_open(struct socket *socket)
{
    const struct ctx *ctx = socket->ctx;
    return socket->pattern->room && !socket->out_lane.open && !socket->sink && !socket->lamp &&
           !socket->closed && !socket->sending && !socket->options.conflate &&
           !socket->stage.rest.size && !ctx->shutting_down && ctx->max_msgsz >= LANE_BODY_MAX &&
           ctx->loop.has_steward && !ctx->loop.outside.waiters && !socket_is_raw(socket);
}

/* Memory that nobody reads any more. */
static struct chunk *take_chunk(struct stage *stage)
{
    if (stage->chunk && chunk_refs(stage->chunk) == 1)
        return stage->chunk;
    if (stage->chunk)
        chunk_unref(stage->chunk);
    return stage->chunk = chunk_new(STAGE_BYTES);
}

void stage_open(struct socket *socket)
{
    struct ctx *ctx = socket->ctx;
    uint64_t room;
    if (!may_open(socket) || !is_burst(socket) || !(room = socket->pattern->room(socket)))
        return;
    struct chunk *chunk = take_chunk(&socket->stage);
    if (!chunk || buffer_prepare(&socket->building) < 0)
        return;
    socket->stage.passed = 0;
    socket->out_lane.direct = false;
    socket->out_lane.staged = true;
    lane_open(&socket->out_lane, NULL, NULL,
              &(struct lane_grant){
                  .chunk = chunk, .at = chunk->data, .size = chunk->size, .messages = room});
    TAILQ_INSERT_TAIL(&ctx->staged, socket, stage.line);
    ctx->staged_count++;
    loop_send_errand(&ctx->loop);
}

/* What was let through is admitted, so it goes if there is anybody. Only memory can be short: then
 * what is left waits. False if anything does. */
static bool route(struct socket *socket, const struct run *run)
{
    struct stage *stage = &socket->stage;
    stage->routing = true; /* what is sent may come back here round a ring of devices */
    socket->past_marks = socket->pattern->balances;
    size_t taken = socket->pattern->route(socket, run, NULL);
    socket->past_marks = false;
    stage->routing = false;
    struct run gone = run_within(run, taken), rest = run_after(run, &gone);
    tally_add(&socket->ledger.received, &gone.tally);
    if (likely(taken == run->size))
        return true;
    if (shortage_is_felt(socket->ctx)) {
        stage->rest = rest;
        return false;
    }
    tally_add(&socket->ledger.received, &rest.tally);
    ledger_drop(&socket->ledger, DROP_PEER_LOST, &rest.tally);
    return true;
}

bool stage_retry(struct socket *socket)
{
    struct run rest = socket->stage.rest;
    if (likely(!rest.size))
        return true;
    if (socket->stage.routing)
        return false;
    socket->stage.rest = (struct run){0};
    return route(socket, &rest);
}

/* What has passed since the last time; *tally counts it. */
static struct run take_run(struct socket *socket, bool shut)
{
    struct lane *lane = &socket->out_lane;
    struct run run = {.chunk = lane->chunk};
    lane_enter(lane);
    run.data = lane->start;
    run.size = shut ? lane_shut(lane, &run.tally) : lane_settle(lane, &run.tally);
    lane_leave(lane);
    socket->stage.passed += run.tally.messages;
    return run;
}

/* All is routed: there may be room for more, and its memory may be used again. */
static void extend(struct socket *socket)
{
    struct lane *lane = &socket->out_lane;
    uint64_t room = socket->pattern->room(socket);
    if (room > UINT32_MAX)
        room = UINT32_MAX;
    lane_enter(lane);
    uint32_t passed = lane->granted - lane->left;
    if (room > passed && lane->left) {
        lane->granted = (uint32_t)room;
        lane->left = (uint32_t)room - passed;
    }
    if (lane->at == lane->start && chunk_refs(lane->chunk) == 1)
        lane->at = lane->start = lane->whole = lane->chunk->data;
    lane_leave(lane);
}

void stage_route(struct socket *socket)
{
    if (socket->stage.routing || !socket->out_lane.open || !socket->out_lane.staged ||
        !stage_retry(socket))
        return;
    struct run run = take_run(socket, false);
    if (run.size && route(socket, &run))
        extend(socket);
}

/* The first parts of a message may have passed: the socket goes on with it. */
static void take_begun(struct socket *socket)
{
    const struct lane *lane = &socket->out_lane;
    struct tally begun = {.parts = lane->parts, .bytes = lane->bytes};
    if (lane->at > lane->whole)
        buffer_take_parts(&socket->building, lane->chunk, lane->whole,
                          (size_t)(lane->at - lane->whole), &begun);
    socket->sending = lane->inside;
    socket->promised = lane->inside && (socket->pattern->balances || socket->options.xpub_nodrop);
}

void stage_close(struct socket *socket)
{
    struct stage *stage = &socket->stage;
    struct lane *lane = &socket->out_lane;
    if (stage->routing)
        return; /* a message that is being routed leads here: those behind it come after all */
    lane->open = lane->staged = false;
    TAILQ_REMOVE(&socket->ctx->staged, socket, stage.line);
    socket->ctx->staged_count--;
    struct run run = take_run(socket, true);
    take_begun(socket);
    if (stage->passed < WORTH_IT)
        stage->burst = -SKIPPED;
    if (stage->rest.size) { /* they lie one behind the other */
        tally_add(&stage->rest.tally, &run.tally);
        stage->rest.size += run.size;
        (void)stage_retry(socket);
    } else if (run.size) {
        (void)route(socket, &run);
    }
}

void stage_term(struct socket *socket)
{
    if (socket->stage.chunk)
        chunk_unref(socket->stage.chunk);
    socket->stage.chunk = NULL;
}

/* Each has its turn, even if others close meanwhile. */
static struct socket *next_staged(struct ctx *ctx)
{
    struct socket *socket = TAILQ_FIRST(&ctx->staged);
    TAILQ_REMOVE(&ctx->staged, socket, stage.line);
    TAILQ_INSERT_TAIL(&ctx->staged, socket, stage.line);
    return socket;
}

void stage_route_all(struct ctx *ctx)
{
    for (unsigned n = ctx->staged_count; n-- && !TAILQ_EMPTY(&ctx->staged);)
        stage_route(next_staged(ctx));
}

bool stage_attend(struct ctx *ctx)
{
    for (unsigned n = ctx->staged_count; n-- && !TAILQ_EMPTY(&ctx->staged);) {
        struct socket *socket = next_staged(ctx);
        uint64_t passed = socket->stage.passed;
        stage_route(socket);
        if (socket->out_lane.staged && socket->stage.passed == passed)
            stage_close(socket);
    }
    return !TAILQ_EMPTY(&ctx->staged);
}

void stage_look(struct ctx *ctx)
{
    ctx->looks++;
    ctx->looker = this_thread();
    if (likely(TAILQ_EMPTY(&ctx->staged)))
        return;
    stage_route_all(ctx);
    (void)ctx_flush_instant(ctx);
}
