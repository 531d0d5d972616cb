/* SPDX-License-Identifier: MIT */
/* Gathering: see gather.h. */
#include "core/gather.h"

#include "base/check.h"
#include "base/inbox.h"
#include "core/lane_call.h"
#include "core/lane_end.h"
#include "core/sender.h"
#include "core/socket.h"

#include <stdlib.h>
#include <string.h>

enum {
    PEERS_MAX = 64,
    MESSAGES_MAX = 64,
    MESSAGES_FIRST = 8, /* twice as many each time that all were read */
    BYTES_MAX = 16 * 1024
};

/* A peer, and how far its inbox was copied. */
struct source {
    struct peer *peer;
    struct properties *properties;
    struct cursor cursor;
    uint64_t quota;     /* messages that may be read before the far end must hear of it */
    struct tally tally; /* of what was read */
    size_t size;
    uint32_t last; /* message that was read of it */
};

struct copy {
    uint32_t source, size, parts, bytes;
};

struct gather {
    uint8_t *data;
    size_t size;
    uint32_t count, want;
    uint32_t source_count;
    bool partly; /* there are more peers: each of these gives one message */
    struct source sources[PEERS_MAX];
    struct copy copies[MESSAGES_MAX];
    struct chunk *chunk;
};

static struct gather *prepare(struct socket *socket)
{
    struct gather *gather = socket->gather;
    if (gather)
        return gather;
    struct chunk *chunk = chunk_new(BYTES_MAX);
    gather = chunk ? malloc(sizeof *gather) : NULL;
    if (!gather && chunk)
        chunk_unref(chunk);
    if (!gather)
        return NULL;
    gather->chunk = chunk;
    gather->data = chunk->data;
    gather->want = MESSAGES_FIRST;
    return socket->gather = gather;
}

void gather_term(struct socket *socket)
{
    if (!socket->gather)
        return;
    chunk_unref(socket->gather->chunk);
    free(socket->gather);
    socket->gather = NULL;
}

struct properties *gather_properties(const struct gather *gather, uint32_t n)
{
    return gather->sources[gather->copies[n].source].properties;
}

/* False: what one of them has received last may yet be replaced. */
static bool find_sources(struct socket *socket, struct gather *gather)
{
    struct peer *peer;
    gather->source_count = 0;
    TAILQ_FOREACH(peer, &socket->lineup.ready, ready_line) {
        if (gather->source_count == PEERS_MAX)
            break;
        if (peer->conflates)
            return false;
        gather->sources[gather->source_count++] = (struct source){
            .peer = peer, .cursor = buffer_begin(&peer->in), .quota = lane_quota(peer)};
    }
    gather->partly = peer != NULL;
    return true;
}

/* Copies one frame. False: there is no room. */
static bool put_frame(struct gather *gather, uint8_t flags, const void *body, size_t size)
{
    uint8_t *at = gather->data + gather->size;
    if (size > LANE_BODY_MAX || gather->size + FRAME_LONG_HEADER + size > BYTES_MAX)
        return false;
    size_t header = frame_header_write(at, flags, size);
    if (size)
        memcpy(at + header, body, size);
    gather->size += header + size;
    return true;
}

static bool is_wanted(struct socket *socket, const uint8_t *data, size_t size)
{
    struct run message = {.data = data, .size = size, .tally = {.messages = 1}};
    return !socket->pattern->wants || socket->pattern->wants(socket, &message);
}

/* Copies the next message of a source. False: that goes the long way, and so does all behind. */
static bool copy_message(struct socket *socket, struct gather *gather, uint32_t n)
{
    struct source *source = &gather->sources[n];
    struct copy copy = {.source = n};
    struct frame frame = {.flags = FRAME_MORE};
    struct chunk *chunk;
    size_t before = gather->size;
    if (socket->pattern->by_id &&
        !put_frame(gather, FRAME_MORE, source->peer->id, source->peer->id_size))
        return false;
    size_t at = gather->size;
    bool fits = true;
    while (fits && (frame.flags & FRAME_MORE)) {
        check(buffer_read(&source->peer->in, &source->cursor, &frame, &chunk));
        fits = put_frame(gather, frame.flags & FRAME_MORE, frame.body, frame.size);
        copy.size += (uint32_t)(frame.header + frame.size);
        copy.bytes += (uint32_t)frame.size;
        copy.parts++;
    }
    if (!fits || !is_wanted(socket, gather->data + at, gather->size - at)) {
        gather->size = before;
        return false;
    }
    gather->copies[gather->count++] = copy;
    source->quota--;
    return true;
}

/* One message of each source that has more, in turn. False: that was the last round. */
static bool copy_round(struct socket *socket, struct gather *gather)
{
    uint32_t before = gather->count;
    for (uint32_t n = 0; n < gather->source_count; n++) {
        struct source *source = &gather->sources[n];
        if (buffer_is_end(&source->peer->in, &source->cursor))
            continue;
        if (gather->count == gather->want || !source->quota || !copy_message(socket, gather, n))
            return false;
    }
    return gather->count > before && !gather->partly;
}

/* Can what this socket receives be told from what lies in the inboxes? */
static bool may_open(const struct socket *socket)
{
    const struct pattern *pattern = socket->pattern;
    bool fair = pattern->begin == socket_begin_fair || pattern->by_id || pattern->wants;
    return fair && !pattern->end && !pattern->deliver && !socket->in_lane.open && !socket->sink &&
           !socket->lamp && !socket->closed && !socket->reading && !socket->options.conflate &&
           buffer_is_empty(&socket->lead) && TAILQ_EMPTY(&socket->departed) &&
           !socket->ctx->shutting_down && !socket_is_raw(socket);
}

void gather_open(struct socket *socket)
{
    if (!may_open(socket) || !socket_can_receive(socket))
        return;
    struct gather *gather = prepare(socket);
    if (!gather)
        return;
    gather->count = 0;
    gather->size = 0;
    if (!find_sources(socket, gather))
        return;
    while (copy_round(socket, gather))
        continue;
    if (gather->count < 2)
        return;
    for (uint32_t n = 0; n < gather->source_count; n++)
        gather->sources[n].properties = sender_properties(gather->sources[n].peer);
    socket->in_lane.live = false;
    socket->in_lane.gather = gather;
    lane_open(&socket->in_lane, NULL, NULL,
              &(struct lane_grant){.chunk = gather->chunk,
                                   .at = gather->data,
                                   .size = gather->size,
                                   .messages = gather->count});
}

void gather_end_soon(struct socket *socket)
{
    struct lane *lane = &socket->in_lane;
    struct gather *gather = lane->gather;
    uint64_t seen = 0;
    lane_enter(lane);
    uint32_t end = lane->opened - lane->left;
    for (; end < gather->count; end++) {
        uint64_t source = UINT64_C(1) << gather->copies[end].source;
        if (seen & source)
            break;
        seen |= source;
    }
    uint32_t less = gather->count - end;
    lane->left -= less;
    lane->granted -= less;
    lane->opened -= less;
    lane_leave(lane);
    gather->count = end;
}

/* The first `count` messages were read. */
static void sum_up(struct gather *gather, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct copy *copy = &gather->copies[i];
        struct source *source = &gather->sources[copy->source];
        source->size += copy->size;
        source->tally.messages++;
        source->tally.parts += copy->parts;
        source->tally.bytes += copy->bytes;
        source->last = i;
    }
}

static void take_out(struct source *source)
{
    struct buffer *in = &source->peer->in;
    struct chunk *chunk;
    size_t there = 0;
    if (source->size == in->bytes)
        lane_close_feeder(source->peer); /* the chunk goes */
    if (buffer_head(in, &chunk, &there) && source->size <= there)
        buffer_skip(in, source->size, &source->tally);
    else
        buffer_pop_messages(in, source->tally.messages);
}

/* Some parts of a message were read: the rest of it is received the long way. */
static void go_on_reading(struct socket *socket, struct peer *peer, uint64_t parts)
{
    struct frame frame;
    if (socket->pattern->by_id)
        parts--; /* the routing id is not there */
    while (parts--) {
        check(buffer_front(&peer->in, &frame, NULL));
        buffer_pop(&peer->in, &frame);
    }
    socket->reading = &peer->in;
    socket->reading_peer = peer;
}

/* Those who were read go to the end of the line, in the order of their last messages. */
static void line_up(struct socket *socket, const struct gather *gather, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct source *source = &gather->sources[gather->copies[i].source];
        if (source->last != i)
            continue;
        if (source->peer != socket->reading_peer)
            lineup_was_read(&socket->lineup, source->peer);
        peer_inbox_read(source->peer);
    }
}

void gather_close(struct socket *socket)
{
    struct lane *lane = &socket->in_lane;
    struct gather *gather = lane->gather;
    struct tally tally;
    lane->open = false;
    lane_enter(lane);
    uint32_t count = lane->opened - lane->left;
    (void)lane_shut(lane, &tally);
    lane_leave(lane);
    lane->gather = NULL;
    if (lane->used)
        socket->more = lane->inside;
    sum_up(gather, count);
    for (uint32_t n = 0; n < gather->source_count; n++) {
        properties_unref(gather->sources[n].properties);
        if (gather->sources[n].tally.messages)
            take_out(&gather->sources[n]);
    }
    if (lane->inside)
        go_on_reading(socket, gather->sources[gather->copies[count].source].peer, lane->parts);
    gather->want = count < gather->count ? MESSAGES_FIRST : gather->want * 2;
    if (gather->want > MESSAGES_MAX)
        gather->want = MESSAGES_MAX;
    line_up(socket, gather, count);
}
