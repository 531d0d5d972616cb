/* SPDX-License-Identifier: MIT */
/* Reading the frames of a buffer without taking them out, and taking out many at once. */
#ifndef GREENMQ_BASE_INBOX_H
#define GREENMQ_BASE_INBOX_H

#include "base/buffer.h"

/* A place between two frames: octet `at` of piece `n`. */
struct cursor {
    uint32_t n;
    size_t at;
};

/* The place in front of the first frame. */
struct cursor buffer_begin(const struct buffer *buffer);

/* Is it behind the last one? */
bool buffer_is_end(const struct buffer *buffer, const struct cursor *cursor);

/* The next frame, the chunk that its body lies in, and the place behind it. False when there is
 * none. */
bool buffer_read(const struct buffer *buffer, struct cursor *cursor, struct frame *frame,
                 struct chunk **chunk);

/* As inbox, between two messages: the octets of frames at the front that lie together, for the
 * caller to read and then skip. NULL if there are none. */
const uint8_t *buffer_head(const struct buffer *buffer, struct chunk **chunk, size_t *size);

/* As inbox: takes out `size` octets of that, whole messages that count as `tally`. */
void buffer_skip(struct buffer *buffer, size_t size, const struct tally *tally);

#endif
