/* SPDX-License-Identifier: MIT */
/*
 * Connections that do not come about or do not live: ZMQ_HANDSHAKE_IVL, ZMQ_CONNECT_TIMEOUT, peers
 * of the wrong type, and heartbeats in both directions. zmq_setsockopt(3), RFC 23 and RFC 37.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"

enum { PING_HEAD = 7 }; /* "\4PING" and two bytes of time to live, before the context */

static void connect_to_port(void *socket, int port)
{
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%d", port);
    connect_to(socket, text);
}

static bool is_ping(const struct raw_frame *frame)
{
    return frame->flags & RAW_COMMAND && frame->size >= PING_HEAD &&
           memcmp(frame->body, "\4PING", 5) == 0;
}

static void answer_ping(int fd, const struct raw_frame *ping)
{
    char pong[64] = "\4PONG";
    size_t context = ping->size - PING_HEAD;
    assert_in_range(context, 0, 16);
    memcpy(pong + 5, ping->body + PING_HEAD, context);
    raw_send_frame(fd, RAW_COMMAND, pong, 5 + context);
}

TEST(silent_listener_is_given_up)
{
    int port = 0;
    int listener = raw_listen(&port, 5);
    void *push = open_socket(ZMQ_PUSH);
    set_int(push, ZMQ_HANDSHAKE_IVL, 100);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    connect_to_port(push, port);
    for (int i = 0; i < 3; i++) {
        int fd = raw_accept(listener);
        assert_true(raw_closes(fd, DEADLINE_MS));
        close(fd);
    }
    int fd = raw_accept(listener);
    raw_handshake(fd, "PULL");
    send_parts(push, "patience");
    assert_memory_equal(raw_recv_frame(fd).body, "patience", 8);
    close(fd);
    close(listener);
}

TEST(silent_caller_is_given_up)
{
    void *pull = open_socket(ZMQ_PULL);
    set_int(pull, ZMQ_HANDSHAKE_IVL, 100);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    int silent = raw_connect(port_of(where));
    assert_true(raw_closes(silent, DEADLINE_MS));
    close(silent);
}

/* Every byte in time is not enough: the interval is for the whole handshake. */
TEST(caller_that_says_one_byte_at_a_time_is_given_up)
{
    void *pull = open_socket(ZMQ_PULL);
    set_int(pull, ZMQ_HANDSHAKE_IVL, 300);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    char greeting[64] = {(char)0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    int slow = raw_connect(port_of(where));
    bool closed = false;
    for (int i = 0; i < 64 && !closed; i++) {
        send(slow, greeting + i, 1, MSG_NOSIGNAL);
        closed = raw_closes(slow, 50);
    }
    assert_true(closed);
    close(slow);
    void *push = open_socket(ZMQ_PUSH);
    connect_to(push, where.text);
    send_parts(push, "others go on");
    expect_parts(pull, "others go on");
}

/* What a PUSH says, from its greeting to a message of one byte. */
enum { GREETING = 64, READY = 28, CONVERSATION = GREETING + READY + 3 };

static void conversation(char bytes[CONVERSATION])
{
    char greeting[GREETING] = {(char)0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    memcpy(bytes, greeting, GREETING);
    memcpy(bytes + GREETING, "\4\32\5READY\13Socket-Type\0\0\0\4PUSH", READY);
    memcpy(bytes + GREETING + READY, "\0\1x", 3);
}

TEST(conversation_in_single_bytes)
{
    void *pull = open_socket(ZMQ_PULL);
    char bytes[CONVERSATION], answer[GREETING + READY];
    conversation(bytes);
    int fd = raw_connect(port_of(bind_to(pull, "tcp://127.0.0.1:*")));
    for (size_t i = 0; i < CONVERSATION; i++) {
        if (i == GREETING + READY)
            raw_recv(fd, answer, sizeof answer);
        raw_send(fd, bytes + i, 1);
    }
    expect_parts(pull, "x");
    close(fd);
}

/* Nothing says that a peer has to wait for an answer first; libzmq closes such connections. */
TEST(conversation_in_one_piece)
{
    better_than_libzmq();
    void *pull = open_socket(ZMQ_PULL);
    char bytes[CONVERSATION];
    conversation(bytes);
    int fd = raw_connect(port_of(bind_to(pull, "tcp://127.0.0.1:*")));
    raw_send(fd, bytes, CONVERSATION);
    expect_parts(pull, "x");
    close(fd);
}

/* A pair of types that do not talk: no message crosses, and nobody else is disturbed. */
TEST(wrong_socket_types_do_not_connect)
{
    void *pull = open_socket(ZMQ_PULL);
    void *req = open_socket(ZMQ_REQ);
    void *push = open_socket(ZMQ_PUSH);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    connect_to(req, where.text);
    send_parts(req, "not for you");
    connect_to(push, where.text);
    send_parts(push, "for you");
    expect_parts(pull, "for you");
    expect_nothing(pull);
}

/* A source port, other than `except`, that is trying to connect to this port right now, as Linux
 * tells it; 0 for none. */
static unsigned attempt_to(int port, unsigned except)
{
    FILE *table = fopen("/proc/net/tcp", "r");
    char line[256];
    unsigned source, target, status, found = 0;
    while (table && fgets(line, sizeof line, table))
        if (sscanf(line, " %*d: %*x:%x %*x:%x %x", &source, &target, &status) == 3 &&
            target == (unsigned)port && status == 2 && source != except)
            found = source;
    if (table)
        fclose(table);
    return found;
}

/* A listener whose queue is full does not answer, as a host that is gone does not. */
TEST(connect_timeout_starts_another_attempt)
{
    int port = 0, filling[3];
    int listener = raw_listen(&port, 0);
    struct sockaddr_in address = raw_address(port);
    for (int i = 0; i < 3; i++) {
        filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        int rc = connect(filling[i], (struct sockaddr *)&address, sizeof address);
        assert_true(rc == 0 || errno == EINPROGRESS);
    }
    void *push = open_socket(ZMQ_PUSH);
    set_int(push, ZMQ_CONNECT_TIMEOUT, 100);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    unsigned own = attempt_to(port, 0); /* of those that fill the queue, if any still tries */
    connect_to_port(push, port);
    unsigned first = 0, next = 0;
    wait_until((first = attempt_to(port, own)) != 0);
    wait_until((next = attempt_to(port, own)) != 0 && next != first);
    for (int i = 0; i < 3; i++)
        close(filling[i]);
    close(listener);
}

TEST(peer_that_stops_answering_pings_is_dropped)
{
    int port = 0;
    int listener = raw_listen(&port, 5);
    void *dealer = open_socket(ZMQ_DEALER);
    set_int(dealer, ZMQ_HEARTBEAT_IVL, 50);
    set_int(dealer, ZMQ_HEARTBEAT_TIMEOUT, 300);
    set_int(dealer, ZMQ_RECONNECT_IVL, 10);
    connect_to_port(dealer, port);
    int fd = raw_accept(listener);
    raw_handshake(fd, "DEALER");
    for (int i = 0; i < 12; i++) { /* more than the timeout, answered each time */
        struct raw_frame ping = raw_recv_frame(fd);
        assert_true(is_ping(&ping));
        answer_ping(fd, &ping);
    }
    raw_send_frame(fd, 0, "alive", 5);
    expect_parts(dealer, "alive");
    assert_true(raw_closes(fd, DEADLINE_MS));
    int next = raw_accept(listener); /* and connected anew */
    close(next);
    close(fd);
    close(listener);
}

TEST(bound_socket_drops_a_dead_caller_too)
{
    void *dealer = open_socket(ZMQ_DEALER);
    set_int(dealer, ZMQ_HEARTBEAT_IVL, 50);
    set_int(dealer, ZMQ_HEARTBEAT_TIMEOUT, 200);
    int fd = raw_connect(port_of(bind_to(dealer, "tcp://127.0.0.1:*")));
    raw_handshake(fd, "DEALER");
    struct raw_frame ping = raw_recv_frame(fd);
    assert_true(is_ping(&ping));
    assert_true(raw_closes(fd, DEADLINE_MS));
    close(fd);
}

/* Any traffic is a sign of life, not only a PONG. */
TEST(traffic_counts_as_life)
{
    void *dealer = open_socket(ZMQ_DEALER);
    set_int(dealer, ZMQ_HEARTBEAT_IVL, 50);
    set_int(dealer, ZMQ_HEARTBEAT_TIMEOUT, 400);
    int fd = raw_connect(port_of(bind_to(dealer, "tcp://127.0.0.1:*")));
    raw_handshake(fd, "DEALER");
    for (int64_t until = now_ms() + 1000; now_ms() < until;) {
        assert_true(raw_readable(fd, DEADLINE_MS));
        struct raw_frame ping = raw_recv_frame(fd);
        assert_true(is_ping(&ping));
        raw_send_frame(fd, 0, "tick", 4);
        expect_parts(dealer, "tick");
    }
    assert_true(raw_closes(fd, DEADLINE_MS));
    close(fd);
}

TEST(ping_is_answered_with_its_context)
{
    void *dealer = open_socket(ZMQ_DEALER);
    int fd = raw_connect(port_of(bind_to(dealer, "tcp://127.0.0.1:*")));
    raw_handshake(fd, "DEALER");
    for (size_t context = 0; context <= 16; context++) {
        char ping[] = "\4PING\0\0abcdefghijklmnop";
        raw_send_frame(fd, RAW_COMMAND, ping, PING_HEAD + context);
        struct raw_frame pong = raw_recv_frame(fd);
        assert_int_equal(pong.flags & RAW_COMMAND, RAW_COMMAND);
        assert_int_equal(pong.size, 5 + context);
        assert_memory_equal(pong.body, "\4PONG", 5);
        assert_memory_equal(pong.body + 5, ping + PING_HEAD, context);
    }
    close(fd);
}

/* The peer says how long it may be silent, and is then silent for longer. */
TEST(time_to_live_of_the_peer_is_kept)
{
    void *dealer = open_socket(ZMQ_DEALER);
    int fd = raw_connect(port_of(bind_to(dealer, "tcp://127.0.0.1:*")));
    raw_handshake(fd, "DEALER");
    raw_send_frame(fd, RAW_COMMAND, "\4PING\0\3", PING_HEAD);
    raw_recv_frame(fd);
    int64_t started = now_ms();
    assert_true(raw_closes(fd, DEADLINE_MS));
    assert_in_range(now_ms() - started, 150, DEADLINE_MS);
    close(fd);
}

TEST(time_to_live_is_announced)
{
    void *dealer = open_socket(ZMQ_DEALER);
    set_int(dealer, ZMQ_HEARTBEAT_IVL, 50);
    set_int(dealer, ZMQ_HEARTBEAT_TTL, 30000);
    set_int(dealer, ZMQ_HEARTBEAT_TIMEOUT, 10000);
    int fd = raw_connect(port_of(bind_to(dealer, "tcp://127.0.0.1:*")));
    raw_handshake(fd, "DEALER");
    struct raw_frame ping = raw_recv_frame(fd);
    assert_true(is_ping(&ping));
    assert_int_equal((unsigned char)ping.body[5] << 8 | (unsigned char)ping.body[6], 300);
    close(fd);
}

TEST(heartbeats_between_two_sockets_disturb_nothing)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = open_socket(ZMQ_DEALER);
    void *both[] = {router, dealer};
    set_text(dealer, ZMQ_ROUTING_ID, "d");
    for (int i = 0; i < 2; i++) {
        set_int(both[i], ZMQ_HEARTBEAT_IVL, 20);
        set_int(both[i], ZMQ_HEARTBEAT_TIMEOUT, DEADLINE_MS);
        set_int(both[i], ZMQ_HEARTBEAT_TTL, DEADLINE_MS);
    }
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    connect_to(dealer, bind_to(router, *state).text);
    send_parts(dealer, "hello");
    expect_parts(router, "d", "hello");
    expect_nothing(dealer); /* some heartbeats long */
    expect_nothing(router);
    send_parts(router, "d", "still here");
    expect_parts(dealer, "still here");
}

/* libzmq 4.2.0 to 4.3.2 announces 3.0 and has heartbeats. */
TEST(peers_of_3_0_get_heartbeats)
{
    void *dealer = open_socket(ZMQ_DEALER);
    set_int(dealer, ZMQ_HEARTBEAT_IVL, 30);
    set_int(dealer, ZMQ_HEARTBEAT_TIMEOUT, 2000);
    int fd = raw_connect(port_of(bind_to(dealer, "tcp://127.0.0.1:*")));
    raw_handshake_of(fd, "DEALER", 0);
    for (int i = 0; i < 3; i++) {
        struct raw_frame ping = raw_recv_frame(fd);
        assert_true(is_ping(&ping));
        answer_ping(fd, &ping);
    }
    raw_send(fd, "\0\1a", 3);
    expect_parts(dealer, "a");
    assert_true(raw_closes(fd, DEADLINE_MS)); /* it has stopped to answer */
    close(fd);
}

/* ZMTP 2.0 has no commands. */
TEST(older_peers_get_no_heartbeats)
{
    char ours[14];
    void *pull = open_socket(ZMQ_PULL);
    set_int(pull, ZMQ_HEARTBEAT_IVL, 20);
    int port = port_of(bind_to(pull, "tcp://127.0.0.1:*"));
    int fd = raw_connect(port), modern = raw_connect(port);
    raw_send(fd, "\xff\0\0\0\0\0\0\0\1\x7f\1\x08\0\0", 14); /* 2.0, PUSH, no name */
    raw_recv(fd, ours, sizeof ours);
    raw_handshake(modern, "PUSH");
    raw_send(fd, "\0\1a", 3);
    expect_parts(pull, "a");
    for (int i = 0; i < 3; i++) {
        struct raw_frame ping = raw_recv_frame(modern);
        assert_true(is_ping(&ping));
        answer_ping(modern, &ping);
    }
    assert_false(raw_readable(fd, 0));
    raw_send(fd, "\0\1b", 3);
    expect_parts(pull, "b");
    close(fd);
    close(modern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(silent_listener_is_given_up),
        RUN(silent_caller_is_given_up),
        RUN(caller_that_says_one_byte_at_a_time_is_given_up),
        RUN(conversation_in_single_bytes),
        RUN(conversation_in_one_piece),
        RUN(wrong_socket_types_do_not_connect),
        RUN(connect_timeout_starts_another_attempt),
        RUN(peer_that_stops_answering_pings_is_dropped),
        RUN(bound_socket_drops_a_dead_caller_too),
        RUN(traffic_counts_as_life),
        RUN(ping_is_answered_with_its_context),
        RUN(time_to_live_of_the_peer_is_kept),
        RUN(peers_of_3_0_get_heartbeats),
        RUN(older_peers_get_no_heartbeats),
        RUN(time_to_live_is_announced),
        OVER_ALL(heartbeats_between_two_sockets_disturb_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
