/* SPDX-License-Identifier: MIT */
/* PUSH (30/PIPELINE): spreads messages over its peers in turn; waits when none has room. */
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

const struct pattern pattern_push = {
    .type = ZMQ_PUSH,
    .inbound = INBOUND_PASS,
    .can_send = true,
    .is_plain = true,
    .balances = true,
    .admit = admit,
    .room = room,
    .route = route,
};
