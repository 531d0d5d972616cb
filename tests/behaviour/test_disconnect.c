/* SPDX-License-Identifier: MIT */
/*
 * What zmq_disconnect() and zmq_unbind() end, and what becomes of the messages that were under way:
 * what a socket disconnects itself from it hears nothing more of; what came over a listener that is
 * unbound can still be received, but its connections go with it. Over inproc those stay.
 */
#include "behaviour/util.h"

enum { MANY = 500 };

struct ends {
    void *bound, *connected;
    struct endpoint where;
};

static struct ends join_ends(void **state, int bound, int connected)
{
    struct ends ends = {.bound = open_socket(bound), .connected = open_socket(connected)};
    ends.where = bind_to(ends.bound, *state);
    connect_to(ends.connected, ends.where.text);
    return ends;
}

/* `other` has left, or is made to notice that it has been left. */
static void wait_for_no_peer(void *socket, void *other)
{
    wait_until((nudge(other), !can_send(socket, 0)));
    expect_error(zmq_send(socket, "", 0, ZMQ_DONTWAIT), EAGAIN);
}

TEST(what_was_not_received_is_forgotten_with_the_connection)
{
    struct ends ends = join_ends(state, ZMQ_PUSH, ZMQ_PULL);
    send_parts(ends.bound, "one");
    send_parts(ends.bound, "two", "parts");
    assert_true(can_recv(ends.connected, DEADLINE_MS));
    assert_int_equal(zmq_disconnect(ends.connected, ends.where.text), 0);
    wait_for_no_peer(ends.bound, ends.connected);
    expect_nothing(ends.connected);
    connect_to(ends.connected, ends.where.text);
    send_parts(ends.bound, "three");
    expect_parts(ends.connected, "three");
}

TEST(message_under_way_is_received_to_its_end)
{
    better_than_libzmq(); /* it ends the process: !_more (src/fq.cpp:112) */
    struct ends ends = join_ends(state, ZMQ_PUSH, ZMQ_PULL);
    send_parts(ends.bound, "first", "second", "third");
    struct part first = recv_part(ends.connected);
    assert_true(part_is(&first, "first"));
    assert_int_equal(zmq_disconnect(ends.connected, ends.where.text), 0);
    expect_parts(ends.connected, "second", "third");
    expect_nothing(ends.connected);
}

TEST(what_was_sent_leaves_before_the_connection)
{
    struct ends ends = join_ends(state, ZMQ_PULL, ZMQ_PUSH);
    for (int i = 0; i < MANY; i++)
        send_number(ends.connected, i, 0);
    assert_int_equal(zmq_disconnect(ends.connected, ends.where.text), 0);
    expect_error(zmq_send(ends.connected, "", 0, ZMQ_DONTWAIT), EAGAIN);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(recv_number(ends.bound), i);
}

TEST(unbinding_ends_the_connections_too)
{
    struct ends ends = join_ends(state, ZMQ_PUSH, ZMQ_PULL);
    send_parts(ends.bound, "hello");
    expect_parts(ends.connected, "hello");
    assert_int_equal(zmq_unbind(ends.bound, ends.where.text), 0);
    wait_for_no_peer(ends.bound, ends.connected);
}

TEST(what_came_before_unbinding_can_be_received)
{
    struct ends ends = join_ends(state, ZMQ_PULL, ZMQ_PUSH);
    send_parts(ends.connected, "hello");
    assert_true(can_recv(ends.bound, DEADLINE_MS));
    assert_int_equal(zmq_unbind(ends.bound, ends.where.text), 0);
    expect_parts(ends.bound, "hello");
    expect_nothing(ends.bound);
}

TEST(what_was_sent_leaves_before_unbinding_is_done)
{
    struct ends ends = join_ends(state, ZMQ_PUSH, ZMQ_PULL);
    for (int i = 0; i < MANY; i++)
        send_number(ends.bound, i, 0);
    assert_int_equal(zmq_unbind(ends.bound, ends.where.text), 0);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(recv_number(ends.connected), i);
    wait_for_no_peer(ends.bound, ends.connected);
}

TEST(connections_by_another_listener_stay)
{
    struct ends ends = join_ends(state, ZMQ_PULL, ZMQ_PUSH);
    void *other = open_socket(ZMQ_PUSH);
    struct endpoint second = bind_to(ends.bound, "tcp://127.0.0.1:*");
    connect_to(other, second.text);
    send_parts(other, "one");
    expect_parts(ends.bound, "one");
    assert_int_equal(zmq_unbind(ends.bound, ends.where.text), 0);
    send_parts(other, "two");
    expect_parts(ends.bound, "two");
}

TEST(over_inproc_unbinding_frees_the_name_only)
{
    void *other = open_socket(ZMQ_PAIR);
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    bind_to(a, "inproc://name");
    connect_to(b, "inproc://name");
    assert_int_equal(zmq_unbind(a, "inproc://name"), 0);
    expect_error(zmq_unbind(a, "inproc://name"), ENOENT);
    bind_to(other, "inproc://name");
    send_parts(b, "still");
    expect_parts(a, "still");
}

TEST(each_call_does_the_work_of_the_other)
{
    struct ends ends = join_ends(state, ZMQ_PUSH, ZMQ_PULL);
    send_parts(ends.bound, "hello");
    expect_parts(ends.connected, "hello");
    assert_int_equal(zmq_unbind(ends.connected, ends.where.text), 0);
    expect_error(zmq_disconnect(ends.connected, ends.where.text), ENOENT);
    wait_for_no_peer(ends.bound, ends.connected);
    assert_int_equal(zmq_disconnect(ends.bound, ends.where.text), 0);
    expect_error(zmq_unbind(ends.bound, ends.where.text), ENOENT);
}

TEST(one_call_ends_all_connections_to_an_endpoint)
{
    struct ends ends = join_ends(state, ZMQ_PULL, ZMQ_PUSH);
    connect_to(ends.connected, ends.where.text);
    connect_to(ends.connected, ends.where.text);
    assert_int_equal(zmq_disconnect(ends.connected, ends.where.text), 0);
    expect_error(zmq_disconnect(ends.connected, ends.where.text), ENOENT);
    expect_error(zmq_send(ends.connected, "", 0, ZMQ_DONTWAIT), EAGAIN);
}

TEST(subscriber_that_disconnects_hears_nothing_more)
{
    struct ends ends = join_ends(state, ZMQ_XPUB, ZMQ_SUB);
    assert_int_equal(zmq_setsockopt(ends.connected, ZMQ_SUBSCRIBE, "A", 1), 0);
    expect_parts(ends.bound, "\1A");
    send_parts(ends.bound, "A1");
    assert_int_equal(zmq_disconnect(ends.connected, ends.where.text), 0);
    send_parts(ends.bound, "A2");
    expect_nothing(ends.connected);
    connect_to(ends.connected, ends.where.text);
    struct part note;
    do { /* the end of the first subscription, then the second; libzmq tells both late */
        note = recv_part(ends.bound);
        assert_int_equal(note.size, 2);
    } while (note.data[0] == 0);
    send_parts(ends.bound, "A3");
    expect_parts(ends.connected, "A3");
}

#define OVER_WIRES(test) OVER(test, "tcp", "tcp://127.0.0.1:*"), OVER(test, "ipc", "ipc://*")

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(what_was_not_received_is_forgotten_with_the_connection),
        OVER_ALL(message_under_way_is_received_to_its_end),
        OVER_ALL(what_was_sent_leaves_before_the_connection),
        OVER_WIRES(unbinding_ends_the_connections_too),
        OVER_WIRES(what_came_before_unbinding_can_be_received),
        OVER_WIRES(what_was_sent_leaves_before_unbinding_is_done),
        OVER_WIRES(connections_by_another_listener_stay),
        RUN(over_inproc_unbinding_frees_the_name_only),
        OVER_ALL(each_call_does_the_work_of_the_other),
        OVER_ALL(one_call_ends_all_connections_to_an_endpoint),
        OVER_WIRES(subscriber_that_disconnects_hears_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
