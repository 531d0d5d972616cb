/* SPDX-License-Identifier: MIT */
/* Times of the public green API: milliseconds of gmq_now()'s clock, that of loop_clock_ns(). */
#ifndef GREENMQ_API_GREEN_H
#define GREENMQ_API_GREEN_H

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

#endif
