/* SPDX-License-Identifier: MIT */
/*
 * zmq_proxy() and zmq_proxy_steerable() over the sockets of several contexts, and with one socket
 * for two purposes. libzmq's manual page forbids neither, and there both work.
 */
#include "behaviour/util.h"
#include "behaviour/relay.h"

#include <signal.h>

static void *abroad; /* the second context */

static int setup(void **state)
{
    abroad = zmq_ctx_new();
    return abroad ? world_open(state) : -1;
}

static int teardown(void **state)
{
    int none = 0;
    zmq_ctx_shutdown(abroad);
    if (world.ctx)
        zmq_ctx_shutdown(world.ctx);
    while (world.threads)
        join_thread(world.thread[0]);
    while (world.sockets) {
        void *socket = world.socket[0];
        zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
        give_away(socket);
        zmq_close(socket);
    }
    return zmq_ctx_term(abroad) < 0 ? -1 : world_close(state);
}

static void *open_abroad(int type)
{
    return open_socket_in(abroad, type);
}

/* A frontend at home and a backend abroad; clients over inproc must be of the same context. */
static struct relay open_bridge(int front, int back, const char *transport)
{
    struct relay relay = {.front = open_socket(front), .back = open_abroad(back)};
    set_int(relay.front, ZMQ_SNDTIMEO, -1);
    set_int(relay.back, ZMQ_SNDTIMEO, -1);
    relay.at_front = bind_to(relay.front, transport);
    relay.at_back = bind_to(relay.back, transport);
    return relay;
}

static void *client_abroad(int type, struct endpoint where)
{
    void *client = open_abroad(type);
    connect_to(client, where.text);
    return client;
}

static void expect_end(struct relay *relay, int error)
{
    join_thread(relay->thread);
    assert_int_equal(relay->outcome->rc, error ? -1 : 0);
    if (error)
        assert_string_equal(zmq_strerror(relay->outcome->error), zmq_strerror(error));
}

/* Closes all of the second context's that would otherwise hold up its end. */
static void end_bridge(struct relay *relay, void *ctx)
{
    assert_false(atomic_load(&relay->outcome->ended));
    assert_int_equal(zmq_ctx_shutdown(ctx), 0);
    expect_end(relay, ETERM);
}

TEST(messages_cross_both_ways)
{
    struct relay relay = open_bridge(ZMQ_DEALER, ZMQ_DEALER, *state);
    start_relay(&relay);
    void *left = open_client(ZMQ_DEALER, relay.at_front);
    void *right = client_abroad(ZMQ_DEALER, relay.at_back);
    for (int i = 0; i < 500; i++) {
        send_number(left, i, ZMQ_SNDMORE);
        send_parts(left, "", "to the right");
        send_number(right, i, 0);
    }
    for (int i = 0; i < 500; i++) {
        assert_int_equal(recv_number(right), i);
        expect_parts(right, "", "to the right");
        assert_int_equal(recv_number(left), i);
    }
    end_bridge(&relay, abroad);
}

TEST(either_context_ends_it)
{
    struct relay relay = open_bridge(ZMQ_PULL, ZMQ_PUSH, *state);
    start_relay(&relay);
    send_parts(open_client(ZMQ_PUSH, relay.at_front), "x");
    expect_parts(client_abroad(ZMQ_PULL, relay.at_back), "x");
    end_bridge(&relay, world.ctx);
}

static void on_signal(int number)
{
    (void)number;
}

TEST(a_signal_ends_it)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    struct relay relay = open_bridge(ZMQ_PULL, ZMQ_PUSH, *state);
    start_relay(&relay);
    while (!atomic_load(&relay.outcome->ended)) {
        pthread_kill(relay.thread, SIGUSR1);
        nap_ms(1);
    }
    expect_end(&relay, EINTR);
}

TEST(a_queue_across)
{
    struct relay relay = open_bridge(ZMQ_ROUTER, ZMQ_DEALER, *state);
    start_relay(&relay);
    void *client[3], *worker = client_abroad(ZMQ_REP, relay.at_back);
    for (int i = 0; i < 3; i++) {
        client[i] = open_client(ZMQ_REQ, relay.at_front);
        send_number(client[i], i, 0);
    }
    for (int i = 0; i < 3; i++) {
        int number = recv_number(worker);
        send_number(worker, number + 10, 0);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(recv_number(client[i]), i + 10);
    end_bridge(&relay, abroad);
}

TEST(lock_step_across)
{
    better_than_libzmq(); /* nothing passes there */
    struct relay relay = open_bridge(ZMQ_REP, ZMQ_REQ, *state);
    start_relay(&relay);
    void *client = open_client(ZMQ_REQ, relay.at_front);
    void *worker = client_abroad(ZMQ_REP, relay.at_back);
    for (int i = 0; i < 20; i++) {
        send_parts(client, "question", "of two");
        expect_parts(worker, "question", "of two");
        send_parts(worker, "answer");
        expect_parts(client, "answer");
    }
    end_bridge(&relay, abroad);
}

TEST(subscriptions_cross)
{
    struct relay relay = open_bridge(ZMQ_XSUB, ZMQ_XPUB, *state);
    start_relay(&relay);
    void *pub = open_client(ZMQ_XPUB, relay.at_front);
    void *sub = client_abroad(ZMQ_SUB, relay.at_back);
    set_text(sub, ZMQ_SUBSCRIBE, "a");
    expect_parts(pub, "\1a");
    send_parts(pub, "b");
    send_parts(pub, "a", "news");
    expect_parts(sub, "a", "news");
    end_bridge(&relay, abroad);
}

/* What nobody takes is not taken from those who send, and nothing of it is lost. */
TEST(full_sides_hold_the_others_up)
{
    int sent = 0;
    struct relay relay = {.front = open_socket(ZMQ_PULL), .back = open_abroad(ZMQ_PUSH)};
    set_int(relay.front, ZMQ_RCVHWM, 5);
    set_int(relay.back, ZMQ_SNDHWM, 5);
    set_int(relay.back, ZMQ_SNDTIMEO, -1);
    relay.at_front = bind_to(relay.front, *state);
    relay.at_back = bind_to(relay.back, *state);
    start_relay(&relay);
    void *source = open_socket(ZMQ_PUSH), *sink = open_abroad(ZMQ_PULL);
    set_int(source, ZMQ_SNDHWM, 5);
    set_int(sink, ZMQ_RCVHWM, 5);
    connect_to(source, relay.at_front.text);
    connect_to(sink, relay.at_back.text);
    static char large[100000];
    set_int(source, ZMQ_SNDTIMEO, QUIET_MS);
    do {
        memcpy(large, &sent, sizeof sent);
    } while (zmq_send(source, large, sizeof large, 0) > 0 && ++sent < 1000);
    assert_in_range(sent, 10, 999);
    for (int i = 0; i < sent; i++) {
        int number = -1;
        assert_int_equal(zmq_recv(sink, &number, sizeof number, 0), sizeof large);
        assert_int_equal(number, i);
    }
    send_parts(source, "last");
    expect_parts(sink, "last");
    end_bridge(&relay, abroad);
}

/* Capture and control at home or abroad, seen from the two faces. */
static void steer_from(void *here, void *there, const char *transport)
{
    void *source, *sink;
    uint64_t count[STATISTICS];
    struct relay relay = open_bridge(ZMQ_PULL, ZMQ_PUSH, transport);
    relay.capture = open_socket_in(here, ZMQ_PUSH);
    relay.captured = open_socket_in(here, ZMQ_PULL);
    relay.control = open_socket_in(there, ZMQ_PAIR);
    relay.steering = open_socket_in(there, ZMQ_PAIR);
    bind_to(relay.captured, "inproc://capture");
    connect_to(relay.capture, "inproc://capture");
    bind_to(relay.control, "inproc://control");
    connect_to(relay.steering, "inproc://control");
    source = open_client(ZMQ_PUSH, relay.at_front);
    sink = client_abroad(ZMQ_PULL, relay.at_back);
    start_relay(&relay);
    send_parts(source, "one", "and a half");
    expect_parts(sink, "one", "and a half");
    expect_parts(relay.captured, "one", "and a half");
    steer(&relay, "PAUSE");
    send_parts(source, "two");
    expect_nothing(sink);
    steer(&relay, "RESUME");
    expect_parts(sink, "two");
    expect_parts(relay.captured, "two");
    ask_statistics(&relay, count);
    assert_int_equal(count[0], 2);
    assert_int_equal(count[1], 16);
    assert_int_equal(count[6], 2);
    assert_int_equal(count[7], 16);
    terminate_relay(&relay);
    send_parts(source, "by hand"); /* the sockets are the caller's again */
    expect_parts(relay.front, "by hand");
}

TEST(capture_abroad_and_control_at_home)
{
    better_than_libzmq(); /* it counts parts and not messages, and what it read for the captures */
    steer_from(abroad, world.ctx, *state);
}

TEST(capture_at_home_and_control_abroad)
{
    better_than_libzmq();
    steer_from(world.ctx, abroad, *state);
}

TEST(a_face_may_capture)
{
    struct relay relay = open_relay(ZMQ_DEALER, ZMQ_DEALER, *state);
    relay.capture = relay.front;
    start_relay(&relay);
    void *left = open_client(ZMQ_DEALER, relay.at_front);
    void *right = open_client(ZMQ_DEALER, relay.at_back);
    send_parts(left, "hello");
    expect_parts(right, "hello");
    expect_parts(left, "hello");
    send_parts(right, "twice");
    expect_parts(left, "twice");
    expect_parts(left, "twice");
    end_relay(&relay);
}

TEST(the_control_may_capture)
{
    struct relay relay = open_relay(ZMQ_DEALER, ZMQ_DEALER, *state);
    add_control(&relay);
    relay.capture = relay.control;
    start_relay(&relay);
    void *left = open_client(ZMQ_DEALER, relay.at_front);
    void *right = open_client(ZMQ_DEALER, relay.at_back);
    send_parts(left, "hello");
    expect_parts(right, "hello");
    expect_parts(relay.steering, "hello");
    terminate_relay(&relay);
}

static void *answer_requests(void *worker)
{
    char text[8];
    int size;
    while ((size = zmq_recv(worker, text, sizeof text, 0)) >= 0)
        zmq_send(worker, text, (size_t)size, 0);
    return NULL;
}

/* Both sides at once, so that each path meets the other's locks. */
TEST(traffic_in_both_directions)
{
    enum { REQUESTS = 3000, AHEAD = 100 };
    struct relay relay = open_bridge(ZMQ_ROUTER, ZMQ_DEALER, *state);
    start_relay(&relay);
    start_thread(answer_requests, client_abroad(ZMQ_REP, relay.at_back));
    start_thread(answer_requests, client_abroad(ZMQ_REP, relay.at_back));
    void *client = open_client(ZMQ_DEALER, relay.at_front);
    for (int sent = 0, received = 0; received < REQUESTS; received++) {
        for (; sent < REQUESTS && sent < received + AHEAD; sent++) {
            send_bytes(client, "", 0, ZMQ_SNDMORE);
            send_number(client, sent, 0);
        }
        assert_int_equal(recv_id(client).size, 0);
        recv_number(client);
    }
    end_bridge(&relay, world.ctx);
}

TEST(what_cannot_work_is_refused)
{
    better_than_libzmq(); /* which finds out later, or asserts */
    void *here = open_socket(ZMQ_DEALER), *there = open_abroad(ZMQ_DEALER);
    void *pull = open_abroad(ZMQ_PULL), *push = open_abroad(ZMQ_PUSH);
    expect_error(zmq_proxy(here, &abroad, NULL), ENOTSOCK);
    expect_error(zmq_proxy(here, there, pull), EINVAL);
    expect_error(zmq_proxy_steerable(here, there, NULL, push), EINVAL);
    expect_error(zmq_proxy_steerable(here, there, NULL, there), EBUSY);
    zmq_ctx_shutdown(abroad);
    expect_error(zmq_proxy(here, there, NULL), ETERM);
}

#define RUN_HERE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define CASE(test, transport, endpoint)                                                \
    {                                                                                  \
#test "_over_" transport, test, setup, teardown, (void *)(uintptr_t)(endpoint) \
    }
#define ACROSS(test)                                                      \
    CASE(test, "tcp", "tcp://127.0.0.1:*"), CASE(test, "ipc", "ipc://*"), \
        CASE(test, "inproc", "inproc://here")

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACROSS(messages_cross_both_ways),
        ACROSS(either_context_ends_it),
        ACROSS(a_signal_ends_it),
        ACROSS(a_queue_across),
        ACROSS(lock_step_across),
        ACROSS(subscriptions_cross),
        ACROSS(full_sides_hold_the_others_up),
        ACROSS(capture_abroad_and_control_at_home),
        ACROSS(capture_at_home_and_control_abroad),
        OVER_ALL(a_face_may_capture),
        OVER_ALL(the_control_may_capture),
        ACROSS(traffic_in_both_directions),
        RUN_HERE(what_cannot_work_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
