/* SPDX-License-Identifier: MIT */
/* A mark: where a buffer ends, so that what is appended behind can be undone. */
#ifndef GREENMQ_BASE_MARK_H
#define GREENMQ_BASE_MARK_H

#include "base/buffer.h"

struct mark {
    struct piece last; /* as it was; unused when count is 0 */
    struct tally tally;
    uint64_t bytes;
    uint32_t count, tail_room;
};

struct mark mark_end(const struct buffer *buffer);

/* Back to the mark. Nothing has left the buffer since. */
void mark_undo(const struct mark *mark, struct buffer *buffer);

#endif
