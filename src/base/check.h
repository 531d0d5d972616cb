/* SPDX-License-Identifier: MIT */
/* check(): an invariant of ours that must hold, also in release builds. It guards our own
 * mistakes only. Nothing that a peer, an operator or a caller does may reach one. */
#ifndef GREENMQ_BASE_CHECK_H
#define GREENMQ_BASE_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define check(condition)                                                                           \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) {                                                   \
            fprintf(stderr, "greenmq: %s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#endif
