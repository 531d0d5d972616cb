/* SPDX-License-Identifier: MIT */
/*
 * XPUB: the subscriptions it sees, and its options VERBOSE, VERBOSER, NODROP, MANUAL and
 * WELCOME_MSG. RFC 29, zmq_socket(3) and zmq_setsockopt(3).
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

/* What an XPUB receives when a prefix is subscribed or unsubscribed. */
static void expect_notice(void *xpub, char kind, const char *prefix)
{
    struct part part = recv_part(xpub);
    if (part.size != strlen(prefix) + 1 || part.data[0] != kind ||
        memcmp(part.data + 1, prefix, part.size - 1) != 0)
        fail_msg("expected %d%s, received %d%.*s", kind, prefix, part.data[0],
                 (int)(part.size ? part.size - 1 : 0), part.data + 1);
    assert_false(part.more);
}

#define expect_subscribed(xpub, prefix)   expect_notice(xpub, 1, prefix)
#define expect_unsubscribed(xpub, prefix) expect_notice(xpub, 0, prefix)

static void *sub_at(struct endpoint where)
{
    void *sub = open_socket(ZMQ_SUB);
    connect_to(sub, where.text);
    return sub;
}

TEST(subscriptions_arrive)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub = sub_at(bind_to(xpub, *state));
    subscribe(sub, "topic");
    expect_subscribed(xpub, "topic");
    send_parts(xpub, "topic", "body");
    expect_parts(sub, "topic", "body");
    unsubscribe(sub, "topic");
    expect_unsubscribed(xpub, "topic");
    subscribe(sub, "");
    expect_subscribed(xpub, "");
    send_parts(xpub, "anything");
    expect_parts(sub, "anything");
}

TEST(only_the_first_and_the_last_of_equal_subscriptions_show)
{
    void *xpub = open_socket(ZMQ_XPUB);
    struct endpoint where = bind_to(xpub, *state);
    void *a = sub_at(where);
    void *b = sub_at(where);
    subscribe(a, "shared");
    expect_subscribed(xpub, "shared");
    subscribe(b, "shared");
    subscribe(b, "marker 1");
    expect_subscribed(xpub, "marker 1");
    send_parts(xpub, "shared");
    expect_parts(a, "shared");
    expect_parts(b, "shared");
    unsubscribe(a, "shared");
    subscribe(a, "marker 2");
    expect_subscribed(xpub, "marker 2");
    unsubscribe(b, "shared");
    expect_unsubscribed(xpub, "shared");
}

TEST(verbose_shows_every_subscription)
{
    void *xpub = open_socket(ZMQ_XPUB);
    set_int(xpub, ZMQ_XPUB_VERBOSE, 1);
    struct endpoint where = bind_to(xpub, *state);
    void *a = sub_at(where);
    void *b = sub_at(where);
    subscribe(a, "shared");
    expect_subscribed(xpub, "shared");
    subscribe(b, "shared");
    expect_subscribed(xpub, "shared");
    unsubscribe(a, "shared");
    subscribe(a, "marker");
    expect_subscribed(xpub, "marker");
    unsubscribe(b, "shared");
    expect_unsubscribed(xpub, "shared");
}

TEST(verboser_shows_every_unsubscription_too)
{
    void *xpub = open_socket(ZMQ_XPUB);
    set_int(xpub, ZMQ_XPUB_VERBOSER, 1);
    struct endpoint where = bind_to(xpub, *state);
    void *a = sub_at(where);
    void *b = sub_at(where);
    subscribe(a, "shared");
    expect_subscribed(xpub, "shared");
    subscribe(b, "shared");
    expect_subscribed(xpub, "shared");
    unsubscribe(a, "shared");
    expect_unsubscribed(xpub, "shared");
    unsubscribe(b, "shared");
    expect_unsubscribed(xpub, "shared");
}

/* Two subscriptions of one XSUB need two cancellations; the XPUB shows the first and the last. */
TEST(equal_subscriptions_of_one_peer_count)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *xsub = open_socket(ZMQ_XSUB);
    connect_to(xsub, bind_to(xpub, "inproc://count").text);
    send_bytes(xsub, "\1topic", 6, 0);
    send_bytes(xsub, "\1topic", 6, 0);
    expect_subscribed(xpub, "topic");
    send_bytes(xsub, "\0topic", 6, 0);
    send_bytes(xsub, "\1marker", 7, 0);
    expect_subscribed(xpub, "marker");
    send_parts(xpub, "topic");
    expect_parts(xsub, "topic");
    send_bytes(xsub, "\0topic", 6, 0);
    expect_unsubscribed(xpub, "topic");
}

TEST(peer_that_goes_is_unsubscribed)
{
    void *xpub = open_socket(ZMQ_XPUB);
    struct endpoint where = bind_to(xpub, *state);
    void *going = sub_at(where);
    void *staying = sub_at(where);
    subscribe(staying, "both");
    expect_subscribed(xpub, "both");
    subscribe(going, "both");
    subscribe(going, "only mine");
    expect_subscribed(xpub, "only mine");
    close_socket(going);
    expect_unsubscribed(xpub, "only mine");
    send_parts(xpub, "both");
    expect_parts(staying, "both");
    unsubscribe(staying, "both");
    expect_unsubscribed(xpub, "both");
}

TEST(all_subscriptions_of_a_lost_peer_end)
{
    enum { TOPICS = 500 };
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub = sub_at(bind_to(xpub, *state));
    char topic[16];
    static bool ended[TOPICS];
    memset(ended, 0, sizeof ended);
    for (int i = 0; i < TOPICS; i++) {
        snprintf(topic, sizeof topic, "%d", i);
        subscribe(sub, topic);
        expect_subscribed(xpub, topic);
    }
    close_socket(sub);
    for (int i = 0; i < TOPICS; i++) {
        struct part part = recv_part(xpub);
        assert_int_equal(part.data[0], 0);
        part.data[part.size] = 0;
        int which = atoi(part.data + 1);
        assert_in_range(which, 0, TOPICS - 1);
        assert_false(ended[which]);
        ended[which] = true;
    }
    expect_nothing(xpub);
}

TEST(disconnected_publisher_sees_the_end_too)
{
    void *xpub = open_socket(ZMQ_XPUB);
    struct endpoint where = bind_to(xpub, *state);
    void *sub = sub_at(where);
    subscribe(sub, "topic");
    expect_subscribed(xpub, "topic");
    assert_int_equal(zmq_disconnect(sub, where.text), 0);
    await_message(xpub, sub);
    expect_unsubscribed(xpub, "topic");
}

TEST(nodrop_makes_the_sender_wait)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub = open_socket(ZMQ_SUB);
    set_int(xpub, ZMQ_XPUB_NODROP, 1);
    set_int(xpub, ZMQ_SNDHWM, 5);
    set_int(sub, ZMQ_RCVHWM, 5);
    bind_to(xpub, "inproc://nodrop");
    connect_to(sub, "inproc://nodrop");
    subscribe(sub, "");
    expect_subscribed(xpub, "");
    for (int i = 0; i < 10; i++)
        send_number(xpub, i, ZMQ_DONTWAIT);
    expect_error(zmq_send(xpub, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    set_int(xpub, ZMQ_SNDTIMEO, 20);
    expect_error(zmq_send(xpub, "x", 1, 0), EAGAIN);
    for (int i = 0; i < 10; i++)
        assert_int_equal(recv_number(sub), i);
    wait_until(zmq_send(xpub, "room", 4, ZMQ_DONTWAIT) == 4);
    expect_parts(sub, "room");
}

TEST(nodrop_loses_nothing_over_tcp)
{
    enum { MESSAGES = 3000 };
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub = open_socket(ZMQ_SUB);
    set_int(xpub, ZMQ_XPUB_NODROP, 1);
    set_int(xpub, ZMQ_SNDHWM, 10);
    set_int(sub, ZMQ_RCVHWM, 10);
    connect_to(sub, bind_to(xpub, "tcp://127.0.0.1:*").text);
    subscribe(sub, "");
    expect_subscribed(xpub, "");
    int sent = 0, received = 0;
    while (received < MESSAGES) {
        if (sent < MESSAGES && can_send(xpub, 0)) {
            char text[16];
            int size = snprintf(text, sizeof text, "%d", sent);
            if (zmq_send(xpub, text, (size_t)size, ZMQ_DONTWAIT) == size)
                sent++;
        }
        if (can_recv(sub, 0))
            assert_int_equal(recv_number(sub), received++);
    }
}

TEST(manual_leaves_the_decision_to_the_application)
{
    void *xpub = open_socket(ZMQ_XPUB);
    set_int(xpub, ZMQ_XPUB_MANUAL, 1);
    void *sub = open_socket(ZMQ_XSUB);
    connect_to(sub, bind_to(xpub, *state).text);
    send_bytes(sub, "\1A", 2, 0);
    expect_subscribed(xpub, "A");
    subscribe(xpub, "XA");
    send_parts(xpub, "A");
    send_parts(xpub, "XA");
    struct part part = recv_part(sub);
    assert_true(part_is(&part, "XA"));
    send_bytes(sub, "\0A", 2, 0);
    expect_unsubscribed(xpub, "A");
    unsubscribe(xpub, "XA");
    send_bytes(sub, "\1B", 2, 0);
    expect_subscribed(xpub, "B");
    subscribe(xpub, "B");
    send_parts(xpub, "XA");
    send_parts(xpub, "B");
    expect_parts(sub, "B");
}

TEST(manual_unsubscribes_a_lost_peer)
{
    void *xpub = open_socket(ZMQ_XPUB);
    set_int(xpub, ZMQ_XPUB_MANUAL, 1);
    struct endpoint where = bind_to(xpub, *state);
    void *going = open_socket(ZMQ_XSUB);
    void *staying = open_socket(ZMQ_XSUB);
    connect_to(going, where.text);
    connect_to(staying, where.text);
    send_bytes(staying, "\1B", 2, 0);
    expect_subscribed(xpub, "B");
    subscribe(xpub, "XB");
    send_bytes(going, "\1A", 2, 0);
    expect_subscribed(xpub, "A");
    subscribe(xpub, "XA");
    send_parts(xpub, "XA");
    expect_parts(going, "XA");
    close_socket(going);
    expect_unsubscribed(xpub, "A");
    send_parts(xpub, "XA");
    send_parts(xpub, "XB");
    expect_parts(staying, "XB");
}

TEST(welcome_message_greets_every_subscriber)
{
    void *xpub = open_socket(ZMQ_XPUB);
    set_text(xpub, ZMQ_XPUB_WELCOME_MSG, "W");
    struct endpoint where = bind_to(xpub, *state);
    for (int i = 0; i < 3; i++) {
        void *sub = open_socket(ZMQ_SUB);
        subscribe(sub, "W");
        connect_to(sub, where.text);
        await_message(sub, xpub);
        expect_parts(sub, "W");
        if (i == 0)
            expect_subscribed(xpub, "W");
        void *deaf = sub_at(where);
        subscribe(deaf, "end");
        if (i == 0)
            expect_subscribed(xpub, "end");
        do
            send_parts(xpub, "end");
        while (!can_recv(deaf, 5));
        expect_parts(deaf, "end");
    }
}

TEST(welcome_message_can_be_taken_back)
{
    void *xpub = open_socket(ZMQ_XPUB);
    set_text(xpub, ZMQ_XPUB_WELCOME_MSG, "W");
    assert_int_equal(zmq_setsockopt(xpub, ZMQ_XPUB_WELCOME_MSG, "", 0), 0);
    void *sub = open_socket(ZMQ_SUB);
    subscribe(sub, "");
    connect_to(sub, bind_to(xpub, *state).text);
    expect_subscribed(xpub, "");
    send_parts(xpub, "first");
    expect_parts(sub, "first");
}

TEST(options_are_for_xpub_only)
{
    int on = 1, off = 0, negative = -1;
    void *sub = open_socket(ZMQ_SUB);
    void *xpub = open_socket(ZMQ_XPUB);
    expect_error(zmq_setsockopt(sub, ZMQ_XPUB_VERBOSE, &on, sizeof on), EINVAL);
    expect_error(zmq_setsockopt(sub, ZMQ_XPUB_NODROP, &on, sizeof on), EINVAL);
    expect_error(zmq_setsockopt(sub, ZMQ_XPUB_WELCOME_MSG, "W", 1), EINVAL);
    expect_error(zmq_setsockopt(xpub, ZMQ_XPUB_VERBOSE, &negative, sizeof negative), EINVAL);
    expect_error(zmq_setsockopt(xpub, ZMQ_XPUB_VERBOSE, &on, 1), EINVAL);
    assert_int_equal(zmq_setsockopt(xpub, ZMQ_XPUB_VERBOSE, &off, sizeof off), 0);
    expect_error(zmq_setsockopt(xpub, ZMQ_SUBSCRIBE, "without MANUAL", 14), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(subscriptions_arrive),
        OVER_ALL(only_the_first_and_the_last_of_equal_subscriptions_show),
        OVER_ALL(verbose_shows_every_subscription),
        OVER_ALL(verboser_shows_every_unsubscription_too),
        RUN(equal_subscriptions_of_one_peer_count),
        OVER_ALL(peer_that_goes_is_unsubscribed),
        OVER_ALL(all_subscriptions_of_a_lost_peer_end),
        OVER_ALL(disconnected_publisher_sees_the_end_too),
        RUN(nodrop_makes_the_sender_wait),
        RUN(nodrop_loses_nothing_over_tcp),
        OVER_ALL(manual_leaves_the_decision_to_the_application),
        OVER_ALL(manual_unsubscribes_a_lost_peer),
        OVER_ALL(welcome_message_greets_every_subscriber),
        OVER_ALL(welcome_message_can_be_taken_back),
        RUN(options_are_for_xpub_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
