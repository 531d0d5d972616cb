/* SPDX-License-Identifier: MIT */
/* XPUB (29/PUBSUB): as PUB, and what peers subscribe to and cancel can be received: as notes, an
 * octet of 1 or 0 with the topic behind it, before all that peers send.
 *
 * Usually the first subscription to a topic and its last end are noted. VERBOSE shows every
 * subscription, VERBOSER every end as well. With MANUAL everything is noted and nothing takes
 * effect: what peers ask for is kept apart, and the application subscribes and unsubscribes, with
 * socket options, the peer whose note it received last. */
#include "pattern/patterns.h"
#include "pattern/publish.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>

/* MANUAL: whose note it is that waits in socket->notes. */
struct origin {
    TAILQ_ENTRY(origin) line;
    struct peer *peer; /* NULL when it has gone */
    uint64_t number;
};

struct xpub {
    struct publisher publisher;
    struct topics asked;          /* MANUAL: what peers asked for */
    TAILQ_HEAD(, origin) origins; /* in the order of the notes; not every note has one */
    uint64_t noted;               /* notes that have had to wait: the number of the latest */
    struct peer *last;            /* MANUAL: whose note was received last, if it is still there */
};

enum { VERBOSE = 1, VERBOSER = 2 };

static int start(struct socket *socket)
{
    struct xpub *xpub = calloc(1, sizeof *xpub);
    if (!xpub)
        return -ENOMEM;
    TAILQ_INIT(&xpub->origins);
    socket->state = xpub;
    return 0;
}

/* Drops the origins of notes up to `number`. */
static void drop_origins(struct xpub *xpub, uint64_t number)
{
    struct origin *origin, *next;
    TAILQ_FOREACH_SAFE(origin, &xpub->origins, line, next) {
        if (origin->number > number)
            break;
        TAILQ_REMOVE(&xpub->origins, origin, line);
        free(origin);
    }
}

static void finish(struct socket *socket)
{
    struct xpub *xpub = socket->state;
    drop_origins(xpub, UINT64_MAX);
    topic_term(&xpub->asked);
    publish_term(&xpub->publisher);
    free(xpub);
}

/* The latest of the waiting notes is the peer's. Without memory it has no origin, and the
 * application's answer to it no effect. */
static void add_origin(struct socket *socket, struct peer *peer)
{
    struct xpub *xpub = socket->state;
    drop_origins(xpub, xpub->noted - socket->notes.tally.messages);
    struct origin *origin = malloc(sizeof *origin);
    if (!origin)
        return;
    *origin = (struct origin){.peer = peer, .number = xpub->noted};
    TAILQ_INSERT_TAIL(&xpub->origins, origin, line);
}

/* A note with the parts that came before it in the same message. */
static bool note_behind(struct socket *socket, const uint8_t *body, size_t size)
{
    struct publisher *publisher = socket->state;
    struct buffer message = publisher->before;
    publisher->before = (struct buffer){0};
    bool noted = buffer_append(&message, 0, body, size) == 0;
    struct run run = {.large = &message, .size = message.bytes, .tally = message.tally};
    noted = noted && socket_note_message(socket, &run);
    buffer_term(&message);
    return noted;
}

/* Notes a change. The topic lies in a tree's memory, with an octet free before it. `peer` is NULL
 * when it is going. */
static void note(struct socket *socket, struct peer *peer, bool add, uint8_t *topic, size_t size)
{
    struct xpub *xpub = socket->state;
    uint64_t waited = socket->notes.tally.messages;
    topic[-1] = add;
    bool alone = buffer_is_empty(&xpub->publisher.before);
    bool noted = alone ? socket_note(socket, topic - 1, size + 1)
                       : note_behind(socket, topic - 1, size + 1);
    if (!noted && peer && add && !socket_has_many_notes(socket))
        publish_give_up(peer); /* it subscribes again when it has come back */
    if (!noted)
        return;
    uint64_t wait = socket->notes.tally.messages;
    if (wait > waited) {
        xpub->noted += wait - waited;
        if (peer && socket->options.xpub_manual)
            add_origin(socket, peer);
    } else if (peer) {
        xpub->last = peer;
    }
}

/* The first of the waiting notes is about to be received. */
static void find_last(struct socket *socket)
{
    struct xpub *xpub = socket->state;
    uint64_t number = xpub->noted - socket->notes.tally.messages + 1;
    struct origin *origin;
    xpub->last = NULL;
    TAILQ_FOREACH(origin, &xpub->origins, line) {
        if (origin->number == number)
            xpub->last = origin->peer;
        if (origin->number >= number)
            break;
    }
    drop_origins(xpub, number);
}

/* Whoever is shown each subscription and counts them must be shown each end, too: the XSUB of the
 * same device. */
static bool shows_each_end(const struct socket *socket)
{
    int verbose = socket->options.xpub_verbose;
    return verbose == VERBOSER || (verbose == VERBOSE && socket->counted);
}

static bool is_news(const struct socket *socket, bool add, int change)
{
    const struct options *options = &socket->options;
    if (options->xpub_manual || (change & TOPIC_EDGE))
        return true;
    if (add)
        return options->xpub_verbose >= VERBOSE;
    return shows_each_end(socket) && (change & TOPIC_FOUND);
}

static int change_topics(struct socket *socket, struct peer *peer, bool add, const uint8_t *topic,
                         size_t size)
{
    struct xpub *xpub = socket->state;
    struct subscriber *subscriber = publish_subscriber(peer);
    if (!subscriber)
        return -ENOMEM;
    bool manual = socket->options.xpub_manual;
    struct topics *topics = manual ? &xpub->asked : &xpub->publisher.topics;
    struct holder *holder = manual ? &subscriber->asked : &subscriber->wants;
    return publish_change(subscriber, topics, holder, add, topic, size);
}

static void subscribe(struct socket *socket, struct peer *peer, bool add, const uint8_t *topic,
                      size_t size)
{
    struct xpub *xpub = socket->state;
    if (!peer->attached)
        return;             /* it is about to go */
    lane_close_out(socket); /* what was sent before goes before */
    int change = change_topics(socket, peer, add, topic, size);
    uint8_t *text = change < 0 ? NULL : topic_text(&xpub->asked, size);
    if (!text) {
        publish_give_up(peer);
        return;
    }
    if (!is_news(socket, add, change))
        return;
    if (size)
        memcpy(text, topic, size);
    note(socket, peer, add, text, size);
}

/* A peer goes that was subscribed. An upstream that counts must get an end for each subscription
 * that it was shown. */
static void note_end(void *to, uint8_t *topic, size_t size, uint32_t count, bool last)
{
    struct socket *socket = to;
    uint32_t times = last;
    if (socket->options.xpub_manual)
        times = 1;
    else if (shows_each_end(socket))
        times = count;
    while (times--)
        note(socket, NULL, false, topic, size);
}

static void lost(struct socket *socket, struct peer *peer)
{
    struct xpub *xpub = socket->state;
    struct subscriber *subscriber = peer->topics;
    struct origin *origin;
    if (!subscriber)
        return;
    TAILQ_FOREACH(origin, &xpub->origins, line) {
        if (origin->peer == peer)
            origin->peer = NULL;
    }
    if (xpub->last == peer)
        xpub->last = NULL;
    bool manual = socket->options.xpub_manual, heard = !socket->closed;
    publish_forget(subscriber, &xpub->asked, &subscriber->asked, heard && manual ? note_end : NULL,
                   socket);
    publish_forget(subscriber, &xpub->publisher.topics, &subscriber->wants,
                   heard && !manual ? note_end : NULL, socket);
}

static void detach(struct socket *socket, struct peer *peer)
{
    lost(socket, peer);
    free(peer->topics);
    peer->topics = NULL;
}

static int begin(struct socket *socket)
{
    if (buffer_is_empty(&socket->notes))
        return socket_begin_fair(socket);
    find_last(socket);
    socket->reading = &socket->notes;
    socket->reading_peer = NULL;
    return 0;
}

static bool can_receive_now(struct socket *socket)
{
    return !buffer_is_empty(&socket->notes) || !TAILQ_EMPTY(&socket->lineup.ready);
}

/* MANUAL: the application decides about the peer whose note it received last. If that has gone,
 * there is nothing to do. */
static int set_option(struct socket *socket, int option, const void *value, size_t size)
{
    struct xpub *xpub = socket->state;
    bool add = option == ZMQ_SUBSCRIBE;
    if ((!add && option != ZMQ_UNSUBSCRIBE) || !socket->options.xpub_manual || (size && !value))
        return -EINVAL;
    struct subscriber *subscriber = xpub->last ? xpub->last->topics : NULL;
    if (!subscriber)
        return 0;
    struct topics *topics = &xpub->publisher.topics;
    int change = publish_change(subscriber, topics, &subscriber->wants, add, value, size);
    return change < 0 ? change : 0;
}

const struct pattern pattern_xpub = {
    .type = ZMQ_XPUB,
    .inbound = INBOUND_PASS,
    .can_receive = true,
    .can_send = true,
    .open = start,
    .close = finish,
    .ready = publish_ready,
    .lost = lost,
    .detach = detach,
    .deliver = publish_deliver,
    .subscribe = subscribe,
    .begin = begin,
    .admit = publish_admit,
    .room = publish_room,
    .route = publish_route,
    .can_send_now = publish_can_send_now,
    .can_receive_now = can_receive_now,
    .set_option = set_option,
};
