/* SPDX-License-Identifier: MIT */
/* Slabs: many small blocks of memory that are known by numbers of 32 bits. A slab holds blocks of
 * one size, and goes back to the system when none of them is used. Blocks have no headers, and a
 * number takes half the place of a pointer: so they suit large trees of small nodes.
 *
 * A number stays good while its block is used; the memory behind it stays where it is. */
#ifndef GREENMQ_BASE_SLAB_H
#define GREENMQ_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

enum { SLAB_SHIFT = 11, SLAB_SIZE_MAX = 1280 /* of a block */ };

struct slab {
    uint8_t *base;       /* NULL for a place in the table that is not used */
    uint32_t next, prev; /* among those of its size that have free blocks */
    uint16_t unit;       /* size of a block, a multiple of 4 */
    uint16_t slots, live;
    uint16_t fresh; /* blocks before this one have been given out once */
    uint16_t free;  /* the first of those that came back */
};

struct slab_class;

/* Zeroed before the first block. */
struct slabs {
    struct slab *table;       /* the first place is not used: so 0 is no number */
    struct slab_class *class; /* one for each size */
    uint32_t count, room;
    uint32_t spare; /* the first free place of the table; they are chained by `next` */
};

/* A block of at least `size` bytes, aligned to 4; 0 without memory. */
uint32_t slab_new(struct slabs *slabs, size_t size);
void slab_free(struct slabs *slabs, uint32_t number);

/* How large a block is that is asked for with `size`. */
size_t slab_unit(size_t size);

/* All blocks are gone. */
void slab_term(struct slabs *slabs);

static inline const struct slab *slab_of(const struct slabs *slabs, uint32_t number)
{
    return &slabs->table[number >> SLAB_SHIFT];
}

static inline uint8_t *slab_in(const struct slab *slab, uint32_t number)
{
    return slab->base + (size_t)(number & ((1u << SLAB_SHIFT) - 1)) * slab->unit;
}

static inline void *slab_at(const struct slabs *slabs, uint32_t number)
{
    return slab_in(slab_of(slabs, number), number);
}

/* The size of the block. */
static inline size_t slab_size(const struct slabs *slabs, uint32_t number)
{
    return slab_of(slabs, number)->unit;
}

#endif
