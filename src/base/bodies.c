/* SPDX-License-Identifier: MIT */
/* A buffer as output to a peer that speaks no ZMTP: its bodies leave, the headers between them do
 * not. See buffer.h. A body that has begun to leave has its header behind it (`gone`), so that what
 * is left is told from what was never begun, as with whole frames. */
#include "base/buffer.h"

#include "base/check.h"

/* The frame at octet `at` of a piece, as far as it lies there, and what of its body waits. */
struct span {
    size_t at, end;   /* header and body; the body may be the next piece */
    size_t from;      /* octets of the piece that wait begin here */
    size_t body_from; /* ... and those of the body here */
    size_t size;      /* of the body, in this piece or the next */
};

static const struct piece *piece_at(const struct buffer *buffer, uint32_t n)
{
    return &buffer->pieces[(buffer->first + n) & (buffer->room - 1)];
}

static struct span span_first(const struct buffer *buffer, uint32_t n)
{
    const struct piece *piece = piece_at(buffer, n);
    size_t gone = n ? 0 : buffer->gone, start = n ? 0 : buffer->walked;
    if (piece->body)
        return (struct span){.end = piece->size, .from = gone, .body_from = gone, .size = 1};
    return (struct span){.end = start, .from = gone};
}

/* The next frame of a piece that is no body. False at its end. */
static bool span_next(const struct piece *piece, struct span *span)
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

static bool add_vector(struct iovec *vectors, int *n, const struct piece *piece,
                       const struct span *span)
{
    size_t size = span->end - span->body_from;
    if (size)
        vectors[(*n)++] = (struct iovec){piece->data + span->body_from, size};
    return size;
}

int buffer_bodies(const struct buffer *buffer, struct iovec *vectors, int max)
{
    int n = 0;
    for (uint32_t i = 0; i < buffer->count && n < max; i++) {
        const struct piece *piece = piece_at(buffer, i);
        struct span span = span_first(buffer, i);
        if (piece->body)
            add_vector(vectors, &n, piece, &span);
        while (!piece->body && n < max && span_next(piece, &span))
            add_vector(vectors, &n, piece, &span);
    }
    return n;
}

/* Lets up to *size octets of the span's body leave. Returns the octets of the piece that are gone
 * with them; *whole tells whether that is all of the span. */
static size_t leave(const struct span *span, size_t *size, bool *whole)
{
    bool begun = span->from > span->at;
    size_t waits = span->end - span->body_from, taken = waits < *size ? waits : *size;
    *whole = taken == waits;
    if (!*size && span->size && !begun) {
        *whole = false; /* its header does not go before the first octet does */
        return 0;
    }
    *size -= taken;
    return span->body_from + taken - span->from;
}

void buffer_advance_bodies(struct buffer *buffer, size_t size, struct tally *left)
{
    size_t octets = 0;
    bool whole = true;
    for (uint32_t i = 0; whole && i < buffer->count; i++) {
        const struct piece *piece = piece_at(buffer, i);
        struct span span = span_first(buffer, i);
        if (piece->body)
            octets += leave(&span, &size, &whole);
        while (!piece->body && whole && span_next(piece, &span))
            octets += leave(&span, &size, &whole);
    }
    buffer_advance(buffer, octets, left);
}
