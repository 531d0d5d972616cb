/* SPDX-License-Identifier: MIT */
/* Stacks of green threads. Each lies in its own piece of memory with a guard below it, so that
 * what overflows meets the guard and nothing else:
 *
 *      low                                                     high
 *      | guard 16 KiB | room ................ <- grows | colour |
 *
 * Only pages that were touched cost memory. Stacks are kept for others when their thread ends. */
#ifndef GREENMQ_GREEN_STACK_H
#define GREENMQ_GREEN_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum { STACK_MIN_BYTES = 32 * 1024, STACK_BYTES = 256 * 1024, STACK_GUARD_BYTES = 16 * 1024 };
#define STACK_MAX_BYTES ((size_t)1 << 30)

struct slab;

struct stack {
    SLIST_ENTRY(stack) line; /* of those that are free */
    struct slab *slab;       /* in which it lies */
    uint8_t *room;           /* above the guard */
    size_t size;             /* of the room */
    uint16_t colour;         /* octets left out at the top: not all tops in one line of cache */
    uint8_t order;           /* which size it is */
    bool guarded;            /* its guard is there */
    unsigned valgrind_id;
};

/* A stack of at least `size` octets, which may be 0 for STACK_BYTES. NULL and errno: EINVAL for a
 * size beyond the limits, ENOMEM without memory, EAGAIN when the kernel gives no more mappings. */
struct stack *stack_take(size_t size);
void stack_give(struct stack *stack);

/* How much of it has ever been in use, in whole pages. */
size_t stack_high_water(const struct stack *stack);

/* Does this address lie in the stack's guard? */
static inline bool stack_guards(const struct stack *stack, const void *address)
{
    const uint8_t *at = address;
    return at < stack->room && at >= stack->room - STACK_GUARD_BYTES;
}

#endif
