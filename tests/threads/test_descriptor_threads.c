/* SPDX-License-Identifier: MIT */
/*
 * ZMQ_FD and ZMQ_EVENTS in one thread while others send, receive, wait in our calls, or close.
 */
#include <stdatomic.h>

#include "behaviour/util.h"
#include "behaviour/descriptor.h"

enum { SENDERS = 4, MESSAGES = 2000 };

static void *send_many(void *socket)
{
    intptr_t wrong = 0;
    for (int i = 0; i < MESSAGES; i++)
        wrong += zmq_send(socket, &i, sizeof i, 0) != sizeof i;
    return (void *)wrong;
}

static void drain(void *socket, int fd, int messages)
{
    int number;
    while (messages) {
        assert_true(is_readable(fd, DEADLINE_MS));
        while (events_of(socket) & ZMQ_POLLIN) {
            assert_int_equal(zmq_recv(socket, &number, sizeof number, 0), sizeof number);
            messages--;
        }
    }
    assert_false(events_of(socket) & ZMQ_POLLIN);
}

/* All send on one socket, while its own descriptor is waited for at the other end. */
TEST(one_waits_while_many_send)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    int fd = get_int(pull, ZMQ_FD);
    pthread_t thread[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        thread[i] = start_thread(send_many, push);
    drain(pull, fd, SENDERS * MESSAGES);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal((intptr_t)join_thread(thread[i]), 0);
}

/* Takes one message each time the descriptor is readable, up to the first empty one. */
static void *take_by_descriptor(void *socket)
{
    intptr_t got = 0;
    char body[64];
    int fd, events, size;
    for (;;) {
        size_t length = sizeof fd;
        if (zmq_getsockopt(socket, ZMQ_FD, &fd, &length) < 0 || !is_readable(fd, DEADLINE_MS) ||
            zmq_getsockopt(socket, ZMQ_EVENTS, &events, &length) < 0)
            return (void *)-1;
        if (!(events & ZMQ_POLLIN))
            continue;
        size = zmq_recv(socket, body, sizeof body, ZMQ_DONTWAIT);
        if (size == 0)
            return (void *)got;
        got += size > 0;
    }
}

/* Asking puts the descriptor out for all, but whoever takes a message lights it for the next one;
 * so nothing is left lying, and each of the threads comes to its end. */
TEST(several_wait_for_one_descriptor)
{
    enum { TAKERS = 3 };
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    pthread_t taker[TAKERS];
    intptr_t got = 0;
    connect_to(push, bind_to(pull, *state).text);
    for (int i = 0; i < TAKERS; i++)
        taker[i] = start_thread(take_by_descriptor, pull);
    assert_int_equal((intptr_t)send_many(push), 0);
    for (int i = 0; i < TAKERS; i++)
        send_parts(push, "");
    for (int i = 0; i < TAKERS; i++) {
        intptr_t share = (intptr_t)join_thread(taker[i]);
        assert_true(share >= 0);
        got += share;
    }
    assert_int_equal(got, MESSAGES);
}

/* One thread waits by the descriptor while another one waits in zmq_poll() for the same socket. */
static void *take_by_poll(void *socket)
{
    intptr_t got = 0;
    for (char body[64];;) {
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        if (zmq_poll(&item, 1, DEADLINE_MS) != 1)
            return (void *)-1;
        int size = zmq_recv(socket, body, sizeof body, ZMQ_DONTWAIT);
        if (size == 0)
            return (void *)got;
        got += size > 0;
    }
}

TEST(one_waits_by_descriptor_and_one_by_poll)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    pthread_t outside = start_thread(take_by_descriptor, pull);
    pthread_t inside = start_thread(take_by_poll, pull);
    assert_int_equal((intptr_t)send_many(push), 0);
    for (int i = 0; i < 2; i++)
        send_parts(push, "");
    intptr_t first = (intptr_t)join_thread(outside), second = (intptr_t)join_thread(inside);
    assert_true(first >= 0 && second >= 0);
    assert_int_equal(first + second, MESSAGES);
}

static void *echo(void *socket)
{
    int number;
    while (zmq_recv(socket, &number, sizeof number, 0) == sizeof number)
        if (zmq_send(socket, &number, sizeof number, 0) < 0)
            break;
    return (void *)(intptr_t)zmq_errno();
}

/* One thread blocks in our calls and leads, the other waits outside, in the same context. */
TEST(one_waits_inside_and_one_outside)
{
    void *rep = open_socket(ZMQ_REP), *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(rep, *state).text);
    int fd = get_int(req, ZMQ_FD), number;
    give_away(rep);
    pthread_t thread = start_thread(echo, rep);
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(zmq_send(req, &i, sizeof i, 0), sizeof i);
        while (!(events_of(req) & ZMQ_POLLIN))
            assert_true(is_readable(fd, DEADLINE_MS));
        assert_int_equal(zmq_recv(req, &number, sizeof number, ZMQ_DONTWAIT), sizeof number);
        assert_int_equal(number, i);
    }
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    assert_int_equal((intptr_t)join_thread(thread), ETERM);
    assert_int_equal(zmq_close(rep), 0);
}

static void *close_it(void *socket)
{
    return (void *)(intptr_t)zmq_close(socket);
}

TEST(closing_wakes_the_one_outside)
{
    for (int i = 0; i < 20; i++) {
        void *pull = open_socket(ZMQ_PULL);
        int fd = dup(get_int(pull, ZMQ_FD)); /* the number may be somebody else's afterwards */
        assert_false(is_readable(fd, 0));
        give_away(pull);
        pthread_t thread = start_thread(close_it, pull);
        assert_true(is_readable(fd, DEADLINE_MS));
        assert_int_equal((intptr_t)join_thread(thread), 0);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(one_waits_while_many_send),
        OVER_ALL(several_wait_for_one_descriptor),
        OVER_ALL(one_waits_by_descriptor_and_one_by_poll),
        OVER_ALL(one_waits_inside_and_one_outside),
        RUN(closing_wakes_the_one_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
