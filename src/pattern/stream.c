/* SPDX-License-Identifier: MIT */
/* STREAM: octets to and from peers that do not speak ZMTP. Each message is two parts, the peer's
 * routing id and octets; the transport takes the framing off (transport/stream_raw.c) and tells
 * when a connection comes or goes with an empty message.
 *
 * A message to nobody is refused with EHOSTUNREACH; one to a peer without room waits, as a gap in
 * its octets is worse than a delay for others. Empty octets send the peer away. */
#include "core/shortage.h"
#include "pattern/patterns.h"
#include "pattern/roster.h"

#include <errno.h>
#include <greenmq/zmq.h>

/* ZMQ_ROUTING_ID tells the last id that was made, so that who connects can learn it. */
static int name(struct socket *socket, struct peer *peer)
{
    int rc = roster_name(socket, peer);
    if (rc < 0)
        return rc;
    memcpy(socket->options.routing_id, peer->id, peer->id_size);
    socket->options.routing_id_size = peer->id_size;
    return 0;
}

static int enter(struct socket *socket, struct peer *peer)
{
    int rc = peer->id_size ? 0 : name(socket, peer);
    if (rc == 0 && roster_find(socket, peer->id, peer->id_size))
        rc = -EADDRINUSE;
    return rc < 0 ? rc : roster_add(socket, peer);
}

/* What fails here is tried again when it is ready. */
static void attach(struct socket *socket, struct peer *peer)
{
    (void)enter(socket, peer);
}

static int ready(struct socket *socket, struct peer *peer)
{
    return peer->routed ? 0 : enter(socket, peer);
}

static int admit(struct socket *socket, const struct frame *first)
{
    if (!(first->flags & FRAME_MORE))
        return 0; /* it is dropped, with the part that follows */
    struct peer *peer = roster_find(socket, first->body, first->size);
    if (!peer)
        return -EHOSTUNREACH;
    if (peer_has_room(peer) || peer_make_room(peer))
        return ADMIT_PROMISED;
    peer->full = true;
    return -EAGAIN;
}

/* Sends one message, or drops it. False when its peer has no room. */
static bool send_one(struct socket *socket, const struct run *message)
{
    struct frame first;
    run_first_frame(message, &first);
    struct peer *peer = NULL;
    enum drop reason = DROP_MALFORMED;
    if ((first.flags & FRAME_MORE) && message->tally.parts == 2) {
        peer = roster_find(socket, first.body, first.size);
        reason = DROP_NO_ROUTE;
    }
    if (!peer)
        ledger_drop(&socket->ledger, reason, &message->tally);
    else if (message->tally.bytes == first.size)
        peer_dismiss(peer, &message->tally);
    else
        return peer_write_rest(peer, message);
    return true;
}

/* From a ROUTER or another STREAM through a device: the id that stands in front is what we look
 * up. */
static bool send_prefixed(struct socket *socket, const struct run *message,
                          const struct prefix *prefix)
{
    struct buffer named = {0};
    bool sent = false;
    if (buffer_append_run(&named, message, prefix) < 0) {
        shortage_retry(socket->ctx);
    } else {
        struct run run = {.large = &named, .size = named.bytes, .tally = named.tally};
        sent = send_one(socket, &run);
    }
    buffer_term(&named);
    return sent;
}

static size_t route(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    struct run rest = *run, ahead = *run, message;
    while (run_next(&ahead, &message)) {
        bool sent = prefix ? send_prefixed(socket, &message, prefix) : send_one(socket, &message);
        if (!sent)
            break;
        rest = ahead;
    }
    return run->size - rest.size;
}

static bool can_send_now(struct socket *socket)
{
    (void)socket;
    return true;
}

const struct pattern pattern_stream = {
    .type = ZMQ_STREAM,
    .inbound = INBOUND_ID,
    .can_receive = true,
    .can_send = true,
    .attach = attach,
    .ready = ready,
    .detach = roster_remove,
    .begin = roster_begin,
    .admit = admit,
    .route = route,
    .can_send_now = can_send_now,
};
