/* SPDX-License-Identifier: MIT */
/*
 * Free functions that wait: whenever memory is let go of, they are called where waiting suspends
 * one green thread and no more, be it in the middle of a switch or while all are idle.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>

enum { MESSAGES = 100, BODY = 200000, MOMENT_MS = 1, SWITCHES = 20 };

static char body[BODY], received[BODY];
static int begun, done;
static bool overwritten;

static int setup(void **state)
{
    begun = done = 0;
    overwritten = false;
    return world_open(state);
}

/* What it keeps on its stack remains there while it waits. */
static void give_back(void *data, void *hint)
{
    (void)data;
    (void)hint;
    volatile char mine[1000];
    for (size_t i = 0; i < sizeof mine; i++)
        mine[i] = 7;
    begun++;
    gmq_sleep(MOMENT_MS);
    gmq_yield();
    for (size_t i = 0; i < sizeof mine; i++)
        overwritten |= mine[i] != 7;
    done++;
}

static bool lend(void *socket)
{
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init_data(&msg, body, BODY, give_back, NULL), 0);
    bool sent = zmq_msg_send(&msg, socket, ZMQ_DONTWAIT) == BODY;
    if (!sent)
        zmq_msg_close(&msg);
    return sent;
}

static void *end_at_once(void *arg)
{
    return arg;
}

static void *receive(void *socket)
{
    return zmq_recv(socket, received, BODY, 0) < 0 ? NULL : socket;
}

static void open_without_threads(void **push, void **pull)
{
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0), 0);
    *push = open_socket(ZMQ_PUSH);
    *pull = open_socket(ZMQ_PULL);
    connect_to(*push, bind_to(*pull, "tcp://127.0.0.1:*").text);
}

/* The hub looks at the loop in the middle of a switch: of a thread that is ready, or that ends. */
TEST(a_free_function_waits_while_others_come_and_go)
{
    void *push, *pull, *quiet;
    open_without_threads(&push, &pull);
    quiet = open_socket(ZMQ_PULL);
    int64_t waiter = gmq_spawn(receive, quiet, NULL); /* so the hub has to do with the loop */
    for (int i = 0; i < MESSAGES; i++) {
        lend(push);
        for (int n = 0; n < SWITCHES; n++) {
            int64_t thread = gmq_spawn(end_at_once, NULL, NULL);
            gmq_yield();
            assert_int_equal(gmq_join(thread, NULL, -1), 0);
        }
        zmq_recv(pull, received, BODY, ZMQ_DONTWAIT);
    }
    for (int64_t give_up = gmq_now() + DEADLINE_MS; done < MESSAGES && gmq_now() < give_up;) {
        zmq_recv(pull, received, BODY, ZMQ_DONTWAIT);
        gmq_sleep(1);
    }
    assert_int_equal(begun, MESSAGES);
    assert_int_equal(done, MESSAGES);
    assert_false(overwritten);
    gmq_cancel(waiter);
    assert_int_equal(gmq_join(waiter, NULL, -1), 0);
}

static void *receive_all(void *socket)
{
    for (int i = 0; i < MESSAGES; i++)
        if (zmq_recv(socket, received, BODY, 0) != BODY)
            return NULL;
    return socket;
}

static void *send_and_wait(void *push)
{
    zmq_msg_t msg;
    for (int i = 0; i < MESSAGES; i++) {
        zmq_msg_init_data(&msg, body, BODY, give_back, NULL);
        if (zmq_msg_send(&msg, push, 0) != BODY)
            return NULL;
    }
    return push;
}

/* Nobody calls anything while the last messages leave: the hub finds somebody. */
TEST(a_free_function_is_called_while_all_wait)
{
    void *push = open_socket(ZMQ_PUSH), *quiet = open_socket(ZMQ_PULL), *result = NULL;
    void *other = zmq_ctx_new(), *pull = open_socket_in(other, ZMQ_PULL);
    give_away(pull);
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
    int64_t sender = gmq_spawn(send_and_wait, push, NULL);
    int64_t waiter = gmq_spawn(receive, quiet, NULL);
    gmq_sleep(1);
    pthread_t receiver = start_thread(receive_all, pull);
    assert_int_equal(gmq_join(sender, &result, -1), 0);
    assert_non_null(result);
    for (int64_t give_up = gmq_now() + DEADLINE_MS; done < MESSAGES && gmq_now() < give_up;)
        gmq_sleep(10);
    assert_ptr_equal(join_thread(receiver), pull);
    assert_int_equal(done, MESSAGES);
    assert_false(overwritten);
    gmq_cancel(waiter);
    assert_int_equal(gmq_join(waiter, NULL, -1), 0);
    assert_int_equal(zmq_close(pull), 0);
    assert_int_equal(zmq_ctx_term(other), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_free_function_waits_while_others_come_and_go),
        CASE(a_free_function_is_called_while_all_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
