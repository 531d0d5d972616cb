/* SPDX-License-Identifier: MIT */
/* A buffer and its model, a flat row of frames: what is done to one is done to the other, and
 * both must agree on everything afterwards. */
#ifndef GREENMQ_TESTS_MODEL_H
#define GREENMQ_TESTS_MODEL_H

#include "frames.h"

#include "base/buffer.h"

/* What was appended, and how much of it has left. */
static struct model {
    struct frames frames;
    size_t gone;
} model;

static struct buffer buffer;

static inline int fresh(void **state)
{
    (void)state;
    dice_seed(0);
    frames_clear(&model.frames);
    model.gone = 0;
    return 0;
}

static inline int emptied(void **state)
{
    buffer_term(&buffer);
    return tell_seed(state);
}

/* A message or command has begun to leave and has not left whole. */
static inline bool model_inside(void)
{
    bool inside = false;
    for (size_t i = 0; i < model.frames.count; i++) {
        const struct listed *listed = &model.frames.list[i];
        if (frames_end(listed) > model.gone)
            return inside || listed->at < model.gone;
        if (!(listed->flags & FRAME_COMMAND))
            inside = listed->flags & FRAME_MORE;
    }
    return inside;
}

static inline void assert_vectors(int max)
{
    static struct iovec vectors[4096];
    const uint8_t *at = model.frames.octets + model.gone;
    size_t left = model.frames.size - model.gone;
    int count = buffer_vectors(&buffer, vectors, max);
    assert_in_range(count, left ? 1 : 0, max);
    for (int i = 0; i < count; i++) {
        assert_true(vectors[i].iov_len > 0 && vectors[i].iov_len <= left);
        assert_memory_equal(vectors[i].iov_base, at, vectors[i].iov_len);
        at += vectors[i].iov_len;
        left -= vectors[i].iov_len;
    }
    if (count < max)
        assert_int_equal(left, 0);
}

static inline void assert_agreed(void)
{
    assert_int_equal(buffer.bytes, model.frames.size - model.gone);
    assert_tally(buffer.tally, frames_tally(&model.frames, model.gone, model.frames.size));
    assert_int_equal(buffer.inside, model_inside());
    assert_int_equal(buffer_is_empty(&buffer), buffer.bytes == 0);
    assert_vectors(1);
    assert_vectors(2);
    assert_vectors(4096);
}

static inline void advance(size_t size)
{
    struct tally left = {0};
    buffer_advance(&buffer, size, &left);
    assert_tally(left, frames_tally(&model.frames, model.gone, model.gone + size));
    model.gone += size;
}

static inline void drop_open(void)
{
    struct tally dropped = {0};
    size_t from = model.gone;
    if (model_inside()) {
        bool more = true;
        for (size_t i = 0; i < model.frames.count && more; i++) {
            const struct listed *listed = &model.frames.list[i];
            if (frames_end(listed) <= from)
                continue;
            model.gone = frames_end(listed);
            more = listed->flags & FRAME_MORE;
        }
    }
    buffer_drop_open(&buffer, &dropped);
    assert_tally(dropped, frames_tally(&model.frames, from, model.gone));
}

static inline void append(uint8_t flags, size_t size)
{
    const struct listed *listed = frames_add(&model.frames, flags, false, size);
    assert_int_equal(buffer_append(&buffer, flags, frames_body(&model.frames, listed), size), 0);
}

/* The body is somewhere in a chunk of its own: shared if it is large, or if it is all there is. */
static inline void append_shared(uint8_t flags, size_t size)
{
    const struct listed *listed = frames_add(&model.frames, flags, false, size);
    size_t offset = dice_throw(4) ? dice_throw(100) : 0;
    bool shared = size >= BUFFER_SHARE_MIN || (size && !offset);
    struct chunk *chunk = chunk_new(offset + size);
    assert_non_null(chunk);
    if (size)
        memcpy(chunk->data + offset, frames_body(&model.frames, listed), size);
    int rc = buffer_append_shared(&buffer, flags, chunk, chunk->data + offset, size);
    assert_int_equal(rc, 0);
    assert_int_equal(chunk_refs(chunk), shared ? 2 : 1);
    chunk_unref(chunk);
}

static inline void assert_front(const struct listed *listed)
{
    struct frame frame;
    struct chunk *chunk;
    assert_true(buffer_front(&buffer, &frame, &chunk));
    assert_int_equal(frame.size, listed->size);
    assert_int_equal(frame.flags & ~FRAME_LONG, listed->flags);
    assert_int_equal(frame.header, listed->header);
    assert_memory_equal(frame.body, frames_body(&model.frames, listed), listed->size);
    assert_true(frame.body >= chunk->data);
    assert_true(frame.body + frame.size <= chunk->data + chunk->size);
    assert_true(buffer_front(&buffer, &frame, NULL));
    buffer_pop(&buffer, &frame);
    model.gone = frames_end(listed);
}

#endif
