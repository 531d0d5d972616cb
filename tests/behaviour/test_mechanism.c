/* SPDX-License-Identifier: MIT */
/* Sockets that shall be secured by what this library does not have yet: PLAIN, CURVE, and a ZAP
 * handler that decides who may come. None of them may talk to anybody without. */
#include "behaviour/util.h"

#include "behaviour/raw.h"

static const char key[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

/* Ways to ask for a mechanism. */
static void *secured_socket(int way)
{
    void *socket = open_socket(ZMQ_DEALER);
    switch (way) {
    case 0: set_int(socket, ZMQ_PLAIN_SERVER, 1); break;
    case 1: set_text(socket, ZMQ_PLAIN_USERNAME, "user"); break;
    case 2: set_text(socket, ZMQ_PLAIN_PASSWORD, "word"); break;
    case 3: set_int(socket, ZMQ_CURVE_SERVER, 1); break;
    case 4: set_text(socket, ZMQ_CURVE_SERVERKEY, key); break;
    default: set_text(socket, ZMQ_CURVE_PUBLICKEY, key);
    }
    return socket;
}

TEST(nothing_is_bound_or_connected_without_the_mechanism)
{
    better_than_libzmq(); /* it has them */
    for (int way = 0; way < 6; way++) {
        void *socket = secured_socket(way);
        expect_error(zmq_bind(socket, "tcp://127.0.0.1:*"), EPROTONOSUPPORT);
        expect_error(zmq_bind(socket, "ipc://*"), EPROTONOSUPPORT);
        expect_error(zmq_connect(socket, "tcp://127.0.0.1:1"), EPROTONOSUPPORT);
        expect_error(zmq_connect(socket, "ipc:///nowhere"), EPROTONOSUPPORT);
        expect_error(zmq_connect(socket, "nowhere"), EINVAL);
    }
}

TEST(within_the_process_nothing_needs_it)
{
    for (int way = 0; way < 6; way++) {
        void *one = secured_socket(way), *two = secured_socket(way);
        assert_int_equal(zmq_bind(one, "inproc://one"), 0);
        connect_to(two, "inproc://one");
        send_parts(one, "through");
        expect_parts(two, "through");
        assert_int_equal(zmq_unbind(one, "inproc://one"), 0);
    }
}

TEST(who_takes_the_mechanism_back_talks_without)
{
    void *one = open_socket(ZMQ_DEALER), *two = open_socket(ZMQ_DEALER);
    set_int(one, ZMQ_CURVE_SERVER, 1);
    set_int(one, ZMQ_CURVE_SERVER, 0);
    connect_to(two, bind_to(one, "tcp://127.0.0.1:*").text);
    send_parts(one, "through");
    expect_parts(two, "through");
}

TEST(who_is_to_be_asked_about_does_not_come_in)
{
    better_than_libzmq(); /* it asks */
    void *handler = open_socket(ZMQ_REP), *server = open_socket(ZMQ_PULL);
    bind_to(handler, "inproc://zeromq.zap.01");
    set_text(server, ZMQ_ZAP_DOMAIN, "global");
    int fd = raw_connect(port_of(bind_to(server, "tcp://127.0.0.1:*")));
    assert_true(raw_closes(fd, DEADLINE_MS));
    close(fd);
}

TEST(where_nobody_is_there_to_be_asked_all_come_in)
{
    void *server = open_socket(ZMQ_PULL), *client = open_socket(ZMQ_PUSH);
    set_text(server, ZMQ_ZAP_DOMAIN, "global");
    connect_to(client, bind_to(server, "tcp://127.0.0.1:*").text);
    send_parts(client, "through");
    expect_parts(server, "through");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(nothing_is_bound_or_connected_without_the_mechanism),
        RUN(within_the_process_nothing_needs_it),
        RUN(who_takes_the_mechanism_back_talks_without),
        RUN(who_is_to_be_asked_about_does_not_come_in),
        RUN(where_nobody_is_there_to_be_asked_all_come_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
