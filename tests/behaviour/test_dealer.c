/* SPDX-License-Identifier: MIT */
/*
 * DEALER: round robin out, fair queueing in, nothing added or taken from a message, and waiting
 * instead of losing when no peer can take one. RFC 28 and zmq_socket(3).
 */
#include "behaviour/util.h"

TEST(messages_pass_untouched_both_ways)
{
    void *a = open_socket(ZMQ_DEALER);
    void *b = open_socket(ZMQ_DEALER);
    connect_to(b, bind_to(a, *state).text);
    send_parts(b, "", "one", "", "", "two", "");
    expect_parts(a, "", "one", "", "", "two", "");
    send_parts(a, "back");
    expect_parts(b, "back");
    send_parts(a, "several", "in");
    send_parts(a, "a row");
    expect_parts(b, "several", "in");
    expect_parts(b, "a row");
}

TEST(messages_go_round_the_peers)
{
    enum { PEERS = 4 };
    void *dealer = open_socket(ZMQ_DEALER);
    void *peer[PEERS];
    for (int i = 0; i < PEERS; i++) {
        peer[i] = open_socket(ZMQ_DEALER);
        connect_to(dealer, bind_to(peer[i], "tcp://127.0.0.1:*").text);
    }
    for (int i = 0; i < PEERS * 5; i++) {
        send_number(dealer, i, ZMQ_SNDMORE);
        send_parts(dealer, "and more");
    }
    for (int i = 0; i < PEERS * 5; i++) {
        assert_int_equal(recv_number(peer[i % PEERS]), i);
        expect_parts(peer[i % PEERS], "and more");
    }
}

TEST(peers_are_heard_in_turn)
{
    void *dealer = open_socket(ZMQ_DEALER);
    void *peer[3];
    bind_to(dealer, "inproc://fair");
    for (int i = 0; i < 3; i++) {
        peer[i] = open_socket(ZMQ_DEALER);
        connect_to(peer[i], "inproc://fair");
        for (int n = 0; n < 5; n++)
            send_number(peer[i], i, 0);
    }
    int heard[3] = {0};
    for (int n = 0; n < 15; n++) {
        int from = recv_number(dealer);
        assert_in_range(from, 0, 2);
        assert_int_equal(heard[from]++, n / 3);
    }
}

TEST(without_a_peer_it_waits)
{
    void *dealer = open_socket(ZMQ_DEALER);
    void *peer = open_socket(ZMQ_DEALER);
    struct endpoint where = bind_to(dealer, *state);
    expect_error(zmq_send(dealer, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    assert_false(can_send(dealer, 0));
    connect_to(peer, where.text);
    assert_true(can_send(dealer, DEADLINE_MS));
    send_parts(dealer, "now");
    expect_parts(peer, "now");
}

/* What is sent to a connection that does not exist yet is kept for it. */
TEST(connecting_socket_queues_before_its_peer_is_there)
{
    void *dealer = open_socket(ZMQ_DEALER);
    void *peer = open_socket(ZMQ_DEALER);
    struct endpoint where = bind_to(peer, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(peer, where.text), 0);
    set_int(dealer, ZMQ_RECONNECT_IVL, 10);
    connect_to(dealer, where.text);
    for (int i = 0; i < 100; i++)
        send_number(dealer, i, 0);
    wait_until(zmq_bind(peer, where.text) == 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(recv_number(peer), i);
}

TEST(dealer_asks_rep_with_a_delimiter_of_its_own)
{
    void *rep = open_socket(ZMQ_REP);
    void *dealer = open_socket(ZMQ_DEALER);
    connect_to(dealer, bind_to(rep, *state).text);
    for (int i = 0; i < 10; i++)
        send_parts(dealer, "", "question");
    for (int i = 0; i < 10; i++) {
        expect_parts(rep, "question");
        send_parts(rep, "answer");
    }
    for (int i = 0; i < 10; i++)
        expect_parts(dealer, "", "answer");
}

/* A peer that is full is passed over; the others still get their share. */
TEST(full_peer_is_passed_over)
{
    void *dealer = open_socket(ZMQ_DEALER);
    void *full = open_socket(ZMQ_DEALER);
    void *reader = open_socket(ZMQ_DEALER);
    set_int(dealer, ZMQ_SNDHWM, 1);
    set_int(full, ZMQ_RCVHWM, 1);
    set_int(reader, ZMQ_RCVHWM, 1);
    bind_to(full, "inproc://full");
    bind_to(reader, "inproc://reader");
    connect_to(dealer, "inproc://full");
    connect_to(dealer, "inproc://reader");
    int read = 0;
    for (int i = 0; i < 20; i++) {
        send_number(dealer, i, 0);
        while (can_recv(reader, 0)) {
            recv_number(reader);
            read++;
        }
    }
    assert_int_equal(read, 18);
    recv_number(full);
    recv_number(full);
    expect_error(zmq_recv(full, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

/* The parts of one message go to one peer, even when another peer joins between them. */
TEST(message_begun_stays_with_its_peer)
{
    void *dealer = open_socket(ZMQ_DEALER);
    void *first = open_socket(ZMQ_DEALER);
    void *second = open_socket(ZMQ_DEALER);
    bind_to(dealer, "inproc://begun");
    connect_to(first, "inproc://begun");
    send_bytes(dealer, "a", 1, ZMQ_SNDMORE);
    connect_to(second, "inproc://begun");
    send_bytes(dealer, "b", 1, ZMQ_SNDMORE);
    send_bytes(dealer, "c", 1, 0);
    expect_parts(first, "a", "b", "c");
    do
        send_parts(dealer, "d");
    while (!can_recv(second, 1));
    expect_parts(second, "d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(messages_pass_untouched_both_ways),
        RUN(messages_go_round_the_peers),
        RUN(peers_are_heard_in_turn),
        OVER_ALL(without_a_peer_it_waits),
        RUN(connecting_socket_queues_before_its_peer_is_there),
        OVER_ALL(dealer_asks_rep_with_a_delimiter_of_its_own),
        RUN(full_peer_is_passed_over),
        RUN(message_begun_stays_with_its_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
