/* SPDX-License-Identifier: MIT */
/*
 * flow: one sender, one or many receivers, as fast as the broker takes it (streamer, forwarder).
 *
 *     block of ready-made messages ── send ──> broker ──> recv ── walk the headers, count
 *
 * The sender repeats one block that holds whole messages. A receiver compares every frame's
 * header with the one that must come (flags and length) and counts a message when its last byte
 * is there. With --verify the sender numbers the messages and receivers compare every byte: no
 * loss, no disorder in a streamer, no disorder in a forwarder, which may lose by its nature.
 *
 * What is measured lies between two marks that the main thread takes: either a time, or with
 * --count a number of messages between two moments at which nothing was under way. Anything
 * unexpected on the wire ends the process with a sentence. Called by load.c.
 */
#include "conn.h"
#include "load.h"
#include "loop.h"
#include "meter.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum {
    BLOCK_BYTES = 256 * 1024,
    READ_BYTES = 256 * 1024,
    SEQUENCE_BYTES = 8,
    PATIENCE_MS = 30000,
    RECEIVERS_LIMIT = 1000,
};

/* The one message that travels: a frame with this header and `size_bytes` of body. */
struct shape {
    uint8_t header[ZMTP_HEADER_LIMIT_BYTES];
    size_t header_bytes;
    size_t size_bytes;
    size_t frame_bytes;
    bool is_lossy;
    bool verify;
};

struct sender {
    struct watch watch;
    struct conn conn;
    struct loop *loop;
    const struct shape *shape;
    uint8_t *block;
    size_t block_bytes;
    size_t block_at;           /* next byte of the block to send */
    uint64_t sequence;         /* of the block's first message */
    atomic_ullong sent_bytes;  /* written by the loop */
    atomic_ullong limit_bytes; /* written by the main thread: stop there */
};

struct receiver {
    struct watch watch;
    struct conn conn;
    const struct shape *shape;
    uint8_t *buffer; /* READ_BYTES, shared by all receivers of a loop */
    uint8_t header[ZMTP_HEADER_LIMIT_BYTES];
    size_t header_got; /* bytes of a header cut by the end of a read */
    size_t body_left;  /* bytes of the current body still to come */
    uint8_t *frame;    /* verify: the frame being put together */
    size_t frame_got;
    uint64_t sequence;   /* verify: the next expected */
    atomic_ullong count; /* written by the loop */
};

struct flow {
    const struct load_options *options;
    struct shape shape;
    struct sender sender;
    struct receiver *receivers;
    unsigned receivers_count;
    struct loop loops[2]; /* sender's and receivers', the same one with one thread */
};

/* ---- the message ---- */

static void shape_init(struct shape *shape, const struct load_options *options)
{
    memset(shape, 0, sizeof *shape);
    shape->size_bytes = options->size_bytes;
    shape->header_bytes = zmtp_put_header(shape->header, 0, options->size_bytes);
    shape->frame_bytes = shape->header_bytes + options->size_bytes;
    shape->is_lossy = strcmp(options->shape, "forwarder") == 0;
    shape->verify = options->verify;
}

/* A body that differs at every offset of a read: number, then a pattern. */
static void shape_put(const struct shape *shape, uint8_t *out, uint64_t sequence)
{
    memcpy(out, shape->header, shape->header_bytes);
    uint8_t *body = out + shape->header_bytes;
    for (size_t i = SEQUENCE_BYTES; i < shape->size_bytes; i++)
        body[i] = (uint8_t)(i * 31 + 7);
    memcpy(body, &sequence, SEQUENCE_BYTES);
}

/* ---- the sender ---- */

static void sender_fill(struct sender *sender)
{
    const struct shape *shape = sender->shape;
    size_t messages = sender->block_bytes / shape->frame_bytes;
    for (size_t i = 0; i < messages; i++)
        shape_put(shape, sender->block + i * shape->frame_bytes, sender->sequence + i);
    sender->sequence += messages;
}

static void sender_write(struct sender *sender)
{
    uint64_t sent = atomic_load_explicit(&sender->sent_bytes, memory_order_relaxed);
    uint64_t left = atomic_load_explicit(&sender->limit_bytes, memory_order_relaxed) - sent;
    size_t size = sender->block_bytes - sender->block_at;
    if (size > left)
        size = left;
    if (size == 0) {
        loop_ask(sender->loop, &sender->watch, EPOLLIN);
        return;
    }
    size = conn_send(&sender->conn, sender->block + sender->block_at, size);
    atomic_store_explicit(&sender->sent_bytes, sent + size, memory_order_relaxed);
    sender->block_at += size;
    if (sender->block_at == sender->block_bytes) {
        sender->block_at = 0;
        if (sender->shape->verify)
            sender_fill(sender);
    }
}

static void on_sender(struct watch *watch, uint32_t events)
{
    struct sender *sender = (struct sender *)watch;
    uint8_t subscriptions[256];
    if ((events & ~(uint32_t)EPOLLOUT) != 0)
        conn_recv(&sender->conn, subscriptions, sizeof subscriptions);
    if ((events & EPOLLOUT) != 0)
        sender_write(sender);
}

static void on_limit_raised(struct loop *loop)
{
    struct flow *flow = loop->owner;
    loop_ask(loop, &flow->sender.watch, EPOLLIN | EPOLLOUT);
}

/* ---- a receiver ---- */

static _Noreturn void fail_frame(const struct receiver *receiver, const uint8_t *header)
{
    load_fail("after %llu messages of %zu bytes a frame came with flags %02x and length octet %u",
              (unsigned long long)receiver->count, receiver->shape->size_bytes, header[0],
              header[1]);
}

/* Skips whole frames while their headers are right; the hot loop of the generator. */
static const uint8_t *walk(const struct shape *shape, const uint8_t *p, const uint8_t *end)
{
    size_t frame_bytes = shape->frame_bytes;
    if (shape->header_bytes == 2) {
        uint16_t want;
        uint16_t have;
        memcpy(&want, shape->header, sizeof want);
        for (; (size_t)(end - p) >= frame_bytes; p += frame_bytes) {
            memcpy(&have, p, sizeof have);
            if (have != want)
                break;
        }
        return p;
    }
    while ((size_t)(end - p) >= frame_bytes &&
           memcmp(p, shape->header, ZMTP_HEADER_LIMIT_BYTES) == 0)
        p += frame_bytes;
    return p;
}

/* Takes one byte of a header that may be cut; at its end the body is next. */
static void take_header_byte(struct receiver *receiver, uint8_t byte)
{
    const struct shape *shape = receiver->shape;
    receiver->header[receiver->header_got++] = byte;
    if (receiver->header_got < shape->header_bytes)
        return;
    if (memcmp(receiver->header, shape->header, shape->header_bytes) != 0)
        fail_frame(receiver, receiver->header);
    receiver->header_got = 0;
    receiver->body_left = shape->size_bytes;
}

/* Counts the messages that end within these bytes. */
static uint64_t take_counted(struct receiver *receiver, const uint8_t *p, const uint8_t *end)
{
    const struct shape *shape = receiver->shape;
    uint64_t done = 0;
    while (p < end) {
        if (receiver->body_left > 0) {
            size_t step = (size_t)(end - p);
            if (step > receiver->body_left)
                step = receiver->body_left;
            p += step;
            receiver->body_left -= step;
            done += receiver->body_left == 0;
        } else if (receiver->header_got == 0 && (size_t)(end - p) >= shape->frame_bytes) {
            const uint8_t *next = walk(shape, p, end);
            if (next == p)
                fail_frame(receiver, p);
            done += (uint64_t)(next - p) / shape->frame_bytes;
            p = next;
        } else {
            take_header_byte(receiver, *p++);
        }
    }
    return done;
}

static void check_frame(struct receiver *receiver)
{
    const struct shape *shape = receiver->shape;
    if (memcmp(receiver->frame, shape->header, shape->header_bytes) != 0)
        fail_frame(receiver, receiver->frame);
    const uint8_t *body = receiver->frame + shape->header_bytes;
    uint64_t sequence;
    memcpy(&sequence, body, SEQUENCE_BYTES);
    if (sequence < receiver->sequence || (!shape->is_lossy && sequence != receiver->sequence))
        load_fail("message %llu came where %llu was next", (unsigned long long)sequence,
                  (unsigned long long)receiver->sequence);
    receiver->sequence = sequence + 1;
    for (size_t i = SEQUENCE_BYTES; i < shape->size_bytes; i++)
        if (body[i] != (uint8_t)(i * 31 + 7))
            load_fail("message %llu came with other bytes at %zu", (unsigned long long)sequence, i);
}

static uint64_t take_verified(struct receiver *receiver, const uint8_t *p, const uint8_t *end)
{
    size_t frame_bytes = receiver->shape->frame_bytes;
    uint64_t done = 0;
    while (p < end) {
        size_t step = frame_bytes - receiver->frame_got;
        if (step > (size_t)(end - p))
            step = (size_t)(end - p);
        memcpy(receiver->frame + receiver->frame_got, p, step);
        receiver->frame_got += step;
        p += step;
        if (receiver->frame_got == frame_bytes) {
            check_frame(receiver);
            receiver->frame_got = 0;
            done++;
        }
    }
    return done;
}

static void on_receiver(struct watch *watch, uint32_t events)
{
    (void)events;
    struct receiver *receiver = (struct receiver *)watch;
    const uint8_t *p = receiver->buffer;
    const uint8_t *end = p + conn_recv(&receiver->conn, receiver->buffer, READ_BYTES);
    uint64_t done = receiver->shape->verify ? take_verified(receiver, p, end)
                                            : take_counted(receiver, p, end);
    uint64_t count = atomic_load_explicit(&receiver->count, memory_order_relaxed);
    atomic_store_explicit(&receiver->count, count + done, memory_order_relaxed);
}

/* ---- the whole ---- */

static void flow_init(struct flow *flow, const struct load_options *options)
{
    memset(flow, 0, sizeof *flow);
    flow->options = options;
    shape_init(&flow->shape, options);
    const struct shape *shape = &flow->shape;

    struct sender *sender = &flow->sender;
    sender->watch.on_event = on_sender;
    sender->shape = shape;
    sender->loop = &flow->loops[0];
    size_t messages = BLOCK_BYTES / shape->frame_bytes;
    sender->block_bytes = (messages > 0 ? messages : 1) * shape->frame_bytes;
    sender->block = load_alloc(sender->block_bytes);
    sender_fill(sender);
    conn_init(&sender->conn, &options->frontend, shape->is_lossy ? "PUB" : "PUSH");

    uint8_t *buffer = load_alloc(READ_BYTES);
    flow->receivers_count = options->receivers;
    flow->receivers = load_alloc(options->receivers * sizeof *flow->receivers);
    memset(flow->receivers, 0, options->receivers * sizeof *flow->receivers);
    for (unsigned i = 0; i < options->receivers; i++) {
        struct receiver *receiver = &flow->receivers[i];
        receiver->watch.on_event = on_receiver;
        receiver->shape = shape;
        receiver->buffer = buffer;
        receiver->frame = load_alloc(shape->frame_bytes);
        conn_init(&receiver->conn, &options->backend, shape->is_lossy ? "SUB" : "PULL");
    }
}

static void flow_open(struct flow *flow)
{
    struct conn *conns[1 + RECEIVERS_LIMIT];
    conns[0] = &flow->sender.conn;
    for (unsigned i = 0; i < flow->receivers_count; i++)
        conns[1 + i] = &flow->receivers[i].conn;
    conns_open(conns, 1 + flow->receivers_count, flow->options->buffer_kib);
}

/* Everyone subscribes to everything; the sender waits until it has heard of it. */
static void flow_subscribe(struct flow *flow)
{
    static const uint8_t subscription[3] = {0, 1, 1};
    for (unsigned i = 0; i < flow->receivers_count; i++)
        if (conn_send(&flow->receivers[i].conn, subscription, 3) != 3)
            load_fail("no room for a subscription");
    uint8_t heard[3];
    size_t got = 0;
    while (got < sizeof heard) {
        struct pollfd wait = {.fd = flow->sender.conn.fd, .events = POLLIN};
        if (poll(&wait, 1, PATIENCE_MS) == 0)
            load_fail("no subscription has reached the publisher");
        got += conn_recv(&flow->sender.conn, heard + got, sizeof heard - got);
    }
    if (memcmp(heard, subscription, sizeof heard) != 0)
        load_fail("the publisher got something else than a subscription to everything");
}

static void flow_start(struct flow *flow)
{
    unsigned last = flow->options->threads - 1;
    for (unsigned i = 0; i <= last; i++)
        loop_init(&flow->loops[i]);
    flow->loops[0].on_wake = on_limit_raised;
    flow->loops[0].owner = flow;
    flow->sender.watch.fd = flow->sender.conn.fd;
    loop_add(&flow->loops[0], &flow->sender.watch, EPOLLIN);
    for (unsigned i = 0; i < flow->receivers_count; i++) {
        struct receiver *receiver = &flow->receivers[i];
        receiver->watch.fd = receiver->conn.fd;
        loop_add(&flow->loops[last], &receiver->watch, EPOLLIN);
    }
    for (unsigned i = 0; i <= last; i++)
        loop_start(&flow->loops[i]);
}

static void flow_send_until(struct flow *flow, uint64_t messages)
{
    uint64_t limit = messages == UINT64_MAX ? messages : messages * flow->shape.frame_bytes;
    atomic_store(&flow->sender.limit_bytes, limit);
    loop_wake(&flow->loops[0]);
}

/* Also keeps each receiver's own count, for the spread among them. */
static uint64_t flow_count(const struct flow *flow, uint64_t *counts)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < flow->receivers_count; i++) {
        counts[i] = atomic_load_explicit(&flow->receivers[i].count, memory_order_relaxed);
        sum += counts[i];
    }
    return sum;
}

static void flow_mark(const struct flow *flow, struct meter_mark *mark, uint64_t *counts)
{
    meter_read(mark, flow->options->broker);
    mark->count = flow_count(flow, counts);
}

static void wait_for_count(const struct flow *flow, uint64_t messages, uint64_t *counts)
{
    for (unsigned ms = 0; flow_count(flow, counts) < messages; ms++) {
        if (ms == PATIENCE_MS)
            load_fail("only %llu of %llu messages have come",
                      (unsigned long long)flow_count(flow, counts), (unsigned long long)messages);
        meter_sleep_ms(1);
    }
}

static void print_receivers(const struct flow *flow, const uint64_t *from, const uint64_t *to)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (unsigned i = 0; i < flow->receivers_count; i++) {
        uint64_t count = to[i] - from[i];
        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    if (least == 0)
        load_fail("a receiver got nothing in %u ms", flow->options->window_ms);
    printf(",\"least\":%llu,\"most\":%llu", (unsigned long long)least, (unsigned long long)most);
}

void flow_run(const struct load_options *options)
{
    struct flow flow;
    struct meter_mark from;
    struct meter_mark to;
    uint64_t counts_from[RECEIVERS_LIMIT];
    uint64_t counts_to[RECEIVERS_LIMIT];
    if (options->receivers > RECEIVERS_LIMIT || options->size_bytes < SEQUENCE_BYTES)
        load_fail("at most %d receivers and at least %d bytes", RECEIVERS_LIMIT, SEQUENCE_BYTES);

    flow_init(&flow, options);
    flow_open(&flow);
    if (flow.shape.is_lossy)
        flow_subscribe(&flow);
    flow_start(&flow);

    uint64_t sent = 0;
    if (options->count > 0) {
        flow_send_until(&flow, options->count / 10);
        wait_for_count(&flow, options->count / 10, counts_from);
        flow_mark(&flow, &from, counts_from);
        flow_send_until(&flow, options->count / 10 + options->count);
        wait_for_count(&flow, options->count / 10 + options->count, counts_to);
        sent = options->count * flow.shape.frame_bytes;
    } else {
        flow_send_until(&flow, UINT64_MAX);
        meter_sleep_ms(options->warmup_ms);
        flow_mark(&flow, &from, counts_from);
        sent = atomic_load(&flow.sender.sent_bytes);
        meter_sleep_ms(options->window_ms);
        sent = atomic_load(&flow.sender.sent_bytes) - sent;
    }
    flow_mark(&flow, &to, counts_to);
    for (unsigned i = 0; i < options->threads; i++)
        loop_stop(&flow.loops[i]);

    printf("{");
    meter_print(&from, &to);
    printf(",\"sent\":%llu", (unsigned long long)(sent / flow.shape.frame_bytes));
    print_receivers(&flow, counts_from, counts_to);
    printf("}\n");
}
