/* SPDX-License-Identifier: MIT */
/* The watchdog: an ordinary thread of its own that notices when a green thread keeps all others
 * of its hub waiting, and says which and where. While every hub is idle it sleeps and costs
 * nothing. */
#ifndef GREENMQ_GREEN_WATCHDOG_H
#define GREENMQ_GREEN_WATCHDOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What it remembers of a hub. */
struct watched {
    uint64_t switches; /* when it last looked */
    uint64_t since_ns; /* that number has been the same */
    bool reported;
};

/* Watches from now on: who has run for limit_ms without a switch is reported, once each time. The
 * report is lines of text. `report` is called in the watchdog's thread; NULL: to standard error.
 * limit_ms 0: watches no more. 0, -EINVAL, -EAGAIN. */
int watchdog_set(int limit_ms, void (*report)(const char *text, void *arg), void *arg);

extern atomic_bool watchdog_asleep;
void watchdog_rouse(void);

/* A hub has something to run. */
static inline void watchdog_stir(void)
{
    if (atomic_load_explicit(&watchdog_asleep, memory_order_relaxed))
        watchdog_rouse();
}

#endif
