/* SPDX-License-Identifier: MIT */
/*
 * Sending from and receiving into plain buffers: zmq_send, zmq_send_const and zmq_recv, their
 * truncation, empty frames, and messages that would be too large. zmq_send(3), zmq_recv(3) and
 * ZMQ_MAXMSGSIZE in zmq_setsockopt(3).
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"

struct ends {
    void *push, *pull;
};

static struct ends open_ends(void **state)
{
    struct ends ends = {open_socket(ZMQ_PUSH), open_socket(ZMQ_PULL)};
    connect_to(ends.push, bind_to(ends.pull, *state).text);
    return ends;
}

TEST(short_buffer_gets_the_beginning)
{
    struct ends ends = open_ends(state);
    char buffer[8] = "-------";
    send_parts(ends.push, "hello", "more");
    assert_int_equal(zmq_recv(ends.pull, buffer, 3, 0), 5);
    assert_string_equal(buffer, "hel----");
    assert_int_equal(get_int(ends.pull, ZMQ_RCVMORE), 1);
    expect_parts(ends.pull, "more");
    send_parts(ends.push, "gone");
    assert_int_equal(zmq_recv(ends.pull, NULL, 0, 0), 4);
    assert_int_equal(zmq_recv(ends.pull, buffer, sizeof buffer, ZMQ_DONTWAIT), -1);
}

TEST(long_buffer_keeps_its_rest)
{
    struct ends ends = open_ends(state);
    char buffer[8] = "-------";
    send_parts(ends.push, "abc");
    assert_int_equal(zmq_recv(ends.pull, buffer, sizeof buffer, 0), 3);
    assert_string_equal(buffer, "abc----");
}

TEST(buffer_may_change_after_sending)
{
    struct ends ends = open_ends(state);
    static char large[100000];
    static char got[100000];
    for (char c = 'a'; c < 'k'; c++) {
        memset(large, c, sizeof large);
        send_bytes(ends.push, large, sizeof large, 0);
    }
    memset(large, 'x', sizeof large);
    for (char c = 'a'; c < 'k'; c++) {
        assert_int_equal(zmq_recv(ends.pull, got, sizeof got, 0), sizeof got);
        assert_int_equal(got[0], c);
        assert_memory_equal(got, got + 1, sizeof got - 1);
    }
}

TEST(constants_are_sent_without_a_copy)
{
    static const char constant[20000] = "constant";
    static char got[20000];
    struct ends ends = open_ends(state);
    for (int i = 0; i < 5; i++)
        assert_int_equal(zmq_send_const(ends.push, constant, sizeof constant, 0), sizeof constant);
    assert_int_equal(zmq_send_const(ends.push, "a", 1, ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send_const(ends.push, "", 0, 0), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(zmq_recv(ends.pull, got, sizeof got, 0), sizeof got);
        assert_memory_equal(got, constant, sizeof constant);
    }
    expect_parts(ends.pull, "a", "");
    void *push = open_socket(ZMQ_PUSH);
    expect_error(zmq_send_const(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
}

TEST(empty_frames_count)
{
    struct ends ends = open_ends(state);
    send_parts(ends.push, "");
    send_parts(ends.push, "", "");
    send_parts(ends.push, "", "a", "", "", "b", "");
    assert_int_equal(zmq_send(ends.push, NULL, 0, 0), 0);
    expect_parts(ends.pull, "");
    expect_parts(ends.pull, "", "");
    expect_parts(ends.pull, "", "a", "", "", "b", "");
    expect_parts(ends.pull, "");
}

TEST(message_of_many_parts)
{
    enum { PARTS = 3000 };
    struct ends ends = open_ends(state);
    for (int i = 0; i < PARTS; i++)
        send_number(ends.push, i, i < PARTS - 1 ? ZMQ_SNDMORE : 0);
    for (int i = 0; i < PARTS; i++) {
        assert_int_equal(recv_number(ends.pull), i);
        assert_int_equal(get_int(ends.pull, ZMQ_RCVMORE), i < PARTS - 1);
    }
}

/* Nothing of a message is seen before all of it was sent. */
TEST(parts_arrive_together)
{
    struct ends ends = open_ends(state);
    send_parts(ends.push, "before");
    send_bytes(ends.push, "a", 1, ZMQ_SNDMORE);
    send_bytes(ends.push, "b", 1, ZMQ_SNDMORE);
    expect_parts(ends.pull, "before");
    expect_nothing(ends.pull);
    send_bytes(ends.push, "c", 1, 0);
    expect_parts(ends.pull, "a", "b", "c");
}

TEST(message_above_the_limit_breaks_its_connection)
{
    int64_t limit = 1000;
    static char body[1001];
    void *pull = open_socket(ZMQ_PULL);
    assert_int_equal(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &limit, sizeof limit), 0);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    void *push = open_socket(ZMQ_PUSH);
    connect_to(push, where.text);
    send_bytes(push, body, 1000, ZMQ_SNDMORE);
    send_bytes(push, body, 1000, 0); /* the limit is for one frame */
    for (int i = 0; i < 2; i++)
        assert_int_equal(zmq_recv(pull, body, sizeof body, 0), 1000);

    int fd = raw_connect(port_of(where));
    raw_handshake(fd, "PUSH");
    raw_send(fd, "\0\1a\2\0\0\0\0\0\0\3\350", 3 + 9); /* "a", then a frame of 1000 bytes */
    raw_send(fd, body, 1000);
    expect_parts(pull, "a");
    assert_int_equal(zmq_recv(pull, body, sizeof body, 0), 1000);
    raw_send(fd, "\2\0\0\0\0\0\0\3\351", 9); /* and one of 1001 */
    assert_true(raw_closes(fd, DEADLINE_MS));
    close(fd);
    send_parts(push, "others go on");
    expect_parts(pull, "others go on");
}

/* The sender reconnects; what it sends next arrives. */
TEST(sender_of_a_message_above_the_limit_comes_back)
{
    int64_t limit = 1000;
    static char body[5000];
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    assert_int_equal(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &limit, sizeof limit), 0);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    connect_to(push, bind_to(pull, *state).text);
    send_parts(push, "first");
    expect_parts(pull, "first");
    send_bytes(push, body, sizeof body, 0);
    do
        send_parts(push, "again");
    while (!can_recv(pull, 5));
    expect_parts(pull, "again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(short_buffer_gets_the_beginning),
        OVER_ALL(long_buffer_keeps_its_rest),
        OVER_ALL(buffer_may_change_after_sending),
        OVER_ALL(constants_are_sent_without_a_copy),
        OVER_ALL(empty_frames_count),
        OVER_ALL(message_of_many_parts),
        OVER_ALL(parts_arrive_together),
        RUN(message_above_the_limit_breaks_its_connection),
        OVER(sender_of_a_message_above_the_limit_comes_back, "tcp", "tcp://127.0.0.1:*"),
        OVER(sender_of_a_message_above_the_limit_comes_back, "ipc", "ipc://*"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
