/* SPDX-License-Identifier: MIT */
/* What a stream needs whose peer speaks ZMTP 1.0: for the stream's other files. `old` of a stream
 * is set by stream_old_begin(), and freed with free(). */
#ifndef GREENMQ_TRANSPORT_STREAM_OLD_H
#define GREENMQ_TRANSPORT_STREAM_OLD_H

#include "transport/stream.h"

#include <sys/uio.h>

/* It shook hands, and its peer is known; the traffic begins. 0 or -ENOMEM. */
int stream_old_begin(struct stream *stream);

/* Its peer has joined: a publisher takes it for subscribed to all. */
void stream_old_welcome(struct stream *stream);

/* Input, see frame1_read(). */
size_t stream_old_read(struct stream *stream, uint8_t *to, const uint8_t *from, size_t size);

/* Output, see frame1_vectors() and frame1_advance(). */
int stream_old_vectors(const struct stream *stream, struct iovec *vectors, int max);
void stream_old_advance(struct stream *stream, size_t size, struct tally *left);

#endif
