/* SPDX-License-Identifier: MIT */
/*
 * ZMQ_CONFLATE, which keeps only the newest message, and ZMQ_IMMEDIATE, which queues only for
 * connections that are there. zmq_setsockopt(3).
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"

#include <stdatomic.h>

/* An endpoint where nothing listens yet, but may later. */
static struct endpoint reserve(void *socket)
{
    struct endpoint where = bind_to(socket, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(socket, where.text), 0);
    return where;
}

TEST(receiver_keeps_the_newest)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(pull, ZMQ_CONFLATE, 1);
    set_int(push, ZMQ_CONFLATE, 1);
    bind_to(pull, "inproc://newest");
    connect_to(push, "inproc://newest");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++)
            send_number(push, i, 0);
        assert_int_equal(recv_number(pull), 99);
        expect_error(zmq_recv(pull, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    }
}

TEST(sender_keeps_the_newest_for_a_peer_that_is_late)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_CONFLATE, 1);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    struct endpoint where = reserve(pull);
    connect_to(push, where.text);
    for (int i = 0; i < 2000; i++)
        send_number(push, i, 0);
    wait_until(zmq_bind(pull, where.text) == 0);
    assert_int_equal(recv_number(pull), 1999);
    expect_nothing(pull);
}

TEST(subscriber_sees_the_newest)
{
    void *pub = open_socket(ZMQ_XPUB);
    void *sub = open_socket(ZMQ_SUB);
    set_int(sub, ZMQ_CONFLATE, 1);
    set_text(sub, ZMQ_SUBSCRIBE, "");
    connect_to(sub, bind_to(pub, *state).text);
    recv_part(pub);
    for (int i = 0; i < 1000; i++)
        send_number(pub, i, 0);
    int last = -1, count = 0;
    for (; last != 999; count++) {
        int next = recv_number(sub);
        assert_true(next > last);
        last = next;
    }
    assert_in_range(count, 1, 1000);
    expect_nothing(sub);
}

TEST(immediate_waits_for_a_connection)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_IMMEDIATE, 1);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    struct endpoint where = reserve(pull);
    connect_to(push, where.text);
    expect_error(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_false(can_send(push, 0));
    wait_until(zmq_bind(pull, where.text) == 0);
    send_parts(push, "connected");
    expect_parts(pull, "connected");
}

/* Half of the work would wait for the worker that is not there; immediate, none does. */
TEST(immediate_gives_all_work_to_who_is_there)
{
    void *push = open_socket(ZMQ_PUSH);
    void *absent = open_socket(ZMQ_PULL);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_IMMEDIATE, 1);
    connect_to(push, reserve(absent).text);
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
    for (int i = 0; i < 100; i++)
        send_number(push, i, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(recv_number(pull), i);
}

TEST(without_immediate_work_waits_for_the_absent)
{
    void *push = open_socket(ZMQ_PUSH);
    void *absent = open_socket(ZMQ_PULL);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    struct endpoint where = reserve(absent);
    connect_to(push, where.text);
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
    for (int i = 0; i < 100; i++)
        send_number(push, i, 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(recv_number(pull), i * 2 + 1);
    wait_until(zmq_bind(absent, where.text) == 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(recv_number(absent), i * 2);
}

/* When an immediate connection breaks, the socket has no peer again. */
TEST(immediate_notices_that_its_peer_has_gone)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_IMMEDIATE, 1);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    connect_to(push, where.text);
    send_parts(push, "first");
    expect_parts(pull, "first");
    close_socket(pull);
    wait_until(!can_send(push, 0));
    pull = open_socket(ZMQ_PULL);
    wait_until(zmq_bind(pull, where.text) == 0);
    send_parts(push, "second");
    expect_parts(pull, "second");
}

static void count_down(void *data, void *alive)
{
    (void)data;
    atomic_fetch_sub((atomic_int *)alive, 1);
}

/* However long it does not read: besides the message that has begun to leave only one waits. */
TEST(peer_that_reads_nothing_pins_no_more_than_two)
{
    static char body[1 << 20];
    static atomic_int alive;
    void *push = open_socket(ZMQ_PUSH);
    set_int(push, ZMQ_CONFLATE, 1);
    set_int(push, ZMQ_LINGER, 0);
    int fd = raw_connect(port_of(bind_to(push, "tcp://127.0.0.1:*")));
    raw_handshake(fd, "PULL");
    for (int i = 0; i < 100; i++) {
        zmq_msg_t msg;
        atomic_fetch_add(&alive, 1);
        assert_int_equal(zmq_msg_init_data(&msg, body, sizeof body, count_down, &alive), 0);
        assert_int_equal(zmq_msg_send(&msg, push, 0), sizeof body);
    }
    assert_in_range(atomic_load(&alive), 1, 2);
    close(fd);
    close_socket(push);
    wait_until(atomic_load(&alive) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(receiver_keeps_the_newest),
        RUN(sender_keeps_the_newest_for_a_peer_that_is_late),
        OVER_ALL(subscriber_sees_the_newest),
        RUN(peer_that_reads_nothing_pins_no_more_than_two),
        RUN(immediate_waits_for_a_connection),
        RUN(immediate_gives_all_work_to_who_is_there),
        RUN(without_immediate_work_waits_for_the_absent),
        RUN(immediate_notices_that_its_peer_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
