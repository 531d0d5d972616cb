/* SPDX-License-Identifier: MIT */
/* ROUTER (28/REQREP): puts the sender's routing id in front of what it receives, and sends to the
 * peer that the first part names. What names nobody is dropped, or refused with EHOSTUNREACH.
 * It never waits for one peer, as that would keep the others waiting. */
#include "core/shortage.h"
#include "pattern/patterns.h"
#include "pattern/roster.h"

#include "base/check.h"

#include <errno.h>
#include <greenmq/zmq.h>

/* The id is taken: another peer has it. If that is the other end of the same connection, as where a
 * ROUTER connects to itself, neither can give way: one ends with the other. */
static int replace(struct socket *socket, struct peer *old, const struct peer *peer)
{
    if (!socket->options.router_handover || old->twin == peer)
        return -EADDRINUSE;
    roster_remove(socket, old);
    if (old->owner) { /* our own connect() goes on under another name */
        int rc = roster_name(socket, old);
        return rc < 0 ? rc : roster_add(socket, old);
    }
    old->why = LEAVE_REPLACED;
    peer_close(old);
    return 0;
}

static int map(struct socket *socket, struct peer *peer)
{
    struct peer *old = roster_find(socket, peer->id, peer->id_size);
    int rc = old ? replace(socket, old, peer) : 0;
    if (rc == 0)
        rc = roster_add(socket, peer);
    if (rc == 0)
        socket_notify(socket, EVENT_OUT);
    return rc;
}

/* A peer that we have named ourselves can be written to before it is there. */
static void attach(struct socket *socket, struct peer *peer)
{
    if (peer->id_size && !roster_find(socket, peer->id, peer->id_size))
        (void)map(socket, peer);
}

static int ready(struct socket *socket, struct peer *peer)
{
    int rc = 0;
    if (!peer->routed && !peer->id_size)
        rc = roster_name(socket, peer);
    if (rc == 0 && !peer->routed)
        rc = map(socket, peer);
    if (rc == 0 && !socket_is_raw(socket))
        socket_probe(socket, peer);
    return rc;
}

static int admit(struct socket *socket, const struct frame *first)
{
    if (!socket->options.router_mandatory || !(first->flags & FRAME_MORE))
        return 0; /* an id alone is dropped */
    struct peer *peer = roster_find(socket, first->body, first->size);
    if (!peer)
        return -EHOSTUNREACH;
    if (peer_has_room(peer) || peer_make_room(peer))
        return ADMIT_PROMISED;
    peer->full = true;
    return -EAGAIN;
}

static uint64_t room(struct socket *socket)
{
    return socket->options.router_mandatory ? 0 : UINT32_MAX;
}

/* A peer has no room for messages, the routing id in front of them included. */
static void drop_for_full(struct peer *peer, const struct tally *tally)
{
    ledger_drop(&peer->socket->ledger, DROP_FULL, tally);
    ledger_drop(&peer->books, DROP_FULL, tally);
}

/* False: there is no memory, and it must wait. */
static bool send_or_drop(struct socket *socket, const struct run *message)
{
    struct frame first;
    run_first_frame(message, &first);
    struct peer *peer = roster_find(socket, first.body, first.size);
    if (!(first.flags & FRAME_MORE))
        ledger_drop(&socket->ledger, DROP_MALFORMED, &message->tally);
    else if (!peer)
        ledger_drop(&socket->ledger, DROP_NO_ROUTE, &message->tally);
    else if (socket_is_raw(socket) && message->tally.bytes == first.size)
        peer_dismiss(peer, &message->tally); /* ZMQ_ROUTER_RAW: as STREAM does */
    else if (peer_write_rest(peer, message))
        return true;
    else if (peer_refusal(peer) == DROP_NO_MEMORY)
        return false;
    else
        drop_for_full(peer, &message->tally);
    return true;
}

static size_t route_one_by_one(struct socket *socket, const struct run *run)
{
    struct run rest = *run, ahead = *run, message;
    while (run_next(&ahead, &message) && send_or_drop(socket, &message))
        rest = ahead;
    return run->size - rest.size;
}

/* From another ROUTER: the routing id that it puts in front is the one that we look up. */
static size_t route_prefixed(struct socket *socket, const struct run *run,
                             const struct prefix *prefix)
{
    struct run rest = *run, ahead = *run, message;
    bool sent = true;
    while (sent && run_next(&ahead, &message)) {
        struct buffer named = {0};
        sent = buffer_append_run(&named, &message, prefix) == 0;
        if (!sent)
            shortage_retry(socket->ctx);
        message = (struct run){.large = &named, .size = named.bytes, .tally = named.tally};
        sent = sent && send_or_drop(socket, &message);
        if (sent)
            rest = ahead;
        buffer_term(&named);
    }
    return run->size - rest.size;
}

/* How many of the slices are for the same peer as the first; *id is their first frame. */
static size_t count_group(const struct slice *slices, size_t count, struct frame *id)
{
    size_t n = 1;
    check(frame_header_read(slices[0].data, slices[0].size, id));
    size_t size = id->header + id->size;
    while (n < count && slices[n].size >= size && memcmp(slices[n].data, slices[0].data, size) == 0)
        n++;
    return n;
}

static struct tally tally_slices(const struct slice *slices, size_t count)
{
    struct tally tally = {.messages = count};
    for (size_t i = 0; i < count; i++) {
        tally.parts += slices[i].parts;
        tally.bytes += slices[i].bytes;
    }
    return tally;
}

/* Without the routing id in front. */
static void strip(struct slice *slices, size_t count, const struct frame *id)
{
    for (size_t i = 0; i < count; i++) {
        slices[i].data += id->header + id->size;
        slices[i].size -= id->header + id->size;
        slices[i].parts--;
        slices[i].bytes -= (uint32_t)id->size;
    }
}

/* Sends messages that all begin with the same routing id. Returns how many are done: those behind
 * must wait for memory. */
static size_t send_group(struct socket *socket, struct slice *slices, size_t count,
                         const struct frame *id)
{
    struct peer *peer = roster_find(socket, id->body, id->size);
    if (!(id->flags & FRAME_MORE) || !peer) {
        struct tally lost = tally_slices(slices, count);
        bool malformed = !(id->flags & FRAME_MORE);
        ledger_drop(&socket->ledger, malformed ? DROP_MALFORMED : DROP_NO_ROUTE, &lost);
        return count;
    }
    size_t done = 0;
    while (done < count && (peer_has_room(peer) || peer_make_room(peer))) {
        size_t room = peer_room(peer) < count - done ? peer_room(peer) : count - done;
        strip(slices + done, room, id);
        if (!peer_write_slices(peer, slices + done, room, 1, NULL))
            return done;
        done += room;
    }
    if (done < count) {
        struct tally lost = tally_slices(slices + done, count - done);
        peer->full = true;
        drop_for_full(peer, &lost);
    }
    return count;
}

static size_t route(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    enum { SLICES_MAX = 256 };
    struct slice slices[SLICES_MAX];
    struct run rest = *run;
    if (prefix)
        return route_prefixed(socket, run, prefix);
    if (run->large || socket_is_raw(socket))
        return route_one_by_one(socket, run);
    while (rest.size) {
        size_t count = run_slices(&rest, slices, SLICES_MAX), done = 0;
        const struct slice *last = &slices[count - 1];
        const uint8_t *end = last->data + last->size;
        while (done < count) {
            struct frame id;
            size_t group = count_group(slices + done, count - done, &id);
            size_t sent = send_group(socket, slices + done, group, &id);
            done += sent;
            if (sent < group) {
                const uint8_t *at = done ? slices[done - 1].data + slices[done - 1].size
                                         : rest.data;
                return (size_t)(at - run->data);
            }
        }
        rest.size -= (size_t)(end - rest.data);
        rest.data = end;
    }
    return run->size;
}

/* It never waits; but with MANDATORY it has somebody to send to, or not. */
static bool can_send_now(struct socket *socket)
{
    struct peer *peer;
    if (!socket->options.router_mandatory)
        return true;
    TAILQ_FOREACH(peer, &socket->peers, all) {
        if (peer->routed && (peer_has_room(peer) || peer_make_room(peer)))
            return true;
        peer->full = true; /* it is told when that changes */
    }
    return false;
}

const struct pattern pattern_router = {
    .type = ZMQ_ROUTER,
    .inbound = INBOUND_ID,
    .can_receive = true,
    .can_send = true,
    .by_id = true,
    .attach = attach,
    .ready = ready,
    .detach = roster_remove,
    .begin = roster_begin,
    .admit = admit,
    .room = room,
    .route = route,
    .can_send_now = can_send_now,
};
