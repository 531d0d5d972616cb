/* SPDX-License-Identifier: MIT */
/*
 * Cancelling never loses a message: green threads that send, receive and relay numbered messages
 * are cancelled at random and replaced, and every message is accounted for, once and in its order.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>
#include <stdatomic.h>

enum { MESSAGES = 20000, HWM = 10 };

/* One flow of numbers through the sockets of the test. */
static struct flow {
    void *source, *front, *back, *sink; /* front and back with a relay between only */
    int sent, received;                 /* the next number of each */
    bool half;                          /* the first part of a message has been received */
    int cancels;
    atomic_bool over;
} flow;

/* Ours, so that a failure can be had again. */
static unsigned chance(unsigned n)
{
    static unsigned seed = 1;
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % n;
}

/* A number counts as sent when the call says so. Every third is of two parts, which belong
 * together: who has sent the first sends the second. */
static void *send_numbers(void *arg)
{
    while (flow.sent < MESSAGES) {
        int number = flow.sent;
        if (number % 3 == 0) {
            if (zmq_send(flow.source, &number, sizeof number, ZMQ_SNDMORE) < 0)
                return arg;
            gmq_shield(1);
            int rc = zmq_send(flow.source, "rest", 4, 0);
            gmq_shield(0);
            if (rc < 0)
                return NULL;
        } else if (zmq_send(flow.source, &number, sizeof number, 0) < 0) {
            return arg;
        }
        flow.sent++;
    }
    return arg;
}

/* False: something is out of order. */
static bool note_part(const char *data, int size, bool more)
{
    int number = -1;
    if (flow.half) {
        flow.half = false;
        return size == 4 && memcmp(data, "rest", 4) == 0 && !more;
    }
    memcpy(&number, data, sizeof number);
    flow.half = more;
    return size == (int)sizeof number && number == flow.received++ && more == (number % 3 == 0);
}

static bool has_more(void)
{
    int more = 0;
    size_t size = sizeof more;
    zmq_getsockopt(flow.sink, ZMQ_RCVMORE, &more, &size);
    return more;
}

/* By turns with each call that receives. NULL: something is out of order. */
static void *receive_numbers(void *arg)
{
    while (flow.received < MESSAGES || flow.half) {
        char text[8] = "";
        int rc = 0;
        zmq_msg_t msg;
        zmq_pollitem_t item = {.socket = flow.sink, .events = ZMQ_POLLIN};
        switch (chance(3)) {
        case 0: rc = zmq_recv(flow.sink, text, sizeof text, 0); break;
        case 1:
            if (zmq_poll(&item, 1, -1) < 0)
                return arg;
            rc = zmq_recv(flow.sink, text, sizeof text, ZMQ_DONTWAIT);
            break;
        default:
            zmq_msg_init(&msg);
            rc = zmq_msg_recv(&msg, flow.sink, 0);
            if (rc >= 0)
                memcpy(text, zmq_msg_data(&msg), rc < 8 ? (size_t)rc : 8);
            zmq_msg_close(&msg);
        }
        if (rc < 0)
            return arg;
        if (!note_part(text, rc, has_more()))
            return NULL;
    }
    return arg;
}

static void *relay_all(void *arg)
{
    int rc = zmq_proxy(flow.front, flow.back, NULL);
    return rc < 0 && zmq_errno() == ECANCELED ? arg : NULL;
}

/* Takes turns: one direction of a relay by hand, message by message. */
static void *relay_by_hand(void *arg)
{
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = flow.front, .events = ZMQ_POLLIN}};
        if (zmq_poll(items, 1, -1) < 0)
            return arg;
        items[0] = (zmq_pollitem_t){.socket = flow.back, .events = ZMQ_POLLOUT};
        if (zmq_poll(items, 1, -1) < 0)
            return arg;
        for (int more = 1; more;) {
            zmq_msg_t msg;
            zmq_msg_init(&msg);
            if (zmq_msg_recv(&msg, flow.front, ZMQ_DONTWAIT) < 0)
                return NULL;
            more = zmq_msg_more(&msg);
            if (zmq_msg_send(&msg, flow.back, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0)
                return NULL;
        }
    }
}

/* ---- cancelling --------------------------------------------------------------------------- */

static _Atomic int64_t victims[3];

static void *cancel_from_outside(void *arg)
{
    unsigned i = 0;
    while (!atomic_load(&flow.over)) {
        int64_t victim = atomic_load(&victims[i++ % 3]);
        nap_ms(1);
        gmq_cancel(victim); /* it may be gone */
    }
    return arg;
}

/* Replaces a thread that has ended; fails if it has seen something wrong. */
static void keep_alive(int place, void *(*run)(void *arg))
{
    void *result = NULL;
    int64_t thread = atomic_load(&victims[place]);
    if (thread) {
        int rc = gmq_join(thread, &result, 0);
        if (rc < 0 && errno == ETIMEDOUT)
            return;
        assert_int_equal(rc, 0);
        assert_non_null(result);
        flow.cancels++;
    }
    thread = gmq_spawn(run, &flow, NULL);
    assert_true(thread > 0);
    atomic_store(&victims[place], thread);
}

static void end_all(void)
{
    for (int i = 0; i < 3; i++) {
        int64_t thread = atomic_exchange(&victims[i], 0);
        if (!thread)
            continue;
        gmq_cancel(thread);
        assert_int_equal(gmq_join(thread, NULL, gmq_now() + DEADLINE_MS), 0);
    }
}

/* Runs senders, receivers and relays, and cancels them, until all numbers have come. */
static void run_flow(void *(*relay)(void *arg))
{
    int64_t give_up = now_ms() + 2 * DEADLINE_MS;
    pthread_t outside = start_thread(cancel_from_outside, &flow);
    while (flow.received < MESSAGES || flow.half) {
        keep_alive(0, send_numbers);
        keep_alive(1, receive_numbers);
        if (relay)
            keep_alive(2, relay);
        for (unsigned turns = chance(8); turns; turns--)
            gmq_yield();
        if (chance(10) == 0)
            gmq_sleep(1);
        gmq_cancel(atomic_load(&victims[chance(relay ? 3 : 2)]));
        assert_true(now_ms() < give_up);
    }
    atomic_store(&flow.over, true);
    join_thread(outside);
    end_all();
    assert_int_equal(flow.sent, MESSAGES);
    assert_true(flow.cancels > 50);
}

static void *open_narrow(void *ctx, int type)
{
    void *socket = open_socket_in(ctx, type);
    set_int(socket, ZMQ_SNDHWM, HWM);
    set_int(socket, ZMQ_RCVHWM, HWM);
    set_int(socket, ZMQ_SNDTIMEO, -1);
    set_int(socket, ZMQ_RCVTIMEO, -1);
    return socket;
}

/* Inproc sockets must be of one context, and so the faces of a relay are with their neighbours. */
static void open_flow(void *ctx, void *second, const char *endpoint, bool relayed)
{
    flow = (struct flow){.source = open_narrow(ctx, ZMQ_PUSH)};
    flow.sink = open_narrow(second, ZMQ_PULL);
    if (!relayed) {
        connect_to(flow.source, bind_to(flow.sink, endpoint).text);
        return;
    }
    bool inproc = strcmp(endpoint, "inproc://here") == 0;
    flow.front = open_narrow(ctx, ZMQ_PULL);
    flow.back = open_narrow(second, ZMQ_PUSH);
    connect_to(flow.source, bind_to(flow.front, endpoint).text);
    connect_to(flow.sink, bind_to(flow.back, inproc ? "inproc://there" : endpoint).text);
}

TEST(senders_and_receivers)
{
    open_flow(world.ctx, world.ctx, *state, false);
    run_flow(NULL);
}

TEST(without_io_thread)
{
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0), 0);
    open_flow(world.ctx, world.ctx, *state, false);
    run_flow(NULL);
}

TEST(relays_by_hand)
{
    open_flow(world.ctx, world.ctx, *state, true);
    run_flow(relay_by_hand);
}

TEST(devices)
{
    open_flow(world.ctx, world.ctx, *state, true);
    run_flow(relay_all);
}

static void between_contexts(const char *endpoint, int io_threads)
{
    void *second = zmq_ctx_new();
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, io_threads), 0);
    assert_int_equal(zmq_ctx_set(second, ZMQ_IO_THREADS, io_threads), 0);
    open_flow(world.ctx, second, endpoint, true);
    run_flow(relay_all);
    close_socket(flow.back);
    close_socket(flow.sink);
    assert_int_equal(zmq_ctx_term(second), 0);
}

TEST(proxies_between_contexts)
{
    between_contexts(*state, 1);
}

TEST(proxies_between_contexts_without_io_thread)
{
    between_contexts(*state, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(senders_and_receivers),    OVER_ALL(without_io_thread),
        OVER_ALL(relays_by_hand),           OVER_ALL(devices),
        OVER_ALL(proxies_between_contexts), OVER_ALL(proxies_between_contexts_without_io_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
