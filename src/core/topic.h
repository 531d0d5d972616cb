/* SPDX-License-Identifier: MIT */
/* Topics: who is subscribed to which prefixes. A radix tree; each node adds the octets of its
 * label to those of its parent, and keeps those who hold exactly this prefix, each with a count,
 * because subscriptions add up (37/ZMTP 3.1): two of them need two cancels.
 *
 *      root ""  ── "news." ──┬── "sport"        holders: a (1), c (2)
 *      holders: b (1)        └── "weather" ──── ".uk"
 *
 * A message matches the nodes on the path that its first frame spells. As those are the node at
 * the end of the path and all above it, that one node names the whole set.
 *
 * A change costs a step for each octet of the topic, whatever else there is: labels are short, and
 * a long topic is a chain of nodes (core/topic_node.h).
 *
 * Used by XPUB and PUB with a holder for each peer; by XSUB and SUB, for what they themselves are
 * subscribed to, with NULL as the one holder. */
#ifndef GREENMQ_CORE_TOPIC_H
#define GREENMQ_CORE_TOPIC_H

#include "base/slab.h"

#include <stdbool.h>

struct peer;

/* One who holds subscriptions. Zeroed before its first; the memory comes and goes with them. */
struct holder {
    struct peer *peer; /* the caller's: not used here */
    uint32_t *held;    /* the topics it holds */
    uint32_t count, room;
    uint32_t number; /* in topics->holder, while it holds any */
};

struct interest {
    uint32_t holder; /* its number; 0 for NULL, or for an empty place */
    uint32_t place;  /* in holder->held; without a holder: subscriptions since there were none */
    uint32_t count;  /* subscriptions that have not been cancelled */
};

/* Whoever holds a topic: `slots` places, of which some may be empty. */
struct interests {
    const struct interest *slot;
    uint32_t slots;
    struct interest one;
};

union holder_place {
    struct holder *holder;
    uintptr_t next; /* free: twice the number of the next, and one */
};

struct topics {
    struct slabs nodes;
    uint32_t root;              /* 0 as long as there is no topic */
    union holder_place *holder; /* by number; the first is nobody's */
    uint32_t holder_count, holder_room, holder_free;
    uint8_t *text; /* where a whole topic is spelt: room for the longest there was, and one more */
    size_t text_room;
};

/* What a change came to. */
enum {
    TOPIC_FOUND = 1,    /* removed: the holder had it */
    TOPIC_OWN_EDGE = 2, /* the first, or last, of this holder */
    TOPIC_EDGE = 4      /* the first, or last, of all */
};

/* Topics are zeroed at first. Frees it all; holders must have been forgotten. */
void topic_term(struct topics *topics);

/* One subscription more: the bits above, or -ENOMEM with everything as it was. */
int topic_add(struct topics *topics, struct holder *holder, const uint8_t *topic, size_t size);

/* One less: the bits above, 0 when the holder had none. `added` (may be NULL) is, without a
 * holder, how many there had been added. */
int topic_remove(struct topics *topics, struct holder *holder, const uint8_t *topic, size_t size,
                 uint32_t *added);

/* Called with a topic and a count of subscriptions. The octet before `topic` may be written. The
 * tree must not be changed. */
typedef void topic_fn(void *to, uint8_t *topic, size_t size, uint32_t count, bool last);

/* Removes all of a holder, however often it had each. Tells of each topic (`tell` may be NULL)
 * how often that was, and whether it was the last of all. Never fails. */
void topic_forget(struct topics *topics, struct holder *holder, topic_fn *tell, void *to);

/* Tells of every topic that has interests, with the count of one of them. */
void topic_walk(struct topics *topics, topic_fn *tell, void *to);

/* The longest topic that `text` begins with, or 0. The others are above it. */
uint32_t topic_match(const struct topics *topics, const uint8_t *text, uint64_t size);

/* What is above a topic, though it may be no topic itself; 0 at the end. */
uint32_t topic_above(const struct topics *topics, uint32_t topic);

void topic_interests(const struct topics *topics, uint32_t topic, struct interests *interests);

/* NULL for an empty place. */
static inline struct holder *topic_holder(const struct topics *topics,
                                          const struct interest *interest)
{
    return topics->holder[interest->holder].holder;
}

/* Is "" the only topic that there may be? Then all messages match alike. */
bool topic_is_flat(const struct topics *topics);

/* Memory of the tree's for a topic of `size` octets, with one octet more before it. NULL without
 * memory. */
uint8_t *topic_text(struct topics *topics, size_t size);

#endif
