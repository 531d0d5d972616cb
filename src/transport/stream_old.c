/* SPDX-License-Identifier: MIT */
/* A stream whose peer speaks ZMTP 1.0, as libzmq 2.x does (13/ZMTP). Its frames are translated on
 * their way in and out (base/frame1.c), so that nobody else has to know; the streams of all other
 * peers only see that `old` is NULL.
 *
 * Such a peer names no socket type, so that none is refused, has no commands, and does not tell
 * what it subscribes to: a subscriber gets all and filters itself. To a publisher subscriptions are
 * told as messages, as by libzmq: libzmq 3.0 heeds them, 2.x does not read them.
 * Called by the stream's other files. */
#include "base/frame1.h"
#include "transport/stream_old.h"

#include <errno.h>
#include <stdlib.h>

enum { HEADS_MAX = 64 };

struct stream_old {
    struct frame1_reader reader;
    size_t head_gone; /* octets of a header that have left, see frame1_vectors() */
    uint8_t heads[HEADS_MAX][FRAME1_LONG_HEADER];
};

int stream_old_begin(struct stream *stream)
{
    stream->old = calloc(1, sizeof *stream->old);
    return stream->old ? 0 : -ENOMEM;
}

/* Its peer has joined. One that says its type tells its subscriptions as well. */
void stream_old_welcome(struct stream *stream)
{
    struct socket *socket = stream->socket;
    if (socket->pattern->subscribe && stream->peer_type < 0)
        socket->pattern->subscribe(socket, stream->peer, true, (const uint8_t *)"", 0);
}

size_t stream_old_read(struct stream *stream, uint8_t *to, const uint8_t *from, size_t size)
{
    return frame1_read(&stream->old->reader, to, from, size);
}

int stream_old_vectors(const struct stream *stream, struct iovec *vectors, int max)
{
    struct stream_old *old = stream->old;
    return frame1_vectors(&stream->peer->out, old->head_gone, old->heads, vectors,
                          max < HEADS_MAX ? max : HEADS_MAX);
}

void stream_old_advance(struct stream *stream, size_t size, struct tally *left)
{
    frame1_advance(&stream->peer->out, size, &stream->old->head_gone, left);
}
