/* SPDX-License-Identifier: MIT */
/*
 * STREAM: ids, notices, and whom a message reaches. zmq_socket(3) "Native Pattern",
 * zmq_setsockopt(3) ZMQ_STREAM_NOTIFY and ZMQ_CONNECT_ROUTING_ID. Octets in quantity are in
 * test_stream_octets.c.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/octets.h"

TEST(octets_come_with_their_id)
{
    struct scene scene = bound_scene();
    assert_int_equal(scene.id.size, 5);
    assert_int_equal(scene.id.data[0], 0);
    raw_send(scene.peer, "hello", 5);
    assert_true(can_recv(scene.socket, DEADLINE_MS));
    expect_octets(scene.socket, &scene.id, "hello");
    assert_int_equal(get_int(scene.socket, ZMQ_RCVMORE), 0);
    assert_int_equal(get_int(scene.socket, ZMQ_EVENTS), ZMQ_POLLOUT);
    send_text(scene.socket, &scene.id, "world");
    raw_expect(scene.peer, "world");
    close(scene.peer);
    expect_notice(scene.socket, &scene.id);
}

TEST(each_peer_has_its_own_id)
{
    struct scene one = bound_scene(), two = one;
    join(&two);
    assert_memory_not_equal(one.id.data, two.id.data, 5);
    send_text(one.socket, &two.id, "to two");
    send_text(one.socket, &one.id, "to one");
    raw_expect(one.peer, "to one");
    raw_expect(two.peer, "to two");
    raw_send(two.peer, "from two", 8);
    expect_octets(one.socket, &two.id, "from two");
    raw_send(one.peer, "from one", 8);
    expect_octets(one.socket, &one.id, "from one");
    close(one.peer);
    close(two.peer);
}

TEST(a_peer_that_goes_is_told)
{
    struct scene scene = bound_scene();
    raw_send(scene.peer, "last", 4);
    close(scene.peer);
    expect_octets(scene.socket, &scene.id, "last");
    expect_notice(scene.socket, &scene.id);
    expect_unknown(scene.socket, &scene.id);
    join(&scene);
    raw_reset(scene.peer);
    expect_notice(scene.socket, &scene.id);
    expect_unknown(scene.socket, &scene.id);
}

TEST(half_a_close_is_the_end)
{
    struct scene scene = bound_scene();
    shutdown(scene.peer, SHUT_WR);
    expect_notice(scene.socket, &scene.id);
    expect_unknown(scene.socket, &scene.id);
    raw_expect_end(scene.peer, scene.socket);
    close(scene.peer);
}

TEST(nothing_is_told_without_notify)
{
    struct scene scene = {.socket = open_socket(ZMQ_STREAM)};
    set_int(scene.socket, ZMQ_STREAM_NOTIFY, 0);
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    int first = raw_connect(port_of(scene.at));
    raw_send(first, "one", 3);
    scene.id = recv_id(scene.socket);
    struct part octets = recv_part(scene.socket);
    assert_true(part_is(&octets, "one"));
    close(first);
    expect_nothing(scene.socket);
    expect_unknown(scene.socket, &scene.id);
    expect_error(zmq_setsockopt(scene.socket, ZMQ_STREAM_NOTIFY, &(int){2}, sizeof(int)), EINVAL);
}

TEST(empty_octets_send_a_peer_away)
{
    struct scene scene = bound_scene();
    send_text(scene.socket, &scene.id, "bye");
    send_away(scene.socket, &scene.id);
    raw_expect(scene.peer, "bye");
    raw_expect_end(scene.peer, scene.socket);
    expect_unknown(scene.socket, &scene.id);
    close(scene.peer);
    struct scene next =
        scene; /* the next that is heard is of another: of this end nothing is told */
    join(&next);
    assert_memory_not_equal(scene.id.data, next.id.data, 5);
    close(next.peer);
}

TEST(all_that_is_queued_leaves_before_the_end)
{
    enum { PIECES = 40, PIECE = 100000 };
    struct scene scene = bound_scene();
    char *piece = calloc(1, PIECE);
    for (int i = 0; i < PIECES; i++)
        send_octets(scene.socket, &scene.id, piece, PIECE);
    send_away(scene.socket, &scene.id);
    for (int i = 0; i < PIECES; i++) {
        raw_recv(scene.peer, piece, PIECE);
        nudge(scene.socket);
    }
    free(piece);
    raw_expect_end(scene.peer, scene.socket);
    close(scene.peer);
}

TEST(who_is_sent_away_is_not_heard_any_more)
{
    better_than_libzmq(); /* there a message that poll has seen is received nonetheless */
    struct scene scene = bound_scene();
    raw_send(scene.peer, "unread", 6);
    assert_true(can_recv(scene.socket, DEADLINE_MS));
    send_away(scene.socket, &scene.id);
    raw_expect_end(scene.peer, scene.socket);
    close(scene.peer);
    struct scene next = scene;
    join(&next);
    close(next.peer);
}

/* The message that is being received is received whole, and nothing behind it. */
TEST(who_is_sent_away_amid_a_message_is_not_heard_after_it)
{
    struct scene scene = bound_scene();
    raw_send(scene.peer, "first", 5);
    assert_true(can_recv(scene.socket, DEADLINE_MS));
    raw_send(scene.peer, "second", 6);
    recv_id(scene.socket);
    send_away(scene.socket, &scene.id);
    struct part octets = recv_part(scene.socket);
    assert_true(part_is(&octets, "first"));
    raw_closes(scene.peer, DEADLINE_MS);
    expect_nothing(scene.socket);
    close(scene.peer);
}

TEST(flags_of_octets_do_not_matter)
{
    struct scene scene = bound_scene();
    for (int i = 0; i < 3; i++) {
        send_part(scene.socket, &scene.id, ZMQ_SNDMORE);
        send_bytes(scene.socket, "more", 4, ZMQ_SNDMORE);
    }
    raw_expect(scene.peer, "moremoremore");
    close(scene.peer);
}

TEST(an_id_without_more_is_dropped_with_what_follows)
{
    static const char large[20000];
    struct scene scene = bound_scene();
    send_part(scene.socket, &scene.id, 0);
    send_bytes(scene.socket, "lost", 4, 0);
    send_part(scene.socket, &scene.id, 0);
    send_bytes(scene.socket, large, sizeof large, ZMQ_SNDMORE);
    send_bytes(scene.socket, "nobody", 6, 0);
    send_bytes(scene.socket, "", 0, ZMQ_SNDMORE);
    send_text(scene.socket, &scene.id, "kept");
    raw_expect(scene.peer, "kept");
    close(scene.peer);
}

TEST(an_unknown_id_is_refused)
{
    struct scene scene = bound_scene();
    struct part nobody = {.data = "nobody", .size = 6};
    expect_unknown(scene.socket, &nobody);
    expect_error(zmq_send(scene.socket, "", 0, ZMQ_SNDMORE), EHOSTUNREACH);
    send_text(scene.socket, &scene.id, "still fine");
    raw_expect(scene.peer, "still fine");
    close(scene.peer);
}

TEST(octets_for_a_peer_that_went_meanwhile_are_dropped)
{
    struct scene scene = bound_scene();
    send_part(scene.socket, &scene.id, ZMQ_SNDMORE);
    close(scene.peer);
    expect_notice(scene.socket, &scene.id);
    send_bytes(scene.socket, "too late", 8, 0);
    expect_unknown(scene.socket, &scene.id);
    join(&scene);
    send_text(scene.socket, &scene.id, "next");
    raw_expect(scene.peer, "next");
    close(scene.peer);
}

TEST(who_connects_learns_the_id)
{
    int listener;
    size_t size;
    char id[64];
    struct scene scene = connected_scene(&listener);
    assert_int_equal(scene.id.size, 5);
    assert_int_equal(scene.id.data[0], 0);
    for (size = 0; size < 5; size++) {
        size_t room = size;
        expect_error(zmq_getsockopt(scene.socket, ZMQ_ROUTING_ID, id, &room), EINVAL);
    }
    send_text(scene.socket, &scene.id, "GET");
    raw_expect(scene.peer, "GET");
    raw_send(scene.peer, "200", 3);
    expect_octets(scene.socket, &scene.id, "200");
    close(scene.peer);
    close(listener);
}

TEST(an_accepted_peer_changes_the_id_too)
{
    struct scene scene = {.socket = open_socket(ZMQ_STREAM)};
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    assert_int_equal(made_id(scene.socket).size, 0);
    set_text(scene.socket, ZMQ_ROUTING_ID, "mine");
    struct part mine = made_id(scene.socket);
    assert_true(part_is(&mine, "mine"));
    join(&scene);
    struct part made = made_id(scene.socket);
    assert_int_equal(made.size, 5);
    assert_memory_equal(made.data, scene.id.data, 5);
    close(scene.peer);
}

TEST(what_is_sent_before_the_connection_waits_for_it)
{
    int port = 0, listener = raw_bind(&port);
    struct endpoint at = endpoint_of(port);
    void *socket = open_socket(ZMQ_STREAM);
    connect_to(socket, at.text);
    struct part id = made_id(socket);
    send_text(socket, &id, "early");
    expect_nothing(socket);
    assert_int_equal(listen(listener, 1), 0);
    int peer = raw_accept(listener);
    raw_expect(peer, "early");
    expect_notice(socket, &id);
    close(peer);
    close(listener);
}

TEST(a_connection_comes_back_under_its_id)
{
    int listener;
    struct scene scene = connected_scene(&listener);
    close(scene.peer);
    expect_notice(scene.socket, &scene.id);
    scene.peer = raw_accept(listener);
    expect_notice(scene.socket, &scene.id);
    send_text(scene.socket, &scene.id, "again");
    raw_expect(scene.peer, "again");
    close(scene.peer);
    close(listener);
}

TEST(a_connection_that_was_sent_away_does_not_come_back)
{
    int listener;
    struct scene scene = connected_scene(&listener);
    send_text(scene.socket, &scene.id, "QUIT");
    send_away(scene.socket, &scene.id);
    raw_expect(scene.peer, "QUIT");
    raw_expect_end(scene.peer, scene.socket);
    close(scene.peer);
    expect_unknown(scene.socket, &scene.id);
    assert_false(raw_readable(listener, 3 * QUIET_MS)); /* ZMQ_RECONNECT_IVL is 100 ms */
    assert_int_equal(zmq_disconnect(scene.socket, scene.at.text), 0);
    connect_to(scene.socket, scene.at.text);
    scene.id = made_id(scene.socket);
    scene.peer = raw_accept(listener);
    expect_notice(scene.socket, &scene.id);
    close(scene.peer);
    close(listener);
}

TEST(a_disconnected_peer_is_unknown)
{
    int listener;
    struct scene scene = connected_scene(&listener);
    assert_int_equal(zmq_disconnect(scene.socket, scene.at.text), 0);
    raw_expect_end(scene.peer, scene.socket);
    expect_unknown(scene.socket, &scene.id);
    expect_error(zmq_disconnect(scene.socket, scene.at.text), ENOENT);
    close(scene.peer);
    close(listener);
}

TEST(the_application_names_a_peer)
{
    int port = 0, listener = raw_listen(&port, 8);
    struct endpoint at = endpoint_of(port);
    struct part web = {.data = "web", .size = 3};
    void *socket = open_socket(ZMQ_STREAM);
    expect_error(zmq_setsockopt(socket, ZMQ_CONNECT_ROUTING_ID, "", 0), EINVAL);
    set_text(socket, ZMQ_CONNECT_ROUTING_ID, "web");
    connect_to(socket, at.text);
    assert_int_equal(made_id(socket).size, 0); /* none was made */
    send_text(socket, &web, "named");
    int peer = raw_accept(listener);
    raw_expect(peer, "named");
    expect_notice(socket, &web);
    connect_to(socket, at.text); /* only the first has that name */
    struct part id = made_id(socket);
    assert_int_equal(id.size, 5);
    int other = raw_accept(listener);
    expect_notice(socket, &id);
    close(peer);
    expect_notice(socket, &web);
    close(other);
    close(listener);
}

/* Expects it as raw_expect() does, unless the connection ends before. */
static inline bool raw_hears(int fd, const char *text)
{
    char octet;
    assert_true(raw_readable(fd, DEADLINE_MS));
    if (recv(fd, &octet, 1, MSG_PEEK) <= 0) {
        close(fd);
        return false;
    }
    raw_expect(fd, text);
    return true;
}

TEST(a_name_has_one_connection)
{
    better_than_libzmq(); /* it aborts */
    int port[2] = {0}, listener[2], peer[2];
    struct part web = {.data = "web", .size = 3};
    void *socket = open_socket(ZMQ_STREAM);
    for (int i = 0; i < 2; i++) {
        listener[i] = raw_listen(&port[i], 8);
        set_text(socket, ZMQ_CONNECT_ROUTING_ID, "web");
        connect_to(socket, endpoint_of(port[i]).text);
        peer[i] = raw_accept(listener[i]);
        if (i == 0)
            expect_notice(socket, &web);
    }
    raw_expect_end(peer[1], socket);
    close(peer[1]);
    send_text(socket, &web, "first");
    raw_expect(peer[0], "first");
    assert_int_equal(zmq_disconnect(socket, endpoint_of(port[0]).text), 0);
    expect_notice(socket, &web); /* of the second, now that the name is free */
    send_text(socket, &web, "second");
    do {
        peer[1] = raw_accept(listener[1]); /* those that were refused come first */
    } while (!raw_hears(peer[1], "second"));
    for (int i = 0; i < 2; i++) {
        close(peer[i]);
        close(listener[i]);
    }
}

TEST(messages_tell_the_address_and_nothing_else)
{
    struct scene scene = bound_scene();
    raw_send(scene.peer, "x", 1);
    for (int i = 0; i < 2; i++) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        assert_true(zmq_msg_recv(&part, scene.socket, 0) > 0);
        assert_string_equal(zmq_msg_gets(&part, "Peer-Address"), "127.0.0.1");
        assert_null(zmq_msg_gets(&part, "Socket-Type"));
        assert_null(zmq_msg_gets(&part, "Routing-Id"));
        assert_null(zmq_msg_gets(&part, "User-Id"));
        zmq_msg_close(&part);
    }
    close(scene.peer);
}

TEST(two_streams_talk)
{
    void *server = open_socket(ZMQ_STREAM), *client = open_socket(ZMQ_STREAM);
    struct endpoint at = bind_to(server, *state);
    connect_to(client, at.text);
    struct part to_server = made_id(client);
    struct part to_client = recv_notice(server);
    expect_notice(client, &to_server);
    send_text(client, &to_server, "ping");
    expect_octets(server, &to_client, "ping");
    send_text(server, &to_client, "pong");
    expect_octets(client, &to_server, "pong");
    send_away(server, &to_client);
    await_message(client, server);
    expect_notice(client, &to_server);
    await_message(server, client);
    assert_memory_not_equal(to_client.data, recv_notice(server).data, 5); /* it comes again */
}

/* Within a context there are no connections to tell of, and messages stay whole. */
TEST(two_streams_talk_within_a_context)
{
    void *server = open_socket(ZMQ_STREAM), *client = open_socket(ZMQ_STREAM);
    bind_to(server, "inproc://here");
    connect_to(client, "inproc://here");
    struct part to_server = made_id(client);
    send_text(client, &to_server, "ping");
    struct part to_client = recv_id(server);
    struct part octets = recv_part(server);
    assert_true(part_is(&octets, "ping"));
    send_text(server, &to_client, "pong");
    expect_octets(client, &to_server, "pong");
}

/* Receives octets of a peer until these are among them. */
static void collect(const struct scene *scene, const char *wanted, size_t wanted_size)
{
    char all[600];
    size_t size = 0;
    while (!memmem(all, size, wanted, wanted_size)) {
        struct part octets = recv_octets(scene->socket, &scene->id);
        assert_true(size + octets.size <= sizeof all);
        memcpy(all + size, octets.data, octets.size);
        size += octets.size;
    }
}

/* A plain peer may well speak ZMTP: here a STREAM does by hand what another socket does. */
TEST(a_dealer_is_spoken_to_by_hand)
{
    static const char greeting[64] = {(char)0xff, 0,    0, 0, 0,   0,   0,   0,
                                      1,          0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    static const char ready[] = "\4\x29\5READY\13Socket-Type\0\0\0\6ROUTER\10Identity\0\0\0";
    struct scene scene = {.socket = open_socket(ZMQ_STREAM)};
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    void *dealer = open_socket(ZMQ_DEALER);
    connect_to(dealer, scene.at.text);
    scene.id = recv_notice(scene.socket);
    send_octets(scene.socket, &scene.id, greeting, sizeof greeting);
    send_octets(scene.socket, &scene.id, ready, sizeof ready);
    collect(&scene, "DEALER", 6);
    send_octets(scene.socket, &scene.id, "\0\5hello", 7);
    expect_parts(dealer, "hello");
    send_parts(dealer, "there");
    collect(&scene, "\0\5there", 7);
    close_socket(dealer);
    expect_notice(scene.socket, &scene.id);
}

/* The example that everybody tries first. */
TEST(a_web_server_answers_and_hangs_up)
{
    static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nHello, World!";
    void *server = open_socket(ZMQ_STREAM);
    int port = port_of(bind_to(server, "tcp://127.0.0.1:*"));
    for (int i = 0; i < 20; i++) {
        int browser = raw_connect(port);
        raw_send(browser, "GET / HTTP/1.0\r\n\r\n", 18);
        struct part id = recv_notice(server);
        expect_octets(server, &id, "GET / HTTP/1.0\r\n\r\n");
        send_text(server, &id, answer);
        send_away(server, &id);
        raw_expect(browser, answer);
        raw_expect_end(browser, server);
        close(browser);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(octets_come_with_their_id),
        RUN(each_peer_has_its_own_id),
        RUN(a_peer_that_goes_is_told),
        RUN(half_a_close_is_the_end),
        RUN(nothing_is_told_without_notify),
        RUN(empty_octets_send_a_peer_away),
        RUN(all_that_is_queued_leaves_before_the_end),
        RUN(who_is_sent_away_is_not_heard_any_more),
        RUN(who_is_sent_away_amid_a_message_is_not_heard_after_it),
        RUN(flags_of_octets_do_not_matter),
        RUN(an_id_without_more_is_dropped_with_what_follows),
        RUN(an_unknown_id_is_refused),
        RUN(octets_for_a_peer_that_went_meanwhile_are_dropped),
        RUN(who_connects_learns_the_id),
        RUN(an_accepted_peer_changes_the_id_too),
        RUN(what_is_sent_before_the_connection_waits_for_it),
        RUN(a_connection_comes_back_under_its_id),
        RUN(a_connection_that_was_sent_away_does_not_come_back),
        RUN(a_disconnected_peer_is_unknown),
        RUN(the_application_names_a_peer),
        RUN(a_name_has_one_connection),
        RUN(messages_tell_the_address_and_nothing_else),
        OVER(two_streams_talk, "tcp", "tcp://127.0.0.1:*"),
        OVER(two_streams_talk, "ipc", "ipc://*"),
        RUN(two_streams_talk_within_a_context),
        RUN(a_dealer_is_spoken_to_by_hand),
        RUN(a_web_server_answers_and_hangs_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
