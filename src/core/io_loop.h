/* SPDX-License-Identifier: MIT */
/* I/O loops: where a context has more than one I/O thread, each has a loop of its own, and each
 * connection belongs to one of them for its life. The thread waits for its connections, reads and
 * writes them, with the context's lock lent during the system calls, and does under the lock what
 * moves messages in memory. The context's own loop is left with names, listeners and timers.
 *
 *      input of A ──> loop 1: recv ──> route ──> output of B, of C ──> loop 1, loop 2: send
 *
 * With one I/O thread, or none, there are none: all connections are the context's own loop's. */
#ifndef GREENMQ_CORE_IO_LOOP_H
#define GREENMQ_CORE_IO_LOOP_H

#include "base/list.h"
#include "loop/poller.h"

#include <pthread.h>

struct chunk;
struct ctx;
struct peer;

TAILQ_HEAD(peers, peer);

/* Peers whose output is to be flushed. */
struct dirty {
    struct peers peers;
    unsigned count;
};

struct io_loop {
    struct poller poller;
    struct dirty dirty;
    struct chunk *scratch; /* its connections read into it */
    unsigned streams;      /* that belong to it */
    unsigned number;       /* in the name of its thread */
    bool quit;
    pthread_t thread;
    struct ctx *ctx;
};

/* Both under the lock. The first: 0 or a negative errno, then none is there. The second comes after
 * the last connection has gone, and gives the lock back for a moment. */
int io_loops_start(struct ctx *ctx, unsigned count);
void io_loops_stop(struct ctx *ctx);

/* The one with the least connections among those of the mask (bit 0 is the first; 0 for all, as for
 * a mask that names none). NULL where there are none. */
struct io_loop *io_loop_choose(struct ctx *ctx, uint64_t affinity);

#endif
