/* SPDX-License-Identifier: MIT */
/*
 * loop: a thread that waits for sockets and calls whoever watches them.
 *
 * A watch is embedded in its owner. on_event runs in the loop's thread only; loop_wake() and
 * loop_stop() are for other threads. Level-triggered: an owner that does less than it could is
 * called again.
 */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct watch {
    int fd;
    uint32_t events; /* what epoll is asked for now */
    void (*on_event)(struct watch *watch, uint32_t events);
};

struct loop {
    int poller;
    int waker;
    pthread_t thread;
    atomic_bool stopped;
    void (*on_wake)(struct loop *loop); /* set by the owner: after loop_wake(); may be NULL */
    void *owner;
};

void loop_init(struct loop *loop);

/* Adds a watch with its first interest; before loop_start() or from the loop's thread. */
void loop_add(struct loop *loop, struct watch *watch, uint32_t events);

/* Changes the interest, if it is another than before. */
void loop_ask(struct loop *loop, struct watch *watch, uint32_t events);

void loop_start(struct loop *loop);
void loop_wake(struct loop *loop);

/* Ends the thread and waits for it. */
void loop_stop(struct loop *loop);

#endif
