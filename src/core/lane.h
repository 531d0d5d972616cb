/* SPDX-License-Identifier: MIT */
/* Lanes: how messages pass without the context's lock. A socket with one peer may have two.
 *
 *      zmq_send ─ lane_put() ──>  [ frames ┆ room ]  behind the last piece of the peer's output;
 *                                                    over inproc, of the other end's inbox
 *      zmq_recv <─ lane_take() ─  [ frames ]         the first piece of the peer's inbox
 *
 * A lane is a stretch of memory within a buffer, open to whoever takes the lane's own small lock.
 * It is opened at the end of a call that went the long way, if nobody has to be told of the next
 * messages: a flush is due anyway, or the receiver does not sleep. Whoever touches the buffer
 * under the context's lock closes the lane before, and books what has passed. So all the rest of
 * greenmq knows nothing of lanes.
 *
 * A lane lets only so many messages through as there is room up to the high-water mark; one that
 * receives not more than half of a full inbox, so that the sender hears of room in time. Messages
 * of several parts, large ones and those that must wait always go the long way.
 *
 * Over inproc both lanes may lie in the same chunk; then chunk->written tells the receiver how far
 * the sender has come, and neither takes the long way for hundreds of messages. */
#ifndef GREENMQ_CORE_LANE_H
#define GREENMQ_CORE_LANE_H

#include "base/check.h"
#include "base/chunk.h"
#include "base/frame.h"
#include "base/msg.h"

#include <stdatomic.h>
#include <stdbool.h>

struct socket;
struct peer;

enum { LANE_BODY_MAX = 2048 /* larger bodies go the long way, where they may be shared */ };

struct lane {
    atomic_uint lock; /* the lane's; taken last of all, and never waited with */
    uint32_t left;    /* messages that may still pass; 0: closed */
    uint8_t *at;      /* here the next frame is written, or read */
    uint8_t *end;     /* of the room, or of the frames that are there */
    struct chunk *chunk;
    struct properties *properties; /* receiving: of the peer, or NULL */
    uint8_t *start;                /* up to here all is booked */
    uint64_t bytes;                /* of bodies since `start` */
    uint32_t opened, granted;      /* `left` when it was opened, and at `start` */
    unsigned generation;           /* of the process; a child of fork() has another one */

    /* Under the context's lock. */
    bool open;
    bool shares; /* sending: bodies that lie in chunks go the long way, uncopied */
    bool direct; /* sending: into the inbox of the other end */
    bool live;   /* receiving: a direct lane goes on in the same chunk */
    struct peer *peer;
};

extern atomic_uint lane_generation;

/* Tries to take the lane's lock. */
static inline bool lane_try_enter(struct lane *lane)
{
    return atomic_exchange_explicit(&lane->lock, 1, memory_order_acquire) == 0;
}

static inline void lane_leave(struct lane *lane)
{
    atomic_store_explicit(&lane->lock, 0, memory_order_release);
}

static inline bool lane_is_ours(const struct lane *lane)
{
    return lane->left &&
           lane->generation == atomic_load_explicit(&lane_generation, memory_order_relaxed);
}

/* Sends a message of one part, which may lie in a chunk. False: nothing was sent, it must go the
 * long way. */
static inline bool lane_put(struct lane *lane, const void *data, size_t size, bool chunk)
{
    if (size > LANE_BODY_MAX || !lane_try_enter(lane))
        return false;
    bool fits = lane_is_ours(lane) && !(chunk && lane->shares) &&
                size + FRAME_LONG_HEADER <= (size_t)(lane->end - lane->at);
    if (likely(fits)) {
        uint8_t *at = lane->at + frame_header_write(lane->at, 0, size);
        if (size)
            memcpy(at, data, size);
        lane->at = at + size;
        lane->bytes += size;
        lane->left--;
        atomic_store_explicit(&lane->chunk->written, lane->at, memory_order_release);
    }
    lane_leave(lane);
    return fits;
}

/* Finds the next message of one part. True: *frame is it, and the lane is entered. */
static inline bool lane_find(struct lane *lane, struct frame *frame)
{
    if (!lane_try_enter(lane))
        return false;
    if (likely(lane_is_ours(lane))) {
        if (lane->at == lane->end && lane->live)
            lane->end = atomic_load_explicit(&lane->chunk->written, memory_order_acquire);
        size_t there = (size_t)(lane->end - lane->at);
        if (frame_header_read(lane->at, there, frame) &&
            !(frame->flags & (FRAME_MORE | FRAME_COMMAND)) && frame->size <= LANE_BODY_MAX &&
            frame->header + frame->size <= there)
            return true;
    }
    lane_leave(lane);
    return false;
}

/* Takes what was found out, and leaves the lane. */
static inline void lane_pass(struct lane *lane, const struct frame *frame)
{
    lane->at += frame->header + frame->size;
    lane->bytes += frame->size;
    lane->left--;
    lane_leave(lane);
}

/* Receives a message of one part into an initialised msg. False: nothing was received, it must go
 * the long way. */
bool lane_take_msg(struct lane *lane, struct msg *msg);

/* All that follows is called under the context's lock. */

/* After a message was sent the long way, or received: opens a lane for the next ones, if it may. */
void lane_open_out(struct socket *socket);
void lane_open_in(struct socket *socket);

/* Closes what lanes there are to and from a socket. */
void lane_close_all(struct socket *socket);

/* For who is about to receive, or looks whether he could: the same, but a sender's lane into this
 * socket stays open, and what has come by it lies in the inbox. */
void lane_catch_up(struct socket *socket);

/* Closes the socket's own lane of this kind. */
void lane_close_out(struct socket *socket);
void lane_close_in(struct socket *socket);

/* Somebody is going to wait for the socket: what comes must come the long way. */
void lane_close_feeder(struct socket *socket);

/* fork(): what is open in the parent is closed in the child. */
void lane_forked(void);

#endif
