/* SPDX-License-Identifier: MIT */
/* What the application asks of the threads that a context starts: ZMQ_THREAD_... of zmq_ctx_set(3).
 * Such a thread applies it to itself when it begins. */
#ifndef GREENMQ_GREEN_BACKGROUND_H
#define GREENMQ_GREEN_BACKGROUND_H

#include <sched.h>

struct background {
    int priority;    /* for SCHED_FIFO and SCHED_RR; else: any above 0 is the best; -1: none */
    int policy;      /* SCHED_...; -1: that of the thread that opens the first socket */
    int name_prefix; /* a number in front of the thread's name; 0: none */
    cpu_set_t cpus;  /* to run on; empty: all */
};

void background_init(struct background *background);

/* Makes the calling thread so, which is I/O thread `number` of its context. What the system does
 * not allow, or does not know, is left. */
void background_apply(const struct background *background, unsigned number);

#endif
