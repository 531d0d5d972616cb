/* SPDX-License-Identifier: MIT */
/* PAIR (31/EXPAIR): one peer at a time. A further one that connects is refused until the first
 * has gone; a further connect() waits. */
#include "core/socket.h"
#include "pattern/patterns.h"

#include <errno.h>
#include <greenmq/zmq.h>

/* socket->state is the peer. */
static void attach(struct socket *socket, struct peer *peer)
{
    if (!socket->state)
        socket->state = peer;
}

/* A connect() that has waited finds the place free. */
static int ready(struct socket *socket, struct peer *peer)
{
    if (!socket->state) {
        socket->state = peer;
        socket_notify(socket, EVENT_OUT);
    }
    return socket->state == peer ? 0 : -EBUSY;
}

static void detach(struct socket *socket, struct peer *peer)
{
    if (socket->state == peer)
        socket->state = NULL;
}

static bool can_send_now(struct socket *socket)
{
    struct peer *peer = socket->state;
    if (!peer || peer_has_room(peer) || peer_make_room(peer))
        return peer;
    peer->full = true; /* whoever was told so hears when that changes */
    return false;
}

static int admit(struct socket *socket, const struct frame *first)
{
    (void)first;
    return can_send_now(socket) ? ADMIT_PROMISED : -EAGAIN;
}

static size_t route(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    return socket->state ? peer_write(socket->state, run, prefix) : 0;
}

const struct pattern pattern_pair = {
    .type = ZMQ_PAIR,
    .inbound = INBOUND_PASS,
    .can_receive = true,
    .can_send = true,
    .is_plain = true,
    .attach = attach,
    .ready = ready,
    .detach = detach,
    .begin = socket_begin_fair,
    .admit = admit,
    .route = route,
    .can_send_now = can_send_now,
};
