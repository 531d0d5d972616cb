/* SPDX-License-Identifier: MIT */
/*
 * What received messages tell about their sender, over each transport, and how long they can.
 * zmq_msg_gets(3), zmq_msg_get(3). The simple cases are in test_msg.c.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"

/* NULL: not there. */
static void expect_property(const zmq_msg_t *msg, const char *name, const char *value)
{
    errno = 0;
    const char *got = zmq_msg_gets(msg, name);
    if (!value && !got)
        assert_int_equal(zmq_errno(), EINVAL);
    else if (!value || !got || strcmp(got, value) != 0)
        fail_msg("%s is %s, not %s", name, got ? got : "not there", value ? value : "not there");
}

static void expect_none(const zmq_msg_t *msg)
{
    static const char *const names[] = {"Socket-Type", "Routing-Id", "Identity", "Peer-Address",
                                        "User-Id",     "Anything",   ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        expect_property(msg, names[i], NULL);
    expect_error(zmq_msg_get(msg, ZMQ_SRCFD), EINVAL);
}

static void receive(void *socket, zmq_msg_t *msg, const char *body)
{
    assert_int_equal(zmq_msg_recv(msg, socket, 0), strlen(body));
    assert_memory_equal(zmq_msg_data(msg), body, strlen(body));
}

static void receive_from_dealer(void *socket, zmq_msg_t *msg, const char *body, const char *id)
{
    receive(socket, msg, body);
    expect_property(msg, "Socket-Type", "DEALER");
    expect_property(msg, "Identity", id);
    expect_property(msg, "Peer-Address", "127.0.0.1");
}

TEST(every_part_tells)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = open_socket(ZMQ_DEALER);
    set_text(dealer, ZMQ_ROUTING_ID, "me");
    connect_to(dealer, bind_to(router, "tcp://127.0.0.1:*").text);
    send_parts(dealer, "one", "two");
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    receive_from_dealer(router, &msg, "me", "me");
    receive_from_dealer(router, &msg, "one", "me");
    receive_from_dealer(router, &msg, "two", "me");
    assert_int_equal(zmq_msg_get(&msg, ZMQ_MORE), 0);
    expect_property(&msg, "socket-type", NULL);
    expect_property(&msg, "User-Id", NULL);
    zmq_msg_close(&msg);
}

TEST(both_ends_tell)
{
    void *rep = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(rep, "tcp://127.0.0.1:*").text);
    send_parts(req, "question");
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    receive(rep, &msg, "question");
    expect_property(&msg, "Socket-Type", "REQ");
    expect_property(&msg, "Identity", "");
    assert_int_equal(zmq_msg_send(&msg, rep, 0), 8);
    expect_none(&msg);
    receive(req, &msg, "question");
    expect_property(&msg, "Socket-Type", "REP");
    expect_property(&msg, "Identity", NULL);
    expect_property(&msg, "Peer-Address", "127.0.0.1");
    zmq_msg_close(&msg);
}

TEST(ipc_tells_the_process)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    connect_to(push, bind_to(pull, "ipc://*").text);
    send_parts(push, "x");
    zmq_msg_t msg;
    char address[80];
    zmq_msg_init(&msg);
    receive(pull, &msg, "x");
    snprintf(address, sizeof address, "localhost:%u:%u:%ld", getuid(), getgid(), (long)getpid());
    expect_property(&msg, "Peer-Address", address);
    expect_property(&msg, "Socket-Type", "PUSH");
    expect_property(&msg, "Identity", NULL);
    char descriptor[16];
    snprintf(descriptor, sizeof descriptor, "%d", zmq_msg_get(&msg, ZMQ_SRCFD));
    assert_true(descriptor[0] != '-');
    expect_property(&msg, "__fd", descriptor); /* not in the manual, but there */
    zmq_msg_close(&msg);
}

TEST(address_is_bare_over_ipv6_too)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    set_int(pull, ZMQ_IPV6, 1);
    set_int(push, ZMQ_IPV6, 1);
    if (zmq_bind(pull, "tcp://[::1]:*") < 0)
        skip(); /* a machine without IPv6 */
    connect_to(push, last_endpoint(pull).text);
    send_parts(push, "x");
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    receive(pull, &msg, "x");
    expect_property(&msg, "Peer-Address", "::1");
    zmq_msg_close(&msg);
}

TEST(inproc_tells_nothing)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    connect_to(push, bind_to(pull, "inproc://quiet").text);
    send_parts(push, "x");
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    expect_none(&msg);
    receive(pull, &msg, "x");
    expect_none(&msg);
    zmq_msg_close(&msg);
}

TEST(copies_and_moves_tell_the_same)
{
    void *dealer[2] = {open_socket(ZMQ_DEALER), open_socket(ZMQ_DEALER)};
    connect_to(dealer[1], bind_to(dealer[0], "tcp://127.0.0.1:*").text);
    send_parts(dealer[1], "x");
    zmq_msg_t msg, copy, moved;
    zmq_msg_init(&msg);
    zmq_msg_init(&copy);
    zmq_msg_init(&moved);
    receive_from_dealer(dealer[0], &msg, "x", "");
    assert_int_equal(zmq_msg_copy(&copy, &msg), 0);
    assert_int_equal(zmq_msg_move(&moved, &msg), 0);
    expect_none(&msg);
    zmq_msg_close(&msg);
    expect_property(&moved, "Socket-Type", "DEALER");
    zmq_msg_close(&moved);
    expect_property(&copy, "Socket-Type", "DEALER");
    zmq_msg_close(&copy);
}

TEST(messages_outlive_what_they_tell_of)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
    send_parts(push, "x");
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    receive(pull, &msg, "x");
    close_socket(push);
    close_socket(pull);
    term_world();
    expect_property(&msg, "Socket-Type", "PUSH");
    expect_property(&msg, "Peer-Address", "127.0.0.1");
    zmq_msg_close(&msg);
}

/* A connection broken the hard way, its message still unread. That it is gone is seen by a ROUTER
 * that can no longer send there. */
TEST(unread_messages_tell_of_a_connection_that_is_gone)
{
    void *router = open_socket(ZMQ_ROUTER);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    int fd = raw_connect(port_of(bind_to(router, "tcp://127.0.0.1:*")));
    raw_handshake(fd, "DEALER");
    raw_send_frame(fd, 0, "first", 5);
    raw_send_frame(fd, 0, "second", 6);
    struct part id = recv_part(router);
    expect_parts(router, "first");
    assert_true(can_recv(router, DEADLINE_MS));
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                                sizeof(struct linger)),
                     0);
    close(fd);
    wait_until(zmq_send(router, id.data, id.size, ZMQ_SNDMORE) < 0 ||
               zmq_send(router, "x", 1, 0) < 0);
    assert_int_equal(zmq_errno(), EHOSTUNREACH);
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    assert_int_equal(zmq_msg_recv(&msg, router, 0), id.size);
    receive(router, &msg, "second");
    expect_property(&msg, "Socket-Type", "DEALER");
    expect_property(&msg, "Peer-Address", "127.0.0.1");
    zmq_msg_close(&msg);
}

/* The routing id is the announced one, whatever we call the peer. */
TEST(routing_id_is_the_announced_one)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = open_socket(ZMQ_DEALER);
    set_text(dealer, ZMQ_ROUTING_ID, "theirs");
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "ours");
    connect_to(router, bind_to(dealer, "tcp://127.0.0.1:*").text);
    send_parts(dealer, "x");
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    receive_from_dealer(router, &msg, "ours", "theirs");
    receive_from_dealer(router, &msg, "x", "theirs");
    zmq_msg_close(&msg);
}

/* One and the same connect() meets one peer after the other. */
TEST(another_connection_has_other_properties)
{
    static const char *const ids[] = {"one", "two"};
    void *dealer = open_socket(ZMQ_DEALER);
    struct endpoint where = {""};
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    set_int(dealer, ZMQ_RECONNECT_IVL, 10);
    for (int i = 0; i < 2; i++) {
        void *peer = open_socket(ZMQ_DEALER);
        set_text(peer, ZMQ_ROUTING_ID, ids[i]);
        wait_until(zmq_bind(peer, i ? where.text : "tcp://127.0.0.1:*") == 0);
        where = last_endpoint(peer);
        if (i == 0)
            connect_to(dealer, where.text);
        send_parts(peer, "x");
        receive_from_dealer(dealer, &msg, "x", ids[i]);
        close_socket(peer);
    }
    zmq_msg_close(&msg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(every_part_tells),
        RUN(both_ends_tell),
        RUN(ipc_tells_the_process),
        RUN(address_is_bare_over_ipv6_too),
        RUN(inproc_tells_nothing),
        RUN(copies_and_moves_tell_the_same),
        RUN(messages_outlive_what_they_tell_of),
        RUN(unread_messages_tell_of_a_connection_that_is_gone),
        RUN(routing_id_is_the_announced_one),
        RUN(another_connection_has_other_properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
