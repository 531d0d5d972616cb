/* SPDX-License-Identifier: MIT */
/* Buffers: see buffer.h. This file appends and lets leave; base/inbox.c reads frame by frame. */
#include "base/buffer.h"

#include "base/check.h"
#include "base/inbox.h"
#include "base/mark.h"

#include <errno.h>
#include <stdlib.h>

enum {
    CHUNK_FIRST = 1024 - sizeof(struct chunk),
    CHUNK_LAST = 65536 - sizeof(struct chunk),
    SHARE_PART = 4, /* a run smaller than a quarter of its chunk should not hold it */
    RING_FIRST = 4,
    RING_KEEP = 16 /* an empty buffer keeps a table of so many places, not a larger one */
};

static struct piece *piece_at(const struct buffer *buffer, uint32_t n)
{
    return &buffer->pieces[(buffer->first + n) & (buffer->room - 1)];
}

static struct piece *piece_last(const struct buffer *buffer)
{
    return piece_at(buffer, buffer->count - 1);
}

/* A place for one more piece, not yet counted; NULL without memory. */
static struct piece *piece_place(struct buffer *buffer)
{
    if (buffer->count == buffer->room) {
        uint32_t room = buffer->room ? buffer->room * 2 : RING_FIRST;
        struct piece *pieces = malloc(room * sizeof *pieces);
        if (!pieces)
            return NULL;
        for (uint32_t i = 0; i < buffer->count; i++)
            pieces[i] = *piece_at(buffer, i);
        free(buffer->pieces);
        buffer->pieces = pieces;
        buffer->room = room;
        buffer->first = 0;
    }
    return piece_at(buffer, buffer->count);
}

static void piece_drop(struct buffer *buffer)
{
    struct piece *piece = piece_at(buffer, 0);
    chunk_unref(piece->chunk);
    buffer->first = (buffer->first + 1) & (buffer->room - 1);
    buffer->gone = buffer->walked = 0;
    if (--buffer->count)
        return;
    buffer->tail_room = 0;
    if (buffer->room > RING_KEEP) {
        free(buffer->pieces);
        buffer->pieces = NULL;
        buffer->room = buffer->first = 0;
    }
}

void buffer_term(struct buffer *buffer)
{
    while (buffer->count)
        piece_drop(buffer);
    free(buffer->pieces);
    *buffer = (struct buffer){0};
}

uint64_t buffer_memory(const struct buffer *buffer)
{
    uint64_t memory = buffer->room * sizeof(struct piece);
    const struct chunk *last = NULL;
    for (uint32_t i = 0; i < buffer->count; i++) {
        const struct chunk *chunk = piece_at(buffer, i)->chunk;
        if (chunk != last)
            memory += sizeof *chunk + chunk->size;
        last = chunk;
    }
    return memory;
}

void buffer_compact(struct buffer *buffer)
{
    for (uint32_t i = 0; i < buffer->count; i++) {
        struct piece *piece = piece_at(buffer, i);
        struct chunk *copy = piece->chunk->size / 2 > piece->size ? chunk_new(piece->size) : NULL;
        if (!copy)
            continue;
        memcpy(copy->data, piece->data, piece->size);
        chunk_unref(piece->chunk);
        piece->chunk = copy;
        piece->data = copy->data;
        if (i + 1 == buffer->count)
            buffer->tail_room = 0;
    }
}

/* Room for `size` octets behind the last piece, in a new chunk if need be. */
static uint8_t *tail_reserve(struct buffer *buffer, size_t size)
{
    if (likely(size <= buffer->tail_room)) {
        struct piece *last = piece_last(buffer);
        return last->data + last->size;
    }
    struct piece *piece = piece_place(buffer);
    if (!piece)
        return NULL;
    size_t want = buffer->wants_room ? CHUNK_LAST : CHUNK_FIRST;
    buffer->wants_room = false;
    while (want < CHUNK_LAST && (want < size || want < buffer->bytes))
        want = want * 8 < CHUNK_LAST ? want * 8 : CHUNK_LAST;
    struct chunk *chunk = chunk_new(want < size ? size : want);
    if (!chunk)
        return NULL;
    *piece = (struct piece){.chunk = chunk, .data = chunk->data};
    buffer->count++;
    buffer->tail_room = (uint32_t)chunk->size;
    return chunk->data;
}

/* Counts `size` octets written behind the last piece. */
static void tail_commit(struct buffer *buffer, size_t size, const struct tally *tally, bool open)
{
    struct piece *last = piece_last(buffer);
    last->size += size;
    last->open = open;
    tally_add(&last->tally, tally);
    tally_add(&buffer->tally, tally);
    buffer->tail_room -= (uint32_t)size;
    buffer->bytes += size;
}

/* Adds octets that lie elsewhere as a piece. */
static int piece_share(struct buffer *buffer, const struct piece *shared)
{
    struct piece *piece = piece_place(buffer);
    if (!piece)
        return -ENOMEM;
    *piece = *shared;
    chunk_ref(shared->chunk);
    buffer->count++;
    buffer->tail_room = 0;
    buffer->bytes += shared->size;
    tally_add(&buffer->tally, &shared->tally);
    return 0;
}

static struct tally frame_tally(uint8_t flags, size_t size)
{
    if (flags & FRAME_COMMAND)
        return (struct tally){0};
    return (struct tally){.messages = !(flags & FRAME_MORE), .parts = 1, .bytes = size};
}

int buffer_append(struct buffer *buffer, uint8_t flags, const void *body, size_t size)
{
    uint8_t *at = tail_reserve(buffer, FRAME_LONG_HEADER + size);
    if (!at)
        return -ENOMEM;
    size_t header = frame_header_write(at, flags, size);
    if (size)
        memcpy(at + header, body, size);
    struct tally tally = frame_tally(flags, size);
    tail_commit(buffer, header + size, &tally, flags & FRAME_MORE);
    return 0;
}

int buffer_append_shared(struct buffer *buffer, uint8_t flags, struct chunk *chunk,
                         const uint8_t *body, size_t size)
{
    if (!chunk || (size < BUFFER_SHARE_MIN && !chunk_is_just(chunk, body, size)))
        return buffer_append(buffer, flags, body, size);
    /* The header goes first, but must not stand there alone: make both places before. */
    struct mark before = mark_end(buffer);
    uint8_t *at = tail_reserve(buffer, FRAME_LONG_HEADER);
    if (!at || !piece_place(buffer)) {
        mark_undo(&before, buffer);
        return -ENOMEM;
    }
    size_t header = frame_header_write(at, flags, size);
    tail_commit(buffer, header, &(struct tally){0}, true);
    return piece_share(buffer, &(struct piece){.chunk = chunk,
                                               .data = (uint8_t *)body,
                                               .size = size,
                                               .tally = frame_tally(flags, size),
                                               .body = true,
                                               .open = flags & FRAME_MORE});
}

int buffer_append_two(struct buffer *buffer, const void *first, size_t first_size,
                      const void *second, size_t second_size, const struct tally *tally)
{
    uint8_t *at = tail_reserve(buffer, first_size + second_size);
    if (!at)
        return -ENOMEM;
    memcpy(at, first, first_size);
    if (second_size)
        memcpy(at + first_size, second, second_size);
    tail_commit(buffer, first_size + second_size, tally, false);
    return 0;
}

int buffer_append_raw(struct buffer *buffer, const void *data, size_t size,
                      const struct tally *tally)
{
    return buffer_append_two(buffer, data, size, NULL, 0, tally);
}

int buffer_append_parts(struct buffer *buffer, const void *data, size_t size,
                        const struct tally *tally, bool open)
{
    int rc = buffer_append_raw(buffer, data, size, tally);
    if (rc == 0)
        piece_last(buffer)->open = open;
    return rc;
}

uint8_t *buffer_tail(struct buffer *buffer, struct chunk **chunk, size_t *room)
{
    if (!buffer->tail_room || piece_last(buffer)->open)
        return NULL;
    struct piece *last = piece_last(buffer);
    *chunk = last->chunk;
    *room = buffer->tail_room;
    return last->data + last->size;
}

void buffer_commit(struct buffer *buffer, size_t size, const struct tally *tally)
{
    tail_commit(buffer, size, tally, false);
}

int buffer_prepare(struct buffer *buffer)
{
    return piece_place(buffer) ? 0 : -ENOMEM;
}

void buffer_take_parts(struct buffer *buffer, struct chunk *chunk, uint8_t *data, size_t size,
                       const struct tally *tally)
{
    struct piece parts = {
        .chunk = chunk, .data = data, .size = size, .tally = *tally, .open = true};
    check(piece_share(buffer, &parts) == 0);
}

void buffer_take_tail(struct buffer *buffer, struct buffer *from, size_t size,
                      const struct tally *tally)
{
    const struct piece *last = piece_last(from);
    buffer_take_parts(buffer, last->chunk, last->data + last->size, size, tally);
    from->tail_room = 0;
}

static int append_prefixed(struct buffer *buffer, const struct run *run,
                           const struct prefix *prefix)
{
    struct run rest = *run, message;
    size_t size = run->size + prefix->size * run->tally.messages;
    uint8_t *at = tail_reserve(buffer, size);
    if (!at)
        return -ENOMEM;
    while (run_next(&rest, &message)) {
        memcpy(at, prefix->data, prefix->size);
        memcpy(at + prefix->size, message.data, message.size);
        at += prefix->size + message.size;
    }
    struct tally tally = run->tally;
    tally.parts += prefix->parts * tally.messages;
    tally.bytes += prefix->bytes * tally.messages;
    tail_commit(buffer, size, &tally, false);
    return 0;
}

int buffer_append_slices(struct buffer *buffer, const struct slice *slices, size_t count,
                         size_t stride, const struct prefix *prefix, const struct tally *tally)
{
    size_t front = prefix ? prefix->size : 0, size = count * front;
    for (size_t i = 0; i < count; i++)
        size += slices[i * stride].size;
    uint8_t *at = tail_reserve(buffer, size);
    if (!at)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct slice *slice = &slices[i * stride];
        if (front)
            memcpy(at, prefix->data, front);
        memcpy(at + front, slice->data, slice->size);
        at += front + slice->size;
    }
    tail_commit(buffer, size, tally, false);
    return 0;
}

static int append_large(struct buffer *buffer, const struct buffer *large,
                        const struct prefix *prefix)
{
    struct mark before = mark_end(buffer);
    if (prefix) {
        struct tally tally = {.parts = prefix->parts, .bytes = prefix->bytes};
        int rc = buffer_append_raw(buffer, prefix->data, prefix->size, &tally);
        if (rc < 0)
            return rc;
        piece_last(buffer)->open = true;
    }
    int rc = buffer_append_buffer(buffer, large, false);
    if (rc < 0)
        mark_undo(&before, buffer);
    return rc;
}

int buffer_append_run(struct buffer *buffer, const struct run *run, const struct prefix *prefix)
{
    if (run->large)
        return append_large(buffer, run->large, prefix);
    if (prefix)
        return append_prefixed(buffer, run, prefix);
    if (run->chunk && run->size >= BUFFER_SHARE_MIN && run->size >= run->chunk->size / SHARE_PART)
        return piece_share(buffer, &(struct piece){.chunk = run->chunk,
                                                   .data = (uint8_t *)run->data,
                                                   .size = run->size,
                                                   .tally = run->tally});
    return buffer_append_raw(buffer, run->data, run->size, &run->tally);
}

/* Appends a piece of frames (from octet `from` on) or a body of another buffer. */
static int append_piece(struct buffer *buffer, const struct piece *piece, size_t from,
                        const struct tally *tally)
{
    struct piece part = *piece;
    part.data += from;
    part.size -= from;
    part.tally = *tally;
    if (part.body || part.size >= BUFFER_SHARE_MIN)
        return piece_share(buffer, &part);
    int rc = buffer_append_raw(buffer, part.data, part.size, tally);
    if (rc == 0)
        piece_last(buffer)->open = piece->open;
    return rc;
}

int buffer_append_buffer(struct buffer *buffer, const struct buffer *from, bool skip_first)
{
    struct mark before = mark_end(buffer);
    size_t at = from->gone;
    uint32_t n = 0;
    struct tally tally = from->count ? piece_at(from, 0)->tally : (struct tally){0};
    if (skip_first) {
        struct frame frame;
        check(buffer_front(from, &frame, NULL));
        at += frame.header;
        if (at + frame.size > piece_at(from, 0)->size || piece_at(from, 0)->size == at) {
            n = frame.size ? 2 : 1;
            at = 0;
            tally = n < from->count ? piece_at(from, n)->tally : (struct tally){0};
        } else {
            struct tally gone = frame_tally(frame.flags, frame.size);
            at += frame.size;
            tally_sub(&tally, &gone);
        }
    }
    for (; n < from->count; n++, at = 0) {
        const struct piece *piece = piece_at(from, n);
        if (at < piece->size) {
            int rc = append_piece(buffer, piece, at, &tally);
            if (rc < 0) {
                mark_undo(&before, buffer);
                return rc;
            }
        }
        if (n + 1 < from->count)
            tally = piece_at(from, n + 1)->tally;
    }
    return 0;
}

int buffer_vectors(const struct buffer *buffer, struct iovec *vectors, int max)
{
    int n = 0;
    size_t skip = buffer->gone;
    for (uint32_t i = 0; i < buffer->count && n < max; i++, skip = 0) {
        struct piece *piece = piece_at(buffer, i);
        vectors[n].iov_base = piece->data + skip;
        vectors[n].iov_len = piece->size - skip;
        n += piece->size > skip;
    }
    return n;
}

int buffer_hold(const struct buffer *buffer, int vectors, struct chunk **chunks)
{
    int n = 0;
    size_t skip = buffer->gone;
    for (uint32_t i = 0; i < buffer->count && n < vectors; i++, skip = 0) {
        const struct piece *piece = piece_at(buffer, i);
        if (piece->size > skip)
            chunks[n++] = chunk_ref(piece->chunk);
    }
    return n;
}

/* Takes the frame at `walked` of the first piece, which is there whole, out of the books. */
static void walk_frame(struct buffer *buffer, const struct frame *frame, struct tally *to)
{
    struct piece *piece = piece_at(buffer, 0);
    struct tally tally = frame_tally(frame->flags, frame->size);
    tally_sub(&piece->tally, &tally);
    tally_sub(&buffer->tally, &tally);
    tally_add(to, &tally);
    buffer->walked += frame->header + frame->size;
    if (!(frame->flags & FRAME_COMMAND))
        buffer->open = frame->flags & FRAME_MORE;
}

/* Brings `walked` up to the last whole frame before `gone`. */
static void walk_gone(struct buffer *buffer, struct tally *left)
{
    struct piece *piece = piece_at(buffer, 0);
    struct frame frame;
    while (!piece->body && buffer->walked < buffer->gone) {
        check(
            frame_header_read(piece->data + buffer->walked, piece->size - buffer->walked, &frame));
        if (buffer->walked + frame.header + frame.size > buffer->gone)
            break;
        walk_frame(buffer, &frame, left);
    }
    buffer->inside = buffer->open || buffer->gone > buffer->walked;
}

void buffer_advance(struct buffer *buffer, size_t size, struct tally *left)
{
    buffer->bytes -= size;
    while (size) {
        struct piece *piece = piece_at(buffer, 0);
        size_t rest = piece->size - buffer->gone;
        if (size < rest) {
            buffer->gone += size;
            walk_gone(buffer, left);
            return;
        }
        size -= rest;
        tally_add(left, &piece->tally);
        tally_sub(&buffer->tally, &piece->tally);
        buffer->inside = buffer->open = piece->open;
        piece_drop(buffer);
    }
}

void buffer_skip(struct buffer *buffer, size_t size, const struct tally *tally)
{
    struct piece *piece = piece_at(buffer, 0);
    struct tally left = {0};
    if (size == piece->size - buffer->gone) {
        buffer_advance(buffer, size, &left);
        return;
    }
    buffer->bytes -= size;
    buffer->gone = buffer->walked += size;
    tally_sub(&piece->tally, tally);
    tally_sub(&buffer->tally, tally);
}

/* Drops what is left of the first piece, all of it inside the open message. */
static void drop_piece(struct buffer *buffer, struct tally *dropped)
{
    struct piece *piece = piece_at(buffer, 0);
    tally_add(dropped, &piece->tally);
    tally_sub(&buffer->tally, &piece->tally);
    buffer->bytes -= piece->size - buffer->gone;
    buffer->inside = buffer->open = piece->open;
    piece_drop(buffer);
}

void buffer_drop_open(struct buffer *buffer, struct tally *dropped)
{
    while (buffer->inside && buffer->count) {
        struct piece *piece = piece_at(buffer, 0);
        struct frame frame;
        if (piece->body) {
            drop_piece(buffer, dropped);
            continue;
        }
        check(
            frame_header_read(piece->data + buffer->walked, piece->size - buffer->walked, &frame));
        if (buffer->walked + frame.header + frame.size > piece->size) {
            drop_piece(buffer, dropped); /* a header: its body is the next piece */
            continue;
        }
        walk_frame(buffer, &frame, dropped);
        buffer->bytes -= buffer->walked - buffer->gone;
        buffer->gone = buffer->walked;
        buffer->inside = buffer->open;
        if (buffer->gone == piece->size)
            piece_drop(buffer);
    }
    buffer->inside = buffer->open = false;
}

void buffer_cut(struct buffer *buffer, uint32_t n, size_t at, const struct tally *kept)
{
    uint32_t stay = at ? n + 1 : n;
    uint64_t bytes = 0;
    struct tally before = {0};
    while (buffer->count > stay)
        chunk_unref(piece_at(buffer, --buffer->count)->chunk);
    for (uint32_t i = 0; i < buffer->count; i++) {
        struct piece *piece = piece_at(buffer, i);
        if (at && i == n) {
            piece->size = at;
            piece->tally = *kept;
            tally_sub(&piece->tally, &before);
            piece->open = false;
        }
        tally_add(&before, &piece->tally);
        bytes += piece->size;
    }
    buffer->tail_room = 0;
    buffer->tally = *kept;
    buffer->bytes = bytes - buffer->gone;
    if (buffer->count && buffer->gone == piece_at(buffer, 0)->size)
        piece_drop(buffer); /* nothing had begun to leave */
    if (!buffer->count)
        buffer->gone = buffer->walked = 0;
}
