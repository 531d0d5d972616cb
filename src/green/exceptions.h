/* SPDX-License-Identifier: MIT */
/* Exceptions of C++ in green threads. The C++ runtime keeps for each ordinary thread which
 * exceptions are caught, and how many are on their way: each green thread must have its own, for
 * it may wait in a catch block, or in a destructor while its stack is unwound.
 *
 * The C++ ABI says what that is, two words, and which function tells where it lies. A program
 * without C++ has no such function, and nothing is done. */
#ifndef GREENMQ_GREEN_EXCEPTIONS_H
#define GREENMQ_GREEN_EXCEPTIONS_H

#include <stddef.h>

struct exceptions {
    void *caught;
    unsigned under_way;
};

struct exceptions *exceptions_of_runtime(void) __asm__("__cxa_get_globals") __attribute__((weak));

/* Of the calling ordinary thread, for as long as it lives; NULL without C++. */
static inline struct exceptions *exceptions_here(void)
{
    return exceptions_of_runtime ? exceptions_of_runtime() : NULL;
}

/* At a switch; those of a fresh green thread are zero. */
static inline void exceptions_change(struct exceptions *here, struct exceptions *from,
                                     const struct exceptions *to)
{
    if (!here)
        return;
    *from = *here;
    *here = *to;
}

#endif
