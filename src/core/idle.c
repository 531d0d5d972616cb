/* SPDX-License-Identifier: MIT */
/* Giving memory back: see idle.h. All contexts share the memory, so whichever of them is the first
 * to look does it for all. */
#include "core/idle.h"

#include <stdatomic.h>

enum {
    LOOK_MS = 1000,
    FEW_BYTES = 4 << 20, /* freed within LOOK_MS: so little that nothing much goes on */
    REST_MS = 10000
};

static atomic_uint_fast64_t rests_until_ns;

static void on_look(uv_timer_t *timer)
{
    struct idle *idle = timer->data;
    size_t freed = chunk_freed(), since = freed - idle->freed;
    uint64_t now = loop_clock_ns(), until = atomic_load(&rests_until_ns);
    idle->freed = freed;
    if (freed < IDLE_FREED_MIN) { /* another context has done it */
        idle->runs = false;
    } else if (since > FEW_BYTES || now < until) {
        uv_timer_start(&idle->timer, on_look, LOOK_MS, 0);
    } else if (atomic_compare_exchange_strong(&rests_until_ns, &until,
                                              now + (uint64_t)REST_MS * 1000000)) {
        idle->runs = false;
        chunk_trim();
    }
}

void idle_begin(struct idle *idle, struct loop *loop)
{
    if (idle->closed)
        return;
    if (!idle->made)
        uv_timer_init(&loop->uv, &idle->timer);
    idle->made = idle->runs = true;
    idle->timer.data = idle;
    idle->freed = chunk_freed();
    uv_update_time(&loop->uv);
    uv_timer_start(&idle->timer, on_look, LOOK_MS, 0);
    loop_changed(loop);
}

void idle_close(struct idle *idle)
{
    if (idle->made && !idle->closed)
        uv_close((uv_handle_t *)&idle->timer, NULL);
    idle->closed = true;
}
