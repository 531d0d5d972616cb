/* SPDX-License-Identifier: MIT */
/*
 * REP: lock step, the envelope it keeps and gives back whatever its depth, fair service, and
 * clients that vanish or send what is no request. RFC 28 and zmq_socket(3).
 */
#include "behaviour/util.h"

TEST(sending_and_receiving_out_of_step_is_efsm)
{
    void *rep = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(rep, *state).text);
    expect_error(zmq_send(rep, "x", 1, 0), EFSM);
    send_parts(req, "question");
    expect_parts(rep, "question");
    expect_error(zmq_recv(rep, NULL, 0, 0), EFSM);
    send_parts(rep, "answer");
    expect_error(zmq_send(rep, "x", 1, 0), EFSM);
    expect_parts(req, "answer");
}

TEST(answering_before_the_whole_request_is_read_is_efsm)
{
    void *rep = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(rep, "inproc://half").text);
    send_parts(req, "a", "b");
    struct part first = recv_part(rep);
    assert_true(first.more);
    expect_error(zmq_send(rep, "x", 1, 0), EFSM);
    expect_parts(rep, "b");
    send_parts(rep, "answer");
    expect_parts(req, "answer");
}

TEST(envelope_of_several_hops_comes_back)
{
    void *rep = open_socket(ZMQ_REP);
    void *dealer = open_socket(ZMQ_DEALER);
    connect_to(dealer, bind_to(rep, *state).text);
    send_parts(dealer, "hop 3", "hop 2", "hop 1", "", "body", "", "tail");
    expect_parts(rep, "body", "", "tail");
    send_parts(rep, "answer", "of two");
    expect_parts(dealer, "hop 3", "hop 2", "hop 1", "", "answer", "of two");
}

/* Two brokers in a row, made by hand: each ROUTER adds a hop that the way back takes off. */
TEST(request_crosses_two_routers)
{
    void *client = open_socket(ZMQ_REQ);
    void *front[2], *back[2];
    void *rep = open_socket(ZMQ_REP);
    for (int i = 0; i < 2; i++) {
        front[i] = open_socket(ZMQ_ROUTER);
        back[i] = open_socket(ZMQ_DEALER);
    }
    connect_to(client, bind_to(front[0], *state).text);
    bind_to(front[1], "inproc://second");
    connect_to(back[0], "inproc://second");
    bind_to(rep, "inproc://service");
    connect_to(back[1], "inproc://service");
    send_parts(client, "question");
    for (int i = 0; i < 2; i++) {
        for (struct part part = {.more = true}; part.more;) {
            part = recv_part(front[i]);
            send_part(back[i], &part, part.more ? ZMQ_SNDMORE : 0);
        }
    }
    expect_parts(rep, "question");
    send_parts(rep, "answer");
    for (int i = 1; i >= 0; i--) {
        for (struct part part = {.more = true}; part.more;) {
            part = recv_part(back[i]);
            send_part(front[i], &part, part.more ? ZMQ_SNDMORE : 0);
        }
    }
    expect_parts(client, "answer");
}

TEST(delimiter_alone_is_an_empty_request)
{
    void *rep = open_socket(ZMQ_REP);
    void *dealer = open_socket(ZMQ_DEALER);
    connect_to(dealer, bind_to(rep, *state).text);
    send_parts(dealer, "", "");
    expect_parts(rep, "");
    send_parts(rep, "");
    expect_parts(dealer, "", "");
}

TEST(message_without_delimiter_is_dropped)
{
    void *rep = open_socket(ZMQ_REP);
    void *dealer = open_socket(ZMQ_DEALER);
    connect_to(dealer, bind_to(rep, "inproc://malformed").text);
    send_parts(dealer, "no delimiter");
    send_parts(dealer, "no", "delimiter", "either");
    send_parts(dealer, "", "request");
    expect_parts(rep, "request");
    send_parts(rep, "answer");
    expect_parts(dealer, "", "answer");
}

TEST(replies_go_to_the_client_that_asked)
{
    enum { CLIENTS = 5 };
    void *rep = open_socket(ZMQ_REP);
    void *req[CLIENTS];
    struct endpoint where = bind_to(rep, *state);
    for (int i = 0; i < CLIENTS; i++) {
        req[i] = open_socket(ZMQ_REQ);
        connect_to(req[i], where.text);
        send_number(req[i], i, 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        struct part part = recv_part(rep);
        send_part(rep, &part, 0);
    }
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(recv_number(req[i]), i);
}

/* Of two clients with many requests waiting, neither is served twice in a row. */
TEST(clients_are_served_fairly)
{
    void *rep = open_socket(ZMQ_REP);
    void *dealer[2];
    bind_to(rep, "inproc://fair");
    for (int i = 0; i < 2; i++) {
        dealer[i] = open_socket(ZMQ_DEALER);
        connect_to(dealer[i], "inproc://fair");
        for (int n = 0; n < 10; n++)
            send_parts(dealer[i], "", i ? "b" : "a");
    }
    char last = 0;
    for (int n = 0; n < 20; n++) {
        struct part part = recv_part(rep);
        assert_int_not_equal(part.data[0], last);
        last = part.data[0];
        send_parts(rep, "ok");
    }
}

TEST(reply_to_a_vanished_client_is_dropped)
{
    void *rep = open_socket(ZMQ_REP);
    struct endpoint where = bind_to(rep, *state);
    for (int i = 0; i < 3; i++) {
        void *gone = open_socket(ZMQ_REQ);
        connect_to(gone, where.text);
        send_parts(gone, "question");
        expect_parts(rep, "question");
        set_int(gone, ZMQ_LINGER, 0);
        close_socket(gone);
        send_parts(rep, "to nobody", "in two parts");
    }
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, where.text);
    send_parts(req, "question");
    expect_parts(rep, "question");
    send_parts(rep, "answer");
    expect_parts(req, "answer");
}

/* The client goes between the parts of its answer, which the REP cannot know. */
TEST(client_that_goes_while_it_is_answered)
{
    void *rep = open_socket(ZMQ_REP);
    struct endpoint where = bind_to(rep, "tcp://127.0.0.1:*");
    void *gone = open_socket(ZMQ_REQ);
    connect_to(gone, where.text);
    send_parts(gone, "question");
    expect_parts(rep, "question");
    send_bytes(rep, "part one", 8, ZMQ_SNDMORE);
    close_socket(gone);
    send_bytes(rep, "part two", 8, 0);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, where.text);
    send_parts(req, "question");
    expect_parts(rep, "question");
    send_parts(rep, "answer");
    expect_parts(req, "answer");
}

TEST(many_requests_of_one_dealer_are_answered_in_order)
{
    void *rep = open_socket(ZMQ_REP);
    void *dealer = open_socket(ZMQ_DEALER);
    connect_to(dealer, bind_to(rep, *state).text);
    for (int i = 0; i < 500; i++) {
        send_number(dealer, i, ZMQ_SNDMORE);
        send_bytes(dealer, "", 0, ZMQ_SNDMORE);
        send_number(dealer, i, 0);
    }
    for (int i = 0; i < 500; i++) {
        struct part part = recv_part(rep);
        send_part(rep, &part, 0);
    }
    for (int i = 0; i < 500; i++) {
        assert_int_equal(recv_number(dealer), i);
        assert_int_equal(recv_id(dealer).size, 0);
        assert_int_equal(recv_number(dealer), i);
    }
}

/* A poll has found the request, and taken its envelope off: it is still there to be received. */
TEST(request_that_was_seen_outlives_a_disconnect)
{
    void *dealer = open_socket(ZMQ_DEALER), *rep = open_socket(ZMQ_REP);
    struct endpoint where = bind_to(dealer, *state);
    connect_to(rep, where.text);
    send_parts(dealer, "", "seen");
    send_parts(dealer, "", "not seen");
    assert_true(can_recv(rep, DEADLINE_MS));
    assert_int_equal(zmq_disconnect(rep, where.text), 0);
    expect_parts(rep, "seen");
    send_parts(rep, "to nobody");
    expect_error(zmq_recv(rep, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(sending_and_receiving_out_of_step_is_efsm),
        RUN(answering_before_the_whole_request_is_read_is_efsm),
        OVER_ALL(envelope_of_several_hops_comes_back),
        OVER_ALL(request_crosses_two_routers),
        OVER_ALL(delimiter_alone_is_an_empty_request),
        RUN(message_without_delimiter_is_dropped),
        OVER_ALL(replies_go_to_the_client_that_asked),
        RUN(clients_are_served_fairly),
        OVER_ALL(reply_to_a_vanished_client_is_dropped),
        RUN(client_that_goes_while_it_is_answered),
        OVER_ALL(many_requests_of_one_dealer_are_answered_in_order),
        OVER_ALL(request_that_was_seen_outlives_a_disconnect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
