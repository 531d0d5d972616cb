/* SPDX-License-Identifier: MIT */
/*
 * Several threads that wait in a context with no thread of its own (ZMQ_IO_THREADS 0). One of them
 * does the context's work for all. However it leaves, another goes on.
 */
#include <signal.h>
#include <stdatomic.h>

#include "behaviour/util.h"

#include <greenmq/greenmq.h>

/* Two sockets of a context that has no thread: only who waits for them moves anything. */
static void *ctx;
static struct endpoint first_at, second_at;
static void *first, *second;

static int setup(void **state)
{
    ctx = zmq_ctx_new();
    return zmq_ctx_set(ctx, ZMQ_IO_THREADS, 0) == 0 ? world_open(state) : -1;
}

static int teardown(void **state)
{
    zmq_ctx_shutdown(ctx);
    while (world.threads)
        join_thread(world.thread[0]);
    zmq_close(first);
    zmq_close(second);
    return zmq_ctx_term(ctx) < 0 ? -1 : world_close(state);
}

static void open_both(void)
{
    first = zmq_socket(ctx, ZMQ_PULL);
    second = zmq_socket(ctx, ZMQ_PULL);
    set_int(second, ZMQ_RCVTIMEO, DEADLINE_MS);
    first_at = bind_to(first, "tcp://127.0.0.1:*");
    second_at = bind_to(second, "tcp://127.0.0.1:*");
}

static void *receive(void *socket)
{
    char text[16] = "";
    int rc = zmq_recv(socket, text, sizeof text - 1, 0);
    return (void *)(intptr_t)(rc < 0 ? -errno : atoi(text));
}

/* How the leader leaves: it has received, its time is over, a signal has come. */
struct leader {
    void *(*run)(void *socket);
    int timeout_ms;
    int result;
};

/* Is this thread asleep? Then it has come to its poll. */
static bool is_asleep(int tid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[size] = 0;
    const char *end = strrchr(text, ')');
    return end && end[2] == 'S';
}

static atomic_int tid_of[2];

static void *lead(void *arg)
{
    struct leader *leader = arg;
    atomic_store(&tid_of[0], gettid());
    return leader->run(first);
}

static void *follow(void *arg)
{
    atomic_store(&tid_of[1], gettid());
    return receive(arg);
}

static void await_sleep(int which)
{
    wait_until(atomic_load(&tid_of[which]) && is_asleep(atomic_load(&tid_of[which])));
}

static void on_signal(int number)
{
    (void)number;
}

static void *receive_green(void *socket)
{
    void *result = NULL;
    gmq_join(gmq_spawn(receive, socket, NULL), &result, -1);
    return result;
}

/* The leader waits first, then another, and the leader leaves. What is sent then, over a connection
 * that nobody has accepted yet, arrives. */
static void check_handover(struct leader leader, bool sends, bool signals)
{
    struct sigaction action = {.sa_handler = on_signal};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    atomic_store(&tid_of[0], 0);
    atomic_store(&tid_of[1], 0);
    open_both();
    set_int(first, ZMQ_RCVTIMEO, leader.timeout_ms);
    pthread_t leads = start_thread(lead, &leader);
    await_sleep(0);
    pthread_t follows = start_thread(follow, second);
    await_sleep(1);
    if (sends) {
        void *push = open_socket(ZMQ_PUSH);
        connect_to(push, first_at.text);
        send_number(push, leader.result, 0);
    }
    if (signals)
        assert_int_equal(pthread_kill(leads, SIGUSR1), 0);
    assert_int_equal((intptr_t)join_thread(leads), leader.result);
    void *push = open_socket(ZMQ_PUSH);
    connect_to(push, second_at.text);
    send_number(push, 7, 0);
    assert_int_equal((intptr_t)join_thread(follows), 7);
}

TEST(the_leader_has_received)
{
    check_handover((struct leader){receive, -1, 5}, true, false);
}

TEST(the_time_of_the_leader_is_over)
{
    check_handover((struct leader){receive, 500, -EAGAIN}, false, false);
}

TEST(a_signal_ends_the_wait_of_the_leader)
{
    check_handover((struct leader){receive, -1, -EINTR}, false, true);
}

TEST(a_green_leader_has_received)
{
    check_handover((struct leader){receive_green, -1, 5}, true, false);
}

TEST(the_time_of_a_green_leader_is_over)
{
    check_handover((struct leader){receive_green, 500, -EAGAIN}, false, false);
}

#define RUN_HERE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_HERE(the_leader_has_received),
        RUN_HERE(the_time_of_the_leader_is_over),
        RUN_HERE(a_signal_ends_the_wait_of_the_leader),
        RUN_HERE(a_green_leader_has_received),
        RUN_HERE(the_time_of_a_green_leader_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
