/* SPDX-License-Identifier: MIT */
/* Printing to whoever may have stopped to read. */
#ifndef APP_OUTPUT_H_INCLUDED
#define APP_OUTPUT_H_INCLUDED

#include <stdbool.h>

/* Waits up to `ms` milliseconds until a few lines can be printed to stdout without waiting. False:
 * nobody reads, and who printed now might wait for ever, as would all other green threads. */
bool output_has_room(long ms);

#endif
