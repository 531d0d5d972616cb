/* SPDX-License-Identifier: MIT */
/* What SUB and XSUB share: what the socket is subscribed to, and telling it to its peers. */
#ifndef GREENMQ_PATTERN_SUBSCRIBE_H
#define GREENMQ_PATTERN_SUBSCRIBE_H

#include "core/topic.h"
#include "pattern/fan.h"

/* socket->state */
struct subscription {
    struct topics topics;
    uint64_t bytes; /* about what it takes to tell all of them */
    struct fan fan; /* XSUB: whom the present messages are for */
};

/* Slots of the pattern. */
int subscribe_open(struct socket *socket);
void subscribe_close(struct socket *socket);
int subscribe_ready(struct socket *socket, struct peer *peer);
void subscribe_lost(struct socket *socket, struct peer *peer);

/* Subscribes the socket once more, or cancels one subscription; tells the peers. Cancelling what
 * there is not does nothing. 0 or -ENOMEM. */
int subscribe_change(struct socket *socket, bool add, const uint8_t *topic, size_t size);

/* The two steps of it. How often the peers are to be told of the change, or -ENOMEM; and telling
 * them. */
int subscribe_keep(struct socket *socket, bool add, const uint8_t *topic, size_t size);
void subscribe_tell(struct socket *socket, bool add, const uint8_t *topic, size_t size, int times);

#endif
