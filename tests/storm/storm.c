/* SPDX-License-Identifier: MIT */
/* storm [SECONDS [SEED]]: random calls, see storm.h. It ends with 0 if nothing went wrong. A hang
 * and a crash end it at once, and say with which seed to run the same round again. */
#include "storm/storm.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    SECONDS = 20,
    ROUND_MS = 1000,     /* a round is up to so long */
    ROUNDS_BEFORE = 3,   /* whatever is made once has been made then */
    DESCRIPTORS_MORE = 8 /* that may be open after any later one */
};

static int count_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

static void run_round(uint64_t seed)
{
    struct dice dice = dice_new(seed);
    watch_round(seed);
    scene_open(&dice);
    crew_start(&dice);
    usleep(100000 + dice_throw(&dice, (ROUND_MS - 100) * 1000));
    if (dice_one_in(&dice, 4)) { /* the contexts end amid all this */
        for (int i = 0; i < CONTEXTS; i++)
            zmq_ctx_shutdown(scene.contexts[i]);
        usleep(dice_throw(&dice, 50000));
    }
    atomic_store(&scene.over, true);
    crew_join();
    devices_close();
    scene_close();
}

int main(int argc, char **argv)
{
    long long end_ms = watch_now_ms() + 1000LL * (argc > 1 ? atoi(argv[1]) : SECONDS);
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
    unsigned rounds = 0;
    int before = 0;
    printf("storm: seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    watch_start();
    for (; watch_now_ms() < end_ms; rounds++) {
        run_round(seed + rounds);
        int now = count_descriptors();
        if (rounds < ROUNDS_BEFORE)
            before = now;
        else if (now > before + DESCRIPTORS_MORE)
            watch_fault("storm: %d descriptors are open, %d were", now, before);
    }
    printf("storm: %u rounds, %u faults\n", rounds, watch_faults());
    return watch_faults() ? 1 : 0;
}
