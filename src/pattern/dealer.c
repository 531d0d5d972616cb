/* SPDX-License-Identifier: MIT */
/* DEALER (28/REQREP): sends as PUSH does and receives as PULL does, on the same peers. */
#include "core/socket.h"
#include "pattern/patterns.h"

#include <errno.h>
#include <greenmq/zmq.h>

static int admit(struct socket *socket, const struct frame *first)
{
    (void)first;
    return lineup_has_room(&socket->lineup) ? ADMIT_PROMISED : -EAGAIN;
}

static uint64_t room(struct socket *socket)
{
    return lineup_room(&socket->lineup);
}

static size_t route(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    return lineup_balance(&socket->lineup, run, prefix);
}

/* ZMQ_PROBE_ROUTER: an empty message, by which a ROUTER learns of us. */
static int ready(struct socket *socket, struct peer *peer)
{
    socket_probe(socket, peer);
    return 0;
}

const struct pattern pattern_dealer = {
    .type = ZMQ_DEALER,
    .inbound = INBOUND_PASS,
    .can_receive = true,
    .can_send = true,
    .is_plain = true,
    .balances = true,
    .ready = ready,
    .begin = socket_begin_fair,
    .admit = admit,
    .room = room,
    .route = route,
};
