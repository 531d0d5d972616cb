/* SPDX-License-Identifier: MIT */
/* SUB (29/PUBSUB): receives what it is subscribed to, from its peers in turn. Publishers send only
 * that; what they sent before they heard of a change is filtered out when it is received. */
#include "pattern/patterns.h"
#include "pattern/subscribe.h"

#include <errno.h>
#include <greenmq/zmq.h>

static bool matches(struct socket *socket, const struct frame *first)
{
    struct subscription *subscription = socket->state;
    bool found = topic_match(&subscription->topics, first->body, first->size) != 0;
    return found != (socket->options.invert_matching != 0);
}

static bool wants(struct socket *socket, const struct run *message)
{
    struct frame first;
    run_first_frame(message, &first);
    return matches(socket, &first);
}

/* Drops messages from the inboxes until one is wanted. False when none is left. */
static bool can_receive_now(struct socket *socket)
{
    struct peer *peer;
    struct frame first;
    while ((peer = TAILQ_FIRST(&socket->lineup.ready))) {
        if (buffer_front(&peer->in, &first, NULL)) {
            if (matches(socket, &first))
                return true;
            buffer_pop_messages(&peer->in, 1);
        }
        lineup_was_read(&socket->lineup, peer);
        peer_inbox_read(peer);
    }
    return false;
}

static int begin(struct socket *socket)
{
    return can_receive_now(socket) ? socket_begin_fair(socket) : -EAGAIN;
}

/* To cancel what is not subscribed to is no error: libzmq's answer too. */
static int set_option(struct socket *socket, int option, const void *value, size_t size)
{
    if ((option != ZMQ_SUBSCRIBE && option != ZMQ_UNSUBSCRIBE) || (size && !value))
        return -EINVAL;
    return subscribe_change(socket, option == ZMQ_SUBSCRIBE, value, size);
}

const struct pattern pattern_sub = {
    .type = ZMQ_SUB,
    .inbound = INBOUND_FILTER,
    .can_receive = true,
    .open = subscribe_open,
    .close = subscribe_close,
    .ready = subscribe_ready,
    .lost = subscribe_lost,
    .wants = wants,
    .begin = begin,
    .can_receive_now = can_receive_now,
    .set_option = set_option,
};
