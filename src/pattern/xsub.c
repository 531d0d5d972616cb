/* SPDX-License-Identifier: MIT */
/* XSUB (29/PUBSUB): as SUB, but what it sends decides: a message of an octet of 1 or 0 with a topic
 * behind it subscribes or cancels, any other goes to all publishers. In a message of several parts
 * each part is either, as in libzmq. It receives whatever comes, from its peers in turn. */
#include "core/shortage.h"
#include "pattern/patterns.h"
#include "pattern/subscribe.h"
#include "pattern/wish.h"

#include <errno.h>
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

/* A subscription is not queued: it is told to those who are there, and kept for the others. False:
 * there is no memory, and it must wait. */
static bool route_wish(struct socket *socket, const struct wish *wish, const struct tally *tally)
{
    if (subscribe_change(socket, wish->add, wish->topic, wish->size) < 0) {
        shortage_retry(socket->ctx);
        return false;
    }
    tally_add(&socket->ledger.forwarded, tally);
    return true;
}

/* False without memory. */
static bool choose_all(struct socket *socket, struct fan *fan)
{
    struct peer *peer;
    fan->count = 0;
    TAILQ_FOREACH(peer, &socket->peers, all) {
        if (peer->attached && !fan_add(fan, peer))
            return false;
    }
    return true;
}

/* A message of the user's own, for all publishers. */
static void route_plain(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    struct subscription *subscription = socket->state;
    struct fan fan = subscription->fan;
    subscription->fan = (struct fan){0}; /* a write may come back here */
    struct tally units = run_units(run, prefix);
    if (choose_all(socket, &fan))
        fan_write(socket, &fan, run, prefix);
    else
        ledger_drop(&socket->ledger, DROP_NO_MEMORY, &units);
    fan_term(&subscription->fan);
    subscription->fan = fan;
}

/* A message of several parts as it goes to the publishers: to those who are connected with the
 * wishes that stand behind parts of the user's, to the others without, as they will be told. */
struct medley {
    struct buffer all, own; /* parts, each with FRAME_MORE */
};

static int add_part(struct medley *medley, const struct frame *part, struct chunk *chunk, bool wish)
{
    int rc = buffer_append_shared(&medley->all, FRAME_MORE, chunk, part->body, part->size);
    if (rc == 0 && !wish)
        rc = buffer_append_shared(&medley->own, FRAME_MORE, chunk, part->body, part->size);
    return rc;
}

/* Wishes in front are told as any; so are those that a publisher who counts must hear again. */
static int take_part(struct socket *socket, struct medley *medley, const struct frame *part,
                     struct chunk *chunk)
{
    struct wish wish;
    if (!wish_read(part, &wish))
        return add_part(medley, part, chunk, false);
    int times = subscribe_keep(socket, wish.add, wish.topic, wish.size);
    if (times <= 0)
        return times;
    bool stays = !buffer_is_empty(&medley->own);
    subscribe_tell(socket, wish.add, wish.topic, wish.size, times - stays);
    return stays ? add_part(medley, part, chunk, true) : 0;
}

/* It does not get the message, but must know what is in it. */
static void tell_wishes(struct peer *peer, const struct run *message)
{
    struct parts parts = {.message = message};
    struct frame part;
    struct chunk *chunk;
    struct wish wish;
    int rc = 0;
    while (rc == 0 && parts_next(&parts, &part, &chunk)) {
        if (wish_read(&part, &wish))
            rc = peer->link->subscribe(peer, wish.add, wish.topic, wish.size);
    }
    if (rc < 0)
        peer->link->fail(peer);
}

/* What of a message does not go on as such has arrived with that: it counts as forwarded. */
static void count_kept(struct socket *socket, const struct run *message, const struct tally *passed)
{
    struct tally kept = message->tally;
    tally_sub(&kept, passed);
    tally_add(&socket->ledger.forwarded, &kept);
}

/* Will what the peer is told afterwards come after what is written to it now? Within a process it
 * is told past what waits. */
static bool keeps_order(struct peer *peer)
{
    if (!peer->link->is_instant)
        return true;
    if (!buffer_is_empty(&peer->out))
        peer->link->flush(peer);
    return buffer_is_empty(&peer->out) && !peer->flushing;
}

static void write_medley(struct socket *socket, const struct fan *fan, const struct run *message,
                         const struct run *all, const struct run *own)
{
    for (size_t i = 0; i < fan->count; i++) {
        struct peer *peer = fan->peers[i];
        bool whole = peer->ready && keeps_order(peer);
        const struct run *run = whole ? all : own;
        if (i)
            tally_add(&socket->ledger.copied, &run->tally);
        else
            count_kept(socket, message, &run->tally);
        bool written = peer_write(peer, run, NULL);
        if (!written) {
            ledger_drop(&socket->ledger, DROP_FULL, &run->tally);
            ledger_drop(&peer->books, DROP_FULL, &run->tally);
        }
        if (peer->ready && !(whole && written))
            tell_wishes(peer, all);
        else if (whole && peer->link->is_instant)
            peer->link->flush(peer);
    }
}

static int route_medley(struct socket *socket, const struct run *message,
                        const struct medley *medley)
{
    struct buffer all = {0}, own = {0};
    struct fan fan = {0};
    bool mixed = medley->all.tally.parts > medley->own.tally.parts;
    int rc = parts_close(&medley->own, &own);
    if (rc == 0 && mixed)
        rc = parts_close(&medley->all, &all);
    if (rc == 0 && mixed && !choose_all(socket, &fan))
        rc = -ENOMEM;
    struct run whole = {.large = &all, .size = all.bytes, .tally = all.tally};
    struct run rest = {.large = &own, .size = own.bytes, .tally = own.tally};
    if (rc == 0 && !rest.size) {
        count_kept(socket, message, &rest.tally);
    } else if (rc == 0 && !mixed) {
        count_kept(socket, message, &rest.tally);
        route_plain(socket, &rest, NULL);
    } else if (rc == 0 && fan.count) {
        write_medley(socket, &fan, message, &whole, &rest);
    } else if (rc == 0) {
        ledger_drop(&socket->ledger, DROP_UNWANTED, &message->tally);
    }
    fan_term(&fan);
    buffer_term(&all);
    buffer_term(&own);
    return rc;
}

static void route_parts(struct socket *socket, const struct run *message)
{
    struct medley medley = {0};
    struct parts parts = {.message = message};
    struct frame part;
    struct chunk *chunk;
    int rc = 0;
    while (rc == 0 && parts_next(&parts, &part, &chunk))
        rc = take_part(socket, &medley, &part, chunk);
    if (rc == 0)
        rc = route_medley(socket, message, &medley);
    if (rc < 0)
        ledger_drop(&socket->ledger, DROP_NO_MEMORY, &message->tally);
    buffer_term(&medley.all);
    buffer_term(&medley.own);
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
        size_t before = run->size - rest.size;
        switch (wish_next(&rest, &head, &wish)) {
        case WISH_ALONE:
            if (!route_wish(socket, &wish, &head.tally))
                return before;
            break;
        case WISH_AMONG: route_parts(socket, &head); break;
        case WISH_NONE: route_plain(socket, &head, NULL); break;
        }
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
