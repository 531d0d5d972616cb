/* SPDX-License-Identifier: MIT */
/* A buffer: a queue of frames. A peer's output and its inbox are buffers, and so is a message
 * under construction.
 *
 *   pieces:  [ h b h b h b h ][ B ][ h b h b ]      h header, b small body, B large body
 *              chunk 1          |    chunk 2
 *                               someone's memory, shared
 *
 * Small frames are copied, headers and bodies together, into chunks of the buffer's own. A large
 * body is a piece by itself that shares the memory it came in; its header ends the piece before.
 * An empty buffer owns no memory but a small table. */
#ifndef GREENMQ_BASE_BUFFER_H
#define GREENMQ_BASE_BUFFER_H

#include "base/chunk.h"
#include "base/frame.h"
#include "base/run.h"
#include "base/tally.h"

#include <stdbool.h>
#include <sys/uio.h>

enum {
    BUFFER_SHARE_MIN = 8192 /* a body or run of so many octets is shared, a smaller one copied */
};

struct piece {
    struct chunk *chunk; /* where the octets lie; the piece holds a reference */
    uint8_t *data;
    size_t size;
    struct tally tally; /* of the frames that end in this piece and have not left */
    bool body;          /* it is one large body */
    bool open;          /* a message goes on behind it */
};

struct buffer {
    struct piece *pieces; /* a ring of `room` places (a power of two) */
    uint32_t first, count, room;
    uint32_t tail_room; /* octets that may still be written behind the last piece */
    bool wants_room;    /* the next chunk should be a large one */
    size_t gone;        /* octets of the first piece that have left */
    size_t walked;      /* ... of which these were whole frames, and are out of its tally */
    size_t lent;        /* ... and so many behind them are being sent just now */
    uint64_t bytes;     /* octets that wait, headers included */
    struct tally tally; /* messages, parts and body bytes that wait */
    bool inside;        /* as output: a message or command has begun to leave */
    bool open;          /* ... it is a message of which whole frames have left */
};

void buffer_term(struct buffer *buffer);

static inline bool buffer_is_empty(const struct buffer *buffer)
{
    return buffer->count == 0;
}

/* All that append: 0, or -ENOMEM with the buffer as it was. */

/* Appends one frame, copying the body. `flags` as in frame_header_write(). */
int buffer_append(struct buffer *buffer, uint8_t flags, const void *body, size_t size);

/* Appends one frame whose body lies in `chunk` and is shared when it is large or all of it. */
int buffer_append_shared(struct buffer *buffer, uint8_t flags, struct chunk *chunk,
                         const uint8_t *body, size_t size);

/* Appends a run with `prefix` (may be NULL) in front of each message. It is shared if it is
 * large and most of its chunk, else copied. */
int buffer_append_run(struct buffer *buffer, const struct run *run, const struct prefix *prefix);

/* Appends `count` slices, each `stride` behind the one before, with `prefix` (may be NULL) in front
 * of each. They count as `tally`. */
int buffer_append_slices(struct buffer *buffer, const struct slice *slices, size_t count,
                         size_t stride, const struct prefix *prefix, const struct tally *tally);

/* Appends encoded octets that count as `tally`; a message goes on behind parts if `open`. */
int buffer_append_raw(struct buffer *buffer, const void *data, size_t size,
                      const struct tally *tally);
int buffer_append_parts(struct buffer *buffer, const void *data, size_t size,
                        const struct tally *tally, bool open);
int buffer_append_two(struct buffer *buffer, const void *first, size_t first_size,
                      const void *second, size_t second_size, const struct tally *tally);

/* Appends all of `from` but its first frame if `skip_first`, sharing large pieces. `from` stands
 * at the beginning of a message. */
int buffer_append_buffer(struct buffer *buffer, const struct buffer *from, bool skip_first);

/* The room behind the last piece, for whole messages that the caller writes there and commits; NULL
 * if there is none. Nobody else may append meanwhile. */
uint8_t *buffer_tail(struct buffer *buffer, struct chunk **chunk, size_t *room);
void buffer_commit(struct buffer *buffer, size_t size, const struct tally *tally);

/* Makes sure that one of the next two can be called once. 0 or -ENOMEM. */
int buffer_prepare(struct buffer *buffer);

/* Adds the first parts of a message, which lie in `chunk`; or in the room behind `from`. */
void buffer_take_parts(struct buffer *buffer, struct chunk *chunk, uint8_t *data, size_t size,
                       const struct tally *tally);
void buffer_take_tail(struct buffer *buffer, struct buffer *from, size_t size,
                      const struct tally *tally);

/* As output: fills at most `max` vectors with the next octets to leave; returns how many. */
int buffer_vectors(const struct buffer *buffer, struct iovec *vectors, int max);

/* As output: references to the chunks in which those vectors lie, one a vector, so that they may be
 * read while the buffer changes. Returns how many; the caller gives them back. */
int buffer_hold(const struct buffer *buffer, int vectors, struct chunk **chunks);

/* As output: `size` octets have left. Adds the frames that are now gone to *left; a message
 * counts as gone with its last part. */
void buffer_advance(struct buffer *buffer, size_t size, struct tally *left);

/* As output to who wants the bodies only: the same two, where `size` counts octets of bodies.
 * Frames without a body leave with what stands in front of them. */
int buffer_bodies(const struct buffer *buffer, struct iovec *vectors, int max);
void buffer_advance_bodies(struct buffer *buffer, size_t size, struct tally *left);

/* As output: drops the rest of what has begun to leave; adds it to *dropped. */
void buffer_drop_open(struct buffer *buffer, struct tally *dropped);

/* As output: drops all but the messages that have begun to leave; adds them to *dropped. */
void buffer_drop_rest(struct buffer *buffer, struct tally *dropped);

/* For that: cuts off all behind octet `at` of piece `n`, a border of frames. `kept` is the tally of
 * what stays. */
void buffer_cut(struct buffer *buffer, uint32_t n, size_t at, const struct tally *kept);

/* As inbox: the next frame and the chunk that its body lies in (may be NULL: not asked). False
 * when there is none. */
bool buffer_front(const struct buffer *buffer, struct frame *frame, struct chunk **chunk);

/* As inbox: takes out the frame that buffer_front() has just given. Its body is valid from now
 * on only while a reference to the chunk is held. */
void buffer_pop(struct buffer *buffer, const struct frame *frame);

/* As inbox: the run at the front of a buffer that is not empty: the whole messages that lie
 * together there, or one large message, made of shared pieces in `large` (empty before, the
 * caller's to term). 0 or -ENOMEM. */
int buffer_front_run(const struct buffer *buffer, struct run *run, struct buffer *large);
/* The same, where the run ends with the message that reaches `max` octets. */
int buffer_front_part(const struct buffer *buffer, struct run *run, struct buffer *large,
                      size_t max);

/* What the pieces keep from being freed; copies those that keep much more than they need. */
uint64_t buffer_memory(const struct buffer *buffer);
void buffer_compact(struct buffer *buffer);

/* As inbox: drops the first `messages` messages. */
void buffer_pop_messages(struct buffer *buffer, uint64_t messages);

#endif
