/* SPDX-License-Identifier: MIT */
/*
 * system: what the system's own means cost, to compare green threads with.
 *
 *     system switch   two contexts of glibc that switch to each other with swapcontext()
 *     system spawn    pthread_create() and pthread_join() of a thread that does nothing
 *
 * What is measured goes to the standard output as JSON. Ends with 2 for wrong usage and with 1 and
 * one sentence when a call fails. Started by run.py.
 */
#include "tool.h"

#include <pthread.h>
#include <ucontext.h>

enum { ROUNDS = 20000, SPAWNS = 200, STACK_BYTES = 64 * 1024 };

static uint64_t window_ns;

/* ---- switch ---- */

static ucontext_t here, there;
static uint64_t turns_there;

static void go_back(void)
{
    for (;;) {
        turns_there++;
        swapcontext(&there, &here);
    }
}

static void measure_switch(void)
{
    void *stack = malloc(STACK_BYTES);
    must(stack && getcontext(&there) == 0, "getcontext");
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK_BYTES;
    makecontext(&there, go_back, 0);
    uint64_t start = clock_ns(), now = start, turns = 0;
    while (now - start < window_ns) {
        for (int i = 0; i < ROUNDS; i++)
            swapcontext(&here, &there);
        turns += ROUNDS;
        now = clock_ns();
    }
    must(turns_there == turns, "the other had not all its turns");
    printf("{\"ns\": %.3f, \"switches\": %" PRIu64 "}\n",
           (double)(now - start) / (double)(2 * turns), 2 * turns);
}

/* ---- spawn and join ---- */

static void *nothing(void *arg)
{
    return arg;
}

static void measure_spawn(void)
{
    uint64_t start = clock_ns(), now = start, count = 0;
    while (now - start < window_ns) {
        for (int i = 0; i < SPAWNS; i++) {
            pthread_t thread;
            void *result = NULL;
            must(pthread_create(&thread, NULL, nothing, &count) == 0 &&
                     pthread_join(thread, &result) == 0 && result == &count,
                 "pthread_create");
        }
        count += SPAWNS;
        now = clock_ns();
    }
    printf("{\"ns\": %.3f, \"spawns\": %" PRIu64 "}\n", (double)(now - start) / (double)count,
           count);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    window_ns = option(argc, argv, "--window", 500) * UINT64_C(1000000);
    if (strcmp(what, "switch") == 0) {
        measure_switch();
    } else if (strcmp(what, "spawn") == 0) {
        measure_spawn();
    } else {
        fprintf(stderr, "usage: system switch|spawn [--window MS]\n");
        return 2;
    }
    return 0;
}
