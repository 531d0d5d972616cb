/* SPDX-License-Identifier: MIT */
/* Hangs and deaths of a storm: see storm.h. No act takes longer than HANG_S, however slow the
 * machine is; else where all threads stand is told, and the program aborts. */
#include "storm/storm.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#include <sanitizer/common_interface_defs.h>
#endif

enum { HANG_S = 60 };

static char replay[96]; /* how to run the round again */
static size_t replay_size;
static atomic_uint faults;

long long watch_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void watch_round(uint64_t seed)
{
    int size = snprintf(replay, sizeof replay, "storm: the same round again: storm 1 %llu\n",
                        (unsigned long long)seed);
    replay_size = (size_t)size;
}

void watch_fault(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    flockfile(stderr);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n%s", replay);
    funlockfile(stderr);
    va_end(arguments);
    atomic_fetch_add(&faults, 1);
}

unsigned watch_faults(void)
{
    return atomic_load(&faults);
}

static void tell_replay(void)
{
    if (write(STDERR_FILENO, replay, replay_size) < 0)
        return;
}

static void on_abort(int number)
{
    tell_replay();
    signal(number, SIG_DFL);
    raise(number);
}

static void dump(void)
{
    char command[128];
    gmq_dump(STDERR_FILENO);
    snprintf(command, sizeof command,
             "gdb -p %d -batch -ex 'thread apply all backtrace 30' 1>&2 2>/dev/null",
             (int)getpid());
    if (system(command) != 0)
        fprintf(stderr, "storm: gdb could not tell more\n");
}

static void look_at(const struct actor *actor, long long now_ms)
{
    const char *act = atomic_load(&actor->act);
    if (!act || now_ms - atomic_load(&actor->since_ms) < HANG_S * 1000)
        return;
    fprintf(stderr, "storm: actor %d has hung in \"%s\" for %d s\n", (int)(actor - crew_actors),
            act, HANG_S);
    dump();
    abort();
}

static void *watch(void *unused)
{
    (void)unused;
    for (;;) {
        sleep(1);
        for (int i = 0; i < ACTORS; i++)
            look_at(&crew_actors[i], watch_now_ms());
    }
    return NULL;
}

void watch_start(void)
{
    pthread_t thread;
    signal(SIGABRT, on_abort);
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    __sanitizer_set_death_callback(tell_replay);
#endif
    if (pthread_create(&thread, NULL, watch, NULL) == 0)
        pthread_detach(thread);
}
