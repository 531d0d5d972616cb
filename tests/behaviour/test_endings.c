/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a connected endpoint that ends: by zmq_disconnect(3), after which nothing more is
 * received from it; or, where ZMQ_RECONNECT_IVL forbids another connection, with the only one it
 * had (zmq_setsockopt(3)). Nothing is sent to the dead, and the endpoint can be connected again.
 */
#include "behaviour/util.h"
#include "behaviour/monitor.h"
#include "behaviour/raw.h"

/* A server and a client that connects once, and what tells of the client's loss. */
struct once {
    void *server, *client, *events;
    struct endpoint where;
};

static struct endpoint at_port(int port)
{
    struct endpoint where;
    snprintf(where.text, sizeof where.text, "tcp://127.0.0.1:%d", port);
    return where;
}

static void *open_server(int type, const char *endpoint)
{
    void *server = open_socket(type);
    set_int(server, ZMQ_LINGER, 0);
    if (type == ZMQ_SUB)
        set_text(server, ZMQ_SUBSCRIBE, "");
    wait_until(zmq_bind(server, endpoint) == 0);
    return server;
}

static struct once open_once(int server, int client, const char *endpoint)
{
    struct once once = {.client = open_socket(client)};
    once.server = open_server(server, endpoint);
    once.where = last_endpoint(once.server);
    once.events = watch(once.client, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    set_int(once.client, ZMQ_RECONNECT_IVL, -1);
    set_int(once.client, ZMQ_LINGER, 0);
    if (client == ZMQ_SUB)
        set_text(once.client, ZMQ_SUBSCRIBE, "");
    connect_to(once.client, once.where.text);
    expect(once.events, HANDSHAKE_SUCCEEDED, once.where.text);
    return once;
}

/* The far end goes, and the client has heard of it. libzmq's socket hears
 * after its monitor, and takes two calls to have done with it. */
static void lose(struct once *once)
{
    close_socket(once->server);
    expect(once->events, DISCONNECTED, once->where.text);
    for (int i = 0; ON_LIBZMQ && i < 3; i++) {
        nap_ms(20);
        nudge(once->client);
    }
}

static const int pairs[][2] = {{ZMQ_PUB, ZMQ_SUB},   {ZMQ_SUB, ZMQ_PUB},       {ZMQ_PULL, ZMQ_PUSH},
                               {ZMQ_PUSH, ZMQ_PULL}, {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_PAIR, ZMQ_PAIR},
                               {ZMQ_REP, ZMQ_REQ},   {ZMQ_XSUB, ZMQ_XPUB}};

/* One message from one of the two to the other. A publisher sends until its subscriber is known. */
static void expect_passes(void *from, void *to)
{
    do
        zmq_send(from, "passes", 6, ZMQ_DONTWAIT);
    while (!can_recv(to, 5));
    expect_parts(to, "passes");
}

static bool sends(int type)
{
    return type != ZMQ_SUB && type != ZMQ_PULL && type != ZMQ_XSUB && type != ZMQ_REP;
}

TEST(a_lost_endpoint_can_be_connected_again)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct once once = open_once(pairs[i][0], pairs[i][1], *state);
        lose(&once);
        once.server = open_server(pairs[i][0], once.where.text);
        connect_to(once.client, once.where.text);
        expect(once.events, HANDSHAKE_SUCCEEDED, once.where.text);
        if (pairs[i][0] == ZMQ_XSUB)
            send_bytes(once.server, "\1", 1, 0);
        if (sends(pairs[i][1]))
            expect_passes(once.client, once.server);
        if (sends(pairs[i][0]))
            expect_passes(once.server, once.client);
        close_socket(once.client);
        close_socket(once.server);
    }
}

TEST(a_lost_endpoint_is_not_there_to_be_disconnected)
{
    struct once once = open_once(ZMQ_PULL, ZMQ_PUSH, *state);
    lose(&once);
    expect_error(zmq_disconnect(once.client, once.where.text), ENOENT);
    expect_silence(once.events);
}

/* In libzmq 0 does it, too. */
TEST(zero_ends_it_as_well)
{
    int port = 0, listener = raw_listen(&port, 5);
    struct endpoint where = at_port(port);
    void *push = open_socket(ZMQ_PUSH);
    void *events = watch(push, ZMQ_EVENT_DISCONNECTED);
    set_int(push, ZMQ_RECONNECT_IVL, 0);
    set_int(push, ZMQ_LINGER, 0);
    connect_to(push, where.text);
    int fd = raw_accept(listener);
    raw_handshake(fd, "PULL");
    close(fd);
    expect(events, DISCONNECTED, where.text);
    wait_until(zmq_send(push, "", 0, ZMQ_DONTWAIT) < 0 && errno == EAGAIN);
    connect_to(push, where.text);
    fd = raw_accept(listener);
    raw_handshake(fd, "PULL");
    close(fd);
    close(listener);
}

/* A connection that was made is lost, too, if it ends before its handshake does. */
TEST(a_failed_handshake_ends_it)
{
    int port = 0, listener = raw_listen(&port, 5);
    struct endpoint where = at_port(port);
    void *dealer = open_socket(ZMQ_DEALER);
    set_int(dealer, ZMQ_RECONNECT_IVL, -1);
    set_int(dealer, ZMQ_LINGER, 0);
    connect_to(dealer, where.text);
    close(raw_accept(listener));
    wait_until((nudge(dealer), zmq_send(dealer, "", 0, ZMQ_DONTWAIT) < 0));
    connect_to(dealer, where.text);
    close(raw_accept(listener));
    close(listener);
}

TEST(nothing_is_sent_to_the_dead)
{
    struct once once = open_once(ZMQ_PULL, ZMQ_PUSH, *state);
    void *other = open_server(ZMQ_PULL, *state);
    struct endpoint where = last_endpoint(other);
    connect_to(once.client, where.text);
    expect(once.events, HANDSHAKE_SUCCEEDED, where.text);
    lose(&once);
    for (int i = 0; i < 100; i++)
        send_number(once.client, i, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(recv_number(other), i);
    close_socket(other);
    expect(once.events, DISCONNECTED, where.text);
    wait_until((nudge(once.client), !can_send(once.client, 0)));
    expect_error(zmq_send(once.client, "", 0, ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(get_int(once.client, ZMQ_EVENTS), 0);
}

/* Whoever speaks last and goes is heard. In libzmq it depends on when the application asks. */
TEST(last_words_of_the_lost_are_received)
{
    better_than_libzmq();
    struct once once = open_once(ZMQ_DEALER, ZMQ_DEALER, *state);
    set_int(once.server, ZMQ_LINGER, -1);
    for (int i = 0; i < 100; i++)
        send_number(once.server, i, 0);
    lose(&once);
    for (int i = 0; i < 100; i++)
        assert_int_equal(recv_number(once.client), i);
    expect_nothing(once.client);
}

/* An attempt that reaches nobody ends nothing: what is sent waits for a disconnect. */
TEST(a_refused_connect_ends_nothing)
{
    int port = 0;
    close(raw_bind(&port));
    struct endpoint where = at_port(port);
    void *push = open_socket(ZMQ_PUSH);
    void *events = watch(push, ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED);
    set_int(push, ZMQ_RECONNECT_IVL, -1);
    set_int(push, ZMQ_LINGER, 0);
    connect_to(push, where.text);
    expect(events, CLOSED, where.text);
    send_parts(push, "waits");
    expect_silence(events);
    assert_int_equal(zmq_disconnect(push, where.text), 0);
    expect_error(zmq_send(push, "", 0, ZMQ_DONTWAIT), EAGAIN);
}

/* Two that are connected, the client from its endpoint; five messages wait for it. */
struct waiting {
    void *server, *client;
    struct endpoint where;
};

static struct waiting open_waiting(const char *endpoint)
{
    struct waiting waiting = {.server = open_socket(ZMQ_DEALER), .client = open_socket(ZMQ_DEALER)};
    waiting.where = bind_to(waiting.server, endpoint);
    connect_to(waiting.client, waiting.where.text);
    for (int i = 0; i < 5; i++)
        send_parts(waiting.server, "one", "two", "three");
    wait_until(can_recv(waiting.client, 0));
    return waiting;
}

TEST(after_a_disconnect_nothing_is_received)
{
    struct waiting waiting = open_waiting(*state);
    expect_parts(waiting.client, "one", "two", "three");
    assert_int_equal(zmq_disconnect(waiting.client, waiting.where.text), 0);
    assert_int_equal(get_int(waiting.client, ZMQ_EVENTS), 0);
    expect_error(zmq_recv(waiting.client, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

/* libzmq fails an assertion when the next part is asked for. */
TEST(a_message_half_received_is_received_to_its_end)
{
    better_than_libzmq();
    struct waiting waiting = open_waiting(*state);
    struct part part = recv_part(waiting.client);
    assert_true(part_is(&part, "one"));
    assert_int_equal(zmq_disconnect(waiting.client, waiting.where.text), 0);
    expect_parts(waiting.client, "two", "three");
    assert_int_equal(get_int(waiting.client, ZMQ_EVENTS), 0);
    expect_error(zmq_recv(waiting.client, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

/* So is one of which only the id has been received. */
TEST(a_message_whose_sender_is_known_is_received_to_its_end)
{
    better_than_libzmq();
    void *router = open_socket(ZMQ_ROUTER), *dealer = open_socket(ZMQ_DEALER);
    struct endpoint where = bind_to(dealer, *state);
    set_text(dealer, ZMQ_ROUTING_ID, "d");
    connect_to(router, where.text);
    for (int i = 0; i < 5; i++)
        send_parts(dealer, "one", "two");
    recv_id(router);
    assert_int_equal(zmq_disconnect(router, where.text), 0);
    expect_parts(router, "one", "two");
    assert_int_equal(get_int(router, ZMQ_EVENTS) & ZMQ_POLLIN, 0);
    expect_error(zmq_recv(router, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

TEST(what_others_sent_is_still_received)
{
    struct waiting waiting = open_waiting(*state);
    void *other = open_socket(ZMQ_DEALER);
    struct endpoint where = bind_to(other, *state);
    connect_to(waiting.client, where.text);
    for (int i = 0; i < 5; i++)
        send_number(other, i, 0);
    assert_int_equal(recv_part(waiting.client).size, 3);
    recv_part(waiting.client);
    recv_part(waiting.client);
    assert_int_equal(zmq_disconnect(waiting.client, waiting.where.text), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(recv_number(waiting.client), i);
    expect_nothing(waiting.client);
}

/* What was sent before leaves, and what comes meanwhile is not received. */
TEST(a_disconnect_still_sends)
{
    struct waiting waiting = open_waiting(*state);
    for (int i = 0; i < 500; i++)
        send_number(waiting.client, i, 0);
    assert_int_equal(zmq_disconnect(waiting.client, waiting.where.text), 0);
    for (int i = 0; i < 500; i++)
        assert_int_equal(recv_number(waiting.server), i);
    expect_error(zmq_recv(waiting.client, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

/* A reader that held its sender up lets go of it. */
TEST(a_full_inbox_is_let_go)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL),
         *next = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDHWM, 1);
    set_int(push, ZMQ_LINGER, 0);
    set_int(pull, ZMQ_RCVHWM, 1);
    struct endpoint where = bind_to(push, *state);
    connect_to(pull, where.text);
    static char body[1 << 20];
    send_bytes(push, body, sizeof body, 0);
    wait_until(can_recv(pull, 0));
    while (can_send(push, QUIET_MS))
        send_bytes(push, body, sizeof body, ZMQ_DONTWAIT);
    assert_int_equal(zmq_disconnect(pull, where.text), 0);
    expect_error(zmq_recv(pull, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    connect_to(next, where.text);
    do
        zmq_send(push, "next", 4, ZMQ_DONTWAIT);
    while (!can_recv(next, 5));
    expect_parts(next, "next");
}

#define ON_WIRE(test) OVER(test, "tcp", "tcp://127.0.0.1:*"), OVER(test, "ipc", "ipc://@endings")

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_WIRE(a_lost_endpoint_can_be_connected_again),
        ON_WIRE(a_lost_endpoint_is_not_there_to_be_disconnected),
        RUN(zero_ends_it_as_well),
        RUN(a_failed_handshake_ends_it),
        OVER(nothing_is_sent_to_the_dead, "tcp", "tcp://127.0.0.1:*"),
        ON_WIRE(last_words_of_the_lost_are_received),
        RUN(a_refused_connect_ends_nothing),
        OVER_ALL(after_a_disconnect_nothing_is_received),
        OVER_ALL(a_message_half_received_is_received_to_its_end),
        OVER_ALL(a_message_whose_sender_is_known_is_received_to_its_end),
        OVER(what_others_sent_is_still_received, "tcp", "tcp://127.0.0.1:*"),
        OVER_ALL(a_disconnect_still_sends),
        OVER_ALL(a_full_inbox_is_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
