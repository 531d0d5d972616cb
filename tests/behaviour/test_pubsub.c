/* SPDX-License-Identifier: MIT */
/*
 * PUB and SUB: who gets what. Prefixes on the first frame, subscriptions that count, several
 * publishers and subscribers, and nothing that makes a publisher wait. RFC 29 and zmq_socket(3).
 */
#include "behaviour/util.h"

static void subscribe(void *sub, const char *prefix)
{
    set_text(sub, ZMQ_SUBSCRIBE, prefix);
}

static void unsubscribe(void *sub, const char *prefix)
{
    set_text(sub, ZMQ_UNSUBSCRIBE, prefix);
}

/*
 * Returns when all that the subscriber asked for so far has reached the publisher. Subscriptions
 * travel in order, so a message to the last of them shows it. Each time it is another one, for
 * the end of the one before may still be on its way.
 */
static void settle(void *pub, void *sub)
{
    static int times;
    char topic[32], last[40];
    snprintf(topic, sizeof topic, "~settled %d", ++times);
    snprintf(last, sizeof last, "%s at last", topic);
    subscribe(sub, topic);
    do
        send_parts(pub, topic);
    while (!can_recv(sub, 5));
    send_parts(pub, last);
    struct part part;
    while (part = recv_part(sub), !part_is(&part, last))
        assert_memory_equal(part.data, "~settled", 8);
    unsubscribe(sub, topic);
}

/* A publisher bound where the test wants it, and a subscriber connected to it. */
static void open_pair(void **state, void **pub, void **sub)
{
    *pub = open_socket(ZMQ_PUB);
    *sub = open_socket(ZMQ_SUB);
    connect_to(*sub, bind_to(*pub, *state).text);
}

TEST(prefix_decides)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    subscribe(sub, "AB");
    settle(pub, sub);
    send_parts(pub, "A");
    send_parts(pub, "B");
    send_parts(pub, "");
    send_parts(pub, "xAB");
    send_parts(pub, "ab");
    send_parts(pub, "AB");
    send_parts(pub, "ABC", "and", "more");
    expect_parts(sub, "AB");
    expect_parts(sub, "ABC", "and", "more");
}

/* A prefix that would need the second frame to match does not. */
TEST(prefix_is_of_the_first_frame_only)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    subscribe(sub, "AB");
    settle(pub, sub);
    send_parts(pub, "A", "B");
    send_parts(pub, "", "AB");
    send_parts(pub, "x", "AB");
    send_parts(pub, "AB", "x");
    expect_parts(sub, "AB", "x");
}

TEST(empty_prefix_takes_all)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    subscribe(sub, "");
    settle(pub, sub);
    send_parts(pub, "");
    send_parts(pub, "a", "");
    send_parts(pub, "", "", "");
    expect_parts(sub, "");
    expect_parts(sub, "a", "");
    expect_parts(sub, "", "", "");
}

TEST(without_subscription_nothing_comes)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    settle(pub, sub);
    send_parts(pub, "nobody wants this");
    send_parts(pub, "");
    subscribe(sub, "x");
    settle(pub, sub);
    send_parts(pub, "x");
    expect_parts(sub, "x");
}

TEST(prefixes_may_be_binary)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "\0\1", 2), 0);
    settle(pub, sub);
    send_bytes(pub, "\0", 1, 0);
    send_bytes(pub, "\0\2\1", 3, 0);
    send_bytes(pub, "\0\1\0", 3, 0);
    struct part part = recv_part(sub);
    assert_int_equal(part.size, 3);
    assert_memory_equal(part.data, "\0\1\0", 3);
}

TEST(subscriptions_count)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    subscribe(sub, "twice");
    subscribe(sub, "twice");
    subscribe(sub, "end");
    unsubscribe(sub, "twice");
    settle(pub, sub);
    send_parts(pub, "twice");
    expect_parts(sub, "twice");
    unsubscribe(sub, "twice");
    settle(pub, sub);
    send_parts(pub, "twice");
    send_parts(pub, "end");
    expect_parts(sub, "end");
}

TEST(message_matching_twice_comes_once)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    subscribe(sub, "a");
    subscribe(sub, "ab");
    subscribe(sub, "");
    settle(pub, sub);
    send_parts(pub, "abc");
    send_parts(pub, "end");
    expect_parts(sub, "abc");
    expect_parts(sub, "end");
    unsubscribe(sub, "");
    unsubscribe(sub, "a");
    settle(pub, sub);
    send_parts(pub, "a");
    send_parts(pub, "abc");
    expect_parts(sub, "abc");
}

TEST(unsubscribing_what_was_not_subscribed_changes_nothing)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    subscribe(sub, "here");
    unsubscribe(sub, "there");
    unsubscribe(sub, "her");
    unsubscribe(sub, "");
    settle(pub, sub);
    send_parts(pub, "here");
    expect_parts(sub, "here");
}

TEST(each_subscriber_gets_its_own)
{
    void *pub = open_socket(ZMQ_PUB);
    void *sub[3];
    const char *topic[3] = {"a", "b", "ab"};
    struct endpoint where = bind_to(pub, *state);
    for (int i = 0; i < 3; i++) {
        sub[i] = open_socket(ZMQ_SUB);
        connect_to(sub[i], where.text);
        subscribe(sub[i], topic[i]);
        subscribe(sub[i], "end");
        settle(pub, sub[i]);
    }
    send_parts(pub, "a", "1");
    send_parts(pub, "b", "2");
    send_parts(pub, "abc", "3");
    send_parts(pub, "end");
    expect_parts(sub[0], "a", "1");
    expect_parts(sub[0], "abc", "3");
    expect_parts(sub[1], "b", "2");
    expect_parts(sub[2], "abc", "3");
    for (int i = 0; i < 3; i++)
        expect_parts(sub[i], "end");
}

TEST(subscriber_hears_several_publishers)
{
    void *sub = open_socket(ZMQ_SUB);
    void *pub[3];
    struct endpoint where = bind_to(sub, *state);
    subscribe(sub, "news");
    for (int i = 0; i < 3; i++) {
        pub[i] = open_socket(ZMQ_PUB);
        connect_to(pub[i], where.text);
        settle(pub[i], sub);
    }
    for (int i = 0; i < 3; i++) {
        send_parts(pub[i], "other");
        send_bytes(pub[i], "news", 4, ZMQ_SNDMORE);
        send_number(pub[i], i, 0);
    }
    int heard = 0;
    for (int i = 0; i < 3; i++) {
        struct part topic = recv_id(sub);
        assert_true(part_is(&topic, "news"));
        heard |= 1 << recv_number(sub);
    }
    assert_int_equal(heard, 7);
}

TEST(later_connection_learns_earlier_subscriptions)
{
    void *first = open_socket(ZMQ_PUB);
    void *second = open_socket(ZMQ_PUB);
    void *sub = open_socket(ZMQ_SUB);
    subscribe(sub, "news");
    connect_to(sub, bind_to(first, *state).text);
    bind_to(second, "inproc://second");
    connect_to(sub, "inproc://second");
    settle(first, sub);
    settle(second, sub);
    send_parts(second, "news from the second");
    expect_parts(sub, "news from the second");
    send_parts(first, "news from the first");
    expect_parts(sub, "news from the first");
}

/* Ten thousand messages into a subscriber that does not read: the publisher never waits. */
TEST(publisher_never_waits)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    set_int(pub, ZMQ_SNDHWM, 10);
    subscribe(sub, "");
    settle(pub, sub);
    for (int i = 0; i < 10000; i++)
        send_number(pub, i, ZMQ_DONTWAIT);
    assert_int_equal(get_int(pub, ZMQ_EVENTS), ZMQ_POLLOUT);
}

/* Dropped are whole messages, the newest; what is kept comes in order. */
TEST(full_subscriber_loses_the_newest)
{
    void *pub = open_socket(ZMQ_PUB);
    void *sub = open_socket(ZMQ_SUB);
    set_int(pub, ZMQ_SNDHWM, 5);
    set_int(sub, ZMQ_RCVHWM, 5);
    bind_to(pub, "inproc://slow");
    connect_to(sub, "inproc://slow");
    subscribe(sub, "n");
    subscribe(sub, "end");
    settle(pub, sub);
    for (int i = 0; i < 100; i++) {
        send_bytes(pub, "n", 1, ZMQ_SNDMORE);
        send_number(pub, i, 0);
    }
    int kept = 0;
    for (; can_recv(sub, 0); kept++) {
        struct part topic = recv_id(sub);
        assert_true(part_is(&topic, "n"));
        assert_int_equal(recv_number(sub), kept);
    }
    assert_in_range(kept, 5, 10);
    do
        send_parts(pub, "end");
    while (!can_recv(sub, 5));
    expect_parts(sub, "end");
}

/* One subscriber stops reading for good; the other, which keeps up, misses nothing. */
TEST(slow_subscriber_costs_the_others_nothing)
{
    enum { MESSAGES = 3000 };
    static char body[8192];
    void *pub = open_socket(ZMQ_PUB);
    void *slow = open_socket(ZMQ_SUB);
    void *quick = open_socket(ZMQ_SUB);
    set_int(slow, ZMQ_RCVHWM, 1);
    struct endpoint where = bind_to(pub, "tcp://127.0.0.1:*");
    connect_to(slow, where.text);
    connect_to(quick, where.text);
    subscribe(slow, "");
    settle(pub, slow);
    subscribe(quick, "");
    settle(pub, quick);
    for (int i = 0; i < MESSAGES; i++) {
        send_number(pub, i, ZMQ_SNDMORE);
        send_bytes(pub, body, sizeof body, 0);
        assert_int_equal(recv_number(quick), i);
        assert_int_equal(zmq_recv(quick, body, sizeof body, 0), sizeof body);
    }
}

TEST(what_was_published_before_is_gone)
{
    void *pub = open_socket(ZMQ_PUB);
    struct endpoint where = bind_to(pub, *state);
    for (int i = 0; i < 100; i++)
        send_parts(pub, "too early");
    void *sub = open_socket(ZMQ_SUB);
    subscribe(sub, "too");
    subscribe(sub, "end");
    connect_to(sub, where.text);
    settle(pub, sub);
    send_parts(pub, "end");
    expect_parts(sub, "end");
}

TEST(inverted_matching_takes_the_rest)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    set_int(pub, ZMQ_INVERT_MATCHING, 1);
    set_int(sub, ZMQ_INVERT_MATCHING, 1);
    subscribe(sub, "A");
    do
        send_parts(pub, "A");
    while (send_parts(pub, "B"), !can_recv(sub, 5));
    send_parts(pub, "end");
    struct part part;
    while (part = recv_part(sub), !part_is(&part, "end"))
        assert_true(part_is(&part, "B"));
}

TEST(directions_are_one_way)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    expect_error(zmq_recv(pub, NULL, 0, ZMQ_DONTWAIT), ENOTSUP);
    expect_error(zmq_send(sub, "x", 1, ZMQ_DONTWAIT), ENOTSUP);
    expect_error(zmq_setsockopt(pub, ZMQ_SUBSCRIBE, "x", 1), EINVAL);
    expect_error(zmq_setsockopt(pub, ZMQ_UNSUBSCRIBE, "x", 1), EINVAL);
    assert_int_equal(get_int(sub, ZMQ_EVENTS), 0);
    assert_int_equal(get_int(pub, ZMQ_EVENTS), ZMQ_POLLOUT);
}

TEST(many_messages_keep_their_order)
{
    enum { MESSAGES = 5000 };
    void *pub = open_socket(ZMQ_PUB);
    void *sub = open_socket(ZMQ_SUB);
    set_int(pub, ZMQ_SNDHWM, 0);
    set_int(sub, ZMQ_RCVHWM, 0);
    connect_to(sub, bind_to(pub, *state).text);
    subscribe(sub, "");
    settle(pub, sub);
    for (int i = 0; i < MESSAGES; i++)
        send_number(pub, i, 0);
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(recv_number(sub), i);
}

/* What a subscriber asked for before the publisher's last bind is known after it. */
TEST(bind_looks_at_what_has_come)
{
    void *pub, *sub;
    open_pair(state, &pub, &sub);
    better_than_libzmq(); /* which needs a moment */
    settle(pub, sub);
    for (int i = 0; i < 50; i++) {
        char topic[32], place[32];
        snprintf(topic, sizeof topic, "topic %d", i);
        snprintf(place, sizeof place, "inproc://further%d", i);
        subscribe(sub, topic);
        bind_to(pub, place);
        send_parts(pub, topic);
        expect_parts(sub, topic);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(prefix_decides),
        OVER_ALL(prefix_is_of_the_first_frame_only),
        OVER_ALL(empty_prefix_takes_all),
        OVER_ALL(without_subscription_nothing_comes),
        OVER_ALL(prefixes_may_be_binary),
        OVER_ALL(subscriptions_count),
        OVER_ALL(message_matching_twice_comes_once),
        OVER_ALL(unsubscribing_what_was_not_subscribed_changes_nothing),
        OVER_ALL(each_subscriber_gets_its_own),
        OVER_ALL(subscriber_hears_several_publishers),
        OVER_ALL(later_connection_learns_earlier_subscriptions),
        OVER_ALL(publisher_never_waits),
        RUN(full_subscriber_loses_the_newest),
        RUN(slow_subscriber_costs_the_others_nothing),
        OVER_ALL(what_was_published_before_is_gone),
        OVER_ALL(inverted_matching_takes_the_rest),
        OVER_ALL(directions_are_one_way),
        OVER_ALL(many_messages_keep_their_order),
        OVER_ALL(bind_looks_at_what_has_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
