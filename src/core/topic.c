/* SPDX-License-Identifier: MIT */
/* The tree of subscriptions: see topic.h. Every walk is a loop, as a topic may be long. A node
 * is one block of memory with its label in it. It may move when it is merged with its parent, so
 * each holder knows its nodes and each interest its place among them.
 *
 * Failures: -ENOMEM, and the tree is as before, but that a node may have stayed split. Removing
 * needs no memory, except to merge two nodes; without it they stay two. */
#include "core/topic.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_FIRST = 64, HELD_FIRST = 2 };

static size_t node_bytes(size_t label_size)
{
    size_t bytes = offsetof(struct topic, label) + label_size;
    return bytes > sizeof(struct topic) ? bytes : sizeof(struct topic);
}

static struct topic *new_topic(struct topic *parent, const uint8_t *label, size_t size)
{
    struct topic *topic = malloc(node_bytes(size));
    if (!topic)
        return NULL;
    *topic = (struct topic){.parent = parent, .size = (uint32_t)size};
    if (size)
        memcpy(topic->label, label, size);
    return topic;
}

int topic_init(struct topics *topics)
{
    *topics = (struct topics){.root = new_topic(NULL, NULL, 0)};
    return topics->root ? 0 : -ENOMEM;
}

uint8_t *topic_text(struct topics *topics, size_t size)
{
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

/* Children: an array of pointers, and behind it one of the first octets of their labels. */

static uint8_t *keys(const struct topic *topic)
{
    return (uint8_t *)(topic->child + topic->room);
}

static struct topic **find_child(const struct topic *topic, uint8_t key)
{
    if (!topic->children)
        return NULL;
    const uint8_t *first = keys(topic), *at = memchr(first, key, topic->children);
    return at ? &topic->child[at - first] : NULL;
}

static int set_room(struct topic *topic, uint16_t room)
{
    struct topic **child = room ? malloc(room * (sizeof(struct topic *) + 1)) : NULL;
    if (room && !child)
        return -ENOMEM;
    if (child && topic->children) {
        memcpy(child, topic->child, topic->children * sizeof(struct topic *));
        memcpy(child + room, keys(topic), topic->children);
    }
    free(topic->child);
    topic->child = child;
    topic->room = room;
    return 0;
}

static int add_child(struct topic *parent, struct topic *child)
{
    if (parent->children == parent->room) {
        uint16_t room = parent->room ? (uint16_t)(parent->room * 2) : 1;
        if (set_room(parent, room) < 0)
            return -ENOMEM;
    }
    keys(parent)[parent->children] = child->label[0];
    parent->child[parent->children++] = child;
    return 0;
}

static void remove_child(struct topic *parent, const struct topic *child)
{
    struct topic **slot = find_child(parent, child->label[0]);
    size_t at = (size_t)(slot - parent->child);
    size_t last = --parent->children;
    parent->child[at] = parent->child[last];
    keys(parent)[at] = keys(parent)[last];
    if (last == 0)
        set_room(parent, 0);
    else if (last <= parent->room / 4)
        set_room(parent, parent->room / 2);
}

/* Interests: inside the node when there is one, else an array with room for the next power of
 * two. */

static struct interest *interests_of(struct topic *topic)
{
    return topic->interests == 1 ? &topic->one : topic->many;
}

static struct interest *find_interest(struct topic *topic, const struct holder *holder)
{
    struct interest *interest = interests_of(topic);
    for (uint32_t i = 0; i < topic->interests; i++)
        if (interest[i].holder == holder)
            return &interest[i];
    return NULL;
}

/* A place for one more, or NULL without memory. */
static struct interest *new_interest(struct topic *topic)
{
    uint32_t count = topic->interests;
    if (count == 0) {
        topic->interests = 1;
        return &topic->one;
    }
    if ((count & (count - 1)) == 0) {
        struct interest first = topic->one;
        struct interest *many = count == 1 ? NULL : topic->many;
        many = realloc(many, 2 * (size_t)count * sizeof *many);
        if (!many)
            return NULL;
        if (count == 1)
            many[0] = first;
        topic->many = many;
    }
    topic->interests++;
    return &topic->many[count];
}

static void drop_interest(struct topic *topic, struct interest *interest)
{
    struct interest *list = interests_of(topic);
    *interest = list[--topic->interests];
    if (topic->interests == 1) {
        topic->one = list[0];
        free(list);
    }
}

/* Holders: an array of what they hold. */

static int reserve_held(struct holder *holder)
{
    if (holder->count < holder->room)
        return 0;
    uint32_t room = holder->room ? holder->room * 2 : HELD_FIRST;
    struct topic **held = realloc(holder->held, room * sizeof(struct topic *));
    if (!held)
        return -ENOMEM;
    holder->held = held;
    holder->room = room;
    return 0;
}

static void drop_held(struct holder *holder, uint32_t place)
{
    struct topic *last = holder->held[--holder->count];
    if (place != holder->count) {
        find_interest(last, holder)->place = place;
        holder->held[place] = last;
    }
    if (holder->count == 0) {
        free(holder->held);
        holder->held = NULL;
        holder->room = 0;
    } else if (holder->count < holder->room / 4) {
        uint32_t room = holder->room / 2;
        struct topic **held = realloc(holder->held, room * sizeof(struct topic *));
        if (held) {
            holder->held = held;
            holder->room = room;
        }
    }
}

/* The tree's shape */

/* How far a text goes along: all of `node` and its parents, and `shared` octets of `child`. */
struct place {
    struct topic *node, *child;
    size_t depth;  /* octets up to the end of the node */
    size_t shared; /* less than the child's label, more than 0 if there is one */
};

static size_t shared_octets(const struct topic *topic, const uint8_t *text, size_t size)
{
    size_t n = 1, max = topic->size < size ? topic->size : size;
    while (n < max && topic->label[n] == text[n])
        n++;
    return n;
}

static struct place locate(const struct topics *topics, const uint8_t *text, size_t size)
{
    struct place place = {.node = topics->root};
    while (place.depth < size) {
        const uint8_t *rest = text + place.depth;
        struct topic **slot = find_child(place.node, *rest);
        if (!slot)
            break;
        size_t shared = shared_octets(*slot, rest, size - place.depth);
        if (shared < (*slot)->size) {
            place.child = *slot;
            place.shared = shared;
            break;
        }
        place.depth += shared;
        place.node = *slot;
    }
    return place;
}

/* Puts a node above `low` that takes the first octets of its label. */
static struct topic *split(struct topic *low, size_t size)
{
    struct topic *high = new_topic(low->parent, low->label, size);
    if (!high)
        return NULL;
    if (set_room(high, 1) < 0) {
        free(high);
        return NULL;
    }
    *find_child(low->parent, low->label[0]) = high;
    low->size -= (uint32_t)size;
    memmove(low->label, low->label + size, low->size);
    low->parent = high;
    add_child(high, low);
    return high;
}

/* A node has moved: tells those who point to it. */
static void moved(struct topic *topic)
{
    struct interest *interest = interests_of(topic);
    for (uint32_t i = 0; i < topic->interests; i++)
        if (interest[i].holder)
            interest[i].holder->held[interest[i].place] = topic;
    for (size_t i = 0; i < topic->children; i++)
        topic->child[i]->parent = topic;
}

/* Puts a node in the place of its parent, which has no other child. */
static void merge(struct topic *low)
{
    struct topic *high = low->parent;
    size_t size = (size_t)high->size + low->size;
    struct topic *grown = realloc(low, node_bytes(size));
    if (!grown)
        return;
    memmove(grown->label + high->size, grown->label, grown->size);
    memcpy(grown->label, high->label, high->size);
    grown->size = (uint32_t)size;
    grown->parent = high->parent;
    *find_child(high->parent, high->label[0]) = grown;
    moved(grown);
    free(high->child);
    free(high);
}

/* Takes out what stands for nothing from `topic` upwards. */
static void tidy(struct topic *topic)
{
    while (topic->parent && !topic->interests && !topic->children) {
        struct topic *parent = topic->parent;
        remove_child(parent, topic);
        free(topic);
        topic = parent;
    }
    if (topic->parent && !topic->interests && topic->child && topic->children == 1)
        merge(topic->child[0]);
}

/* The node that ends at `size`, made if need be. */
static struct topic *grow(struct topics *topics, const uint8_t *text, size_t size)
{
    struct place place = locate(topics, text, size);
    struct topic *node = place.child ? split(place.child, place.shared) : place.node;
    size_t depth = place.depth + place.shared;
    if (!node || depth == size)
        return node;
    struct topic *leaf = new_topic(node, text + depth, size - depth);
    if (leaf && add_child(node, leaf) == 0)
        return leaf;
    free(leaf);
    tidy(node);
    return NULL;
}

static int take(struct topic *topic, struct holder *holder)
{
    struct interest *interest = find_interest(topic, holder);
    if (interest) { /* counts end at their largest, rather than begin again at 0 */
        interest->count += interest->count < UINT32_MAX;
        if (!holder)
            interest->added += interest->added < UINT32_MAX;
        return 0;
    }
    if (holder && reserve_held(holder) < 0)
        return -ENOMEM;
    interest = new_interest(topic);
    if (!interest)
        return -ENOMEM;
    *interest = (struct interest){.holder = holder, .count = 1};
    if (holder) {
        interest->place = holder->count;
        holder->held[holder->count++] = topic;
    } else {
        interest->added = 1;
    }
    return TOPIC_OWN_EDGE | (topic->interests == 1 ? TOPIC_EDGE : 0);
}

int topic_add(struct topics *topics, struct holder *holder, const uint8_t *topic, size_t size)
{
    if (size > UINT32_MAX / 2 || !topic_text(topics, size))
        return -ENOMEM;
    struct topic *node = grow(topics, topic, size);
    if (!node)
        return -ENOMEM;
    int change = take(node, holder);
    if (change < 0)
        tidy(node);
    return change;
}

int topic_remove(struct topics *topics, struct holder *holder, const uint8_t *topic, size_t size,
                 uint32_t *added)
{
    struct place place = locate(topics, topic, size);
    if (place.child || place.depth < size)
        return 0;
    struct topic *node = place.node;
    struct interest *interest = find_interest(node, holder);
    if (!interest)
        return 0;
    if (added)
        *added = interest->added;
    if (--interest->count)
        return TOPIC_FOUND;
    if (holder)
        drop_held(holder, interest->place);
    drop_interest(node, interest);
    bool last = node->interests == 0;
    tidy(node);
    return TOPIC_FOUND | TOPIC_OWN_EDGE | (last ? TOPIC_EDGE : 0);
}

/* Spells a topic. There is room: it was made when the topic was added. */
static uint8_t *spell(const struct topics *topics, const struct topic *topic, size_t *size)
{
    *size = 0;
    for (const struct topic *up = topic; up; up = up->parent)
        *size += up->size;
    uint8_t *text = topics->text + 1, *at = text + *size;
    for (const struct topic *up = topic; up; up = up->parent) {
        at -= up->size;
        memcpy(at, up->label, up->size);
    }
    return text;
}

void topic_forget(struct topics *topics, struct holder *holder, topic_fn *tell, void *to)
{
    while (holder->count) {
        size_t size = 0;
        struct topic *topic = holder->held[holder->count - 1];
        uint8_t *text = tell ? spell(topics, topic, &size) : NULL;
        struct interest *interest = find_interest(topic, holder), was = *interest;
        drop_held(holder, interest->place);
        drop_interest(topic, interest);
        bool last = topic->interests == 0;
        tidy(topic);
        if (tell)
            tell(to, text, size, &was, last);
    }
}

/* The node after `topic` when all of them are taken in turn, each before its children. Moves
 * *size, the octets up to the end of the node, along. NULL after the last. */
static struct topic *next_topic(const struct topic *topic, size_t *size)
{
    if (topic->children) {
        *size += topic->child[0]->size;
        return topic->child[0];
    }
    for (; topic->parent; topic = topic->parent) {
        const struct topic *parent = topic->parent;
        struct topic **slot = find_child(parent, topic->label[0]) + 1;
        *size -= topic->size;
        if (slot < parent->child + parent->children) {
            *size += (*slot)->size;
            return *slot;
        }
    }
    return NULL;
}

void topic_walk(struct topics *topics, topic_fn *tell, void *to)
{
    size_t size = 0;
    if (!topics->text)
        return; /* there never was a topic */
    uint8_t *text = topics->text + 1;
    for (struct topic *topic = topics->root; topic; topic = next_topic(topic, &size)) {
        memcpy(text + size - topic->size, topic->label, topic->size);
        if (topic->interests)
            tell(to, text, size, interests_of(topic), topic->interests == 1);
    }
}

struct topic *topic_match(const struct topics *topics, const uint8_t *text, uint64_t size)
{
    struct topic *topic = topics->root, *found = NULL;
    for (;;) {
        if (topic->interests)
            found = topic;
        if (!size || !topic->children)
            return found;
        struct topic **slot = find_child(topic, *text);
        if (!slot)
            return found;
        topic = *slot;
        if (topic->size > size || memcmp(topic->label, text, topic->size) != 0)
            return found;
        text += topic->size;
        size -= topic->size;
    }
}

void topic_term(struct topics *topics)
{
    struct topic *topic = topics->root;
    while (topic) {
        if (topic->children) {
            topic = topic->child[--topic->children];
            continue;
        }
        struct topic *parent = topic->parent;
        if (topic->interests > 1)
            free(topic->many);
        free(topic->child);
        free(topic);
        topic = parent;
    }
    free(topics->text);
    *topics = (struct topics){0};
}
