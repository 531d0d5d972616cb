/* SPDX-License-Identifier: MIT */
/* A stream's output: the link of a peer whose far end is a connection; and the commands that go
 * between messages. A write that the system does not take whole waits until it can go on; a write
 * that fails breaks the connection at the end of the turn. */
#include "transport/stream.h"

#include "base/check.h"
#include "transport/stream_old.h"
#include "wire/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    VECTORS_MAX = 64,
    SLICE_BYTES = 262144, /* so much leaves at once; then others, and our own input, have a turn */
    UNREAD_MAX = 65536 /* with so much waiting, a peer that does not read gets no more commands */
};

/* The octets sent, or a negative errno. */
static ssize_t send_octets(int fd, struct iovec *vectors, int count)
{
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = (size_t)count};
    ssize_t n;
    if (count == 1) /* the usual case, and the cheaper call */
        n = send(fd, vectors->iov_base, vectors->iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    else
        n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

/* Of send_octets(): how much has left. What breaks the connection ends it later. */
static size_t judge(struct stream *stream, ssize_t sent)
{
    if (sent >= 0)
        return (size_t)sent;
    if (sent != -EAGAIN && sent != -EINTR && sent != -ENOBUFS && sent != -ENOMEM)
        stream_fail(stream, LEAVE_CLOSED);
    return 0;
}

/* Sends what it can. Returns octets sent. */
static size_t send_vectors(struct stream *stream, struct iovec *vectors, int count)
{
    return judge(stream, send_octets(stream->fd, vectors, count));
}

/* The same with the lock lent to others, who may put more behind what is sent, and may close the
 * stream. False: they have, and the peer is not there any more. */
static bool send_lending(struct stream *stream, struct iovec *vectors, int count, size_t size,
                         size_t *sent)
{
    struct chunk *held[VECTORS_MAX];
    int holds = buffer_hold(&stream->peer->out, count, held);
    stream->peer->out.lent = size;
    stream_lend(stream, &stream->sending);
    ssize_t n = send_octets(stream->fd, vectors, count);
    bool open = stream_take_back(stream, &stream->sending);
    while (holds)
        chunk_unref(held[--holds]);
    if (!open)
        return false;
    stream->peer->out.lent = 0;
    *sent = judge(stream, n);
    return true;
}

static void wait_until_writable(struct stream *stream)
{
    if (stream->failing.queued)
        return;
    stream->blocked = true;
    stream_watch(stream, stream->watch.events | EPOLLOUT);
}

/* The next octets to leave, in the form that the peer wants them in. */
static int next_vectors(const struct stream *stream, struct iovec *vectors)
{
    const struct buffer *out = &stream->peer->out;
    if (unlikely(stream->raw))
        return buffer_bodies(out, vectors, VECTORS_MAX);
    if (unlikely(stream->old))
        return stream_old_vectors(stream, vectors, VECTORS_MAX);
    return buffer_vectors(out, vectors, VECTORS_MAX);
}

/* The next slice to leave; *size is its octets. */
static int next_slice(const struct stream *stream, struct iovec *vectors, size_t *size)
{
    int count = 0, most = next_vectors(stream, vectors);
    *size = 0;
    while (count < most && *size < SLICE_BYTES)
        *size += vectors[count++].iov_len;
    if (*size > SLICE_BYTES) {
        vectors[count - 1].iov_len -= *size - SLICE_BYTES;
        *size = SLICE_BYTES;
    }
    return count;
}

static void advance(struct stream *stream, size_t sent, struct tally *left)
{
    struct buffer *out = &stream->peer->out;
    if (unlikely(stream->raw))
        buffer_advance_bodies(out, sent, left);
    else if (unlikely(stream->old))
        stream_old_advance(stream, sent, left);
    else
        buffer_advance(out, sent, left);
}

static bool can_send(const struct stream *stream)
{
    return !stream->blocked && !stream->sending && !stream->failing.queued &&
           !buffer_is_empty(&stream->peer->out);
}

static void flush(struct peer *peer, bool lends_lock)
{
    struct stream *stream = peer->far;
    lane_close_output(peer->socket);
    while (can_send(stream)) {
        struct iovec vectors[VECTORS_MAX];
        struct tally left = {0};
        size_t size, sent;
        int count = next_slice(stream, vectors, &size);
        if (!lends_lock || stream->old) /* whose headers lie with the stream */
            sent = send_vectors(stream, vectors, count);
        else if (!send_lending(stream, vectors, count, size, &sent))
            return;
        lane_close_output(peer->socket); /* while the lock was lent others may have opened one */
        advance(stream, sent, &left);
        peer_sent(peer, &left);
        if (sent < size || size == SLICE_BYTES)
            wait_until_writable(stream);
    }
    if (peer->dismissed && !stream->sending && buffer_is_empty(&peer->out))
        stream_fail(stream, LEAVE_LOCAL);
}

static void link_flush(struct peer *peer)
{
    flush(peer, false);
}

/* Not where the output may be replaced before it has left (ZMQ_CONFLATE), nor for bare octets,
 * whose vectors are not the pieces that hold them. */
static void link_flush_lending(struct peer *peer)
{
    struct stream *stream = peer->far;
    flush(peer, !peer->conflates && !stream->raw);
}

static size_t link_write(struct peer *peer, const uint8_t *data, size_t size)
{
    struct stream *stream = peer->far;
    if (stream->blocked || stream->sending || stream->failing.queued || stream->raw || stream->old)
        return 0;
    struct iovec vector = {.iov_len = size};
    memcpy(&vector.iov_base, &data, sizeof data); /* sendmsg() lends it, and does not write */
    size_t sent = send_vectors(stream, &vector, 1);
    if (sent < size)
        wait_until_writable(stream);
    return sent;
}

static void link_fail(struct peer *peer)
{
    stream_fail(peer->far, LEAVE_CLOSED);
}

static void link_close(struct peer *peer)
{
    stream_close(peer->far);
}

static void link_describe(const struct peer *peer, char *text, size_t room)
{
    snprintf(text, room, "%s", ((struct stream *)peer->far)->address);
}

/* 37/ZMTP 3.1 has commands for subscriptions; before that they are messages. */
static int link_subscribe(struct peer *peer, bool add, const uint8_t *topic, size_t size)
{
    struct stream *stream = peer->far;
    uint8_t head[COMMAND_HEAD_ROOM];
    struct tally tally = {0};
    size_t head_size;
    if (stream->major == 3 && stream->minor >= 1) {
        head_size = command_write_subscribe(head, add, size);
    } else {
        tally = (struct tally){.messages = 1, .parts = 1, .bytes = 1 + size};
        head_size = frame_header_write(head, 0, 1 + size);
        head[head_size++] = add;
    }
    lane_close_output(peer->socket);
    int rc = buffer_append_two(&peer->out, head, head_size, topic, size, &tally);
    if (rc < 0)
        return rc;
    peer_count_own(peer, &tally);
    peer_mark_dirty(peer);
    return 0;
}

/* A PING or PONG into the output. Without memory there will be another
 * one. A peer that does not read gets no more of them once a good deal waits: that will show it as
 * well that we live, and to ask without end must cost it more than us. */
bool stream_command(struct stream *stream, const uint8_t *octets, size_t size)
{
    lane_close_output(stream->socket);
    if (stream->blocked && stream->peer->out.bytes > UNREAD_MAX)
        return false;
    if (buffer_append_raw(&stream->peer->out, octets, size, &(struct tally){0}) < 0)
        return false;
    peer_mark_dirty(stream->peer);
    return true;
}

static void on_subscription(struct stream *stream, const struct command *command)
{
    struct socket *socket = stream->socket;
    if (socket->pattern->subscribe)
        socket->pattern->subscribe(socket, stream->peer, command->name == COMMAND_SUBSCRIBE,
                                   command->data, command->size);
}

void stream_on_command(struct stream *stream, const struct frame *frame)
{
    struct command command;
    uint8_t pong[COMMAND_PING_ROOM];
    command_read(&command, frame->body, frame->size);
    switch (command.name) {
    case COMMAND_PING:
        stream->peer_ttl_ms = command.ttl_ds * 100u;
        stream->pings = true;
        stream_heartbeat_start(stream);
        stream_command(stream, pong, command_write_pong(pong, command.data, command.size));
        break;
    case COMMAND_SUBSCRIBE:
    case COMMAND_CANCEL: on_subscription(stream, &command); break;
    case COMMAND_ERROR: stream_refuse(stream, SESSION_REFUSED, NULL); break;
    case COMMAND_BAD: stream_refuse(stream, SESSION_BAD_COMMAND, NULL); break;
    default: break; /* PONG has been heard, that is all; what is unknown is ignored */
    }
}

const struct link stream_link = {
    .flush = link_flush,
    .flush_lending = link_flush_lending,
    .write = link_write,
    .resume = stream_resume,
    .subscribe = link_subscribe,
    .fail = link_fail,
    .close = link_close,
    .describe = link_describe,
    .introduce = stream_introduce,
};
