/* SPDX-License-Identifier: MIT */
/*
 * green: what green threads cost.
 *
 *     green switch    two that yield to each other
 *     green spawn     one is spawned and joined, again and again
 *     green growth    the same a million times: how much memory the process has then
 *     green sleepers  very many sleep at once, each until a moment of its own: how late they wake
 *
 * The first two have their likes in system.c. What is measured goes to the standard output as JSON.
 * Ends with 2 for wrong usage and with 1 and one sentence when a call fails. Started by run.py.
 */
#include "tool.h"

#include <greenmq/greenmq.h>

/* ---- switch ---- */

enum { ROUNDS = 200000, SPAWNS = 20000, WARM_SPAWNS = 1000 };

static uint64_t window_ns;

struct lap {
    uint64_t turns;
    bool over;
};

static void *yield_on(void *arg)
{
    struct lap *lap = arg;
    while (!lap->over) {
        must(gmq_yield() == 0, "gmq_yield");
        lap->turns++;
    }
    return NULL;
}

/* The other one yields as long as this one does, so there are two switches a turn. */
static void *yield_and_time(void *arg)
{
    struct lap *other = arg;
    uint64_t start = clock_ns(), now = start, before = other->turns, turns = 0;
    while (now - start < window_ns) {
        for (int i = 0; i < ROUNDS; i++)
            must(gmq_yield() == 0, "gmq_yield");
        turns += ROUNDS;
        now = clock_ns();
    }
    must(other->turns - before + 1 >= turns, "the other had not all its turns");
    other->over = true;
    printf("{\"ns\": %.3f, \"switches\": %" PRIu64 "}\n",
           (double)(now - start) / (double)(2 * turns), 2 * turns);
    return NULL;
}

static void measure_switch(void)
{
    struct lap lap = {0};
    int64_t one = gmq_spawn(yield_on, &lap, NULL), two = gmq_spawn(yield_and_time, &lap, NULL);
    must(one > 0 && two > 0, "gmq_spawn");
    must(gmq_join(one, NULL, -1) == 0 && gmq_join(two, NULL, -1) == 0, "gmq_join");
}

/* ---- spawn and join ---- */

static void *nothing(void *arg)
{
    return arg;
}

static void spawn_and_join(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        void *result = NULL;
        int64_t thread = gmq_spawn(nothing, &result, NULL);
        must(thread > 0 && gmq_join(thread, &result, -1) == 0 && result == &result, "gmq_spawn");
    }
}

static void measure_spawn(void)
{
    spawn_and_join(WARM_SPAWNS);
    uint64_t start = clock_ns(), now = start, count = 0;
    while (now - start < window_ns) {
        spawn_and_join(SPAWNS);
        count += SPAWNS;
        now = clock_ns();
    }
    printf("{\"ns\": %.3f, \"spawns\": %" PRIu64 "}\n", (double)(now - start) / (double)count,
           count);
}

static void measure_growth(unsigned count)
{
    spawn_and_join(WARM_SPAWNS);
    uint64_t before = status_of("VmRSS:");
    spawn_and_join(count);
    uint64_t after = status_of("VmRSS:");
    printf("{\"grown_bytes\": %" PRIu64 ", \"rss_bytes\": %" PRIu64 ", \"spawns\": %u}\n",
           after > before ? (after - before) * 1024 : 0, after * 1024, count);
}

/* ---- sleepers ---- */

static uint64_t sleepers_start;
static uint32_t *late_us;
static unsigned asleep, most_asleep;
static unsigned sleeps_from_ms, sleeps_to_ms;

/* Numbers that look like chance, the same in every run. */
static unsigned dice(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 32);
}

static void *sleep_once(void *arg)
{
    uint32_t *late = arg;
    unsigned ms = sleeps_from_ms + dice() % (sleeps_to_ms - sleeps_from_ms);
    uint64_t until = clock_ns() + ms * UINT64_C(1000000);
    if (++asleep > most_asleep)
        most_asleep = asleep;
    must(gmq_sleep(ms) == 0, "gmq_sleep");
    asleep--;
    uint64_t now = clock_ns();
    must(now >= until, "somebody woke too early");
    *late = (uint32_t)((now - until) / 1000);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void measure_sleepers(unsigned count)
{
    int64_t *threads = calloc(count, sizeof *threads);
    late_us = calloc(count, sizeof *late_us);
    must(threads && late_us, "calloc");
    sleepers_start = clock_ns();
    for (unsigned i = 0; i < count; i++) {
        threads[i] = gmq_spawn(sleep_once, &late_us[i], NULL);
        must(threads[i] > 0, "gmq_spawn");
    }
    must(gmq_yield() == 0, "gmq_yield");
    uint64_t settled = clock_ns(), kib = status_of("VmRSS:"), processor = processor_us();
    must(most_asleep == count, "not all were asleep at once");
    for (unsigned i = 0; i < count; i++)
        must(gmq_join(threads[i], NULL, -1) == 0, "gmq_join");
    processor = processor_us() - processor;
    qsort(late_us, count, sizeof *late_us, compare);
    printf("{\"p99_ms\": %.3f, \"p50_ms\": %.3f, \"most_ms\": %.3f, \"start_ms\": %.1f, "
           "\"rss_bytes\": %" PRIu64 ", \"wake_ns\": %.1f}\n",
           late_us[count - count / 100 - 1] / 1e3, late_us[count / 2] / 1e3,
           late_us[count - 1] / 1e3, (double)(settled - sleepers_start) / 1e6, kib * 1024,
           (double)processor * 1e3 / count);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    window_ns = option(argc, argv, "--window", 500) * UINT64_C(1000000);
    sleeps_from_ms = option(argc, argv, "--from", 1000);
    sleeps_to_ms = option(argc, argv, "--to", 10000);
    if (strcmp(what, "switch") == 0) {
        measure_switch();
    } else if (strcmp(what, "spawn") == 0) {
        measure_spawn();
    } else if (strcmp(what, "growth") == 0) {
        measure_growth(option(argc, argv, "--count", 1000000));
    } else if (strcmp(what, "sleepers") == 0) {
        measure_sleepers(option(argc, argv, "--count", 100000));
    } else {
        fprintf(stderr, "usage: green switch|spawn|growth|sleepers [--window MS] [--count N]\n"
                        "             [--from MS] [--to MS]\n");
        return 2;
    }
    return 0;
}
