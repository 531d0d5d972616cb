/* SPDX-License-Identifier: MIT */
/* Giving memory back: see idle.h. All contexts share the memory, so whichever of them is the first
 * to look does it for all. */
#include "core/idle.h"

#include "base/clock.h"

#include <stdatomic.h>

enum {
    LOOK_MS = 1000,
    FEW_BYTES = 4 << 20, /* freed within LOOK_MS: so little that nothing much goes on */
    REST_MS = 10000
};

static atomic_uint_fast64_t rests_until_ns;

static void on_look(struct timer *timer)
{
    struct idle *idle = (struct idle *)((char *)timer - offsetof(struct idle, timer));
    size_t freed = chunk_freed(), since = freed - idle->freed;
    uint64_t now = clock_ns(), until = atomic_load(&rests_until_ns);
    idle->freed = freed;
    if (freed < IDLE_FREED_MIN) { /* another context has done it */
        idle->runs = false;
    } else if (since > FEW_BYTES || now < until) {
        timer_start(&idle->timer, on_look, LOOK_MS);
    } else if (atomic_compare_exchange_strong(&rests_until_ns, &until,
                                              now + (uint64_t)REST_MS * 1000000)) {
        idle->runs = false;
        chunk_trim();
    }
}

int idle_init(struct idle *idle, struct poller *poller)
{
    *idle = (struct idle){0};
    return timer_init(&idle->timer, poller);
}

void idle_begin(struct idle *idle)
{
    idle->runs = true;
    idle->freed = chunk_freed();
    timer_start(&idle->timer, on_look, LOOK_MS);
}
