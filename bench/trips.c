/* SPDX-License-Identifier: MIT */
/*
 * trips: clients whose requests come back from workers through the broker (queue).
 *
 *     client: [empty][body] ──> ROUTER ═ broker ═ DEALER ──> worker: echoes [id][empty][body]
 *             <── [empty][body] ──                     <──
 *
 * A client keeps `in_flight` requests under way, each with a slot number and a generation in the
 * body. Every reply is checked always: two frames, their flags and lengths, a slot that waits
 * and its generation; the slot is then used again at once. A worker walks the frames it gets and
 * echoes whole messages only. With one in flight the clients are REQ and each trip is timed;
 * otherwise they are DEALER.
 *
 * A wrong reply, a command or a lost connection ends the process with a sentence; a reply that
 * never comes shows as a client that made no trip. Called by load.c.
 */
#include "conn.h"
#include "load.h"
#include "loop.h"
#include "meter.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum {
    BUFFER_BYTES = 64 * 1024,
    DELIMITER_BYTES = 2,
    TAG_BYTES = 8,
    SIZE_LIMIT_BYTES = 4096,
    PEERS_LIMIT = 2000,
    SAMPLES_LIMIT = 1 << 20,
};

/* A slot of a client: its request is under way as this generation. */
struct slot {
    uint32_t generation;
    uint64_t sent_ns;
};

struct client {
    struct watch watch;
    struct conn conn;
    struct trips *trips;
    struct slot *slots;
    uint8_t *in; /* a reply cut by the end of a read waits at the start */
    size_t in_bytes;
    uint8_t *out; /* requests [out_at, out_bytes) wait to be sent */
    size_t out_at;
    size_t out_bytes;
    size_t out_limit_bytes;
    atomic_ullong count;
};

struct worker {
    struct watch watch;
    struct conn conn;
    struct trips *trips;
    uint8_t *buffer; /* [at, whole) is echoed, [whole, end) is an incomplete message */
    size_t at;
    size_t whole;
    size_t end;
};

struct trips {
    const struct load_options *options;
    uint8_t header[DELIMITER_BYTES + ZMTP_HEADER_LIMIT_BYTES]; /* delimiter and body header */
    size_t header_bytes;
    size_t message_bytes;
    struct client *clients;
    struct worker *workers;
    struct loop loops[2]; /* clients' and workers', the same one with one thread */
    atomic_bool timing;
    uint32_t *samples_ns;
    uint64_t samples_count;
};

static struct loop *workers_loop(struct trips *trips)
{
    return &trips->loops[trips->options->threads - 1];
}

/* ---- a client ---- */

static void client_put_request(struct client *client, uint32_t slot, uint64_t now_ns)
{
    const struct trips *trips = client->trips;
    if (client->out_bytes + trips->message_bytes > client->out_limit_bytes) {
        memmove(client->out, client->out + client->out_at, client->out_bytes - client->out_at);
        client->out_bytes -= client->out_at;
        client->out_at = 0;
    }
    uint8_t *p = client->out + client->out_bytes;
    memcpy(p, trips->header, trips->header_bytes);
    p += trips->header_bytes;
    memcpy(p, &slot, 4);
    memcpy(p + 4, &client->slots[slot].generation, 4);
    memset(p + TAG_BYTES, 0x5a, trips->options->size_bytes - TAG_BYTES);
    client->out_bytes += trips->message_bytes;
    client->slots[slot].sent_ns = now_ns;
}

static void client_flush(struct client *client)
{
    size_t size = client->out_bytes - client->out_at;
    if (size > 0)
        client->out_at += conn_send(&client->conn, client->out + client->out_at, size);
    bool is_empty = client->out_at == client->out_bytes;
    if (is_empty)
        client->out_at = client->out_bytes = 0;
    loop_ask(&client->trips->loops[0], &client->watch, is_empty ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

static void sample(struct trips *trips, uint64_t trip_ns)
{
    if (!atomic_load_explicit(&trips->timing, memory_order_relaxed) ||
        trips->samples_count == SAMPLES_LIMIT)
        return;
    trips->samples_ns[trips->samples_count++] = trip_ns < UINT32_MAX ? (uint32_t)trip_ns
                                                                     : UINT32_MAX;
}

static void client_take_reply(struct client *client, const uint8_t *p, uint64_t now_ns)
{
    struct trips *trips = client->trips;
    if (memcmp(p, trips->header, trips->header_bytes) != 0)
        load_fail("a reply came with other frames than its request");
    uint32_t slot;
    uint32_t generation;
    memcpy(&slot, p + trips->header_bytes, 4);
    memcpy(&generation, p + trips->header_bytes + 4, 4);
    if (slot >= trips->options->in_flight || client->slots[slot].generation != generation)
        load_fail("a reply came to a client that did not wait for it");
    if (now_ns != 0)
        sample(trips, now_ns - client->slots[slot].sent_ns);
    client->slots[slot].generation++;
    client_put_request(client, slot, now_ns);
}

static void client_read(struct client *client)
{
    size_t message_bytes = client->trips->message_bytes;
    client->in_bytes += conn_recv(&client->conn, client->in + client->in_bytes,
                                  BUFFER_BYTES - client->in_bytes);
    /* One request per connection: its time matters. Many: their number does. */
    uint64_t now_ns = client->trips->options->in_flight == 1 ? meter_now_ns() : 0;
    size_t at = 0;
    uint64_t done = 0;
    for (; client->in_bytes - at >= message_bytes; at += message_bytes, done++)
        client_take_reply(client, client->in + at, now_ns);
    memmove(client->in, client->in + at, client->in_bytes - at);
    client->in_bytes -= at;
    uint64_t count = atomic_load_explicit(&client->count, memory_order_relaxed);
    atomic_store_explicit(&client->count, count + done, memory_order_relaxed);
}

static void on_client(struct watch *watch, uint32_t events)
{
    struct client *client = (struct client *)watch;
    if ((events & ~(uint32_t)EPOLLOUT) != 0)
        client_read(client);
    client_flush(client);
}

static void client_init(struct client *client, struct trips *trips)
{
    const struct load_options *options = trips->options;
    memset(client, 0, sizeof *client);
    client->watch.on_event = on_client;
    client->trips = trips;
    client->slots = load_alloc(options->in_flight * sizeof *client->slots);
    memset(client->slots, 0, options->in_flight * sizeof *client->slots);
    client->in = load_alloc(BUFFER_BYTES);
    client->out_limit_bytes = 2 * options->in_flight * trips->message_bytes;
    client->out = load_alloc(client->out_limit_bytes);
    conn_init(&client->conn, &options->frontend, options->in_flight == 1 ? "REQ" : "DEALER");
}

/* ---- a worker ---- */

/* Moves `whole` behind the last complete message. */
static void worker_walk(struct worker *worker)
{
    size_t at = worker->whole;
    struct zmtp_frame frame;
    while (zmtp_get_header(worker->buffer + at, worker->end - at, &frame) == 1) {
        if ((frame.flags & ~(ZMTP_MORE | ZMTP_LONG)) != 0)
            load_fail("a worker got a frame with flags %02x", frame.flags);
        if (frame.body_bytes > SIZE_LIMIT_BYTES)
            load_fail("a worker got a frame of %llu bytes", (unsigned long long)frame.body_bytes);
        if (worker->end - at < frame.header_bytes + frame.body_bytes)
            break;
        at += frame.header_bytes + frame.body_bytes;
        if ((frame.flags & ZMTP_MORE) == 0)
            worker->whole = at;
    }
}

static void worker_flush(struct worker *worker)
{
    size_t size = worker->whole - worker->at;
    if (size > 0)
        worker->at += conn_send(&worker->conn, worker->buffer + worker->at, size);
    bool is_empty = worker->at == worker->whole;
    if (is_empty) {
        memmove(worker->buffer, worker->buffer + worker->whole, worker->end - worker->whole);
        worker->end -= worker->whole;
        worker->at = worker->whole = 0;
    }
    loop_ask(workers_loop(worker->trips), &worker->watch, is_empty ? EPOLLIN : EPOLLOUT);
}

static void on_worker(struct watch *watch, uint32_t events)
{
    struct worker *worker = (struct worker *)watch;
    if ((events & ~(uint32_t)EPOLLOUT) != 0) {
        worker->end += conn_recv(&worker->conn, worker->buffer + worker->end,
                                 BUFFER_BYTES - worker->end);
        worker_walk(worker);
    }
    worker_flush(worker);
}

/* ---- the whole ---- */

static void trips_init(struct trips *trips, const struct load_options *options)
{
    memset(trips, 0, sizeof *trips);
    trips->options = options;
    trips->samples_ns = load_alloc(SAMPLES_LIMIT * sizeof *trips->samples_ns);
    trips->header[0] = ZMTP_MORE;
    trips->header_bytes = DELIMITER_BYTES +
                          zmtp_put_header(trips->header + DELIMITER_BYTES, 0, options->size_bytes);
    trips->message_bytes = trips->header_bytes + options->size_bytes;
    trips->clients = load_alloc(options->clients * sizeof *trips->clients);
    for (unsigned i = 0; i < options->clients; i++)
        client_init(&trips->clients[i], trips);
    trips->workers = load_alloc(options->workers * sizeof *trips->workers);
    memset(trips->workers, 0, options->workers * sizeof *trips->workers);
    for (unsigned i = 0; i < options->workers; i++) {
        struct worker *worker = &trips->workers[i];
        worker->watch.on_event = on_worker;
        worker->trips = trips;
        worker->buffer = load_alloc(BUFFER_BYTES);
        conn_init(&worker->conn, &options->backend, "REP");
    }
}

static void trips_open(struct trips *trips)
{
    struct conn *conns[2 * PEERS_LIMIT];
    size_t count = 0;
    for (unsigned i = 0; i < trips->options->workers; i++)
        conns[count++] = &trips->workers[i].conn;
    for (unsigned i = 0; i < trips->options->clients; i++)
        conns[count++] = &trips->clients[i].conn;
    conns_open(conns, count, trips->options->buffer_kib);
}

/* The first requests go out before the threads run, so that all slots are under way. */
static void trips_start(struct trips *trips)
{
    const struct load_options *options = trips->options;
    for (unsigned i = 0; i < options->threads; i++)
        loop_init(&trips->loops[i]);
    for (unsigned i = 0; i < options->workers; i++) {
        struct worker *worker = &trips->workers[i];
        worker->watch.fd = worker->conn.fd;
        loop_add(workers_loop(trips), &worker->watch, EPOLLIN);
    }
    for (unsigned i = 0; i < options->clients; i++) {
        struct client *client = &trips->clients[i];
        client->watch.fd = client->conn.fd;
        loop_add(&trips->loops[0], &client->watch, EPOLLIN);
        for (uint32_t slot = 0; slot < options->in_flight; slot++)
            client_put_request(client, slot, meter_now_ns());
        client_flush(client);
    }
    for (unsigned i = 0; i < options->threads; i++)
        loop_start(&trips->loops[i]);
}

static void trips_mark(const struct trips *trips, struct meter_mark *mark, uint64_t *counts)
{
    meter_read(mark, trips->options->broker);
    mark->count = 0;
    for (unsigned i = 0; i < trips->options->clients; i++) {
        counts[i] = atomic_load_explicit(&trips->clients[i].count, memory_order_relaxed);
        mark->count += counts[i];
    }
}

void trips_run(const struct load_options *options)
{
    struct trips trips;
    struct meter_mark from;
    struct meter_mark to;
    uint64_t counts_from[PEERS_LIMIT];
    uint64_t counts_to[PEERS_LIMIT];
    if (options->clients > PEERS_LIMIT || options->workers > PEERS_LIMIT ||
        options->size_bytes < TAG_BYTES || options->size_bytes > SIZE_LIMIT_BYTES)
        load_fail("at most %d clients and workers, %d to %d bytes", PEERS_LIMIT, TAG_BYTES,
                  SIZE_LIMIT_BYTES);

    trips_init(&trips, options);
    trips_open(&trips);
    trips_start(&trips);
    meter_sleep_ms(options->warmup_ms);
    atomic_store(&trips.timing, true);
    trips_mark(&trips, &from, counts_from);
    meter_sleep_ms(options->window_ms);
    trips_mark(&trips, &to, counts_to);
    for (unsigned i = 0; i < options->threads; i++)
        loop_stop(&trips.loops[i]);

    for (unsigned i = 0; i < options->clients; i++)
        if (counts_to[i] == counts_from[i])
            load_fail("a client got no reply in %u ms", options->window_ms);
    printf("{");
    meter_print(&from, &to);
    meter_print_percentiles(trips.samples_ns, trips.samples_count);
    printf("}\n");
}
