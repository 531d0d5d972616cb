/* SPDX-License-Identifier: MIT */
/*
 * Bad calls: each gets its errno, and changes nothing. What is wrong with an endpoint, a socket,
 * or a name that is taken, as the manual pages list it.
 */
#include <sys/socket.h>

#include "behaviour/util.h"

struct bad {
    const char *endpoint;
    int bind_error; /* 0: not refused, or not the same everywhere */
    int connect_error;
};

/* tcp://192.0.2.1 is an address that no machine has (RFC 5737). */
static const struct bad bad_endpoints[] = {
    {"", EINVAL, EINVAL},
    {"tcp", EINVAL, EINVAL},
    {"tcp:", EINVAL, EINVAL},
    {"tcp://", EINVAL, EINVAL},
    {"://somewhere", EINVAL, EINVAL},
    {"127.0.0.1:5555", EINVAL, EINVAL},
    {"tcp://127.0.0.1", EINVAL, EINVAL},
    {"tcp://127.0.0.1:", EINVAL, EINVAL},
    {"tcp://127.0.0.1:x", EINVAL, EINVAL},
    {"tcp://127.0.0.1:65536", EINVAL, 0},
    {"tcp://127.0.0.1:-1", 0, EINVAL},
    {"tcp://*:*", 0, EINVAL},
    {"tcp://127.0.0.1:*", 0, EINVAL},
    {"inproc://", EINVAL, EINVAL},
    {"ipc://", EINVAL, EINVAL},
    {"ipc://@", EINVAL, EINVAL},
    {"ipc:///nowhere/at/all", ENOENT, 0},
    {"foo://somewhere", EPROTONOSUPPORT, EPROTONOSUPPORT},
    {"vmci://1:2", EPROTONOSUPPORT, EPROTONOSUPPORT},
    {"tcp://192.0.2.1:5555", EADDRNOTAVAIL, 0},
    {"tcp://no-such-interface:5555", ENODEV, 0},
};
enum { BAD_ENDPOINTS = sizeof bad_endpoints / sizeof bad_endpoints[0] };

static bool fails_with(const char *what, const struct bad *bad, int rc, int expected)
{
    if (expected == 0)
        return true;
    if (rc == -1 && zmq_errno() == expected)
        return true;
    print_error("%s %s: %s, not %s\n", what, bad->endpoint,
                rc ? zmq_strerror(zmq_errno()) : "accepted", zmq_strerror(expected));
    return false;
}

TEST(bad_endpoints_are_refused)
{
    bool good = true;
    for (int i = 0; i < BAD_ENDPOINTS; i++) {
        const struct bad *bad = &bad_endpoints[i];
        void *socket = zmq_socket(world.ctx, ZMQ_DEALER);
        set_int(socket, ZMQ_LINGER, 0);
        if (bad->bind_error)
            good &= fails_with("bind", bad, zmq_bind(socket, bad->endpoint), bad->bind_error);
        if (bad->connect_error)
            good &= fails_with("connect", bad, zmq_connect(socket, bad->endpoint),
                               bad->connect_error);
        zmq_close(socket);
    }
    assert_true(good);
}

TEST(long_names_are_refused)
{
    char endpoint[400] = "ipc:///tmp/";
    memset(endpoint + strlen(endpoint), 'x', 300);
    void *socket = open_socket(ZMQ_DEALER);
    expect_error(zmq_bind(socket, endpoint), ENAMETOOLONG);
    expect_error(zmq_connect(socket, endpoint), ENAMETOOLONG);
    memcpy(endpoint, "ipc://@/xxx", 11);
    expect_error(zmq_bind(socket, endpoint), ENAMETOOLONG);
}

TEST(socket_works_after_bad_endpoints)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    for (int i = 0; i < BAD_ENDPOINTS; i++) {
        if (bad_endpoints[i].bind_error)
            assert_int_equal(zmq_bind(pull, bad_endpoints[i].endpoint), -1);
        if (bad_endpoints[i].connect_error)
            assert_int_equal(zmq_connect(push, bad_endpoints[i].endpoint), -1);
    }
    expect_error(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    connect_to(push, bind_to(pull, *state).text);
    send_parts(push, "works");
    expect_parts(pull, "works");
}

/* Names are looked up later, so a connect cannot fail for them; it only never comes about. */
TEST(unknown_hosts_are_not_an_error_yet)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_LINGER, 0);
    set_int(push, ZMQ_IMMEDIATE, 1);
    connect_to(push, "tcp://no-such-host.invalid:5555");
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
    for (int i = 0; i < 10; i++)
        send_number(push, i, 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(recv_number(pull), i);
    assert_int_equal(zmq_disconnect(push, "tcp://no-such-host.invalid:5555"), 0);
}

TEST(taken_endpoints_are_refused)
{
    void *first = open_socket(ZMQ_PULL);
    void *second = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    struct endpoint where = bind_to(first, *state);
    expect_error(zmq_bind(second, where.text), EADDRINUSE);
    expect_error(zmq_bind(first, where.text), EADDRINUSE);
    connect_to(push, where.text);
    send_parts(push, "works");
    expect_parts(first, "works");
}

TEST(what_is_no_socket_is_refused)
{
    int value = 0;
    size_t size = sizeof value;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    void *no_socket[] = {NULL, world.ctx};
    for (int i = 0; i < 2; i++) {
        expect_error(zmq_close(no_socket[i]), ENOTSOCK);
        expect_error(zmq_bind(no_socket[i], "inproc://x"), ENOTSOCK);
        expect_error(zmq_connect(no_socket[i], "inproc://x"), ENOTSOCK);
        expect_error(zmq_unbind(no_socket[i], "inproc://x"), ENOTSOCK);
        expect_error(zmq_disconnect(no_socket[i], "inproc://x"), ENOTSOCK);
        expect_error(zmq_send(no_socket[i], "x", 1, 0), ENOTSOCK);
        expect_error(zmq_send_const(no_socket[i], "x", 1, 0), ENOTSOCK);
        expect_error(zmq_recv(no_socket[i], NULL, 0, 0), ENOTSOCK);
        expect_error(zmq_msg_send(&msg, no_socket[i], 0), ENOTSOCK);
        expect_error(zmq_msg_recv(&msg, no_socket[i], 0), ENOTSOCK);
        expect_error(zmq_setsockopt(no_socket[i], ZMQ_LINGER, &value, sizeof value), ENOTSOCK);
        expect_error(zmq_getsockopt(no_socket[i], ZMQ_LINGER, &value, &size), ENOTSOCK);
    }
    zmq_msg_close(&msg);
}

TEST(what_was_not_connected_cannot_be_ended)
{
    void *socket = open_socket(ZMQ_DEALER);
    expect_error(zmq_unbind(socket, "tcp://127.0.0.1:5555"), ENOENT);
    expect_error(zmq_disconnect(socket, "tcp://127.0.0.1:5555"), ENOENT);
    expect_error(zmq_unbind(socket, "inproc://x"), ENOENT);
    expect_error(zmq_disconnect(socket, "inproc://x"), ENOENT);
    expect_error(zmq_unbind(socket, "ipc:///tmp/x"), ENOENT);
    expect_error(zmq_unbind(socket, ""), EINVAL);
    expect_error(zmq_unbind(socket, "garbage"), EINVAL);
    expect_error(zmq_disconnect(socket, "garbage"), EINVAL);
    expect_error(zmq_unbind(socket, NULL), EINVAL);
    expect_error(zmq_disconnect(socket, NULL), EINVAL);
}

TEST(directions_that_a_type_lacks_are_not_supported)
{
    static const int no_send[] = {ZMQ_SUB, ZMQ_PULL};
    static const int no_recv[] = {ZMQ_PUB, ZMQ_PUSH};
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    for (int i = 0; i < 2; i++) {
        void *mute = open_socket(no_send[i]);
        void *deaf = open_socket(no_recv[i]);
        expect_error(zmq_send(mute, "x", 1, 0), ENOTSUP);
        expect_error(zmq_msg_send(&msg, mute, 0), ENOTSUP);
        expect_error(zmq_recv(deaf, NULL, 0, 0), ENOTSUP);
        expect_error(zmq_msg_recv(&msg, deaf, 0), ENOTSUP);
    }
    zmq_msg_close(&msg);
}

TEST(steps_out_of_turn_are_efsm)
{
    void *req = open_socket(ZMQ_REQ);
    void *rep = open_socket(ZMQ_REP);
    expect_error(zmq_recv(req, NULL, 0, ZMQ_DONTWAIT), EFSM);
    expect_error(zmq_send(rep, "x", 1, ZMQ_DONTWAIT), EFSM);
}

/* Both sides in one context count as sockets; a bad call does not use one up. */
TEST(failed_calls_leave_nothing_behind)
{
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_MAX_SOCKETS, 2), 0);
    for (int i = 0; i < 20; i++)
        assert_null(zmq_socket(world.ctx, 9999));
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    for (int i = 0; i < 20; i++)
        expect_error(zmq_bind(push, where.text), EADDRINUSE);
    assert_int_equal(zmq_unbind(pull, where.text), 0);
    wait_until(zmq_bind(push, where.text) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(bad_endpoints_are_refused),
        RUN(long_names_are_refused),
        OVER_ALL(socket_works_after_bad_endpoints),
        RUN(unknown_hosts_are_not_an_error_yet),
        OVER(taken_endpoints_are_refused, "tcp", "tcp://127.0.0.1:*"),
        OVER(taken_endpoints_are_refused, "inproc", "inproc://here"),
        RUN(what_is_no_socket_is_refused),
        RUN(what_was_not_connected_cannot_be_ended),
        RUN(directions_that_a_type_lacks_are_not_supported),
        RUN(steps_out_of_turn_are_efsm),
        RUN(failed_calls_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
