/* SPDX-License-Identifier: MIT */
/* Where runs come from that are appended to a buffer: the source's frames in a chunk; and how the
 * model (model.h) gets the same frames. */
#ifndef GREENMQ_TESTS_SOURCE_H
#define GREENMQ_TESTS_SOURCE_H

#include "model.h"

static struct frames source;

/* A run of all that `source` holds, in a chunk with `slack` octets more. */
static struct run source_run(size_t slack)
{
    struct scan scan;
    struct scan_limits none = {.body_max = UINT64_MAX, .large_min = UINT64_MAX};
    struct chunk *chunk = chunk_new(source.size + slack);
    assert_non_null(chunk);
    memcpy(chunk->data, source.octets, source.size);
    run_scan(&scan, chunk->data, source.size, &none);
    assert_int_equal(scan.run.size, source.size);
    scan.run.chunk = chunk;
    return scan.run;
}

/* The model gets the source's frames from the n-th on. */
static inline void model_source(size_t n)
{
    for (; n < source.count; n++) {
        const struct listed *listed = &source.list[n];
        frames_put(&model.frames, listed->flags, listed->header == 9, frames_body(&source, listed),
                   listed->size);
    }
}

/* "\1 2id" as the frames that a prefix is made of, and the same in the model. */
static const uint8_t prefix_octets[] = {FRAME_MORE, 2, 'i', 'd', FRAME_MORE, 0};
static const struct prefix prefix = {
    .data = prefix_octets, .size = sizeof prefix_octets, .parts = 2, .bytes = 2};

static inline void model_prefix(void)
{
    frames_put(&model.frames, FRAME_MORE, false, "id", 2);
    frames_put(&model.frames, FRAME_MORE, false, NULL, 0);
}

static inline void model_source_prefixed(void)
{
    bool first = true;
    for (size_t n = 0; n < source.count; n++) {
        const struct listed *listed = &source.list[n];
        if (first)
            model_prefix();
        first = !(listed->flags & FRAME_MORE);
        frames_put(&model.frames, listed->flags, listed->header == 9, frames_body(&source, listed),
                   listed->size);
    }
}

#endif
