/* SPDX-License-Identifier: MIT */
/* Chunks: see chunk.h. The cache keeps large blocks between uses, in four sizes for each doubling.
 * It is shared by all contexts and bounded, and emptied when these are idle; it is taken only by
 * chunks of CACHED_MIN bytes and more, where its lock disappears beside the work on the bytes. */
#include "base/chunk.h"

#include "base/check.h"
#include "base/fork.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    CHUNK_MAX_SHIFT = 39,  /* 512 GiB: nobody means that */
    CACHED_MIN_SHIFT = 16, /* 64 KiB: below, malloc is good at it */
    CACHED_MAX_SHIFT = 23, /* 8 MiB: above, the bytes cost more than the pages */
    CACHED_CLASSES = 4 * (CACHED_MAX_SHIFT - CACHED_MIN_SHIFT) + 1,
    CACHED_BYTES = 96 << 20, /* at most so much memory waits: a burst of 64 messages of 1 MiB */
    UNTOLD_MAX = 1 << 16
};

struct spare {
    struct spare *next;
};

_Thread_local struct chunk_held chunk_held __attribute__((tls_model("initial-exec")));

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(cache_lock)
static struct spare *cache[CACHED_CLASSES];
static size_t cache_bytes;
static atomic_size_t freed; /* since the last trim */

static size_t size_of_class(int class)
{
    return ((size_t)1 << (class / 4 + CACHED_MIN_SHIFT - 2)) * (size_t)(4 + class % 4);
}

/* The class whose blocks hold `total` bytes, or -1 when such blocks are not cached. */
static int class_of(size_t total)
{
    if (total <= ((size_t)1 << CACHED_MIN_SHIFT) / 2 || total > (size_t)1 << CACHED_MAX_SHIFT)
        return -1;
    if (total <= (size_t)1 << CACHED_MIN_SHIFT)
        return 0;
    int shift = 63 - __builtin_clzl(total - 1);
    size_t quarters = ((total - 1) >> (shift - 2)) + 1; /* 5 to 8 of what is doubled */
    return 4 * (shift - CACHED_MIN_SHIFT) + (int)quarters - 4;
}

/* What is taken from the system for `total` bytes. */
static size_t block_size(size_t total)
{
    int class = class_of(total);
    return class < 0 ? total : size_of_class(class);
}

static void *block_get(size_t total)
{
    int class = class_of(total);
    if (class < 0)
        return malloc(total);
    pthread_mutex_lock(&cache_lock);
    struct spare *spare = cache[class];
    if (spare) {
        cache[class] = spare->next;
        cache_bytes -= size_of_class(class);
    }
    pthread_mutex_unlock(&cache_lock);
    return spare ? (void *)spare : malloc(size_of_class(class));
}

/* Each thread tells of what it has freed when that is so much. */
static void count_freed(size_t total)
{
    static _Thread_local size_t untold __attribute__((tls_model("initial-exec")));
    untold += total;
    if (untold < UNTOLD_MAX)
        return;
    atomic_fetch_add_explicit(&freed, untold, memory_order_relaxed);
    untold = 0;
}

size_t chunk_freed(void)
{
    return atomic_load_explicit(&freed, memory_order_relaxed);
}

void chunk_trim(void)
{
    pthread_mutex_lock(&cache_lock);
    for (int class = 0; class < CACHED_CLASSES; class ++) {
        struct spare *spare = cache[class], *next;
        for (; spare; spare = next) {
            next = spare->next;
            free(spare);
        }
        cache[class] = NULL;
    }
    cache_bytes = 0;
    pthread_mutex_unlock(&cache_lock);
    atomic_store_explicit(&freed, 0, memory_order_relaxed);
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

static void block_put(void *block, size_t total)
{
    int class = class_of(total);
    count_freed(total);
    if (class < 0) {
        free(block);
        return;
    }
    size_t size = size_of_class(class);
    struct spare *spare = block;
    pthread_mutex_lock(&cache_lock);
    if (cache_bytes + size <= CACHED_BYTES) {
        spare->next = cache[class];
        cache[class] = spare;
        cache_bytes += size;
        spare = NULL;
    }
    pthread_mutex_unlock(&cache_lock);
    free(spare);
}

struct chunk *chunk_new(size_t size)
{
    if (size >> CHUNK_MAX_SHIFT)
        return NULL;
    struct chunk *chunk = block_get(sizeof *chunk + size);
    if (!chunk)
        return NULL;
    atomic_init(&chunk->refs, 1);
    chunk->size = size;
    chunk->data = (uint8_t *)(chunk + 1);
    chunk->free_fn = NULL;
    chunk->hint = NULL;
    return chunk;
}

struct chunk *chunk_grow(struct chunk *chunk, size_t size)
{
    if (size >> CHUNK_MAX_SHIFT)
        return NULL;
    struct chunk *grown = realloc(chunk, block_size(sizeof *chunk + size));
    if (!grown)
        return NULL;
    grown->size = size;
    grown->data = (uint8_t *)(grown + 1);
    return grown;
}

struct chunk *chunk_wrap(void *data, size_t size, chunk_free_fn *free_fn, void *hint)
{
    struct chunk *chunk = malloc(sizeof *chunk);
    if (!chunk)
        return NULL;
    atomic_init(&chunk->refs, 1);
    chunk->size = size;
    chunk->data = data;
    chunk->free_fn = free_fn;
    chunk->hint = hint;
    return chunk;
}

static void keep_for_later(struct chunk *chunk)
{
    chunk->late = NULL;
    if (chunk_held.first)
        chunk_held.last->late = chunk;
    else
        chunk_held.first = chunk;
    chunk_held.last = chunk;
}

void chunk_unref(struct chunk *chunk)
{
    if (atomic_fetch_sub_explicit(&chunk->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (chunk->data == (uint8_t *)(chunk + 1)) {
        block_put(chunk, sizeof *chunk + chunk->size);
        return;
    }
    if (chunk->free_fn && (chunk_held.holds || chunk_held.late)) {
        keep_for_later(chunk);
        return;
    }
    if (chunk->free_fn)
        chunk->free_fn(chunk->data, chunk->hint);
    free(chunk);
}

/* A free_fn may come by here itself: each chunk is taken out before its turn. */
void chunk_free_held(void)
{
    struct chunk *chunk;
    while (!chunk_held.holds && !chunk_held.late && (chunk = chunk_held.first)) {
        chunk_held.first = chunk->late;
        chunk->free_fn(chunk->data, chunk->hint);
        free(chunk);
    }
}
