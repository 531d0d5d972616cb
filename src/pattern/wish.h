/* SPDX-License-Identifier: MIT */
/* A wish: a subscription, or the end of one, as a message. It has one part, an octet of 1 or 0
 * with the topic behind it (29/PUBSUB; 23/ZMTP 3.0 and older on the wire). Peers of 37/ZMTP 3.1
 * use commands instead, which do not come here. */
#ifndef GREENMQ_PATTERN_WISH_H
#define GREENMQ_PATTERN_WISH_H

#include "base/run.h"

struct wish {
    bool add;
    const uint8_t *topic;
    uint64_t size;
};

/* Takes off the front of `rest`, which is not empty, either one wish (true), or all the messages
 * that come before the next one (false). */
bool wish_next(struct run *rest, struct run *head, struct wish *wish);

#endif
