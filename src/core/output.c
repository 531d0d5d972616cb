/* SPDX-License-Identifier: MIT */
/* A peer's output: see peer.h. A long run goes to the far end at once, from where it lies; only
 * what the far end does not take is queued, up to the high-water mark. Short ones are gathered
 * in peer->out and leave at the end of the turn, or when they are many. */
#include "core/shortage.h"
#include "core/socket.h"

#include "base/check.h"

struct tally peer_in_books(const struct peer *peer, const struct tally *tally)
{
    struct tally units = *tally;
    units.parts += (uint64_t)((int64_t)tally->messages * peer->over_parts);
    units.bytes += (uint64_t)((int64_t)tally->messages * peer->over_bytes);
    return units;
}

/* Tells those who wait for it when there is room again, and a good deal of it. */
static bool tell_room(struct peer *peer)
{
    if (likely(!peer->full) || peer->out.tally.messages + peer->unread > peer->out_max / 2 ||
        peer->out.bytes > peer->out_bytes_max / 2)
        return false;
    peer_found_room(peer);
    return true;
}

void peer_found_room(struct peer *peer)
{
    struct socket *socket = peer->socket;
    peer->full = false;
    if (peer->attached && socket->pattern->balances)
        lineup_add_open(&socket->lineup, peer);
    socket_notify(socket, EVENT_OUT);
}

void peer_sent(struct peer *peer, const struct tally *tally)
{
    struct socket *socket = peer->socket;
    struct tally units = peer_in_books(peer, tally);
    tally_sub(&socket->ledger.queued, &units);
    tally_add(&socket->ledger.forwarded, &units);
    tally_sub(&peer->books.queued, &units);
    tally_add(&peer->books.forwarded, &units);
    if (!tell_room(peer) && unlikely(socket->tells_sent))
        socket_notify(socket, EVENT_OUT);
    if ((socket->closed || peer->ending) && buffer_is_empty(&peer->out))
        ctx_later(socket->ctx, &socket->finish);
}

void peer_dropped(struct peer *peer, const struct tally *tally, enum drop reason)
{
    struct tally units = peer_in_books(peer, tally);
    tally_sub(&peer->socket->ledger.queued, &units);
    tally_add(&peer->socket->ledger.dropped[reason], &units);
    tally_sub(&peer->books.queued, &units);
    tally_add(&peer->books.dropped[reason], &units);
    tell_room(peer);
}

void peer_drop_output(struct peer *peer, enum drop reason)
{
    struct tally waiting = peer->out.tally;
    buffer_term(&peer->out);
    peer_dropped(peer, &waiting, reason);
}

void peer_drop_waiting(struct peer *peer, enum drop reason)
{
    struct tally dropped = {0};
    buffer_drop_rest(&peer->out, &dropped);
    peer_dropped(peer, &dropped, reason);
}

void peer_mark_dirty(struct peer *peer)
{
    if (peer->dirty || !peer->link)
        return;
    peer->dirty = peer->io ? &peer->io->dirty : &peer->socket->ctx->dirty;
    TAILQ_INSERT_TAIL(&peer->dirty->peers, peer, dirty_line);
    if (peer->dirty->count++ == 0 && peer->io)
        loop_wake_poller(&peer->io->poller);
}

void peer_unmark_dirty(struct peer *peer)
{
    if (!peer->dirty)
        return;
    TAILQ_REMOVE(&peer->dirty->peers, peer, dirty_line);
    peer->dirty->count--;
    peer->dirty = NULL;
}

bool peer_is_promised_room(const struct peer *peer)
{
    return peer->socket->past_marks;
}

/* What belongs to an I/O loop is left to that. */
static void flush(struct peer *peer)
{
    if (peer->link && peer->ready && !peer->io)
        peer->link->flush(peer);
}

bool peer_make_room(struct peer *peer)
{
    flush(peer);
    return peer_has_room(peer);
}

void peer_count_queued(struct peer *peer, const struct tally *tally)
{
    struct tally units = peer_in_books(peer, tally);
    tally_add(&peer->socket->ledger.queued, &units);
    tally_add(&peer->books.queued, &units);
}

void peer_count_own(struct peer *peer, const struct tally *tally)
{
    tally_add(&peer->socket->ledger.copied, tally);
    peer_count_queued(peer, tally);
}

/* Messages were refused for want of memory, though there is room: it is tried again in a moment. */
static bool refuse_for_memory(struct peer *peer)
{
    shortage_retry(peer->socket->ctx);
    return false;
}

/* Queues whole messages. False without memory. */
static bool queue(struct peer *peer, const struct run *run, const struct prefix *prefix)
{
    struct tally tally = run_units(run, prefix);
    if (buffer_append_run(&peer->out, run, prefix) < 0)
        return refuse_for_memory(peer);
    peer_count_queued(peer, &tally);
    return true;
}

/* The far end took `begun` octets of the run's first message: the rest of it must follow. Without
 * memory for it the connection ends, and the message with it. */
static struct run queue_begun(struct peer *peer, const struct run *run, size_t begun)
{
    struct run head = run_take(run, peer->out_max);
    struct tally left = {0};
    if (queue(peer, &head, NULL)) {
        buffer_advance(&peer->out, begun, &left);
        peer_sent(peer, &left);
        return head;
    }
    head = run_take(run, 1);
    peer_count_queued(peer, &head.tally);
    peer_dropped(peer, &head.tally, DROP_NO_MEMORY);
    peer->link->fail(peer);
    return head;
}

enum drop peer_refusal(const struct peer *peer)
{
    return peer_has_room(peer) ? DROP_NO_MEMORY : DROP_FULL;
}

/* Sends what it can of a long run at once. Returns what is left. */
static struct run write_direct(struct peer *peer, const struct run *run)
{
    if (!buffer_is_empty(&peer->out))
        flush(peer);
    if (!buffer_is_empty(&peer->out))
        return *run;
    size_t size = peer->link->write(peer, run->data, run->size);
    struct run gone = run_within(run, size);
    peer_count_queued(peer, &gone.tally);
    peer_sent(peer, &gone.tally);
    struct run rest = run_after(run, &gone);
    if (size > gone.size) {
        struct run head = queue_begun(peer, &rest, size - gone.size);
        rest = run_after(&rest, &head);
    }
    return rest;
}

/* Replaces what waits by the last message of the run; what has begun to leave goes on. So does what
 * is being handed on within the process, and has come back here round a ring of devices. */
static size_t write_newest(struct peer *peer, const struct run *run, const struct prefix *prefix)
{
    struct run rest = *run, ahead = *run, message;
    while (run_next(&ahead, &message)) {
        if (!peer->flushing)
            peer_drop_waiting(peer, DROP_FULL);
        if (!queue(peer, &message, prefix))
            break;
        rest = ahead;
    }
    peer_mark_dirty(peer);
    return run->size - rest.size;
}

size_t peer_write(struct peer *peer, const struct run *run, const struct prefix *prefix)
{
    struct run rest = *run;
    if (unlikely(peer->conflates))
        return write_newest(peer, run, prefix);
    if (rest.size >= PEER_DIRECT_MIN && !prefix && !rest.large && peer->ready &&
        peer->link->write && !peer->io)
        rest = write_direct(peer, run);
    while (rest.size) {
        if (!peer_has_room(peer) && !peer_make_room(peer)) {
            peer->full = true;
            break;
        }
        struct run head = rest;
        if (!rest.large)
            head = run_take(&rest, peer_room(peer));
        if (!queue(peer, &head, prefix))
            break;
        rest = run_after(&rest, &head);
        if (peer->out.bytes >= PEER_FLUSH_BYTES)
            flush(peer);
    }
    if (!buffer_is_empty(&peer->out))
        peer_mark_dirty(peer);
    return run->size - rest.size;
}

bool peer_write_own(struct peer *peer, const struct run *message)
{
    struct tally units = peer_in_books(peer, &message->tally);
    if (!peer_write(peer, message, NULL))
        return false;
    tally_add(&peer->socket->ledger.copied, &units);
    return true;
}

static struct tally tally_slices(const struct slice *slices, size_t count, size_t stride,
                                 const struct prefix *prefix)
{
    struct tally tally = {.messages = count};
    for (size_t i = 0; i < count; i++) {
        tally.parts += slices[i * stride].parts;
        tally.bytes += slices[i * stride].bytes;
    }
    if (prefix) {
        tally.parts += count * prefix->parts;
        tally.bytes += count * prefix->bytes;
    }
    return tally;
}

bool peer_write_slices(struct peer *peer, const struct slice *slices, size_t count, size_t stride,
                       const struct prefix *prefix)
{
    struct tally tally = tally_slices(slices, count, stride, prefix);
    if (buffer_append_slices(&peer->out, slices, count, stride, prefix, &tally) < 0)
        return refuse_for_memory(peer);
    peer_count_queued(peer, &tally);
    if (peer->out.bytes >= PEER_FLUSH_BYTES)
        flush(peer);
    if (!buffer_is_empty(&peer->out))
        peer_mark_dirty(peer);
    return true;
}

void peer_forgo_slices(struct peer *peer, const struct slice *slices, size_t count, size_t stride,
                       const struct prefix *prefix)
{
    struct tally tally = tally_slices(slices, count, stride, prefix);
    peer_count_queued(peer, &tally);
    peer_dropped(peer, &tally, DROP_NO_MEMORY);
}

bool peer_write_rest(struct peer *peer, const struct run *message)
{
    struct frame first;
    run_first_frame(message, &first);
    if (!peer_has_room(peer) && !peer_make_room(peer)) {
        peer->full = true;
        return false;
    }
    struct tally tally = {.parts = 1, .bytes = first.size};
    if (!message->large) {
        struct run head = {.size = first.header + first.size, .tally = tally};
        struct run rest = run_after(message, &head);
        return peer_write(peer, &rest, NULL) == rest.size;
    }
    struct tally rest = message->tally;
    tally_sub(&rest, &tally);
    if (buffer_append_buffer(&peer->out, message->large, true) < 0)
        return refuse_for_memory(peer);
    peer_count_queued(peer, &rest);
    peer_mark_dirty(peer);
    return true;
}
