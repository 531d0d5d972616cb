/* SPDX-License-Identifier: MIT */
/* Lanes: see lane.h. Who closes one waits for its lock no longer than another copies one message:
 * nobody waits for anything with it. But who holds it may be preempted; so after some tries the
 * waiting thread sleeps, or on one processor a thread of high priority would keep a lower one from
 * ever leaving. */
#include "core/lane_call.h"

#include "base/inbox.h"
#include "core/gather.h"
#include "core/lane_end.h"
#include "core/sender.h"
#include "core/socket.h"
#include "core/twin.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SPINS = 100, /* before a thread sleeps */
    NAP_NS = 1000000,
    ROOM_MIN = 64, /* octets; a lane with less is not worth opening */
    MANY = 32      /* messages; after a lane that was used so much a large chunk comes */
};

atomic_uint lane_generation;

void lane_forked(void)
{
    atomic_fetch_add(&lane_generation, 1);
}

void lane_wake(struct lane *lane)
{
    syscall(SYS_futex, &lane->lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* To make lane_leave() cheap, no barrier is between its store to `lock` and its load of `sleepers`:
 * it may just miss a new sleeper. Such a one looks again after its nap. */
static void nap(struct lane *lane)
{
    struct timespec time = {.tv_nsec = NAP_NS};
    atomic_fetch_add(&lane->sleepers, 1);
    syscall(SYS_futex, &lane->lock, FUTEX_WAIT_PRIVATE, 1, &time, NULL, 0);
    atomic_fetch_sub(&lane->sleepers, 1);
}

void lane_enter(struct lane *lane)
{
    for (unsigned n = 1; !lane_try_enter(lane); n++) {
        if (n % SPINS == 0)
            nap(lane);
    }
}

bool lane_take_msg(struct lane *lane, struct msg *msg)
{
    struct frame frame;
    struct msg part, *to = &part;
    if (!lane_find(lane, &frame))
        return false;
    if (msg->kind == MSG_INLINE && !msg->properties && frame.size <= MSG_INLINE_MAX)
        to = msg; /* straight to where it goes: there is nothing to release, and it cannot fail */
    if (msg_init_copy(to, frame.body, frame.size) < 0) {
        lane_leave(lane);
        return false;
    }
    to->more = frame.flags & FRAME_MORE;
    struct properties *properties = lane->properties;
    if (lane->gather)
        properties = gather_properties(lane->gather, lane->opened - lane->left);
    if (properties)
        to->properties = properties_ref(properties);
    lane_pass(lane, &frame);
    if (to != msg)
        msg_move(msg, &part);
    return true;
}

/* ---- sending ---- */

/* Books what a sender's lane let pass into the inbox of the other end. */
static void book_direct(struct socket *socket, struct peer *far, size_t size,
                        const struct tally *tally)
{
    struct peer *near = far->far;
    struct tally units = peer_in_books(near, tally);
    tally_add(&socket->ledger.received, &units);
    tally_add(&socket->ledger.forwarded, &units);
    tally_add(&near->books.forwarded, &units);
    buffer_commit(&far->in, size, tally);
    twin_took(far, tally->messages);
    lineup_add_ready(&far->socket->lineup, far);
}

static void book_output(struct socket *socket, struct peer *peer, size_t size,
                        const struct tally *tally)
{
    struct tally units = peer_in_books(peer, tally);
    tally_add(&socket->ledger.received, &units);
    peer_count_queued(peer, tally);
    buffer_commit(&peer->out, size, tally);
    peer_mark_dirty(peer);
    socket->ctx->flushed_ns = socket->ctx->loop.poller.now_ns; /* a burst: it is not quiet */
}

size_t lane_settle(struct lane *lane, struct tally *tally)
{
    struct frame frame;
    size_t size = (size_t)(lane->whole - lane->start);
    *tally = (struct tally){
        .messages = lane->granted - lane->left, .parts = lane->parts, .bytes = lane->bytes};
    lane->parts = lane->bytes = 0;
    for (uint8_t *at = lane->whole; at < lane->at; at += frame.header + frame.size) {
        check(frame_header_read(at, (size_t)(lane->at - at), &frame));
        lane->parts++;
        lane->bytes += frame.size;
    }
    tally->parts -= lane->parts;
    tally->bytes -= lane->bytes;
    lane->start = lane->whole;
    lane->granted = lane->left;
    return size;
}

size_t lane_shut(struct lane *lane, struct tally *tally)
{
    size_t size = lane_settle(lane, tally);
    lane->left = lane->granted = 0;
    return size;
}

/* A message may begin in the lane: makes room for its first parts, should the lane be shut then.
 * For a ROUTER the routing id is there already. */
static int prepare_building(struct socket *socket, const struct peer *named)
{
    if (!named)
        return buffer_prepare(&socket->building);
    return buffer_append(&socket->building, FRAME_MORE, named->id, named->id_size);
}

/* The lane is shut. If the first parts of a message have passed, the socket goes on with it. */
static void take_begun(struct socket *socket, const struct lane *lane, struct buffer *into)
{
    struct tally begun = {.parts = lane->parts, .bytes = lane->bytes};
    if (lane->at > lane->whole)
        buffer_take_tail(&socket->building, into, (size_t)(lane->at - lane->whole), &begun);
    socket->sending = socket->promised = lane->inside;
    if (lane->id && !lane->inside)
        buffer_term(&socket->building);
}

/* Books what has passed. `shut`: and lets nothing more pass. */
static void settle_out(struct socket *socket, bool shut)
{
    struct lane *lane = &socket->out_lane;
    struct tally tally;
    lane_enter(lane);
    bool used = lane->opened - lane->left >= MANY;
    size_t size = shut ? lane_shut(lane, &tally) : lane_settle(lane, &tally);
    uint64_t count = tally.messages;
    lane_leave(lane);
    struct buffer *into = lane->direct ? &lane->peer->in : &lane->peer->out;
    if (shut && used)
        into->wants_room = true;
    if (count && lane->direct)
        book_direct(socket, lane->peer, size, &tally);
    else if (count)
        book_output(socket, lane->peer, size, &tally);
    if (shut)
        take_begun(socket, lane, into);
}

void lane_close_out(struct socket *socket)
{
    struct lane *lane = &socket->out_lane;
    if (likely(!lane->open))
        return;
    if (lane->staged) {
        stage_close(socket);
        return;
    }
    lane->open = false;
    settle_out(socket, true);
    if (!lane->direct)
        return;
    LIST_REMOVE(socket, feeding);
    lane->peer->feeder = NULL;
}

void lane_close_output(struct socket *socket)
{
    if (!socket->out_lane.staged)
        lane_close_out(socket);
}

void lane_close_feeder(struct peer *peer)
{
    if (peer->feeder)
        lane_close_out(peer->feeder);
}

bool lane_close_feeders(struct socket *socket)
{
    bool any = !LIST_EMPTY(&socket->feeders);
    while (!LIST_EMPTY(&socket->feeders))
        lane_close_out(LIST_FIRST(&socket->feeders));
    return any;
}

/* Books what has come by lanes that stay open. */
static void settle_feeders(struct socket *socket)
{
    struct socket *feeder;
    LIST_FOREACH(feeder, &socket->feeders, feeding) {
        settle_out(feeder, false);
    }
}

/* Will everybody who waits for the socket look at it soon? */
static bool is_awake(const struct socket *socket)
{
    const struct watch *watch;
    TAILQ_FOREACH(watch, &socket->watches, line) {
        if (!watch->waiter->woken)
            return false;
    }
    return true;
}

static bool is_special(const struct socket *socket)
{
    return !TAILQ_EMPTY(&socket->departed) || socket->sink || socket->closed ||
           socket->options.conflate || socket->ctx->shutting_down;
}

/* The socket's peer, if it has only one and nothing special. */
static struct peer *only_peer(const struct socket *socket)
{
    struct peer *peer = TAILQ_FIRST(&socket->peers);
    return !peer || TAILQ_NEXT(peer, all) || peer->conflates || is_special(socket) ? NULL : peer;
}

/* Does the application receive what is in the inboxes as it is, or with the routing id in front? */
static bool is_fair(const struct socket *socket)
{
    const struct pattern *pattern = socket->pattern;
    return (pattern->begin == socket_begin_fair || pattern->by_id) && !pattern->end &&
           !pattern->deliver && !pattern->can_receive_now && !socket_is_raw(socket);
}

/* Can a message be sent at any time to this peer, which is the only one? */
static bool is_sendable(const struct socket *socket, const struct peer *peer)
{
    return socket->pattern->is_plain ||
           (socket->pattern->by_id && peer->routed && !socket_is_raw(socket));
}

/* Can messages go right into the inbox of the other end? */
static bool is_direct(const struct peer *near)
{
    if (!near->ready || !near->link || !near->link->is_instant || !buffer_is_empty(&near->out))
        return false;
    const struct peer *far = near->far;
    const struct socket *socket = far->socket;
    return !far->held && !far->ending && !far->conflates && !is_special(socket) &&
           is_fair(socket) && !socket->lamp && is_awake(socket);
}

void lane_open(struct lane *lane, struct peer *peer, const struct peer *named,
               const struct lane_grant *grant)
{
    lane_enter(lane);
    lane->at = lane->start = lane->whole = grant->at;
    lane->end = grant->at + grant->size;
    lane->chunk = grant->chunk;
    lane->bytes = lane->parts = 0;
    lane->inside = lane->used = false;
    lane->id = named ? named->id : NULL;
    lane->id_size = named ? named->id_size : 0;
    lane->left = grant->messages < UINT32_MAX ? (uint32_t)grant->messages : UINT32_MAX;
    lane->opened = lane->granted = lane->left;
    lane->generation = atomic_load(&lane_generation);
    lane->peer = peer;
    lane->open = true;
    lane_leave(lane);
}

/* Opens a lane into the buffer of a peer that is the only one. */
static void open_to(struct socket *socket, struct peer *peer)
{
    struct lane_grant grant;
    bool direct = is_direct(peer);
    if (!direct && (!peer_has_room(peer) || !(peer->dirty || !peer->link)))
        return;
    struct peer *into = direct ? peer->far : peer;
    const struct peer *named = socket->pattern->by_id ? peer : NULL;
    grant.messages = peer_room(peer);
    grant.at = buffer_tail(direct ? &into->in : &into->out, &grant.chunk, &grant.size);
    if (!grant.at || grant.size < ROOM_MIN || !grant.messages ||
        prepare_building(socket, named) < 0)
        return;
    atomic_store_explicit(&grant.chunk->written, grant.at, memory_order_release);
    socket->out_lane.direct = direct;
    lane_open(&socket->out_lane, into, named, &grant);
    if (!direct)
        return;
    into->feeder = socket;
    LIST_INSERT_HEAD(&into->socket->feeders, socket, feeding);
}

void lane_open_out(struct socket *socket)
{
    struct peer *peer = only_peer(socket);
    if (!peer || !is_sendable(socket, peer)) {
        stage_open(socket);
        return;
    }
    if (peer->dirty && peer->link && peer->link->is_instant) {
        ctx_settle(socket->ctx); /* the far end shall have it first */
        peer = only_peer(socket);
    }
    if (peer && peer->attached && !peer->full && !peer->ending && !socket->sending &&
        !socket->lamp && !socket->out_lane.open && socket->ctx->max_msgsz >= LANE_BODY_MAX)
        open_to(socket, peer);
}

/* ---- receiving ---- */

/* The lane is shut inside a message: the rest of it is received the long way. */
static void go_on_reading(struct socket *socket, const struct lane *lane)
{
    struct peer *peer = lane->peer;
    struct frame frame;
    for (uint64_t i = 0; i < lane->parts; i++) {
        check(buffer_front(&peer->in, &frame, NULL));
        buffer_pop(&peer->in, &frame);
    }
    socket->reading = &peer->in;
    socket->reading_peer = peer;
}

void lane_close_in(struct socket *socket)
{
    struct lane *lane = &socket->in_lane;
    struct peer *peer = lane->peer;
    if (likely(!lane->open))
        return;
    settle_feeders(socket);
    if (lane->gather) {
        gather_close(socket);
        return;
    }
    lane->open = false;
    struct tally tally;
    lane_enter(lane);
    size_t size = lane_shut(lane, &tally);
    lane_leave(lane);
    properties_unref(lane->properties);
    if (lane->used)
        socket->more = lane->inside;
    if (size == peer->in.bytes)
        lane_close_feeder(peer); /* the chunk goes */
    if (size)
        buffer_skip(&peer->in, size, &tally);
    if (lane->inside)
        go_on_reading(socket, lane);
    else if (size)
        lineup_was_read(&socket->lineup, peer);
    if (size)
        peer_inbox_read(peer);
}

void lane_catch_up(struct socket *socket)
{
    lane_close_in(socket);
    settle_feeders(socket);
}

void lane_close_inbox(struct socket *socket)
{
    lane_close_in(socket);
    (void)lane_close_feeders(socket);
}

void lane_close_all(struct socket *socket)
{
    lane_close_out(socket);
    lane_close_inbox(socket);
}

/* Input that is held goes on when half of the inbox is empty, see peer_inbox_read(): the message
 * with which it is goes the long way. Until then the inbox may become full. */
uint64_t lane_quota(const struct peer *peer)
{
    uint64_t waiting = peer->in.tally.messages, half = peer->in_max / 2;
    if (peer->twin || peer->in_max == UINT64_MAX)
        return twin_quota(peer);
    if (!peer->held || waiting > peer->in_max)
        waiting = peer->in_max;
    return waiting > half ? waiting - half - 1 : 0;
}

/* Opens a lane from the inbox of a peer that is the only one. */
static void open_from(struct socket *socket, struct peer *peer)
{
    struct lane *lane = &socket->in_lane;
    struct lane_grant grant = {.messages = lane_quota(peer)};
    grant.at = (uint8_t *)buffer_head(&peer->in, &grant.chunk, &grant.size);
    if (!grant.at || !grant.messages)
        return;
    const struct lane *feeding = peer->feeder ? &peer->feeder->out_lane : NULL;
    lane->live = feeding && feeding->chunk == grant.chunk && peer->in.count == 1;
    lane->properties = sender_properties(peer);
    lane_open(lane, peer, socket->pattern->by_id ? peer : NULL, &grant);
}

void lane_open_in(struct socket *socket)
{
    struct peer *peer = only_peer(socket);
    if (!peer || !is_fair(socket))
        gather_open(socket);
    else if (!socket->reading && !socket->lamp && buffer_is_empty(&socket->lead) &&
             !socket->in_lane.open)
        open_from(socket, peer);
}
