/* SPDX-License-Identifier: MIT */
/* Reports a green thread that has overflowed its stack, before the process ends as it would after
 * any other access to memory that is not there. */
#ifndef GREENMQ_GREEN_OVERFLOW_H
#define GREENMQ_GREEN_OVERFLOW_H

#include <stdbool.h>

/* The calling ordinary thread will run green threads: gives it a stack for signal handlers if it
 * has none, and returns that, or NULL. The handler itself is installed with the first. */
void *overflow_watch(void);

/* Calls a function that may touch memory which is not there. False: it did, and was given up. For
 * handlers of signals in a thread that runs green threads; elsewhere it is not called. */
bool overflow_survives(void (*run)(void *arg), void *arg);

/* It will not any more. */
void overflow_unwatch(void *stack);

#endif
