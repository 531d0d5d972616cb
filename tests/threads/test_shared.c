/* SPDX-License-Identifier: MIT */
/*
 * One socket used by several threads at once: many senders, many receivers, one that waits while
 * another sends, polls, sets options or closes. Every message arrives once, and whole. libzmq
 * calls all of this undefined.
 */
#include <stdatomic.h>

#include "behaviour/util.h"

enum { THREADS = 6, MESSAGES = 500 };

/* Static wherever it is used: the thread may outlive a test that fails. */
struct job {
    void *socket;
    int number;
};

/* The thread's number and a count: whoever receives can tell what is missing or came twice. */
static void *send_many(void *argument)
{
    const struct job *job = argument;
    intptr_t wrong = 0;
    for (int i = 0; i < MESSAGES; i++) {
        int content[2] = {job->number, i};
        wrong += zmq_send(job->socket, content, sizeof content, 0) != sizeof content;
    }
    return (void *)wrong;
}

static atomic_int seen[THREADS][MESSAGES];
static atomic_int left_to_receive;

static void *receive_many(void *socket)
{
    intptr_t wrong = 0;
    while (atomic_fetch_sub(&left_to_receive, 1) > 0) {
        int content[2] = {-1, -1};
        if (zmq_recv(socket, content, sizeof content, 0) != sizeof content || content[0] < 0 ||
            content[0] >= THREADS || content[1] < 0 || content[1] >= MESSAGES)
            wrong++;
        else
            atomic_fetch_add(&seen[content[0]][content[1]], 1);
    }
    return (void *)wrong;
}

static void forget_seen(void)
{
    for (int i = 0; i < THREADS; i++)
        for (int n = 0; n < MESSAGES; n++)
            atomic_store(&seen[i][n], 0);
    atomic_store(&left_to_receive, THREADS * MESSAGES);
}

static void expect_all_seen_once(void)
{
    for (int i = 0; i < THREADS; i++)
        for (int n = 0; n < MESSAGES; n++)
            if (atomic_load(&seen[i][n]) != 1)
                fail_msg("message %d of thread %d came %d times", n, i, atomic_load(&seen[i][n]));
}

TEST(many_threads_send_on_one_push)
{
    better_than_libzmq();
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    static struct job job[THREADS];
    pthread_t thread[THREADS];
    int next[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        job[i] = (struct job){push, i};
        thread[i] = start_thread(send_many, &job[i]);
    }
    for (int i = 0; i < THREADS * MESSAGES; i++) {
        int content[2] = {-1, -1};
        assert_int_equal(zmq_recv(pull, content, sizeof content, 0), sizeof content);
        assert_in_range(content[0], 0, THREADS - 1);
        assert_int_equal(content[1], next[content[0]]++); /* each thread's own in order */
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal((intptr_t)join_thread(thread[i]), 0);
}

TEST(many_threads_receive_on_one_pull)
{
    better_than_libzmq();
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    forget_seen();
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        thread[i] = start_thread(receive_many, pull);
    for (int i = 0; i < THREADS; i++) {
        struct job job = {push, i};
        assert_int_equal((intptr_t)send_many(&job), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal((intptr_t)join_thread(thread[i]), 0);
    expect_all_seen_once();
}

TEST(many_senders_and_many_receivers)
{
    better_than_libzmq();
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    forget_seen();
    static struct job job[THREADS];
    pthread_t sender[THREADS], receiver[THREADS];
    for (int i = 0; i < THREADS; i++) {
        job[i] = (struct job){push, i};
        receiver[i] = start_thread(receive_many, pull);
        sender[i] = start_thread(send_many, &job[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal((intptr_t)join_thread(sender[i]), 0);
        assert_int_equal((intptr_t)join_thread(receiver[i]), 0);
    }
    expect_all_seen_once();
}

/* Each thread with a socket of its own, all in one context: this libzmq can do as well. */
TEST(many_threads_with_their_own_sockets)
{
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint where = bind_to(pull, *state);
    static struct job job[THREADS];
    pthread_t thread[THREADS];
    int next[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        job[i] = (struct job){open_socket(ZMQ_PUSH), i};
        connect_to(job[i].socket, where.text);
        thread[i] = start_thread(send_many, &job[i]);
    }
    for (int i = 0; i < THREADS * MESSAGES; i++) {
        int content[2] = {-1, -1};
        assert_int_equal(zmq_recv(pull, content, sizeof content, 0), sizeof content);
        assert_in_range(content[0], 0, THREADS - 1);
        assert_int_equal(content[1], next[content[0]]++);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal((intptr_t)join_thread(thread[i]), 0);
}

static void *echo(void *socket)
{
    intptr_t wrong = 0;
    for (int i = 0; i < MESSAGES; i++) {
        int number = -1;
        wrong += zmq_recv(socket, &number, sizeof number, 0) != sizeof number;
        wrong += zmq_send(socket, &number, sizeof number, 0) != sizeof number;
    }
    return (void *)wrong;
}

/* One thread waits to receive on the socket on which the other sends. */
TEST(one_thread_waits_while_another_sends)
{
    better_than_libzmq();
    void *here = open_socket(ZMQ_DEALER);
    void *there = open_socket(ZMQ_DEALER);
    connect_to(there, bind_to(here, *state).text);
    pthread_t other = start_thread(echo, there);
    pthread_t back = start_thread(echo, here);
    int first = 7;
    assert_int_equal(zmq_send(here, &first, sizeof first, 0), sizeof first);
    assert_int_equal((intptr_t)join_thread(other), 0);
    assert_int_equal((intptr_t)join_thread(back), 0);
    assert_int_equal(zmq_recv(there, &first, sizeof first, 0), sizeof first);
    assert_int_equal(first, 7);
}

static void *poll_and_receive(void *socket)
{
    intptr_t wrong = 0;
    for (int i = 0; i < MESSAGES; i++) {
        int content[2] = {-1, -1};
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        wrong += zmq_poll(&item, 1, DEADLINE_MS) != 1 || item.revents != ZMQ_POLLIN;
        wrong += zmq_recv(socket, content, sizeof content, ZMQ_DONTWAIT) != sizeof content;
        wrong += content[1] != i;
    }
    return (void *)wrong;
}

/* Both sockets are polled by one thread and sent on by another. */
TEST(one_thread_polls_while_another_sends)
{
    better_than_libzmq();
    void *here = open_socket(ZMQ_PAIR);
    void *there = open_socket(ZMQ_PAIR);
    connect_to(there, bind_to(here, *state).text);
    static struct job job[2];
    job[0] = (struct job){here, 0};
    job[1] = (struct job){there, 1};
    pthread_t poller[2] = {start_thread(poll_and_receive, here),
                           start_thread(poll_and_receive, there)};
    pthread_t sender[2] = {start_thread(send_many, &job[0]), start_thread(send_many, &job[1])};
    for (int i = 0; i < 2; i++) {
        assert_int_equal((intptr_t)join_thread(sender[i]), 0);
        assert_int_equal((intptr_t)join_thread(poller[i]), 0);
    }
}

static atomic_bool enough;

static void *set_options(void *socket)
{
    intptr_t wrong = 0;
    for (int value = 0; !atomic_load(&enough); value = !value) {
        int got = -1;
        size_t size = sizeof got;
        wrong += zmq_setsockopt(socket, ZMQ_IMMEDIATE, &value, sizeof value) != 0;
        wrong += zmq_getsockopt(socket, ZMQ_EVENTS, &got, &size) != 0;
        wrong += zmq_getsockopt(socket, ZMQ_TYPE, &got, &size) != 0 || got != ZMQ_PUSH;
    }
    return (void *)wrong;
}

TEST(options_may_be_set_meanwhile)
{
    better_than_libzmq();
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    atomic_store(&enough, false);
    pthread_t options = start_thread(set_options, push);
    static struct job job;
    job = (struct job){push, 0};
    pthread_t sender = start_thread(send_many, &job);
    for (int i = 0; i < MESSAGES; i++) {
        int content[2] = {-1, -1};
        assert_int_equal(zmq_recv(pull, content, sizeof content, 0), sizeof content);
        assert_int_equal(content[1], i);
    }
    atomic_store(&enough, true);
    assert_int_equal((intptr_t)join_thread(options), 0);
    assert_int_equal((intptr_t)join_thread(sender), 0);
}

static void *connect_and_disconnect(void *argument)
{
    const struct job *job = argument;
    char text[64];
    intptr_t wrong = 0;
    snprintf(text, sizeof text, "inproc://come-and-go-%d", job->number);
    for (int i = 0; i < 100; i++) {
        wrong += zmq_bind(job->socket, text) != 0;
        wrong += zmq_unbind(job->socket, text) != 0;
    }
    return (void *)wrong;
}

TEST(endpoints_may_come_and_go_meanwhile)
{
    better_than_libzmq();
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    static struct job endpoint[2];
    endpoint[0] = (struct job){push, 0};
    endpoint[1] = (struct job){pull, 1};
    static struct job job;
    job = (struct job){push, 0};
    pthread_t binder[2] = {start_thread(connect_and_disconnect, &endpoint[0]),
                           start_thread(connect_and_disconnect, &endpoint[1])};
    pthread_t sender = start_thread(send_many, &job);
    for (int i = 0; i < MESSAGES; i++) {
        int content[2] = {-1, -1};
        assert_int_equal(zmq_recv(pull, content, sizeof content, 0), sizeof content);
        assert_int_equal(content[1], i);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal((intptr_t)join_thread(binder[i]), 0);
    assert_int_equal((intptr_t)join_thread(sender), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(many_threads_send_on_one_push),
        OVER_ALL(many_threads_receive_on_one_pull),
        OVER_ALL(many_senders_and_many_receivers),
        OVER_ALL(many_threads_with_their_own_sockets),
        OVER_ALL(one_thread_waits_while_another_sends),
        OVER_ALL(one_thread_polls_while_another_sends),
        OVER_ALL(options_may_be_set_meanwhile),
        OVER_ALL(endpoints_may_come_and_go_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
