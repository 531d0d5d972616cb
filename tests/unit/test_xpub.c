/* SPDX-License-Identifier: MIT */
/* What PUB and XPUB hear from their subscribers, what of it the application or a device is shown,
 * and what becomes of it when a peer goes. */
#include "traffic.h"

/* Subscriptions that come as messages, between messages of the user's own. */
static void old_peers_subscribe_with_messages(void **state)
{
    (void)state;
    start(&pattern_xpub);
    arrive(0, "\1a hello \1b x+\1y \2b \1 +z");
    assert_string_equal(received(), "\1a \1b x+\1y \2b \1 hello +z");
    send_all("a");
    assert_string_equal(leaves(0), "a");
}

static void publisher_ignores_messages_from_subscribers(void **state)
{
    (void)state;
    start(&pattern_pub);
    arrive(0, "\1a hello \1b x+y");
    assert_false(socket_can_receive(world.socket));
    assert_true(buffer_is_empty(&world.peer[0]->in));
    send_all("b");
    assert_string_equal(leaves(0), "b");
}

static void inbox_that_is_full_holds_up_what_follows(void **state)
{
    (void)state;
    start(&pattern_xpub);
    struct buffer buffer = {0};
    struct run run = spell_run(&buffer, "x y \1a z \1b");
    world.peer[0]->in_max = 1;
    assert_int_equal(peer_deliver(world.peer[0], &run), 3);
    run.data += 3, run.size -= 3, run.tally.messages -= 1, run.tally.parts -= 1;
    assert_string_equal(received(), "x");
    assert_int_equal(peer_deliver(world.peer[0], &run), 7);
    assert_string_equal(received(), "\1a y");
    buffer_term(&buffer);
}

static void first_and_last_are_noted(void **state)
{
    (void)state;
    start(&pattern_xpub);
    subscribe(0, "a");
    subscribe(0, "a");
    subscribe(1, "a");
    subscribe(1, "");
    assert_string_equal(received(), "\1a \1");
    cancel(0, "a");
    cancel(2, "a");
    cancel(1, "b");
    cancel(1, "a");
    assert_string_equal(received(), "");
    cancel(0, "a");
    assert_string_equal(received(), "\2a");
}

static void verbose_notes_every_subscription(void **state)
{
    (void)state;
    start(&pattern_xpub);
    set_int(ZMQ_XPUB_VERBOSE, 1);
    subscribe(0, "a");
    subscribe(0, "a");
    subscribe(1, "a");
    cancel(0, "a");
    cancel(0, "a");
    assert_string_equal(received(), "\1a \1a \1a");
    cancel(1, "a");
    assert_string_equal(received(), "\2a");
}

static void verboser_notes_every_end_too(void **state)
{
    (void)state;
    start(&pattern_xpub);
    set_int(ZMQ_XPUB_VERBOSER, 1);
    subscribe(0, "a");
    subscribe(1, "a");
    subscribe(1, "a");
    cancel(0, "a");
    cancel(0, "unknown");
    assert_string_equal(received(), "\1a \1a \1a \2a");
    close_peer(1);
    assert_string_equal(received(), "\2a \2a");
}

static void peer_that_goes_ends_its_subscriptions(void **state)
{
    (void)state;
    start(&pattern_xpub);
    subscribe(0, "a");
    subscribe(0, "b");
    subscribe(1, "b");
    assert_string_equal(received(), "\1a \1b");
    close_peer(0);
    assert_string_equal(received(), "\2a");
    peer_lost(world.peer[1]);
    assert_string_equal(received(), "\2b");
    send_all("b");
    assert_int_equal(world.socket->ledger.dropped[DROP_UNWANTED].messages, 1);
    connect_peer(1);
    subscribe(1, "b");
    assert_string_equal(received(), "\1b");
}

static void manual_leaves_it_to_the_application(void **state)
{
    (void)state;
    start(&pattern_xpub);
    assert_int_equal(set_text(ZMQ_SUBSCRIBE, "a"), -EINVAL);
    set_int(ZMQ_XPUB_MANUAL, 1);
    assert_int_equal(set_text(ZMQ_SUBSCRIBE, "for nobody"), 0);
    subscribe(0, "a");
    subscribe(1, "a");
    struct msg msg;
    msg_init(&msg);
    assert_int_equal(socket_try_receive(world.socket, &msg, false), 0);
    assert_int_equal(set_text(ZMQ_SUBSCRIBE, "x"), 0);
    assert_int_equal(socket_try_receive(world.socket, &msg, false), 0);
    assert_int_equal(set_text(ZMQ_SUBSCRIBE, "y"), 0);
    msg_close(&msg);
    send_all("a x y for");
    assert_string_equal(leaves(0), "x");
    assert_string_equal(leaves(1), "y");
    cancel(0, "a");
    assert_string_equal(received(), "\2a");
    assert_int_equal(set_text(ZMQ_UNSUBSCRIBE, "x"), 0);
    send_all("x y");
    assert_string_equal(leaves(0), "");
    assert_string_equal(leaves(1), "y");
}

/* The note is received when the peer has gone: the answer to it has no effect. */
static void manual_survives_the_peer_that_asked(void **state)
{
    (void)state;
    start(&pattern_xpub);
    set_int(ZMQ_XPUB_MANUAL, 1);
    subscribe(0, "a");
    subscribe(0, "a");
    subscribe(1, "b");
    close_peer(0);
    struct msg msg;
    msg_init(&msg);
    assert_int_equal(socket_try_receive(world.socket, &msg, false), 0);
    msg_close(&msg);
    assert_int_equal(set_text(ZMQ_SUBSCRIBE, "x"), 0);
    assert_string_equal(received(), "\1a \1b \2a");
    assert_int_equal(set_text(ZMQ_SUBSCRIBE, "x"), 0);
    subscribe(2, "c");
    assert_string_equal(received(), "\1c");
    close_peer(2);
    assert_int_equal(set_text(ZMQ_SUBSCRIBE, "x"), 0);
    send_all("x");
    assert_int_equal(world.socket->ledger.dropped[DROP_UNWANTED].messages, 1);
    assert_string_equal(received(), "\2c");
}

static void welcome_message_greets(void **state)
{
    (void)state;
    start(&pattern_pub);
    assert_int_equal(set_text(ZMQ_XPUB_WELCOME_MSG, "hi"), 0);
    peer_lost(world.peer[0]);
    connect_peer(0);
    assert_string_equal(leaves(0), "hi");
}

/* A device that takes notes, or does not. */
struct device {
    struct sink sink;
    bool takes;
    struct buffer got;
    int changes;
};

static size_t sink_deliver(struct sink *sink, struct peer *peer, const struct run *run)
{
    struct device *device = (struct device *)sink;
    assert_null(peer);
    if (!device->takes)
        return 0;
    assert_int_equal(buffer_append_run(&device->got, run, NULL), 0);
    return run->size;
}

static void sink_changed(struct sink *sink, int events)
{
    ((struct device *)sink)->changes += events == EVENT_IN;
}

static void notes_go_to_the_device(void **state)
{
    (void)state;
    start(&pattern_xpub);
    struct device device = {.sink = {.deliver = sink_deliver, .changed = sink_changed},
                            .takes = true};
    world.socket->sink = &device.sink;
    subscribe(0, "a");
    assert_string_equal(spell_buffer(&device.got), "\1a");
    assert_int_equal(device.changes, 0);
    device.takes = false;
    cancel(0, "a");
    device.takes = true;
    subscribe(0, "b");
    assert_string_equal(spell_buffer(&device.got), "");
    assert_int_equal(device.changes, 2);
    assert_string_equal(spell_buffer(&world.socket->notes), "\2a \1b");
    world.socket->sink = NULL;
    buffer_term(&device.got);
}

#define TEST(test) cmocka_unit_test_teardown(test, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(old_peers_subscribe_with_messages),
        TEST(publisher_ignores_messages_from_subscribers),
        TEST(inbox_that_is_full_holds_up_what_follows),
        TEST(first_and_last_are_noted),
        TEST(verbose_notes_every_subscription),
        TEST(verboser_notes_every_end_too),
        TEST(peer_that_goes_ends_its_subscriptions),
        TEST(manual_leaves_it_to_the_application),
        TEST(manual_survives_the_peer_that_asked),
        TEST(welcome_message_greets),
        TEST(notes_go_to_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
