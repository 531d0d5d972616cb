/* SPDX-License-Identifier: MIT */
/* Stacks: see stack.h. Sizes are powers of two. A slab of one size is mapped at a time and handed
 * out piece by piece. Slabs never go back to the system. Of those of which no stack is in use, a
 * few are kept ready, and the others give their memory back.
 *
 * Guards: Linux 6.13 and later marks pages within a mapping (MADV_GUARD_INSTALL). Older kernels
 * need mprotect(), which makes two mappings of each stack, so that vm.max_map_count (65,530) ends
 * it at some 32,000 stacks: then stack_take() gives EAGAIN. */
#include "green/stack.h"

#include "base/fork.h"
#include "green/fiber.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
    ORDER_MIN = 15, /* 32 KiB */
    ORDER_MAX = 30, /* 1 GiB */
    ORDERS = ORDER_MAX - ORDER_MIN + 1,
    SLAB_BYTES = 16 * 1024 * 1024, /* one of larger stacks holds one */
    SLABS_READY = 4,               /* without a stack in use, that keep their memory */
    COLOURS = 16,
    LINE_BYTES = 64
};

SLIST_HEAD(stacks, stack);

struct slab {
    SLIST_ENTRY(slab) line; /* first: who looks for lost memory wants a pointer to its start */
    uint8_t *start;
    size_t size;
    unsigned used;         /* of its stacks */
    bool ready;            /* counted in ready_slabs */
    struct stack stacks[]; /* what is known of each */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(lock)
static struct stacks free_stacks[ORDERS];
static SLIST_HEAD(, slab) slabs;
static unsigned ready_slabs; /* that hold memory and no stack in use */

static int order_of(size_t size)
{
    int order = ORDER_MIN;
    while (((size_t)1 << order) < size)
        order++;
    return order;
}

/* Maps a slab and puts its stacks onto the list. False without memory. */
static bool map_slab(int order)
{
    size_t size = (size_t)1 << order, piece = size + STACK_GUARD_BYTES;
    size_t count = SLAB_BYTES / piece ? SLAB_BYTES / piece : 1;
    struct slab *slab = calloc(1, sizeof *slab + count * sizeof slab->stacks[0]);
    if (!slab)
        return false;
    slab->size = count * piece;
    slab->start = mmap(NULL, slab->size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slab->start == MAP_FAILED) {
        free(slab);
        return false;
    }
    SLIST_INSERT_HEAD(&slabs, slab, line);
    unsigned spare = FIBER_SPARE_BYTES;
    /* A page that is touched shall cost a page. */
    madvise(slab->start, slab->size, MADV_NOHUGEPAGE);
    for (size_t i = count; i-- > 0;) {
        struct stack *stack = &slab->stacks[i];
        *stack = (struct stack){.room = slab->start + i * piece + STACK_GUARD_BYTES,
                                .size = size,
                                .slab = slab,
                                .colour = (uint16_t)(spare + i % COLOURS * LINE_BYTES),
                                .order = (uint8_t)order};
        SLIST_INSERT_HEAD(&free_stacks[order - ORDER_MIN], stack, line);
    }
    return true;
}

static bool guard(struct stack *stack)
{
    uint8_t *at = stack->room - STACK_GUARD_BYTES;
    if (!stack->guarded)
        stack->guarded = madvise(at, STACK_GUARD_BYTES, MADV_GUARD_INSTALL) == 0 ||
                         mprotect(at, STACK_GUARD_BYTES, PROT_NONE) == 0;
    return stack->guarded;
}

/* The last of its stacks has come back. */
static void retire(struct slab *slab)
{
    slab->ready = ready_slabs < SLABS_READY;
    if (slab->ready)
        ready_slabs++;
    else
        madvise(slab->start, slab->size, MADV_DONTNEED);
}

static void put_back(struct stack *stack)
{
    pthread_mutex_lock(&lock);
    SLIST_INSERT_HEAD(&free_stacks[stack->order - ORDER_MIN], stack, line);
    if (--stack->slab->used == 0)
        retire(stack->slab);
    pthread_mutex_unlock(&lock);
}

struct stack *stack_take(size_t size)
{
    if (size > STACK_MAX_BYTES || (size && size < STACK_MIN_BYTES)) {
        errno = EINVAL;
        return NULL;
    }
    int order = order_of(size ? size : STACK_BYTES);
    struct stacks *stacks = &free_stacks[order - ORDER_MIN];
    pthread_mutex_lock(&lock);
    struct stack *stack = NULL;
    if (!SLIST_EMPTY(stacks) || map_slab(order)) {
        stack = SLIST_FIRST(stacks);
        SLIST_REMOVE_HEAD(stacks, line);
        if (stack->slab->used++ == 0 && stack->slab->ready) {
            stack->slab->ready = false;
            ready_slabs--;
        }
    }
    pthread_mutex_unlock(&lock);
    if (!stack) {
        errno = ENOMEM;
        return NULL;
    }
    if (!guard(stack)) {
        put_back(stack);
        errno = EAGAIN;
        return NULL;
    }
    fiber_stack_taken(stack);
    return stack;
}

void stack_give(struct stack *stack)
{
    fiber_stack_given(stack);
    put_back(stack);
}

size_t stack_high_water(const struct stack *stack)
{
    enum { PAGES_AT_ONCE = 256 };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char in[PAGES_AT_ONCE];
    /* From the guard upwards: the first page that is in memory is the lowest ever used. */
    for (size_t at = 0; at < stack->size; at += page * PAGES_AT_ONCE) {
        size_t left = (stack->size - at + page - 1) / page;
        size_t count = left < PAGES_AT_ONCE ? left : PAGES_AT_ONCE;
        if (mincore(stack->room + at, count * page, in) < 0)
            return 0;
        for (size_t i = 0; i < count; i++) {
            if (in[i] & 1)
                return stack->size - at - i * page;
        }
    }
    return 0;
}
