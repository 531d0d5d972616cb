/* SPDX-License-Identifier: MIT */
/*
 * zmq_proxy_steerable: PAUSE, RESUME, TERMINATE and STATISTICS, over the kinds of control sockets,
 * and what it says to anything else. zmq_proxy_steerable(3).
 */
#include "behaviour/util.h"
#include "behaviour/relay.h"

/* What STATISTICS counts, in its order. */
enum {
    FRONT_IN,
    FRONT_IN_BYTES,
    FRONT_OUT,
    FRONT_OUT_BYTES,
    BACK_IN,
    BACK_IN_BYTES,
    BACK_OUT,
    BACK_OUT_BYTES
};

static struct relay open_streamer(const char *transport, void **source, void **sink)
{
    struct relay relay = open_relay(ZMQ_PULL, ZMQ_PUSH, transport);
    add_control(&relay);
    *source = open_client(ZMQ_PUSH, relay.at_front);
    *sink = open_client(ZMQ_PULL, relay.at_back);
    return relay;
}

TEST(terminate_ends_it_well)
{
    void *source, *sink;
    struct relay relay = open_streamer(*state, &source, &sink);
    start_relay(&relay);
    send_parts(source, "through");
    expect_parts(sink, "through");
    terminate_relay(&relay);
    assert_int_equal(relay.outcome->rc, 0);
}

TEST(terminate_ends_an_idle_one)
{
    struct relay relay = open_relay(ZMQ_ROUTER, ZMQ_DEALER, *state);
    add_control(&relay);
    start_relay(&relay);
    terminate_relay(&relay);
}

TEST(paused_it_forwards_nothing_and_resumed_everything)
{
    void *source, *sink;
    struct relay relay = open_streamer(*state, &source, &sink);
    start_relay(&relay);
    send_parts(source, "before");
    expect_parts(sink, "before");
    for (int round = 0; round < 3; round++) {
        steer(&relay, "PAUSE");
        for (int i = 0; i < 20; i++)
            send_number(source, i, 0);
        expect_nothing(sink);
        steer(&relay, "RESUME");
        for (int i = 0; i < 20; i++)
            assert_int_equal(recv_number(sink), i);
    }
    terminate_relay(&relay);
}

TEST(pause_and_resume_may_be_said_twice)
{
    void *source, *sink;
    struct relay relay = open_streamer(*state, &source, &sink);
    start_relay(&relay);
    steer(&relay, "RESUME");
    send_parts(source, "one");
    expect_parts(sink, "one");
    steer(&relay, "PAUSE");
    steer(&relay, "PAUSE");
    send_parts(source, "two");
    expect_nothing(sink);
    steer(&relay, "RESUME");
    expect_parts(sink, "two");
    steer(&relay, "PAUSE");
    terminate_relay(&relay); /* paused as well */
}

TEST(pause_stops_both_directions)
{
    struct relay relay = open_relay(ZMQ_DEALER, ZMQ_DEALER, *state);
    add_control(&relay);
    void *left = open_client(ZMQ_DEALER, relay.at_front);
    void *right = open_client(ZMQ_DEALER, relay.at_back);
    start_relay(&relay);
    send_parts(left, "hello");
    expect_parts(right, "hello");
    steer(&relay, "PAUSE");
    send_parts(left, "to the right");
    send_parts(right, "to the left");
    expect_nothing(left);
    expect_nothing(right);
    steer(&relay, "RESUME");
    expect_parts(right, "to the right");
    expect_parts(left, "to the left");
    terminate_relay(&relay);
}

TEST(statistics_count_what_passed)
{
    uint64_t count[STATISTICS];
    void *source, *sink;
    struct relay relay = open_streamer(*state, &source, &sink);
    start_relay(&relay);
    ask_statistics(&relay, count);
    for (int i = 0; i < STATISTICS; i++)
        assert_int_equal(count[i], 0);
    for (int i = 0; i < 100; i++)
        send_parts(source, "12345");
    for (int i = 0; i < 100; i++)
        expect_parts(sink, "12345");
    ask_statistics(&relay, count);
    assert_int_equal(count[FRONT_IN], 100);
    assert_int_equal(count[FRONT_IN_BYTES], 500);
    assert_int_equal(count[FRONT_OUT], 0);
    assert_int_equal(count[FRONT_OUT_BYTES], 0);
    assert_int_equal(count[BACK_IN], 0);
    assert_int_equal(count[BACK_IN_BYTES], 0);
    assert_int_equal(count[BACK_OUT], 100);
    assert_int_equal(count[BACK_OUT_BYTES], 500);
    terminate_relay(&relay);
}

TEST(statistics_count_both_directions)
{
    uint64_t count[STATISTICS];
    struct relay relay = open_relay(ZMQ_DEALER, ZMQ_DEALER, *state);
    add_control(&relay);
    void *left = open_client(ZMQ_DEALER, relay.at_front);
    void *right = open_client(ZMQ_DEALER, relay.at_back);
    start_relay(&relay);
    for (int i = 0; i < 10; i++) {
        send_parts(left, "request");
        expect_parts(right, "request");
        if (i % 2) {
            send_parts(right, "ok");
            expect_parts(left, "ok");
        }
    }
    ask_statistics(&relay, count);
    assert_int_equal(count[FRONT_IN], 10);
    assert_int_equal(count[FRONT_IN_BYTES], 70);
    assert_int_equal(count[BACK_OUT], 10);
    assert_int_equal(count[BACK_OUT_BYTES], 70);
    assert_int_equal(count[BACK_IN], 5);
    assert_int_equal(count[BACK_IN_BYTES], 10);
    assert_int_equal(count[FRONT_OUT], 5);
    assert_int_equal(count[FRONT_OUT_BYTES], 10);
    terminate_relay(&relay);
}

TEST(statistics_are_told_while_paused)
{
    uint64_t count[STATISTICS];
    void *source, *sink;
    struct relay relay = open_streamer(*state, &source, &sink);
    start_relay(&relay);
    send_parts(source, "x");
    expect_parts(sink, "x");
    steer(&relay, "PAUSE");
    ask_statistics(&relay, count);
    assert_int_equal(count[BACK_OUT], 1);
    terminate_relay(&relay);
}

/* A REP must answer, so it does: with an empty message. Debian's libzmq leaves its REQ waiting. */
TEST(rep_as_control)
{
    better_than_libzmq();
    void *source, *sink;
    uint64_t count[STATISTICS];
    struct relay relay = open_relay(ZMQ_PULL, ZMQ_PUSH, *state);
    relay.control = open_socket(ZMQ_REP);
    relay.steering = open_socket(ZMQ_REQ);
    bind_to(relay.control, "inproc://control");
    connect_to(relay.steering, "inproc://control");
    source = open_client(ZMQ_PUSH, relay.at_front);
    sink = open_client(ZMQ_PULL, relay.at_back);
    start_relay(&relay);
    send_parts(source, "one");
    expect_parts(sink, "one");
    send_parts(relay.steering, "PAUSE");
    expect_parts(relay.steering, "");
    send_parts(source, "two");
    ask_statistics(&relay, count);
    assert_int_equal(count[BACK_OUT], 1);
    expect_nothing(sink);
    send_parts(relay.steering, "RESUME");
    expect_parts(relay.steering, "");
    expect_parts(sink, "two");
    send_parts(relay.steering, "TERMINATE");
    expect_parts(relay.steering, "");
    join_thread(relay.thread);
    assert_int_equal(relay.outcome->rc, 0);
}

TEST(subscriber_as_control)
{
    void *source, *sink;
    struct relay relay = open_relay(ZMQ_PULL, ZMQ_PUSH, *state);
    relay.control = open_socket(ZMQ_SUB);
    relay.steering = open_socket(ZMQ_XPUB);
    set_text(relay.control, ZMQ_SUBSCRIBE, "");
    bind_to(relay.steering, "inproc://control");
    connect_to(relay.control, "inproc://control");
    expect_parts(relay.steering, "\1");
    source = open_client(ZMQ_PUSH, relay.at_front);
    sink = open_client(ZMQ_PULL, relay.at_back);
    start_relay(&relay);
    send_parts(source, "one");
    expect_parts(sink, "one");
    send_parts(relay.steering, "TERMINATE");
    join_thread(relay.thread);
    assert_int_equal(relay.outcome->rc, 0);
}

/* libzmq ends the process over them. */
TEST(unknown_commands_are_survived)
{
    better_than_libzmq();
    static const char *const unknown[] = {"", "pause", "PAUSED", "STOP", "TERMINAT", "TERMINATED"};
    void *source, *sink;
    struct relay relay = open_streamer(*state, &source, &sink);
    start_relay(&relay);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        send_parts(relay.steering, unknown[i]);
        send_parts(source, "still here");
        expect_parts(sink, "still here");
    }
    terminate_relay(&relay);
}

TEST(without_control_it_is_a_proxy)
{
    struct relay relay = open_relay(ZMQ_PULL, ZMQ_PUSH, *state);
    start_relay(&relay);
    void *source = open_client(ZMQ_PUSH, relay.at_front);
    void *sink = open_client(ZMQ_PULL, relay.at_back);
    send_parts(source, "through");
    expect_parts(sink, "through");
    end_relay(&relay);
}

TEST(shutdown_ends_it_too)
{
    void *source, *sink;
    struct relay relay = open_streamer(*state, &source, &sink);
    start_relay(&relay);
    steer(&relay, "PAUSE");
    end_relay(&relay);
}

/* After the end its sockets are the caller's again, and work. */
TEST(sockets_outlive_it)
{
    void *source, *sink;
    struct relay relay = open_streamer(*state, &source, &sink);
    for (int i = 0; i < 3; i++) {
        start_relay(&relay);
        send_parts(source, "through");
        expect_parts(sink, "through");
        terminate_relay(&relay);
        send_parts(source, "by hand");
        expect_parts(relay.front, "by hand");
        send_parts(relay.back, "by hand too");
        expect_parts(sink, "by hand too");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(terminate_ends_it_well),
        OVER_ALL(terminate_ends_an_idle_one),
        OVER_ALL(paused_it_forwards_nothing_and_resumed_everything),
        OVER_ALL(pause_and_resume_may_be_said_twice),
        OVER_ALL(pause_stops_both_directions),
        OVER_ALL(statistics_count_what_passed),
        OVER_ALL(statistics_count_both_directions),
        OVER_ALL(statistics_are_told_while_paused),
        OVER_ALL(rep_as_control),
        OVER_ALL(subscriber_as_control),
        OVER_ALL(unknown_commands_are_survived),
        OVER_ALL(without_control_it_is_a_proxy),
        OVER_ALL(shutdown_ends_it_too),
        OVER_ALL(sockets_outlive_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
