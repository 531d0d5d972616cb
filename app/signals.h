/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM as calls in green threads, and SIGUSR1 as a list of all green threads on
 * stderr; and the watchdog over them. */
#ifndef APP_SIGNALS_H_INCLUDED
#define APP_SIGNALS_H_INCLUDED

#include <greenmq/greenmq.h>

struct signals {
    struct gmq_group *group;               /* NULL before signals_init() */
    void (*on_signal)(void *arg, int nth); /* nth: 1 for the first signal, 2 for the second... */
    void *arg;
    int count; /* calls that have begun */
};

/* Blocks the signals, and ignores SIGPIPE. To be called before any thread is started; a signal
 * that comes now is delivered after signals_init(). */
void signals_block(void);

/* From now on each SIGINT and SIGTERM calls on_signal(), in a green thread of the calling thread;
 * a second one even while the first call has not returned. Returns 0 or an errno. */
int signals_init(struct signals *signals, void (*on_signal)(void *arg, int nth), void *arg);

/* Waits for no more signals. A call that still runs is cancelled, and waited for. */
void signals_term(struct signals *signals);

#endif
