/* SPDX-License-Identifier: MIT */
/*
 * Devices that form a ring, by mistake, so that a message goes round for ever: that costs processor
 * time, but the context stays alive. It answers, others get their messages, and it can be ended.
 */
#include "behaviour/util.h"
#include "behaviour/device.h"

/* A streamer whose backend is connected to its frontend; over inproc no system call is between. */
static struct rig ring_of(int front, int back)
{
    struct rig rig = {.front = open_socket(front), .back = open_socket(back)};
    rig.front_at = bind_to(rig.front, "inproc://ring");
    connect_to(rig.back, rig.front_at.text);
    start_rig(&rig, GMQ_DEVICE_ANY);
    return rig;
}

static void expect_alive(struct rig *rig)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = peer_at(ZMQ_PUSH, bind_to(pull, "tcp://127.0.0.1:*"));
    send_parts(push, "beside it");
    expect_parts(pull, "beside it");
    uint64_t before = account_of(rig->device).forward.forwarded.messages;
    wait_books(rig->device, books.forward.forwarded.messages > before + 1000);
    assert_int_equal(gmq_device_stop(rig->device), 0);
}

TEST(streamer_into_itself)
{
    struct rig rig = ring_of(ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    for (int i = 0; i < 100; i++)
        send_number(push, i, 0);
    expect_alive(&rig);
}

/* Two ways out of it, of which one leads back. */
TEST(streamer_into_itself_and_elsewhere)
{
    struct rig rig = ring_of(ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    rig.back_at = bind_to(rig.back, "inproc://elsewhere");
    void *pull = peer_at(ZMQ_PULL, rig.back_at);
    for (int i = 0; i < 10000; i++) {
        send_number(push, i, 0);
        recv_number(pull);
    }
    account_of(rig.device);
}

TEST(forwarder_into_itself)
{
    struct rig rig = {.front = open_socket(ZMQ_XSUB), .back = open_socket(ZMQ_XPUB)};
    rig.back_at = bind_to(rig.back, "inproc://ring");
    connect_to(rig.front, rig.back_at.text);
    start_rig(&rig, GMQ_DEVICE_FORWARDER);
    rig.front_at = bind_to(rig.front, "inproc://in");
    void *sub = peer_at(ZMQ_SUB, rig.back_at), *pub = peer_at(ZMQ_XPUB, rig.front_at);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0), 0);
    expect_parts(pub, "\1");
    send_parts(pub, "round");
    expect_parts(sub, "round");
    expect_parts(sub, "round");
    expect_alive(&rig);
}

/* A message comes back to the output that it is leaving, and would take its own place there. */
TEST(streamer_into_itself_that_keeps_the_newest)
{
    struct rig rig = {.front = open_socket(ZMQ_PULL), .back = open_socket(ZMQ_PUSH)};
    set_int(rig.front, ZMQ_CONFLATE, 1);
    set_int(rig.back, ZMQ_CONFLATE, 1);
    rig.front_at = bind_to(rig.front, "inproc://ring");
    connect_to(rig.back, rig.front_at.text);
    start_rig(&rig, GMQ_DEVICE_ANY);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    for (int i = 0; i < 100; i++)
        send_number(push, i, 0);
    expect_alive(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE(streamer_into_itself),
        RUN_DEVICE(streamer_into_itself_and_elsewhere),
        RUN_DEVICE(forwarder_into_itself),
        RUN_DEVICE(streamer_into_itself_that_keeps_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
