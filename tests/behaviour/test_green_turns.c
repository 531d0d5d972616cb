/* SPDX-License-Identifier: MIT */
/*
 * Green threads and their turns: who goes on and on does not keep those waiting whose time has
 * come, and contexts without threads of their own are looked after, however many they are.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>

static bool awake;

static void *sleep_a_moment(void *arg)
{
    gmq_sleep(10);
    awake = true;
    return arg;
}

/* Each call is served at once, so none of them waits; and each takes its time. */
TEST(a_thread_that_never_waits_keeps_no_sleeper_waiting)
{
    enum { CALLS_MAX = 5000 };
    void *near = open_socket(ZMQ_PAIR), *far = open_socket(ZMQ_PAIR);
    connect_to(far, bind_to(near, "inproc://pair").text);
    int64_t sleeper = gmq_spawn(sleep_a_moment, NULL, NULL);
    int calls = 0;
    for (char octet; !awake && calls < CALLS_MAX; calls += 2) {
        int64_t start = gmq_now();
        assert_int_equal(zmq_send(near, "x", 1, 0), 1);
        assert_int_equal(zmq_recv(far, &octet, 1, 0), 1);
        while (gmq_now() == start)
            continue;
    }
    assert_int_equal(gmq_join(sleeper, NULL, -1), 0);
    assert_true(calls < CALLS_MAX);
}

enum { CONTEXTS = 12 };

static struct endpoint where[CONTEXTS];

/* Connects where nobody is yet. */
static void *receive_in_a_context(void *endpoint)
{
    char octet = 0;
    void *ctx = zmq_ctx_new();
    zmq_ctx_set(ctx, ZMQ_IO_THREADS, 0);
    void *pull = zmq_socket(ctx, ZMQ_PULL);
    int rc = zmq_setsockopt(pull, ZMQ_RCVTIMEO, &(int){DEADLINE_MS}, sizeof(int));
    if (rc == 0)
        rc = zmq_connect(pull, endpoint);
    if (rc == 0)
        rc = zmq_recv(pull, &octet, 1, 0);
    zmq_close(pull);
    zmq_ctx_term(ctx);
    return rc == 1 ? endpoint : NULL;
}

static void *bind_late_and_send(void *arg)
{
    void *push[CONTEXTS];
    nap_ms(50);
    for (int i = 0; i < CONTEXTS; i++) {
        push[i] = zmq_socket(world.ctx, ZMQ_PUSH);
        zmq_setsockopt(push[i], ZMQ_SNDTIMEO, &(int){DEADLINE_MS}, sizeof(int));
        if (zmq_bind(push[i], where[i].text) < 0)
            arg = NULL;
    }
    for (int i = 0; i < CONTEXTS && arg; i++)
        zmq_send(push[i], "x", 1, 0);
    for (int i = 0; i < CONTEXTS; i++)
        zmq_close(push[i]);
    return arg;
}

TEST(many_contexts_without_threads_connect_again)
{
    int64_t threads[CONTEXTS];
    char folder[] = "/tmp/turns-XXXXXX";
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < CONTEXTS; i++)
        snprintf(where[i].text, sizeof where[i].text, "ipc://%s/%d", folder, i);
    for (int i = 0; i < CONTEXTS; i++)
        threads[i] = gmq_spawn(receive_in_a_context, where[i].text, NULL);
    pthread_t sender = start_thread(bind_late_and_send, where);
    for (int i = 0; i < CONTEXTS; i++) {
        void *result = NULL;
        assert_int_equal(gmq_join(threads[i], &result, -1), 0);
        assert_non_null(result);
    }
    assert_ptr_equal(join_thread(sender), where);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(a_thread_that_never_waits_keeps_no_sleeper_waiting),
        RUN(many_contexts_without_threads_connect_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
