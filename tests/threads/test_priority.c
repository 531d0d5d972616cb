/* SPDX-License-Identifier: MIT */
/*
 * Threads of different priorities on one processor: one that is preempted in a call must not keep
 * one of high priority waiting, which would then keep it from going on.
 */
#include <sched.h>
#include <stdatomic.h>

#include "behaviour/util.h"

enum { CALLS = 5000, SLOW_MS = 200, GAP_NS = 20000 };

static void *ends[2]; /* one sends to the other */
static atomic_bool enough;

/* Binds the calling thread to the first of the processors that it may use. */
static bool pin(void)
{
    cpu_set_t all, one;
    if (sched_getaffinity(0, sizeof all, &all) == -1)
        return false;
    CPU_ZERO(&one);
    for (size_t n = 0; n < CPU_SETSIZE && !CPU_COUNT(&one); n++) {
        if (CPU_ISSET(n, &all))
            CPU_SET(n, &one);
    }
    return pthread_setaffinity_np(pthread_self(), sizeof one, &one) == 0;
}

static bool raise_priority(void)
{
    struct sched_param first = {.sched_priority = 1};
    return pthread_setschedparam(pthread_self(), SCHED_FIFO, &first) == 0;
}

static bool is_permitted(void)
{
    struct sched_param ordinary = {0};
    bool permitted = raise_priority();
    if (permitted)
        pthread_setschedparam(pthread_self(), SCHED_OTHER, &ordinary);
    return permitted;
}

/* Sends and receives what it has sent, so that there is always room. */
static void *flow(void *unused)
{
    (void)unused;
    char body[1500] = "";
    intptr_t wrong = !pin();
    while (!atomic_load(&enough)) {
        wrong += zmq_send(ends[0], body, sizeof body, 0) != sizeof body;
        wrong += zmq_recv(ends[1], body, sizeof body, 0) != sizeof body;
    }
    return (void *)wrong;
}

/* Interrupts the other thread wherever it is: the longest of many calls, in ms, or -1. */
static void *interrupt(void *socket)
{
    int64_t longest = 0;
    bool fine = pin() && raise_priority();
    for (int i = 0; i < CALLS && fine && longest < SLOW_MS; i++) {
        int64_t begin = now_ms();
        int events;
        size_t size = sizeof events;
        fine = zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0;
        longest = now_ms() - begin > longest ? now_ms() - begin : longest;
        nanosleep(&(struct timespec){.tv_nsec = GAP_NS + i % 64 * 100}, NULL);
    }
    return (void *)(intptr_t)(fine ? longest : -1);
}

static void open_ends(void)
{
    ends[0] = open_socket(ZMQ_PUSH);
    ends[1] = open_socket(ZMQ_PULL);
    connect_to(ends[0], bind_to(ends[1], "inproc://flow").text);
}

static void expect_no_wait(void *looked_at)
{
    if (!is_permitted()) {
        print_message("SCHED_FIFO is not permitted here\n");
        skip();
    }
    atomic_store(&enough, false);
    pthread_t low = start_thread(flow, NULL);
    pthread_t high = start_thread(interrupt, looked_at);
    intptr_t longest = (intptr_t)join_thread(high);
    atomic_store(&enough, true);
    assert_int_equal((intptr_t)join_thread(low), 0);
    assert_in_range(longest, 0, SLOW_MS - 1);
}

TEST(high_priority_meets_a_sender)
{
    better_than_libzmq();
    open_ends();
    expect_no_wait(ends[0]);
}

TEST(high_priority_meets_a_receiver)
{
    better_than_libzmq();
    open_ends();
    expect_no_wait(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(high_priority_meets_a_sender),
        RUN(high_priority_meets_a_receiver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
