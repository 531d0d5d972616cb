/* SPDX-License-Identifier: MIT */
/* Free functions of zmq_msg_init_data(3): called once, when nobody needs the memory any more, by
 * whichever thread that is; and they may call the library, with the same context too. */
#include "behaviour/util.h"

#include <stdatomic.h>

enum { LARGE = 1 << 20 };

/* What a free function sends to tell that it was called. */
static void *teller;
static atomic_int calls;

static void tell(void *data, void *hint)
{
    (void)hint;
    free(data);
    atomic_fetch_add(&calls, 1);
    zmq_send(teller, "freed", 5, ZMQ_DONTWAIT);
}

static zmq_msg_t large_message(void)
{
    zmq_msg_t msg;
    void *data = calloc(1, LARGE);
    assert_non_null(data);
    assert_int_equal(zmq_msg_init_data(&msg, data, LARGE, tell, NULL), 0);
    return msg;
}

static void send_large(void *socket)
{
    zmq_msg_t msg = large_message();
    assert_int_equal(zmq_msg_send(&msg, socket, 0), LARGE);
}

static void recv_large(void *socket)
{
    char text[8];
    assert_int_equal(zmq_recv(socket, text, sizeof text, 0), LARGE);
}

/* The end where it is told. */
static void *open_told(void)
{
    atomic_store(&calls, 0);
    void *told = open_socket(ZMQ_PULL);
    teller = open_socket(ZMQ_PUSH);
    bind_to(told, "inproc://told");
    connect_to(teller, "inproc://told");
    return told;
}

TEST(freed_when_it_has_been_sent)
{
    void *told = open_told();
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    send_large(push);
    recv_large(pull);
    expect_parts(told, "freed");
    assert_int_equal(atomic_load(&calls), 1);
}

TEST(freed_when_it_is_closed)
{
    void *told = open_told();
    zmq_msg_t msg = large_message(), copy;
    zmq_msg_init(&copy);
    zmq_msg_copy(&copy, &msg);
    zmq_msg_close(&msg);
    assert_int_equal(atomic_load(&calls), 0);
    zmq_msg_close(&copy);
    assert_int_equal(atomic_load(&calls), 1);
    expect_parts(told, "freed");
}

TEST(freed_when_its_socket_is_closed)
{
    void *told = open_told();
    void *push = open_socket(ZMQ_PUSH);
    set_int(push, ZMQ_LINGER, 0);
    connect_to(push, "tcp://127.0.0.1:1");
    send_large(push);
    send_large(push);
    close_socket(push);
    expect_parts(told, "freed");
    expect_parts(told, "freed");
    assert_int_equal(atomic_load(&calls), 2);
}

TEST(freed_when_nobody_wants_it)
{
    void *told = open_told();
    void *pub = open_socket(ZMQ_PUB);
    bind_to(pub, "tcp://127.0.0.1:*");
    send_large(pub);
    expect_parts(told, "freed");
    assert_int_equal(atomic_load(&calls), 1);
}

TEST(freed_when_received_into_memory)
{
    void *told = open_told();
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, "inproc://here").text);
    send_large(push);
    assert_int_equal(atomic_load(&calls), 0);
    recv_large(pull);
    expect_parts(told, "freed");
    assert_int_equal(atomic_load(&calls), 1);
}

/* The last who lets go is a thread that waits in another call, or that of the context. */
TEST(freed_while_another_call_waits)
{
    void *told = open_told();
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    connect_to(push, where.text);
    for (int i = 0; i < 20; i++)
        send_large(push);
    for (int i = 0; i < 20; i++) {
        recv_large(pull);
        expect_parts(told, "freed");
    }
    assert_int_equal(atomic_load(&calls), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(freed_when_it_has_been_sent), RUN(freed_when_it_is_closed),
        RUN(freed_when_its_socket_is_closed),  RUN(freed_when_nobody_wants_it),
        RUN(freed_when_received_into_memory),  RUN(freed_while_another_call_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
