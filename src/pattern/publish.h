/* SPDX-License-Identifier: MIT */
/* What PUB and XPUB share: who is subscribed to what, and the fan-out of messages. */
#ifndef GREENMQ_PATTERN_PUBLISH_H
#define GREENMQ_PATTERN_PUBLISH_H

#include "core/topic.h"
#include "pattern/fan.h"

/* The beginning of socket->state. */
struct publisher {
    struct topics topics; /* by which messages are sent */
    struct fan fan;       /* whom the present messages are for */
    uint32_t stamp;       /* borne by the peers that are in the fan already */
    struct buffer before; /* the user's parts, in front of a wish in the same message */
};

/* peer->topics, from its first subscription on. */
struct subscriber {
    struct holder wants; /* in publisher->topics */
    struct holder asked; /* XPUB, manual: in xpub->asked */
    uint64_t bytes;      /* about what both take */
};

void publish_term(struct publisher *publisher);

/* The peer as a subscriber. NULL without memory. */
struct subscriber *publish_subscriber(struct peer *peer);

/* Adds a subscription to one of the two holders of a peer, or removes one: the bits of topic.h, or
 * -ENOMEM; also when the peer has more than anybody should. */
int publish_change(struct subscriber *subscriber, struct topics *topics, struct holder *holder,
                   bool add, const uint8_t *topic, size_t size);

/* All subscriptions of a holder end, as by topic_forget(). */
void publish_forget(struct subscriber *subscriber, struct topics *topics, struct holder *holder,
                    topic_fn *tell, void *to);

/* A subscription could not be kept, for want of memory: breaks the connection, because the peer
 * tells all of them again on the next. */
void publish_give_up(struct peer *peer);

/* Slots of the pattern. A peer that is ready gets the welcome message. */
int publish_ready(struct socket *socket, struct peer *peer);
size_t publish_deliver(struct socket *socket, struct peer *peer, const struct run *run);
int publish_admit(struct socket *socket, const struct frame *first);
size_t publish_route(struct socket *socket, const struct run *run, const struct prefix *prefix);
uint64_t publish_room(struct socket *socket);
bool publish_can_send_now(struct socket *socket);

#endif
