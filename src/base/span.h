/* SPDX-License-Identifier: MIT */
/* Spans: the frames of a buffer as they lie in its pieces, for those who let them leave in another
 * form than they have (bodies.c, frame1.c). */
#ifndef GREENMQ_BASE_SPAN_H
#define GREENMQ_BASE_SPAN_H

#include "base/buffer.h"
#include "base/check.h"

/* The frame at octet `at` of a piece, as far as it lies there, and what of its body waits. */
struct span {
    size_t at, end;   /* header and body; the body may be the next piece */
    size_t from;      /* octets of the piece that wait begin here */
    size_t body_from; /* ... and those of the body here */
    size_t size;      /* of the body, in this piece or the next */
};

static inline const struct piece *span_piece(const struct buffer *buffer, uint32_t n)
{
    return &buffer->pieces[(buffer->first + n) & (buffer->room - 1)];
}

/* Where span_next() begins in the n-th piece; or, if that is a body, the span itself. */
static inline struct span span_first(const struct buffer *buffer, uint32_t n)
{
    const struct piece *piece = span_piece(buffer, n);
    size_t gone = n ? 0 : buffer->gone, start = n ? 0 : buffer->walked;
    if (piece->body)
        return (struct span){.end = piece->size, .from = gone, .body_from = gone, .size = 1};
    return (struct span){.end = start, .from = gone};
}

/* The next frame of a piece that is no body. False at its end. */
static inline bool span_next(const struct piece *piece, struct span *span)
{
    struct frame frame;
    if (span->end == piece->size)
        return false;
    span->at = span->end;
    check(frame_header_read(piece->data + span->at, piece->size - span->at, &frame));
    span->size = frame.size;
    span->end = span->at + frame.header + frame.size;
    if (span->end > piece->size)
        span->end = piece->size;
    if (span->from < span->at)
        span->from = span->at;
    span->body_from = span->at + frame.header;
    if (span->body_from < span->from)
        span->body_from = span->from;
    return true;
}

/* What waits of the span's body as the next vector, if there is any. */
static inline bool span_add_body(const struct span *span, const struct piece *piece,
                                 struct iovec *vectors, int *n)
{
    size_t size = span->end - span->body_from;
    if (size)
        vectors[(*n)++] = (struct iovec){piece->data + span->body_from, size};
    return size;
}

#endif
