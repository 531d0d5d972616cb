/* SPDX-License-Identifier: MIT */
/*
 * FORWARDER: subscriptions travel upstream, so that publishers send only what somebody downstream
 * has subscribed to; or the device subscribes by itself, to all or to a list of prefixes.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/device.h"

/* The publisher is shown a subscription (1) or the end of one (0). */
static void expect_note(void *xpub, int add, const char *topic)
{
    struct part note = recv_part(xpub);
    assert_int_equal(note.size, 1 + strlen(topic));
    assert_int_equal(note.data[0], add);
    assert_memory_equal(note.data + 1, topic, strlen(topic));
}

static void subscribe(void *sub, const char *topic)
{
    set_text(sub, ZMQ_SUBSCRIBE, topic);
}

static void *subscriber_at(struct endpoint where, const char *topic)
{
    void *sub = open_socket(ZMQ_SUB);
    subscribe(sub, topic);
    connect_to(sub, where.text);
    return sub;
}

TEST(subscriptions_travel_upstream)
{
    struct rig rig = forwarder_at(*state);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at);
    void *a = subscriber_at(rig.back_at, "a");
    expect_note(xpub, 1, "a");
    void *b = subscriber_at(rig.back_at, "bee");
    expect_note(xpub, 1, "bee");
    send_parts(xpub, "a1", "for a");
    send_parts(xpub, "beer", "for b");
    expect_parts(a, "a1", "for a");
    expect_parts(b, "beer", "for b");
    close_socket(b);
    expect_note(xpub, 0, "bee");
    set_text(a, ZMQ_UNSUBSCRIBE, "a");
    expect_note(xpub, 0, "a");
}

/* Each subscription travels, and so does the end of the last. libzmq's proxy keeps that back. */
TEST(verbose_forwarder_tells_the_last_end)
{
    struct rig rig = bound_rig(*state, ZMQ_XSUB, ZMQ_XPUB);
    set_int(rig.back, ZMQ_XPUB_VERBOSE, 1);
    start_rig(&rig, GMQ_DEVICE_FORWARDER);
    void *xpub = open_socket(ZMQ_XPUB);
    set_int(xpub, ZMQ_XPUB_VERBOSE, 1);
    connect_to(xpub, rig.front_at.text);
    void *a = subscriber_at(rig.back_at, "topic");
    expect_note(xpub, 1, "topic");
    void *b = subscriber_at(rig.back_at, "topic");
    expect_note(xpub, 1, "topic");
    subscribe(b, "topic");
    expect_note(xpub, 1, "topic");
    set_text(a, ZMQ_UNSUBSCRIBE, "topic");
    subscribe(a, "other");
    expect_note(xpub, 1, "other");
    close_socket(b);
    expect_note(xpub, 0, "topic");
    close_socket(a);
    expect_note(xpub, 0, "other");
}

/* Messages of an XSUB in which some parts subscribe, to several publishers. */
TEST(subscriptions_among_parts_travel_upstream)
{
    struct rig rig = forwarder_at(*state);
    void *xsub = peer_at(ZMQ_XSUB, rig.back_at), *xpub[2];
    for (int i = 0; i < 2; i++)
        xpub[i] = peer_at(ZMQ_XPUB, rig.front_at);
    send_parts(xsub, "\1first");
    for (int i = 0; i < 2; i++)
        expect_note(xpub[i], 1, "first");
    send_parts(xsub, "\1A", "more");
    for (int i = 0; i < 2; i++) {
        expect_note(xpub[i], 1, "A");
        expect_parts(xpub[i], "more");
    }
    send_parts(xsub, "u", "\1B", "\1C");
    for (int i = 0; i < 2; i++) {
        expect_parts(xpub[i], "u", "\1B");
        expect_note(xpub[i], 1, "C");
    }
    send_parts(xsub, "x", "\1A", "y");
    for (int i = 0; i < 2; i++) {
        expect_parts(xpub[i], "x", "y");
        send_parts(xpub[i], "B");
        expect_parts(xsub, "B");
    }
    send_bytes(xsub, "u", 1, ZMQ_SNDMORE);
    send_bytes(xsub, "\0B", 2, 0);
    for (int i = 0; i < 2; i++) {
        struct part part = recv_part(xpub[i]);
        assert_true(part_is(&part, "u") && part.more);
        expect_note(xpub[i], 0, "B");
    }
    account_of(rig.device);
}

/* What nobody wants is not even sent to the device. */
TEST(publishers_send_only_what_is_wanted)
{
    struct rig rig = forwarder_at(*state);
    void *pub = peer_at(ZMQ_XPUB, rig.front_at);
    void *sub = subscriber_at(rig.back_at, "yes");
    expect_note(pub, 1, "yes");
    for (int i = 0; i < 100; i++) {
        send_parts(pub, "no", "way");
        send_parts(pub, "y", "es");
    }
    send_parts(pub, "yes", "please");
    expect_parts(sub, "yes", "please");
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.forward.received.messages, 1);
    assert_int_equal(books.forward.forwarded.messages, 1);
    assert_int_equal(books.backward.received.messages, 1); /* the subscription */
}

/* The commands as a publisher sees them on the wire (37/ZMTP 3.1). */
TEST(subscriptions_on_the_wire)
{
    struct rig rig = forwarder_at("tcp://127.0.0.1:*");
    int fd = raw_connect(port_of(rig.front_at));
    raw_handshake(fd, "PUB");
    void *first = subscriber_at(rig.back_at, "topic");
    struct raw_frame frame = raw_recv_frame(fd);
    assert_int_equal(frame.flags, RAW_COMMAND);
    assert_int_equal(frame.size, 15);
    assert_memory_equal(frame.body, "\11SUBSCRIBEtopic", 15);
    raw_send_frame(fd, 0, "top", 3); /* it does as it likes: nobody gets that */
    raw_send_frame(fd, RAW_MORE, "topic", 5);
    raw_send_frame(fd, 0, "yes", 3);
    expect_parts(first, "topic", "yes");
    wait_books(rig.device, books.forward.dropped[GMQ_DROP_UNWANTED].messages == 1);
    void *second = subscriber_at(rig.back_at, "topic");
    wait_books(rig.device, books.backend_peers == 2);
    close_socket(first);
    close_socket(second);
    frame = raw_recv_frame(fd); /* once, when the last has gone */
    assert_int_equal(frame.flags, RAW_COMMAND);
    assert_int_equal(frame.size, 12);
    assert_memory_equal(frame.body, "\6CANCELtopic", 12);
    close(fd);
}

TEST(late_publishers_hear_of_all_subscriptions)
{
    struct rig rig = forwarder_at(*state);
    subscriber_at(rig.back_at, "a");
    subscriber_at(rig.back_at, "b");
    wait_books(rig.device, books.backward.forwarded.messages == 2);
    for (int i = 0; i < 3; i++) {
        void *xpub = peer_at(ZMQ_XPUB, rig.front_at);
        expect_note(xpub, 1, "a");
        expect_note(xpub, 1, "b");
        expect_error(zmq_recv(xpub, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    }
}

TEST(subscriptions_from_before_the_start_travel)
{
    struct rig rig = bound_rig(*state, ZMQ_XSUB, ZMQ_XPUB);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at);
    void *sub = subscriber_at(rig.back_at, "early");
    await_message(rig.back, sub);
    start_rig(&rig, GMQ_DEVICE_FORWARDER);
    expect_note(xpub, 1, "early");
    send_parts(xpub, "early bird");
    expect_parts(sub, "early bird");
}

TEST(subscriptions_wait_while_it_is_paused)
{
    struct rig rig = forwarder_at(*state);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at);
    gmq_device_pause(rig.device);
    void *sub = subscriber_at(rig.back_at, "a");
    expect_nothing(xpub);
    gmq_device_resume(rig.device);
    expect_note(xpub, 1, "a");
    send_parts(xpub, "a");
    expect_parts(sub, "a");
}

TEST(forwarders_in_a_row)
{
    enum { LENGTH = 25 }; /* longer than a note is handed on at once */
    struct rig rig[LENGTH];
    for (int i = 0; i < LENGTH; i++) {
        rig[i] = bound_rig(*state, ZMQ_XSUB, ZMQ_XPUB);
        if (i > 0)
            connect_to(rig[i].front, rig[i - 1].back_at.text);
        start_rig(&rig[i], GMQ_DEVICE_FORWARDER);
    }
    void *xpub = peer_at(ZMQ_XPUB, rig[0].front_at);
    void *sub = subscriber_at(rig[LENGTH - 1].back_at, "far");
    expect_note(xpub, 1, "far");
    send_parts(xpub, "near");
    send_parts(xpub, "far", "away");
    expect_parts(sub, "far", "away");
    set_text(sub, ZMQ_UNSUBSCRIBE, "far");
    expect_note(xpub, 0, "far");
}

TEST(many_topics_come_and_go)
{
    enum { TOPICS = 500 };
    struct rig rig = forwarder_at(*state);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at), *sub = peer_at(ZMQ_SUB, rig.back_at);
    char topic[TOPICS][24];
    wait_books(rig.device, books.frontend_peers == 1 && books.backend_peers == 1);
    for (int i = 0; i < TOPICS; i++) {
        snprintf(topic[i], sizeof topic[i], "topic %d.", i);
        subscribe(sub, topic[i]);
    }
    for (int i = 0; i < TOPICS; i++)
        expect_note(xpub, 1, topic[i]);
    for (int i = 0; i < TOPICS; i++)
        send_parts(xpub, topic[i]);
    for (int i = 0; i < TOPICS; i++)
        expect_parts(sub, topic[i]);
    for (int i = 0; i < TOPICS; i++)
        set_text(sub, ZMQ_UNSUBSCRIBE, topic[i]);
    for (int i = 0; i < TOPICS; i++)
        expect_note(xpub, 0, topic[i]);
    send_parts(xpub, topic[0]);
    subscribe(sub, "end");
    expect_note(xpub, 1, "end");
    send_parts(xpub, "end");
    expect_parts(sub, "end");
}

TEST(topics_may_be_long_and_binary)
{
    struct rig rig = forwarder_at(*state);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at), *sub = peer_at(ZMQ_SUB, rig.back_at);
    char topic[500];
    for (size_t i = 0; i < sizeof topic; i++)
        topic[i] = (char)i;
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, topic, sizeof topic), 0);
    struct part note = recv_part(xpub);
    assert_int_equal(note.size, 1 + sizeof topic);
    assert_memory_equal(note.data + 1, topic, sizeof topic);
    send_bytes(xpub, topic, sizeof topic - 1, 0);
    send_bytes(xpub, topic, sizeof topic, 0);
    struct part part = recv_part(sub);
    assert_int_equal(part.size, sizeof topic);
}

TEST(every_subscriber_gets_a_copy)
{
    struct rig rig = forwarder_at(*state);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at), *sub[3];
    for (int i = 0; i < 3; i++)
        sub[i] = subscriber_at(rig.back_at, "");
    expect_note(xpub, 1, "");
    wait_books(rig.device, books.backend_peers == 3);
    void *mark = subscriber_at(rig.back_at, "unheard"); /* all before it are subscribed */
    expect_note(xpub, 1, "unheard");
    close_socket(mark);
    expect_note(xpub, 0, "unheard");
    for (int n = 0; n < 10; n++)
        send_parts(xpub, "news", "for", "all");
    for (int i = 0; i < 3; i++)
        for (int n = 0; n < 10; n++)
            expect_parts(sub[i], "news", "for", "all");
    wait_books(rig.device, books.forward.forwarded.messages == 30);
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.forward.received.messages, 10);
    assert_int_equal(books.forward.copied.messages, 20);
    assert_int_equal(books.forward.forwarded.parts, 90);
    assert_int_equal(books.forward.forwarded.bytes, 300);
}

TEST(several_publishers)
{
    struct rig rig = forwarder_at(*state);
    void *xpub[3], *sub = subscriber_at(rig.back_at, "");
    for (int i = 0; i < 3; i++) {
        xpub[i] = peer_at(ZMQ_XPUB, rig.front_at);
        expect_note(xpub[i], 1, "");
    }
    for (int i = 0; i < 3; i++)
        for (int n = 0; n < 100; n++)
            send_number(xpub[i], i * 1000 + n, 0);
    int next[3] = {0, 1000, 2000};
    for (int n = 0; n < 300; n++) {
        int number = recv_number(sub);
        assert_int_equal(number, next[number / 1000]++);
    }
}

/* Messages of a subscriber's own go up to all publishers. */
TEST(other_messages_travel_upstream_too)
{
    struct rig rig = forwarder_at(*state);
    void *xpub[2] = {peer_at(ZMQ_XPUB, rig.front_at), peer_at(ZMQ_XPUB, rig.front_at)};
    wait_books(rig.device, books.frontend_peers == 2);
    void *xsub = peer_at(ZMQ_XSUB, rig.back_at);
    send_parts(xsub, "dear", "publishers");
    for (int i = 0; i < 2; i++)
        expect_parts(xpub[i], "dear", "publishers");
}

/* A device over SUB and PUB, with these prefixes (NULL: not given). */
static struct rig subscribed(const char *where, const char *const *prefixes, size_t count)
{
    struct rig rig = bound_rig(where, ZMQ_SUB, ZMQ_PUB);
    struct gmq_device_options options = {.size = sizeof options,
                                         .type = GMQ_DEVICE_FORWARDER,
                                         .subscriptions = prefixes,
                                         .subscription_count = count};
    rig.device = keep_device(gmq_device_new(rig.front, rig.back, &options));
    assert_int_equal(gmq_device_start(rig.device), 0);
    return rig;
}

/* Sends until the subscription of `sub` has come to the device's PUB, then all that is before. */
static void await_subscriber(void *xpub, void *sub, const char *topic)
{
    do {
        send_parts(xpub, topic, "?");
    } while (!can_recv(sub, 1));
    send_parts(xpub, topic, "!");
    for (struct part part = recv_part(sub); !part_is(&part, "!"); part = recv_part(sub))
        continue;
}

TEST(subscribes_to_everything_by_default)
{
    struct rig rig = subscribed(*state, NULL, 0);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at);
    expect_note(xpub, 1, "");
    void *sub = subscriber_at(rig.back_at, "b");
    await_subscriber(xpub, sub, "b");
    uint64_t before = account_of(rig.device).forward.dropped[GMQ_DROP_UNWANTED].messages;
    send_parts(xpub, "a");
    send_parts(xpub, "bb");
    expect_parts(sub, "bb");
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.forward.dropped[GMQ_DROP_UNWANTED].messages, before + 1);
    expect_error(zmq_recv(xpub, NULL, 0, ZMQ_DONTWAIT), EAGAIN); /* it heard of no "b" */
}

TEST(subscribes_to_a_list)
{
    static const char *const prefixes[] = {"a", "weather."};
    struct rig rig = subscribed(*state, prefixes, 2);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at);
    expect_note(xpub, 1, "a");
    expect_note(xpub, 1, "weather.");
    void *sub = subscriber_at(rig.back_at, "");
    await_subscriber(xpub, sub, "a");
    uint64_t before = account_of(rig.device).forward.received.messages;
    send_parts(xpub, "b");
    send_parts(xpub, "weather");
    send_parts(xpub, "weather.here", "fine");
    expect_parts(sub, "weather.here", "fine");
    assert_int_equal(account_of(rig.device).forward.received.messages, before + 1);
}

/* A publisher that does not listen to subscriptions is filtered here. */
TEST(a_list_holds_against_any_publisher)
{
    static const char *const prefixes[] = {"good"};
    struct rig rig = subscribed("tcp://127.0.0.1:*", prefixes, 1);
    void *sub = subscriber_at(rig.back_at, "");
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at);
    await_subscriber(xpub, sub, "good");
    int fd = raw_connect(port_of(rig.front_at));
    raw_handshake(fd, "PUB");
    for (int i = 0; i < 10; i++) {
        raw_send_frame(fd, RAW_MORE, "bad", 3);
        raw_send_frame(fd, 0, "good", 4);
        raw_send_frame(fd, 0, "good for you", 12);
        raw_send_frame(fd, 0, "goo", 3);
    }
    for (int i = 0; i < 10; i++)
        expect_parts(sub, "good for you");
    wait_books(rig.device, books.forward.dropped[GMQ_DROP_UNWANTED].messages >= 20);
    close(fd);
}

TEST(an_empty_list_is_nothing)
{
    static const char *const prefixes[] = {"unused"};
    struct rig rig = subscribed(*state, prefixes, 0);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at);
    wait_books(rig.device, books.frontend_peers == 1);
    send_parts(xpub, "");
    expect_nothing(xpub);
    assert_int_equal(account_of(rig.device).forward.received.messages, 0);
}

/* With a SUB before an XPUB what subscribers ask for goes nowhere, and that is counted. */
TEST(sub_to_xpub)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_FORWARDER, ZMQ_SUB, ZMQ_XPUB);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at);
    expect_note(xpub, 1, "");
    void *sub = subscriber_at(rig.back_at, "a");
    wait_books(rig.device, books.backward.dropped[GMQ_DROP_NO_ROUTE].messages == 1);
    send_parts(xpub, "b");
    send_parts(xpub, "a");
    expect_parts(sub, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE_OVER_ALL(subscriptions_travel_upstream),
        RUN_DEVICE_OVER_ALL(verbose_forwarder_tells_the_last_end),
        RUN_DEVICE_OVER_ALL(subscriptions_among_parts_travel_upstream),
        RUN_DEVICE_OVER_ALL(publishers_send_only_what_is_wanted),
        RUN_DEVICE(subscriptions_on_the_wire),
        RUN_DEVICE_OVER_ALL(late_publishers_hear_of_all_subscriptions),
        RUN_DEVICE_OVER_ALL(subscriptions_from_before_the_start_travel),
        RUN_DEVICE_OVER_ALL(subscriptions_wait_while_it_is_paused),
        RUN_DEVICE_OVER_ALL(forwarders_in_a_row),
        RUN_DEVICE_OVER_ALL(many_topics_come_and_go),
        RUN_DEVICE_OVER_ALL(topics_may_be_long_and_binary),
        RUN_DEVICE_OVER_ALL(every_subscriber_gets_a_copy),
        RUN_DEVICE_OVER_ALL(several_publishers),
        RUN_DEVICE_OVER_ALL(other_messages_travel_upstream_too),
        RUN_DEVICE_OVER_ALL(subscribes_to_everything_by_default),
        RUN_DEVICE_OVER_ALL(subscribes_to_a_list),
        RUN_DEVICE(a_list_holds_against_any_publisher),
        RUN_DEVICE_OVER_ALL(an_empty_list_is_nothing),
        RUN_DEVICE_OVER_ALL(sub_to_xpub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
