/* SPDX-License-Identifier: MIT */
/*
 * The relay that a tutorial would write: two sockets, two threads, one moving what comes in at the
 * front to the back, the other the answers from the back to the front. Both threads use both
 * sockets at the same time, which libzmq forbids and which simply works here.
 */
#include <stdatomic.h>

#include "behaviour/util.h"

enum { CLIENTS = 4, WORKERS = 2, REQUESTS = 200 };

struct way {
    void *from, *to;
    long parts; /* moved so far */
    int error;  /* why it ended */
};

/* recv, send, and the rest of the message with it: nothing else, as the tutorial has it. */
static void *move(void *argument)
{
    struct way *way = argument;
    zmq_msg_t part;
    for (;;) {
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, way->from, 0) == -1)
            break;
        int more = zmq_msg_more(&part);
        if (zmq_msg_send(&part, way->to, more ? ZMQ_SNDMORE : 0) == -1)
            break;
        way->parts++;
    }
    way->error = zmq_errno();
    zmq_msg_close(&part);
    return NULL;
}

struct relay {
    struct way down, up;
    pthread_t thread[2];
};

static struct relay relay;

static void *open_face(int type, const char *endpoint)
{
    void *face = open_socket(type);
    set_int(face, ZMQ_RCVTIMEO, -1);
    set_int(face, ZMQ_SNDTIMEO, -1);
    set_int(face, ZMQ_LINGER, 0);
    bind_to(face, endpoint);
    return face;
}

static void start_relay(int front, int back, const char *at_front, const char *at_back)
{
    void *face[2] = {open_face(front, at_front), open_face(back, at_back)};
    relay = (struct relay){{face[0], face[1], 0, 0}, {face[1], face[0], 0, 0}, {0}};
    relay.thread[0] = start_thread(move, &relay.down);
    relay.thread[1] = start_thread(move, &relay.up);
}

static void end_relay(void)
{
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    for (int i = 0; i < 2; i++)
        join_thread(relay.thread[i]);
    assert_int_equal(relay.down.error, ETERM);
    assert_int_equal(relay.up.error, ETERM);
}

/* Threads return how many things went wrong. */
static void *ask(void *socket)
{
    intptr_t wrong = 0;
    for (int i = 0; i < REQUESTS; i++) {
        int number = -1;
        wrong += zmq_send(socket, &i, sizeof i, 0) != sizeof i;
        wrong += zmq_recv(socket, &number, sizeof number, 0) != sizeof number;
        wrong += number != i;
    }
    return (void *)wrong;
}

static void *answer(void *socket)
{
    int number;
    while (zmq_recv(socket, &number, sizeof number, 0) == sizeof number)
        if (zmq_send(socket, &number, sizeof number, 0) == -1)
            break;
    return (void *)(intptr_t)(zmq_errno() != ETERM);
}

static void expect_relayed(const char *at_front, const char *at_back)
{
    pthread_t client[CLIENTS], worker[WORKERS];
    start_relay(ZMQ_ROUTER, ZMQ_DEALER, at_front, at_back);
    struct endpoint front = last_endpoint(relay.down.from);
    struct endpoint back = last_endpoint(relay.up.from);
    for (int i = 0; i < WORKERS; i++) {
        void *socket = open_socket(ZMQ_REP);
        set_int(socket, ZMQ_RCVTIMEO, -1);
        connect_to(socket, back.text);
        worker[i] = start_thread(answer, socket);
    }
    for (int i = 0; i < CLIENTS; i++) {
        void *socket = open_socket(ZMQ_REQ);
        connect_to(socket, front.text);
        client[i] = start_thread(ask, socket);
    }
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal((intptr_t)join_thread(client[i]), 0);
    end_relay();
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal((intptr_t)join_thread(worker[i]), 0);
    assert_int_equal(relay.down.parts, CLIENTS * REQUESTS * 3);
    assert_int_equal(relay.up.parts, CLIENTS * REQUESTS * 3);
}

TEST(two_threads_share_router_and_dealer)
{
    better_than_libzmq();
    expect_relayed(*state, *state);
}

TEST(two_threads_share_router_and_dealer_within_a_process)
{
    better_than_libzmq();
    expect_relayed("inproc://front", "inproc://back");
}

/* Many in flight both ways at once, so that both threads are busy with both sockets. */
TEST(two_threads_move_streams_both_ways)
{
    enum { MESSAGES = 5000, WINDOW = 100 };
    better_than_libzmq();
    start_relay(ZMQ_DEALER, ZMQ_DEALER, *state, *state);
    void *left = open_socket(ZMQ_DEALER);
    void *right = open_socket(ZMQ_DEALER);
    connect_to(left, last_endpoint(relay.down.from).text);
    connect_to(right, last_endpoint(relay.up.from).text);
    for (int sent = 0; sent < MESSAGES; sent += WINDOW) {
        for (int i = 0; i < WINDOW; i++) {
            send_number(left, sent + i, ZMQ_SNDMORE);
            send_parts(left, "tail");
            send_number(right, sent + i, 0);
        }
        for (int i = 0; i < WINDOW; i++) {
            assert_int_equal(recv_number(right), sent + i);
            expect_parts(right, "tail");
            assert_int_equal(recv_number(left), sent + i);
        }
    }
    end_relay();
}

/* The same from one thread each, as it is done with libzmq: it works everywhere. */
TEST(one_thread_for_each_socket)
{
    enum { MESSAGES = 2000 };
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    void *front = open_socket(ZMQ_PULL);
    void *back = open_socket(ZMQ_PUSH);
    connect_to(push, bind_to(front, *state).text);
    bind_to(pull, "inproc://sink");
    connect_to(back, "inproc://sink");
    set_int(front, ZMQ_RCVTIMEO, -1);
    static struct way way;
    way = (struct way){front, back, 0, 0};
    pthread_t thread = start_thread(move, &way);
    for (int i = 0; i < MESSAGES; i++)
        send_number(push, i, 0);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(recv_number(pull), i);
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    join_thread(thread);
    assert_int_equal(way.error, ETERM);
    assert_int_equal(way.parts, MESSAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER(two_threads_share_router_and_dealer, "tcp", "tcp://127.0.0.1:*"),
        OVER(two_threads_share_router_and_dealer, "ipc", "ipc://*"),
        RUN(two_threads_share_router_and_dealer_within_a_process),
        OVER(two_threads_move_streams_both_ways, "tcp", "tcp://127.0.0.1:*"),
        OVER(two_threads_move_streams_both_ways, "ipc", "ipc://*"),
        OVER(one_thread_for_each_socket, "tcp", "tcp://127.0.0.1:*"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
