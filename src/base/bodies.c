/* SPDX-License-Identifier: MIT */
/* A buffer as output to a peer that speaks no ZMTP: its bodies leave, the headers between them do
 * not. See buffer.h. A body that has begun to leave has its header behind it (`gone`), so that what
 * is left is told from what was never begun, as with whole frames. */
#include "base/span.h"

int buffer_bodies(const struct buffer *buffer, struct iovec *vectors, int max)
{
    int n = 0;
    for (uint32_t i = 0; i < buffer->count && n < max; i++) {
        const struct piece *piece = span_piece(buffer, i);
        struct span span = span_first(buffer, i);
        if (piece->body)
            span_add_body(&span, piece, vectors, &n);
        while (!piece->body && n < max && span_next(piece, &span))
            span_add_body(&span, piece, vectors, &n);
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
        const struct piece *piece = span_piece(buffer, i);
        struct span span = span_first(buffer, i);
        if (piece->body)
            octets += leave(&span, &size, &whole);
        while (!piece->body && whole && span_next(piece, &span))
            octets += leave(&span, &size, &whole);
    }
    buffer_advance(buffer, octets, left);
}
