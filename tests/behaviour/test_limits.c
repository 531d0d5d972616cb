/* SPDX-License-Identifier: MIT */
/*
 * What may grow only so far although libzmq lets it grow for ever: a message of parts without end,
 * where ZMQ_MAXMSGSIZE limits one part, and the notes of an XPUB that nobody receives.
 */
#include "behaviour/util.h"

#include "behaviour/raw.h"

enum {
    PART = 65536,
    WHOLE_MIN = 64 << 20, /* a message of parts may have this much */
    SLACK = 32 << 20,     /* what the system keeps on the way, and more */
    NOTE = 1 << 20,
    NOTES = 100
};

/* Sends parts of a message until the other side closes; returns the octets that went. */
static size_t send_endless(int fd)
{
    static char part[9 + PART] = {RAW_MORE | RAW_LONG, 0, 0, 0, 0, 0, PART >> 16};
    size_t sent = 0;
    for (size_t at = 0; sent < WHOLE_MIN + SLACK; at %= sizeof part) {
        struct pollfd item = {.fd = fd, .events = POLLOUT};
        assert_int_equal(poll(&item, 1, DEADLINE_MS), 1);
        ssize_t n = send(fd, part + at, sizeof part - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            break;
        at += n > 0 ? (size_t)n : 0;
        sent += n > 0 ? (size_t)n : 0;
    }
    return sent;
}

TEST(message_without_end_breaks_its_connection)
{
    better_than_libzmq(); /* it takes what comes */
    int64_t limit = PART;
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    assert_int_equal(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &limit, sizeof limit), 0);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    int fd = raw_connect(port_of(where));
    raw_handshake(fd, "PUSH");
    assert_in_range(send_endless(fd), WHOLE_MIN, WHOLE_MIN + SLACK - 1);
    close(fd);
    connect_to(push, where.text);
    send_parts(push, "others", "go on");
    expect_parts(pull, "others", "go on");
}

TEST(message_of_many_parts_is_no_such_one)
{
    static char part[1000];
    int64_t limit = sizeof part;
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    assert_int_equal(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &limit, sizeof limit), 0);
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
    for (int i = 1; i <= 5000; i++)
        send_bytes(push, part, sizeof part, i < 5000 ? ZMQ_SNDMORE : 0);
    for (int i = 1; i <= 5000; i++) {
        assert_int_equal(zmq_recv(pull, part, sizeof part, 0), sizeof part);
        assert_int_equal(get_int(pull, ZMQ_RCVMORE), i < 5000);
    }
}

TEST(notes_that_nobody_receives_are_lost_in_the_end)
{
    better_than_libzmq(); /* it keeps all */
    static char topic[NOTE];
    char note[2];
    int size, notes = 0;
    void *xpub = open_socket(ZMQ_XPUB), *sub = open_socket(ZMQ_SUB);
    bind_to(xpub, "inproc://notes");
    connect_to(sub, "inproc://notes");
    for (int i = 0; i < NOTES; i++) {
        int option = i % 2 ? ZMQ_UNSUBSCRIBE : ZMQ_SUBSCRIBE;
        assert_int_equal(zmq_setsockopt(sub, option, topic, sizeof topic), 0);
    }
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "last", 4), 0);
    send_parts(xpub, "last, but in effect");
    expect_parts(sub, "last, but in effect");
    while ((size = zmq_recv(xpub, note, sizeof note, ZMQ_DONTWAIT)) >= 0) {
        assert_int_equal(size, 1 + NOTE);
        assert_int_equal(note[0], notes % 2 == 0);
        notes++;
    }
    assert_in_range(notes, 60, NOTES - 1);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "new", 3), 0);
    expect_parts(xpub, "\1new");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(message_without_end_breaks_its_connection),
        RUN(message_of_many_parts_is_no_such_one),
        RUN(notes_that_nobody_receives_are_lost_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
