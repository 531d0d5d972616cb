/* SPDX-License-Identifier: MIT */
/* A tally: how much traffic, in the three units in which all books are kept. */
#ifndef GREENMQ_BASE_TALLY_H
#define GREENMQ_BASE_TALLY_H

#include <stdint.h>

struct tally {
    uint64_t messages; /* whole messages */
    uint64_t parts;    /* their frames */
    uint64_t bytes;    /* the bodies of those frames */
};

static inline void tally_add(struct tally *to, const struct tally *t)
{
    to->messages += t->messages;
    to->parts += t->parts;
    to->bytes += t->bytes;
}

static inline void tally_sub(struct tally *from, const struct tally *t)
{
    from->messages -= t->messages;
    from->parts -= t->parts;
    from->bytes -= t->bytes;
}

#endif
