/* SPDX-License-Identifier: MIT */
/* Dice, to throw traffic with, for tests that compare with a model. */
#ifndef GREENMQ_TESTS_DICE_H
#define GREENMQ_TESTS_DICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The same throws for the same seed. A test that fails tells the seed with which it did. */
static struct {
    uint64_t seed, state;
} dice;

static inline void dice_seed(uint64_t seed)
{
    dice.seed = seed;
    dice.state = seed * 0x9E3779B97F4A7C15u + 1;
}

/* 0 ... n - 1 */
static inline uint32_t dice_throw(uint32_t n)
{
    dice.state ^= dice.state << 13;
    dice.state ^= dice.state >> 7;
    dice.state ^= dice.state << 17;
    return (uint32_t)((dice.state >> 24) % n);
}

/* Body sizes that matter: none, inline, around the border of headers, around that of sharing. */
static inline size_t dice_size(void)
{
    static const size_t borders[] = {0, 1, 40, 41, 254, 255, 256, 257, 1000, 8191, 8192, 8193};
    switch (dice_throw(4)) {
    case 0: return borders[dice_throw(sizeof borders / sizeof *borders)];
    case 1: return dice_throw(20000);
    default: return dice_throw(300);
    }
}

/* For the teardown of a test: the seed is still set if an assertion jumped out. */
static inline int tell_seed(void **state)
{
    (void)state;
    if (dice.seed)
        print_message("the seed was %lu\n", (unsigned long)dice.seed);
    return 0;
}

/* The body is run once for each seed. */
#define FOR_SEEDS(n) for (dice_seed(1); dice.seed; dice_seed(dice.seed < (n) ? dice.seed + 1 : 0))

#endif
