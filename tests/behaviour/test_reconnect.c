/* SPDX-License-Identifier: MIT */
/*
 * Connecting before anybody listens, and connecting again after a listener went away: what was
 * queued is delivered, the newcomer is found, and a connection that is not wanted any more is not
 * tried again. zmq_connect(3) and ZMQ_RECONNECT_IVL in zmq_setsockopt(3).
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/monitor.h"

static void *quick(int type)
{
    void *socket = open_socket(type);
    set_int(socket, ZMQ_RECONNECT_IVL, 10);
    return socket;
}

/* An endpoint of the same transport where nothing listens now. */
static struct endpoint reserve(void **state, void *socket)
{
    struct endpoint where = {""};
    if (strcmp(*state, "ipc") == 0) {
        snprintf(where.text, sizeof where.text, "ipc://@reconnect-%d-%d", (int)getpid(), rand());
        return where;
    }
    if (strcmp(*state, "inproc") == 0)
        return (struct endpoint){"inproc://reconnect"};
    where = bind_to(socket, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(socket, where.text), 0);
    return where;
}

static void bind_again(void *socket, struct endpoint where)
{
    wait_until(zmq_bind(socket, where.text) == 0);
}

TEST(connecting_first_is_fine)
{
    void *push = quick(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint where = reserve(state, pull);
    connect_to(push, where.text);
    for (int i = 0; i < 100; i++)
        send_number(push, i, 0);
    bind_again(pull, where);
    for (int i = 0; i < 100; i++)
        assert_int_equal(recv_number(pull), i);
}

TEST(several_may_wait_for_one_listener)
{
    void *router = open_socket(ZMQ_ROUTER);
    struct endpoint where = reserve(state, router);
    void *req[5];
    for (int i = 0; i < 5; i++) {
        req[i] = quick(ZMQ_REQ);
        connect_to(req[i], where.text);
        send_number(req[i], i, 0);
    }
    bind_again(router, where);
    for (int i = 0; i < 5; i++) {
        struct part id = recv_id(router);
        assert_int_equal(recv_id(router).size, 0);
        int number = recv_number(router);
        send_part(router, &id, ZMQ_SNDMORE);
        send_bytes(router, "", 0, ZMQ_SNDMORE);
        send_number(router, number, 0);
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(recv_number(req[i]), i);
}

TEST(waiting_connection_may_be_closed)
{
    void *push = quick(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint where = reserve(state, pull);
    connect_to(push, where.text);
    set_int(push, ZMQ_LINGER, 0);
    send_parts(push, "never");
    close_socket(push);
    void *other = quick(ZMQ_PUSH);
    connect_to(other, where.text);
    send_parts(other, "arrives");
    bind_again(pull, where);
    expect_parts(pull, "arrives");
    expect_nothing(pull);
}

TEST(waiting_connection_may_be_disconnected)
{
    void *push = quick(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint where = reserve(state, pull);
    connect_to(push, where.text);
    assert_int_equal(zmq_disconnect(push, where.text), 0);
    expect_error(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    connect_to(push, where.text);
    send_parts(push, "second try");
    bind_again(pull, where);
    expect_parts(pull, "second try");
}

TEST(listener_that_comes_back_is_found)
{
    void *push = quick(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint where = reserve(state, pull);
    bind_again(pull, where);
    connect_to(push, where.text);
    for (int i = 0; i < 4; i++) {
        send_number(push, i, 0);
        assert_int_equal(recv_number(pull), i);
        close_socket(pull);
        pull = open_socket(ZMQ_PULL);
        bind_again(pull, where);
        /* What goes out before the loss is noticed may be lost with the connection. */
        do
            send_parts(push, "are you there");
        while (!can_recv(pull, 5));
        send_parts(push, "yes");
        struct part part;
        while (part = recv_part(pull), !part_is(&part, "yes"))
            assert_true(part_is(&part, "are you there"));
    }
}

/* Sent while the connection is known to be down: queued, and delivered to the next listener. */
TEST(queued_messages_go_to_the_next_listener)
{
    int port = 0;
    int listener = raw_listen(&port, 5);
    void *push = quick(ZMQ_PUSH);
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%d", port);
    connect_to(push, text);
    int fd = raw_accept(listener);
    raw_handshake(fd, "PULL");
    close(listener);
    shutdown(fd, SHUT_WR);
    assert_true(raw_closes(fd, DEADLINE_MS)); /* so the other side has noticed */
    close(fd);
    for (int i = 0; i < 50; i++)
        send_number(push, i, 0);
    void *pull = open_socket(ZMQ_PULL);
    wait_until(zmq_bind(pull, text) == 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(recv_number(pull), i);
}

TEST(broken_connection_is_made_again)
{
    int port = 0;
    int listener = raw_listen(&port, 5);
    void *push = quick(ZMQ_PUSH);
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%d", port);
    connect_to(push, text);
    for (int i = 0; i < 5; i++) {
        int fd = raw_accept(listener);
        raw_handshake(fd, "PULL");
        send_number(push, i, 0);
        struct raw_frame frame = raw_recv_frame(fd);
        assert_int_equal(frame.size, 1);
        assert_int_equal(frame.body[0], '0' + i);
        close(fd);
    }
    close(listener);
}

/* In libzmq 0 does it, too, although its manual has only -1. */
static void switch_off_with(int interval_ms)
{
    int port = 0;
    int listener = raw_listen(&port, 5);
    void *push = open_socket(ZMQ_PUSH);
    void *other = open_socket(ZMQ_PUSH);
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%d", port);
    set_int(push, ZMQ_RECONNECT_IVL, interval_ms);
    connect_to(push, text);
    int fd = raw_accept(listener);
    raw_handshake(fd, "PULL");
    close(fd);
    assert_false(raw_readable(listener, QUIET_MS * 3));
    connect_to(other, text);
    close(raw_accept(listener)); /* it was listening all the time */
    close(listener);
}

TEST(reconnection_can_be_switched_off)
{
    switch_off_with(-1);
    switch_off_with(0);
}

/* With a limit the waits grow up to it; a listener that accepts in the end is still found. */
TEST(reconnection_backs_off)
{
    int port = 0;
    int listener = raw_listen(&port, 20);
    void *push = open_socket(ZMQ_PUSH);
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%d", port);
    set_int(push, ZMQ_RECONNECT_IVL, 20);
    set_int(push, ZMQ_RECONNECT_IVL_MAX, 100);
    connect_to(push, text);
    for (int i = 0; i < 10; i++)
        close(raw_accept(listener)); /* at once, before any greeting */
    int fd = raw_accept(listener);
    raw_handshake(fd, "PULL");
    send_parts(push, "patient");
    assert_memory_equal(raw_recv_frame(fd).body, "patient", 7);
    close(fd);
    close(listener);
}

TEST(requester_and_dealer_find_their_router_again)
{
    void *dealer = quick(ZMQ_DEALER);
    void *router = open_socket(ZMQ_ROUTER);
    struct endpoint where = reserve(state, router);
    set_text(dealer, ZMQ_ROUTING_ID, "d");
    bind_again(router, where);
    connect_to(dealer, where.text);
    for (int i = 0; i < 3; i++) {
        do
            send_parts(dealer, "hello");
        while (!can_recv(router, 5));
        expect_parts(router, "d", "hello");
        send_parts(router, "d", "welcome");
        expect_parts(dealer, "welcome");
        close_socket(router);
        router = open_socket(ZMQ_ROUTER);
        bind_again(router, where);
    }
}

#define ON_WIRE(test) OVER(test, "tcp", "tcp"), OVER(test, "ipc", "ipc")
#define ON_ALL(test)  ON_WIRE(test), OVER(test, "inproc", "inproc")

/* The only message was under way when the connection broke, and is lost. Then there is room. */
/* A ROUTER that connects, and has heard from a DEALER of this id there. */
static void *serve_as(const char *id, void *router, struct endpoint where)
{
    void *server = open_socket(ZMQ_DEALER);
    if (id)
        set_text(server, ZMQ_ROUTING_ID, id);
    bind_again(server, where);
    send_parts(server, "here");
    if (id)
        expect_parts(router, id, "here");
    return server;
}

static void send_in_vain(void *router, const char *id)
{
    expect_error(zmq_send(router, id, strlen(id), ZMQ_SNDMORE), EHOSTUNREACH);
}

/* libzmq's goes on to call it by the first. */
TEST(router_learns_the_id_of_a_new_server)
{
    better_than_libzmq();
    void *router = quick(ZMQ_ROUTER);
    struct endpoint where = reserve(state, router);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    connect_to(router, where.text);
    close_socket(serve_as("the one", router, where));
    send_in_vain(router, "a longer name");
    void *server = serve_as("a longer name", router, where);
    send_parts(router, "a longer name", "hello");
    expect_parts(server, "hello");
    send_in_vain(router, "the one");
    close_socket(server);
    server = serve_as(NULL, router, where);
    struct part id = recv_id(router);
    assert_int_equal(id.size, 5);
    assert_int_equal(id.data[0], 0);
    expect_parts(router, "here");
    send_part(router, &id, ZMQ_SNDMORE);
    send_parts(router, "nameless");
    expect_parts(server, "nameless");
    send_in_vain(router, "a longer name");
}

/* What was sent to the old one while nobody was there goes to who comes. */
TEST(what_waits_for_a_server_goes_to_the_next)
{
    void *router = quick(ZMQ_ROUTER);
    struct endpoint where = reserve(state, router);
    connect_to(router, where.text);
    void *events = watch(router, ZMQ_EVENT_DISCONNECTED);
    close_socket(serve_as("one", router, where));
    expect(events, DISCONNECTED, where.text);
    send_parts(router, "one", "waits");
    void *server = open_socket(ZMQ_DEALER);
    set_text(server, ZMQ_ROUTING_ID, "two");
    bind_again(server, where);
    expect_parts(server, "waits");
}

TEST(id_of_our_own_giving_stays)
{
    void *router = quick(ZMQ_ROUTER);
    struct endpoint where = reserve(state, router);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "given");
    connect_to(router, where.text);
    for (int i = 0; i < 2; i++) {
        void *server = open_socket(ZMQ_DEALER);
        set_text(server, ZMQ_ROUTING_ID, i ? "two" : "one");
        bind_again(server, where);
        send_parts(server, "here");
        expect_parts(router, "given", "here");
        send_parts(router, "given", "hello");
        expect_parts(server, "hello");
        close_socket(server);
    }
}

TEST(loss_of_a_message_under_way_makes_room)
{
    static char body[16 << 20];
    char some[1000];
    int port = 0, listener = raw_listen(&port, 5);
    struct endpoint where;
    snprintf(where.text, sizeof where.text, "tcp://127.0.0.1:%d", port);
    void *push = quick(ZMQ_PUSH);
    set_int(push, ZMQ_SNDHWM, 1);
    set_int(push, ZMQ_LINGER, 0);
    connect_to(push, where.text);
    int fd = raw_accept(listener);
    raw_handshake(fd, "PULL");
    send_bytes(push, body, sizeof body, 0);
    expect_error(zmq_send(push, "", 0, ZMQ_DONTWAIT), EAGAIN);
    raw_recv(fd, some, sizeof some);
    close(fd);
    fd = raw_accept(listener);
    raw_handshake(fd, "PULL");
    send_parts(push, "next");
    struct raw_frame frame = raw_recv_frame(fd);
    assert_memory_equal(frame.body, "next", 4);
    close(fd);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_ALL(connecting_first_is_fine),
        ON_ALL(several_may_wait_for_one_listener),
        ON_WIRE(waiting_connection_may_be_closed),
        ON_ALL(waiting_connection_may_be_disconnected),
        ON_WIRE(listener_that_comes_back_is_found),
        RUN(queued_messages_go_to_the_next_listener),
        RUN(broken_connection_is_made_again),
        RUN(reconnection_can_be_switched_off),
        RUN(loss_of_a_message_under_way_makes_room),
        RUN(reconnection_backs_off),
        ON_WIRE(requester_and_dealer_find_their_router_again),
        ON_WIRE(router_learns_the_id_of_a_new_server),
        ON_WIRE(what_waits_for_a_server_goes_to_the_next),
        ON_WIRE(id_of_our_own_giving_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
