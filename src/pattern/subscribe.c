/* SPDX-License-Identifier: MIT */
/* Subscribing: see subscribe.h. Peers are told of every subscription, also when it is not the
 * first to its topic, because a publisher may show each (ZMQ_XPUB_VERBOSE). They are told of the
 * end when the last is cancelled, and then as often as they were told to begin: that ends it both
 * with publishers that count (37/ZMTP 3.1) and with those that do not (libzmq).
 *
 * Subscriptions are state, not messages: no high-water mark holds them up, and a new connection
 * is told all of them. */
#include "pattern/subscribe.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

enum {
    TOLD_BYTES = 24, /* a command's, besides the topic */
    UNREAD_BYTES_MAX = 16 << 20
};

int subscribe_open(struct socket *socket)
{
    struct subscription *subscription = calloc(1, sizeof *subscription);
    if (!subscription)
        return -ENOMEM;
    socket->state = subscription;
    return 0;
}

void subscribe_close(struct socket *socket)
{
    struct subscription *subscription = socket->state;
    topic_term(&subscription->topics);
    fan_term(&subscription->fan);
    free(subscription);
}

struct news {
    struct peer *peer;
    int rc;
};

static void tell_one(void *to, uint8_t *topic, size_t size, uint32_t count, bool last)
{
    struct news *news = to;
    (void)count, (void)last;
    if (news->rc == 0)
        news->rc = news->peer->link->subscribe(news->peer, true, topic, size);
}

int subscribe_ready(struct socket *socket, struct peer *peer)
{
    struct subscription *subscription = socket->state;
    struct news news = {.peer = peer};
    topic_walk(&subscription->topics, tell_one, &news);
    return news.rc;
}

/* Subscriptions that had not left yet must not do so on the next connection, which gets all. */
void subscribe_lost(struct socket *socket, struct peer *peer)
{
    (void)socket;
    peer_drop_output(peer, DROP_PEER_LOST);
}

/* So much may wait for a peer that does not read: a good deal more than all that there is. */
static bool is_too_far_behind(const struct socket *socket, const struct peer *peer)
{
    const struct subscription *subscription = socket->state;
    return peer->out.bytes > UNREAD_BYTES_MAX + 2 * subscription->bytes;
}

/* Without memory the connection is broken, and when the peer does not read what changes: the next
 * connection is told everything as it is then. */
void subscribe_tell(struct socket *socket, bool add, const uint8_t *topic, size_t size, int times)
{
    struct peer *peer;
    TAILQ_FOREACH(peer, &socket->peers, all) {
        int rc = 0;
        for (int i = 0; peer->ready && rc == 0 && i < times; i++)
            rc = peer->link->subscribe(peer, add, topic, size);
        effort_spend(&socket->ctx->effort, (uint64_t)times, 1);
        if (rc < 0 || (peer->ready && is_too_far_behind(socket, peer)))
            peer->link->fail(peer);
    }
}

int subscribe_keep(struct socket *socket, bool add, const uint8_t *topic, size_t size)
{
    struct subscription *subscription = socket->state;
    uint32_t times = 1;
    int change = add ? topic_add(&subscription->topics, NULL, topic, size)
                     : topic_remove(&subscription->topics, NULL, topic, size, &times);
    if (change < 0)
        return change;
    if (change & TOPIC_EDGE)
        subscription->bytes += add ? size + TOLD_BYTES : -(size + TOLD_BYTES);
    if (!add && !(change & TOPIC_EDGE))
        return 0;
    return times < INT_MAX ? (int)times : INT_MAX;
}

int subscribe_change(struct socket *socket, bool add, const uint8_t *topic, size_t size)
{
    int times = subscribe_keep(socket, add, topic, size);
    if (times < 0)
        return times;
    subscribe_tell(socket, add, topic, size, times);
    return 0;
}
