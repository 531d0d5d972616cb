/* SPDX-License-Identifier: MIT */
/*
 * Devices that form a ring, by mistake, so that a message goes round for ever: that costs processor
 * time, but the context stays alive. It answers, others get their messages, and it can be ended.
 * Where a device of the ring copies, there are more and more of them, until all queues are full.
 */
#include "behaviour/util.h"
#include "behaviour/device.h"

/* The most that a call takes with a ring beside it. */
enum { ROUNDS = 10, CALL_MS = ANSWER_MS > 500 ? 3 * ANSWER_MS : 500 };

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

/* The one call takes its time and no more. */
#define in_time(call)                                  \
    do {                                               \
        int64_t begin = now_ms();                      \
        call;                                          \
        assert_in_range(now_ms() - begin, 0, CALL_MS); \
    } while (0)

static void use_beside(void *push, void *pull)
{
    void *other = NULL;
    in_time(get_int(pull, ZMQ_EVENTS));
    in_time(other = open_socket(ZMQ_DEALER));
    in_time(connect_to(other, "inproc://nowhere"));
    in_time(close_socket(other));
    in_time(send_parts(push, "beside", "it"));
    expect_parts(pull, "beside", "it");
}

static void expect_full(const struct rig *rig)
{
    wait_books(rig->device, books.forward.dropped[GMQ_DROP_FULL].messages > 1000);
}

/* Others are served while it goes round, the books balance, and the ring ends
 * when it is told to. */
static void expect_served(struct rig *rig)
{
    void *pulls[] = {open_socket(ZMQ_PULL), open_socket(ZMQ_PULL)};
    void *pushes[] = {peer_at(ZMQ_PUSH, bind_to(pulls[0], "inproc://beside")),
                      peer_at(ZMQ_PUSH, bind_to(pulls[1], "tcp://127.0.0.1:*"))};
    for (int i = 0; i < ROUNDS; i++) {
        use_beside(pushes[i % 2], pulls[i % 2]);
        in_time(account_of(rig->device));
    }
    in_time(assert_int_equal(gmq_device_stop(rig->device), 0));
}

/* A reflector, which sends what it receives to all, connected to itself so many times. Only within
 * a process nobody minds that both ends are of the same type. */
static struct rig reflector_of(int connections)
{
    void *both = open_socket(ZMQ_XSUB);
    struct rig rig = {.front = both, .back = both, .front_at = bind_anew(both, "inproc://new")};
    for (int i = 0; i < connections; i++)
        connect_to(both, rig.front_at.text);
    return rig;
}

/* Starts it, and sends a message into it. */
static void set_going(struct rig *rig)
{
    void *pub = peer_at(ZMQ_XPUB, rig->front_at);
    if (rig->front == rig->back)
        send_parts(rig->front, "\1");
    else
        assert_int_equal(zmq_setsockopt(peer_at(ZMQ_SUB, rig->back_at), ZMQ_SUBSCRIBE, "", 0), 0);
    start_rig(rig, GMQ_DEVICE_ANY);
    expect_parts(pub, "\1");
    send_parts(pub, "round");
}

static void reflect(int connections)
{
    struct rig rig = reflector_of(connections);
    set_going(&rig);
    expect_full(&rig);
    expect_served(&rig);
}

TEST(reflector_connected_to_itself)
{
    reflect(1);
}

TEST(reflector_connected_to_itself_twice)
{
    reflect(2);
}

TEST(reflector_connected_to_itself_three_times)
{
    reflect(3);
}

TEST(reflector_connected_to_itself_many_times)
{
    reflect(50);
}

/* A forwarder whose frontend is connected to its own backend so many times. */
static struct rig forwarder_of(const char *where, int connections)
{
    struct rig rig = bound_rig(where, ZMQ_XSUB, ZMQ_XPUB);
    for (int i = 0; i < connections; i++)
        connect_to(rig.front, rig.back_at.text);
    return rig;
}

static void forward(const char *where, int connections)
{
    struct rig rig = forwarder_of(where, connections);
    set_going(&rig);
    expect_full(&rig);
    expect_served(&rig);
}

TEST(forwarder_connected_to_itself_twice)
{
    forward(*state, 2);
}

TEST(forwarder_connected_to_itself_three_times)
{
    forward(*state, 3);
}

TEST(forwarder_connected_to_itself_many_times)
{
    forward(*state, 20);
}

static void *poll_for_ever(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    zmq_poll(&item, 1, -1);
    return NULL;
}

/* Who waits runs the loop; they must let others in. */
static void wait_beside(struct rig *rig)
{
    void *waiting = open_socket(ZMQ_PULL);
    void *push = peer_at(ZMQ_PUSH, bind_to(waiting, "inproc://waiting"));
    pthread_t poller = start_thread(poll_for_ever, waiting);
    set_going(rig);
    expect_full(rig);
    expect_served(rig);
    send_parts(push, "end");
    join_thread(poller);
    expect_parts(waiting, "end");
}

TEST(reflector_beside_which_others_wait)
{
    struct rig rig = reflector_of(2);
    wait_beside(&rig);
}

TEST(forwarder_beside_which_others_wait)
{
    struct rig rig = forwarder_of(*state, 2);
    wait_beside(&rig);
}

/* Each is connected to each: there are more ways round than anybody can go. */
TEST(reflectors_connected_to_each_other)
{
    enum { COUNT = 7 };
    struct rig rigs[COUNT];
    for (int i = 0; i < COUNT; i++) {
        rigs[i] = reflector_of(0);
        for (int j = 0; j < i; j++)
            connect_to(rigs[i].front, rigs[j].front_at.text);
    }
    for (int i = 1; i < COUNT; i++)
        start_rig(&rigs[i], GMQ_DEVICE_ANY);
    set_going(&rigs[0]);
    expect_full(&rigs[0]);
    expect_served(&rigs[0]);
}

/* Large messages are shared and not copied: the queues hold so many and no more. */
TEST(ring_of_large_messages)
{
    static char body[1 << 20];
    struct rig rig = bound_rig(*state, ZMQ_XSUB, ZMQ_XPUB);
    void *sockets[] = {rig.front, rig.back};
    for (int i = 0; i < 2; i++) {
        set_int(sockets[i], ZMQ_SNDHWM, 10);
        set_int(sockets[i], ZMQ_RCVHWM, 10);
    }
    for (int i = 0; i < 3; i++)
        connect_to(rig.front, rig.back_at.text);
    set_going(&rig);
    void *pub = peer_at(ZMQ_PUB, rig.front_at);
    assert_int_equal(zmq_send(pub, body, sizeof body, 0), sizeof body);
    expect_full(&rig);
    expect_served(&rig);
}

/* The context's end ends it. */
TEST(term_while_it_goes_round)
{
    struct rig rig = forwarder_of(*state, 3);
    set_going(&rig);
    expect_full(&rig);
    in_time(assert_int_equal(zmq_ctx_shutdown(world.ctx), 0));
    expect_error(zmq_send(rig.front, "", 0, 0), ETERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE(streamer_into_itself),
        RUN_DEVICE(streamer_into_itself_and_elsewhere),
        RUN_DEVICE(forwarder_into_itself),
        RUN_DEVICE(streamer_into_itself_that_keeps_the_newest),
        RUN_DEVICE(reflector_connected_to_itself),
        RUN_DEVICE(reflector_connected_to_itself_twice),
        RUN_DEVICE(reflector_connected_to_itself_three_times),
        RUN_DEVICE(reflector_connected_to_itself_many_times),
        RUN_DEVICE(reflector_beside_which_others_wait),
        RUN_DEVICE(reflectors_connected_to_each_other),
        RUN_DEVICE_OVER_ALL(forwarder_connected_to_itself_twice),
        RUN_DEVICE_OVER_ALL(forwarder_connected_to_itself_three_times),
        RUN_DEVICE_OVER_ALL(forwarder_connected_to_itself_many_times),
        RUN_DEVICE_OVER_ALL(forwarder_beside_which_others_wait),
        RUN_DEVICE_OVER_ALL(ring_of_large_messages),
        RUN_DEVICE_OVER_ALL(term_while_it_goes_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
