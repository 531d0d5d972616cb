/* SPDX-License-Identifier: MIT */
/*
 * ROUTER: the routing id it puts in front of what comes in and takes off what goes out, ids made
 * up and ids of the peer's own, two peers with one id, and messages for nobody. RFC 28,
 * zmq_socket(3) and the ROUTER options of zmq_setsockopt(3).
 */
#include "behaviour/util.h"

/* A DEALER of this id; NULL leaves the id to the ROUTER. */
static void *dealer_named(const char *id)
{
    void *dealer = open_socket(ZMQ_DEALER);
    if (id)
        set_text(dealer, ZMQ_ROUTING_ID, id);
    return dealer;
}

static void send_to(void *router, const char *id, const char *body)
{
    send_parts(router, id, body);
}

/* With ZMQ_ROUTER_MANDATORY: whether a message can be sent to this peer. */
static bool reaches(void *router, const char *id)
{
    if (zmq_send(router, id, strlen(id), ZMQ_SNDMORE) == -1)
        return false;
    send_parts(router, "probe");
    return true;
}

TEST(made_up_ids_have_five_bytes_and_start_with_zero)
{
    void *router = open_socket(ZMQ_ROUTER);
    struct endpoint where = bind_to(router, *state);
    struct part id[3];
    for (int i = 0; i < 3; i++) {
        void *dealer = dealer_named(NULL);
        connect_to(dealer, where.text);
        send_parts(dealer, "hello");
        id[i] = recv_id(router);
        expect_parts(router, "hello");
        assert_int_equal(id[i].size, 5);
        assert_int_equal(id[i].data[0], 0);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(id[i].data, id[j].data, 5);
    }
}

TEST(id_stays_the_same_for_a_connection)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = dealer_named(NULL);
    connect_to(dealer, bind_to(router, *state).text);
    send_parts(dealer, "1");
    struct part first = recv_id(router);
    expect_parts(router, "1");
    send_parts(dealer, "2");
    struct part second = recv_id(router);
    expect_parts(router, "2");
    assert_memory_equal(first.data, second.data, 5);
}

TEST(peer_names_itself)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = dealer_named("worker");
    connect_to(dealer, bind_to(router, *state).text);
    send_parts(dealer, "", "hello", "");
    expect_parts(router, "worker", "", "hello", "");
    send_parts(router, "worker", "", "back", "");
    expect_parts(dealer, "", "back", "");
}

TEST(ids_may_be_long_and_binary)
{
    char id[255], got[255];
    size_t size = sizeof got;
    for (int i = 0; i < 255; i++)
        id[i] = (char)(255 - i);
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = open_socket(ZMQ_DEALER);
    assert_int_equal(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, id, 255), 0);
    assert_int_equal(zmq_getsockopt(dealer, ZMQ_ROUTING_ID, got, &size), 0);
    assert_int_equal(size, 255);
    assert_memory_equal(got, id, 255);
    connect_to(dealer, bind_to(router, *state).text);
    send_parts(dealer, "hello");
    struct part from = recv_id(router);
    assert_int_equal(from.size, 255);
    assert_memory_equal(from.data, id, 255);
    expect_parts(router, "hello");
    send_part(router, &from, ZMQ_SNDMORE);
    send_parts(router, "back");
    expect_parts(dealer, "back");
}

TEST(impossible_ids_are_refused)
{
    char long_id[256] = {1};
    void *dealer = open_socket(ZMQ_DEALER);
    expect_error(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, long_id, 256), EINVAL);
    expect_error(zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "", 0), EINVAL);
}

TEST(replies_find_their_peer)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer[5];
    struct endpoint where = bind_to(router, *state);
    for (int i = 0; i < 5; i++) {
        dealer[i] = dealer_named(NULL);
        connect_to(dealer[i], where.text);
        for (int n = 0; n < 20; n++)
            send_number(dealer[i], i * 100 + n, 0);
    }
    for (int n = 0; n < 100; n++) {
        struct part id = recv_id(router);
        struct part body = recv_part(router);
        send_part(router, &id, ZMQ_SNDMORE);
        send_part(router, &body, 0);
    }
    for (int i = 0; i < 5; i++)
        for (int n = 0; n < 20; n++)
            assert_int_equal(recv_number(dealer[i]), i * 100 + n);
}

TEST(peers_are_heard_in_turn)
{
    void *router = open_socket(ZMQ_ROUTER);
    const char *name[2] = {"a", "b"};
    bind_to(router, "inproc://fair");
    for (int i = 0; i < 2; i++) {
        void *dealer = dealer_named(name[i]);
        connect_to(dealer, "inproc://fair");
        for (int n = 0; n < 10; n++)
            send_parts(dealer, "x", "y");
    }
    char last = 0;
    for (int n = 0; n < 20; n++) {
        struct part id = recv_id(router);
        assert_int_not_equal(id.data[0], last);
        last = id.data[0];
        expect_parts(router, "x", "y");
    }
}

TEST(message_for_nobody_is_dropped)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = dealer_named("here");
    struct endpoint where = bind_to(router, *state);
    send_parts(router, "nobody", "before anyone came", "and more");
    connect_to(dealer, where.text);
    send_parts(dealer, "hello");
    expect_parts(router, "here", "hello");
    send_parts(router, "nobody", "body", "more", "and more");
    send_parts(router, "", "the empty id is nobody's");
    send_to(router, "here", "arrives");
    expect_parts(dealer, "arrives");
}

/* A message that is an id and nothing else carries nothing. */
TEST(id_alone_is_dropped)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = dealer_named("here");
    connect_to(dealer, bind_to(router, "inproc://alone").text);
    send_parts(dealer, "hello");
    expect_parts(router, "here", "hello");
    send_parts(router, "here");
    send_to(router, "here", "arrives");
    expect_parts(dealer, "arrives");
}

TEST(it_can_always_send)
{
    void *router = open_socket(ZMQ_ROUTER);
    bind_to(router, "inproc://always");
    assert_int_equal(get_int(router, ZMQ_EVENTS), ZMQ_POLLOUT);
    send_parts(router, "nobody", "x");
    assert_int_equal(get_int(router, ZMQ_EVENTS), ZMQ_POLLOUT);
}

TEST(messages_for_a_full_peer_are_dropped)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = dealer_named("slow");
    set_int(router, ZMQ_SNDHWM, 3);
    set_int(dealer, ZMQ_RCVHWM, 2);
    bind_to(router, "inproc://full");
    connect_to(dealer, "inproc://full");
    send_parts(dealer, "hello");
    expect_parts(router, "slow", "hello");
    for (int i = 0; i < 20; i++) {
        send_bytes(router, "slow", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT);
        send_number(router, i, ZMQ_DONTWAIT);
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(recv_number(dealer), i);
    expect_error(zmq_recv(dealer, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

TEST(second_peer_of_the_same_id_is_ignored)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *first = dealer_named("twin");
    void *second = dealer_named("twin");
    void *other = dealer_named("other");
    struct endpoint where = bind_to(router, *state);
    connect_to(first, where.text);
    send_parts(first, "hello");
    expect_parts(router, "twin", "hello");
    connect_to(second, where.text);
    zmq_send(second, "intruder", 8, ZMQ_DONTWAIT);
    connect_to(other, where.text);
    send_parts(other, "hello");
    expect_parts(router, "other", "hello");
    send_to(router, "twin", "for the first");
    expect_parts(first, "for the first");
    send_parts(first, "still here");
    expect_parts(router, "twin", "still here");
    expect_nothing(router);
}

/* libzmq calls a peer unreachable a moment before it forgets the id, and ignores the next one. */
TEST(id_is_free_again_when_its_peer_goes)
{
    better_than_libzmq();
    void *router = open_socket(ZMQ_ROUTER);
    struct endpoint where = bind_to(router, *state);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    for (int i = 0; i < 3; i++) {
        void *dealer = dealer_named("again");
        connect_to(dealer, where.text);
        send_parts(dealer, "hello");
        expect_parts(router, "again", "hello");
        send_to(router, "again", "back");
        expect_parts(dealer, "back");
        close_socket(dealer);
        wait_until(!reaches(router, "again"));
        assert_int_equal(zmq_errno(), EHOSTUNREACH);
    }
}

TEST(router_talks_to_req_and_router)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *req = open_socket(ZMQ_REQ);
    void *peer = open_socket(ZMQ_ROUTER);
    set_text(req, ZMQ_ROUTING_ID, "req");
    set_text(router, ZMQ_ROUTING_ID, "router");
    set_text(peer, ZMQ_ROUTING_ID, "peer");
    set_int(peer, ZMQ_ROUTER_MANDATORY, 1);
    struct endpoint where = bind_to(router, *state);
    connect_to(req, where.text);
    connect_to(peer, where.text);
    send_parts(req, "question");
    expect_parts(router, "req", "", "question");
    send_parts(router, "req", "", "answer");
    expect_parts(req, "answer");
    wait_until(reaches(peer, "router"));
    expect_parts(router, "peer", "probe");
    send_to(router, "peer", "back");
    expect_parts(peer, "router", "back");
}

/* The id is a part of it. */
TEST(message_half_received_outlives_a_disconnect)
{
    void *dealer = open_socket(ZMQ_DEALER), *router = open_socket(ZMQ_ROUTER);
    struct endpoint where = bind_to(dealer, *state);
    connect_to(router, where.text);
    send_parts(dealer, "the", "rest");
    recv_id(router);
    assert_int_equal(zmq_disconnect(router, where.text), 0);
    expect_parts(router, "the", "rest");
    expect_error(zmq_recv(router, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(made_up_ids_have_five_bytes_and_start_with_zero),
        OVER_ALL(id_stays_the_same_for_a_connection),
        OVER_ALL(peer_names_itself),
        OVER_ALL(ids_may_be_long_and_binary),
        RUN(impossible_ids_are_refused),
        OVER_ALL(replies_find_their_peer),
        RUN(peers_are_heard_in_turn),
        OVER_ALL(message_for_nobody_is_dropped),
        RUN(id_alone_is_dropped),
        RUN(it_can_always_send),
        RUN(messages_for_a_full_peer_are_dropped),
        OVER_ALL(second_peer_of_the_same_id_is_ignored),
        OVER_ALL(id_is_free_again_when_its_peer_goes),
        OVER_ALL(router_talks_to_req_and_router),
        OVER_ALL(message_half_received_outlives_a_disconnect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
