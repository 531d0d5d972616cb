/* SPDX-License-Identifier: MIT */
/* Frames in a row, kept twice: as octets and as a list. It is the plain model that runs and
 * buffers are compared with. */
#ifndef GREENMQ_TESTS_FRAMES_H
#define GREENMQ_TESTS_FRAMES_H

#include "dice.h"

#include <stdlib.h>
#include <string.h>

#include "base/frame.h"
#include "base/tally.h"

struct listed {
    size_t at, header, size; /* where it begins, octets of the header, octets of the body */
    size_t body;             /* where that begins */
    uint8_t flags;           /* without FRAME_LONG */
};

enum { FRAMES_OCTETS = 8 << 20, FRAMES_MAX = 1 << 15 };

struct frames {
    size_t size, count;
    uint8_t octets[FRAMES_OCTETS];
    struct listed list[FRAMES_MAX];
};

static inline void frames_clear(struct frames *frames)
{
    frames->size = frames->count = 0;
}

/* Adds a frame with a copy of the body, and a long header if it needs one or is to have one. */
static inline const struct listed *frames_put(struct frames *frames, uint8_t flags, bool as_long,
                                              const void *body, size_t size)
{
    as_long = as_long || size > 255;
    assert_true(frames->size + 9 + size <= FRAMES_OCTETS && frames->count < FRAMES_MAX);
    struct listed *listed = &frames->list[frames->count++];
    uint8_t *at = frames->octets + frames->size;
    *listed = (struct listed){
        .at = frames->size, .header = as_long ? 9 : 2, .size = size, .flags = flags};
    at[0] = as_long ? flags | FRAME_LONG : flags;
    for (int i = 0; as_long && i < 8; i++)
        at[1 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
    if (!as_long)
        at[1] = (uint8_t)size;
    listed->body = listed->at + listed->header;
    if (size)
        memcpy(at + listed->header, body, size);
    frames->size += listed->header + size;
    return listed;
}

/* The same with a body like no other. */
static inline const struct listed *frames_add(struct frames *frames, uint8_t flags, bool as_long,
                                              size_t size)
{
    static uint8_t body[65536];
    uint8_t salt = (uint8_t)(frames->count * 7 + 1);
    assert_true(size <= sizeof body);
    for (size_t i = 0; i < size; i++)
        body[i] = (uint8_t)(salt + i * 31 + (i >> 8));
    return frames_put(frames, flags, as_long, body, size);
}

/* A message of 1 to 4 parts; now and then a peer wastes a long header on a short body. */
static inline void frames_add_message(struct frames *frames)
{
    int parts = dice_throw(3) ? 1 : 1 + (int)dice_throw(4);
    while (parts--)
        frames_add(frames, parts ? FRAME_MORE : 0, false, dice_size());
}

static inline const uint8_t *frames_body(const struct frames *frames, const struct listed *listed)
{
    return frames->octets + listed->body;
}

static inline size_t frames_end(const struct listed *listed)
{
    return listed->at + listed->header + listed->size;
}

/* What ends behind octet `from` and not behind octet `to`. */
static inline struct tally frames_tally(const struct frames *frames, size_t from, size_t to)
{
    struct tally tally = {0};
    for (size_t i = 0; i < frames->count; i++) {
        const struct listed *listed = &frames->list[i];
        if (frames_end(listed) <= from || frames_end(listed) > to || listed->flags & FRAME_COMMAND)
            continue;
        tally.messages += !(listed->flags & FRAME_MORE);
        tally.parts++;
        tally.bytes += listed->size;
    }
    return tally;
}

#define assert_tally(found, expected)                             \
    do {                                                          \
        const struct tally found_ = (found), asked_ = (expected); \
        assert_int_equal(found_.messages, asked_.messages);       \
        assert_int_equal(found_.parts, asked_.parts);             \
        assert_int_equal(found_.bytes, asked_.bytes);             \
    } while (0)

#endif
