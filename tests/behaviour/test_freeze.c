/* SPDX-License-Identifier: MIT */
/* When options count: most of them for what is bound or connected after they were set, the few of
 * the manual's list, and the timeouts, at once. */
#include "behaviour/util.h"

#include "behaviour/raw.h"

/* The routing id that a peer's next message comes with. */
static struct part id_of_next(void *router)
{
    struct part id = recv_id(router);
    recv_part(router);
    return id;
}

TEST(routing_id_is_that_of_the_connect)
{
    void *dealer = open_socket(ZMQ_DEALER);
    void *first = open_socket(ZMQ_ROUTER), *second = open_socket(ZMQ_ROUTER);
    struct endpoint one = bind_to(first, "tcp://127.0.0.1:*");
    struct endpoint two = bind_to(second, "tcp://127.0.0.1:*");
    set_text(dealer, ZMQ_ROUTING_ID, "early");
    connect_to(dealer, one.text);
    set_text(dealer, ZMQ_ROUTING_ID, "late");
    connect_to(dealer, two.text);
    send_parts(dealer, "a");
    send_parts(dealer, "b");
    struct part id = id_of_next(first);
    assert_true(part_is(&id, "early"));
    id = id_of_next(second);
    assert_true(part_is(&id, "late"));
}

TEST(routing_id_is_that_of_the_bind)
{
    const char *binds[] = {"tcp://127.0.0.1:*", "ipc://*", "inproc://bound"};
    for (int i = 0; i < 3; i++) {
        void *dealer = open_socket(ZMQ_DEALER), *router = open_socket(ZMQ_ROUTER);
        set_text(dealer, ZMQ_ROUTING_ID, "early");
        struct endpoint bound = bind_to(dealer, binds[i]);
        set_text(dealer, ZMQ_ROUTING_ID, "late");
        connect_to(router, bound.text);
        send_parts(dealer, "a");
        struct part id = id_of_next(router);
        assert_true(part_is(&id, "early"));
    }
}

TEST(size_of_messages_is_limited_for_later_endpoints)
{
    void *pull = open_socket(ZMQ_PULL);
    int early_port = port_of(bind_to(pull, "tcp://127.0.0.1:*"));
    int64_t most = 4;
    assert_int_equal(zmq_setsockopt(pull, ZMQ_MAXMSGSIZE, &most, sizeof most), 0);
    int late_port = port_of(bind_to(pull, "tcp://127.0.0.1:*"));
    int early = raw_connect(early_port), late = raw_connect(late_port);
    raw_handshake(early, "PUSH");
    raw_handshake(late, "PUSH");
    raw_send_frame(late, 0, "too long", 8);
    assert_true(raw_closes(late, DEADLINE_MS));
    raw_send_frame(early, 0, "also long", 9);
    expect_parts(pull, "also long");
    close(early);
    close(late);
}

/* How many messages go out before there is no room. */
static int room_of(void *sender)
{
    int sent = 0;
    while (zmq_send(sender, "m", 1, ZMQ_DONTWAIT) == 1)
        sent++;
    return sent;
}

TEST(marks_count_at_once_for_who_is_there)
{
    void *push = open_socket(ZMQ_PUSH);
    set_int(push, ZMQ_SNDHWM, 3);
    connect_to(push, "tcp://127.0.0.1:1");
    set_int(push, ZMQ_SNDHWM, 7);
    assert_int_equal(room_of(push), 7);
}

TEST(marks_of_the_bind_count_for_who_comes)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDHWM, 3);
    bind_to(push, "inproc://bound");
    set_int(push, ZMQ_SNDHWM, 50);
    set_int(pull, ZMQ_RCVHWM, 4);
    connect_to(pull, "inproc://bound");
    assert_int_equal(room_of(push), 7);
}

TEST(conflate_counts_for_later_endpoints)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    connect_to(push, "inproc://here");
    set_int(push, ZMQ_CONFLATE, 1);
    for (int i = 0; i < 3; i++)
        send_number(push, i, 0);
    bind_to(pull, "inproc://here");
    for (int i = 0; i < 3; i++)
        assert_int_equal(recv_number(pull), i);
}

TEST(immediate_counts_for_later_endpoints)
{
    void *push = open_socket(ZMQ_PUSH), *other = open_socket(ZMQ_PUSH);
    set_int(other, ZMQ_IMMEDIATE, 1);
    connect_to(push, "tcp://127.0.0.1:1");
    connect_to(other, "tcp://127.0.0.1:1");
    set_int(push, ZMQ_IMMEDIATE, 1);
    set_int(other, ZMQ_IMMEDIATE, 0);
    assert_int_equal(zmq_send(push, "m", 1, ZMQ_DONTWAIT), 1);
    expect_error(zmq_send(other, "m", 1, ZMQ_DONTWAIT), EAGAIN);
}

TEST(reconnecting_goes_on_as_it_began)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    int port = 0, listener = raw_listen(&port, 1);
    struct endpoint there;
    snprintf(there.text, sizeof there.text, "tcp://127.0.0.1:%d", port);
    set_int(push, ZMQ_RECONNECT_IVL, 20);
    connect_to(push, there.text);
    set_int(push, ZMQ_RECONNECT_IVL, -1);
    close(raw_accept(listener));
    close(raw_accept(listener)); /* it has come again */
    close(listener);
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
}

TEST(heartbeats_go_on_later_connections_only)
{
    void *pull = open_socket(ZMQ_PULL);
    int early_port = port_of(bind_to(pull, "tcp://127.0.0.1:*"));
    set_int(pull, ZMQ_HEARTBEAT_IVL, 20);
    int late_port = port_of(bind_to(pull, "tcp://127.0.0.1:*"));
    int early = raw_connect(early_port), late = raw_connect(late_port);
    raw_handshake(early, "PUSH");
    raw_handshake(late, "PUSH");
    raw_send_frame(early, 0, "a", 1);
    expect_parts(pull, "a");
    struct raw_frame ping = raw_recv_frame(late);
    assert_true(ping.flags & RAW_COMMAND);
    assert_memory_equal(ping.body, "\4PING", 5);
    assert_false(raw_readable(early, 0));
    close(early);
    close(late);
}

TEST(probe_is_decided_when_a_peer_comes)
{
    void *dealer = open_socket(ZMQ_DEALER), *router = open_socket(ZMQ_ROUTER);
    struct endpoint bound = bind_to(dealer, "tcp://127.0.0.1:*");
    set_int(dealer, ZMQ_PROBE_ROUTER, 1);
    connect_to(router, bound.text);
    await_message(router, dealer);
    recv_id(router);
    assert_int_equal(recv_part(router).size, 0);
}

TEST(timeouts_and_flags_count_at_once)
{
    void *router = open_socket(ZMQ_ROUTER), *pull = open_socket(ZMQ_PULL);
    bind_to(router, "tcp://127.0.0.1:*");
    bind_to(pull, "tcp://127.0.0.1:*");
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    expect_error(zmq_send(router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    set_int(pull, ZMQ_RCVTIMEO, 1);
    expect_error(zmq_recv(pull, NULL, 0, 0), EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(routing_id_is_that_of_the_connect),
        RUN(routing_id_is_that_of_the_bind),
        RUN(size_of_messages_is_limited_for_later_endpoints),
        RUN(marks_count_at_once_for_who_is_there),
        RUN(marks_of_the_bind_count_for_who_comes),
        RUN(conflate_counts_for_later_endpoints),
        RUN(immediate_counts_for_later_endpoints),
        RUN(reconnecting_goes_on_as_it_began),
        RUN(heartbeats_go_on_later_connections_only),
        RUN(probe_is_decided_when_a_peer_comes),
        RUN(timeouts_and_flags_count_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
