/* SPDX-License-Identifier: MIT */
/* XSUB (29/PUBSUB): as SUB, but what it sends decides: a message of an octet of 1 or 0 with a topic
 * behind it subscribes or cancels, any other goes to all publishers. It receives whatever comes,
 * from its peers in turn. */
#include "pattern/patterns.h"
#include "pattern/subscribe.h"
#include "pattern/wish.h"

#include <greenmq/zmq.h>

static int admit(struct socket *socket, const struct frame *first)
{
    (void)socket, (void)first;
    return 0;
}

static bool can_send_now(struct socket *socket)
{
    (void)socket;
    return true;
}

/* A subscription is not queued: it is told to those who are there, and kept for the others. */
static void route_wish(struct socket *socket, const struct wish *wish, const struct tally *tally)
{
    if (subscribe_change(socket, wish->add, wish->topic, wish->size) < 0)
        ledger_drop(&socket->ledger, DROP_NO_MEMORY, tally);
    else
        tally_add(&socket->ledger.forwarded, tally);
}

/* A message of the user's own, for all publishers. */
static void route_plain(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    struct subscription *subscription = socket->state;
    struct fan fan = subscription->fan;
    struct peer *peer;
    bool all = true;
    subscription->fan = (struct fan){0}; /* a write may come back here */
    fan.count = 0;
    TAILQ_FOREACH(peer, &socket->peers, all) {
        all = all && (!peer->attached || fan_add(&fan, peer));
    }
    struct tally units = run_units(run, prefix);
    if (all)
        fan_write(socket, &fan, run, prefix);
    else
        ledger_drop(&socket->ledger, DROP_NO_MEMORY, &units);
    fan_term(&subscription->fan);
    subscription->fan = fan;
}

static size_t route(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    struct run rest = *run, head;
    struct wish wish;
    if (prefix && prefix->size) { /* so each message has several parts */
        route_plain(socket, run, prefix);
        return run->size;
    }
    while (rest.size) {
        if (wish_next(&rest, &head, &wish))
            route_wish(socket, &wish, &head.tally);
        else
            route_plain(socket, &head, NULL);
    }
    return run->size;
}

const struct pattern pattern_xsub = {
    .type = ZMQ_XSUB,
    .inbound = INBOUND_PASS,
    .can_receive = true,
    .can_send = true,
    .open = subscribe_open,
    .close = subscribe_close,
    .ready = subscribe_ready,
    .lost = subscribe_lost,
    .begin = socket_begin_fair,
    .admit = admit,
    .route = route,
    .can_send_now = can_send_now,
};
