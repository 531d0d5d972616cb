/* SPDX-License-Identifier: MIT */
/*
 * ZMQ_FD and ZMQ_EVENTS in one thread while others send, receive, wait in our calls, or close.
 */
#include <poll.h>
#include <stdatomic.h>

#include "behaviour/util.h"

enum { SENDERS = 4, MESSAGES = 2000 };

static int events_of(void *socket)
{
    return get_int(socket, ZMQ_EVENTS);
}

static bool is_readable(int fd, int within_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    return poll(&item, 1, within_ms) == 1;
}

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

static atomic_bool enough;

static void *ask_events(void *socket)
{
    intptr_t wrong = 0;
    while (!atomic_load(&enough)) {
        int value;
        size_t size = sizeof value;
        wrong += zmq_getsockopt(socket, ZMQ_EVENTS, &value, &size) < 0;
        size = sizeof value;
        wrong += zmq_getsockopt(socket, ZMQ_FD, &value, &size) < 0;
    }
    return (void *)wrong;
}

/* Who asks takes no message away: the level comes back for the one who receives. */
TEST(events_are_asked_while_another_receives)
{
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, *state).text);
    atomic_store(&enough, false);
    pthread_t asker = start_thread(ask_events, a);
    pthread_t sender = start_thread(send_many, b);
    int fd = get_int(a, ZMQ_FD), number;
    for (int i = 0; i < MESSAGES; i++) {
        while (zmq_recv(a, &number, sizeof number, ZMQ_DONTWAIT) < 0)
            assert_true(is_readable(fd, DEADLINE_MS));
        assert_int_equal(number, i);
    }
    atomic_store(&enough, true);
    assert_int_equal((intptr_t)join_thread(asker), 0);
    assert_int_equal((intptr_t)join_thread(sender), 0);
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
        OVER_ALL(events_are_asked_while_another_receives),
        OVER_ALL(one_waits_inside_and_one_outside),
        RUN(closing_wakes_the_one_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
