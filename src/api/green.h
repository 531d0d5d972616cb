/* SPDX-License-Identifier: MIT */
/* What the public green functions share: times, which are milliseconds of gmq_now()'s clock, that
 * of loop_clock_ns(); and how a thread shall be. */
#ifndef GREENMQ_API_GREEN_H
#define GREENMQ_API_GREEN_H

#include "green/thread.h"

#include <errno.h>
#include <greenmq/green.h>
#include <stdint.h>

enum { GREEN_NS_PER_MS = 1000000 };

/* A length of time, as long as it can be at most. */
static inline uint64_t green_ms_to_ns(int64_t ms)
{
    const int64_t most = INT64_MAX / GREEN_NS_PER_MS / 2;
    return (uint64_t)(ms < most ? ms : most) * GREEN_NS_PER_MS;
}

static inline uint64_t green_deadline_ns(int64_t deadline)
{
    return deadline < 0 ? UINT64_MAX : green_ms_to_ns(deadline);
}

/* 0 or -EINVAL. */
static inline int green_options(const struct gmq_thread_options *options,
                                struct thread_options *wanted)
{
    *wanted = (struct thread_options){0};
    if (!options)
        return 0;
    if (options->size != sizeof *options)
        return -EINVAL;
    wanted->name = options->name;
    wanted->stack_bytes = options->stack_bytes;
    wanted->detached = options->detached != 0;
    return 0;
}

#endif
