/* SPDX-License-Identifier: MIT */
/* The one clock of the engine: nanoseconds of CLOCK_MONOTONIC. UINT64_MAX stands for never. */
#ifndef GREENMQ_BASE_CLOCK_H
#define GREENMQ_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
