/* SPDX-License-Identifier: MIT */
/*
 * What a monitor tells (zmq_socket_monitor(3)), scene by scene: the events, their order, their
 * values and endpoints. Handshakes that fail are test_monitor_handshake.c; monitors themselves,
 * their life and their limits, test_monitor.c.
 */
#include "behaviour/util.h"

#include "behaviour/monitor.h"
#include "behaviour/raw.h"

#include <sys/resource.h>

#define OVER_WIRE(test) OVER(test, "tcp", "tcp://127.0.0.1:*"), OVER(test, "ipc", "ipc://*")

static bool is_tcp(struct endpoint endpoint)
{
    return strncmp(endpoint.text, "tcp:", 4) == 0;
}

/* A descriptor that is open, and a socket. */
static void expect_descriptor(uint32_t fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    assert_int_equal(getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &size), 0);
    assert_int_equal(type, SOCK_STREAM);
}

/* Reads what both sides tell of a connection being made; gives the server's descriptor. */
static uint32_t expect_connection(const struct watched *pair)
{
    if (is_tcp(pair->bound))
        assert_int_equal(expect(pair->client_events, CONNECT_DELAYED, pair->bound.text),
                         EINPROGRESS);
    expect_descriptor(expect(pair->client_events, CONNECTED, pair->bound.text));
    assert_int_equal(expect(pair->client_events, HANDSHAKE_SUCCEEDED, pair->bound.text), 0);
    uint32_t accepted = expect(pair->server_events, ACCEPTED, pair->bound.text);
    expect_descriptor(accepted);
    assert_int_equal(expect(pair->server_events, HANDSHAKE_SUCCEEDED, pair->bound.text), 0);
    return accepted;
}

static struct watched connected_pair(const char *endpoint)
{
    struct watched pair = watched_pair(endpoint);
    connect_to(pair.client, pair.bound.text);
    return pair;
}

static void connection_that_client_closes(void **state)
{
    struct watched pair = connected_pair(*state);
    uint32_t accepted = expect_connection(&pair);
    close_socket(pair.client);
    expect_stopped(pair.client_events);
    assert_int_equal(expect(pair.server_events, DISCONNECTED, pair.bound.text), accepted);
    close_socket(pair.server);
    expect(pair.server_events, CLOSED, pair.bound.text);
    expect_stopped(pair.server_events);
}

static void connection_that_server_closes(void **state)
{
    struct watched pair = connected_pair(*state);
    expect_connection(&pair);
    close_socket(pair.server);
    expect(pair.server_events, CLOSED, pair.bound.text);
    expect_stopped(pair.server_events);
    expect(pair.client_events, DISCONNECTED, pair.bound.text);
    uint32_t interval = expect(pair.client_events, CONNECT_RETRIED, pair.bound.text);
    assert_in_range(interval, 100, 199); /* ZMQ_RECONNECT_IVL is 100 ms */
}

static void client_disconnects(void **state)
{
    struct watched pair = connected_pair(*state);
    expect_connection(&pair);
    assert_int_equal(zmq_disconnect(pair.client, pair.bound.text), 0);
    wait_until((nudge(pair.client), can_recv(pair.server_events, 0)));
    expect(pair.server_events, DISCONNECTED, pair.bound.text);
    close_socket(pair.client);
    expect_stopped(pair.client_events);
}

static void server_unbinds(void **state)
{
    struct watched pair = watched_pair(*state);
    assert_int_equal(zmq_unbind(pair.server, pair.bound.text), 0);
    expect(pair.server_events, CLOSED, pair.bound.text);
    close_socket(pair.server);
    expect_stopped(pair.server_events);
}

TEST(tcp_connection_that_nobody_accepts_is_tried_again)
{
    int port = 0;
    int held = raw_listen(&port, 1); /* so that the port is nobody's */
    struct endpoint dead;
    snprintf(dead.text, sizeof dead.text, "tcp://127.0.0.1:%d", port);
    close(held);
    void *client = open_socket(ZMQ_DEALER);
    void *events = watch_all(client);
    set_int(client, ZMQ_RECONNECT_IVL, 10);
    connect_to(client, dead.text);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(expect(events, CONNECT_DELAYED, dead.text), EINPROGRESS);
        expect(events, CLOSED, dead.text);
        assert_in_range(expect(events, CONNECT_RETRIED, dead.text), 10, 19);
    }
}

TEST(ipc_connection_that_nobody_accepts_is_tried_again)
{
    const char *dead = "ipc://@greenmq-test-nobody-is-here";
    void *client = open_socket(ZMQ_DEALER);
    void *events = watch_all(client);
    set_int(client, ZMQ_RECONNECT_IVL, 10);
    connect_to(client, dead);
    for (int i = 0; i < 3; i++) {
        expect(events, CLOSED, dead);
        assert_in_range(expect(events, CONNECT_RETRIED, dead), 10, 19);
    }
}

/* The intervals that are told are waited. */
TEST(retries_back_off_as_told)
{
    static const uint32_t least[] = {20, 40, 80, 80};
    enum { TIMES = sizeof least / sizeof *least };
    void *client = open_socket(ZMQ_DEALER);
    void *events = watch(client, ZMQ_EVENT_CONNECT_RETRIED);
    const char *dead = "ipc://@greenmq-test-nobody-is-here";
    set_int(client, ZMQ_RECONNECT_IVL, 20);
    set_int(client, ZMQ_RECONNECT_IVL_MAX, 80);
    int64_t start = now_ms(), waited = 0;
    connect_to(client, dead);
    for (int i = 0; i < TIMES; i++) {
        uint32_t interval = expect(events, CONNECT_RETRIED, dead);
        assert_in_range(interval, least[i], least[i] + 19);
        assert_true(now_ms() - start >= waited - TIMES); /* each may be rounded off */
        waited += interval;
    }
}

TEST(without_reconnection_nothing_is_retried)
{
    void *client = open_socket(ZMQ_DEALER);
    void *events = watch_all(client);
    const char *dead = "ipc://@greenmq-test-nobody-is-here";
    set_int(client, ZMQ_RECONNECT_IVL, -1);
    connect_to(client, dead);
    expect(events, CLOSED, dead);
    close_socket(client);
    expect_stopped(events);
}

TEST(names_are_told_as_they_were_written)
{
    struct watched pair = watched_pair("tcp://*:*");
    char name[64];
    struct endpoint local;
    snprintf(name, sizeof name, "tcp://127.0.0.1:0;localhost:%d", port_of(pair.bound));
    snprintf(local.text, sizeof local.text, "tcp://127.0.0.1:%d", port_of(pair.bound));
    connect_to(pair.client, name);
    expect(pair.client_events, CONNECT_DELAYED, name);
    expect(pair.client_events, CONNECTED, name);
    expect(pair.client_events, HANDSHAKE_SUCCEEDED, name);
    expect(pair.server_events, ACCEPTED, local.text);
    expect(pair.server_events, HANDSHAKE_SUCCEEDED, local.text);
    close_socket(pair.client);
    expect(pair.server_events, DISCONNECTED, local.text);
    close_socket(pair.server);
    expect(pair.server_events, CLOSED, pair.bound.text);
}

TEST(name_that_nobody_knows_is_tried_again)
{
    const char *unknown = "tcp://nobody.invalid:5555";
    void *client = open_socket(ZMQ_DEALER);
    void *events = watch_all(client);
    connect_to(client, unknown);
    for (int i = 0; i < 2; i++)
        assert_in_range(expect(events, CONNECT_RETRIED, unknown), 100, 199);
}

TEST(tcp_bind_that_fails)
{
    void *owner = open_socket(ZMQ_DEALER), *socket = open_socket(ZMQ_DEALER);
    void *events = watch_all(socket);
    struct endpoint taken = bind_to(owner, "tcp://127.0.0.1:*");
    const char *address = taken.text + strlen("tcp://");
    expect_error(zmq_bind(socket, taken.text), EADDRINUSE);
    expect(events, CLOSED, "");
    assert_int_equal(expect(events, BIND_FAILED, address), EADDRINUSE);
    assert_int_equal(zmq_bind(socket, "tcp://no-such-device:5555"), -1);
    assert_int_equal(expect(events, BIND_FAILED, "no-such-device:5555"), ENODEV);
    assert_int_equal(zmq_bind(socket, "tcp://127.0.0.1"), -1);
    assert_int_equal(expect(events, BIND_FAILED, "127.0.0.1"), EINVAL);
    assert_int_equal(zmq_bind(socket, "what://ever"), -1);
    close_socket(socket);
    expect_stopped(events);
}

TEST(ipc_bind_that_fails)
{
    void *socket = open_socket(ZMQ_DEALER);
    void *events = watch_all(socket);
    expect_error(zmq_bind(socket, "ipc:///no/such/folder/socket"), ENOENT);
    expect(events, CLOSED, "ipc:///no/such/folder/socket");
    assert_int_equal(expect(events, BIND_FAILED, "/no/such/folder/socket"), ENOENT);
}

/* Only a path that the library has made up itself is missed. */
TEST(close_that_fails)
{
    void *socket = open_socket(ZMQ_DEALER);
    void *events = watch_all(socket);
    struct endpoint bound = bind_to(socket, "ipc://*");
    expect(events, LISTENING, bound.text);
    assert_int_equal(unlink(bound.text + strlen("ipc://")), 0);
    assert_int_equal(zmq_unbind(socket, bound.text), 0);
    assert_int_equal(expect(events, CLOSE_FAILED, bound.text), ENOENT);
    close_socket(socket);
    expect_stopped(events);
}

TEST(accepting_fails_without_descriptors)
{
    void *server = open_socket(ZMQ_DEALER);
    void *events = watch(server, ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_ACCEPTED);
    struct endpoint bound = bind_to(server, "tcp://127.0.0.1:*");
    struct rlimit limit, none;
    struct sockaddr_in address = raw_address(port_of(bound));
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int lowest_free = dup(client);
    close(lowest_free);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)lowest_free, .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    int connected = connect(client, (struct sockaddr *)&address, sizeof address);
    bool told = can_recv(events, DEADLINE_MS);
    setrlimit(RLIMIT_NOFILE, &limit);
    assert_int_equal(connected, 0);
    assert_true(told);
    assert_int_equal(expect(events, ACCEPT_FAILED, bound.text), EMFILE);
    struct event event = next_event(events);
    while (event.number == ZMQ_EVENT_ACCEPT_FAILED)
        event = next_event(events);
    assert_int_equal(event.number, ZMQ_EVENT_ACCEPTED);
    close(client);
}

TEST(accepting_fails_for_those_who_are_filtered)
{
    void *server = open_socket(ZMQ_DEALER);
    void *events = watch_all(server);
    set_text(server, ZMQ_TCP_ACCEPT_FILTER, "192.0.2.0/24");
    struct endpoint bound = bind_to(server, "tcp://127.0.0.1:*");
    expect(events, LISTENING, bound.text);
    int client = raw_connect(port_of(bound));
    expect(events, ACCEPT_FAILED, bound.text);
    close(client);
}

TEST(connection_that_takes_too_long)
{
    int port = 0, waiting[4];
    int listener = raw_listen(&port, 0);
    struct sockaddr_in address = raw_address(port);
    for (int i = 0; i < 4; i++) { /* they fill the backlog, so that others are not answered */
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(waiting[i], (struct sockaddr *)&address, sizeof address);
    }
    struct endpoint busy;
    snprintf(busy.text, sizeof busy.text, "tcp://127.0.0.1:%d", port);
    void *client = open_socket(ZMQ_DEALER);
    void *events = watch_all(client);
    set_int(client, ZMQ_CONNECT_TIMEOUT, 50);
    connect_to(client, busy.text);
    expect(events, CONNECT_DELAYED, busy.text);
    expect(events, CLOSED, busy.text);
    expect(events, CONNECT_RETRIED, busy.text);
    for (int i = 0; i < 4; i++)
        close(waiting[i]);
    close(listener);
}

TEST(silent_peer_is_disconnected)
{
    void *server = open_socket(ZMQ_DEALER);
    void *events = watch_all(server);
    set_int(server, ZMQ_HEARTBEAT_IVL, 20);
    set_int(server, ZMQ_HEARTBEAT_TIMEOUT, 40);
    struct endpoint bound = bind_to(server, "tcp://127.0.0.1:*");
    int client = raw_connect(port_of(bound));
    raw_handshake(client, "DEALER");
    expect(events, LISTENING, bound.text);
    uint32_t fd = expect(events, ACCEPTED, bound.text);
    expect(events, HANDSHAKE_SUCCEEDED, bound.text);
    assert_int_equal(expect(events, DISCONNECTED, bound.text), fd);
    close(client);
}

TEST(connection_made_again_is_told_again)
{
    void *server = open_socket(ZMQ_DEALER), *client = open_socket(ZMQ_DEALER);
    struct endpoint bound = bind_to(server, "tcp://127.0.0.1:*");
    void *events = watch_all(client);
    set_int(client, ZMQ_RECONNECT_IVL, 10);
    connect_to(client, bound.text);
    expect(events, CONNECT_DELAYED, bound.text);
    expect(events, CONNECTED, bound.text);
    expect(events, HANDSHAKE_SUCCEEDED, bound.text);
    close_socket(server);
    expect(events, DISCONNECTED, bound.text);
    server = open_socket(ZMQ_DEALER);
    wait_until(zmq_bind(server, bound.text) == 0);
    struct event event = next_event(events);
    while (event.number != ZMQ_EVENT_CONNECTED) {
        assert_true(event.number == ZMQ_EVENT_CONNECT_RETRIED ||
                    event.number == ZMQ_EVENT_CONNECT_DELAYED || event.number == ZMQ_EVENT_CLOSED);
        event = next_event(events);
    }
    expect(events, HANDSHAKE_SUCCEEDED, bound.text);
}

TEST(inproc_is_silent)
{
    void *server = open_socket(ZMQ_PAIR), *client = open_socket(ZMQ_PAIR);
    void *server_events = watch_all(server), *client_events = watch_all(client);
    bind_to(server, "inproc://quiet");
    connect_to(client, "inproc://quiet");
    send_parts(client, "hello");
    expect_parts(server, "hello");
    close_socket(client);
    close_socket(server);
    expect_stopped(client_events);
    expect_stopped(server_events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_WIRE(connection_that_client_closes),
        OVER_WIRE(connection_that_server_closes),
        OVER_WIRE(client_disconnects),
        OVER_WIRE(server_unbinds),
        RUN(tcp_connection_that_nobody_accepts_is_tried_again),
        RUN(ipc_connection_that_nobody_accepts_is_tried_again),
        RUN(retries_back_off_as_told),
        RUN(without_reconnection_nothing_is_retried),
        RUN(names_are_told_as_they_were_written),
        RUN(name_that_nobody_knows_is_tried_again),
        RUN(tcp_bind_that_fails),
        RUN(ipc_bind_that_fails),
        RUN(close_that_fails),
        RUN(accepting_fails_without_descriptors),
        RUN(accepting_fails_for_those_who_are_filtered),
        RUN(connection_that_takes_too_long),
        RUN(silent_peer_is_disconnected),
        RUN(connection_made_again_is_told_again),
        RUN(inproc_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
