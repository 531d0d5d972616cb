/* SPDX-License-Identifier: MIT */
/* Numbers that others do not have as well: ids, names, moments to reconnect. No keys. */
#ifndef GREENMQ_BASE_RANDOM_H
#define GREENMQ_BASE_RANDOM_H

#include <stddef.h>

/* Fills memory with random bytes. From the system; where it gives none, they are merely different
 * from process to process and from call to call. */
void random_fill(void *memory, size_t size);

#endif
