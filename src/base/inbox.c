/* SPDX-License-Identifier: MIT */
/* Reading a buffer frame by frame, as a socket reads its peers' inboxes. Here the octets that are
 * gone always end with a frame, so `gone` and `walked` are the same. */
#include "base/inbox.h"

#include "base/check.h"

static const struct piece *piece_at(const struct buffer *buffer, uint32_t n)
{
    return &buffer->pieces[(buffer->first + n) & (buffer->room - 1)];
}

bool buffer_read(const struct buffer *buffer, struct cursor *cursor, struct frame *frame,
                 struct chunk **chunk)
{
    if (cursor->n < buffer->count && cursor->at == piece_at(buffer, cursor->n)->size)
        *cursor = (struct cursor){.n = cursor->n + 1};
    if (cursor->n >= buffer->count)
        return false;
    const struct piece *piece = piece_at(buffer, cursor->n);
    check(frame_header_read(piece->data + cursor->at, piece->size - cursor->at, frame));
    cursor->at += frame->header + frame->size;
    if (cursor->at > piece->size) { /* the body is the next piece */
        check(cursor->n + 1 < buffer->count);
        piece = piece_at(buffer, cursor->n + 1);
        check(piece->body && piece->size == frame->size);
        frame->body = piece->data;
        *cursor = (struct cursor){.n = cursor->n + 2};
    }
    *chunk = piece->chunk;
    return true;
}

bool buffer_is_end(const struct buffer *buffer, const struct cursor *cursor)
{
    return cursor->n >= buffer->count ||
           (cursor->n + 1 == buffer->count && cursor->at == piece_at(buffer, cursor->n)->size);
}

struct cursor buffer_begin(const struct buffer *buffer)
{
    return (struct cursor){.at = buffer->gone};
}

bool buffer_front(const struct buffer *buffer, struct frame *frame, struct chunk **chunk)
{
    struct cursor cursor = buffer_begin(buffer);
    struct chunk *unasked;
    return buffer_read(buffer, &cursor, frame, chunk ? chunk : &unasked);
}

void buffer_pop(struct buffer *buffer, const struct frame *frame)
{
    struct tally left = {0};
    buffer_advance(buffer, frame->header + frame->size, &left);
}

void buffer_pop_messages(struct buffer *buffer, uint64_t messages)
{
    while (messages) {
        struct frame frame;
        check(buffer_front(buffer, &frame, NULL));
        messages -= !(frame.flags & FRAME_MORE);
        buffer_pop(buffer, &frame);
    }
}

/* Is the cursor behind what is being sent just now? */
static bool is_behind_lent(const struct buffer *buffer, const struct cursor *cursor)
{
    size_t at = cursor->at;
    for (uint32_t n = 0; n < cursor->n && n < buffer->count; n++)
        at += piece_at(buffer, n)->size;
    return at >= buffer->gone + buffer->lent;
}

/* The end of what has begun to leave: of a message, and of a command in front of its rest. */
static struct cursor find_open_end(const struct buffer *buffer, struct tally *kept)
{
    struct cursor cursor = {.at = buffer->walked};
    const struct piece *first = piece_at(buffer, 0);
    struct frame frame;
    struct chunk *chunk;
    bool more = buffer->open, open = buffer->inside || buffer->lent;
    if (open && first->body) {
        *kept = first->tally;
        cursor = (struct cursor){.n = 1};
        more = first->open;
        open = more || !is_behind_lent(buffer, &cursor);
    }
    while (open && buffer_read(buffer, &cursor, &frame, &chunk)) {
        if (!(frame.flags & FRAME_COMMAND)) { /* which may stand between two parts */
            more = frame.flags & FRAME_MORE;
            struct tally tally = {.messages = !more, .parts = 1, .bytes = frame.size};
            tally_add(kept, &tally);
        }
        open = more || !is_behind_lent(buffer, &cursor);
    }
    return cursor;
}

void buffer_drop_rest(struct buffer *buffer, struct tally *dropped)
{
    struct tally kept = {0}, rest = buffer->tally;
    if (!buffer->count)
        return;
    struct cursor end = find_open_end(buffer, &kept);
    tally_sub(&rest, &kept);
    tally_add(dropped, &rest);
    buffer_cut(buffer, end.n, end.at, &kept);
}

const uint8_t *buffer_head(const struct buffer *buffer, struct chunk **chunk, size_t *size)
{
    const struct piece *piece = piece_at(buffer, 0);
    if (!buffer->count || piece->body || piece->size == buffer->gone)
        return NULL;
    *chunk = piece->chunk;
    *size = piece->size - buffer->gone;
    return piece->data + buffer->gone;
}

int buffer_front_run(const struct buffer *buffer, struct run *run, struct buffer *large)
{
    return buffer_front_part(buffer, run, large, 0);
}

int buffer_front_part(const struct buffer *buffer, struct run *run, struct buffer *large,
                      size_t max)
{
    struct cursor cursor = buffer_begin(buffer);
    const struct piece *piece = piece_at(buffer, 0);
    struct scan scan;
    struct scan_limits limits = {.body_max = UINT64_MAX, .large_min = UINT64_MAX, .run_max = max};
    run_scan(&scan, piece->data + cursor.at, piece->size - cursor.at, &limits);
    *run = scan.run;
    run->chunk = piece->chunk;
    if (run->size)
        return 0;

    /* The first message begins here and ends in another piece. */
    struct frame frame = {.flags = FRAME_MORE};
    struct chunk *chunk;
    while (frame.flags & FRAME_MORE) {
        check(buffer_read(buffer, &cursor, &frame, &chunk));
        int rc = buffer_append_shared(large, frame.flags & FRAME_MORE, chunk, frame.body,
                                      frame.size);
        if (rc < 0)
            return rc;
    }
    *run = (struct run){.large = large, .size = large->bytes, .tally = large->tally};
    return 0;
}
