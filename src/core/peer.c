/* SPDX-License-Identifier: MIT */
/* Peers: see peer.h. This file is their life and their input; core/output.c is their output. */
#include "core/peer.h"

#include "base/check.h"
#include "core/sender.h"
#include "core/shortage.h"
#include "core/socket.h"
#include "core/twin.h"

#include <errno.h>
#include <stdlib.h>

enum {
    DEPARTED_MAX = 64 << 20, /* what peers that have gone leave behind in one context before their
                                sockets let no more in */
    DEPARTED_OVERHEAD = 1024 /* what one of them takes besides its messages */
};

static uint64_t mark_or_none(int hwm)
{
    return hwm > 0 ? (uint64_t)hwm : UINT64_MAX;
}

void peer_set_marks(struct peer *peer, const struct options *options)
{
    peer->out_mark = peer->conflates ? UINT64_MAX : mark_or_none(options->sndhwm);
    peer->in_mark = peer->conflates ? UINT64_MAX : mark_or_none(options->rcvhwm);
    if (peer->twin) {
        twin_set_marks(peer);
    } else {
        peer->out_max = peer->out_mark;
        peer->in_max = peer->in_mark;
    }
    if (peer->full && peer_has_room(peer))
        peer_found_room(peer);
}

static void attach(struct peer *peer)
{
    struct socket *socket = peer->socket;
    if (peer->attached)
        return;
    lane_close_all(socket);
    peer->attached = true;
    if (socket->pattern->attach)
        socket->pattern->attach(socket, peer);
    if (socket->pattern->balances)
        lineup_add_open(&socket->lineup, peer);
    socket_notify(socket, EVENT_OUT);
}

static void detach(struct peer *peer)
{
    struct socket *socket = peer->socket;
    lane_close_all(socket);
    lineup_remove_open(&socket->lineup, peer);
    if (peer->attached && socket->pattern->detach)
        socket->pattern->detach(socket, peer);
    peer->attached = false;
}

void peer_retire(struct peer *peer)
{
    detach(peer);
    peer->ending = true;
}

void peer_ignore(struct peer *peer)
{
    struct socket *socket = peer->socket;
    lane_close_all(socket);
    peer->ignored = true;
    if (socket->reading_peer != peer) { /* else when the message has been received */
        lineup_remove_ready(&socket->lineup, peer);
        buffer_term(&peer->in);
    }
    if (peer->twin)
        twin_was_read(peer);
    if (peer->held && peer->link) {
        peer->held = false;
        peer->link->resume(peer);
    }
}

void peer_dismiss(struct peer *peer, const struct tally *tally)
{
    struct socket *socket = peer->socket;
    tally_add(&socket->ledger.forwarded, tally);
    tally_add(&peer->books.forwarded, tally);
    peer_retire(peer);
    peer->dismissed = true;
    peer_ignore(peer);
    peer_mark_dirty(peer);
}

struct peer *peer_open(struct socket *socket, const struct options *options, void *owner)
{
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->socket = socket;
    peer->owner = owner;
    peer->conflates = options->conflate;
    peer->immediate = owner && options->immediate;
    peer->out_bytes_max = socket->out_bytes_max;
    peer_set_marks(peer, options);
    if (owner && socket->connect_id) {
        if (peer_set_id(peer, socket->connect_id, socket->connect_id_size) < 0) {
            free(peer);
            return NULL;
        }
        peer->id_given = true;
        free(socket->connect_id);
        socket->connect_id = NULL;
    }
    TAILQ_INSERT_TAIL(&socket->peers, peer, all);
    if (!peer->immediate)
        attach(peer);
    return peer;
}

int peer_set_id(struct peer *peer, const uint8_t *id, size_t size)
{
    uint8_t *copy = peer->id_inline;
    if (size > PEER_ID_INLINE && !(copy = malloc(size)))
        return -ENOMEM;
    if (peer->id != peer->id_inline)
        free(peer->id);
    memcpy(copy, id, size);
    peer->id = copy;
    peer->id_size = (uint8_t)size;
    return 0;
}

int peer_ready(struct peer *peer)
{
    struct socket *socket = peer->socket;
    lane_close_all(socket);
    peer->ready = true;
    if (peer->ending) {
        peer_mark_dirty(peer);
        return 0;
    }
    attach(peer);
    int rc = socket->pattern->ready ? socket->pattern->ready(socket, peer) : 0;
    if (rc < 0) {
        peer->ready = false;
        return rc;
    }
    if (!peer->joined && socket->sink && socket->sink->peer_joined)
        socket->sink->peer_joined(socket->sink, peer);
    peer->joined = true;
    if (!buffer_is_empty(&peer->out))
        peer_mark_dirty(peer);
    return 0;
}

static void tell_left(struct peer *peer)
{
    struct sink *sink = peer->socket->sink;
    if (peer->joined && sink && sink->peer_left)
        sink->peer_left(sink, peer);
    peer->joined = false;
}

void peer_lost(struct peer *peer)
{
    struct socket *socket = peer->socket;
    struct tally dropped = {0};
    bool was_ready = peer->ready;
    peer->held = false;
    lane_close_all(socket);
    tell_left(peer);
    peer->ready = false;
    peer->link = NULL;
    peer->far = NULL;
    peer->last_words = false;
    if (buffer_is_empty(&peer->in))
        sender_forget(peer);
    buffer_drop_open(&peer->out, &dropped);
    peer_dropped(peer, &dropped, DROP_PEER_LOST);
    if (was_ready && socket->pattern->lost)
        socket->pattern->lost(socket, peer);
    if (peer->immediate) {
        detach(peer);
        peer_drop_output(peer, DROP_PEER_LOST);
    }
}

static void unlist(struct peer *peer)
{
    struct socket *socket = peer->socket;
    TAILQ_REMOVE(&socket->peers, peer, all);
    peer_unmark_dirty(peer);
}

static void destroy(struct peer *peer)
{
    buffer_term(&peer->out);
    buffer_term(&peer->in);
    if (peer->id != peer->id_inline)
        free(peer->id);
    sender_forget(peer);
    free(peer);
}

void peer_close(struct peer *peer)
{
    struct socket *socket = peer->socket;
    peer->held = false; /* what it has not delivered will not come any more */
    lane_close_all(socket);
    tell_left(peer);
    sender_remember(peer);
    peer->ready = false; /* nobody who is told of the end writes to it any more */
    if (peer->link)
        peer->link->close(peer);
    peer->link = NULL;
    peer_drop_output(peer, DROP_PEER_LOST);
    detach(peer);
    unlist(peer);
    if (socket->closed) {
        lineup_remove_ready(&socket->lineup, peer);
        destroy(peer);
        ctx_later(socket->ctx, &socket->finish);
        return;
    }
    peer->closed = true;
    buffer_compact(&peer->in);
    peer->left_bytes = DEPARTED_OVERHEAD + buffer_memory(&peer->in);
    socket->ctx->departed_bytes += peer->left_bytes;
    TAILQ_INSERT_TAIL(&socket->departed, peer, all);
    peer_reap(peer);
}

void peer_reap(struct peer *peer)
{
    struct socket *socket = peer->socket;
    if (!peer->closed || !buffer_is_empty(&peer->in) || socket->reading_peer == peer)
        return;
    socket->ctx->departed_bytes -= peer->left_bytes;
    TAILQ_REMOVE(&socket->departed, peer, all);
    lineup_remove_ready(&socket->lineup, peer);
    destroy(peer);
}

/* Without memory input waits where it is: until the inbox has been read, or if that is empty, for
 * a moment. */
static size_t wait_for_memory(struct peer *peer)
{
    if (buffer_is_empty(&peer->in))
        shortage_retry(peer->socket->ctx);
    return 0;
}

/* Keeps the last message only. */
static bool conflate_into_inbox(struct peer *peer, const struct run *run)
{
    struct run rest = *run, message = *run;
    struct buffer newest = {0};
    while (run_next(&rest, &message))
        continue;
    if (peer->socket->reading == &peer->in)
        return true;
    if (buffer_append_run(&newest, &message, NULL) < 0) {
        buffer_term(&newest);
        return false;
    }
    buffer_term(&peer->in);
    peer->in = newest;
    return true;
}

static size_t into_inbox(struct peer *peer, const struct run *run)
{
    struct socket *socket = peer->socket;
    uint64_t waiting = peer->in.tally.messages;
    struct run head = *run;
    if (peer->conflates) {
        if (!conflate_into_inbox(peer, run))
            return wait_for_memory(peer);
    } else if (waiting >= peer->in_max && !peer->last_words) {
        return 0;
    } else {
        if (!run->large && !peer->last_words)
            head = run_take(run, peer->in_max - waiting);
        if (buffer_append_run(&peer->in, &head, NULL) < 0)
            return wait_for_memory(peer);
        if (peer->twin)
            twin_took(peer, head.tally.messages);
    }
    lineup_add_ready(&socket->lineup, peer);
    socket_notify(socket, EVENT_IN);
    return head.size;
}

size_t peer_deliver(struct peer *peer, const struct run *run)
{
    struct socket *socket = peer->socket;
    size_t taken;
    if (socket->closed || peer->ignored)
        return run->size; /* nobody will read it */
    if (socket->pattern->deliver)
        taken = socket->pattern->deliver(socket, peer, run);
    else
        taken = peer_take(peer, run);
    peer->held = taken < run->size;
    return taken;
}

size_t peer_take(struct peer *peer, const struct run *run)
{
    struct sink *sink = peer->socket->sink;
    if (sink && sink->deliver && buffer_is_empty(&peer->in) && !peer->last_words)
        return sink->deliver(sink, peer, run);
    return into_inbox(peer, run);
}

bool peer_take_anyway(struct peer *peer, const struct run *message)
{
    if (peer_take(peer, message))
        return true;
    bool last_words = peer->last_words;
    peer->last_words = true;
    size_t taken = into_inbox(peer, message);
    peer->last_words = last_words;
    return taken;
}

static bool is_departed_full(const struct socket *socket)
{
    return socket->ctx->departed_bytes > DEPARTED_MAX;
}

bool peer_departed_fill(const struct socket *socket)
{
    return is_departed_full(socket) && !TAILQ_EMPTY(&socket->departed);
}

bool peer_last_words(struct peer *peer)
{
    if (peer->owner && (peer->in.tally.messages > peer->in_max || is_departed_full(peer->socket)))
        return false;
    peer->last_words = true;
    peer->held = false;
    return true;
}

void peer_inbox_read(struct peer *peer)
{
    if (peer->closed) {
        peer_reap(peer);
        return;
    }
    if (peer->twin)
        twin_was_read(peer);
    if (peer->held && peer->in.tally.messages <= peer->in_max / 2 && peer->link) {
        peer->held = false;
        peer->link->resume(peer);
    }
}
