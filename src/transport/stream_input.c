/* SPDX-License-Identifier: MIT */
/* A stream's input: see stream.h.
 *
 * The usual way: read into the scratch chunk behind what was kept, cut into runs, deliver, keep
 * the incomplete frame at the end. The way of large frames: the body is read straight into a
 * chunk of its own, and the message is put together in stream->message.
 *
 * Failures: a frame that breaks the rules, or no memory for a body, ends the connection. Input
 * that the socket refuses is kept, and reading stops until stream_resume(). */
#include "base/check.h"
#include "base/frame1.h"
#include "transport/stream.h"
#include "transport/stream_old.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    BODY_FIRST = 1 << 23,   /* a chunk of at most this begins a large body, 8 MiB */
    LOW_WATER_MAX = 131072, /* of a large body, so much is waited for at once */
    LARGE_MIN = 65536,      /* an incomplete frame beyond this gets a chunk of its own */
    KEEP_OPEN_MAX = 131072, /* parts of an incomplete message beyond this go to stream->message */
    KEEP_AGAIN_MAX = 4096,  /* the same two of what has been kept before, see is_seen */
    RESUME_MIN = 512,       /* of refused input so much is tried again, or twice what was taken */
    SHARE_KEPT_PART = 8,    /* what is kept of a chunk is shared from this part of it on */
    PARTS_MAX = 1024,       /* of ZMQ_MAXMSGSIZE may be in one message, if that sets a limit ... */
    WHOLE_MIN = 1 << 26     /* ... but so many octets in any case */
};

static struct scan_limits limits_of(const struct stream *stream)
{
    int64_t max = stream->raw ? -1 : stream->options->maxmsgsize_bytes;
    return (struct scan_limits){.body_max = max < 0 ? INT64_MAX / 2 : (uint64_t)max,
                                .large_min = stream->is_seen ? KEEP_AGAIN_MAX : LARGE_MIN,
                                .run_max = stream->run_max};
}

/* ZMQ_MAXMSGSIZE is about one part. Who limits that does not want a message without end either. */
static bool is_overlong(const struct stream *stream)
{
    int64_t max = stream->options->maxmsgsize_bytes;
    uint64_t size = stream->message.bytes;
    return max >= 0 && size > WHOLE_MIN && size / PARTS_MAX > (uint64_t)max;
}

static void drop_kept(struct stream *stream)
{
    if (stream->kept)
        chunk_unref(stream->kept);
    stream->kept = NULL;
    stream->kept_size = 0;
}

void stream_drop_input(struct stream *stream)
{
    drop_kept(stream);
    buffer_term(&stream->message);
    if (stream->body)
        chunk_unref(stream->body);
    stream->body = NULL;
}

/* Keeps octets for later. `chunk` holds them: a reference if they are much of it, else a copy, so
 * that what is taken bit by bit is not copied each time. */
static void keep(struct stream *stream, struct chunk *chunk, uint8_t *data, size_t size)
{
    struct chunk *old = stream->kept;
    stream->kept = NULL;
    stream->kept_size = size;
    if (size && size >= chunk->size / SHARE_KEPT_PART) {
        stream->kept = chunk_ref(chunk);
        stream->kept_at = (size_t)(data - chunk->data);
    } else if (size) {
        stream->kept = chunk_new(size);
        stream->kept_at = 0;
        if (stream->kept)
            memcpy(stream->kept->data, data, size);
        else
            stream_fail(stream, LEAVE_CLOSED);
    }
    if (old)
        chunk_unref(old);
}

static void stop_reading(struct stream *stream)
{
    stream_watch(stream, (stream->watch.events & ~(uint32_t)EPOLLIN) | EPOLLRDHUP);
}

/* Delivers the message that was put together. False when it was refused. */
static bool deliver_message(struct stream *stream)
{
    struct run run = {
        .large = &stream->message, .size = stream->message.bytes, .tally = stream->message.tally};
    stream->message_whole = !peer_deliver(stream->peer, &run);
    if (stream->message_whole)
        return false;
    buffer_term(&stream->message);
    stream->more = false;
    return true;
}

/* The system wakes us when so many octets have come, or the end has: not for every segment of a
 * large body. */
static void wake_at(struct stream *stream, size_t size)
{
    int low = size > LOW_WATER_MAX ? LOW_WATER_MAX : (int)size;
    if (low == stream->low_water)
        return;
    stream->low_water = low;
    (void)setsockopt(stream->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
}

static void refuse_for_memory(struct stream *stream)
{
    stream_refuse(stream, SESSION_OK, "there is no memory for its message");
}

/* A large frame begins at `frame`: gets a chunk, and what is there of the body. The chunk grows
 * with what really comes, whatever the frame claims. */
static bool begin_body(struct stream *stream, const struct frame *frame, size_t available)
{
    stream->body = chunk_new(frame->size < BODY_FIRST ? frame->size : BODY_FIRST);
    if (!stream->body) {
        refuse_for_memory(stream);
        return false;
    }
    memcpy(stream->body->data, frame->body, available);
    stream->body_have = available;
    stream->body_size = frame->size;
    stream->body_flags = frame->flags & (FRAME_MORE | FRAME_COMMAND);
    wake_at(stream, frame->size - available);
    stream_hides_pings(stream);
    return true;
}

/* The body's chunk is full and the body is not: doubles it. */
static void grow_body(struct stream *stream)
{
    struct chunk *body = stream->body;
    uint64_t size = body->size < stream->body_size / 2 ? body->size * 2 : stream->body_size;
    struct chunk *grown = chunk_grow(body, size);
    if (grown)
        stream->body = grown;
    else
        refuse_for_memory(stream);
}

/* The body is whole: it becomes a frame of the message, which is delivered if that was the last. */
static void end_body(struct stream *stream)
{
    struct chunk *body = stream->body;
    stream->body = NULL;
    if (stream->body_flags & FRAME_COMMAND) {
        stream_on_command(stream, &(struct frame){.body = body->data, .size = stream->body_size});
        chunk_unref(body);
        return;
    }
    int rc = buffer_append_shared(&stream->message, stream->body_flags, body, body->data,
                                  stream->body_size);
    chunk_unref(body);
    if (rc < 0) {
        refuse_for_memory(stream);
        return;
    }
    stream->more = stream->body_flags & FRAME_MORE;
    if (!stream->more)
        deliver_message(stream);
}

static void refuse_frame(struct stream *stream, enum scan_stop stop)
{
    const char *reason = "a frame is larger than is allowed";
    if (stop == SCAN_COMMAND_MORE)
        reason = "a command has the MORE bit set";
    else if (stop == SCAN_RESERVED && stream->old)
        reason = "a frame is without flags"; /* what frame1_read() makes of it */
    else if (stop == SCAN_RESERVED)
        reason = "a frame has reserved flag bits set";
    stream_refuse(stream, SESSION_OK, reason);
}

/* Puts the parts that were scanned into stream->message, which is delivered if they end it. Returns
 * their octets. */
static size_t put_parts(struct stream *stream, const uint8_t *data, const struct scan *scan)
{
    bool more = scan->open.messages == 0;
    if (buffer_append_parts(&stream->message, data, scan->parsed, &scan->open, more) < 0) {
        refuse_for_memory(stream);
        return scan->parsed;
    }
    stream->more = more;
    if (!more)
        deliver_message(stream);
    return scan->parsed;
}

/* A frame that goes into stream->message: begun if it is large, else taken whole. */
static size_t take_apart(struct stream *stream, const struct frame *frame, size_t available)
{
    if (available < frame->size)
        return begin_body(stream, frame, available) ? frame->header + available : 0;
    if (buffer_append(&stream->message, frame->flags & FRAME_MORE, frame->body, frame->size) < 0) {
        refuse_for_memory(stream);
        return 0;
    }
    stream->more = frame->flags & FRAME_MORE;
    if (!stream->more)
        deliver_message(stream);
    return frame->header + frame->size;
}

/* What stands behind the last whole frame. Returns octets used; 0 ends the decoding. */
static size_t handle_stop(struct stream *stream, struct scan *scan, const uint8_t *end)
{
    struct frame *frame = &scan->frame;
    switch (scan->stop) {
    case SCAN_COMMAND:
    case SCAN_INSIDE: stream_on_command(stream, frame); return frame->header + frame->size;
    case SCAN_LARGE: return take_apart(stream, frame, (size_t)(end - frame->body));
    case SCAN_END: return 0;
    default: refuse_frame(stream, scan->stop); return 0;
    }
}

/* Decodes one step. Returns octets used, 0 when the rest must be kept. */
static size_t decode_step(struct stream *stream, struct chunk *chunk, uint8_t *data, size_t size)
{
    struct scan scan;
    struct scan_limits limits = limits_of(stream);
    if (stream->more && is_overlong(stream)) {
        stream_refuse(stream, SESSION_OK, "a message has more parts than are allowed");
        return 0;
    }
    if (stream->more) {
        run_scan_rest(&scan, data, size, &limits);
        return scan.parsed ? put_parts(stream, data, &scan)
                           : handle_stop(stream, &scan, data + size);
    }
    run_scan(&scan, data, size, &limits);
    if (scan.run.size) {
        scan.run.chunk = chunk;
        stream->run_max *= 2;
        return peer_deliver(stream->peer, &scan.run);
    }
    size_t open_max = stream->is_seen ? KEEP_AGAIN_MAX : KEEP_OPEN_MAX;
    bool apart = scan.stop == SCAN_INSIDE || scan.stop == SCAN_LARGE || size > open_max;
    if (apart && scan.parsed)
        return put_parts(stream, data, &scan);
    return handle_stop(stream, &scan, data + size);
}

static bool is_stopped(const struct stream *stream)
{
    return stream->failing.queued || stream->state != STREAM_TRAFFIC || stream->message_whole ||
           stream->peer->held;
}

void stream_decode(struct stream *stream, struct chunk *chunk, uint8_t *data, size_t size)
{
    bool shaking = stream->state == STREAM_HANDSHAKE;
    chunk_ref(chunk); /* it may be ours, and be replaced by what we keep */
    while (size && stream->state == STREAM_HANDSHAKE && !stream->failing.queued) {
        size_t used = stream_shake_hands(stream, data, size);
        data += used;
        size -= used;
        if (!used)
            break;
    }
    if (unlikely(stream->old) && shaking)
        size = stream_old_read(stream, data, data, size);
    size_t offered = size;
    while (size && !stream->body && stream->state == STREAM_TRAFFIC && !is_stopped(stream)) {
        size_t used = decode_step(stream, chunk, data, size);
        stream->is_seen = false;
        data += used;
        size -= used;
        if (!used)
            break;
    }
    if (stream->state == STREAM_CLOSED || stream->failing.queued) {
        chunk_unref(chunk);
        return;
    }
    keep(stream, chunk, data, size);
    chunk_unref(chunk);
    if (stream->peer && (stream->peer->held || stream->message_whole)) {
        size_t taken = offered - size;
        stream->run_max = taken > RESUME_MIN / 2 ? 2 * taken : RESUME_MIN;
        stream->peer->held = true;
        stop_reading(stream);
        stream_hides_pings(stream);
    }
}

/* Reads behind what was kept: the large body first if there is one, the rest into scratch. A turn
 * that may lends the lock meanwhile. False: the stream was closed then. */
static bool receive(struct stream *stream, struct chunk *scratch, size_t *to_body, ssize_t *got)
{
    struct chunk *body = unlikely(stream->old) ? NULL : stream->body;
    size_t before = stream->kept_size + (unlikely(stream->old) ? FRAME1_LONG_HEADER : 0);
    struct iovec vectors[2] = {
        [1] = {.iov_base = scratch->data + before, .iov_len = scratch->size - before}};
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = 2};
    bool lends_lock = loop_is_lending, open = true;
    if (body) {
        *to_body = body->size - stream->body_have;
        vectors[0] = (struct iovec){body->data + stream->body_have, *to_body};
        message.msg_iovlen = body->size == stream->body_size ? 2 : 1;
        chunk_ref(body);
    }
    if (lends_lock)
        stream_lend(stream, &stream->reading);
    *got = body ? recvmsg(stream->fd, &message, MSG_DONTWAIT)
                : recv(stream->fd, vectors[1].iov_base, vectors[1].iov_len, MSG_DONTWAIT);
    int error = errno;
    if (lends_lock) {
        open = stream_take_back(stream, &stream->reading);
        effort_renew(&stream->socket->ctx->effort);
    }
    if (body)
        chunk_unref(body);
    errno = error;
    return open;
}

/* Octets of a large body have come. */
static void continue_body(struct stream *stream, size_t size)
{
    stream->body_have += size;
    if (stream->body_have == stream->body_size) {
        wake_at(stream, 1);
        end_body(stream);
    } else {
        if (stream->body_have == stream->body->size)
            grow_body(stream);
        wake_at(stream, stream->body_size - stream->body_have);
    }
}

/* What came from a peer of ZMTP 1.0 lies behind some room. Puts its translation where other input
 * would lie, and what belongs to a large body into that. Returns the octets that are left. */
static size_t translate(struct stream *stream, struct chunk *scratch, size_t size)
{
    uint8_t *to = scratch->data + stream->kept_size, *at = to;
    size = stream_old_read(stream, to, to + FRAME1_LONG_HEADER, size);
    while (size && stream->body) {
        size_t room = stream->body->size - stream->body_have, got = size < room ? size : room;
        memcpy(stream->body->data + stream->body_have, at, got);
        at += got;
        size -= got;
        continue_body(stream, got);
    }
    memmove(to, at, size);
    return size;
}

bool stream_read(struct stream *stream)
{
    if (stream->state == STREAM_PROXY)
        return stream_read_proxy(stream);
    if (stream->raw)
        return stream_read_raw(stream);
    struct chunk *scratch = ctx_scratch(stream->socket->ctx, stream->io);
    size_t to_body = 0;
    ssize_t n = 0;
    if (scratch && !receive(stream, scratch, &to_body, &n))
        return false;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        stream->error = n < 0 ? errno : EPIPE;
        stream_fail(stream, LEAVE_CLOSED);
        return false;
    }
    stream->heard_ns = stream->watch.poller->now_ns;
    stream->socket->ctx->loop.work++;
    size_t size = (size_t)n;
    if (unlikely(stream->old)) {
        size = translate(stream, scratch, size);
    } else if (stream->body) {
        size_t got = size < to_body ? size : to_body;
        size -= got;
        continue_body(stream, got);
    }
    if (stream->failing.queued)
        return true;
    if (stream->kept_size)
        memcpy(scratch->data, stream->kept->data + stream->kept_at, stream->kept_size);
    size += stream->kept_size;
    stream->is_seen = stream->kept_size > 0;
    stream->run_max = 0;
    drop_kept(stream);
    stream_decode(stream, scratch, scratch->data, size);
    return true;
}

void stream_resume(struct peer *peer)
{
    struct stream *stream = peer->far;
    if (stream->failing.queued)
        return;
    if (stream->message_whole && !deliver_message(stream))
        return;
    struct chunk *kept = stream->kept;
    if (kept) {
        size_t at = stream->kept_at, size = stream->kept_size;
        stream->kept = NULL;
        stream->kept_size = 0;
        stream_decode(stream, kept, kept->data + at, size);
        chunk_unref(kept);
    }
    if (!is_stopped(stream))
        stream_watch(stream, (stream->watch.events | EPOLLIN) & ~EPOLLRDHUP);
}
