/* SPDX-License-Identifier: MIT */
/*
 * What a monitor tells of handshakes that fail, octet by octet. A peer that just goes leaves
 * NO_DETAIL with the errno; one that says something wrong a protocol error, if libzmq has one for
 * it; one that refuses with a status of 27/ZAP leaves that. DISCONNECTED follows in each case.
 */
#include "behaviour/util.h"

#include "behaviour/monitor.h"
#include "behaviour/raw.h"

#define LIT(text) text, sizeof(text) - 1

static const char greeting_head[] = "\xff\0\0\0\0\0\0\0\1\x7f\3\1";

/* A socket that is bound or connected, and a raw peer that has said its greeting. */
struct scene {
    void *events;
    struct endpoint endpoint;
    int peer;
};

static void send_greeting(int peer, const char *mechanism)
{
    char greeting[64] = {0};
    memcpy(greeting, greeting_head, sizeof greeting_head - 1);
    memcpy(greeting + 12, mechanism, strlen(mechanism));
    raw_send(peer, greeting, sizeof greeting);
}

static struct scene accepted_scene(void)
{
    struct scene scene;
    void *server = open_socket(ZMQ_DEALER);
    scene.events = watch(server, ZMQ_EVENT_ALL & ~ZMQ_EVENT_LISTENING);
    scene.endpoint = bind_to(server, "tcp://127.0.0.1:*");
    scene.peer = raw_connect(port_of(scene.endpoint));
    expect(scene.events, ACCEPTED, scene.endpoint.text);
    return scene;
}

static struct scene connected_scene(void)
{
    struct scene scene;
    int port = 0;
    int listener = raw_listen(&port, 1);
    void *client = open_socket(ZMQ_DEALER);
    scene.events = watch(client, ZMQ_EVENT_ALL & ~ZMQ_EVENT_CONNECT_RETRIED);
    set_int(client, ZMQ_RECONNECT_IVL, -1);
    snprintf(scene.endpoint.text, sizeof scene.endpoint.text, "tcp://127.0.0.1:%d", port);
    connect_to(client, scene.endpoint.text);
    scene.peer = raw_accept(listener);
    close(listener);
    expect(scene.events, CONNECT_DELAYED, scene.endpoint.text);
    expect(scene.events, CONNECTED, scene.endpoint.text);
    return scene;
}

static void end_scene(struct scene *scene)
{
    expect(scene->events, DISCONNECTED, scene->endpoint.text);
    close(scene->peer);
}

/* Reads the greeting and the READY of the socket. */
static void hear_handshake(int peer)
{
    char greeting[64];
    raw_recv(peer, greeting, sizeof greeting);
    raw_recv_frame(peer);
}

static void peer_goes_at_once(struct scene scene)
{
    char octets[10];
    raw_recv(scene.peer, octets, sizeof octets);
    shutdown(scene.peer, SHUT_WR);
    assert_int_equal(expect(scene.events, HANDSHAKE_FAILED_NO_DETAIL, scene.endpoint.text), EPIPE);
    end_scene(&scene);
}

TEST(accepted_peer_goes_at_once)
{
    peer_goes_at_once(accepted_scene());
}

TEST(connected_peer_goes_at_once)
{
    peer_goes_at_once(connected_scene());
}

TEST(peer_goes_after_the_greeting)
{
    struct scene scene = accepted_scene();
    send_greeting(scene.peer, "NULL");
    hear_handshake(scene.peer);
    shutdown(scene.peer, SHUT_WR);
    assert_int_equal(expect(scene.events, HANDSHAKE_FAILED_NO_DETAIL, scene.endpoint.text), EPIPE);
    end_scene(&scene);
}

TEST(peer_resets_the_connection)
{
    struct scene scene = accepted_scene();
    struct linger at_once = {.l_onoff = 1};
    char octets[10];
    raw_recv(scene.peer, octets, sizeof octets);
    setsockopt(scene.peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(scene.peer);
    scene.peer = -1;
    assert_int_equal(expect(scene.events, HANDSHAKE_FAILED_NO_DETAIL, scene.endpoint.text),
                     ECONNRESET);
    expect(scene.events, DISCONNECTED, scene.endpoint.text);
}

TEST(peer_says_nothing)
{
    void *server = open_socket(ZMQ_DEALER);
    void *events = watch_all(server);
    set_int(server, ZMQ_HANDSHAKE_IVL, 50);
    struct endpoint bound = bind_to(server, "tcp://127.0.0.1:*");
    int peer = raw_connect(port_of(bound));
    expect(events, LISTENING, bound.text);
    expect(events, ACCEPTED, bound.text);
    assert_int_equal(expect(events, HANDSHAKE_FAILED_NO_DETAIL, bound.text), EAGAIN);
    expect(events, DISCONNECTED, bound.text);
    close(peer);
}

TEST(success_is_told_before_the_end)
{
    struct scene scene = connected_scene();
    raw_handshake(scene.peer, "DEALER");
    assert_int_equal(expect(scene.events, HANDSHAKE_SUCCEEDED, scene.endpoint.text), 0);
    shutdown(scene.peer, SHUT_WR);
    end_scene(&scene);
}

static void other_mechanism(struct scene scene, const char *mechanism)
{
    send_greeting(scene.peer, mechanism);
    assert_int_equal(expect(scene.events, HANDSHAKE_FAILED_PROTOCOL, scene.endpoint.text),
                     ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    end_scene(&scene);
}

TEST(mechanisms_must_match)
{
    static const char *const others[] = {"PLAIN", "CURVE", "null", "NULLS", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        other_mechanism(accepted_scene(), others[i]);
        other_mechanism(connected_scene(), others[i]);
    }
}

/* What comes instead of READY, and what is told of it; 0 for nothing. */
struct wrong {
    const char *octets;
    size_t size;
    uint32_t error;
};

static const struct wrong wrongs[] = {
    /* no command at all */
    {LIT("\0\1x"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    {LIT("\1\1x"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    {LIT("\x8\1x"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    /* names that do not fit */
    {LIT("\4\0"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    {LIT("\4\1\0"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    {LIT("\4\6\x20READY"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    /* other commands */
    {LIT("\4\4\3FOO"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    {LIT("\4\6\5HELLO"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    {LIT("\4\6\5ready"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    {LIT("\4\7\4PING\0\0"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    {LIT("\4\x0b\x9SUBSCRIBEx"), ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND},
    /* ERROR that breaks its grammar */
    {LIT("\4\6\5ERROR"), ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR},
    {LIT("\4\x0a\5ERROR\x9"
         "bad"),
     ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR},
    /* properties: libzmq has numbers for these, and tells nothing */
    {LIT("\4\x0b\5READY\xbSock"), 0},
    {LIT("\4\x1b\5READY\xbSocket-Type\0\0\0\x10"
         "PAIR!"),
     0},
    {LIT("\4\x19\5READY\xbSocket-Type\0\0\0\3PUB"), 0},
    {LIT("\4\x19\5READY\xbSocket-Type\0\0\0\3FOO"), 0},
};

static void say_wrong(struct scene scene, const struct wrong *wrong)
{
    send_greeting(scene.peer, "NULL");
    hear_handshake(scene.peer);
    raw_send(scene.peer, wrong->octets, wrong->size);
    if (wrong->error)
        assert_int_equal(expect(scene.events, HANDSHAKE_FAILED_PROTOCOL, scene.endpoint.text),
                         wrong->error);
    end_scene(&scene);
}

TEST(accepted_peer_says_something_wrong)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
        say_wrong(accepted_scene(), &wrongs[i]);
}

TEST(connected_peer_says_something_wrong)
{
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
        say_wrong(connected_scene(), &wrongs[i]);
}

TEST(no_signature_is_told_as_the_end_only)
{
    struct scene scene = accepted_scene();
    static const char zeros[12];
    raw_send(scene.peer, zeros, sizeof zeros);
    end_scene(&scene);
}

static void refuse_with(struct scene scene, const char *reason, uint32_t status)
{
    char body[32] = "\5ERROR";
    size_t size = strlen(reason);
    body[6] = (char)size;
    memcpy(body + 7, reason, size);
    send_greeting(scene.peer, "NULL");
    hear_handshake(scene.peer);
    raw_send_frame(scene.peer, RAW_COMMAND, body, 7 + size);
    if (status)
        assert_int_equal(expect(scene.events, HANDSHAKE_FAILED_AUTH, scene.endpoint.text), status);
    end_scene(&scene);
}

TEST(peer_refuses_with_a_status)
{
    static const uint32_t statuses[] = {300, 400, 500};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char reason[8];
        snprintf(reason, sizeof reason, "%u", statuses[i]);
        refuse_with(accepted_scene(), reason, statuses[i]);
        refuse_with(connected_scene(), reason, statuses[i]);
    }
}

TEST(peer_refuses_for_another_reason)
{
    static const char *const reasons[] = {"bad", "200", "401", "Invalid socket type"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        refuse_with(connected_scene(), reasons[i], 0);
}

/* What is wrong after the handshake has an end and no reason. */
TEST(frame_beyond_the_limit_is_told_as_the_end_only)
{
    void *server = open_socket(ZMQ_DEALER);
    static const char beyond[100];
    int64_t limit = 64; /* libzmq holds it against READY, too */
    assert_int_equal(zmq_setsockopt(server, ZMQ_MAXMSGSIZE, &limit, sizeof limit), 0);
    void *events = watch(server, ZMQ_EVENT_ALL & ~ZMQ_EVENT_LISTENING);
    struct endpoint bound = bind_to(server, "tcp://127.0.0.1:*");
    int peer = raw_connect(port_of(bound));
    raw_handshake(peer, "DEALER");
    raw_send_frame(peer, 0, beyond, sizeof beyond);
    expect(events, ACCEPTED, bound.text);
    expect(events, HANDSHAKE_SUCCEEDED, bound.text);
    expect(events, DISCONNECTED, bound.text);
    close(peer);
}

/* Version 2.0 has no handshake: none is told of until the end, which counts as its failure. */
TEST(old_peer_has_no_handshake_to_tell_of)
{
    struct scene scene = accepted_scene();
    raw_send(scene.peer, LIT("\xff\0\0\0\0\0\0\0\1\x7f\1\5\0\0\0\5hello"));
    shutdown(scene.peer, SHUT_WR);
    assert_int_equal(expect(scene.events, HANDSHAKE_FAILED_NO_DETAIL, scene.endpoint.text), EPIPE);
    end_scene(&scene);
}

/* So have raw connections. */
TEST(stream_has_no_handshake_to_tell_of)
{
    void *server = open_socket(ZMQ_STREAM);
    void *events = watch(server, ZMQ_EVENT_ALL & ~ZMQ_EVENT_LISTENING);
    struct endpoint bound = bind_to(server, "tcp://127.0.0.1:*");
    int peer = raw_connect(port_of(bound));
    expect(events, ACCEPTED, bound.text);
    raw_send(peer, LIT("hello"));
    recv_id(server);
    expect_parts(server, "");
    recv_id(server);
    expect_parts(server, "hello");
    close(peer);
    assert_int_equal(expect(events, HANDSHAKE_FAILED_NO_DETAIL, bound.text), EPIPE);
    expect(events, DISCONNECTED, bound.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(accepted_peer_goes_at_once),
        RUN(connected_peer_goes_at_once),
        RUN(peer_goes_after_the_greeting),
        RUN(peer_resets_the_connection),
        RUN(peer_says_nothing),
        RUN(success_is_told_before_the_end),
        RUN(mechanisms_must_match),
        RUN(accepted_peer_says_something_wrong),
        RUN(connected_peer_says_something_wrong),
        RUN(no_signature_is_told_as_the_end_only),
        RUN(peer_refuses_with_a_status),
        RUN(peer_refuses_for_another_reason),
        RUN(frame_beyond_the_limit_is_told_as_the_end_only),
        RUN(old_peer_has_no_handshake_to_tell_of),
        RUN(stream_has_no_handshake_to_tell_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
