/* SPDX-License-Identifier: MIT */
/*
 * idle: connections that shake hands and then do nothing, for the broker's memory.
 *
 * The broker's resident memory is read before and, once it stands still, after. The first few
 * connections come before the first reading: they pay for what a broker needs once. Every
 * connection stays open until the second reading; one that does not ends the process with a
 * sentence. Called by load.c.
 */
#include "conn.h"
#include "load.h"
#include "meter.h"

#include <stdio.h>
#include <sys/socket.h>

enum {
    FIRST = 10,
    STEP_MS = 100,
    STEPS_LIMIT = 30,
};

/* Reads until two readings are the same. */
static uint64_t settled_memory_bytes(pid_t broker)
{
    uint64_t before = 0;
    uint64_t now = meter_memory_bytes(broker);
    for (int i = 0; i < STEPS_LIMIT && now != before; i++) {
        meter_sleep_ms(STEP_MS);
        before = now;
        now = meter_memory_bytes(broker);
    }
    return now;
}

static void check_open(const struct conn *conn)
{
    uint8_t byte;
    if (conn_recv(conn, &byte, 1) != 0)
        load_fail("the broker wrote to a connection that should be idle");
}

void idle_run(const struct load_options *options)
{
    unsigned total = FIRST + options->connections;
    if (options->broker == 0)
        load_fail("idle needs --pid");
    struct conn *conns = load_alloc(total * sizeof *conns);
    struct conn **list = load_alloc(total * sizeof *list);
    for (unsigned i = 0; i < total; i++) {
        conn_init(&conns[i], &options->frontend, "REQ");
        list[i] = &conns[i];
    }
    conns_open(list, FIRST, options->buffer_kib);
    uint64_t before = settled_memory_bytes(options->broker);
    conns_open(list + FIRST, options->connections, options->buffer_kib);
    uint64_t after = settled_memory_bytes(options->broker);
    for (unsigned i = 0; i < total; i++)
        check_open(&conns[i]);
    printf("{\"connections\":%u,\"before_bytes\":%llu,\"after_bytes\":%llu,"
           "\"bytes_each\":%.1f}\n",
           options->connections, (unsigned long long)before, (unsigned long long)after,
           ((double)after - (double)before) / options->connections);
}
