/* SPDX-License-Identifier: MIT */
/* Spinning: a thread that waits for another thread of the process looks out for a moment before it
 * sleeps, for to be woken from sleep takes longer than many an answer. Only where it pays: after
 * it was in vain it is left out for some waits, twice as many each time; and never with a single
 * processor. */
#ifndef GREENMQ_GREEN_SPIN_H
#define GREENMQ_GREEN_SPIN_H

#include <stdatomic.h>
#include <stdbool.h>

struct spin {
    bool is_off;       /* there is one processor */
    unsigned pause;    /* waits to leave out after the last that was in vain */
    unsigned to_pause; /* ... of which so many are still to come */
};

void spin_init(struct spin *spin);

/* Is this wait to begin with a spin? */
bool spin_begins(struct spin *spin);

/* Spins until `*woken`, or the time is over. */
void spin_for(const struct spin *spin, const atomic_bool *woken);

/* After that: it was of use, or not. */
void spin_ends(struct spin *spin, bool useful);

#endif
