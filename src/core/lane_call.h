/* SPDX-License-Identifier: MIT */
/* Sending and receiving by a lane, without the context's lock: see lane.h. Short enough to be part
 * of the calls of the API that they serve. */
#ifndef GREENMQ_CORE_LANE_CALL_H
#define GREENMQ_CORE_LANE_CALL_H

#include "base/check.h"
#include "base/frame.h"
#include "base/lock_order.h"
#include "base/msg.h"
#include "core/lane.h"

enum { LANE_BODY_MAX = 2048 /* larger bodies go the long way, where they may be shared */ };

/* Tries to take the lane's lock. */
static inline bool lane_try_enter(struct lane *lane)
{
    if (atomic_exchange_explicit(&lane->lock, 1, memory_order_acquire))
        return false;
    lock_order_taken(LOCK_LANE);
    return true;
}

/* Wakes who sleeps until the lock is free. */
void lane_wake(struct lane *lane);

static inline void lane_leave(struct lane *lane)
{
    lock_order_gives(LOCK_LANE);
    atomic_store_explicit(&lane->lock, 0, memory_order_release);
    if (unlikely(atomic_load_explicit(&lane->sleepers, memory_order_relaxed)))
        lane_wake(lane);
}

static inline bool lane_is_ours(const struct lane *lane)
{
    return lane->left &&
           lane->generation == atomic_load_explicit(&lane_generation, memory_order_relaxed);
}

/* A ROUTER's message begins: does this part name the lane's peer? */
static inline bool lane_begin_named(struct lane *lane, const void *data, size_t size, bool more)
{
    lane->inside = more && size == lane->id_size && memcmp(data, lane->id, size) == 0;
    return lane->inside;
}

static inline void lane_write(struct lane *lane, const void *data, size_t size, bool more)
{
    uint8_t *at = lane->at + frame_header_write(lane->at, more ? FRAME_MORE : 0, size);
    if (size)
        memcpy(at, data, size);
    lane->at = at + size;
    lane->bytes += size;
    lane->parts++;
    lane->inside = more;
    if (more)
        return;
    lane->left--;
    lane->whole = lane->at;
    atomic_store_explicit(&lane->chunk->written, lane->at, memory_order_release);
}

/* Sends a part. False: nothing was sent, it must go the long way. */
static inline bool lane_put(struct lane *lane, const void *data, size_t size, bool more)
{
    if (size > LANE_BODY_MAX || !lane_try_enter(lane))
        return false;
    bool fits = lane_is_ours(lane) && size + FRAME_LONG_HEADER <= (size_t)(lane->end - lane->at);
    if (likely(fits)) {
        lane->used = true;
        if (unlikely(lane->id != NULL) && !lane->inside)
            fits = lane_begin_named(lane, data, size, more);
        else
            lane_write(lane, data, size, more);
    }
    lane_leave(lane);
    return fits;
}

/* Finds the next part. True: *frame is it, and the lane is entered. The routing id that comes first
 * for a ROUTER is a frame without a header. */
static inline bool lane_find(struct lane *lane, struct frame *frame)
{
    if (!lane_try_enter(lane))
        return false;
    if (likely(lane_is_ours(lane))) {
        if (lane->at == lane->end && lane->live)
            lane->end = atomic_load_explicit(&lane->chunk->written, memory_order_acquire);
        size_t there = (size_t)(lane->end - lane->at);
        if (unlikely(lane->id != NULL) && !lane->inside && there) {
            *frame = (struct frame){FRAME_MORE, 0, lane->id_size, lane->id};
            return true;
        }
        if (frame_header_read(lane->at, there, frame) && !(frame->flags & FRAME_COMMAND) &&
            frame->size <= LANE_BODY_MAX && frame->header + frame->size <= there)
            return true;
    }
    lane_leave(lane);
    return false;
}

/* Takes what was found out, and leaves the lane. */
static inline void lane_pass(struct lane *lane, const struct frame *frame)
{
    lane->used = true;
    lane->inside = frame->flags & FRAME_MORE;
    if (likely(frame->header)) {
        lane->at += frame->header + frame->size;
        lane->bytes += frame->size;
        lane->parts++;
    }
    if (likely(!lane->inside)) {
        lane->whole = lane->at;
        lane->left--;
    }
    lane_leave(lane);
}

/* ZMQ_RCVMORE: was the part that was received last by this lane followed by another? False: it was
 * not received by the lane. */
static inline bool lane_knows_more(struct lane *lane, bool *more)
{
    if (!lane_try_enter(lane))
        return false;
    bool knows = lane_is_ours(lane) && lane->used;
    *more = lane->inside;
    lane_leave(lane);
    return knows;
}

/* Receives a part into an initialised msg. False: nothing was received, it must go the long way. */
bool lane_take_msg(struct lane *lane, struct msg *msg);

#endif
