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

/* Lets the calling thread sleep; a signal may end it early. */
static inline void clock_sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

#endif
