/* SPDX-License-Identifier: MIT */
/* A chunk: memory with a count of references. Frames lie in chunks; peers, messages and
 * sockets share them instead of copying. References may be taken and dropped on any thread.
 *
 * Large chunks come back from a small cache, because fresh pages from the kernel cost more than
 * the copy that they are needed for. */
#ifndef GREENMQ_BASE_CHUNK_H
#define GREENMQ_BASE_CHUNK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void chunk_free_fn(void *data, void *hint);

struct chunk {
    atomic_uint refs;
    union {
        size_t size;        /* usable bytes at data */
        struct chunk *late; /* the next whose free_fn waits to be called */
    };
    uint8_t *data;          /* behind this header, or the user's own memory */
    chunk_free_fn *free_fn; /* how the user wants it back; NULL for our own memory */
    void *hint;
    _Atomic(uint8_t *) written; /* how far a lane has filled it, see core/lane.h */
};

/* Memory for `size` bytes with one reference, or NULL. */
struct chunk *chunk_new(size_t size);

/* Makes one that nobody else refers to larger, and keeps what is in it: large ones by moving pages,
 * not bytes. NULL without memory, the chunk is then as it was; else the old pointer is dead. */
struct chunk *chunk_grow(struct chunk *chunk, size_t size);

/* Wraps the caller's memory; free_fn (may be NULL) is called once when nobody refers to it, and
 * the thread that let go of it last holds no lock. NULL without memory: it is then not called. */
struct chunk *chunk_wrap(void *data, size_t size, chunk_free_fn *free_fn, void *hint);

static inline struct chunk *chunk_ref(struct chunk *chunk)
{
    atomic_fetch_add_explicit(&chunk->refs, 1, memory_order_relaxed);
    return chunk;
}

static inline unsigned chunk_refs(const struct chunk *chunk)
{
    return atomic_load_explicit(&chunk->refs, memory_order_acquire);
}

/* Is the chunk nothing but these octets? Then sharing them pins nothing else. */
static inline bool chunk_is_just(const struct chunk *chunk, const uint8_t *data, size_t size)
{
    return chunk && chunk->data == data && chunk->size == size && size;
}

/* Has the application lent this memory, to be told when it is not needed any more? As in libzmq
 * that is when the message has left, for programs count on it. NULL: no chunk. */
static inline bool chunk_is_lent(const struct chunk *chunk)
{
    return chunk && chunk->free_fn;
}

void chunk_unref(struct chunk *chunk);

/* About how many bytes of chunks were freed since chunk_trim(), by all threads. */
size_t chunk_freed(void);

/* Gives what is free to the system, the cache included. */
void chunk_trim(void);

/* For those who lock: a free_fn is the application's and may call us. From chunk_hold() on those
 * of this thread wait; chunk_release() comes behind the unlocking, and calls them. While `late` is
 * set it does not, and who has set it sees that somebody else calls chunk_free_held(). */
struct chunk_held {
    bool holds, late;
    struct chunk *first, *last; /* freed meanwhile */
};

extern _Thread_local struct chunk_held chunk_held __attribute__((tls_model("initial-exec")));

void chunk_free_held(void);

static inline void chunk_hold(void)
{
    chunk_held.holds = true;
}

static inline void chunk_release(void)
{
    chunk_held.holds = false;
    if (chunk_held.first && !chunk_held.late)
        chunk_free_held();
}

#endif
