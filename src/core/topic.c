/* SPDX-License-Identifier: MIT */
/* The tree of subscriptions: see topic.h. Every walk is a loop, as a topic may be long. A node may
 * get another number when it changes, so each holder knows its nodes and each interest its place
 * among them.
 *
 * Failures: -ENOMEM, and the tree is as before, but that a node may have stayed split. Removing
 * needs no memory, except to merge two nodes; without it they stay two. */
#include "core/topic.h"

#include "base/check.h"
#include "core/topic_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_FIRST = 64, TEXT_KEEP = 65536, HELD_FIRST = 2, HELD_DOUBLES = 64, HOLDERS_FIRST = 4 };

uint8_t *topic_text(struct topics *topics, size_t size)
{
    if (!topics->root && topics->text_room > TEXT_KEEP && size < TEXT_KEEP / 2) {
        free(topics->text);
        topics->text = NULL;
        topics->text_room = 0;
    }
    if (size >= topics->text_room) {
        size_t room = topics->text_room ? topics->text_room : TEXT_FIRST;
        while (room <= size)
            room *= 2;
        uint8_t *grown = realloc(topics->text, room);
        if (!grown)
            return NULL;
        topics->text = grown;
        topics->text_room = room;
    }
    return topics->text + 1;
}

void topic_term(struct topics *topics)
{
    slab_term(&topics->nodes);
    free(topics->holder);
    free(topics->text);
    *topics = (struct topics){0};
}

/* Holders: each has a number and an array of what it holds. */

static int number_holder(struct topics *topics, struct holder *holder)
{
    uint32_t n = topics->holder_free;
    if (!n) {
        if (topics->holder_count == topics->holder_room) {
            uint32_t room = topics->holder_room ? 2 * topics->holder_room : HOLDERS_FIRST;
            union holder_place *grown = realloc(topics->holder, room * sizeof *grown);
            if (!grown)
                return -ENOMEM;
            topics->holder = grown;
            topics->holder_room = room;
        }
        if (!topics->holder_count)
            topics->holder[topics->holder_count++].holder = NULL;
        n = topics->holder_count++;
    } else {
        topics->holder_free = (uint32_t)(topics->holder[n].next >> 1);
    }
    topics->holder[n].holder = holder;
    holder->number = n;
    return 0;
}

static void free_held(struct holder *holder)
{
    free(holder->held);
    holder->held = NULL;
    holder->room = 0;
}

static void forget_number(struct topics *topics, struct holder *holder)
{
    topics->holder[holder->number].next = (uintptr_t)topics->holder_free << 1 | 1;
    topics->holder_free = holder->number;
    holder->number = 0;
    free_held(holder);
}

/* Makes room for one more; the first time the holder gets its number. */
static int reserve_held(struct topics *topics, struct holder *holder)
{
    if (holder->count == holder->room) {
        uint32_t room = holder->room < HELD_DOUBLES ? holder->room * 2
                                                    : holder->room + holder->room / 4;
        room = room < HELD_FIRST ? HELD_FIRST : room;
        uint32_t *held = realloc(holder->held, room * sizeof *held);
        if (!held)
            return -ENOMEM;
        holder->held = held;
        holder->room = room;
    }
    return holder->number ? 0 : number_holder(topics, holder);
}

static void unreserve_held(struct topics *topics, struct holder *holder)
{
    if (holder->count)
        return;
    if (holder->number)
        forget_number(topics, holder);
    else
        free_held(holder);
}

static void drop_held(struct topics *topics, struct holder *holder, uint32_t place)
{
    uint32_t last = holder->held[--holder->count];
    if (place != holder->count) {
        node_set_place(topics, last, holder->number, place);
        holder->held[place] = last;
    }
    if (holder->count >= HELD_DOUBLES && holder->count < holder->room / 2) {
        uint32_t room = holder->count + holder->count / 4;
        uint32_t *held = realloc(holder->held, room * sizeof *held);
        if (held) {
            holder->held = held;
            holder->room = room;
        }
    }
}

/* The tree's shape */

/* How far a text goes along: all of `node` and its parents, and `shared` octets of `child`. */
struct place {
    uint32_t node, child;
    size_t depth;  /* octets up to the end of the node */
    size_t shared; /* less than the child's label, more than 0 if there is one */
};

static size_t shared_octets(const struct node *node, const uint8_t *text, size_t size)
{
    const uint8_t *label = node_label(node);
    size_t n = 1, max = node->size < size ? node->size : size;
    while (n < max && label[n] == text[n])
        n++;
    return n;
}

static struct place locate(const struct topics *topics, const uint8_t *text, size_t size)
{
    struct place place = {.node = topics->root};
    while (place.depth < size) {
        const uint8_t *rest = text + place.depth;
        uint32_t child = node_find(topics, node_at(topics, place.node), *rest);
        if (!child)
            break;
        const struct node *node = node_at(topics, child);
        size_t shared = shared_octets(node, rest, size - place.depth);
        if (shared < node->size) {
            place.child = child;
            place.shared = shared;
            break;
        }
        place.depth += shared;
        place.node = child;
    }
    return place;
}

/* Puts a node above `low` that takes the first octets of its label. Returns it, or 0. */
static uint32_t split(struct topics *topics, uint32_t low, size_t size)
{
    struct parts parts, high = {.children = 1, .size = size};
    node_open(topics, low, &parts);
    high.parent = parts.parent;
    memcpy(high.label, parts.label, size);
    high.child = node_block(topics, parts.label[size], low);
    uint32_t n = high.child ? node_new(topics, &high) : 0;
    if (!n) {
        if (high.child)
            slab_free(&topics->nodes, high.child);
        return 0;
    }
    node_set_child(topics, high.parent, high.label[0], n);
    parts.parent = n;
    parts.size -= size;
    memmove(parts.label, parts.label + size, parts.size);
    node_store(topics, low, &parts); /* it has become smaller */
    return n;
}

/* Puts a node in the place of its parent, which has no other child, if their labels fit one. */
static void merge(struct topics *topics, uint32_t low)
{
    struct parts parts, above;
    node_open(topics, low, &parts);
    uint32_t high = parts.parent;
    node_open(topics, high, &above);
    if (above.size + parts.size > LABEL_MAX || node_is_heavy(&parts))
        return;
    memmove(parts.label + above.size, parts.label, parts.size);
    memcpy(parts.label, above.label, above.size);
    parts.size += above.size;
    parts.parent = above.parent;
    uint32_t now = node_store(topics, low, &parts);
    if (!now)
        return;
    node_set_child(topics, above.parent, above.label[0], now);
    slab_free(&topics->nodes, above.child);
    node_free(topics, high);
}

/* Takes out what stands for nothing from node `n` upwards. */
static void tidy(struct topics *topics, uint32_t n)
{
    const struct node *node = node_at(topics, n);
    while (node->parent && !node_is_topic(node) && !node_children(node)) {
        uint32_t parent = node_remove_child(topics, node->parent, node_label(node)[0]);
        node_free(topics, n);
        n = parent;
        node = node_at(topics, n);
    }
    if (node_is_topic(node) || node_children(node) > 1)
        return;
    if (node->parent)
        merge(topics, node_next(topics, node, -1));
}

/* One more node below `parent`. Returns it, or 0. */
static uint32_t add_leaf(struct topics *topics, uint32_t parent, const uint8_t *text, size_t size)
{
    struct parts parts = {.parent = parent, .size = size};
    memcpy(parts.label, text, size);
    uint32_t leaf = node_new(topics, &parts);
    if (!leaf)
        return 0;
    if (node_add_child(topics, parent, text[0], leaf))
        return leaf;
    node_free(topics, leaf);
    return 0;
}

/* The node that ends at `size`, made if need be. */
static uint32_t grow(struct topics *topics, const uint8_t *text, size_t size)
{
    const struct parts empty = {0};
    if (!topics->root && !(topics->root = node_new(topics, &empty)))
        return 0;
    struct place place = locate(topics, text, size);
    uint32_t node = place.child ? split(topics, place.child, place.shared) : place.node;
    size_t depth = place.depth + place.shared;
    while (node && depth < size) {
        size_t part = size - depth < LABEL_MAX ? size - depth : LABEL_MAX;
        uint32_t leaf = add_leaf(topics, node, text + depth, part);
        if (!leaf)
            tidy(topics, node);
        node = leaf;
        depth += part;
    }
    return node;
}

/* Counts one more. Returns the bits of a change, or -ENOMEM. */
static int take(struct topics *topics, uint32_t n, struct holder *holder)
{
    struct interest interest;
    if (node_interest(topics, n, holder ? holder->number : 0, &interest)) {
        /* counts end at their largest, rather than begin again at 0 */
        interest.count += interest.count < UINT32_MAX;
        if (!holder)
            interest.place += interest.place < UINT32_MAX;
        return node_set_interest(topics, n, &interest) ? 0 : -ENOMEM;
    }
    interest = (struct interest){.count = 1, .place = 1};
    if (holder) {
        if (reserve_held(topics, holder) < 0)
            return -ENOMEM;
        interest.holder = holder->number;
        interest.place = holder->count;
        holder->held[holder->count] = n;
    }
    if (!(n = node_add_interest(topics, n, &interest)))
        return -ENOMEM;
    if (holder)
        holder->held[holder->count++] = n;
    return TOPIC_OWN_EDGE | (node_interests(topics, n) == 1 ? TOPIC_EDGE : 0);
}

/* Is nothing there but the root? */
static bool is_over(const struct topics *topics)
{
    const struct node *root = node_at(topics, topics->root);
    return !node_is_topic(root) && !node_children(root);
}

int topic_add(struct topics *topics, struct holder *holder, const uint8_t *topic, size_t size)
{
    if (size > UINT32_MAX / 2 || !topic_text(topics, size))
        return -ENOMEM;
    uint32_t n = grow(topics, topic, size);
    int change = n ? take(topics, n, holder) : -ENOMEM;
    if (n && change < 0)
        tidy(topics, n);
    if (change < 0 && holder)
        unreserve_held(topics, holder);
    if (change < 0 && topics->root && is_over(topics))
        topic_term(topics); /* the memory goes back */
    return change;
}

/* Ends an interest. Returns whether it was the last in its topic. */
static bool drop(struct topics *topics, uint32_t n, struct holder *holder,
                 const struct interest *interest)
{
    if (holder)
        drop_held(topics, holder, interest->place);
    n = node_drop_interest(topics, n, interest->holder);
    bool last = node_interests(topics, n) == 0;
    if (holder && !holder->count)
        forget_number(topics, holder);
    tidy(topics, n);
    return last;
}

int topic_remove(struct topics *topics, struct holder *holder, const uint8_t *topic, size_t size,
                 uint32_t *added)
{
    struct interest interest;
    if (!topics->root || (holder && !holder->number))
        return 0;
    struct place place = locate(topics, topic, size);
    if (place.child || place.depth < size ||
        !node_interest(topics, place.node, holder ? holder->number : 0, &interest))
        return 0;
    if (added)
        *added = interest.place;
    if (interest.count > 1) {
        interest.count--;
        node_set_interest(topics, place.node, &interest); /* it does not grow */
        return TOPIC_FOUND;
    }
    bool last = drop(topics, place.node, holder, &interest);
    if (is_over(topics))
        topic_term(topics); /* the memory goes back */
    return TOPIC_FOUND | TOPIC_OWN_EDGE | (last ? TOPIC_EDGE : 0);
}

/* Spells a topic. There is room: it was made when the topic was added. */
static uint8_t *spell(const struct topics *topics, uint32_t topic, size_t *size)
{
    *size = 0;
    for (uint32_t up = topic; up; up = node_at(topics, up)->parent)
        *size += node_at(topics, up)->size;
    uint8_t *text = topics->text + 1, *at = text + *size;
    for (uint32_t up = topic; up; up = node_at(topics, up)->parent) {
        const struct node *node = node_at(topics, up);
        at -= node->size;
        memcpy(at, node_label(node), node->size);
    }
    return text;
}

void topic_forget(struct topics *topics, struct holder *holder, topic_fn *tell, void *to)
{
    struct interest interest;
    while (holder->count) {
        size_t size = 0;
        uint32_t n = holder->held[holder->count - 1];
        uint8_t *text = tell ? spell(topics, n, &size) : NULL;
        check(node_interest(topics, n, holder->number, &interest));
        bool last = drop(topics, n, holder, &interest);
        if (tell)
            tell(to, text, size, interest.count, last);
    }
    if (topics->root && is_over(topics))
        topic_term(topics); /* the memory goes back */
}

/* The node after `n` when all of them are taken in turn, each before its children. Moves *size, the
 * octets up to the end of the node, along. 0 after the last. */
static uint32_t next_topic(const struct topics *topics, uint32_t n, size_t *size)
{
    const struct node *node = node_at(topics, n);
    uint32_t next = node_next(topics, node, -1);
    while (!next && node->parent) {
        uint8_t key = node_label(node)[0];
        *size -= node->size;
        node = node_at(topics, node->parent);
        next = node_next(topics, node, key);
    }
    if (next)
        *size += node_at(topics, next)->size;
    return next;
}

void topic_walk(struct topics *topics, topic_fn *tell, void *to)
{
    size_t size = 0;
    for (uint32_t n = topics->root; n; n = next_topic(topics, n, &size)) {
        const struct node *node = node_at(topics, n);
        uint8_t *text = topics->text + 1;
        struct interests all;
        memcpy(text + size - node->size, node_label(node), node->size);
        topic_interests(topics, n, &all);
        const struct interest *first = all.slot;
        if (!all.slots)
            continue;
        if (node_interests(topics, n) > 1)
            while (!first->holder)
                first++;
        tell(to, text, size, first->count, node_interests(topics, n) == 1);
    }
}

/* Does the text go on as the label does, behind the first octet, by which the node was found? */
static inline bool goes_on(const struct node *node, const uint8_t *text)
{
    const uint8_t *label = node_label(node);
    size_t at = 1, size = node->size;
    for (; at < size && at < FEW_KEYS; at++)
        if (label[at] != text[at])
            return false;
    return at >= size || memcmp(label + at, text + at, size - at) == 0;
}

uint32_t topic_match(const struct topics *topics, const uint8_t *text, uint64_t size)
{
    uint32_t n = topics->root, found = 0;
    while (n) {
        const struct node *node = node_at(topics, n);
        if (node->size > size || !goes_on(node, text))
            break;
        if (node_is_topic(node))
            found = n;
        text += node->size;
        size -= node->size;
        if (!size)
            break;
        n = node_find(topics, node, *text);
    }
    return found;
}

uint32_t topic_above(const struct topics *topics, uint32_t topic)
{
    return node_at(topics, topic)->parent;
}

bool topic_is_flat(const struct topics *topics)
{
    return !topics->root || !node_children(node_at(topics, topics->root));
}
