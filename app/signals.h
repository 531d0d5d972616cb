/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM, as calls in threads of their own.
 *
 * The signals stay blocked in all other threads, so no call is interrupted by them and none can
 * be lost between a look at a flag and the wait that follows. */
#ifndef APP_SIGNALS_H_INCLUDED
#define APP_SIGNALS_H_INCLUDED

#include <pthread.h>
#include <stdatomic.h>

enum { SIGNALS_THREADS = 2 /* one may be busy with the first signal when the second comes */ };

struct signals {
    pthread_t threads[SIGNALS_THREADS];
    int thread_count;
    void (*on_signal)(void *arg, int nth); /* nth: 1 for the first signal, 2 for the second... */
    void *arg;
    atomic_int count;
    atomic_bool is_over;
};

/* Blocks both signals, and ignores SIGPIPE. To be called before any thread is started; a signal
 * that comes now is delivered after signals_init(). */
void signals_block(void);

/* From now on each signal calls on_signal(). A second one does so even while the first call has
 * not returned. Returns 0 or an errno. */
int signals_init(struct signals *signals, void (*on_signal)(void *arg, int nth), void *arg);

/* Ends the threads; waits for an on_signal() that still runs. */
void signals_term(struct signals *signals);

#endif
