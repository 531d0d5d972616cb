/* SPDX-License-Identifier: MIT */
/*
 * The measurements of the program `library`, see library.c. A flow is counted by its receiver in a
 * window after a warm-up; of trips and calls, of which each is timed, the median is given.
 *
 * Every message is looked at: its length and its first octets, which number it. One that is not
 * what must come ends the process with a sentence.
 */
#include "library.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOCK_EVERY = 64, SAMPLES_LIMIT = 1 << 20 };

/* ---- flow ---- */

static uint8_t out[SIZE_LIMIT_BYTES], in[SIZE_LIMIT_BYTES];

static void number(const struct job *job, uint8_t *body, uint32_t count)
{
    if (job->size_bytes >= sizeof count)
        memcpy(body, &count, sizeof count);
}

static void expect(const struct job *job, const uint8_t *body, uint32_t count)
{
    must(job->size_bytes < sizeof count || memcmp(body, &count, sizeof count) == 0,
         "a message is lost, or not the next");
}

static void push(const struct job *job, void *socket)
{
    for (uint32_t count = 0;; count++) {
        number(job, out, count);
        send_one(job, socket, out);
    }
}

/* One thread: sends `burst` messages and receives them. Otherwise: receives as many. */
static void pull(const struct job *job, void *near, void *far, uint32_t *count)
{
    uint32_t burst = job->burst, first = *count;
    for (uint32_t i = 0; far && i < burst; i++) {
        number(job, out, first + i);
        send_one(job, far, out);
    }
    for (uint32_t i = 0; i < burst; i++) {
        receive_one(job, near, in);
        expect(job, in, (*count)++);
    }
}

static uint64_t pull_for(const struct job *job, void *near, void *far, unsigned ms, uint32_t *count)
{
    uint64_t before = *count, start = clock_ns(), now = start, total = 0;
    while (now - start < ms * UINT64_C(1000000)) {
        for (unsigned i = 0; i < CLOCK_EVERY; i += job->burst)
            pull(job, near, far, count);
        total += *count - (uint32_t)before;
        before = *count;
        now = clock_ns();
    }
    return total * UINT64_C(1000000000) / (now - start);
}

void measure_flow(const struct job *job)
{
    struct far_end far = {.job = job, .run = push, .socket_type = ZMQ_PUSH};
    void *other = NULL;
    uint32_t count = 0;
    far.context = zmq_ctx_new();
    must(far.context != NULL, "zmq_ctx_new");
    void *socket = bound_socket(&far, ZMQ_PULL);
    if (job->one_thread) {
        other = zmq_socket(far.context, ZMQ_PUSH);
        must(other && zmq_connect(other, far.endpoint) == 0, "zmq_connect");
    } else {
        far_start(&far);
    }
    pull_for(job, socket, other, job->warmup_ms, &count);
    uint64_t rate = pull_for(job, socket, other, job->window_ms, &count);
    printf("{\"rate\": %" PRIu64 "}\n", rate);
}

/* ---- trips and calls ---- */

struct samples {
    uint32_t *ns;
    size_t count;
};

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void samples_init(struct samples *samples)
{
    samples->ns = malloc(SAMPLES_LIMIT * sizeof *samples->ns);
    must(samples->ns != NULL, "malloc");
    samples->count = 0;
}

static void samples_add(struct samples *samples, uint64_t ns)
{
    if (samples->count < SAMPLES_LIMIT)
        samples->ns[samples->count++] = (uint32_t)ns;
}

static void samples_print(const struct samples *samples)
{
    must(samples->count > 0, "nothing was measured");
    qsort(samples->ns, samples->count, sizeof *samples->ns, compare);
    printf("{\"p50_us\": %.3f, \"p99_us\": %.3f, \"samples\": %zu}\n",
           samples->ns[samples->count / 2] / 1e3, samples->ns[samples->count * 99 / 100] / 1e3,
           samples->count);
}

static void echo(const struct job *job, void *socket)
{
    static uint8_t body[SIZE_LIMIT_BYTES];
    for (;;) {
        receive_one(job, socket, body);
        send_one(job, socket, body);
    }
}

void measure_trips(const struct job *job)
{
    struct far_end far = {.job = job, .run = echo, .socket_type = ZMQ_REP};
    struct samples samples;
    samples_init(&samples);
    far.context = zmq_ctx_new();
    must(far.context != NULL, "zmq_ctx_new");
    void *socket = bound_socket(&far, ZMQ_REQ);
    far_start(&far);
    uint64_t start = clock_ns(), now = start, warm = start + job->warmup_ms * UINT64_C(1000000);
    for (uint32_t count = 0; now < warm + job->window_ms * UINT64_C(1000000); count++) {
        uint64_t sent = now;
        number(job, out, count);
        send_one(job, socket, out);
        receive_one(job, socket, in);
        expect(job, in, count);
        now = clock_ns();
        if (sent >= warm)
            samples_add(&samples, now - sent);
    }
    samples_print(&samples);
}

/* Which socket has the message is told by a row of numbers that looks like chance. */
void measure_poll(const struct job *job)
{
    struct samples samples;
    unsigned count = job->sockets, chosen = 0;
    zmq_pollitem_t *items = calloc(count, sizeof *items);
    void **far = calloc(count, sizeof *far), *context = zmq_ctx_new();
    samples_init(&samples);
    must(items && far && context, "zmq_ctx_new");
    must(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, (int)(2 * count + 1)) == 0, "zmq_ctx_set");
    for (unsigned i = 0; i < count; i++) {
        char endpoint[ENDPOINT_ROOM];
        snprintf(endpoint, sizeof endpoint, "inproc://%u", i);
        items[i] = (zmq_pollitem_t){.socket = zmq_socket(context, ZMQ_PULL), .events = ZMQ_POLLIN};
        far[i] = zmq_socket(context, ZMQ_PUSH);
        must(items[i].socket && far[i] && zmq_bind(items[i].socket, endpoint) == 0 &&
                 zmq_connect(far[i], endpoint) == 0,
             endpoint);
    }
    uint64_t start = clock_ns(), now = start, warm = start + job->warmup_ms * UINT64_C(1000000);
    for (uint32_t n = 0; now < warm + job->window_ms * UINT64_C(1000000); n++) {
        chosen = (chosen * 1103515245u + 12345u) % count;
        number(job, out, n);
        send_one(job, far[chosen], out);
        uint64_t called = clock_ns();
        must(zmq_poll(items, (int)count, -1) == 1 && items[chosen].revents == ZMQ_POLLIN,
             "zmq_poll");
        now = clock_ns();
        if (called >= warm)
            samples_add(&samples, now - called);
        receive_one(job, items[chosen].socket, in);
        expect(job, in, n);
    }
    samples_print(&samples);
}
