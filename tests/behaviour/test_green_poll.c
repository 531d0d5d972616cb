/* SPDX-License-Identifier: MIT */
/*
 * zmq_poll() in green threads: whatever is among its items, only the caller waits. All of this
 * would stand still for ever if the ordinary thread waited.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>

static int ends[2];

static int setup(void **state)
{
    return world_open(state) < 0 ? -1 : pipe(ends);
}

static int teardown(void **state)
{
    close(ends[0]);
    close(ends[1]);
    return world_close(state);
}

struct wait {
    zmq_pollitem_t items[2];
    int count;
    long timeout_ms;
};

/* The number of items with events, or a negative errno. */
static void *wait_for(void *argument)
{
    struct wait *wait = argument;
    int rc = zmq_poll(wait->items, wait->count, wait->timeout_ms);
    return (void *)(intptr_t)(rc < 0 ? -zmq_errno() : rc);
}

static int64_t spawn_wait(struct wait *wait)
{
    int64_t thread = gmq_spawn(wait_for, wait, NULL);
    assert_true(thread > 0);
    expect_error(gmq_join(thread, NULL, gmq_now() + 5), ETIMEDOUT); /* it waits, and we go on */
    return thread;
}

static intptr_t result_of(int64_t thread)
{
    void *result = NULL;
    assert_int_equal(gmq_join(thread, &result, gmq_now() + DEADLINE_MS), 0);
    return (intptr_t)result;
}

TEST(descriptors_alone_in_a_green_thread)
{
    struct wait wait = {.count = 2, .timeout_ms = -1};
    wait.items[0] = (zmq_pollitem_t){.fd = -1, .events = ZMQ_POLLIN};
    wait.items[1] = (zmq_pollitem_t){.fd = ends[0], .events = ZMQ_POLLIN};
    int64_t thread = spawn_wait(&wait);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(result_of(thread), 1);
    assert_int_equal(wait.items[0].revents, 0);
    assert_int_equal(wait.items[1].revents, ZMQ_POLLIN);
    assert_int_equal((intptr_t)wait_for(&wait), 1); /* and at once */
}

TEST(nothing_at_all_in_a_green_thread)
{
    struct wait end_less = {.timeout_ms = -1}, brief = {.timeout_ms = 30};
    int64_t thread = spawn_wait(&end_less), other = spawn_wait(&brief);
    assert_int_equal(result_of(other), 0);
    assert_int_equal(gmq_cancel(thread), 0);
    assert_int_equal(result_of(thread), -ECANCELED);
}

TEST(time_runs_out_in_a_green_thread)
{
    struct wait wait = {.count = 1, .timeout_ms = 30};
    wait.items[0] = (zmq_pollitem_t){.fd = ends[0], .events = ZMQ_POLLIN, .revents = ZMQ_POLLIN};
    int64_t started = now_ms();
    assert_int_equal(result_of(spawn_wait(&wait)), 0);
    assert_true(now_ms() - started >= 29);
    assert_int_equal(wait.items[0].revents, 0);
}

TEST(broken_descriptor_in_a_green_thread)
{
    int fd = dup(ends[0]);
    close(fd);
    struct wait wait = {.count = 1, .timeout_ms = -1, .items = {{.fd = fd, .events = ZMQ_POLLIN}}};
    assert_int_equal(result_of(gmq_spawn(wait_for, &wait, NULL)), 1);
    assert_int_equal(wait.items[0].revents, ZMQ_POLLERR);
}

/* Woken by either, from a green thread and by the descriptor. */
TEST(socket_and_descriptor_in_a_green_thread)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    for (int i = 0; i < 2; i++) {
        struct wait wait = {.count = 2, .timeout_ms = DEADLINE_MS};
        wait.items[0] = (zmq_pollitem_t){.socket = pull, .events = ZMQ_POLLIN};
        wait.items[1] = (zmq_pollitem_t){.fd = ends[0], .events = ZMQ_POLLIN};
        int64_t thread = spawn_wait(&wait);
        if (i == 0)
            send_parts(push, "x");
        else
            assert_int_equal(write(ends[1], "x", 1), 1);
        assert_int_equal(result_of(thread), 1);
        assert_int_equal(wait.items[i].revents, ZMQ_POLLIN);
        if (i == 0)
            expect_parts(pull, "x");
    }
}

/* Two contexts, of which the second rings a bell. */
TEST(two_contexts_in_a_green_thread)
{
    void *ctx = zmq_ctx_new();
    void *push[] = {open_socket(ZMQ_PUSH), open_socket_in(ctx, ZMQ_PUSH)};
    void *pull[] = {open_socket(ZMQ_PULL), open_socket_in(ctx, ZMQ_PULL)};
    struct wait wait = {.count = 2, .timeout_ms = -1};
    for (int i = 0; i < 2; i++) {
        connect_to(push[i], bind_to(pull[i], *state).text);
        wait.items[i] = (zmq_pollitem_t){.socket = pull[i], .events = ZMQ_POLLIN};
    }
    for (int i = 0; i < 2; i++) {
        int64_t thread = spawn_wait(&wait);
        send_parts(push[i], "x");
        assert_int_equal(result_of(thread), 1);
        assert_int_equal(wait.items[i].revents, ZMQ_POLLIN);
        expect_parts(pull[i], "x");
    }
    close_socket(push[1]);
    close_socket(pull[1]);
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

#define RUN_HERE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define OVER_HERE(test, transport, endpoint)                                           \
    {                                                                                  \
#test "_over_" transport, test, setup, teardown, (void *)(uintptr_t)(endpoint) \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_HERE(descriptors_alone_in_a_green_thread),
        RUN_HERE(nothing_at_all_in_a_green_thread),
        RUN_HERE(time_runs_out_in_a_green_thread),
        RUN_HERE(broken_descriptor_in_a_green_thread),
        OVER_HERE(socket_and_descriptor_in_a_green_thread, "tcp", "tcp://127.0.0.1:*"),
        OVER_HERE(socket_and_descriptor_in_a_green_thread, "inproc", "inproc://here"),
        OVER_HERE(two_contexts_in_a_green_thread, "tcp", "tcp://127.0.0.1:*"),
        OVER_HERE(two_contexts_in_a_green_thread, "inproc", "inproc://here"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
