/* SPDX-License-Identifier: MIT */
/*
 * REQ and replies that come too late or twice, and requests whose reply cannot come any more: what
 * has come before a request is no answer to it. RFC 28; zmq_setsockopt(3), ZMQ_REQ_RELAXED.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"

static struct part recv_request(void *router, const char *body)
{
    struct part id = recv_id(router);
    expect_parts(router, "", body);
    return id;
}

static void reply(void *router, const struct part *id, const char *body)
{
    send_part(router, id, ZMQ_SNDMORE);
    send_parts(router, "", body);
}

/* A REQ that has connected to a plain socket, which speaks as a ROUTER. */
struct pair {
    void *req;
    int listener, peer;
};

static struct pair req_and_raw(void)
{
    int port = 0;
    char endpoint[64];
    struct pair pair = {.listener = raw_listen(&port, 8), .req = open_socket(ZMQ_REQ)};
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    set_int(pair.req, ZMQ_RECONNECT_IVL, 10);
    connect_to(pair.req, endpoint);
    pair.peer = raw_accept(pair.listener);
    raw_handshake(pair.peer, "ROUTER");
    return pair;
}

static void close_raw(const struct pair *pair)
{
    close(pair->peer);
    close(pair->listener);
}

static void raw_expect_request(int peer, const char *body)
{
    struct raw_frame delimiter = raw_recv_frame(peer), frame = raw_recv_frame(peer);
    assert_int_equal(delimiter.flags, RAW_MORE);
    assert_int_equal(delimiter.size, 0);
    assert_int_equal(frame.flags, 0);
    assert_int_equal(frame.size, strlen(body));
    assert_memory_equal(frame.body, body, frame.size);
}

/* As many replies in one segment: they are read together. The body is two octets. */
static void raw_reply(int peer, const char *body, int times)
{
    enum { REPLY_SIZE = 6 };
    char replies[64 * REPLY_SIZE];
    assert_in_range(times, 1, 64);
    for (int i = 0; i < times; i++) {
        char *at = replies + (ptrdiff_t)i * REPLY_SIZE;
        memcpy(at, "\1\0\0\2", 4);
        memcpy(at + 4, body, 2);
    }
    raw_send(peer, replies, (size_t)times * REPLY_SIZE);
}

TEST(second_reply_is_not_the_answer_to_the_next_request)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *req = open_socket(ZMQ_REQ);
    bind_to(router, "inproc://twice");
    connect_to(req, "inproc://twice");
    send_parts(req, "0");
    for (int i = 0; i < 5; i++) {
        char now[] = {(char)('0' + i), 0}, next[] = {(char)('1' + i), 0};
        struct part id = recv_request(router, now);
        reply(router, &id, now);
        reply(router, &id, "again");
        expect_parts(req, now);
        send_parts(req, next);
    }
}

TEST(second_reply_in_the_same_segment_is_discarded)
{
    struct pair pair = req_and_raw();
    for (int i = 0; i < 5; i++) {
        char body[] = {'r', (char)('0' + i), 0};
        send_parts(pair.req, body);
        raw_expect_request(pair.peer, body);
        raw_reply(pair.peer, body, 2);
        expect_parts(pair.req, body);
    }
    close_raw(&pair);
}

/* The client of the guide that does not wait for ever. */
TEST(relaxed_requester_discards_the_reply_that_came_before_it_asked_again)
{
    struct pair pair = req_and_raw();
    set_int(pair.req, ZMQ_REQ_RELAXED, 1);
    send_parts(pair.req, "r0");
    raw_expect_request(pair.peer, "r0");
    raw_reply(pair.peer, "r0", 1);
    assert_true(can_recv(pair.req, DEADLINE_MS));
    send_parts(pair.req, "r1");
    raw_expect_request(pair.peer, "r1");
    raw_reply(pair.peer, "r1", 1);
    expect_parts(pair.req, "r1");
    close_raw(&pair);
}

TEST(relaxed_requester_drops_the_reply_that_it_has_received_half)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *req = open_socket(ZMQ_REQ);
    set_int(req, ZMQ_REQ_RELAXED, 1);
    connect_to(req, bind_to(router, *state).text);
    send_parts(req, "first");
    struct part id = recv_request(router, "first");
    send_part(router, &id, ZMQ_SNDMORE);
    send_parts(router, "", "a", "b", "c");
    struct part part = recv_part(req);
    assert_true(part_is(&part, "a") && part.more);
    send_parts(req, "second");
    id = recv_request(router, "second");
    reply(router, &id, "answer");
    expect_parts(req, "answer");
    expect_error(zmq_recv(req, NULL, 0, 0), EFSM);
}

/* More replies than its inbox takes: those that wait at the connection go on when there is room,
 * and the reply behind them is found by its number. */
TEST(replies_beyond_the_high_water_mark_hold_nothing_up)
{
    enum { STALE = 50 };
    better_than_libzmq(); /* over tcp and ipc it sends nothing any more */
    void *router = open_socket(ZMQ_ROUTER);
    void *req = open_socket(ZMQ_REQ);
    set_int(req, ZMQ_RCVHWM, 2);
    set_int(req, ZMQ_REQ_RELAXED, 1);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    connect_to(req, bind_to(router, *state).text);
    for (int round = 0; round < 3; round++) {
        send_parts(req, "question");
        struct part id = recv_id(router), number = recv_id(router);
        expect_parts(router, "", "question");
        for (int i = 0; i < STALE; i++) {
            send_part(router, &id, ZMQ_SNDMORE);
            send_part(router, &number, ZMQ_SNDMORE);
            send_parts(router, "", "stale");
        }
        assert_true(can_recv(req, DEADLINE_MS));
        send_parts(req, "again");
        id = recv_id(router), number = recv_id(router);
        expect_parts(router, "", "again");
        send_part(router, &id, ZMQ_SNDMORE);
        send_part(router, &number, ZMQ_SNDMORE);
        send_parts(router, "", "fresh");
        expect_parts(req, "fresh");
    }
}

/* The lock step is at an end when the reply cannot come any more; libzmq's stays for ever. */
TEST(requester_whose_connection_was_cut_can_ask_again)
{
    better_than_libzmq();
    struct pair pair = req_and_raw();
    for (int i = 0; i < 3; i++) {
        send_parts(pair.req, "lost");
        raw_expect_request(pair.peer, "lost");
        expect_error(zmq_send(pair.req, "no", 2, 0), EFSM);
        close(pair.peer);
        assert_true(can_send(pair.req, DEADLINE_MS));
        send_parts(pair.req, "again");
        pair.peer = raw_accept(pair.listener);
        raw_handshake(pair.peer, "ROUTER");
        raw_expect_request(pair.peer, "again");
        raw_reply(pair.peer, "ok", 1);
        expect_parts(pair.req, "ok");
    }
    close_raw(&pair);
}

TEST(requester_whose_peer_has_gone_can_ask_another)
{
    better_than_libzmq();
    void *first = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    struct endpoint where = bind_to(req, *state);
    connect_to(first, where.text);
    send_parts(req, "question");
    expect_parts(first, "question");
    close_socket(first);
    void *second = open_socket(ZMQ_REP);
    connect_to(second, where.text);
    assert_true(can_send(req, DEADLINE_MS));
    send_parts(req, "question");
    expect_parts(second, "question");
    send_parts(second, "answer");
    expect_parts(req, "answer");
}

/* A reply that has come is received, whatever has become of its sender. */
TEST(last_words_of_the_peer_are_received)
{
    struct pair pair = req_and_raw();
    send_parts(pair.req, "r0");
    raw_expect_request(pair.peer, "r0");
    raw_reply(pair.peer, "r0", 1);
    close(pair.peer);
    pair.peer = raw_accept(pair.listener); /* it has noticed */
    raw_handshake(pair.peer, "ROUTER");
    expect_error(zmq_send(pair.req, "no", 2, 0), EFSM);
    expect_parts(pair.req, "r0");
    send_parts(pair.req, "r1");
    raw_expect_request(pair.peer, "r1");
    close_raw(&pair);
}

/* Puts the one of two that has something to say first. */
static void sort_by_readable(int peers[2])
{
    struct pollfd items[2] = {{.fd = peers[0], .events = POLLIN},
                              {.fd = peers[1], .events = POLLIN}};
    assert_int_equal(poll(items, 2, DEADLINE_MS), 1);
    if (items[1].revents) {
        peers[0] = items[1].fd;
        peers[1] = items[0].fd;
    }
}

static int raw_router(int port)
{
    int fd = raw_connect(port);
    raw_handshake(fd, "ROUTER");
    return fd;
}

/* Who connects to a REQ is another peer after each loss, and may bring the reply nevertheless. One
 * who was there before, and was not asked, may not. */
TEST(reply_may_come_by_the_next_connection)
{
    better_than_libzmq(); /* nothing tells when it has noticed; then it takes it from either */
    void *req = open_socket(ZMQ_REQ);
    int port = port_of(bind_to(req, "tcp://127.0.0.1:*"));
    int peers[2] = {raw_router(port), raw_router(port)};
    for (int i = 0; i < 4; i++) { /* until both are known to be there */
        send_parts(req, "r0");
        sort_by_readable(peers);
        raw_expect_request(peers[0], "r0");
        raw_reply(peers[0], "r0", 1);
        expect_parts(req, "r0");
    }
    send_parts(req, "r1");
    sort_by_readable(peers);
    raw_expect_request(peers[0], "r1");
    close(peers[0]);
    int again = raw_router(port);
    assert_true(can_send(req, DEADLINE_MS)); /* it has noticed */
    raw_reply(peers[1], "no", 1);
    raw_reply(again, "r1", 1);
    expect_parts(req, "r1");
    close(again);
    close(peers[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(second_reply_is_not_the_answer_to_the_next_request),
        RUN(second_reply_in_the_same_segment_is_discarded),
        RUN(relaxed_requester_discards_the_reply_that_came_before_it_asked_again),
        OVER_ALL(relaxed_requester_drops_the_reply_that_it_has_received_half),
        OVER_ALL(replies_beyond_the_high_water_mark_hold_nothing_up),
        RUN(requester_whose_connection_was_cut_can_ask_again),
        OVER_ALL(requester_whose_peer_has_gone_can_ask_another),
        RUN(last_words_of_the_peer_are_received),
        RUN(reply_may_come_by_the_next_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
