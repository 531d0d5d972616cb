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
 * Used by XPUB and PUB with a holder for each peer; by XSUB and SUB, for what they themselves are
 * subscribed to, with NULL as the one holder. */
#ifndef GREENMQ_CORE_TOPIC_H
#define GREENMQ_CORE_TOPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;
struct topic;

/* One who holds subscriptions. Zeroed before its first; the memory comes and goes with them. */
struct holder {
    struct peer *peer;   /* the caller's: not used here */
    struct topic **held; /* the topics it holds */
    uint32_t count, room;
};

struct interest {
    struct holder *holder;
    uint32_t count; /* subscriptions that have not been cancelled */
    union {
        uint32_t place; /* in holder->held */
        uint32_t added; /* without a holder: subscriptions since there were none */
    };
};

struct topic {
    struct topic *parent;
    struct topic **child; /* `room` places, and behind them the first octets of their labels */
    union {
        struct interest one;   /* the only interest */
        struct interest *many; /* several */
    };
    uint32_t interests;
    uint32_t size; /* of the label */
    uint16_t children, room;
    uint8_t label[];
};

struct topics {
    struct topic *root;
    uint8_t *text; /* where a whole topic is spelt: room for the longest there was, and one more */
    size_t text_room;
};

/* What a change came to. */
enum {
    TOPIC_FOUND = 1,    /* removed: the holder had it */
    TOPIC_OWN_EDGE = 2, /* the first, or last, of this holder */
    TOPIC_EDGE = 4      /* the first, or last, of all */
};

/* 0 or -ENOMEM. */
int topic_init(struct topics *topics);

/* Frees it all; holders must have been forgotten. */
void topic_term(struct topics *topics);

/* One subscription more: the bits above, or -ENOMEM with everything as it was. */
int topic_add(struct topics *topics, struct holder *holder, const uint8_t *topic, size_t size);

/* One less: the bits above, 0 when the holder had none. `added` (may be NULL) is, without a
 * holder, how many there had been added. */
int topic_remove(struct topics *topics, struct holder *holder, const uint8_t *topic, size_t size,
                 uint32_t *added);

/* Called with a topic. The octet before `topic` may be written. The tree must not be changed. */
typedef void topic_fn(void *to, uint8_t *topic, size_t size, const struct interest *interest,
                      bool last);

/* Removes all of a holder, however often it had each. Tells of each topic (`tell` may be NULL)
 * what the holder's interest was, and whether it was the last of all. Never fails. */
void topic_forget(struct topics *topics, struct holder *holder, topic_fn *tell, void *to);

/* Tells of every topic that has interests, with its first. */
void topic_walk(struct topics *topics, topic_fn *tell, void *to);

/* The longest topic that `text` begins with, or NULL. The others are above it. */
struct topic *topic_match(const struct topics *topics, const uint8_t *text, uint64_t size);

/* Is "" the only topic that there may be? Then all messages match alike. */
static inline bool topic_is_flat(const struct topics *topics)
{
    return topics->root->children == 0;
}

static inline const struct interest *topic_interests(const struct topic *topic)
{
    return topic->interests == 1 ? &topic->one : topic->many;
}

/* Memory of the tree's for a topic of `size` octets, with one octet more before it. NULL without
 * memory. */
uint8_t *topic_text(struct topics *topics, size_t size);

#endif
