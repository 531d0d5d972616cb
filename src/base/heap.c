/* SPDX-License-Identifier: MIT */
/* A heap of deadlines: see heap.h. The children of index i are 4i + 1 to 4i + 4. */
#include "base/heap.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>

enum { CHILDREN = 4 };

int heap_reserve(struct heap *heap, size_t count)
{
    if (count <= heap->room)
        return 0;
    size_t room = heap->room ? heap->room : 16;
    while (room < count)
        room *= 2;
    struct heap_entry *entries = realloc(heap->entries, room * sizeof *entries);
    if (!entries)
        return -ENOMEM;
    heap->entries = entries;
    heap->room = room;
    return 0;
}

void heap_term(struct heap *heap)
{
    free(heap->entries);
    *heap = (struct heap){0};
}

static void put(struct heap *heap, size_t index, struct heap_entry entry)
{
    heap->entries[index] = entry;
    entry.node->place = index + 1;
}

static void rise(struct heap *heap, size_t index, struct heap_entry entry)
{
    while (index > 0) {
        size_t parent = (index - 1) / CHILDREN;
        if (heap->entries[parent].key <= entry.key)
            break;
        put(heap, index, heap->entries[parent]);
        index = parent;
    }
    put(heap, index, entry);
}

static void sink(struct heap *heap, size_t index, struct heap_entry entry)
{
    for (;;) {
        size_t first = index * CHILDREN + 1, least = first;
        if (first >= heap->count)
            break;
        for (size_t i = first + 1; i < heap->count && i < first + CHILDREN; i++) {
            if (heap->entries[i].key < heap->entries[least].key)
                least = i;
        }
        if (heap->entries[least].key >= entry.key)
            break;
        put(heap, index, heap->entries[least]);
        index = least;
    }
    put(heap, index, entry);
}

void heap_insert(struct heap *heap, struct heap_node *node, uint64_t key)
{
    check(node->place == 0 && heap->count < heap->room);
    rise(heap, heap->count++, (struct heap_entry){.key = key, .node = node});
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == 0)
        return;
    size_t index = node->place - 1;
    node->place = 0;
    struct heap_entry last = heap->entries[--heap->count];
    if (index == heap->count)
        return;
    if (index > 0 && heap->entries[(index - 1) / CHILDREN].key > last.key)
        rise(heap, index, last);
    else
        sink(heap, index, last);
}
