/* SPDX-License-Identifier: MIT */
/*
 * A device that has nothing to do, or nobody to do it for, uses no processor time: idle, paused,
 * or without workers, consumers or room while messages wait. Measured for the whole process, in
 * windows of wall-clock time: what spins or polls does so in every window.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/device.h"
#include "behaviour/stall.h"

#include <sys/resource.h>

enum { WINDOW_MS = 300, WINDOWS = 5, CPU_MAX_US = 10000, WAKES_MAX = 30 };

struct use {
    long cpu_us, wakes;
};

static struct use used(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (struct use){
        .cpu_us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L +
                  usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
        .wakes = usage.ru_nvcsw,
    };
}

/* One quiet window is enough, as what came before may still be under way in the first. With a
 * device the thread waits inside the engine and runs it; else the background does. */
static void expect_quiet(struct gmq_device *device)
{
    struct use before, after;
    for (int i = 0; i < WINDOWS; i++) {
        before = used();
        if (device)
            expect_error(gmq_device_wait(device, WINDOW_MS), EAGAIN);
        else
            nap_ms(WINDOW_MS);
        after = used();
        if (after.cpu_us - before.cpu_us < CPU_MAX_US && after.wakes - before.wakes < WAKES_MAX)
            return;
    }
    fail_msg("%ld us of processor time and %ld wakes in %d ms", after.cpu_us - before.cpu_us,
             after.wakes - before.wakes, WINDOW_MS);
}

static void expect_quiet_both_ways(struct gmq_device *device)
{
    expect_quiet(NULL);
    expect_quiet(device);
}

TEST(idle_without_peers)
{
    struct rig rig = queue_at(*state);
    expect_quiet_both_ways(rig.device);
}

TEST(idle_with_peers)
{
    struct rig rig = queue_at(*state);
    void *req = peer_at(ZMQ_REQ, rig.front_at), *rep = peer_at(ZMQ_REP, rig.back_at);
    send_parts(req, "ask");
    expect_parts(rep, "ask");
    send_parts(rep, "answer");
    expect_parts(req, "answer");
    expect_quiet_both_ways(rig.device);
}

/* Nothing is there to connect to, so it tries again and again; but not without a pause. */
TEST(connecting_to_nobody)
{
    struct rig rig = {.front = open_socket(ZMQ_PULL), .back = open_socket(ZMQ_PUSH)};
    struct endpoint nowhere = bind_to(rig.back, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(rig.back, nowhere.text), 0);
    connect_to(rig.front, nowhere.text);
    start_rig(&rig, GMQ_DEVICE_STREAMER);
    expect_quiet_both_ways(rig.device);
}

TEST(a_queue_without_workers)
{
    struct rig rig = queue_at(*state);
    void *req[3];
    for (int i = 0; i < 3; i++) {
        req[i] = peer_at(ZMQ_REQ, rig.front_at);
        send_parts(req[i], "is anybody there?");
    }
    wait_books(rig.device, books.frontend_peers == 3);
    expect_quiet_both_ways(rig.device);
    void *rep = peer_at(ZMQ_REP, rig.back_at);
    expect_parts(rep, "is anybody there?");
}

TEST(a_streamer_without_consumers)
{
    struct rig rig = streamer_at(*state);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    for (int i = 0; i < 100; i++)
        send_parts(push, "work");
    wait_books(rig.device, books.frontend_peers == 1);
    expect_quiet_both_ways(rig.device);
    void *pull = peer_at(ZMQ_PULL, rig.back_at);
    expect_parts(pull, "work");
}

TEST(a_streamer_whose_consumer_has_left)
{
    struct rig rig = streamer_at(*state);
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = peer_at(ZMQ_PULL, rig.back_at);
    send_parts(push, "work");
    expect_parts(pull, "work");
    close_socket(pull);
    wait_books(rig.device, books.backend_peers == 0);
    for (int i = 0; i < 100; i++)
        send_parts(push, "more work");
    expect_quiet_both_ways(rig.device);
}

TEST(paused_while_messages_wait)
{
    struct rig rig = streamer_at(*state);
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = peer_at(ZMQ_PULL, rig.back_at);
    send_parts(push, "before");
    expect_parts(pull, "before");
    assert_int_equal(gmq_device_pause(rig.device), 0);
    for (int i = 0; i < 100; i++)
        send_parts(push, "during");
    expect_quiet_both_ways(rig.device);
    assert_int_equal(gmq_device_resume(rig.device), 0);
    for (int i = 0; i < 100; i++)
        expect_parts(pull, "during");
}

TEST(a_consumer_that_stalls)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    expect_quiet_both_ways(rig.device);
    assert_true(account_of(rig.device).forward.queued.messages > 0);
    close(fd);
}

/* The consumer is in this process and does not receive. */
TEST(a_consumer_that_does_not_receive)
{
    struct rig rig = {.front = open_socket(ZMQ_PULL), .back = open_socket(ZMQ_PUSH)};
    set_int(rig.back, ZMQ_SNDHWM, 10);
    rig.front_at = bind_anew(rig.front, *state);
    rig.back_at = bind_anew(rig.back, *state);
    start_rig(&rig, GMQ_DEVICE_STREAMER);
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = open_socket(ZMQ_PULL);
    set_int(pull, ZMQ_RCVHWM, 10);
    set_int(push, ZMQ_SNDHWM, 10);
    connect_to(pull, rig.back_at.text);
    send_until_full(push, 0);
    expect_quiet_both_ways(rig.device);
    for (int n = 0; n < 20; n++)
        assert_int_equal(recv_bulk(pull), n);
}

TEST(a_capture_reader_that_stalls)
{
    struct rig rig = bound_rig("inproc://new", ZMQ_PULL, ZMQ_PUSH);
    rig.capture = open_socket(ZMQ_PUSH);
    keep_little(rig.capture);
    struct endpoint capture_at = bind_to(rig.capture, "tcp://127.0.0.1:*");
    start_rig(&rig, GMQ_DEVICE_STREAMER);
    int fd = stalled_at(capture_at, "PULL");
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = peer_at(ZMQ_PULL, rig.back_at);
    for (int n = 0; account_of(rig.device).capture.dropped[GMQ_DROP_FULL].messages < 5; n++) {
        send_bulk(push, n);
        recv_bulk(pull);
    }
    expect_quiet_both_ways(rig.device);
    close(fd);
}

/* Requests to a worker that is busy for good: lock step at both sides. */
TEST(rep_to_req_without_an_answer)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_REP, ZMQ_REQ);
    void *req[2] = {peer_at(ZMQ_REQ, rig.front_at), peer_at(ZMQ_REQ, rig.front_at)};
    void *rep = peer_at(ZMQ_REP, rig.back_at);
    send_parts(req[0], "ask");
    send_parts(req[1], "ask");
    expect_parts(rep, "ask");
    expect_quiet_both_ways(rig.device);
}

TEST(a_drain_that_waits)
{
    struct rig rig = queue_at(*state);
    void *req = peer_at(ZMQ_REQ, rig.front_at), *rep = peer_at(ZMQ_REP, rig.back_at);
    send_parts(req, "ask");
    expect_parts(rep, "ask");
    expect_quiet(NULL);
    struct use before = used();
    assert_int_equal(gmq_device_drain(rig.device, WINDOW_MS), 1);
    struct use after = used();
    assert_in_range(after.cpu_us - before.cpu_us, 0, CPU_MAX_US);
    assert_in_range(after.wakes - before.wakes, 0, WAKES_MAX);
}

#define QUIET_OVER_TCP_AND_INPROC(test)                        \
    device_case(#test "_over_tcp", test, "tcp://127.0.0.1:*"), \
        device_case(#test "_over_inproc", test, "inproc://new")

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUIET_OVER_TCP_AND_INPROC(idle_without_peers),
        QUIET_OVER_TCP_AND_INPROC(idle_with_peers),
        RUN_DEVICE(connecting_to_nobody),
        QUIET_OVER_TCP_AND_INPROC(a_queue_without_workers),
        QUIET_OVER_TCP_AND_INPROC(a_streamer_without_consumers),
        QUIET_OVER_TCP_AND_INPROC(a_streamer_whose_consumer_has_left),
        QUIET_OVER_TCP_AND_INPROC(paused_while_messages_wait),
        RUN_DEVICE(a_consumer_that_stalls),
        QUIET_OVER_TCP_AND_INPROC(a_consumer_that_does_not_receive),
        RUN_DEVICE(a_capture_reader_that_stalls),
        QUIET_OVER_TCP_AND_INPROC(rep_to_req_without_an_answer),
        QUIET_OVER_TCP_AND_INPROC(a_drain_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
