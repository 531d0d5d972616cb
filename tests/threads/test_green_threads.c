/* SPDX-License-Identifier: MIT */
/*
 * Green threads of several ordinary threads: messages, joins and cancels between them.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>

enum { MESSAGES = 2000, GREENS = 20 };

static char where[] = "inproc://here";

static void *send_some(void *socket)
{
    for (int i = 0; i < MESSAGES; i++)
        if (zmq_send(socket, &i, sizeof i, 0) < 0)
            return NULL;
    return socket;
}

static void *send_green(void *socket)
{
    void *result = NULL;
    gmq_join(gmq_spawn(send_some, socket, NULL), &result, -1);
    return result;
}

TEST(a_green_thread_receives_from_another_ordinary_thread)
{
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    connect_to(push, bind_to(pull, where).text);
    assert_true(gmq_self() > 0);
    pthread_t sender = start_thread(send_green, push);
    for (int i = 0; i < MESSAGES; i++) {
        int got = -1;
        assert_int_equal(zmq_recv(pull, &got, sizeof got, 0), sizeof got);
        assert_int_equal(got, i);
    }
    assert_ptr_equal(join_thread(sender), push);
}

static void *wait_for_ever(void *arg)
{
    (void)arg;
    gmq_sleep(1000000);
    return (void *)(intptr_t)errno;
}

static int64_t spawned[GREENS];
static pthread_barrier_t ready;

static void *spawn_them(void *arg)
{
    for (int i = 0; i < GREENS; i++)
        spawned[i] = gmq_spawn(wait_for_ever, NULL, NULL);
    pthread_barrier_wait(&ready);
    for (int i = 0; i < GREENS; i += 2) {
        void *result = NULL;
        if (gmq_join(spawned[i], &result, -1) < 0 || (intptr_t)result != ECANCELED)
            return NULL;
    }
    return arg;
}

TEST(threads_are_cancelled_and_joined_from_elsewhere)
{
    int mark;
    pthread_barrier_init(&ready, NULL, 2);
    pthread_t other = start_thread(spawn_them, &mark);
    pthread_barrier_wait(&ready);
    for (int i = 0; i < GREENS; i++)
        assert_int_equal(gmq_cancel(spawned[i]), 0);
    for (int i = 1; i < GREENS; i += 2) {
        void *result = NULL;
        assert_int_equal(gmq_join(spawned[i], &result, -1), 0);
        assert_int_equal((intptr_t)result, ECANCELED);
    }
    assert_ptr_equal(join_thread(other), &mark);
    pthread_barrier_destroy(&ready);
}

static void *leave_them(void *arg)
{
    static const struct gmq_thread_options detached = {.size = sizeof detached, .detached = 1};
    for (int i = 0; i < GREENS; i++)
        if (gmq_spawn(wait_for_ever, NULL, &detached) < 0)
            return NULL;
    gmq_yield();
    return arg;
}

TEST(an_ordinary_thread_that_ends_takes_its_green_threads_along)
{
    int mark;
    assert_ptr_equal(join_thread(start_thread(leave_them, &mark)), &mark);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(a_green_thread_receives_from_another_ordinary_thread),
        RUN(threads_are_cancelled_and_joined_from_elsewhere),
        RUN(an_ordinary_thread_that_ends_takes_its_green_threads_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
