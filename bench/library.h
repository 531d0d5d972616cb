/* SPDX-License-Identifier: MIT */
/*
 * What the files of the program `library` share. They are written against zmq.h alone and compiled
 * twice, for greenmq and for the system's libzmq (BENCH_ON_LIBZMQ).
 *
 * Every call is checked: one that fails ends the process with a sentence.
 */
#ifndef BENCH_LIBRARY_H
#define BENCH_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef BENCH_ON_LIBZMQ
#include <zmq.h>
#else
#include <greenmq/greenmq.h>
#include <greenmq/zmq.h>
#endif

enum { ENDPOINT_ROOM = 128, SIZE_LIMIT_BYTES = 1 << 20 };

/* One measurement, as the command line gives it. */
struct job {
    const char *transport; /* tcp, ipc, inproc */
    bool one_thread;       /* inproc: both sockets in one thread */
    bool green;            /* inproc: both ends are green threads of one thread */
    bool as_msg;           /* zmq_msg_send() and zmq_msg_recv(), not zmq_send() and zmq_recv() */
    size_t size_bytes;
    unsigned burst; /* one thread: so many are sent before they are received */
    unsigned sockets;
    unsigned warmup_ms, window_ms;
};

/* The other end of a pair of sockets: a child process or a thread, which runs until it is ended. */
struct far_end {
    void *context; /* shared with a thread; the child makes its own */
    char endpoint[ENDPOINT_ROOM];
    void (*run)(const struct job *job, void *socket);
    int socket_type;
    const struct job *job;
};

uint64_t clock_ns(void);

/* Ends the process with `what` and the reason when `fine` is false. */
void must(bool fine, const char *what);

/* A socket of this type, bound as the job's transport wants; far->endpoint says where. */
void *bound_socket(struct far_end *far, int type);

/* Starts far->run with a socket of far->socket_type connected to the endpoint. */
void far_start(struct far_end *far);

void send_one(const struct job *job, void *socket, const void *body);
void receive_one(const struct job *job, void *socket, void *body);

/* The measurements: each prints its result. */
void measure_flow(const struct job *job);
void measure_trips(const struct job *job);
void measure_poll(const struct job *job);

#endif
