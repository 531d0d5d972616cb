/* SPDX-License-Identifier: MIT */
/*
 * PAIR: exactly one peer, both ways, and a second one refused. RFC 31 and zmq_socket(3).
 */
#include "behaviour/util.h"

TEST(both_ways)
{
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, *state).text);
    send_parts(b, "one", "", "two");
    send_parts(b, "three");
    expect_parts(a, "one", "", "two");
    expect_parts(a, "three");
    send_parts(a, "", "four");
    expect_parts(b, "", "four");
}

TEST(without_a_peer_it_waits)
{
    void *a = open_socket(ZMQ_PAIR);
    struct endpoint where = bind_to(a, *state);
    expect_error(zmq_send(a, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    expect_error(zmq_recv(a, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(get_int(a, ZMQ_EVENTS), 0);
    void *b = open_socket(ZMQ_PAIR);
    connect_to(b, where.text);
    send_parts(a, "now");
    expect_parts(b, "now");
}

TEST(second_peer_is_refused)
{
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    void *intruder = open_socket(ZMQ_PAIR);
    struct endpoint where = bind_to(a, *state);
    connect_to(b, where.text);
    send_parts(b, "first");
    expect_parts(a, "first");
    connect_to(intruder, where.text);
    zmq_send(intruder, "intruder", 8, ZMQ_DONTWAIT);
    for (int i = 0; i < 20; i++) {
        send_parts(a, "to the first");
        expect_parts(b, "to the first");
        send_parts(b, "from the first");
        expect_parts(a, "from the first");
        nudge(intruder);
    }
    expect_nothing(a);
    expect_error(zmq_recv(intruder, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

TEST(after_the_peer_has_gone_another_may_come)
{
    if (strcmp(*state, "inproc://here") == 0)
        better_than_libzmq(); /* it refuses a newcomer while it is still clearing up */
    void *a = open_socket(ZMQ_PAIR);
    struct endpoint where = bind_to(a, *state);
    for (int i = 0; i < 3; i++) {
        void *b = open_socket(ZMQ_PAIR);
        connect_to(b, where.text);
        send_parts(b, "hello");
        expect_parts(a, "hello");
        send_parts(a, "welcome");
        expect_parts(b, "welcome");
        close_socket(b);
        wait_until(!can_send(a, 0));
    }
}

/* What the peer had sent before it went is still there to be received. */
TEST(last_words_are_heard)
{
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, *state).text);
    send_parts(b, "hello");
    expect_parts(a, "hello");
    for (int i = 0; i < 10; i++)
        send_number(b, i, 0);
    close_socket(b);
    for (int i = 0; i < 10; i++)
        assert_int_equal(recv_number(a), i);
}

TEST(full_peer_makes_it_wait)
{
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    set_int(a, ZMQ_SNDHWM, 2);
    set_int(b, ZMQ_RCVHWM, 2);
    bind_to(a, "inproc://full");
    connect_to(b, "inproc://full");
    send_parts(b, "hello");
    expect_parts(a, "hello");
    for (int i = 0; i < 4; i++)
        send_number(a, i, ZMQ_DONTWAIT);
    expect_error(zmq_send(a, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    send_parts(b, "the other way is free");
    expect_parts(a, "the other way is free");
    for (int i = 0; i < 4; i++)
        assert_int_equal(recv_number(b), i);
    send_parts(a, "room");
    expect_parts(b, "room");
}

TEST(second_connection_takes_over_when_the_first_is_given_up)
{
    void *pair = open_socket(ZMQ_PAIR), *first = open_socket(ZMQ_PAIR);
    void *second = open_socket(ZMQ_PAIR);
    struct endpoint here = bind_to(first, *state), there = bind_to(second, *state);
    set_int(pair, ZMQ_RECONNECT_IVL, 10);
    connect_to(pair, here.text);
    connect_to(pair, there.text);
    send_parts(pair, "to the first");
    expect_parts(first, "to the first");
    assert_int_equal(zmq_disconnect(pair, here.text), 0);
    send_parts(pair, "to the second");
    expect_parts(second, "to the second");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(both_ways),
        OVER_ALL(without_a_peer_it_waits),
        OVER_ALL(second_peer_is_refused),
        OVER_ALL(after_the_peer_has_gone_another_may_come),
        OVER_ALL(last_words_are_heard),
        OVER(second_connection_takes_over_when_the_first_is_given_up, "tcp", "tcp://127.0.0.1:*"),
        OVER(second_connection_takes_over_when_the_first_is_given_up, "ipc", "ipc://*"),
        RUN(full_peer_makes_it_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
