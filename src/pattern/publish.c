/* SPDX-License-Identifier: MIT */
/* Publishing: see publish.h. A message matches a path in the tree of topics, and the end of that
 * path names all whom it is for. So messages in a row whose paths end alike go out as one run,
 * with one write for each peer; and where there is no topic but "", a whole run is not even
 * looked at. A peer without room loses messages, or with ZMQ_XPUB_NODROP holds up all. */
#include "pattern/publish.h"

#include "core/shortage.h"
#include "pattern/wish.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>

enum {
    TOPIC_BYTES = 128,                /* what a topic takes besides its text, roughly */
    SUBSCRIPTIONS_BYTES_MAX = 1 << 29 /* of one peer: four million short ones */
};

void publish_term(struct publisher *publisher)
{
    buffer_term(&publisher->before);
    topic_term(&publisher->topics);
    fan_term(&publisher->fan);
}

struct subscriber *publish_subscriber(struct peer *peer)
{
    struct subscriber *subscriber = peer->topics;
    if (!subscriber && (subscriber = calloc(1, sizeof *subscriber))) {
        subscriber->wants.peer = subscriber->asked.peer = peer;
        peer->topics = subscriber;
    }
    return subscriber;
}

int publish_change(struct subscriber *subscriber, struct topics *topics, struct holder *holder,
                   bool add, const uint8_t *topic, size_t size)
{
    uint64_t bytes = size + TOPIC_BYTES;
    if (add && subscriber->bytes + bytes > SUBSCRIPTIONS_BYTES_MAX)
        return -ENOMEM;
    int change = add ? topic_add(topics, holder, topic, size)
                     : topic_remove(topics, holder, topic, size, NULL);
    if (change > 0 && (change & TOPIC_OWN_EDGE))
        subscriber->bytes += add ? bytes : -bytes;
    return change;
}

void publish_forget(struct subscriber *subscriber, struct topics *topics, struct holder *holder,
                    topic_fn *tell, void *to)
{
    topic_forget(topics, holder, tell, to);
    if (!subscriber->wants.count && !subscriber->asked.count)
        subscriber->bytes = 0;
}

void publish_give_up(struct peer *peer)
{
    if (peer->link)
        peer->link->fail(peer);
}

int publish_ready(struct socket *socket, struct peer *peer)
{
    const struct option_value *body = &socket->options.xpub_welcome_msg;
    struct buffer welcome = {0};
    if (!body->size)
        return 0;
    int rc = buffer_append(&welcome, 0, body->data, body->size);
    if (rc < 0) {
        buffer_term(&welcome);
        return rc;
    }
    struct run run = {
        .data = welcome.pieces[welcome.first].data, .size = welcome.bytes, .tally = welcome.tally};
    tally_add(&socket->ledger.copied, &run.tally); /* nobody sent it */
    if (peer_write(peer, &run, NULL) < run.size)
        ledger_drop(&socket->ledger, peer_refusal(peer), &run.tally);
    buffer_term(&welcome);
    return 0;
}

/* What is left of a message behind its last wish that was noted is a message of the user's. */
static int deliver_rest(struct socket *socket, struct peer *peer, const struct buffer *parts)
{
    struct buffer message = {0};
    if (buffer_is_empty(parts) || !socket->pattern->can_receive)
        return 0;
    int rc = parts_close(parts, &message);
    struct run run = {.large = &message, .size = message.bytes, .tally = message.tally};
    if (rc == 0 && !peer_take_anyway(peer, &run))
        rc = -ENOMEM;
    buffer_term(&message);
    return rc;
}

/* Wishes among the parts of a message take effect one by one, and who notes them puts the user's
 * parts before them in front, as in libzmq. */
static void deliver_parts(struct socket *socket, struct peer *peer, const struct run *message)
{
    struct publisher *publisher = socket->state;
    struct buffer *before = &publisher->before;
    struct parts parts = {.message = message};
    struct frame part;
    struct chunk *chunk;
    struct wish wish;
    int rc = 0;
    while (rc == 0 && parts_next(&parts, &part, &chunk)) {
        if (wish_read(&part, &wish))
            socket->pattern->subscribe(socket, peer, wish.add, wish.topic, wish.size);
        else
            rc = buffer_append_shared(before, FRAME_MORE, chunk, part.body, part.size);
    }
    struct buffer left = *before;
    *before = (struct buffer){0}; /* what is delivered may come back here */
    if (rc == 0)
        rc = deliver_rest(socket, peer, &left);
    if (rc < 0)
        publish_give_up(peer);
    buffer_term(&left);
}

size_t publish_deliver(struct socket *socket, struct peer *peer, const struct run *run)
{
    struct run rest = *run, head;
    struct wish wish;
    while (rest.size) {
        size_t before = run->size - rest.size, taken = 0;
        switch (wish_next(&rest, &head, &wish)) {
        case WISH_ALONE:
            socket->pattern->subscribe(socket, peer, wish.add, wish.topic, wish.size);
            break;
        case WISH_AMONG:
            if (!peer->last_words && peer->in.tally.messages >= peer->in_max)
                return before; /* its wishes must be heard once only */
            deliver_parts(socket, peer, &head);
            break;
        case WISH_NONE:
            if (socket->pattern->can_receive)
                taken = peer_take(peer, &head);
            if (socket->pattern->can_receive && taken < head.size)
                return before + taken;
            break;
        }
    }
    return run->size;
}

/* A stamp that no peer bears. */
static uint32_t next_stamp(struct socket *socket)
{
    struct publisher *publisher = socket->state;
    struct peer *peer;
    if (++publisher->stamp == 0) {
        TAILQ_FOREACH(peer, &socket->peers, all) {
            peer->stamp = 0;
        }
        publisher->stamp = 1;
    }
    return publisher->stamp;
}

/* Those who do not bear the stamp. */
static bool choose_others(struct socket *socket, uint32_t stamp, struct fan *fan)
{
    struct peer *peer;
    fan->count = 0;
    TAILQ_FOREACH(peer, &socket->peers, all) {
        if (peer->ready && peer->stamp != stamp && !fan_add(fan, peer))
            return false;
    }
    return true;
}

/* Whom messages are for whose path ends with `topic` (0: nobody's). False without memory. */
static bool choose(struct socket *socket, uint32_t topic, struct fan *fan)
{
    const struct topics *topics = &((struct publisher *)socket->state)->topics;
    uint32_t stamp = next_stamp(socket);
    fan->count = 0;
    for (; topic; topic = topic_above(topics, topic)) {
        struct interests all;
        topic_interests(topics, topic, &all);
        for (uint32_t i = 0; i < all.slots; i++) {
            struct holder *holder = topic_holder(topics, &all.slot[i]);
            if (!holder || holder->peer->stamp == stamp)
                continue;
            holder->peer->stamp = stamp;
            if (!fan_add(fan, holder->peer))
                return false;
        }
    }
    return unlikely(socket->options.invert_matching) ? choose_others(socket, stamp, fan) : true;
}

/* Passes the other parts of a message, whose first has been read into `frame`. */
static size_t pass_message(const struct run *run, size_t at, struct frame *frame,
                           struct tally *tally)
{
    for (;;) {
        at += frame->header + frame->size;
        tally->parts++;
        tally->bytes += frame->size;
        if (likely(!(frame->flags & FRAME_MORE)))
            break;
        check(frame_header_read(run->data + at, run->size - at, frame));
    }
    tally->messages++;
    return at;
}

/* The messages at the front of a run that go the same way, and where that way ends. */
static struct run take_alike(const struct topics *topics, const struct run *run, uint32_t *topic)
{
    struct run alike = {.data = run->data, .chunk = run->chunk};
    struct frame frame;
    run_first_frame(run, &frame);
    *topic = topic_match(topics, frame.body, frame.size);
    if (run->large || topic_is_flat(topics))
        return *run;
    do {
        alike.size = pass_message(run, alike.size, &frame, &alike.tally);
        if (alike.size == run->size)
            break;
        check(frame_header_read(run->data + alike.size, run->size - alike.size, &frame));
    } while (topic_match(topics, frame.body, frame.size) == *topic);
    return alike;
}

/* The same with a prefix: that is what all the messages begin with. */
static struct run take_prefixed(const struct topics *topics, const struct run *run,
                                const struct prefix *prefix, uint32_t *topic)
{
    struct frame frame;
    check(frame_header_read(prefix->data, prefix->size, &frame));
    *topic = topic_match(topics, frame.body, frame.size);
    return *run;
}

/* Sends as many of the messages as are not held up. */
static struct run send_alike(struct socket *socket, const struct fan *fan, const struct run *run,
                             const struct prefix *prefix)
{
    struct run head = *run;
    if (unlikely(socket->options.xpub_nodrop)) {
        uint64_t room = fan_room(fan);
        if (!room)
            return (struct run){0};
        if (!run->large)
            head = run_take(run, room);
    }
    return fan_offer(socket, fan, &head, prefix) ? head : (struct run){0};
}

size_t publish_route(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    struct publisher *publisher = socket->state;
    struct run rest = *run;
    struct fan fan = publisher->fan;
    publisher->fan = (struct fan){0}; /* a write may come back here, where devices form a ring */
    while (rest.size) {
        uint32_t topic;
        struct run head = prefix && prefix->size
                              ? take_prefixed(&publisher->topics, &rest, prefix, &topic)
                              : take_alike(&publisher->topics, &rest, &topic);
        bool chosen = choose(socket, topic, &fan);
        if (chosen)
            head = send_alike(socket, &fan, &head, prefix);
        else
            shortage_retry(socket->ctx);
        if (!chosen || !head.size)
            break;
        rest = run_after(&rest, &head);
    }
    fan_term(&publisher->fan);
    publisher->fan = fan;
    return run->size - rest.size;
}

int publish_admit(struct socket *socket, const struct frame *first)
{
    struct publisher *publisher = socket->state;
    if (!socket->options.xpub_nodrop)
        return 0;
    uint32_t topic = topic_match(&publisher->topics, first->body, first->size);
    if (!choose(socket, topic, &publisher->fan))
        return -ENOMEM;
    return fan_room(&publisher->fan) ? ADMIT_PROMISED : -EAGAIN;
}

uint64_t publish_room(struct socket *socket)
{
    struct peer *peer;
    uint64_t least = UINT32_MAX;
    if (socket->options.xpub_nodrop) {
        TAILQ_FOREACH(peer, &socket->peers, all) {
            least = peer_room(peer) < least ? peer_room(peer) : least;
        }
    }
    return least;
}

bool publish_can_send_now(struct socket *socket)
{
    (void)socket;
    return true;
}
