/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM: see signals.h.
 *
 * Happy path: two equal threads wait in sigwait(); the one that gets a signal counts it and makes
 * the call. Failure modes: without a thread signals_init() says so. Called by broker.c, demo.c. */
#include "signals.h"

#include <signal.h>
#include <stdbool.h>

static sigset_t both(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

void signals_block(void)
{
    sigset_t set = both();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void *wait_for_signals(void *arg)
{
    struct signals *signals = arg;
    sigset_t set = both();
    for (;;) {
        int number;
        if (sigwait(&set, &number))
            continue;
        if (atomic_load(&signals->is_over))
            return NULL;
        signals->on_signal(signals->arg, atomic_fetch_add(&signals->count, 1) + 1);
    }
}

int signals_init(struct signals *signals, void (*on_signal)(void *arg, int nth), void *arg)
{
    signals->on_signal = on_signal;
    signals->arg = arg;
    atomic_init(&signals->count, 0);
    atomic_init(&signals->is_over, false);
    for (signals->thread_count = 0; signals->thread_count < SIGNALS_THREADS;
         signals->thread_count++) {
        pthread_t *thread = &signals->threads[signals->thread_count];
        int error = pthread_create(thread, NULL, wait_for_signals, signals);
        if (error) {
            signals_term(signals);
            return error;
        }
    }
    return 0;
}

void signals_term(struct signals *signals)
{
    atomic_store(&signals->is_over, true);
    /* Sent to each thread alone, so that neither can take the other's. */
    for (int i = 0; i < signals->thread_count; i++)
        pthread_kill(signals->threads[i], SIGINT);
    for (int i = 0; i < signals->thread_count; i++)
        pthread_join(signals->threads[i], NULL);
    signals->thread_count = 0;
}
