/* SPDX-License-Identifier: MIT */
/* Sockets: see socket.h. This file is what happens when the application sends, receives and
 * waits; core/socket_life.c is their life, core/socket_option.c their options.
 *
 * Sending: the pattern admits a message before its first part is taken; its parts are gathered;
 * with the last one the message goes to the pattern as a run. So a message goes whole or not at
 * all. Receiving: the pattern points to an inbox, and the parts are taken from there. */
#include "core/socket.h"

#include "base/check.h"
#include "base/mark.h"
#include "core/lamp.h"
#include "core/sender.h"
#include "core/shortage.h"
#include "green/hub.h"
#include "green/sigmask.h"

#include <errno.h>
#include <greenmq/zmq.h>

enum { ON_STACK = 1024 /* a part up to this size is encoded on the stack */ };

/* A message has been admitted: hands it to the pattern. 0; -ENOMEM or -EAGAIN when it was not taken
 * all the same, for there is no memory, or no room any more. */
static int route_whole(struct socket *socket, const struct run *run)
{
    if (unlikely(socket->pattern->route(socket, run, NULL) < run->size))
        return shortage_is_felt(socket->ctx) ? -ENOMEM : -EAGAIN;
    tally_add(&socket->ledger.received, &run->tally);
    return 0;
}

/* The same when it was promised room. The mark may have been lowered since, or the peer that had
 * room lost: then it goes to one who has none. */
static int route_promised(struct socket *socket, const struct run *run)
{
    struct peer *peer;
    if (socket->pattern->balances && !lineup_has_room(&socket->lineup)) {
        TAILQ_FOREACH(peer, &socket->peers, all) {
            if (peer->attached)
                lineup_add_open(&socket->lineup, peer);
        }
    }
    socket->past_marks = true;
    int rc = route_whole(socket, run);
    socket->past_marks = false;
    return rc;
}

bool socket_offer(struct socket *socket, const struct run *message)
{
    struct frame first;
    run_first_frame(message, &first);
    if (socket->sending || !socket->pattern->can_send || socket->pattern->admit(socket, &first) < 0)
        return false;
    return route_whole(socket, message) == 0;
}

static int route_small(struct socket *socket, struct msg *msg)
{
    uint8_t frame[FRAME_LONG_HEADER + ON_STACK];
    size_t size = msg_size(msg);
    size_t header = frame_header_write(frame, 0, size);
    if (size)
        memcpy(frame + header, msg_data(msg), size);
    struct run run = {
        .data = frame, .size = header + size, .tally = {.messages = 1, .parts = 1, .bytes = size}};
    return route_whole(socket, &run);
}

static int build_part(struct socket *socket, struct msg *msg, bool more)
{
    uint8_t flags = more ? FRAME_MORE : 0;
    const void *data = msg_data(msg);
    size_t size = msg_size(msg);
    struct chunk *chunk = msg_chunk(msg);
    if (chunk && chunk->free_fn == NULL && chunk->size / 2 > size)
        chunk = NULL; /* a small part of a large chunk is copied rather than pinned */
    if (!socket->local && size < BUFFER_SHARE_MIN && !chunk_is_lent(chunk))
        chunk = NULL; /* on a wire many small ones in one piece are faster */
    return buffer_append_shared(&socket->building, flags, chunk, data, size);
}

static int route_built(struct socket *socket)
{
    struct run run;
    struct buffer *built = &socket->building;
    if (built->count == 1)
        run = (struct run){
            .data = built->pieces[built->first].data, .size = built->bytes, .tally = built->tally};
    else
        run = (struct run){.large = built, .size = built->bytes, .tally = built->tally};
    int rc = socket->promised ? route_promised(socket, &run) : route_whole(socket, &run);
    if (rc < 0)
        return rc;
    buffer_term(built);
    socket->sending = false;
    return 0;
}

bool socket_is_raw(const struct socket *socket)
{
    return option_is_raw(&socket->options);
}

/* Is this the last part of its message? To a raw peer the second always is, whatever its flags;
 * and for STREAM there always is a second. */
static bool is_last(const struct socket *socket, bool more)
{
    if (likely(!socket_is_raw(socket)))
        return !more;
    return socket->sending || (!more && socket->pattern->type != ZMQ_STREAM);
}

/* One attempt. -EAGAIN: the message cannot begin now. */
static int try_send(struct socket *socket, struct msg *msg, bool more)
{
    bool last = is_last(socket, more);
    lane_close_out(socket); /* while we waited others may have opened it */
    if (!stage_retry(socket))
        return -ENOMEM;
    if (!socket->sending) {
        struct frame first = {
            .flags = more ? FRAME_MORE : 0, .size = msg_size(msg), .body = msg_data(msg)};
        int rc = socket->pattern->admit(socket, &first);
        if (rc < 0)
            return rc;
        socket->promised = rc == ADMIT_PROMISED;
        const struct chunk *chunk = msg_chunk(msg);
        bool stays = chunk_is_lent(chunk) || (socket->local && chunk); /* it is not copied */
        if (last && msg_size(msg) <= ON_STACK && !stays)
            return route_small(socket, msg);
    }
    struct mark before = mark_end(&socket->building);
    int rc = build_part(socket, msg, more && !last);
    if (rc == 0 && last)
        rc = route_built(socket);
    else if (rc == 0)
        socket->sending = true;
    if (rc < 0)
        mark_undo(&before, &socket->building); /* the part is not taken; those before it are */
    return rc;
}

/* May a call on this socket go on? */
static int check_open(struct socket *socket)
{
    if (socket->ctx->shutting_down) {
        socket->told_end = true;
        return -ETERM;
    }
    return socket->closed ? -ENOTSOCK : 0;
}

/* What a thread waits in, for people. */
#define NAMES(call)                                                                          \
    {                                                                                        \
        [ZMQ_PAIR] = call " PAIR", [ZMQ_PUB] = call " PUB", [ZMQ_SUB] = call " SUB",         \
        [ZMQ_REQ] = call " REQ", [ZMQ_REP] = call " REP", [ZMQ_DEALER] = call " DEALER",     \
        [ZMQ_ROUTER] = call " ROUTER", [ZMQ_PULL] = call " PULL", [ZMQ_PUSH] = call " PUSH", \
        [ZMQ_XPUB] = call " XPUB", [ZMQ_XSUB] = call " XSUB", [ZMQ_STREAM] = call " STREAM"  \
    }
static const char *const send_names[] = NAMES("zmq_send"), *const recv_names[] = NAMES("zmq_recv");
#undef NAMES

/* How long a call has left to try. */
struct patience {
    const char *const *names; /* of the call, by type of socket, for lists */
    int timeout_ms;
    uint64_t deadline_ns; /* 0 before the first wait */
    bool turned;          /* a call that does not wait has looked at what came meanwhile */
    bool begun;           /* sigmask_begin() */
    int over;             /* why it tries for the last time; 0: it does not */
};

/* A call could not be served: waits until something changes. 0 to try again; -EAGAIN when the time
 * is over, or why it must not go on, but for that it has been tried once more. */
static int await_change(struct socket *socket, struct patience *patience, int flags)
{
    if ((flags & ZMQ_DONTWAIT) || patience->timeout_ms == 0) {
        if (patience->turned)
            return -EAGAIN;
        patience->turned = true;
        loop_turn(&socket->ctx->loop);
        return 0;
    }
    if (patience->over)
        return patience->over;
    if (!patience->deadline_ns) {
        patience->deadline_ns = loop_deadline_ns(patience->timeout_ms);
        patience->begun = sigmask_begin();
    }
    int rc = socket_wait(socket, patience->names[socket->pattern->type], patience->deadline_ns);
    patience->over = rc == -ETIMEDOUT ? -EAGAIN : rc;
    return 0;
}

int socket_send(struct socket *socket, struct msg *msg, int flags)
{
    if (!socket->pattern->can_send)
        return -ENOTSUP;
    struct patience patience = {.names = send_names, .timeout_ms = socket->options.sndtimeo_ms};
    if (!(flags & ZMQ_DONTWAIT) && hub_is_cancelled())
        return -ECANCELED;
    int rc;
    do {
        rc = check_open(socket);
        if (rc == 0)
            rc = try_send(socket, msg, flags & ZMQ_SNDMORE);
    } while (rc == -EAGAIN && (rc = await_change(socket, &patience, flags)) == 0);
    sigmask_end(patience.begun);
    return rc;
}

/* The message is received whole. */
static void finish_reading(struct socket *socket)
{
    struct peer *peer = socket->reading_peer;
    socket->reading = NULL;
    socket->reading_peer = NULL;
    if (socket->pattern->end)
        socket->pattern->end(socket);
    if (peer) {
        if (unlikely(peer->ignored))
            buffer_term(&peer->in);
        lineup_was_read(&socket->lineup, peer);
        peer_inbox_read(peer);
    }
}

void socket_skip_message(struct socket *socket)
{
    buffer_term(&socket->lead);
    if (!socket->reading)
        return;
    buffer_pop_messages(socket->reading, 1);
    finish_reading(socket);
}

int socket_try_receive(struct socket *socket, struct msg *msg, bool properties)
{
    lane_close_inbox(socket); /* while we waited others may have opened one */
    if (!socket->reading && buffer_is_empty(&socket->lead)) {
        int rc = socket->pattern->begin(socket);
        if (rc < 0)
            return rc;
    }
    bool leading = !buffer_is_empty(&socket->lead);
    struct buffer *from = leading ? &socket->lead : socket->reading;
    struct frame frame;
    struct chunk *chunk;
    struct msg part;
    check(buffer_front(from, &frame, &chunk));
    int rc = msg_init_shared(&part, chunk, frame.body, frame.size);
    if (rc < 0)
        return rc;
    if (chunk_is_just(chunk, frame.body, frame.size) && chunk_refs(chunk) > 2)
        part.shared = true; /* others have it, too */
    part.more = socket->more = leading || (frame.flags & FRAME_MORE);
    buffer_pop(from, &frame);
    if (properties && socket->reading_peer)
        part.properties = sender_properties(socket->reading_peer);
    msg_move(msg, &part);
    if (!msg->more)
        finish_reading(socket);
    return 0;
}

int socket_receive(struct socket *socket, struct msg *msg, int flags, bool properties)
{
    if (!socket->pattern->can_receive)
        return -ENOTSUP;
    struct patience patience = {.names = recv_names, .timeout_ms = socket->options.rcvtimeo_ms};
    if (!(flags & ZMQ_DONTWAIT) && hub_is_cancelled())
        return -ECANCELED;
    int rc;
    do {
        rc = check_open(socket);
        if (rc == 0)
            rc = socket_try_receive(socket, msg, properties);
    } while (rc == -EAGAIN && (rc = await_change(socket, &patience, flags)) == 0);
    sigmask_end(patience.begun);
    return rc;
}

bool socket_can_receive(struct socket *socket)
{
    if (!socket->pattern->can_receive)
        return false;
    if (socket->reading || !buffer_is_empty(&socket->lead))
        return true;
    if (socket->pattern->can_receive_now)
        return socket->pattern->can_receive_now(socket);
    return !TAILQ_EMPTY(&socket->lineup.ready);
}

bool socket_can_send(struct socket *socket)
{
    if (!socket->pattern->can_send)
        return false;
    if (socket->sending)
        return true;
    if (socket->pattern->can_send_now)
        return socket->pattern->can_send_now(socket);
    return lineup_has_room(&socket->lineup);
}

int socket_events(struct socket *socket)
{
    lane_close_out(socket);
    stage_look(socket->ctx);
    lane_catch_up(socket);
    return (socket_can_receive(socket) ? ZMQ_POLLIN : 0) |
           (socket_can_send(socket) ? ZMQ_POLLOUT : 0);
}

int socket_begin_fair(struct socket *socket)
{
    struct peer *peer = TAILQ_FIRST(&socket->lineup.ready);
    if (!peer)
        return -EAGAIN;
    socket->reading_peer = peer;
    socket->reading = &peer->in;
    return 0;
}

void socket_probe(struct socket *socket, struct peer *peer)
{
    static const uint8_t empty[FRAME_SHORT_HEADER];
    struct run run = {.data = empty, .size = sizeof empty, .tally = {.messages = 1, .parts = 1}};
    if (socket->options.probe_router && peer_write_own(peer, &run))
        peer->probes++;
}

void socket_watch(struct socket *socket, struct watch *watch, struct waiter *waiter)
{
    bool was_fed = lane_close_feeders(socket);
    watch->waiter = waiter;
    socket->users++;
    TAILQ_INSERT_TAIL(&socket->watches, watch, line);
    if (was_fed) /* something may have come since the waiter looked */
        loop_wake(&socket->ctx->loop, waiter);
}

void socket_unwatch(struct socket *socket, struct watch *watch)
{
    TAILQ_REMOVE(&socket->watches, watch, line);
    if (--socket->users == 0 && socket->closed)
        ctx_later(socket->ctx, &socket->finish);
}

int socket_wait(struct socket *socket, const char *what, uint64_t deadline_ns)
{
    struct waiter waiter;
    struct watch watch;
    waiter_init(&waiter);
    waiter.what = what;
    socket_watch(socket, &watch, &waiter);
    ctx_settle(socket->ctx);
    int rc = loop_wait(&socket->ctx->loop, &waiter, deadline_ns);
    socket_unwatch(socket, &watch);
    int open = check_open(socket);
    return open < 0 ? open : rc;
}

void socket_notify(struct socket *socket, int events)
{
    struct watch *watch;
    TAILQ_FOREACH(watch, &socket->watches, line) {
        loop_wake(&socket->ctx->loop, watch->waiter);
    }
    if (unlikely(socket->lamp != NULL) && (events & EVENT_IN || socket->pattern->can_send))
        lamp_light(socket->lamp, events);
    if (socket->sink)
        socket->sink->changed(socket->sink, events);
}
