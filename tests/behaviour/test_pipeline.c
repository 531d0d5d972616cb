/* SPDX-License-Identifier: MIT */
/*
 * PUSH and PULL: work shared out in turn, heard in turn, never lost for want of room, and waiting
 * when there is nobody to take it. RFC 30 and zmq_socket(3).
 */
#include "behaviour/util.h"

TEST(work_arrives_in_order)
{
    enum { MESSAGES = 3000 };
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    for (int i = 0; i < MESSAGES / 10; i++) {
        for (int n = 0; n < 10; n++)
            send_number(push, i * 10 + n, 0);
        for (int n = 0; n < 10; n++)
            assert_int_equal(recv_number(pull), i * 10 + n);
    }
}

TEST(either_side_may_bind)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(pull, bind_to(push, *state).text);
    send_parts(push, "a", "", "b");
    send_parts(push, "");
    expect_parts(pull, "a", "", "b");
    expect_parts(pull, "");
}

TEST(work_goes_round_the_workers)
{
    enum { WORKERS = 5 };
    void *push = open_socket(ZMQ_PUSH);
    void *pull[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        pull[i] = open_socket(ZMQ_PULL);
        connect_to(push, bind_to(pull[i], "tcp://127.0.0.1:*").text);
    }
    for (int i = 0; i < WORKERS * 10; i++) {
        send_number(push, i, ZMQ_SNDMORE);
        send_parts(push, "tail");
    }
    for (int i = 0; i < WORKERS * 10; i++) {
        assert_int_equal(recv_number(pull[i % WORKERS]), i);
        expect_parts(pull[i % WORKERS], "tail");
    }
}

TEST(sources_are_heard_in_turn)
{
    enum { SOURCES = 3 };
    void *pull = open_socket(ZMQ_PULL);
    bind_to(pull, "inproc://fair");
    for (int i = 0; i < SOURCES; i++) {
        void *push = open_socket(ZMQ_PUSH);
        connect_to(push, "inproc://fair");
        for (int n = 0; n < 10; n++) {
            send_number(push, i, ZMQ_SNDMORE);
            send_parts(push, "tail");
        }
    }
    int heard[SOURCES] = {0};
    for (int n = 0; n < SOURCES * 10; n++) {
        int from = recv_number(pull);
        assert_in_range(from, 0, SOURCES - 1);
        assert_int_equal(heard[from]++, n / SOURCES);
        expect_parts(pull, "tail");
    }
}

TEST(without_a_worker_it_waits)
{
    void *push = open_socket(ZMQ_PUSH);
    struct endpoint where = bind_to(push, *state);
    expect_error(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(get_int(push, ZMQ_EVENTS), 0);
    set_int(push, ZMQ_SNDTIMEO, 20);
    expect_error(zmq_send(push, "x", 1, 0), EAGAIN);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(pull, where.text);
    set_int(push, ZMQ_SNDTIMEO, DEADLINE_MS);
    send_parts(push, "now");
    expect_parts(pull, "now");
}

/* A worker comes, goes, and another comes: the pusher waits in between and loses nothing new. */
TEST(when_the_last_worker_goes_it_waits_again)
{
    void *push = open_socket(ZMQ_PUSH);
    struct endpoint where = bind_to(push, *state);
    for (int i = 0; i < 3; i++) {
        void *pull = open_socket(ZMQ_PULL);
        connect_to(pull, where.text);
        send_number(push, i, 0);
        assert_int_equal(recv_number(pull), i);
        close_socket(pull);
        wait_until(!can_send(push, 0));
        expect_error(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    }
}

TEST(full_worker_makes_the_pusher_wait)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDHWM, 3);
    set_int(pull, ZMQ_RCVHWM, 4);
    bind_to(pull, "inproc://full");
    connect_to(push, "inproc://full");
    for (int i = 0; i < 7; i++)
        send_number(push, i, ZMQ_DONTWAIT);
    expect_error(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    for (int i = 0; i < 7; i++)
        assert_int_equal(recv_number(pull), i);
    send_number(push, 7, 0);
    assert_int_equal(recv_number(pull), 7);
}

TEST(full_worker_is_passed_over)
{
    void *push = open_socket(ZMQ_PUSH);
    void *full = open_socket(ZMQ_PULL);
    void *reader = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDHWM, 1);
    set_int(full, ZMQ_RCVHWM, 1);
    bind_to(full, "inproc://full");
    bind_to(reader, "inproc://reader");
    connect_to(push, "inproc://full");
    connect_to(push, "inproc://reader");
    int read = 0;
    for (int i = 0; i < 50; i++) {
        send_number(push, i, 0);
        for (; can_recv(reader, 0); read++)
            recv_number(reader);
    }
    assert_int_equal(read, 48);
}

/* The worker reads only when the pusher can push no more. */
TEST(nothing_is_lost_under_pressure)
{
    enum { MESSAGES = 2000 };
    static char body[4096];
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDHWM, 5);
    set_int(pull, ZMQ_RCVHWM, 5);
    connect_to(push, bind_to(pull, *state).text);
    int sent = 0, received = 0;
    while (received < MESSAGES) {
        if (sent < MESSAGES && zmq_send(push, &sent, sizeof sent, ZMQ_SNDMORE | ZMQ_DONTWAIT) > 0) {
            send_bytes(push, body, sizeof body, 0);
            sent++;
            continue;
        }
        if (sent == received)
            continue;
        int number = -1;
        assert_int_equal(zmq_recv(pull, &number, sizeof number, 0), sizeof number);
        assert_int_equal(number, received++);
        assert_int_equal(zmq_recv(pull, body, sizeof body, 0), sizeof body);
    }
    assert_int_equal(sent, MESSAGES);
}

TEST(directions_are_one_way)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    expect_error(zmq_recv(push, NULL, 0, ZMQ_DONTWAIT), ENOTSUP);
    expect_error(zmq_send(pull, "x", 1, ZMQ_DONTWAIT), ENOTSUP);
    send_parts(push, "x");
    assert_true(can_recv(pull, DEADLINE_MS));
    assert_int_equal(get_int(pull, ZMQ_EVENTS), ZMQ_POLLIN);
    assert_int_equal(get_int(push, ZMQ_EVENTS), ZMQ_POLLOUT);
    expect_parts(pull, "x");
}

TEST(worker_that_goes_leaves_the_rest_to_others)
{
    void *push = open_socket(ZMQ_PUSH);
    struct endpoint where = bind_to(push, "tcp://127.0.0.1:*");
    void *first = open_socket(ZMQ_PULL);
    connect_to(first, where.text);
    send_parts(push, "hello");
    expect_parts(first, "hello");
    void *second = open_socket(ZMQ_PULL);
    connect_to(second, where.text);
    do
        send_parts(push, "to either");
    while (!can_recv(second, 5));
    close_socket(first);
    int64_t give_up = now_ms() + DEADLINE_MS;
    int in_a_row = 0;
    for (int i = 0; in_a_row < 20; i++) { /* until the pusher knows that the first is gone */
        assert_true(now_ms() < give_up);
        send_number(push, i, 0);
        bool mine = false;
        while (!mine && can_recv(second, 10)) {
            struct part part = recv_part(second);
            part.data[part.size] = 0;
            mine = atoi(part.data) == i && !part_is(&part, "to either");
        }
        in_a_row = mine ? in_a_row + 1 : 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(work_arrives_in_order),
        OVER_ALL(either_side_may_bind),
        RUN(work_goes_round_the_workers),
        RUN(sources_are_heard_in_turn),
        OVER_ALL(without_a_worker_it_waits),
        OVER_ALL(when_the_last_worker_goes_it_waits_again),
        RUN(full_worker_makes_the_pusher_wait),
        RUN(full_worker_is_passed_over),
        OVER_ALL(nothing_is_lost_under_pressure),
        OVER_ALL(directions_are_one_way),
        RUN(worker_that_goes_leaves_the_rest_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
