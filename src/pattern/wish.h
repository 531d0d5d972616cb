/* SPDX-License-Identifier: MIT */
/* A wish: a subscription, or the end of one, as a part of a message: an octet of 1 or 0 with the
 * topic behind it (29/PUBSUB; 23/ZMTP 3.0 and older on the wire). Peers of 37/ZMTP 3.1 use
 * commands instead, which do not come here. Usually it is a message by itself. In one of several
 * parts each part is looked at for itself, as in libzmq: a wish, or the user's own. */
#ifndef GREENMQ_PATTERN_WISH_H
#define GREENMQ_PATTERN_WISH_H

#include "base/inbox.h"

struct wish {
    bool add;
    const uint8_t *topic;
    uint64_t size;
};

enum wish_kind {
    WISH_NONE,  /* messages without wishes: all that come before the next with one */
    WISH_ALONE, /* one message, which is a wish */
    WISH_AMONG  /* one message of several parts, of which at least one is a wish */
};

/* Takes what comes next off the front of `rest`, which is not empty. */
enum wish_kind wish_next(struct run *rest, struct run *head, struct wish *wish);

/* Is the part a wish? */
bool wish_read(const struct frame *part, struct wish *wish);

/* The parts of a run that is one message, each with its chunk (NULL: it may not be shared). Zeroed
 * but for the message before the first. */
struct parts {
    const struct run *message;
    struct cursor at;
    bool begun;
};

bool parts_next(struct parts *parts, struct frame *part, struct chunk **chunk);

/* Makes parts that all have FRAME_MORE a whole message. 0 or -ENOMEM. */
int parts_close(const struct buffer *parts, struct buffer *message);

#endif
