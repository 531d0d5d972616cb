/* SPDX-License-Identifier: MIT */
/*
 * REQ: lock step with its peers, the delimiter it adds and takes off, what it does with replies
 * that nobody waits for, and ZMQ_REQ_RELAXED and ZMQ_REQ_CORRELATE. RFC 28 and zmq_socket(3).
 */
#include "behaviour/util.h"

/* A request as a ROUTER sees it: who sent it, the request id of ZMQ_REQ_CORRELATE, the body. */
struct request {
    struct part id;
    struct part number;
    struct part body;
};

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

static struct request recv_numbered(void *router)
{
    struct request request = {.id = recv_id(router), .number = recv_id(router)};
    assert_int_equal(request.number.size, 4);
    struct part delimiter = recv_id(router);
    assert_int_equal(delimiter.size, 0);
    request.body = recv_part(router);
    assert_false(request.body.more);
    return request;
}

static void reply_numbered(void *router, const struct request *to, const char *body)
{
    send_part(router, &to->id, ZMQ_SNDMORE);
    send_part(router, &to->number, ZMQ_SNDMORE);
    send_parts(router, "", body);
}

TEST(request_and_reply_of_several_parts)
{
    void *rep = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(rep, *state).text);
    send_parts(req, "one", "", "three");
    expect_parts(rep, "one", "", "three");
    send_parts(rep, "", "two");
    expect_parts(req, "", "two");
}

TEST(request_starts_with_an_empty_delimiter)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(router, *state).text);
    send_parts(req, "question");
    struct part id = recv_request(router, "question");
    reply(router, &id, "answer");
    expect_parts(req, "answer");
}

TEST(sending_and_receiving_out_of_step_is_efsm)
{
    void *rep = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(rep, "inproc://step").text);
    expect_error(zmq_recv(req, NULL, 0, 0), EFSM);
    send_parts(req, "question");
    expect_error(zmq_send(req, "again", 5, 0), EFSM);
    expect_parts(rep, "question");
    send_parts(rep, "answer");
    expect_parts(req, "answer");
    expect_error(zmq_recv(req, NULL, 0, 0), EFSM);
    send_parts(req, "next");
    expect_parts(rep, "next");
}

TEST(receiving_in_the_middle_of_a_request_is_efsm)
{
    void *rep = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(rep, "inproc://middle").text);
    send_bytes(req, "a", 1, ZMQ_SNDMORE);
    expect_error(zmq_recv(req, NULL, 0, 0), EFSM);
    send_bytes(req, "b", 1, 0);
    expect_parts(rep, "a", "b");
}

TEST(events_follow_the_lock_step)
{
    void *rep = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(rep, "tcp://127.0.0.1:*").text);
    assert_int_equal(get_int(req, ZMQ_EVENTS), ZMQ_POLLOUT);
    send_parts(req, "question");
    assert_int_equal(get_int(req, ZMQ_EVENTS), 0);
    assert_true(can_recv(rep, DEADLINE_MS));
    assert_int_equal(get_int(rep, ZMQ_EVENTS), ZMQ_POLLIN);
    expect_parts(rep, "question");
    assert_int_equal(get_int(rep, ZMQ_EVENTS), ZMQ_POLLOUT);
    send_parts(rep, "answer");
    assert_true(can_recv(req, DEADLINE_MS));
    assert_int_equal(get_int(req, ZMQ_EVENTS), ZMQ_POLLIN);
    expect_parts(req, "answer");
    assert_int_equal(get_int(req, ZMQ_EVENTS), ZMQ_POLLOUT);
}

TEST(without_a_peer_it_waits)
{
    void *req = open_socket(ZMQ_REQ);
    bind_to(req, *state);
    expect_error(zmq_send(req, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    set_int(req, ZMQ_SNDTIMEO, 20);
    expect_error(zmq_send(req, "x", 1, 0), EAGAIN);
    assert_int_equal(get_int(req, ZMQ_EVENTS), 0);
}

TEST(requests_go_round_the_services)
{
    void *req = open_socket(ZMQ_REQ);
    void *rep[3];
    for (int i = 0; i < 3; i++) {
        rep[i] = open_socket(ZMQ_REP);
        connect_to(req, bind_to(rep[i], "tcp://127.0.0.1:*").text);
    }
    for (int i = 0; i < 9; i++) {
        send_parts(req, "question");
        expect_parts(rep[i % 3], "question");
        send_parts(rep[i % 3], "answer");
        expect_parts(req, "answer");
    }
}

TEST(second_reply_of_the_last_peer_is_discarded)
{
    void *a = open_socket(ZMQ_ROUTER);
    void *b = open_socket(ZMQ_ROUTER);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(a, *state).text);
    bind_to(b, "inproc://other");
    connect_to(req, "inproc://other");
    send_parts(req, "first");
    struct part at_a = recv_request(a, "first");
    reply(a, &at_a, "right");
    reply(a, &at_a, "stale");
    expect_parts(req, "right");
    send_parts(req, "second");
    struct part at_b = recv_request(b, "second");
    reply(a, &at_a, "stale again");
    reply(b, &at_b, "right again");
    expect_parts(req, "right again");
}

TEST(reply_without_delimiter_is_discarded)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(router, "inproc://malformed").text);
    send_parts(req, "question");
    struct part id = recv_request(router, "question");
    send_part(router, &id, ZMQ_SNDMORE);
    send_parts(router, "no delimiter");
    send_part(router, &id, ZMQ_SNDMORE);
    send_parts(router, "no delimiter", "and more");
    reply(router, &id, "answer");
    expect_parts(req, "answer");
}

TEST(correlate_numbers_requests_and_checks_replies)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *req = open_socket(ZMQ_REQ);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    connect_to(req, bind_to(router, *state).text);
    send_parts(req, "one");
    struct request one = recv_numbered(router);
    struct request wrong = one;
    wrong.number.data[0] ^= 0x55;
    reply_numbered(router, &wrong, "not this");
    reply_numbered(router, &one, "this");
    expect_parts(req, "this");

    send_parts(req, "two");
    struct request two = recv_numbered(router);
    assert_memory_not_equal(one.number.data, two.number.data, 4);
    reply_numbered(router, &one, "late");
    reply_numbered(router, &two, "in time");
    expect_parts(req, "in time");
}

TEST(correlated_request_passes_through_rep)
{
    void *rep = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    connect_to(req, bind_to(rep, *state).text);
    for (int i = 0; i < 3; i++) {
        send_parts(req, "question");
        expect_parts(rep, "question");
        send_parts(rep, "answer");
        expect_parts(req, "answer");
    }
}

TEST(relaxed_requester_asks_again_and_takes_only_the_last_reply)
{
    void *a = open_socket(ZMQ_ROUTER);
    void *b = open_socket(ZMQ_ROUTER);
    void *req = open_socket(ZMQ_REQ);
    set_int(req, ZMQ_REQ_RELAXED, 1);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    connect_to(req, bind_to(a, "tcp://127.0.0.1:*").text);
    connect_to(req, bind_to(b, "tcp://127.0.0.1:*").text);
    send_parts(req, "first");
    struct request first = recv_numbered(a);
    send_parts(req, "second");
    struct request second = recv_numbered(b);
    reply_numbered(a, &first, "too late");
    reply_numbered(b, &second, "in time");
    expect_parts(req, "in time");
    expect_error(zmq_recv(req, NULL, 0, 0), EFSM);
}

/* The peer that did not answer is asked again, over a new connection if need be. */
TEST(relaxed_requester_can_ask_the_same_peer_again)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *req = open_socket(ZMQ_REQ);
    set_int(req, ZMQ_REQ_RELAXED, 1);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    connect_to(req, bind_to(router, "tcp://127.0.0.1:*").text);
    send_parts(req, "first");
    struct request first = recv_numbered(router);
    assert_true(part_is(&first.body, "first"));
    send_parts(req, "second");
    struct request second = recv_numbered(router);
    assert_true(part_is(&second.body, "second"));
    reply_numbered(router, &first, "too late");
    reply_numbered(router, &second, "in time");
    expect_parts(req, "in time");
}

TEST(relaxed_requester_recovers_when_its_peer_goes)
{
    void *rep = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    set_int(req, ZMQ_REQ_RELAXED, 1);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    set_int(req, ZMQ_RECONNECT_IVL, 10);
    struct endpoint where = bind_to(rep, "tcp://127.0.0.1:*");
    connect_to(req, where.text);
    send_parts(req, "lost");
    expect_parts(rep, "lost");
    close_socket(rep);
    rep = open_socket(ZMQ_REP);
    wait_until(zmq_bind(rep, where.text) == 0);
    do /* what goes out before the loss is noticed is lost with the connection */
        send_parts(req, "asked again");
    while (!can_recv(rep, QUIET_MS));
    expect_parts(rep, "asked again");
    send_parts(rep, "answer");
    expect_parts(req, "answer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(request_and_reply_of_several_parts),
        OVER_ALL(request_starts_with_an_empty_delimiter),
        RUN(sending_and_receiving_out_of_step_is_efsm),
        RUN(receiving_in_the_middle_of_a_request_is_efsm),
        RUN(events_follow_the_lock_step),
        OVER_ALL(without_a_peer_it_waits),
        RUN(requests_go_round_the_services),
        OVER_ALL(second_reply_of_the_last_peer_is_discarded),
        RUN(reply_without_delimiter_is_discarded),
        OVER_ALL(correlate_numbers_requests_and_checks_replies),
        OVER_ALL(correlated_request_passes_through_rep),
        RUN(relaxed_requester_asks_again_and_takes_only_the_last_reply),
        RUN(relaxed_requester_can_ask_the_same_peer_again),
        RUN(relaxed_requester_recovers_when_its_peer_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
