/* SPDX-License-Identifier: MIT */
/*
 * ZMQ_ROUTER_RAW: a ROUTER with plain TCP peers. zmq_setsockopt(3). What it shares with STREAM is
 * tested there; here is what is different.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/octets.h"

static struct scene raw_router(void)
{
    struct scene scene = {.socket = open_socket(ZMQ_ROUTER)};
    set_int(scene.socket, ZMQ_ROUTER_RAW, 1);
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    join(&scene);
    return scene;
}

TEST(octets_come_and_go)
{
    struct scene scene = raw_router();
    assert_int_equal(scene.id.size, 5);
    raw_send(scene.peer, "hello", 5);
    expect_octets(scene.socket, &scene.id, "hello");
    send_text(scene.socket, &scene.id, "world");
    send_part(scene.socket, &scene.id, ZMQ_SNDMORE);
    send_bytes(scene.socket, " and more", 9, ZMQ_SNDMORE);
    send_text(scene.socket, &scene.id, " again");
    raw_expect(scene.peer, "world and more again");
    close(scene.peer);
    expect_notice(scene.socket, &scene.id);
}

TEST(what_is_for_nobody_is_dropped)
{
    struct scene scene = raw_router();
    send_parts(scene.socket, "nobody", "lost");
    send_part(scene.socket, &scene.id, 0);
    send_text(scene.socket, &scene.id, "kept");
    raw_expect(scene.peer, "kept");
    set_int(scene.socket, ZMQ_ROUTER_MANDATORY, 1);
    expect_error(zmq_send(scene.socket, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    send_text(scene.socket, &scene.id, "still");
    raw_expect(scene.peer, "still");
    close(scene.peer);
}

TEST(empty_octets_send_a_peer_away)
{
    struct scene scene = raw_router();
    send_text(scene.socket, &scene.id, "bye");
    send_away(scene.socket, &scene.id);
    raw_expect(scene.peer, "bye");
    raw_expect_end(scene.peer, scene.socket);
    close(scene.peer);
    send_parts(scene.socket, "nobody", "lost");
    join(&scene);
    close(scene.peer);
}

TEST(a_named_peer_is_written_to_at_once)
{
    int port = 0, listener = raw_listen(&port, 8);
    struct endpoint at = endpoint_of(port);
    struct part web = {.data = "web", .size = 3};
    void *socket = open_socket(ZMQ_ROUTER);
    set_int(socket, ZMQ_ROUTER_RAW, 1);
    set_text(socket, ZMQ_CONNECT_ROUTING_ID, "web");
    connect_to(socket, at.text);
    assert_int_equal(made_id(socket).size, 0);
    send_text(socket, &web, "GET");
    int peer = raw_accept(listener);
    raw_expect(peer, "GET");
    expect_notice(socket, &web);
    raw_send(peer, "200", 3);
    expect_octets(socket, &web, "200");
    close(peer);
    expect_notice(socket, &web);
    close(listener);
}

TEST(a_probe_is_not_for_plain_peers)
{
    better_than_libzmq(); /* it aborts */
    struct scene scene = {.socket = open_socket(ZMQ_ROUTER)};
    set_int(scene.socket, ZMQ_ROUTER_RAW, 1);
    set_int(scene.socket, ZMQ_PROBE_ROUTER, 1);
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    join(&scene);
    send_text(scene.socket, &scene.id, "x");
    raw_expect(scene.peer, "x");
    close(scene.peer);
}

TEST(only_router_can_be_raw)
{
    static const int others[] = {ZMQ_PAIR, ZMQ_PUB,  ZMQ_SUB,  ZMQ_REQ,  ZMQ_DEALER,
                                 ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB, ZMQ_STREAM};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect_error(zmq_setsockopt(open_socket(others[i]), ZMQ_ROUTER_RAW, &(int){1}, sizeof(int)),
                     EINVAL);
}

/* libzmq's REP is a ROUTER and takes the option, and cannot do anything with it. */
TEST(rep_speaks_zmtp_whatever_is_set)
{
    better_than_libzmq(); /* it aborts */
    void *rep = open_socket(ZMQ_REP), *req = open_socket(ZMQ_REQ);
    set_int(rep, ZMQ_ROUTER_RAW, 1);
    connect_to(req, bind_to(rep, "tcp://127.0.0.1:*").text);
    send_parts(req, "question");
    expect_parts(rep, "question");
    send_parts(rep, "answer", "more");
    expect_parts(req, "answer", "more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(octets_come_and_go),
        RUN(what_is_for_nobody_is_dropped),
        RUN(empty_octets_send_a_peer_away),
        RUN(a_named_peer_is_written_to_at_once),
        RUN(a_probe_is_not_for_plain_peers),
        RUN(only_router_can_be_raw),
        RUN(rep_speaks_zmtp_whatever_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
