/* SPDX-License-Identifier: MIT */
/*
 * High-water marks: how much a socket keeps for a peer, how the two ends add up over inproc, that
 * they count messages and not parts, and what is waiting when the mark is reached is not lost.
 * ZMQ_SNDHWM and ZMQ_RCVHWM in zmq_setsockopt(3).
 */
#include "behaviour/util.h"

struct ends {
    void *push, *pull;
};

static struct ends ends_with(int sndhwm, int rcvhwm)
{
    struct ends ends = {open_socket(ZMQ_PUSH), open_socket(ZMQ_PULL)};
    set_int(ends.push, ZMQ_SNDHWM, sndhwm);
    set_int(ends.pull, ZMQ_RCVHWM, rcvhwm);
    return ends;
}

/* Sends numbers until there is no more room, or up to the limit. */
static int fill(void *socket, int limit)
{
    char text[16];
    int sent = 0;
    while (sent < limit) {
        int size = snprintf(text, sizeof text, "%d", sent);
        if (zmq_send(socket, text, (size_t)size, ZMQ_DONTWAIT) == -1) {
            assert_int_equal(zmq_errno(), EAGAIN);
            break;
        }
        sent++;
    }
    return sent;
}

static void drain(void *socket, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(recv_number(socket), i);
    expect_error(zmq_recv(socket, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

TEST(default_is_a_thousand)
{
    void *socket = open_socket(ZMQ_PUSH);
    assert_int_equal(get_int(socket, ZMQ_SNDHWM), 1000);
    assert_int_equal(get_int(socket, ZMQ_RCVHWM), 1000);
    void *pull = open_socket(ZMQ_PULL);
    bind_to(pull, "inproc://default");
    connect_to(socket, "inproc://default");
    assert_int_equal(fill(socket, 5000), 2000);
    drain(pull, 2000);
}

TEST(both_ends_add_up_when_bound_first)
{
    struct ends ends = ends_with(3, 4);
    bind_to(ends.pull, "inproc://sum");
    connect_to(ends.push, "inproc://sum");
    assert_int_equal(fill(ends.push, 100), 7);
    drain(ends.pull, 7);
}

TEST(both_ends_add_up_when_connected_first)
{
    struct ends ends = ends_with(3, 4);
    connect_to(ends.push, "inproc://sum");
    bind_to(ends.pull, "inproc://sum");
    assert_int_equal(fill(ends.push, 100), 7);
    drain(ends.pull, 7);
}

TEST(both_ends_add_up_when_the_sender_binds)
{
    struct ends ends = ends_with(3, 4);
    bind_to(ends.push, "inproc://sum");
    connect_to(ends.pull, "inproc://sum");
    wait_until(can_send(ends.push, 0));
    assert_int_equal(fill(ends.push, 100), 7);
    drain(ends.pull, 7);
}

TEST(before_the_other_end_is_there_only_the_own_mark_counts)
{
    struct ends ends = ends_with(3, 4);
    connect_to(ends.push, "inproc://early");
    assert_int_equal(fill(ends.push, 100), 3);
    bind_to(ends.pull, "inproc://early");
    for (int i = 0; i < 3; i++)
        assert_int_equal(recv_number(ends.pull), i);
}

TEST(zero_is_no_limit)
{
    struct ends ends = ends_with(0, 0);
    bind_to(ends.pull, "inproc://unlimited");
    connect_to(ends.push, "inproc://unlimited");
    assert_int_equal(fill(ends.push, 20000), 20000);
    drain(ends.pull, 20000);
}

TEST(zero_at_one_end_is_no_limit_either)
{
    struct ends ends = ends_with(3, 0);
    bind_to(ends.pull, "inproc://unlimited");
    connect_to(ends.push, "inproc://unlimited");
    assert_int_equal(fill(ends.push, 5000), 5000);
    drain(ends.pull, 5000);
}

TEST(peer_not_there_gets_the_own_mark)
{
    struct ends ends = ends_with(5, 1);
    struct endpoint where = bind_to(ends.pull, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(ends.pull, where.text), 0);
    connect_to(ends.push, where.text);
    assert_int_equal(fill(ends.push, 100), 5);
    assert_false(can_send(ends.push, 0));
}

TEST(each_peer_has_its_own_queue)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    set_int(push, ZMQ_SNDHWM, 5);
    for (int i = 0; i < 4; i++) {
        struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
        assert_int_equal(zmq_unbind(pull, where.text), 0);
        connect_to(push, where.text);
    }
    assert_int_equal(fill(push, 100), 20);
}

TEST(marks_count_messages_not_parts)
{
    struct ends ends = ends_with(2, 2);
    bind_to(ends.pull, "inproc://messages");
    connect_to(ends.push, "inproc://messages");
    for (int i = 0; i < 4; i++)
        send_parts(ends.push, "a", "b", "c", "d", "e");
    expect_error(zmq_send(ends.push, "a", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE), EAGAIN);
    for (int i = 0; i < 4; i++)
        expect_parts(ends.pull, "a", "b", "c", "d", "e");
}

/* Once its first part is accepted, a message is accepted whole. */
TEST(message_begun_has_room)
{
    struct ends ends = ends_with(1, 1);
    bind_to(ends.pull, "inproc://begun");
    connect_to(ends.push, "inproc://begun");
    send_parts(ends.push, "first");
    send_bytes(ends.push, "0", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    for (int i = 1; i < 50; i++)
        send_number(ends.push, i, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    send_number(ends.push, 50, ZMQ_DONTWAIT);
    expect_error(zmq_send(ends.push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    expect_parts(ends.pull, "first");
    drain(ends.pull, 51);
}

TEST(room_comes_back_as_the_reader_reads)
{
    struct ends ends = ends_with(5, 5);
    bind_to(ends.pull, "inproc://room");
    connect_to(ends.push, "inproc://room");
    assert_int_equal(fill(ends.push, 100), 10);
    int next = 10, got = 0;
    while (got < 1000) {
        assert_int_equal(recv_number(ends.pull), got++);
        while (next - got < 10 && can_send(ends.push, 0))
            send_number(ends.push, next++, 0);
    }
}

/* The kernel's buffers add to the marks, but there is an end, and up to it nothing is lost. */
TEST(reader_that_stalls_stops_the_sender)
{
    static char body[1 << 16];
    struct ends ends = ends_with(2, 2);
    set_int(ends.push, ZMQ_SNDBUF, 1 << 14);
    set_int(ends.pull, ZMQ_RCVBUF, 1 << 14);
    connect_to(ends.push, bind_to(ends.pull, *state).text);
    set_int(ends.push, ZMQ_SNDTIMEO, QUIET_MS);
    int sent = 0;
    for (; sent < 5000; sent++) {
        if (zmq_send(ends.push, &sent, sizeof sent, ZMQ_SNDMORE) == -1)
            break;
        send_bytes(ends.push, body, sizeof body, 0);
    }
    assert_in_range(sent, 4, 500);
    for (int i = 0; i < sent; i++) {
        int number = -1;
        assert_int_equal(zmq_recv(ends.pull, &number, sizeof number, 0), sizeof number);
        assert_int_equal(number, i);
        assert_int_equal(zmq_recv(ends.pull, body, sizeof body, 0), sizeof body);
    }
    set_int(ends.push, ZMQ_SNDTIMEO, DEADLINE_MS);
    send_parts(ends.push, "goes on");
    expect_parts(ends.pull, "goes on");
}

/* Limits that change while the connection is there: what was read before counts as read, whatever
 * the reader had been told to tell. libzmq's sender waits for ever in these. */
TEST(limit_raised_by_the_reader_gives_room_at_once)
{
    better_than_libzmq();
    struct ends ends = ends_with(1, 1);
    bind_to(ends.pull, "inproc://raised");
    connect_to(ends.push, "inproc://raised");
    assert_int_equal(fill(ends.push, 100), 2);
    set_int(ends.pull, ZMQ_RCVHWM, 1000);
    assert_true(can_send(ends.push, 0));
    drain(ends.pull, 2);
    assert_int_equal(fill(ends.push, 5000), 999); /* half of the limit is told of at a time */
    set_int(ends.pull, ZMQ_RCVHWM, 0);
    assert_true(can_send(ends.push, 0));
}

TEST(limit_raised_by_the_sender_gives_room_at_once)
{
    better_than_libzmq();
    struct ends ends = ends_with(1, 1);
    bind_to(ends.pull, "inproc://raised too");
    connect_to(ends.push, "inproc://raised too");
    assert_int_equal(fill(ends.push, 100), 2);
    set_int(ends.push, ZMQ_SNDHWM, 9);
    assert_true(can_send(ends.push, 0));
    assert_int_equal(fill(ends.push, 100), 8);
}

TEST(limit_set_where_there_was_none_counts_what_waits_only)
{
    better_than_libzmq();
    struct ends ends = ends_with(0, 10);
    bind_to(ends.pull, "inproc://none");
    connect_to(ends.push, "inproc://none");
    assert_int_equal(fill(ends.push, 100), 100);
    drain(ends.pull, 100);
    set_int(ends.push, ZMQ_SNDHWM, 10);
    assert_int_equal(fill(ends.push, 100), 20);
    drain(ends.pull, 20);
    assert_true(can_send(ends.push, 0));
}

TEST(limit_lowered_by_the_sender_does_not_stop_it)
{
    better_than_libzmq();
    struct ends ends = ends_with(1000, 1);
    bind_to(ends.pull, "inproc://lowered");
    connect_to(ends.push, "inproc://lowered");
    assert_int_equal(fill(ends.push, 900), 900);
    drain(ends.pull, 900);
    set_int(ends.push, ZMQ_SNDHWM, 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(fill(ends.push, 100), 2);
        drain(ends.pull, 2);
    }
}

/* A message that was begun when there was room, and what it goes through. */
struct begun {
    const char *endpoint;
    int sender, receiver;
    int option; /* of the sender, to be set */
    bool named; /* the sender puts the routing id of the receiver in front */
};

static void set_up_receiver(void *receiver, const struct begun *begun)
{
    set_int(receiver, ZMQ_RCVHWM, 1);
    if (begun->receiver == ZMQ_SUB)
        assert_int_equal(zmq_setsockopt(receiver, ZMQ_SUBSCRIBE, "", 0), 0);
    if (begun->sender == ZMQ_ROUTER)
        assert_int_equal(zmq_setsockopt(receiver, ZMQ_ROUTING_ID, "id", 2), 0);
    if (strncmp(begun->endpoint, "tcp", 3) == 0)
        set_int(receiver, ZMQ_RCVBUF, 1 << 14);
}

static void set_up_sender(void *sender, const struct begun *begun)
{
    set_int(sender, ZMQ_SNDHWM, 5);
    set_int(sender, ZMQ_LINGER, 0);
    if (begun->option)
        set_int(sender, begun->option, 1);
    if (strncmp(begun->endpoint, "tcp", 3) == 0)
        set_int(sender, ZMQ_SNDBUF, 1 << 14);
}

/* The routing id by which the sender calls the receiver, once they are connected. */
static struct part join(void *sender, void *receiver, const struct begun *begun)
{
    struct part id = {.size = 2, .data = "id"};
    connect_to(receiver, bind_to(sender, begun->endpoint).text);
    if (begun->sender == ZMQ_XPUB)
        id = recv_part(sender); /* the subscription */
    if (begun->sender == ZMQ_STREAM) {
        id = recv_part(sender);
        recv_part(sender);
    }
    wait_until(can_send(sender, 0));
    return id;
}

/* Sends until nobody has room. */
static void fill_up(void *sender, const struct part *id, const struct begun *begun)
{
    static char body[1 << 16];
    int64_t give_up = now_ms() + DEADLINE_MS;
    while (now_ms() < give_up) {
        if (begun->named && zmq_send(sender, id->data, id->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
            break;
        if (zmq_send(sender, body, sizeof body, ZMQ_DONTWAIT) < 0) {
            assert_false(begun->named);
            break;
        }
    }
    assert_int_equal(zmq_errno(), EAGAIN);
}

/* What arrives ends as that message does. */
static void receive_to(void *receiver, const char *end)
{
    static char body[1 << 16];
    size_t size = strlen(end);
    for (;;) {
        int got = zmq_recv(receiver, body, sizeof body, 0);
        assert_int_not_equal(got, -1);
        if ((size_t)got >= size && memcmp(body + got - size, end, size) == 0)
            return;
    }
}

/* Its last parts are accepted and arrive, also when the limit is lowered between its parts. */
static void outlive_its_room(const struct begun *begun)
{
    void *sender = open_socket(begun->sender), *receiver = open_socket(begun->receiver);
    set_up_sender(sender, begun);
    set_up_receiver(receiver, begun);
    struct part id = join(sender, receiver, begun);
    fill_up(sender, &id, begun);
    set_int(sender, ZMQ_SNDHWM, 50);
    if (begun->named)
        send_bytes(sender, id.data, id.size, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    if (begun->sender != ZMQ_STREAM)
        send_bytes(sender, "first", 5, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    set_int(sender, ZMQ_SNDHWM, 1);
    send_bytes(sender, "the end", 7, ZMQ_DONTWAIT);
    receive_to(receiver, "the end");
}

TEST(message_begun_outlives_its_room)
{
    static const struct begun kinds[] = {
        {NULL, ZMQ_PUSH, ZMQ_PULL, 0, false},
        {NULL, ZMQ_DEALER, ZMQ_DEALER, 0, false},
        {NULL, ZMQ_PAIR, ZMQ_PAIR, 0, false},
        {NULL, ZMQ_REQ, ZMQ_ROUTER, ZMQ_REQ_RELAXED, false},
        {NULL, ZMQ_XPUB, ZMQ_SUB, ZMQ_XPUB_NODROP, false},
        {NULL, ZMQ_ROUTER, ZMQ_DEALER, ZMQ_ROUTER_MANDATORY, true},
        {NULL, ZMQ_STREAM, ZMQ_STREAM, 0, true},
    };
    better_than_libzmq(); /* it keeps the limits of a connection over tcp as they were */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char endpoint[64] = "tcp://127.0.0.1:*";
        struct begun begun = kinds[i];
        begun.endpoint = endpoint;
        outlive_its_room(&begun);
        snprintf(endpoint, sizeof endpoint, "inproc://begun %zu", i);
        if (begun.sender != ZMQ_STREAM)
            outlive_its_room(&begun);
    }
}

/* The peer that had room goes between the parts, and the other has none. */
TEST(message_begun_goes_to_whom_is_left)
{
    void *push = open_socket(ZMQ_PUSH), *slow = open_socket(ZMQ_PULL),
         *quick = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDHWM, 1);
    set_int(slow, ZMQ_RCVHWM, 1);
    set_int(quick, ZMQ_RCVHWM, 1);
    bind_to(slow, "inproc://slow");
    bind_to(quick, "inproc://quick");
    connect_to(push, "inproc://slow");
    assert_int_equal(fill(push, 100), 2);
    connect_to(push, "inproc://quick");
    send_part(push, &(struct part){.size = 5, .data = "first"}, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    assert_int_equal(zmq_disconnect(push, "inproc://quick"), 0);
    send_bytes(push, "last", 4, ZMQ_DONTWAIT);
    assert_int_equal(recv_number(slow), 0);
    assert_int_equal(recv_number(slow), 1);
    expect_parts(slow, "first", "last");
}

TEST(negative_marks_are_refused)
{
    int negative = -1;
    void *socket = open_socket(ZMQ_PUSH);
    expect_error(zmq_setsockopt(socket, ZMQ_SNDHWM, &negative, sizeof negative), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_RCVHWM, &negative, sizeof negative), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(default_is_a_thousand),
        RUN(both_ends_add_up_when_bound_first),
        RUN(both_ends_add_up_when_connected_first),
        RUN(both_ends_add_up_when_the_sender_binds),
        RUN(before_the_other_end_is_there_only_the_own_mark_counts),
        RUN(zero_is_no_limit),
        RUN(zero_at_one_end_is_no_limit_either),
        RUN(peer_not_there_gets_the_own_mark),
        RUN(each_peer_has_its_own_queue),
        RUN(marks_count_messages_not_parts),
        RUN(message_begun_has_room),
        RUN(room_comes_back_as_the_reader_reads),
        OVER(reader_that_stalls_stops_the_sender, "tcp", "tcp://127.0.0.1:*"),
        OVER(reader_that_stalls_stops_the_sender, "ipc", "ipc://*"),
        RUN(limit_raised_by_the_reader_gives_room_at_once),
        RUN(limit_raised_by_the_sender_gives_room_at_once),
        RUN(limit_set_where_there_was_none_counts_what_waits_only),
        RUN(limit_lowered_by_the_sender_does_not_stop_it),
        RUN(message_begun_outlives_its_room),
        RUN(message_begun_goes_to_whom_is_left),
        RUN(negative_marks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
