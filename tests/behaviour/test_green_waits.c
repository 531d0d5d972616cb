/* SPDX-License-Identifier: MIT */
/*
 * What is special about some calls that wait in green threads; all of them are in
 * test_green_calls.c.
 */
#include <stdatomic.h>

#include "behaviour/util.h"

#include <greenmq/greenmq.h>

static void waste_a_while(void *ended)
{
    while (!atomic_load((atomic_bool *)ended))
        nap_ms(1);
}

static void *close_thread(void *thread)
{
    zmq_threadclose(thread);
    return NULL;
}

/* It waits for a thread that another green thread lets end, and cannot be kept from it. */
TEST(threadclose_waits_in_green)
{
    static atomic_bool end;
    atomic_store(&end, false);
    int64_t closer = gmq_spawn(close_thread, zmq_threadstart(waste_a_while, &end), NULL);
    expect_error(gmq_join(closer, NULL, gmq_now() + 5), ETIMEDOUT);
    assert_int_equal(gmq_cancel(closer), 0);
    expect_error(gmq_join(closer, NULL, gmq_now() + 5), ETIMEDOUT);
    atomic_store(&end, true);
    assert_int_equal(gmq_join(closer, NULL, gmq_now() + DEADLINE_MS), 0);
}

TEST(threadclose_that_was_cancelled_before_waits_in_green)
{
    static atomic_bool end;
    atomic_store(&end, false);
    int64_t closer = gmq_spawn(close_thread, zmq_threadstart(waste_a_while, &end), NULL);
    assert_int_equal(gmq_cancel(closer), 0);
    expect_error(gmq_join(closer, NULL, gmq_now() + 5), ETIMEDOUT);
    atomic_store(&end, true);
    assert_int_equal(gmq_join(closer, NULL, gmq_now() + DEADLINE_MS), 0);
}

/* The sooner of the two counts, and is told by its own name. */
TEST(timeouts_of_sockets_beside_scopes)
{
    char text[8];
    struct gmq_scope scope;
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    set_int(pull, ZMQ_RCVTIMEO, 10);
    set_int(push, ZMQ_SNDTIMEO, 10);
    assert_int_equal(gmq_scope_enter(&scope, gmq_now() + 100000), 0);
    expect_error(zmq_recv(pull, text, sizeof text, 0), EAGAIN);
    expect_error(zmq_send(push, text, sizeof text, 0), EAGAIN);
    assert_int_equal(zmq_poll(&(zmq_pollitem_t){.socket = pull, .events = ZMQ_POLLIN}, 1, 10), 0);
    assert_int_equal(gmq_scope_leave(&scope), 0);
    set_int(pull, ZMQ_RCVTIMEO, 100000);
    set_int(push, ZMQ_SNDTIMEO, 100000);
    assert_int_equal(gmq_scope_enter(&scope, gmq_now() + 10), 0);
    expect_error(zmq_recv(pull, text, sizeof text, 0), ETIMEDOUT);
    expect_error(zmq_send(push, text, sizeof text, 0), ETIMEDOUT);
    expect_error(zmq_recv(pull, text, sizeof text, ZMQ_DONTWAIT), EAGAIN);
    expect_error(zmq_poll(&(zmq_pollitem_t){.socket = pull, .events = ZMQ_POLLIN}, 1, 100000),
                 ETIMEDOUT);
    assert_int_equal(zmq_poll(&(zmq_pollitem_t){.socket = pull, .events = ZMQ_POLLIN}, 1, 0), 0);
    assert_int_equal(gmq_scope_leave(&scope), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(threadclose_waits_in_green),
        RUN(threadclose_that_was_cancelled_before_waits_in_green),
        RUN(timeouts_of_sockets_beside_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
