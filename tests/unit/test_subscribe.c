/* SPDX-License-Identifier: MIT */
/* SUB and XSUB: what publishers are told, what is received, and where messages of the user's own
 * go. */
#include "traffic.h"

static void peers_are_told(void **state)
{
    (void)state;
    start(&pattern_sub);
    assert_int_equal(set_text(ZMQ_SUBSCRIBE, "a"), 0);
    assert_int_equal(set_text(ZMQ_SUBSCRIBE, ""), 0);
    assert_int_equal(set_text(ZMQ_UNSUBSCRIBE, "unknown"), 0);
    assert_int_equal(set_text(ZMQ_UNSUBSCRIBE, ""), 0);
    assert_string_equal(world.far[0].told, "+a + - ");
    assert_string_equal(world.far[3].told, "+a + - ");
}

static void last_end_is_told_as_often_as_the_beginning(void **state)
{
    (void)state;
    start(&pattern_sub);
    set_text(ZMQ_SUBSCRIBE, "a");
    set_text(ZMQ_SUBSCRIBE, "a");
    set_text(ZMQ_UNSUBSCRIBE, "a");
    set_text(ZMQ_SUBSCRIBE, "a");
    set_text(ZMQ_UNSUBSCRIBE, "a");
    assert_string_equal(world.far[0].told, "+a +a +a ");
    set_text(ZMQ_UNSUBSCRIBE, "a");
    assert_string_equal(world.far[0].told, "+a +a +a -a -a -a ");
}

static void new_connection_is_told_everything(void **state)
{
    (void)state;
    start(&pattern_sub);
    peer_lost(world.peer[0]);
    set_text(ZMQ_SUBSCRIBE, "b");
    set_text(ZMQ_SUBSCRIBE, "a");
    set_text(ZMQ_SUBSCRIBE, "a");
    set_text(ZMQ_SUBSCRIBE, "gone");
    set_text(ZMQ_UNSUBSCRIBE, "gone");
    assert_string_equal(world.far[0].told, "");
    connect_peer(0);
    assert_string_equal(world.far[0].told, "+b +a ");
}

static void unwanted_messages_are_not_received(void **state)
{
    (void)state;
    start(&pattern_sub);
    set_text(ZMQ_SUBSCRIBE, "a");
    arrive(0, "b a+b b");
    arrive(1, "b+a c");
    assert_int_equal(socket_events(world.socket), ZMQ_POLLIN);
    assert_string_equal(received(), "a+b");
    arrive(0, "a");
    set_text(ZMQ_UNSUBSCRIBE, "a");
    assert_int_equal(socket_events(world.socket), 0);
    set_text(ZMQ_SUBSCRIBE, "a");
    set_int(ZMQ_INVERT_MATCHING, 1);
    arrive(2, "a b");
    assert_string_equal(received(), "b");
}

/* What is left of a peer that has gone goes with its last message, wanted or not. */
static void departed_peers_are_filtered_too(void **state)
{
    (void)state;
    start(&pattern_sub);
    set_text(ZMQ_SUBSCRIBE, "a");
    arrive(0, "b b");
    arrive(1, "b a b");
    close_peer(0);
    close_peer(1);
    assert_string_equal(received(), "a");
    assert_true(TAILQ_EMPTY(&world.socket->departed));
}

static void filter_says_what_is_wanted(void **state)
{
    (void)state;
    struct socket *socket = start(&pattern_sub);
    struct buffer buffer = {0};
    struct run run = spell_run(&buffer, "ab+c");
    assert_false(socket->pattern->wants(socket, &run));
    set_text(ZMQ_SUBSCRIBE, "a");
    assert_true(socket->pattern->wants(socket, &run));
    set_int(ZMQ_INVERT_MATCHING, 1);
    assert_false(socket->pattern->wants(socket, &run));
    buffer_term(&buffer);
}

static void xsub_subscribes_with_messages(void **state)
{
    (void)state;
    start(&pattern_xsub);
    assert_int_equal(set_text(ZMQ_SUBSCRIBE, "a"), -EINVAL);
    send_all("\1a \1a \2b x+y \1 \2 \2a \1c+z \2a u");
    assert_string_equal(world.far[0].told, "+a +a + - +c -a -a ");
    assert_string_equal(leaves(0), "x+y z u");
    assert_string_equal(leaves(3), "x+y z u");
    assert_int_equal(world.socket->ledger.copied.messages, 9);
    assert_int_equal(world.socket->ledger.forwarded.messages, 7 + 6);
}

static void xsub_receives_all_that_comes(void **state)
{
    (void)state;
    start(&pattern_xsub);
    arrive(0, "a b+c");
    assert_string_equal(received(), "a b+c");
}

static void messages_for_no_publisher_are_dropped(void **state)
{
    (void)state;
    start(&pattern_xsub);
    for (int i = 0; i < PEERS; i++)
        close_peer(i);
    send_all("\1a x+y \2a");
    assert_int_equal(world.socket->ledger.dropped[DROP_UNWANTED].messages, 1);
    assert_int_equal(world.socket->ledger.forwarded.messages, 2);
}

/* What waits for a connection that is lost must not mix with what the next is told. */
static void lost_connection_drops_its_output(void **state)
{
    (void)state;
    start(&pattern_xsub);
    send_all("x y");
    peer_lost(world.peer[0]);
    assert_string_equal(leaves(0), "");
    assert_int_equal(world.socket->ledger.dropped[DROP_PEER_LOST].messages, 2);
    check_ledger();
}

/* It gets no news after so many that it has not read: another connection is told all instead. */
static void publisher_that_does_not_read_is_given_up(void **state)
{
    (void)state;
    start(&pattern_sub);
    set_text(ZMQ_SUBSCRIBE, "a");
    world.peer[0]->out.bytes = (16 << 20) + 24;
    set_text(ZMQ_SUBSCRIBE, "b");
    assert_int_equal(world.far[0].fails, 0);
    world.peer[0]->out.bytes = (16 << 20) + 1000;
    set_text(ZMQ_UNSUBSCRIBE, "b");
    assert_int_equal(world.far[0].fails, 1);
    assert_int_equal(world.far[1].fails, 0);
    world.peer[0]->out.bytes = 0;
}

#define TEST(test) cmocka_unit_test_teardown(test, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(peers_are_told),
        TEST(last_end_is_told_as_often_as_the_beginning),
        TEST(new_connection_is_told_everything),
        TEST(publisher_that_does_not_read_is_given_up),
        TEST(unwanted_messages_are_not_received),
        TEST(departed_peers_are_filtered_too),
        TEST(filter_says_what_is_wanted),
        TEST(xsub_subscribes_with_messages),
        TEST(xsub_receives_all_that_comes),
        TEST(messages_for_no_publisher_are_dropped),
        TEST(lost_connection_drops_its_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
