/* SPDX-License-Identifier: MIT */
/* Signals: see signals.h.
 *
 * Happy path: one green thread waits for signals, and starts another for each call. Failure modes:
 * without memory signals_init() says so, and a later call is made where it stands; a wait that
 * fails for want of memory or descriptors is begun again and again, for signals that come meanwhile
 * are kept. Called by broker.c, demo.c. */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

enum { WATCHDOG_MS = 100, RETRY_MS = 50 };

static sigset_t all(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    return set;
}

void signals_block(void)
{
    sigset_t set = all();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void *make_call(void *arg)
{
    struct signals *signals = arg;
    signals->on_signal(signals->arg, ++signals->count);
    return NULL;
}

/* The number of the next signal; 0 when the thread is cancelled. */
static int wait_for_one(const sigset_t *set)
{
    int number;
    while ((number = gmq_wait_signal(set, -1)) < 0) {
        if (errno == ECANCELED || (gmq_sleep(RETRY_MS) < 0 && errno == ECANCELED))
            return 0;
    }
    return number;
}

static void *wait_for_signals(void *arg)
{
    struct signals *signals = arg;
    struct gmq_thread_options options = {.size = sizeof(options), .name = "signal"};
    sigset_t set = all();
    int number;
    while ((number = wait_for_one(&set)) > 0) {
        if (number == SIGUSR1)
            gmq_dump(STDERR_FILENO);
        else if (gmq_group_spawn(signals->group, make_call, signals, &options) < 0)
            make_call(signals);
    }
    return NULL;
}

int signals_init(struct signals *signals, void (*on_signal)(void *arg, int nth), void *arg)
{
    struct gmq_thread_options options = {.size = sizeof(options), .name = "signals"};
    sigset_t set = all();
    *signals = (struct signals){.on_signal = on_signal, .arg = arg, .group = gmq_group_new(0)};
    if (!signals->group)
        return errno;
    if (gmq_group_spawn(signals->group, wait_for_signals, signals, &options) < 0)
        return errno;
    gmq_watchdog(WATCHDOG_MS, NULL, NULL); /* the command does as well without */
    gmq_yield();                           /* from here on they are waited for */
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return 0;
}

void signals_term(struct signals *signals)
{
    if (signals->group)
        gmq_group_close(signals->group);
    signals->group = NULL;
}
