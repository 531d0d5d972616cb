/* SPDX-License-Identifier: MIT */
/*
 * XSUB, and the way of subscriptions upstream: what it sends as subscription, what as message of
 * the user's own, and that subscriptions reach every publisher, early, late, restarted, however
 * many they are. RFC 29 and zmq_socket(3).
 */
#include "behaviour/util.h"

static void expect_bytes(void *socket, const char *bytes, size_t size)
{
    struct part part = recv_part(socket);
    assert_int_equal(part.size, size);
    assert_memory_equal(part.data, bytes, size);
}

TEST(subscription_is_a_message_that_starts_with_one)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *xsub = open_socket(ZMQ_XSUB);
    connect_to(xsub, bind_to(xpub, *state).text);
    send_bytes(xsub, "\1A", 2, 0);
    expect_bytes(xpub, "\1A", 2);
    send_parts(xpub, "B");
    send_parts(xpub, "A", "body");
    expect_parts(xsub, "A", "body");
    send_bytes(xsub, "\0A", 2, 0);
    expect_bytes(xpub, "\0A", 2);
    send_bytes(xsub, "\1B", 2, 0);
    expect_bytes(xpub, "\1B", 2);
    send_parts(xpub, "A");
    send_parts(xpub, "B");
    expect_parts(xsub, "B");
}

TEST(xsub_takes_all_that_its_peers_send_for_it)
{
    void *pub = open_socket(ZMQ_XPUB);
    void *xsub = open_socket(ZMQ_XSUB);
    connect_to(xsub, bind_to(pub, *state).text);
    send_bytes(xsub, "\1", 1, 0);
    expect_bytes(pub, "\1", 1);
    send_parts(pub, "");
    send_parts(pub, "a", "b", "");
    expect_parts(xsub, "");
    expect_parts(xsub, "a", "b", "");
}

TEST(other_messages_go_upstream_as_they_are)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *xsub = open_socket(ZMQ_XSUB);
    connect_to(xsub, bind_to(xpub, *state).text);
    send_bytes(xsub, "\1A", 2, 0);
    expect_bytes(xpub, "\1A", 2);
    send_parts(xsub, "hello publisher");
    expect_parts(xpub, "hello publisher");
    send_bytes(xsub, "\2of", 3, ZMQ_SNDMORE);
    send_bytes(xsub, "two parts", 9, 0);
    struct part part = recv_part(xpub);
    assert_int_equal(part.size, 3);
    assert_true(part.more);
    expect_parts(xpub, "two parts");
}

TEST(user_messages_reach_all_publishers)
{
    void *xsub = open_socket(ZMQ_XSUB);
    void *xpub[3];
    for (int i = 0; i < 3; i++) {
        xpub[i] = open_socket(ZMQ_XPUB);
        connect_to(xsub, bind_to(xpub[i], "tcp://127.0.0.1:*").text);
    }
    send_bytes(xsub, "\1A", 2, 0);
    send_parts(xsub, "hello all");
    for (int i = 0; i < 3; i++) {
        expect_bytes(xpub[i], "\1A", 2);
        expect_parts(xpub[i], "hello all");
    }
}

/* XSUB to XPUB by hand, as a forwarder does it: subscriptions up, messages down. */
TEST(subscriptions_travel_through_a_forwarder)
{
    void *pub = open_socket(ZMQ_XPUB);
    void *xsub = open_socket(ZMQ_XSUB);
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub = open_socket(ZMQ_SUB);
    connect_to(xsub, bind_to(pub, *state).text);
    bind_to(xpub, "inproc://downstream");
    connect_to(sub, "inproc://downstream");
    set_text(sub, ZMQ_SUBSCRIBE, "news");
    struct part up = recv_part(xpub);
    send_part(xsub, &up, 0);
    expect_bytes(pub, "\1news", 5);
    send_parts(pub, "other");
    send_parts(pub, "news", "today");
    for (struct part down = {.more = true}; down.more;) {
        down = recv_part(xsub);
        send_part(xpub, &down, down.more ? ZMQ_SNDMORE : 0);
    }
    expect_parts(sub, "news", "today");
    close_socket(sub);
    up = recv_part(xpub);
    send_part(xsub, &up, 0);
    expect_bytes(pub, "\0news", 5);
}

TEST(sub_ends_its_subscriptions_when_it_closes)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *xsub = open_socket(ZMQ_XSUB);
    connect_to(xsub, bind_to(xpub, *state).text);
    send_bytes(xsub, "\1A", 2, 0);
    expect_bytes(xpub, "\1A", 2);
    close_socket(xsub);
    expect_bytes(xpub, "\0A", 2);
}

TEST(subscriptions_made_before_connecting_arrive)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub = open_socket(ZMQ_SUB);
    set_text(sub, ZMQ_SUBSCRIBE, "early");
    set_text(sub, ZMQ_SUBSCRIBE, "late");
    set_text(sub, ZMQ_UNSUBSCRIBE, "early");
    connect_to(sub, bind_to(xpub, *state).text);
    expect_bytes(xpub, "\1late", 5);
    expect_nothing(xpub);
}

TEST(subscriptions_made_while_nobody_listens_arrive)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub = open_socket(ZMQ_SUB);
    struct endpoint where = bind_to(xpub, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(xpub, where.text), 0);
    set_int(sub, ZMQ_RECONNECT_IVL, 10);
    connect_to(sub, where.text);
    set_text(sub, ZMQ_SUBSCRIBE, "waiting");
    wait_until(zmq_bind(xpub, where.text) == 0);
    expect_bytes(xpub, "\1waiting", 8);
}

TEST(restarted_publisher_learns_the_subscriptions_again)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub = open_socket(ZMQ_SUB);
    struct endpoint where = bind_to(xpub, "tcp://127.0.0.1:*");
    set_int(sub, ZMQ_RECONNECT_IVL, 10);
    connect_to(sub, where.text);
    set_text(sub, ZMQ_SUBSCRIBE, "kept");
    set_text(sub, ZMQ_SUBSCRIBE, "dropped");
    expect_bytes(xpub, "\1kept", 5);
    expect_bytes(xpub, "\1dropped", 8);
    for (int i = 0; i < 3; i++) {
        close_socket(xpub);
        xpub = open_socket(ZMQ_XPUB);
        set_text(sub, i ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, "dropped");
        set_text(sub, ZMQ_UNSUBSCRIBE, i ? "dropped" : "never there");
        wait_until(zmq_bind(xpub, where.text) == 0);
        await_message(xpub, sub);
        expect_bytes(xpub, "\1kept", 5);
        send_parts(xpub, "dropped");
        send_parts(xpub, "kept");
        expect_parts(sub, "kept");
    }
}

/* Subscriptions are state, not queued messages: libzmq loses those above its high-water mark. */
TEST(many_subscriptions_all_arrive)
{
    enum { TOPICS = 3000 };
    better_than_libzmq();
    static bool seen[TOPICS];
    char topic[16];
    memset(seen, 0, sizeof seen);
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub = open_socket(ZMQ_SUB);
    set_int(sub, ZMQ_RECONNECT_IVL, 10);
    struct endpoint where = bind_to(xpub, *state);
    if (strcmp(*state, "inproc://here") != 0)
        connect_to(sub, where.text);
    for (int i = 0; i < TOPICS; i++) {
        snprintf(topic, sizeof topic, "%d", i);
        set_text(sub, ZMQ_SUBSCRIBE, topic);
    }
    if (strcmp(*state, "inproc://here") == 0)
        connect_to(sub, where.text);
    for (int i = 0; i < TOPICS; i++) {
        struct part part = recv_part(xpub);
        assert_int_equal(part.data[0], 1);
        part.data[part.size] = 0;
        int which = atoi(part.data + 1);
        assert_in_range(which, 0, TOPICS - 1);
        assert_false(seen[which]);
        seen[which] = true;
    }
    send_parts(xpub, "2999", "x");
    expect_parts(sub, "2999", "x");
}

/* The same after a restart of the publisher, when all of them are sent at once. */
TEST(many_subscriptions_all_arrive_again)
{
    enum { TOPICS = 3000 };
    better_than_libzmq();
    char topic[16];
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub = open_socket(ZMQ_SUB);
    struct endpoint where = bind_to(xpub, "tcp://127.0.0.1:*");
    set_int(sub, ZMQ_RECONNECT_IVL, 10);
    connect_to(sub, where.text);
    for (int i = 0; i < TOPICS; i++) {
        snprintf(topic, sizeof topic, "%d", i);
        set_text(sub, ZMQ_SUBSCRIBE, topic);
    }
    for (int i = 0; i < TOPICS; i++)
        assert_int_equal(recv_part(xpub).data[0], 1);
    close_socket(xpub);
    xpub = open_socket(ZMQ_XPUB);
    wait_until(zmq_bind(xpub, where.text) == 0);
    for (int i = 0; i < TOPICS; i++)
        assert_int_equal(recv_part(xpub).data[0], 1);
}

TEST(xsub_can_always_send)
{
    void *xsub = open_socket(ZMQ_XSUB);
    assert_int_equal(get_int(xsub, ZMQ_EVENTS), ZMQ_POLLOUT);
    send_bytes(xsub, "\1A", 2, 0);
    send_parts(xsub, "for nobody");
    expect_error(zmq_setsockopt(xsub, ZMQ_SUBSCRIBE, "A", 1), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(subscription_is_a_message_that_starts_with_one),
        OVER_ALL(xsub_takes_all_that_its_peers_send_for_it),
        OVER_ALL(other_messages_go_upstream_as_they_are),
        RUN(user_messages_reach_all_publishers),
        OVER_ALL(subscriptions_travel_through_a_forwarder),
        OVER_ALL(sub_ends_its_subscriptions_when_it_closes),
        OVER_ALL(subscriptions_made_before_connecting_arrive),
        RUN(subscriptions_made_while_nobody_listens_arrive),
        RUN(restarted_publisher_learns_the_subscriptions_again),
        OVER_ALL(many_subscriptions_all_arrive),
        RUN(many_subscriptions_all_arrive_again),
        RUN(xsub_can_always_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
