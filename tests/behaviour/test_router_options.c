/* SPDX-License-Identifier: MIT */
/*
 * The options of ROUTER: ZMQ_ROUTER_MANDATORY, ZMQ_ROUTER_HANDOVER, ZMQ_CONNECT_ROUTING_ID and
 * ZMQ_PROBE_ROUTER, as zmq_setsockopt(3) describes them.
 */
#include "behaviour/util.h"

static void *dealer_named(const char *id)
{
    void *dealer = open_socket(ZMQ_DEALER);
    set_text(dealer, ZMQ_ROUTING_ID, id);
    return dealer;
}

static void *mandatory_router(void)
{
    void *router = open_socket(ZMQ_ROUTER);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    return router;
}

/* Whether a message to this peer is taken now. */
static bool reaches(void *router, const char *id)
{
    if (zmq_send(router, id, strlen(id), ZMQ_SNDMORE | ZMQ_DONTWAIT) == -1)
        return false;
    send_parts(router, "probe");
    return true;
}

TEST(mandatory_reports_an_unknown_peer)
{
    void *router = mandatory_router();
    void *dealer = dealer_named("here");
    struct endpoint where = bind_to(router, *state);
    expect_error(zmq_send(router, "here", 4, ZMQ_SNDMORE), EHOSTUNREACH);
    expect_error(zmq_send(router, "here", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT), EHOSTUNREACH);
    connect_to(dealer, where.text);
    send_parts(dealer, "hello");
    expect_parts(router, "here", "hello");
    expect_error(zmq_send(router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    send_parts(router, "here", "back");
    expect_parts(dealer, "back");
}

/* The refused id starts nothing: what is sent next is an id again. */
TEST(after_an_unknown_peer_the_next_part_is_an_id)
{
    void *router = mandatory_router();
    void *dealer = dealer_named("here");
    connect_to(dealer, bind_to(router, "inproc://next").text);
    send_parts(dealer, "hello");
    expect_parts(router, "here", "hello");
    expect_error(zmq_send(router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    expect_error(zmq_send(router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    send_parts(router, "here", "one", "two");
    expect_parts(dealer, "one", "two");
}

TEST(mandatory_router_is_ready_when_somebody_is_there)
{
    void *router = open_socket(ZMQ_ROUTER), *dealer = open_socket(ZMQ_DEALER);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    bind_to(router, "inproc://ready");
    assert_false(can_send(router, 0));
    expect_error(zmq_send(router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    assert_int_equal(zmq_send(router, "an id alone", 11, 0), 11); /* is dropped without a look */
    connect_to(dealer, "inproc://ready");
    send_parts(dealer, "hello");
    struct part id = recv_id(router);
    expect_parts(router, "hello");
    assert_true(can_send(router, DEADLINE_MS));
    send_part(router, &id, ZMQ_SNDMORE);
    send_parts(router, "world");
    expect_parts(dealer, "world");
    close_socket(dealer);
    wait_until(!can_send(router, 0));
}

TEST(mandatory_reports_a_full_peer)
{
    void *router = mandatory_router();
    void *dealer = dealer_named("slow");
    set_int(router, ZMQ_SNDHWM, 3);
    set_int(dealer, ZMQ_RCVHWM, 2);
    bind_to(router, "inproc://full");
    connect_to(dealer, "inproc://full");
    send_parts(dealer, "hello");
    expect_parts(router, "slow", "hello");
    for (int i = 0; i < 5; i++) {
        send_bytes(router, "slow", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT);
        send_number(router, i, ZMQ_DONTWAIT);
    }
    expect_error(zmq_send(router, "slow", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    set_int(router, ZMQ_SNDTIMEO, 20);
    expect_error(zmq_send(router, "slow", 4, ZMQ_SNDMORE), EAGAIN);
    for (int i = 0; i < 5; i++)
        assert_int_equal(recv_number(dealer), i);
    wait_until(reaches(router, "slow"));
    expect_parts(dealer, "probe");
}

/* One peer that is full does not stop messages for the others. */
TEST(full_peer_stops_nobody_else)
{
    void *router = mandatory_router();
    void *slow = dealer_named("slow");
    void *quick = dealer_named("quick");
    set_int(router, ZMQ_SNDHWM, 1);
    set_int(slow, ZMQ_RCVHWM, 1);
    bind_to(router, "inproc://one");
    connect_to(slow, "inproc://one");
    connect_to(quick, "inproc://one");
    send_parts(slow, "hello");
    expect_parts(router, "slow", "hello");
    send_parts(quick, "hello");
    expect_parts(router, "quick", "hello");
    while (reaches(router, "slow"))
        continue;
    assert_int_equal(zmq_errno(), EAGAIN);
    for (int i = 0; i < 10; i++) {
        send_parts(router, "quick", "over", "taken");
        expect_parts(quick, "over", "taken");
    }
}

TEST(mandatory_waits_for_a_full_peer)
{
    void *router = mandatory_router();
    void *dealer = dealer_named("slow");
    set_int(router, ZMQ_SNDHWM, 2);
    set_int(router, ZMQ_SNDBUF, 4096);
    set_int(dealer, ZMQ_RCVHWM, 2);
    set_int(dealer, ZMQ_RCVBUF, 4096);
    connect_to(dealer, bind_to(router, "tcp://127.0.0.1:*").text);
    send_parts(dealer, "hello");
    expect_parts(router, "slow", "hello");
    static char large[1 << 16];
    int sent = 0;
    while (zmq_send(router, "slow", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 4) {
        send_bytes(router, large, sizeof large, 0);
        assert_in_range(++sent, 1, 5000);
    }
    assert_int_equal(zmq_errno(), EAGAIN);
    for (int i = 0; i < sent; i++)
        assert_int_equal(zmq_recv(dealer, large, sizeof large, 0), sizeof large);
    send_parts(router, "slow", "room again");
    expect_parts(dealer, "room again");
}

TEST(handover_gives_the_id_to_the_newcomer)
{
    void *router = mandatory_router();
    void *first = dealer_named("twin");
    void *second = dealer_named("twin");
    set_int(router, ZMQ_ROUTER_HANDOVER, 1);
    struct endpoint where = bind_to(router, *state);
    connect_to(first, where.text);
    send_parts(first, "from the first");
    expect_parts(router, "twin", "from the first");
    connect_to(second, where.text);
    send_parts(second, "from the second");
    expect_parts(router, "twin", "from the second");
    send_parts(router, "twin", "for the second");
    expect_parts(second, "for the second");
    expect_error(zmq_recv(first, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

TEST(handover_can_go_on_and_on)
{
    void *router = open_socket(ZMQ_ROUTER);
    set_int(router, ZMQ_ROUTER_HANDOVER, 1);
    struct endpoint where = bind_to(router, "tcp://127.0.0.1:*");
    for (int i = 0; i < 20; i++) {
        void *dealer = dealer_named("heir");
        set_int(dealer, ZMQ_RECONNECT_IVL, -1);
        connect_to(dealer, where.text);
        send_number(dealer, i, 0);
        expect_parts(router, "heir",
                     ((char[]){(char)('0' + i / 10), (char)('0' + i % 10), 0}) + (i < 10));
        send_parts(router, "heir", "yours");
        expect_parts(dealer, "yours");
    }
}

/* A connection that we made is not cut: its peer gets another name, by which it can be answered. */
TEST(handover_renames_whom_we_connected_to)
{
    void *router = mandatory_router();
    void *first = dealer_named("twin");
    void *second = dealer_named("twin");
    set_int(router, ZMQ_ROUTER_HANDOVER, 1);
    connect_to(router, bind_to(first, *state).text);
    send_parts(first, "one");
    expect_parts(router, "twin", "one");
    connect_to(router, bind_to(second, *state).text);
    send_parts(second, "two");
    expect_parts(router, "twin", "two");
    send_parts(first, "three");
    struct part id = recv_id(router);
    assert_false(part_is(&id, "twin"));
    expect_parts(router, "three");
    send_part(router, &id, ZMQ_SNDMORE);
    send_parts(router, "for the first");
    expect_parts(first, "for the first");
}

/* Both ends have the one id, and neither can hand it over: the connection ends. */
TEST(handover_to_oneself_ends_the_connection)
{
    void *router = mandatory_router();
    void *dealer = dealer_named("other");
    set_int(router, ZMQ_ROUTER_HANDOVER, 1);
    set_text(router, ZMQ_ROUTING_ID, "self");
    struct endpoint where = bind_to(router, "inproc://here");
    connect_to(router, where.text);
    expect_error(zmq_send(router, "self", 4, ZMQ_SNDMORE), EHOSTUNREACH);
    connect_to(dealer, where.text);
    send_parts(dealer, "hello");
    expect_parts(router, "other", "hello");
    assert_int_equal(zmq_disconnect(router, where.text), 0);
}

TEST(id_given_to_a_connection_works_at_once)
{
    void *listener = open_socket(ZMQ_ROUTER);
    void *router = mandatory_router();
    set_text(router, ZMQ_ROUTING_ID, "caller");
    struct endpoint where = bind_to(listener, *state);
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "called");
    connect_to(router, where.text);
    send_parts(router, "called", "first word");
    expect_parts(listener, "caller", "first word");
    send_parts(listener, "caller", "answer");
    expect_parts(router, "called", "answer");
}

/* The given id goes before the one the peer announces, and counts for one connection only. */
TEST(given_id_counts_for_one_connection)
{
    void *a = dealer_named("own name a");
    void *b = dealer_named("own name b");
    void *router = open_socket(ZMQ_ROUTER);
    set_text(router, ZMQ_CONNECT_ROUTING_ID, "given");
    connect_to(router, bind_to(a, *state).text);
    bind_to(b, "inproc://second");
    connect_to(router, "inproc://second");
    send_parts(router, "given", "hello");
    expect_parts(a, "hello");
    send_parts(a, "hi");
    expect_parts(router, "given", "hi");
    send_parts(b, "hi");
    expect_parts(router, "own name b", "hi");
}

TEST(impossible_given_ids_are_refused)
{
    char long_id[256] = {1};
    void *router = open_socket(ZMQ_ROUTER);
    expect_error(zmq_setsockopt(router, ZMQ_CONNECT_ROUTING_ID, "", 0), EINVAL);
    better_than_libzmq(); /* it takes ids of any length */
    expect_error(zmq_setsockopt(router, ZMQ_CONNECT_ROUTING_ID, long_id, 256), EINVAL);
}

TEST(probe_tells_the_router_who_came)
{
    void *router = mandatory_router();
    void *dealer = dealer_named("probing");
    set_int(dealer, ZMQ_PROBE_ROUTER, 1);
    connect_to(dealer, bind_to(router, *state).text);
    expect_parts(router, "probing", "");
    send_parts(router, "probing", "welcome");
    expect_parts(dealer, "welcome");
}

TEST(routers_probe_each_other)
{
    void *a = mandatory_router();
    void *b = mandatory_router();
    set_text(a, ZMQ_ROUTING_ID, "a");
    set_text(b, ZMQ_ROUTING_ID, "b");
    set_int(a, ZMQ_PROBE_ROUTER, 1);
    set_int(b, ZMQ_PROBE_ROUTER, 1);
    connect_to(b, bind_to(a, *state).text);
    expect_parts(a, "b", "");
    expect_parts(b, "a", "");
    send_parts(a, "b", "from a");
    send_parts(b, "a", "from b");
    expect_parts(a, "b", "from b");
    expect_parts(b, "a", "from a");
}

/* "When a new connection is made", says the manual; libzmq probes only the first of an endpoint. */
TEST(probe_is_sent_on_every_connection)
{
    better_than_libzmq();
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = dealer_named("again");
    set_int(dealer, ZMQ_PROBE_ROUTER, 1);
    set_int(dealer, ZMQ_RECONNECT_IVL, 10);
    struct endpoint where = bind_to(router, "tcp://127.0.0.1:*");
    connect_to(dealer, where.text);
    expect_parts(router, "again", "");
    close_socket(router);
    router = open_socket(ZMQ_ROUTER);
    wait_until(zmq_bind(router, where.text) == 0);
    expect_parts(router, "again", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(mandatory_reports_an_unknown_peer),
        RUN(after_an_unknown_peer_the_next_part_is_an_id),
        RUN(mandatory_router_is_ready_when_somebody_is_there),
        RUN(mandatory_reports_a_full_peer),
        RUN(full_peer_stops_nobody_else),
        RUN(mandatory_waits_for_a_full_peer),
        OVER_ALL(handover_gives_the_id_to_the_newcomer),
        RUN(handover_can_go_on_and_on),
        OVER(handover_renames_whom_we_connected_to, "tcp", "tcp://127.0.0.1:*"),
        OVER(handover_renames_whom_we_connected_to, "ipc", "ipc://*"),
        RUN(handover_to_oneself_ends_the_connection),
        OVER_ALL(id_given_to_a_connection_works_at_once),
        OVER_ALL(given_id_counts_for_one_connection),
        RUN(impossible_given_ids_are_refused),
        OVER_ALL(probe_tells_the_router_who_came),
        OVER_ALL(routers_probe_each_other),
        RUN(probe_is_sent_on_every_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
