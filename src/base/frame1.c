/* SPDX-License-Identifier: MIT */
/* Frames of ZMTP 1.0: see frame1.h.
 *
 * Input is translated as it comes, in place. Output stays in its buffer as the frames it is, and
 * only when it leaves other headers are put before the bodies; the books see no difference. Of a
 * header that has left in part, the header in the buffer counts as begun by one octet.
 * Failures: a length of 0. Called by the transports' stream, for peers of ZMTP 1.0 only. */
#include "base/frame1.h"

#include "base/span.h"

/* Reserved flags, which no frame of base/frame.h may have. */
enum { BAD_FLAGS = 0xFF };

/* The header is complete, or cannot become one. Returns the octets written. */
static size_t end_head(struct frame1_reader *reader, uint8_t *to)
{
    bool is_long = reader->head[0] == FRAME1_LONG;
    uint64_t length = is_long ? frame_size_read(reader->head + 1) : reader->head[0];
    uint8_t flags = reader->head[reader->have - 1] & FRAME_MORE;
    reader->have = 0;
    if (length == 0) {
        reader->is_broken = true;
        to[0] = BAD_FLAGS;
        return 1;
    }
    reader->left = length - 1;
    return frame_header_write(to, flags, reader->left);
}

static bool is_head_complete(const struct frame1_reader *reader)
{
    if (reader->head[0] == FRAME1_LONG)
        return reader->have == FRAME1_LONG_HEADER;
    return reader->have == FRAME1_SHORT_HEADER || reader->head[0] == 0;
}

size_t frame1_read(struct frame1_reader *reader, uint8_t *to, const uint8_t *from, size_t size)
{
    uint8_t *start = to;
    while (size && !reader->is_broken) {
        size_t used = 1;
        if (reader->left) {
            used = reader->left < size ? reader->left : size;
            memmove(to, from, used);
            to += used;
            reader->left -= used;
        } else {
            reader->head[reader->have++] = *from;
            if (is_head_complete(reader))
                to += end_head(reader, to);
        }
        from += used;
        size -= used;
    }
    return (size_t)(to - start);
}

static bool is_command(const struct piece *piece, const struct span *span)
{
    return piece->data[span->at] & FRAME_COMMAND;
}

/* Nothing of the header, or a part of it, has left. */
static bool waits_with_head(const struct span *span)
{
    return span->from <= span->at + 1;
}

/* The octets of the header that have left. */
static size_t gone_of(const struct span *span, size_t head_gone)
{
    return span->from == span->at ? 0 : head_gone;
}

int frame1_vectors(const struct buffer *buffer, size_t head_gone,
                   uint8_t (*heads)[FRAME1_LONG_HEADER], struct iovec *vectors, int max)
{
    int n = 0;
    for (uint32_t i = 0; i < buffer->count && n + 2 <= max; i++) {
        const struct piece *piece = span_piece(buffer, i);
        struct span span = span_first(buffer, i);
        if (piece->body)
            span_add_body(&span, piece, vectors, &n);
        while (!piece->body && n + 2 <= max && span_next(piece, &span)) {
            if (is_command(piece, &span))
                continue;
            if (waits_with_head(&span)) {
                size_t gone = gone_of(&span, head_gone);
                size_t size = frame1_header_write(heads[n], piece->data[span.at] & FRAME_MORE,
                                                  span.size);
                vectors[n] = (struct iovec){heads[n] + gone, size - gone};
                n++;
            }
            span_add_body(&span, piece, vectors, &n);
        }
    }
    return n;
}

/* Lets up to *size octets of the span's body leave. Returns the octets of the piece that are gone
 * with them; *whole tells whether that is all of the span. */
static size_t leave_body(const struct span *span, size_t *size, bool *whole)
{
    size_t waits = span->end - span->body_from, taken = waits < *size ? waits : *size;
    *whole = taken == waits;
    *size -= taken;
    return span->body_from + taken - span->from;
}

/* The same with the header in front of it. */
static size_t leave_frame(const struct span *span, size_t *size, size_t *head_gone, bool *whole)
{
    uint8_t head[FRAME1_LONG_HEADER];
    if (waits_with_head(span)) {
        size_t gone = gone_of(span, *head_gone);
        size_t waits = frame1_header_write(head, 0, span->size) - gone;
        if (*size < waits) {
            size_t begun = gone == 0 && *size > 0;
            *head_gone = gone + *size;
            *size = 0;
            *whole = false;
            return begun;
        }
        *size -= waits;
    }
    return leave_body(span, size, whole);
}

void frame1_advance(struct buffer *buffer, size_t size, size_t *head_gone, struct tally *left)
{
    size_t octets = 0;
    bool whole = true;
    for (uint32_t i = 0; whole && i < buffer->count; i++) {
        const struct piece *piece = span_piece(buffer, i);
        struct span span = span_first(buffer, i);
        if (piece->body)
            octets += leave_body(&span, &size, &whole);
        while (!piece->body && whole && span_next(piece, &span))
            octets += is_command(piece, &span) ? span.end - span.from
                                               : leave_frame(&span, &size, head_gone, &whole);
    }
    buffer_advance(buffer, octets, left);
}
