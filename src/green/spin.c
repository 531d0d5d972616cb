/* SPDX-License-Identifier: MIT */
/* Spinning: see spin.h. The first look-out after a pause is longer: those whom one waits for may be
 * asleep themselves, and then they answer sooner. */
#include "green/spin.h"

#include "green/loop.h"
#include "green/sigmask.h"

#include <sched.h>

enum {
    SHORT_NS = 10000,
    LONG_NS = 60000,
    LOOKS = 64, /* between two looks at the clock */
    PAUSE_MAX = 1023
};

void spin_init(struct spin *spin)
{
    cpu_set_t set;
    *spin = (struct spin){.is_off = true};
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        spin->is_off = CPU_COUNT(&set) < 2;
}

bool spin_begins(struct spin *spin)
{
    if (spin->is_off)
        return false;
    if (!spin->to_pause)
        return true;
    spin->to_pause--;
    return false;
}

/* Tells the processor that this is a loop that waits. */
static void relax(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

static bool look_out(const atomic_bool *woken)
{
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load_explicit(woken, memory_order_relaxed))
            return true;
        relax();
    }
    return false;
}

void spin_for(const struct spin *spin, const atomic_bool *woken)
{
    uint64_t until_ns = loop_clock_ns() + (spin->pause ? LONG_NS : SHORT_NS);
    if (look_out(woken))
        return;
    sigmask_block(); /* it may end in sleep */
    while (!look_out(woken) && loop_clock_ns() < until_ns)
        continue;
}

void spin_ends(struct spin *spin, bool useful)
{
    spin->pause = useful ? 0 : spin->pause * 2 + 1 < PAUSE_MAX ? spin->pause * 2 + 1 : PAUSE_MAX;
    spin->to_pause = spin->pause;
}
