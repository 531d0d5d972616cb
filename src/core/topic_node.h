/* SPDX-License-Identifier: MIT */
/* The nodes of the tree of topics, as small as they can be: of a topic that one peer has subscribed
 * to once a node keeps 16 octets and its label. What most nodes do not have has no place in them.
 *
 *      parent  size lead form last | child | interest | label
 *        4       1    1    1    1      4    0 to 12     255 at most
 *
 * `child` is a block of the children's numbers, and behind them the first octets of their labels.
 * Where there is more than one interest, it is a table of them, found by the holder's number.
 *
 * A node that changes its size may get another number, and all who know it are told. So that no
 * change costs more than a bounded number of steps, one that many know stays where it is.
 *
 * For core/topic.c only. A number of 0 that is returned means no memory, with all as it was. */
#ifndef GREENMQ_CORE_TOPIC_NODE_H
#define GREENMQ_CORE_TOPIC_NODE_H

#include "core/topic.h"

#include <string.h>

enum { LABEL_MAX = 255, BLOCK_EACH = sizeof(uint32_t) + 1 /* octets for a child */, FEW_KEYS = 8 };

enum form {
    FORM_NONE,
    FORM_OWN,     /* no holder, one subscription, and it was the first */
    FORM_ONE,     /* one subscription of a holder: holder, place */
    FORM_COUNTED, /* several of one: holder, place, count */
    FORM_MANY,    /* several holders: a pointer */
    FORM_MASK = 7,
    HAS_CHILD = 8 /* there is a place for `child`, which may be 0 */
};

struct node {
    uint32_t parent;
    uint8_t size; /* of the label */
    uint8_t lead; /* octets of `data` before it */
    uint8_t form;
    uint8_t last; /* of the children, counted from 0 */
    uint8_t data[];
};

struct table;

/* A node taken apart, to be changed and stored again. */
struct parts {
    uint32_t parent, child;
    unsigned children;
    uint8_t form;
    union {
        struct interest one;
        struct table *many;
    };
    size_t size;
    uint8_t label[LABEL_MAX];
};

static inline struct node *node_at(const struct topics *topics, uint32_t n)
{
    return slab_at(&topics->nodes, n);
}

static inline const uint8_t *node_label(const struct node *node)
{
    return node->data + node->lead;
}

static inline uint32_t *node_words(struct node *node)
{
    return (uint32_t *)(void *)node->data;
}

/* The block of children, or 0. */
static inline uint32_t node_child(const struct node *node)
{
    return node->form & HAS_CHILD ? *node_words((struct node *)node) : 0;
}

static inline unsigned node_children(const struct node *node)
{
    return node_child(node) ? node->last + 1u : 0;
}

/* The children in a block, and the first octets of their labels. */
static inline uint8_t *node_keys(const struct topics *topics, uint32_t block, uint32_t **child)
{
    const struct slab *slab = slab_of(&topics->nodes, block);
    *child = (uint32_t *)(void *)slab_in(slab, block);
    return (uint8_t *)(*child + slab->unit / BLOCK_EACH);
}

/* The child whose label begins with `key`, or 0. Most nodes have few. */
static inline uint32_t node_find(const struct topics *topics, const struct node *node, uint8_t key)
{
    uint32_t *child, block = node_child(node);
    if (!block)
        return 0;
    const uint8_t *keys = node_keys(topics, block, &child);
    if (node->last >= FEW_KEYS) {
        const uint8_t *at = memchr(keys, key, node->last + 1u);
        return at ? child[at - keys] : 0;
    }
    for (unsigned i = 0; i <= node->last; i++)
        if (keys[i] == key)
            return child[i];
    return 0;
}

static inline bool node_is_topic(const struct node *node)
{
    return node->form & FORM_MASK;
}

uint32_t node_new(struct topics *topics, const struct parts *parts);
void node_free(struct topics *topics, uint32_t n); /* without children and interests */

void node_open(const struct topics *topics, uint32_t n, struct parts *parts);
uint32_t node_store(struct topics *topics, uint32_t n, const struct parts *parts);

/* Is it known to so many that its label should not grow? */
bool node_is_heavy(const struct parts *parts);

/* The child after the one that begins with `key`, or the first if that is < 0; or 0. */
uint32_t node_next(const struct topics *topics, const struct node *node, int key);

/* A block with one child. */
uint32_t node_block(struct topics *topics, uint8_t key, uint32_t child);
void node_set_child(struct topics *topics, uint32_t n, uint8_t key, uint32_t child);
uint32_t node_add_child(struct topics *topics, uint32_t n, uint8_t key, uint32_t child);
uint32_t node_remove_child(struct topics *topics, uint32_t n, uint8_t key); /* never fails */

/* Interests, by the holder's number */
uint32_t node_interests(const struct topics *topics, uint32_t n); /* how many */
bool node_interest(const struct topics *topics, uint32_t n, uint32_t holder,
                   struct interest *interest);
void node_set_place(struct topics *topics, uint32_t n, uint32_t holder, uint32_t place);
uint32_t node_add_interest(struct topics *topics, uint32_t n, const struct interest *interest);
uint32_t node_set_interest(struct topics *topics, uint32_t n, const struct interest *interest);
uint32_t node_drop_interest(struct topics *topics, uint32_t n, uint32_t holder); /* never fails */

#endif
