/* SPDX-License-Identifier: MIT */
/* Frames. Inside greenmq a message is what it is on the wire: its frames one behind the other,
 * each a header and a body (37/ZMTP 3.1, "framing"; the same since 15/ZMTP 2.0). So what comes
 * in from one connection can go out on another as it lies there.
 *
 *      flags | size (1 octet, or 8 with FRAME_LONG) | body
 */
#ifndef GREENMQ_BASE_FRAME_H
#define GREENMQ_BASE_FRAME_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    FRAME_MORE = 1,    /* another frame of the same message follows */
    FRAME_LONG = 2,    /* the size has eight octets */
    FRAME_COMMAND = 4, /* a command, not part of a message */
    FRAME_KNOWN = 7,   /* the bits that may be set */
    FRAME_SHORT_HEADER = 2,
    FRAME_LONG_HEADER = 9,
    FRAME_SHORT_MAX = 255 /* the largest body with a short header */
};

struct frame {
    uint8_t flags;
    uint8_t header;      /* octets of the header */
    uint64_t size;       /* octets of the body */
    const uint8_t *body; /* where the body begins */
};

static inline uint64_t frame_size_read(const uint8_t *at)
{
    uint64_t size;
    memcpy(&size, at, 8);
    return be64toh(size);
}

/* Reads the header at `at`. False when `len` octets do not hold all of it. */
static inline int frame_header_read(const uint8_t *at, size_t len, struct frame *frame)
{
    if (len < FRAME_SHORT_HEADER)
        return 0;
    frame->flags = at[0];
    if (!(at[0] & FRAME_LONG)) {
        frame->header = FRAME_SHORT_HEADER;
        frame->size = at[1];
    } else {
        if (len < FRAME_LONG_HEADER)
            return 0;
        frame->header = FRAME_LONG_HEADER;
        frame->size = frame_size_read(at + 1);
    }
    frame->body = at + frame->header;
    return 1;
}

/* Writes the header of a body of `size` octets; returns the header's octets. `flags` is
 * FRAME_MORE, FRAME_COMMAND or 0; FRAME_LONG is added where it is needed. */
static inline size_t frame_header_write(uint8_t *at, uint8_t flags, uint64_t size)
{
    if (size <= FRAME_SHORT_MAX) {
        at[0] = flags;
        at[1] = (uint8_t)size;
        return FRAME_SHORT_HEADER;
    }
    at[0] = flags | FRAME_LONG;
    uint64_t big = htobe64(size);
    memcpy(at + 1, &big, 8);
    return FRAME_LONG_HEADER;
}

#endif
