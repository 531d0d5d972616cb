/* SPDX-License-Identifier: MIT */
/* What a burst of messages took goes back to the system when it is over: the memory allocator and
 * the cache of chunks keep it otherwise. A context looks a second after much was freed; once little
 * more is, it gives back. That takes some milliseconds, so it is done every ten seconds at most. */
#ifndef GREENMQ_CORE_IDLE_H
#define GREENMQ_CORE_IDLE_H

#include "base/chunk.h"
#include "loop/timer.h"

enum { IDLE_FREED_MIN = 16 << 20 /* bytes: less is not worth it */ };

struct idle {
    struct timer timer;
    bool runs;
    size_t freed; /* when the timer was started */
};

/* With the context, whose poller it is. 0 or -ENOMEM. */
int idle_init(struct idle *idle, struct poller *poller);

/* Much was freed: looks again in a second. Under the lock. */
void idle_begin(struct idle *idle);

/* At the end of each turn or call. */
static inline void idle_look(struct idle *idle)
{
    if (!idle->runs && chunk_freed() >= IDLE_FREED_MIN)
        idle_begin(idle);
}

#endif
