/* SPDX-License-Identifier: MIT */
/* A stream in raw mode, of STREAM and of ROUTER with ZMQ_ROUTER_RAW: no greeting, no frames.
 *
 * What is read gets the headers of messages written in between, as if it had come so; from there
 * on it is input as any other. On its way out only the bodies leave (base/bodies.c). Both ends of
 * the connection are told to the application by an empty message. */
#include "transport/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    PIECE_MAX = 8192, /* octets of one message, as libzmq reads them */
    SLOT = FRAME_LONG_HEADER + PIECE_MAX,
    SLOTS_MAX = CTX_SCRATCH_BYTES / SLOT
};

/* Reads into the bodies of slots, which leave room for headers. */
static ssize_t receive(struct stream *stream, struct chunk *scratch)
{
    struct iovec vectors[SLOTS_MAX];
    for (size_t i = 0; i < SLOTS_MAX; i++)
        vectors[i] = (struct iovec){scratch->data + i * SLOT + FRAME_LONG_HEADER, PIECE_MAX};
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = SLOTS_MAX};
    return recvmsg(stream->fd, &message, MSG_DONTWAIT);
}

/* Writes the headers. Returns the octets of all frames. */
static size_t frame(uint8_t *at, size_t size)
{
    uint8_t *start = at;
    for (; size >= PIECE_MAX; size -= PIECE_MAX, at += SLOT)
        frame_header_write(at, 0, PIECE_MAX);
    if (size) {
        size_t header = frame_header_write(at, 0, size);
        if (header < FRAME_LONG_HEADER)
            memmove(at + header, at + FRAME_LONG_HEADER, size);
        at += header + size;
    }
    return (size_t)(at - start);
}

bool stream_read_raw(struct stream *stream)
{
    struct chunk *scratch = ctx_scratch(stream->socket->ctx, stream->io);
    if (stream->kept_size)
        return false;
    ssize_t n = scratch ? receive(stream, scratch) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        stream->error = n < 0 ? errno : EPIPE;
        stream_fail(stream, LEAVE_CLOSED);
        return false;
    }
    stream->socket->ctx->loop.work++;
    stream_decode(stream, scratch, scratch->data, frame(scratch->data, (size_t)n));
    return true;
}

void stream_notice(struct stream *stream)
{
    static const uint8_t empty[FRAME_SHORT_HEADER];
    const struct run run = {
        .data = empty, .size = sizeof empty, .tally = {.messages = 1, .parts = 1}};
    struct peer *peer = stream->peer;
    if (!stream->options->stream_notify || peer_deliver(peer, &run))
        return;
    /* There is no room, but what is told once must be told: the inbox takes it nonetheless. */
    bool held = peer->held, last = peer->last_words;
    peer->last_words = true;
    peer_deliver(peer, &run);
    peer->last_words = last;
    peer->held = held;
}
