/* SPDX-License-Identifier: MIT */
/* A heap of deadlines, intrusive: what waits for a time embeds a node. The least key is found at
 * once; putting in and taking out cost the logarithm of how many there are. Room is reserved
 * beforehand, so that putting in cannot fail.
 *
 * Four children a place, keys beside the pointers: few lines of cache are touched. */
#ifndef GREENMQ_BASE_HEAP_H
#define GREENMQ_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    size_t place; /* in the heap, from 1; 0 while it is in none */
};

struct heap_entry {
    uint64_t key;
    struct heap_node *node;
};

struct heap {
    struct heap_entry *entries; /* the one at place 1 comes first */
    size_t count, room;
};

/* Makes room for `count` nodes in all. 0 or -ENOMEM. */
int heap_reserve(struct heap *heap, size_t count);
void heap_term(struct heap *heap);

/* Puts a node in, which is in no heap; there is room. */
void heap_insert(struct heap *heap, struct heap_node *node, uint64_t key);

/* Takes a node out if it is in. */
void heap_remove(struct heap *heap, struct heap_node *node);

static inline bool heap_is_empty(const struct heap *heap)
{
    return heap->count == 0;
}

/* The least key, and whose it is, of a heap that is not empty. */
static inline uint64_t heap_first_key(const struct heap *heap)
{
    return heap->entries[0].key;
}

static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->entries[0].node;
}

#endif
