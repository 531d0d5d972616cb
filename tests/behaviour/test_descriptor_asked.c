/* SPDX-License-Identifier: MIT */
/*
 * Whoever has asked for the events of a socket has other things to do: its descriptor is not
 * readable any more, whatever the answer was, until something new comes. An event loop that does
 * not want a message now would spin otherwise. And nothing that comes is missed: a loop that looks
 * for events, and finding none waits for the descriptor, gets everything. zmq_getsockopt(3).
 */
#include <sys/epoll.h>

#include "behaviour/util.h"
#include "behaviour/descriptor.h"

/* libzmq tells of one message that lies there, and of no more that come behind it. */
enum { NEWS = ON_LIBZMQ ? 1 : 3 };

/* It is asked, the answer is as expected, and the loop may sleep. */
static void expect_dark(void *socket, int events)
{
    for (int i = 0; i < 2; i++) {
        assert_int_equal(events_of(socket), events);
        assert_false(is_readable(descriptor_of(socket), 0));
    }
}

TEST(message_that_lies_there_is_told_once)
{
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull);
    for (int i = 0; i < NEWS; i++) {
        send_number(push, i, 0);
        assert_true(is_readable(fd, DEADLINE_MS));
        await_events(pull, fd, ZMQ_POLLIN);
        expect_dark(pull, ZMQ_POLLIN);
    }
    for (int i = 0; i < NEWS; i++)
        assert_int_equal(recv_number(pull), i);
}

/* zmq_poll() asks as well. */
TEST(poll_is_told_once)
{
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull);
    for (int i = 0; i < NEWS; i++) {
        send_number(push, i, 0);
        assert_true(is_readable(fd, DEADLINE_MS));
        assert_true(can_recv(pull, DEADLINE_MS));
        assert_false(is_readable(fd, 0));
        assert_true(can_recv(pull, 0));
        assert_false(is_readable(fd, 0));
    }
}

/* zmq_poll() for one direction, while something is there in the other: it shall not spin. */
TEST(poll_for_the_other_direction_is_told_too)
{
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    set_int(a, ZMQ_SNDHWM, 1);
    set_int(b, ZMQ_RCVHWM, 1);
    bind_to(a, "inproc://pair");
    connect_to(b, "inproc://pair");
    int fd = descriptor_of(a);
    while (can_send(a, 0))
        send_parts(a, "x");
    send_parts(b, "y");
    assert_true(is_readable(fd, DEADLINE_MS));
    assert_false(can_send(a, 0));
    assert_false(is_readable(fd, 0));
}

/* Another one is left: a loop that takes one each time need not ask in between. */
TEST(receiving_one_of_two_tells_of_the_other)
{
    better_than_libzmq(); /* there it lies until another one comes */
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull);
    for (int i = 0; i < 10; i++)
        send_number(push, i, 0);
    for (int i = 0; i < 10; i++) {
        assert_true(is_readable(fd, DEADLINE_MS));
        await_events(pull, fd, ZMQ_POLLIN);
        assert_int_equal(recv_number(pull), i);
    }
    assert_false(is_readable(fd, 0));
    expect_dark(pull, 0);
}

TEST(rest_of_a_message_is_told_once)
{
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull);
    send_parts(push, "a", "b", "c");
    await_events(pull, fd, ZMQ_POLLIN);
    static const char *const texts[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        expect_dark(pull, ZMQ_POLLIN);
        struct part part = recv_part(pull);
        assert_true(part_is(&part, texts[i]));
        if (part.more && !ON_LIBZMQ)
            assert_true(is_readable(fd, 0));
    }
    expect_dark(pull, 0);
}

/* A loop that waits for room must sleep though it has not read what has come. */
TEST(unread_message_does_not_disturb_who_waits_for_room)
{
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    set_int(a, ZMQ_SNDHWM, 1);
    set_int(b, ZMQ_RCVHWM, 1);
    bind_to(a, "inproc://room");
    connect_to(b, "inproc://room");
    int fd = descriptor_of(a), sent = 0;
    for (; events_of(a) & ZMQ_POLLOUT; sent++)
        send_parts(a, "x");
    send_parts(b, "unread");
    await_events(a, fd, ZMQ_POLLIN);
    expect_dark(a, ZMQ_POLLIN);
    expect_error(zmq_send(a, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_false(is_readable(fd, 0));
    for (int i = 0; i < sent; i++)
        expect_parts(b, "x");
    nudge(b);
    assert_true(is_readable(fd, DEADLINE_MS));
    expect_dark(a, ZMQ_POLLIN | ZMQ_POLLOUT);
    expect_parts(a, "unread");
}

/* ... and is told of room by whatever kind of socket has said that there is none. */
TEST(room_is_told_to_all_who_were_told_that_there_is_none)
{
    static const int types[][2] = {{ZMQ_PAIR, ZMQ_PAIR},
                                   {ZMQ_PUSH, ZMQ_PULL},
                                   {ZMQ_DEALER, ZMQ_DEALER},
                                   {ZMQ_DEALER, ZMQ_ROUTER}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char endpoint[32];
        void *a = open_socket(types[i][0]), *b = open_socket(types[i][1]);
        int fd = descriptor_of(a), sent = 0;
        set_int(a, ZMQ_SNDHWM, 4);
        set_int(b, ZMQ_RCVHWM, 4);
        snprintf(endpoint, sizeof endpoint, "inproc://all-%zu", i);
        bind_to(a, endpoint);
        connect_to(b, endpoint);
        for (; events_of(a) & ZMQ_POLLOUT; sent++)
            send_parts(a, "x");
        assert_int_equal(sent, 8);
        expect_dark(a, 0);
        for (; can_recv(b, 0); sent--)
            while (recv_part(b).more)
                continue;
        assert_int_equal(sent, 0);
        assert_true(is_readable(fd, DEADLINE_MS));
        assert_int_equal(events_of(a), ZMQ_POLLOUT);
        close_socket(a);
        close_socket(b);
    }
}

/* Somebody who never asks tries both directions each time: room that comes between the two is not
 * forgotten by the second. In the end it may sleep. */
TEST(room_outlives_a_receive_in_vain)
{
    better_than_libzmq();
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    char byte;
    set_int(a, ZMQ_SNDHWM, 1);
    set_int(b, ZMQ_RCVHWM, 1);
    bind_to(a, "inproc://between");
    connect_to(b, "inproc://between");
    int fd = descriptor_of(a);
    while (zmq_send(a, "x", 1, ZMQ_DONTWAIT) == 1)
        continue;
    while (is_readable(fd, 0))
        expect_error(zmq_recv(a, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
    while (zmq_recv(b, &byte, 1, ZMQ_DONTWAIT) == 1)
        continue;
    expect_error(zmq_recv(a, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
    assert_true(is_readable(fd, 0));
    for (int i = 0; i < 2; i++)
        zmq_recv(a, &byte, 1, ZMQ_DONTWAIT);
    assert_false(is_readable(fd, 0));
    send_parts(a, "x");
}

TEST(request_and_reply_turn_about)
{
    void *req = open_socket(ZMQ_REQ), *rep = open_socket(ZMQ_REP);
    connect_to(req, bind_to(rep, *state).text);
    int req_fd = descriptor_of(req), rep_fd = descriptor_of(rep);
    await_events(req, req_fd, ZMQ_POLLOUT);
    for (int i = 0; i < 10; i++) {
        expect_dark(req, ZMQ_POLLOUT);
        send_number(req, i, 0);
        await_events(rep, rep_fd, ZMQ_POLLIN);
        expect_dark(rep, ZMQ_POLLIN);
        expect_dark(req, 0);
        assert_int_equal(recv_number(rep), i);
        expect_dark(rep, ZMQ_POLLOUT);
        send_number(rep, i, 0);
        await_events(req, req_fd, ZMQ_POLLIN);
        expect_dark(req, ZMQ_POLLIN);
        assert_int_equal(recv_number(req), i);
    }
}

TEST(notes_of_subscriptions_are_told_once)
{
    void *xpub = open_socket(ZMQ_XPUB), *sub = open_socket(ZMQ_SUB);
    connect_to(sub, bind_to(xpub, *state).text);
    int fd = descriptor_of(xpub);
    events_of(xpub);
    for (int i = 0; i < 5; i++) {
        char topic[2] = {(char)('a' + i)};
        set_text(sub, ZMQ_SUBSCRIBE, topic);
        nudge(sub);
        await_events(xpub, fd, ZMQ_POLLIN);
        while (is_readable(fd, 0)) /* the subscriber, and its subscription */
            events_of(xpub);
        expect_dark(xpub, ZMQ_POLLIN | ZMQ_POLLOUT);
    }
    for (int i = 0; i < 5; i++) {
        char note[3] = {1, (char)('a' + i)};
        expect_parts(xpub, note);
    }
    expect_dark(xpub, ZMQ_POLLOUT);
}

/* By epoll's edges: nothing is missed, and each look is followed by sleep. */
TEST(edges_one_message_at_a_time)
{
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    struct epoll_event item = {.events = EPOLLIN | EPOLLET};
    int epoll = epoll_create1(0), fd = descriptor_of(pull);
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &item), 0);
    for (int i = 0; i < 20; i++) {
        send_number(push, i, 0);
        while (!(events_of(pull) & ZMQ_POLLIN))
            assert_int_equal(epoll_wait(epoll, &item, 1, DEADLINE_MS), 1);
        while (epoll_wait(epoll, &item, 1, 0) == 1)
            assert_int_equal(events_of(pull), ZMQ_POLLIN);
        expect_dark(pull, ZMQ_POLLIN);
        assert_int_equal(recv_number(pull), i);
        while (epoll_wait(epoll, &item, 1, 0) == 1)
            assert_int_equal(events_of(pull), 0);
    }
    close(epoll);
}

/* The end of the context is told as everything else, so that a loop which cannot close its
 * socket at once does not spin meanwhile. */
TEST(end_of_the_context_is_told_once)
{
    void *push, *pull, *other = open_socket(ZMQ_PULL);
    int events, fds[2];
    size_t size = sizeof events;
    open_pipeline(&push, &pull, *state);
    send_parts(push, "unread");
    fds[0] = descriptor_of(pull);
    fds[1] = descriptor_of(other);
    await_events(pull, fds[0], ZMQ_POLLIN);
    events_of(other);
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(is_readable(fds[0], DEADLINE_MS));
        assert_true(is_readable(fds[1], DEADLINE_MS));
    }
    expect_error(zmq_getsockopt(pull, ZMQ_EVENTS, &events, &size), ETERM);
    assert_false(is_readable(fds[0], 0));
    zmq_pollitem_t item = {.socket = other, .events = ZMQ_POLLIN};
    expect_error(zmq_poll(&item, 1, 0), ETERM);
    assert_false(is_readable(fds[1], 0));
    expect_error(zmq_recv(pull, &events, sizeof events, ZMQ_DONTWAIT), ETERM);
    assert_false(is_readable(fds[0], 0));
}

/* Without I/O threads the descriptor is an epoll set: the same holds. */
TEST(no_io_thread_and_a_message_left)
{
    better_than_libzmq();
    void *ctx = zmq_ctx_new();
    assert_int_equal(zmq_ctx_set(ctx, ZMQ_IO_THREADS, 0), 0);
    void *pull = open_socket_in(ctx, ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    connect_to(push, bind_to(pull, *state).text);
    int fd = descriptor_of(pull);
    for (int i = 0; i < 10; i++) {
        send_number(push, i, 0);
        assert_true(is_readable(fd, DEADLINE_MS));
        await_events(pull, fd, ZMQ_POLLIN);
        while (is_readable(fd, 0))
            assert_int_equal(events_of(pull), ZMQ_POLLIN);
        expect_dark(pull, ZMQ_POLLIN);
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(recv_number(pull), i);
    close_socket(pull);
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

/* The same with more than the limit lets in: what waits in the system does not wake anybody. (But a
 * connection that is not read looks ten times a second whether its far end has to hear of us.) */
TEST(no_io_thread_and_a_full_inbox)
{
    better_than_libzmq();
    enum { MANY = 5000 };
    static char body[10000];
    void *ctx = zmq_ctx_new();
    assert_int_equal(zmq_ctx_set(ctx, ZMQ_IO_THREADS, 0), 0);
    void *pull = open_socket_in(ctx, ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    set_int(pull, ZMQ_RCVHWM, 10);
    set_int(push, ZMQ_SNDHWM, 0);
    connect_to(push, bind_to(pull, *state).text);
    int fd = descriptor_of(pull), wakes = 0;
    for (int i = 0; i < MANY; i++)
        send_bytes(push, body, sizeof body, 0);
    for (; is_readable(fd, QUIET_MS / 2); wakes++)
        events_of(pull);
    assert_in_range(wakes, 1, 1000);
    for (int i = 0; i < MANY; i++) {
        while (zmq_recv(pull, body, sizeof body, ZMQ_DONTWAIT) < 0)
            assert_true(is_readable(fd, DEADLINE_MS));
    }
    close_socket(pull);
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(message_that_lies_there_is_told_once),
        OVER_ALL(poll_is_told_once),
        RUN(poll_for_the_other_direction_is_told_too),
        OVER_ALL(receiving_one_of_two_tells_of_the_other),
        OVER_ALL(rest_of_a_message_is_told_once),
        RUN(unread_message_does_not_disturb_who_waits_for_room),
        RUN(room_is_told_to_all_who_were_told_that_there_is_none),
        RUN(room_outlives_a_receive_in_vain),
        OVER_ALL(request_and_reply_turn_about),
        OVER_ALL(notes_of_subscriptions_are_told_once),
        OVER_ALL(edges_one_message_at_a_time),
        OVER_ALL(end_of_the_context_is_told_once),
        OVER(no_io_thread_and_a_message_left, "tcp", "tcp://127.0.0.1:*"),
        OVER(no_io_thread_and_a_message_left, "ipc", "ipc://*"),
        OVER(no_io_thread_and_a_full_inbox, "tcp", "tcp://127.0.0.1:*"),
        OVER(no_io_thread_and_a_full_inbox, "ipc", "ipc://*"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
