/* SPDX-License-Identifier: MIT */
/* PUB (29/PUBSUB): sends each message to the peers that are subscribed to it; receives nothing
 * but subscriptions, and shows them to nobody. See publish.h. */
#include "pattern/patterns.h"
#include "pattern/publish.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>

static int start(struct socket *socket)
{
    struct publisher *publisher = calloc(1, sizeof *publisher);
    if (!publisher)
        return -ENOMEM;
    socket->state = publisher;
    return 0;
}

static void finish(struct socket *socket)
{
    publish_term(socket->state);
    free(socket->state);
}

static void subscribe(struct socket *socket, struct peer *peer, bool add, const uint8_t *topic,
                      size_t size)
{
    struct publisher *publisher = socket->state;
    if (!peer->attached)
        return;             /* it is about to go */
    lane_close_out(socket); /* what was sent before goes before */
    struct subscriber *subscriber = publish_subscriber(peer);
    if (!subscriber ||
        publish_change(subscriber, &publisher->topics, &subscriber->wants, add, topic, size) < 0)
        publish_give_up(peer);
}

static void lost(struct socket *socket, struct peer *peer)
{
    struct publisher *publisher = socket->state;
    struct subscriber *subscriber = peer->topics;
    if (subscriber)
        publish_forget(subscriber, &publisher->topics, &subscriber->wants, NULL, NULL);
}

static void detach(struct socket *socket, struct peer *peer)
{
    lost(socket, peer);
    free(peer->topics);
    peer->topics = NULL;
}

const struct pattern pattern_pub = {
    .type = ZMQ_PUB,
    .inbound = INBOUND_PASS,
    .can_send = true,
    .open = start,
    .close = finish,
    .ready = publish_ready,
    .lost = lost,
    .detach = detach,
    .deliver = publish_deliver,
    .subscribe = subscribe,
    .admit = publish_admit,
    .room = publish_room,
    .route = publish_route,
    .can_send_now = publish_can_send_now,
};
