/* SPDX-License-Identifier: MIT */
/* The time, for measuring spans of it. */
#ifndef APP_CLOCK_H_INCLUDED
#define APP_CLOCK_H_INCLUDED

#include <time.h>

/* Milliseconds since some moment in the past; never steps back. */
static inline long long clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

#endif
