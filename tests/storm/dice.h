/* SPDX-License-Identifier: MIT */
/* Dice: what a storm does next. The same seed throws the same numbers. */
#ifndef STORM_DICE_H
#define STORM_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state; /* never 0 */
};

static inline uint64_t dice_next(struct dice *dice)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return dice->state;
}

static inline struct dice dice_new(uint64_t seed)
{
    struct dice dice = {(seed + 1) * 0x9E3779B97F4A7C15u | 1};
    for (int i = 0; i < 5; i++) /* small seeds are alike at first */
        dice_next(&dice);
    return dice;
}

/* 0 .. sides - 1 */
static inline unsigned dice_throw(struct dice *dice, unsigned sides)
{
    return (unsigned)(dice_next(dice) % sides);
}

static inline bool dice_one_in(struct dice *dice, unsigned sides)
{
    return dice_throw(dice, sides) == 0;
}

#endif
