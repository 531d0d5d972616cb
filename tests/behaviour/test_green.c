/* SPDX-License-Identifier: MIT */
/*
 * Green threads: their life, joining and cancelling, their storage and their times.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>

static void *same(void *arg)
{
    return arg;
}

TEST(a_thread_runs_and_gives_its_result)
{
    int mark;
    void *result = NULL;
    int64_t thread = gmq_spawn(same, &mark, NULL);
    assert_true(thread > 0);
    assert_int_equal(gmq_join(thread, &result, -1), 0);
    assert_ptr_equal(result, &mark);
    expect_error(gmq_join(thread, &result, -1), ESRCH);
}

static char order[32];

static char letter_a[] = "a", letter_b[] = "b";

static void *note(void *arg)
{
    for (int i = 0; i < 3; i++) {
        strncat(order, arg, sizeof order - strlen(order) - 1);
        gmq_yield();
    }
    return NULL;
}

TEST(threads_take_turns)
{
    order[0] = '\0';
    int64_t a = gmq_spawn(note, letter_a, NULL), b = gmq_spawn(note, letter_b, NULL);
    assert_int_equal(gmq_join(a, NULL, -1), 0);
    assert_int_equal(gmq_join(b, NULL, -1), 0);
    assert_string_equal(order, "ababab");
}

static void *sleeps(void *arg)
{
    gmq_sleep((int64_t)(intptr_t)arg);
    strncat(order, (intptr_t)arg == 60 ? "60 " : (intptr_t)arg == 30 ? "30 " : "5 ", 4);
    return NULL;
}

TEST(sleepers_wake_in_order)
{
    int64_t threads[3];
    order[0] = '\0';
    threads[0] = gmq_spawn(sleeps, (void *)60, NULL);
    threads[1] = gmq_spawn(sleeps, (void *)5, NULL);
    threads[2] = gmq_spawn(sleeps, (void *)30, NULL);
    int64_t start = gmq_now();
    for (int i = 0; i < 3; i++)
        assert_int_equal(gmq_join(threads[i], NULL, -1), 0);
    assert_true(gmq_now() - start >= 59);
    assert_string_equal(order, "5 30 60 ");
}

static void *echo(void *arg)
{
    char text[16];
    int size;
    while ((size = zmq_recv(arg, text, sizeof text, 0)) > 0)
        zmq_send(arg, text, (size_t)size, 0);
    return (void *)(intptr_t)zmq_errno();
}

TEST(a_receive_blocks_only_its_thread)
{
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, *state).text);
    int64_t thread = gmq_spawn(echo, b, NULL);
    for (int i = 0; i < 1000; i++) {
        char text[16];
        assert_int_equal(zmq_send(a, "hello", 5, 0), 5);
        assert_int_equal(zmq_recv(a, text, sizeof text, 0), 5);
    }
    void *result;
    assert_int_equal(gmq_cancel(thread), 0);
    assert_int_equal(gmq_join(thread, &result, -1), 0);
    assert_int_equal((intptr_t)result, ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(a_thread_runs_and_gives_its_result),
        RUN(threads_take_turns),
        RUN(sleepers_wake_in_order),
        OVER_ALL(a_receive_blocks_only_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
