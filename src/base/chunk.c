/* SPDX-License-Identifier: MIT */
/* Chunks: see chunk.h. The cache keeps a few large blocks of power-of-two sizes between uses.
 * It is shared by all contexts and bounded; it is taken only by chunks of CACHED_MIN bytes and
 * more, where its lock disappears beside the work on the bytes. */
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
    CACHED_CLASSES = CACHED_MAX_SHIFT - CACHED_MIN_SHIFT + 1,
    CACHED_BYTES = 16 << 20, /* at most so much memory waits in each cache */
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

/* The class whose blocks hold `total` bytes, or -1 when such blocks are not cached. */
static int class_of(size_t total)
{
    if (total <= ((size_t)1 << CACHED_MIN_SHIFT) / 2 || total > (size_t)1 << CACHED_MAX_SHIFT)
        return -1;
    int shift = 64 - __builtin_clzl(total - 1);
    return shift < CACHED_MIN_SHIFT ? 0 : shift - CACHED_MIN_SHIFT;
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
        cache_bytes -= (size_t)1 << (class + CACHED_MIN_SHIFT);
    }
    pthread_mutex_unlock(&cache_lock);
    return spare ? (void *)spare : malloc((size_t)1 << (class + CACHED_MIN_SHIFT));
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
    if (class < 0) {
        count_freed(total);
        free(block);
        return;
    }
    size_t size = (size_t)1 << (class + CACHED_MIN_SHIFT);
    struct spare *spare = block;
    pthread_mutex_lock(&cache_lock);
    if (cache_bytes + size <= CACHED_BYTES) {
        spare->next = cache[class];
        cache[class] = spare;
        cache_bytes += size;
        spare = NULL;
    }
    pthread_mutex_unlock(&cache_lock);
    if (spare)
        count_freed(size);
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
