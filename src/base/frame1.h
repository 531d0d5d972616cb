/* SPDX-License-Identifier: MIT */
/* Frames of 13/ZMTP 1.0, which the libzmq of 2.x speaks, and their translation from and to those of
 * base/frame.h. All of greenmq knows only the latter.
 *
 *      length (1 octet, or FF and 8 octets; it counts the flags) | flags | body
 */
#ifndef GREENMQ_BASE_FRAME1_H
#define GREENMQ_BASE_FRAME1_H

#include "base/frame.h"

#include <stdbool.h>
#include <sys/uio.h>

struct buffer;
struct tally;

enum {
    FRAME1_SHORT_HEADER = 2,
    FRAME1_LONG_HEADER = 10,
    FRAME1_LONG = 0xFF,  /* in place of a length: eight octets of it follow */
    FRAME1_UNUSED = 0x7E /* flags that mean nothing; libzmq before 2.1.10 sets them all */
};

/* Input, between two calls of frame1_read(). Begins with zeros. */
struct frame1_reader {
    uint64_t left;                    /* octets of a body that are still to come */
    uint8_t head[FRAME1_LONG_HEADER]; /* a header that is not complete: its first `have` octets */
    uint8_t have;
    bool is_broken; /* a frame without flags has come; nothing is read any more */
};

/* Translates `size` octets. The result is not longer than they and `have` octets together, so it
 * may go where they lie: `to` is at least `have` octets before `from`, or elsewhere. A frame that
 * breaks the rules becomes an octet of flags that does, too. Returns the octets of the result. */
size_t frame1_read(struct frame1_reader *reader, uint8_t *to, const uint8_t *from, size_t size);

/* Writes the header of a body of `size` octets; returns the header's octets. `flags` is FRAME_MORE
 * or 0. */
static inline size_t frame1_header_write(uint8_t *at, uint8_t flags, uint64_t size)
{
    uint64_t big = htobe64(size + 1);
    if (size + 1 < FRAME1_LONG) {
        at[0] = (uint8_t)(size + 1);
        at[1] = flags;
        return FRAME1_SHORT_HEADER;
    }
    at[0] = FRAME1_LONG;
    memcpy(at + 1, &big, sizeof big);
    at[9] = flags;
    return FRAME1_LONG_HEADER;
}

/* As buffer_vectors() and buffer_advance() for output to a peer of ZMTP 1.0: it is sent other
 * headers, which are written to `heads` (room for `max` of them), and no commands. *head_gone is 0
 * at first; between two calls it says how much of a header has left. */
int frame1_vectors(const struct buffer *buffer, size_t head_gone,
                   uint8_t (*heads)[FRAME1_LONG_HEADER], struct iovec *vectors, int max);
void frame1_advance(struct buffer *buffer, size_t size, size_t *head_gone, struct tally *left);

#endif
