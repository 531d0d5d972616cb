/* SPDX-License-Identifier: MIT */
/*
 * load: what the command line asked for, and the three ways to load a broker.
 *
 * The generator is a process of its own that either prints one line of JSON and ends with 0, or
 * ends with 1 and one sentence on stderr through load_fail().
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct load_options {
    const char *shape; /* streamer, forwarder, queue or idle */
    struct sockaddr_in frontend;
    struct sockaddr_in backend;
    size_t size_bytes;    /* of a message's body */
    unsigned receivers;   /* flow: connections at the backend */
    unsigned clients;     /* trips: connections at the frontend */
    unsigned in_flight;   /* trips: requests of each client under way */
    unsigned workers;     /* trips: connections at the backend */
    unsigned connections; /* idle: connections at the frontend */
    unsigned warmup_ms;   /* not measured */
    unsigned window_ms;   /* measured */
    uint64_t count;       /* flow: measure this many messages instead of a time; 0 = by time */
    unsigned buffer_kib;  /* asked for each socket; 0 = the system's own choice */
    unsigned threads;     /* 1, or 2: one for each side of the broker */
    bool verify;          /* flow: check every byte of every message */
    pid_t broker;         /* whose processor time and memory are read; 0 = nobody's */
};

/* One sender at the frontend, receivers at the backend: streamer and forwarder. */
void flow_run(const struct load_options *options);

/* Requests that come back: queue. */
void trips_run(const struct load_options *options);

/* Connections that do nothing: memory. */
void idle_run(const struct load_options *options);

/* Says one sentence on stderr and ends the process with 1. */
_Noreturn void load_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* malloc that cannot fail. */
void *load_alloc(size_t size_bytes);

#endif
