/* SPDX-License-Identifier: MIT */
/* Nodes: see topic_node.h. A change takes a node apart, changes the parts and stores them again; it
 * stays in its block if that is of the right size, else it moves to another. */
#include "core/topic_node.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

enum {
    FEW = 8, /* with more children or interests a node does not move to save memory */
    SLOTS_FIRST = 4
};

/* Interests of several holders, by their numbers: open addressing, at most three quarters full. */
struct table {
    uint32_t count, slots; /* a power of two */
    struct interest slot[];
};

static const uint8_t words_of[] = {[FORM_NONE] = 0,
                                   [FORM_OWN] = 0,
                                   [FORM_ONE] = 2,
                                   [FORM_COUNTED] = 3,
                                   [FORM_MANY] = sizeof(struct table *) / sizeof(uint32_t)};

/* Tables */

static uint32_t home(const struct table *table, uint32_t holder)
{
    return (uint32_t)(holder * 0x9e3779b1u) >> (32 - __builtin_ctz(table->slots));
}

/* Where the holder is, or the empty place where it would be. */
static struct interest *table_find(struct table *table, uint32_t holder)
{
    uint32_t at = home(table, holder);
    while (table->slot[at].holder && table->slot[at].holder != holder)
        at = (at + 1) & (table->slots - 1);
    return &table->slot[at];
}

static struct table *table_new(uint32_t slots)
{
    struct table *table = calloc(1, sizeof *table + slots * sizeof(struct interest));
    if (table)
        table->slots = slots;
    return table;
}

static void table_put(struct table *table, const struct interest *interest)
{
    *table_find(table, interest->holder) = *interest;
    table->count++;
}

/* Another size. False without memory. */
static bool table_resize(struct table **table, uint32_t slots)
{
    struct table *old = *table, *now = table_new(slots);
    if (!now)
        return false;
    for (uint32_t i = 0; i < old->slots; i++)
        if (old->slot[i].holder)
            table_put(now, &old->slot[i]);
    free(old);
    *table = now;
    return true;
}

/* Those behind it that could not be at home move up. */
static void table_drop(struct table *table, struct interest *gone)
{
    uint32_t mask = table->slots - 1, hole = (uint32_t)(gone - table->slot), at = hole;
    table->count--;
    for (;;) {
        table->slot[hole].holder = 0;
        do {
            at = (at + 1) & mask;
            if (!table->slot[at].holder)
                return;
        } while (((at - home(table, table->slot[at].holder)) & mask) < ((at - hole) & mask));
        table->slot[hole] = table->slot[at];
        hole = at;
    }
}

/* Taking apart, and storing */

static void read_interest(struct parts *parts, const uint32_t *words)
{
    parts->one = (struct interest){.place = 1, .count = 1};
    if (parts->form == FORM_MANY)
        memcpy(&parts->many, words, sizeof parts->many);
    else
        memcpy(&parts->one, words, words_of[parts->form] * sizeof *words);
}

void node_open(const struct topics *topics, uint32_t n, struct parts *parts)
{
    struct node *node = node_at(topics, n);
    bool has_child = node->form & HAS_CHILD;
    parts->parent = node->parent;
    parts->child = node_child(node);
    parts->children = node_children(node);
    parts->form = node->form & FORM_MASK;
    parts->size = node->size;
    read_interest(parts, node_words(node) + has_child);
    memcpy(parts->label, node_label(node), node->size);
}

/* The shortest form that says it. */
static uint8_t form_of(const struct parts *parts)
{
    if (parts->form == FORM_NONE || parts->form == FORM_MANY)
        return parts->form;
    if (parts->one.count != 1)
        return FORM_COUNTED;
    if (parts->one.holder)
        return FORM_ONE;
    return parts->one.place == 1 ? FORM_OWN : FORM_COUNTED;
}

/* One with many interests has a place for children in any case: it need not move for them. */
static size_t lead_of(const struct parts *parts)
{
    uint8_t form = form_of(parts);
    return sizeof(uint32_t) * ((parts->child || form == FORM_MANY) + (size_t)words_of[form]);
}

static void put(struct node *node, const struct parts *parts)
{
    uint8_t form = form_of(parts);
    uint32_t *words = node_words(node);
    bool has_child = parts->child || form == FORM_MANY;
    node->parent = parts->parent;
    node->size = (uint8_t)parts->size;
    node->lead = (uint8_t)lead_of(parts);
    node->form = form | (has_child ? HAS_CHILD : 0);
    node->last = (uint8_t)(parts->children - 1);
    if (has_child)
        *words++ = parts->child;
    if (form == FORM_MANY)
        memcpy(words, &parts->many, sizeof parts->many);
    else
        memcpy(words, &parts->one, words_of[form] * sizeof *words);
    memcpy(node->data + node->lead, parts->label, parts->size);
}

static size_t bytes_of(const struct parts *parts)
{
    return sizeof(struct node) + lead_of(parts) + parts->size;
}

uint32_t node_new(struct topics *topics, const struct parts *parts)
{
    uint32_t n = slab_new(&topics->nodes, bytes_of(parts));
    if (n)
        put(node_at(topics, n), parts);
    return n;
}

void node_free(struct topics *topics, uint32_t n)
{
    slab_free(&topics->nodes, n);
}

bool node_is_heavy(const struct parts *parts)
{
    return parts->form == FORM_MANY && parts->many->count > FEW;
}

static void tell_holder(struct topics *topics, const struct interest *interest, uint32_t n)
{
    if (interest->holder)
        topics->holder[interest->holder].holder->held[interest->place] = n;
}

/* A node has another number: tells those who know it. */
static void moved(struct topics *topics, uint32_t n, const struct parts *parts)
{
    if (parts->parent)
        node_set_child(topics, parts->parent, parts->label[0], n);
    else
        topics->root = n;
    if (parts->child) {
        uint32_t *child;
        node_keys(topics, parts->child, &child);
        for (unsigned i = 0; i < parts->children; i++)
            node_at(topics, child[i])->parent = n;
    }
    if (parts->form == FORM_MANY)
        for (uint32_t i = 0; i < parts->many->slots; i++)
            tell_holder(topics, &parts->many->slot[i], n);
    else if (parts->form != FORM_NONE)
        tell_holder(topics, &parts->one, n);
}

uint32_t node_store(struct topics *topics, uint32_t n, const struct parts *parts)
{
    size_t bytes = bytes_of(parts), has = slab_size(&topics->nodes, n);
    bool stays = node_is_heavy(parts) || parts->children > FEW;
    uint32_t now = n;
    if (bytes > has || (!stays && slab_unit(bytes) < has))
        now = slab_new(&topics->nodes, bytes);
    if (!now && bytes > has)
        return 0;
    now = now ? now : n;
    put(node_at(topics, now), parts);
    if (now != n) {
        moved(topics, now, parts);
        slab_free(&topics->nodes, n);
    }
    return now;
}

/* Children */

static int index_of(const struct topics *topics, const struct node *node, uint8_t key)
{
    uint32_t *child, block = node_child(node);
    if (!block)
        return -1;
    const uint8_t *keys = node_keys(topics, block, &child);
    const uint8_t *at = memchr(keys, key, node->last + 1u);
    return at ? (int)(at - keys) : -1;
}

static uint32_t child_at(const struct topics *topics, const struct node *node, unsigned i)
{
    uint32_t *child;
    if (i >= node_children(node))
        return 0;
    node_keys(topics, node_child(node), &child);
    return child[i];
}

uint32_t node_next(const struct topics *topics, const struct node *node, int key)
{
    return child_at(topics, node, key < 0 ? 0 : (unsigned)index_of(topics, node, (uint8_t)key) + 1);
}

uint32_t node_block(struct topics *topics, uint8_t key, uint32_t child)
{
    uint32_t block = slab_new(&topics->nodes, BLOCK_EACH), *children;
    if (!block)
        return 0;
    uint8_t *keys = (uint8_t *)node_keys(topics, block, &children);
    children[0] = child;
    keys[0] = key;
    return block;
}

void node_set_child(struct topics *topics, uint32_t n, uint8_t key, uint32_t child)
{
    struct node *node = node_at(topics, n);
    uint32_t *children;
    int at = index_of(topics, node, key);
    check(at >= 0);
    node_keys(topics, node_child(node), &children);
    children[at] = child;
}

/* Moves the children of a node to a block for `room` of them. False without memory. */
static bool resize_block(struct topics *topics, uint32_t n, unsigned room)
{
    uint32_t block = slab_new(&topics->nodes, (size_t)room * BLOCK_EACH), *from, *to;
    if (!block)
        return false;
    struct node *node = node_at(topics, n);
    uint32_t old = node_child(node);
    unsigned children = node->last + 1u < room ? node->last + 1u : room;
    const uint8_t *keys = node_keys(topics, old, &from);
    uint8_t *now = (uint8_t *)node_keys(topics, block, &to);
    memcpy(to, from, children * sizeof *to);
    memcpy(now, keys, children);
    *node_words(node) = block;
    slab_free(&topics->nodes, old);
    return true;
}

static uint32_t add_first_child(struct topics *topics, uint32_t n, uint8_t key, uint32_t child)
{
    struct parts parts;
    node_open(topics, n, &parts);
    parts.child = node_block(topics, key, child);
    parts.children = 1;
    if (!parts.child)
        return 0;
    uint32_t now = node_store(topics, n, &parts);
    if (!now)
        slab_free(&topics->nodes, parts.child);
    else
        node_at(topics, child)->parent = now;
    return now;
}

uint32_t node_add_child(struct topics *topics, uint32_t n, uint8_t key, uint32_t child)
{
    struct node *node = node_at(topics, n);
    unsigned count = node_children(node);
    uint32_t *children;
    if (!count)
        return add_first_child(topics, n, key, child);
    if ((count + 1) * BLOCK_EACH > slab_size(&topics->nodes, node_child(node)) &&
        !resize_block(topics, n, count + 1))
        return 0;
    uint8_t *keys = (uint8_t *)node_keys(topics, node_child(node), &children);
    children[count] = child;
    keys[count] = key;
    node->last = (uint8_t)count;
    node_at(topics, child)->parent = n;
    return n;
}

uint32_t node_remove_child(struct topics *topics, uint32_t n, uint8_t key)
{
    struct node *node = node_at(topics, n);
    uint32_t block = node_child(node), *children;
    int at = index_of(topics, node, key);
    check(at >= 0);
    if (node->last == 0) {
        struct parts parts;
        node_open(topics, n, &parts);
        parts.child = parts.children = 0;
        slab_free(&topics->nodes, block);
        return node_store(topics, n, &parts);
    }
    uint8_t *keys = (uint8_t *)node_keys(topics, block, &children);
    children[at] = children[node->last];
    keys[at] = keys[node->last];
    unsigned left = node->last--;
    if (slab_unit((size_t)left * BLOCK_EACH) * 4 <= slab_size(&topics->nodes, block) * 3)
        resize_block(topics, n, left);
    return n;
}

/* Interests */

static struct table *table_of(const struct topics *topics, uint32_t n)
{
    struct table *table;
    memcpy(&table, node_words(node_at(topics, n)) + 1, sizeof table);
    return table;
}

uint32_t node_interests(const struct topics *topics, uint32_t n)
{
    uint8_t form = node_at(topics, n)->form & FORM_MASK;
    return form == FORM_MANY ? table_of(topics, n)->count : form != FORM_NONE;
}

void topic_interests(const struct topics *topics, uint32_t topic, struct interests *interests)
{
    struct node *node = node_at(topics, topic);
    struct parts parts = {.form = node->form & FORM_MASK};
    read_interest(&parts, node_words(node) + (node->form & HAS_CHILD ? 1 : 0));
    interests->slot = &interests->one;
    interests->slots = parts.form != FORM_NONE;
    if (parts.form == FORM_MANY) {
        interests->slot = parts.many->slot;
        interests->slots = parts.many->slots;
    } else {
        interests->one = parts.one;
    }
}

bool node_interest(const struct topics *topics, uint32_t n, uint32_t holder,
                   struct interest *interest)
{
    struct node *node = node_at(topics, n);
    struct interests all;
    if ((node->form & FORM_MASK) == FORM_MANY) {
        *interest = *table_find(table_of(topics, n), holder);
        return interest->holder != 0;
    }
    topic_interests(topics, n, &all);
    *interest = all.one;
    return all.slots && all.one.holder == holder;
}

void node_set_place(struct topics *topics, uint32_t n, uint32_t holder, uint32_t place)
{
    struct node *node = node_at(topics, n);
    if ((node->form & FORM_MASK) == FORM_MANY)
        table_find(table_of(topics, n), holder)->place = place;
    else /* it has a holder: so it is FORM_ONE or FORM_COUNTED */
        node_words(node)[(node->form & HAS_CHILD ? 1 : 0) + 1] = place;
}

/* The second holder: the interests get a table. */
static bool begin_table(struct parts *parts)
{
    struct table *table = table_new(SLOTS_FIRST);
    if (!table)
        return false;
    table_put(table, &parts->one);
    parts->form = FORM_MANY;
    parts->many = table;
    return true;
}

uint32_t node_add_interest(struct topics *topics, uint32_t n, const struct interest *interest)
{
    struct parts parts;
    bool begun = false;
    node_open(topics, n, &parts);
    if (parts.form == FORM_NONE) {
        parts.form = FORM_COUNTED;
        parts.one = *interest;
        return node_store(topics, n, &parts);
    }
    if (parts.form != FORM_MANY && !(begun = begin_table(&parts)))
        return 0;
    if ((parts.many->count + 1) * 4 > parts.many->slots * 3 &&
        !table_resize(&parts.many, parts.many->slots * 2))
        return 0;
    table_put(parts.many, interest);
    uint32_t now = node_store(topics, n, &parts);
    if (!now && begun)
        free(parts.many);
    return now;
}

uint32_t node_set_interest(struct topics *topics, uint32_t n, const struct interest *interest)
{
    struct parts parts;
    if ((node_at(topics, n)->form & FORM_MASK) == FORM_MANY) {
        *table_find(table_of(topics, n), interest->holder) = *interest;
        return n;
    }
    node_open(topics, n, &parts);
    parts.one = *interest;
    return node_store(topics, n, &parts);
}

uint32_t node_drop_interest(struct topics *topics, uint32_t n, uint32_t holder)
{
    struct parts parts;
    node_open(topics, n, &parts);
    if (parts.form != FORM_MANY) {
        parts.form = FORM_NONE;
        return node_store(topics, n, &parts);
    }
    struct table *table = parts.many;
    table_drop(table, table_find(table, holder));
    if (table->count == 0) {
        parts.form = FORM_NONE;
    } else if (table->count == 1) {
        const struct interest *left = table->slot;
        while (!left->holder)
            left++;
        parts.form = FORM_COUNTED;
        parts.one = *left;
    } else if (table->count * 4 < table->slots) {
        table_resize(&parts.many, table->slots / 2);
        return node_store(topics, n, &parts);
    } else {
        return n;
    }
    uint32_t now = node_store(topics, n, &parts);
    if (now)
        free(table);
    return now ? now : n; /* without memory it stays a table of one */
}
