/* SPDX-License-Identifier: MIT */
/*
 * A flow of many messages from one socket to another, whose sizes and parts change all the time:
 * each arrives once, whole and in order, whatever else is done with the sockets meanwhile.
 */
#include <stdatomic.h>

#include "behaviour/util.h"

enum { MESSAGES = 20000, BODY_MAX = 9000 };

/* What message `n` looks like: most are one small part, as in real flows. */
static unsigned parts_of(unsigned n)
{
    return n % 7 == 6 ? 1 + n % 5 : 1;
}

static size_t size_of(unsigned n)
{
    if (n % 1009 == 1008)
        return BODY_MAX - n % 7;
    return n % 211 == 210 ? 300 + n % 2000 : 4 + n % 40;
}

static void fill(uint8_t *body, unsigned n)
{
    memset(body, (int)(n & 0xff), size_of(n));
    memcpy(body, &n, sizeof n);
}

static bool send_message(void *socket, unsigned n, int flags)
{
    uint8_t body[BODY_MAX];
    fill(body, n);
    for (unsigned part = 1; part <= parts_of(n); part++) {
        int more = part < parts_of(n) ? ZMQ_SNDMORE : 0;
        zmq_msg_t msg;
        if (n % 3 && zmq_send(socket, body, size_of(n), flags | more) == (int)size_of(n))
            continue;
        if (n % 3)
            return false;
        zmq_msg_init_size(&msg, size_of(n));
        memcpy(zmq_msg_data(&msg), body, size_of(n));
        if (zmq_msg_send(&msg, socket, flags | more) == -1) {
            zmq_msg_close(&msg);
            return false;
        }
    }
    return true;
}

static void expect_message(void *socket, unsigned n)
{
    uint8_t expected[BODY_MAX], body[BODY_MAX];
    fill(expected, n);
    for (unsigned part = 1; part <= parts_of(n); part++) {
        zmq_msg_t msg;
        const void *data = body;
        zmq_msg_init(&msg);
        if (n % 4) {
            assert_int_equal(zmq_recv(socket, body, sizeof body, 0), size_of(n));
        } else {
            assert_int_equal(zmq_msg_recv(&msg, socket, 0), size_of(n));
            assert_int_equal(zmq_msg_more(&msg), part < parts_of(n));
            data = zmq_msg_data(&msg);
        }
        assert_memory_equal(data, expected, size_of(n));
        assert_int_equal(zmq_msg_close(&msg), 0);
        assert_int_equal(get_int(socket, ZMQ_RCVMORE), part < parts_of(n));
    }
}

static void *send_flow(void *socket)
{
    intptr_t wrong = 0;
    for (unsigned n = 0; n < MESSAGES; n++)
        wrong += !send_message(socket, n, 0);
    return (void *)wrong;
}

static atomic_bool over;

/* Looks at both sockets all the time. */
static void *look_on(void *argument)
{
    void **socket = argument;
    intptr_t wrong = 0;
    while (!atomic_load(&over)) {
        zmq_pollitem_t items[] = {{socket[0], 0, ZMQ_POLLOUT, 0}, {socket[1], 0, ZMQ_POLLIN, 0}};
        wrong += zmq_poll(items, 2, 1) == -1;
        int events = 0;
        size_t size = sizeof events;
        wrong += zmq_getsockopt(socket[0], ZMQ_EVENTS, &events, &size) != 0;
        sched_yield();
    }
    return (void *)wrong;
}

static void expect_flow(int from, int to, const char *endpoint, bool is_watched)
{
    static void *socket[2];
    socket[0] = open_socket(from);
    socket[1] = open_socket(to);
    connect_to(socket[0], bind_to(socket[1], endpoint).text);
    atomic_store(&over, false);
    pthread_t sender = start_thread(send_flow, socket[0]), other = sender;
    if (is_watched)
        other = start_thread(look_on, socket);
    for (unsigned n = 0; n < MESSAGES; n++)
        expect_message(socket[1], n);
    atomic_store(&over, true);
    assert_int_equal((intptr_t)join_thread(sender), 0);
    if (is_watched)
        assert_int_equal((intptr_t)join_thread(other), 0);
}

TEST(messages_arrive_in_order)
{
    expect_flow(ZMQ_PUSH, ZMQ_PULL, *state, false);
}

TEST(messages_arrive_in_order_at_a_pair)
{
    expect_flow(ZMQ_PAIR, ZMQ_PAIR, *state, false);
}

TEST(messages_arrive_in_order_while_another_thread_looks_on)
{
    better_than_libzmq();
    expect_flow(ZMQ_DEALER, ZMQ_DEALER, *state, true);
}

TEST(one_thread_sends_and_receives_in_bursts)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    for (unsigned sent = 0, received = 0, burst = 1; received < MESSAGES; burst = burst * 3 % 997) {
        for (unsigned i = 0; i < burst; i++)
            assert_true(send_message(push, sent++, 0));
        while (received < sent)
            expect_message(pull, received++);
    }
}

/* How many more messages a flow from `n` on takes before it would have to wait. */
static unsigned fill_up(void *socket, unsigned n)
{
    unsigned count = 0;
    while (send_message(socket, n + count, ZMQ_DONTWAIT))
        count++;
    assert_int_equal(zmq_errno(), EAGAIN);
    return count;
}

TEST(a_flow_keeps_within_the_high_water_marks)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDHWM, 70);
    set_int(pull, ZMQ_RCVHWM, 30);
    connect_to(push, bind_to(pull, "inproc://limited").text);
    unsigned sent = fill_up(push, 0), received = 0;
    assert_int_equal(sent, 100);
    for (unsigned take = 1; received < 3000; take = take * 5 % 101) {
        for (unsigned i = 0; i < take && received < sent; i++)
            expect_message(pull, received++);
        sent += fill_up(push, sent);
        assert_in_range(sent - received, 0, 100);
    }
    while (received < sent)
        expect_message(pull, received++);
    if (!ON_LIBZMQ) /* there the sender hears of room in steps */
        assert_int_equal(fill_up(push, sent), 100);
}

TEST(a_second_peer_has_its_share_of_a_flow)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull[2] = {open_socket(ZMQ_PULL), open_socket(ZMQ_PULL)};
    connect_to(push, bind_to(pull[0], "inproc://first").text);
    for (unsigned n = 0; n < 100; n++)
        assert_true(send_message(push, n, 0));
    connect_to(push, bind_to(pull[1], "inproc://second").text);
    for (unsigned n = 0; n < 100; n++)
        assert_true(send_message(push, n, 0));
    for (unsigned n = 0; n < 100; n++)
        expect_message(pull[0], n);
    unsigned count[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        char body[BODY_MAX];
        while (zmq_recv(pull[i], body, sizeof body, ZMQ_DONTWAIT) != -1)
            count[i] += !get_int(pull[i], ZMQ_RCVMORE);
    }
    assert_int_equal(count[0] + count[1], 100);
    assert_in_range(count[1], 49, 51);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(messages_arrive_in_order),
        OVER_ALL(messages_arrive_in_order_at_a_pair),
        OVER_ALL(messages_arrive_in_order_while_another_thread_looks_on),
        OVER(one_thread_sends_and_receives_in_bursts, "inproc", "inproc://here"),
        RUN(a_flow_keeps_within_the_high_water_marks),
        RUN(a_second_peer_has_its_share_of_a_flow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
