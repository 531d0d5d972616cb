/* SPDX-License-Identifier: MIT */
/* What a burst of messages took goes back to the system when it is over: the memory allocator and
 * the cache of chunks keep it otherwise. A context looks a second after much was freed; once little
 * more is, it gives back. That takes some milliseconds, so it is done every ten seconds at most. */
#ifndef GREENMQ_CORE_IDLE_H
#define GREENMQ_CORE_IDLE_H

#include "base/chunk.h"
#include "green/loop.h"

enum { IDLE_FREED_MIN = 16 << 20 /* bytes: less is not worth it */ };

/* Zeroed before its first use. */
struct idle {
    uv_timer_t timer;
    bool made, runs, closed;
    size_t freed; /* when the timer was started */
};

/* Much was freed: looks again in a second. Under the lock. */
void idle_begin(struct idle *idle, struct loop *loop);

/* The context ends. Under the lock. */
void idle_close(struct idle *idle);

/* At the end of each turn or call. */
static inline void idle_look(struct idle *idle, struct loop *loop)
{
    if (!idle->runs && chunk_freed() >= IDLE_FREED_MIN)
        idle_begin(idle, loop);
}

#endif
