/* SPDX-License-Identifier: MIT */
/* Shortage: what could not go on for want of memory stays where it is and is tried again. */
#ifndef GREENMQ_CORE_SHORTAGE_H
#define GREENMQ_CORE_SHORTAGE_H

#include <stdbool.h>

struct ctx;

/* With the context, whose loop is there. 0 or -ENOMEM. */
int shortage_init(struct ctx *ctx);

/* Input was held, output kept or a message refused because there was no memory for it, and nothing
 * else will bring it up again: tries all of that in a moment. */
void shortage_retry(struct ctx *ctx);

/* Does something wait for that moment? */
bool shortage_is_felt(struct ctx *ctx);

#endif
