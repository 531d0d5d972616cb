/* SPDX-License-Identifier: MIT */
/* Slabs: see slab.h. The first slab of a size is tiny and each further one as large as all before
 * together, up to SLAB_BYTES; so few blocks take little memory, and many waste little of it.
 *
 * Failure: no memory, and nothing has changed. */
#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLAB_BYTES = 65536,
    SLOTS_MIN = 2,
    SLOTS_MAX = 1 << SLAB_SHIFT,
    NO_SLOT = UINT16_MAX,
    TABLE_FIRST = 8,
    TABLE_MAX = 1 << (32 - SLAB_SHIFT),
    STEP_4 = 15,         /* sizes 8 to 64 in steps of 4 ... */
    STEP_8 = STEP_4 + 8, /* ... 72 to 128 in steps of 8, and those below */
    CLASSES = STEP_8 + 11
};

static const uint16_t large[CLASSES - STEP_8] = {160, 200, 248, 312,  392,          488,
                                                 608, 760, 952, 1192, SLAB_SIZE_MAX};

struct slab_class {
    uint32_t open; /* the first slab with free blocks */
    uint32_t live; /* blocks */
};

static unsigned class_of(size_t size)
{
    if (size <= 64)
        return size <= 8 ? 0 : (unsigned)(size + 3) / 4 - 2;
    if (size <= 128)
        return STEP_4 + (unsigned)(size - 65) / 8;
    unsigned class = STEP_8;
    while (large[class - STEP_8] < size)
        class ++;
    return class;
}

static uint16_t unit_of(unsigned class)
{
    if (class < STEP_4)
        return (uint16_t)(4 * class + 8);
    return class < STEP_8 ? (uint16_t)(72 + 8 * (class - STEP_4)) : large[class - STEP_8];
}

size_t slab_unit(size_t size)
{
    return unit_of(class_of(size));
}

static void open_slab(struct slabs *slabs, struct slab_class *class, uint32_t n)
{
    struct slab *slab = &slabs->table[n];
    slab->prev = 0;
    slab->next = class->open;
    if (slab->next)
        slabs->table[slab->next].prev = n;
    class->open = n;
}

static void shut_slab(struct slabs *slabs, struct slab_class *class, uint32_t n)
{
    struct slab *slab = &slabs->table[n];
    if (slab->next)
        slabs->table[slab->next].prev = slab->prev;
    if (slab->prev)
        slabs->table[slab->prev].next = slab->next;
    else
        class->open = slab->next;
}

/* A free place of the table, or 0 without memory. */
static uint32_t place(struct slabs *slabs)
{
    if (!slabs->class && !(slabs->class = calloc(CLASSES, sizeof *slabs->class)))
        return 0;
    if (!slabs->spare && slabs->count == slabs->room) {
        uint32_t room = slabs->room ? 2 * slabs->room : TABLE_FIRST;
        struct slab *table = room > TABLE_MAX ? NULL : realloc(slabs->table, room * sizeof *table);
        if (!table)
            return 0;
        slabs->table = table;
        slabs->room = room;
        if (!slabs->count)
            table[slabs->count++] = (struct slab){0};
    }
    uint32_t n = slabs->spare ? slabs->spare : slabs->count++;
    slabs->spare = n == slabs->spare ? slabs->table[n].next : slabs->spare;
    return n;
}

static void unplace(struct slabs *slabs, uint32_t n)
{
    slabs->table[n] = (struct slab){.next = slabs->spare};
    slabs->spare = n;
}

/* One more slab of a class: its number, or 0 without memory. */
static uint32_t add_slab(struct slabs *slabs, unsigned class)
{
    uint32_t n = place(slabs);
    if (!n)
        return 0;
    uint16_t unit = unit_of(class);
    uint32_t slots = slabs->class[class].live, most = SLAB_BYTES / unit;
    most = most < SLOTS_MAX ? most : SLOTS_MAX;
    slots = slots < SLOTS_MIN ? SLOTS_MIN : slots > most ? most : slots;
    uint8_t *base = malloc((size_t)slots * unit);
    if (!base) {
        unplace(slabs, n);
        return 0;
    }
    slabs->table[n] = (struct slab){
        .base = base, .unit = unit, .slots = (uint16_t)slots, .free = NO_SLOT};
    open_slab(slabs, &slabs->class[class], n);
    return n;
}

uint32_t slab_new(struct slabs *slabs, size_t size)
{
    unsigned c = class_of(size);
    uint32_t n = slabs->class ? slabs->class[c].open : 0;
    if (!n && !(n = add_slab(slabs, c)))
        return 0;
    struct slab *slab = &slabs->table[n];
    uint16_t slot = slab->free;
    if (slot == NO_SLOT)
        slot = slab->fresh++;
    else
        memcpy(&slab->free, slab->base + (size_t)slot * slab->unit, sizeof slab->free);
    slabs->class[c].live++;
    if (++slab->live == slab->slots)
        shut_slab(slabs, &slabs->class[c], n);
    return n << SLAB_SHIFT | slot;
}

void slab_free(struct slabs *slabs, uint32_t number)
{
    uint32_t n = number >> SLAB_SHIFT;
    struct slab *slab = &slabs->table[n];
    struct slab_class *class = &slabs->class[class_of(slab->unit)];
    uint16_t slot = (uint16_t)(number & (SLOTS_MAX - 1));
    memcpy(slab->base + (size_t)slot * slab->unit, &slab->free, sizeof slab->free);
    slab->free = slot;
    class->live--;
    if (slab->live-- == slab->slots)
        open_slab(slabs, class, n);
    if (slab->live)
        return;
    shut_slab(slabs, class, n);
    free(slab->base);
    unplace(slabs, n);
}

void slab_term(struct slabs *slabs)
{
    for (uint32_t i = 0; i < slabs->count; i++)
        free(slabs->table[i].base);
    free(slabs->table);
    free(slabs->class);
    *slabs = (struct slabs){0};
}
