/* SPDX-License-Identifier: MIT */
/* Marks: see mark.h. For those who append in several steps, one of which may find no memory: the
 * message is to be in the buffer whole or not at all. */
#include "base/mark.h"

static struct piece *piece_at(const struct buffer *buffer, uint32_t n)
{
    return &buffer->pieces[(buffer->first + n) & (buffer->room - 1)];
}

struct mark mark_end(const struct buffer *buffer)
{
    struct mark mark = {.tally = buffer->tally,
                        .bytes = buffer->bytes,
                        .count = buffer->count,
                        .tail_room = buffer->tail_room};
    if (buffer->count)
        mark.last = *piece_at(buffer, buffer->count - 1);
    return mark;
}

void mark_undo(const struct mark *mark, struct buffer *buffer)
{
    while (buffer->count > mark->count)
        chunk_unref(piece_at(buffer, --buffer->count)->chunk);
    if (buffer->count)
        *piece_at(buffer, buffer->count - 1) = mark->last;
    buffer->tally = mark->tally;
    buffer->bytes = mark->bytes;
    buffer->tail_room = mark->tail_room;
}
