/* SPDX-License-Identifier: MIT */
/*
 * Ends brought about by another thread: a socket closed while somebody waits on it, a context
 * terminated or shut down under load, and threads that open and close sockets all the time.
 */
#include <stdatomic.h>

#include "behaviour/util.h"

#include <greenmq/greenmq.h>

enum { THREADS = 6 };

/* A thread about to wait in a call says so first; the end comes then, or a little earlier. */
static atomic_int waiting;

static void await_waiting(int count)
{
    wait_until(atomic_load(&waiting) >= count);
}

/* Threads return the errno of the call that they waited in. */
static void *wait_in_recv(void *socket)
{
    atomic_fetch_add(&waiting, 1);
    int rc = zmq_recv(socket, NULL, 0, 0);
    return (void *)(intptr_t)(rc == -1 ? zmq_errno() : 0);
}

static void *endless(int type)
{
    void *socket = open_socket(type);
    set_int(socket, ZMQ_RCVTIMEO, -1);
    set_int(socket, ZMQ_SNDTIMEO, -1);
    set_int(socket, ZMQ_LINGER, 0);
    return socket;
}

/* The call that waits on a socket which another thread closes fails; it does not hang. */
TEST(closing_wakes_who_waits_on_the_socket)
{
    better_than_libzmq();
    for (int i = 0; i < 20; i++) {
        void *socket = endless(ZMQ_PULL);
        bind_to(socket, *state);
        atomic_store(&waiting, 0);
        pthread_t thread = start_thread(wait_in_recv, socket);
        await_waiting(1);
        if (i % 2)
            nap_ms(2); /* now and then it really waits already */
        close_socket(socket);
        int error = (int)(intptr_t)join_thread(thread);
        if (error != ENOTSOCK && error != ETERM)
            fail_msg("the waiting call failed with %s", zmq_strerror(error));
    }
}

static void *open_use_close(void *ctx)
{
    intptr_t wrong = 0;
    for (int i = 0; i < 50; i++) {
        char endpoint[256];
        size_t size = sizeof endpoint;
        char text[8] = "";
        int limit = DEADLINE_MS;
        void *a = zmq_socket(ctx, ZMQ_PAIR);
        void *b = zmq_socket(ctx, ZMQ_PAIR);
        wrong += zmq_bind(a, i % 2 ? "tcp://127.0.0.1:*" : "ipc://*") != 0;
        wrong += zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0;
        wrong += zmq_connect(b, endpoint) != 0;
        wrong += zmq_setsockopt(a, ZMQ_RCVTIMEO, &limit, sizeof limit) != 0;
        wrong += zmq_send(b, "hello", 5, 0) != 5;
        wrong += zmq_recv(a, text, sizeof text, 0) != 5;
        wrong += zmq_close(a) != 0;
        wrong += zmq_close(b) != 0;
    }
    return (void *)wrong;
}

TEST(threads_open_and_close_sockets_all_the_time)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        thread[i] = start_thread(open_use_close, world.ctx);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal((intptr_t)join_thread(thread[i]), 0);
}

static void *own_context(void *unused)
{
    intptr_t wrong = 0;
    for (int i = 0; i < 5; i++) {
        void *ctx = zmq_ctx_new();
        wrong += (intptr_t)open_use_close(ctx);
        wrong += zmq_ctx_term(ctx) != 0;
    }
    return unused ? NULL : (void *)wrong;
}

TEST(contexts_side_by_side)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        thread[i] = start_thread(own_context, NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal((intptr_t)join_thread(thread[i]), 0);
}

/* A thread as programs have them: work until the context ends, then close and leave. */
static void *serve_until_the_end(void *socket)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    atomic_fetch_add(&waiting, 1);
    while (zmq_msg_recv(&msg, socket, 0) != -1)
        continue;
    int error = zmq_errno();
    zmq_msg_close(&msg);
    zmq_close(socket);
    return (void *)(intptr_t)error;
}

static void *send_until_the_end(void *socket)
{
    atomic_fetch_add(&waiting, 1);
    while (zmq_send(socket, "x", 1, 0) == 1)
        continue;
    int error = zmq_errno();
    zmq_close(socket);
    return (void *)(intptr_t)error;
}

static void start_traffic(pthread_t thread[THREADS], const char *endpoint)
{
    atomic_store(&waiting, 0);
    for (int i = 0; i < THREADS / 2; i++) {
        void *pull = endless(ZMQ_PULL);
        void *push = endless(ZMQ_PUSH);
        char name[32];
        snprintf(name, sizeof name, "inproc://traffic-%d", i);
        bool inproc = strcmp(endpoint, "inproc://here") == 0;
        connect_to(push, bind_to(pull, inproc ? name : endpoint).text);
        give_away(pull);
        give_away(push);
        thread[i] = start_thread(serve_until_the_end, pull);
        thread[i + THREADS / 2] = start_thread(send_until_the_end, push);
    }
    await_waiting(THREADS);
}

TEST(term_from_another_thread_ends_all_traffic)
{
    for (int round = 0; round < 5; round++) {
        pthread_t thread[THREADS];
        start_traffic(thread, *state);
        term_world(); /* returns when the last thread has closed its socket */
        for (int i = 0; i < THREADS; i++)
            assert_int_equal((intptr_t)join_thread(thread[i]), ETERM);
        world.ctx = zmq_ctx_new();
    }
}

TEST(shutdown_from_another_thread_ends_all_traffic)
{
    for (int round = 0; round < 5; round++) {
        pthread_t thread[THREADS];
        start_traffic(thread, *state);
        assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal((intptr_t)join_thread(thread[i]), ETERM);
        term_world();
        world.ctx = zmq_ctx_new();
    }
}

static void *poll_forever(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    atomic_fetch_add(&waiting, 1);
    int rc;
    while ((rc = zmq_poll(&item, 1, -1)) != -1)
        if (zmq_recv(socket, NULL, 0, ZMQ_DONTWAIT) == -1 && zmq_errno() == ETERM)
            break;
    return (void *)(intptr_t)zmq_errno();
}

TEST(many_threads_waiting_in_many_ways_all_wake)
{
    void *(*const waits[])(void *) = {wait_in_recv, poll_forever};
    pthread_t thread[THREADS];
    void *socket[THREADS];
    atomic_store(&waiting, 0);
    for (int i = 0; i < THREADS; i++) {
        socket[i] = endless(ZMQ_PULL);
        thread[i] = start_thread(waits[i % 2], socket[i]);
    }
    await_waiting(THREADS);
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal((intptr_t)join_thread(thread[i]), ETERM);
}

/* Several threads shut one context down at about the same time. */
static void *shut_down(void *ctx)
{
    return (void *)(intptr_t)zmq_ctx_shutdown(ctx);
}

TEST(shutdown_may_be_asked_for_by_several)
{
    pthread_t thread[THREADS];
    void *socket = endless(ZMQ_PULL);
    atomic_store(&waiting, 0);
    pthread_t waiter = start_thread(wait_in_recv, socket);
    await_waiting(1);
    for (int i = 0; i < THREADS; i++)
        thread[i] = start_thread(shut_down, world.ctx);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal((intptr_t)join_thread(thread[i]), 0);
    assert_int_equal((intptr_t)join_thread(waiter), ETERM);
}

static void *wait_for_device(void *device)
{
    atomic_fetch_add(&waiting, 1);
    return (void *)(intptr_t)gmq_device_wait(device, -1);
}

/* Its sockets are closed and its context ended while threads are still on their way out of it. */
TEST(end_of_the_context_waits_for_those_who_wait_for_a_device)
{
    enum { ROUNDS = 100 };
    better_than_libzmq();
    for (int i = 0; i < ROUNDS; i++) {
        void *ctx = zmq_ctx_new();
        void *front = zmq_socket(ctx, ZMQ_PULL), *back = zmq_socket(ctx, ZMQ_PUSH);
        struct gmq_device *device = gmq_device_new(front, back, NULL);
        atomic_store(&waiting, 0);
        assert_int_equal(gmq_device_start(device), 0);
        pthread_t one = start_thread(wait_for_device, device);
        pthread_t other = start_thread(wait_for_device, device);
        await_waiting(2);
        assert_int_equal(gmq_device_stop(device), 0);
        assert_int_equal(zmq_close(front), 0);
        assert_int_equal(zmq_close(back), 0);
        assert_int_equal(zmq_ctx_term(ctx), 0);
        join_thread(one);
        join_thread(other);
        gmq_device_free(device);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(closing_wakes_who_waits_on_the_socket),
        RUN(threads_open_and_close_sockets_all_the_time),
        RUN(contexts_side_by_side),
        OVER_ALL(term_from_another_thread_ends_all_traffic),
        OVER_ALL(shutdown_from_another_thread_ends_all_traffic),
        RUN(many_threads_waiting_in_many_ways_all_wake),
        RUN(end_of_the_context_waits_for_those_who_wait_for_a_device),
        RUN(shutdown_may_be_asked_for_by_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
