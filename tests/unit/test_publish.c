/* SPDX-License-Identifier: MIT */
/* How PUB and XPUB send: who gets which messages, who loses which, and what it counts. */
#include "pattern/publish.h"
#include "traffic.h"

static void messages_go_to_those_who_want_them(void **state)
{
    (void)state;
    start(&pattern_pub);
    subscribe(0, "a");
    subscribe(1, "ab");
    subscribe(2, "");
    send_all("a ab+x abc b b+a _ ab");
    assert_string_equal(leaves(0), "a ab+x abc ab");
    assert_string_equal(leaves(1), "ab+x abc ab");
    assert_string_equal(leaves(2), "a ab+x abc b b+a _ ab");
    assert_string_equal(leaves(3), "");
    assert_int_equal(world.socket->ledger.copied.messages, 7);
}

static void whole_run_goes_to_those_who_want_all(void **state)
{
    (void)state;
    start(&pattern_pub);
    subscribe(0, "");
    subscribe(3, "");
    send_all("a b+c _ d");
    assert_string_equal(leaves(0), "a b+c _ d");
    assert_string_equal(leaves(3), "a b+c _ d");
    assert_int_equal(world.socket->ledger.copied.parts, 5);
}

static void peer_that_matches_twice_gets_one(void **state)
{
    (void)state;
    start(&pattern_pub);
    subscribe(0, "");
    subscribe(0, "a");
    subscribe(0, "ab");
    subscribe(0, "ab");
    send_all("abc");
    assert_string_equal(leaves(0), "abc");
}

static void unwanted_messages_are_dropped_as_such(void **state)
{
    (void)state;
    start(&pattern_pub);
    send_all("a b");
    subscribe(0, "b");
    send_all("a b");
    assert_int_equal(world.socket->ledger.dropped[DROP_UNWANTED].messages, 3);
    assert_string_equal(leaves(0), "b");
}

static void full_peer_loses_the_newest(void **state)
{
    (void)state;
    start(&pattern_pub);
    world.peer[0]->out_max = 2;
    subscribe(0, "");
    subscribe(1, "");
    send_all("a b+b c d");
    assert_int_equal(world.peer[0]->books.dropped[DROP_FULL].messages, 2);
    assert_int_equal(world.socket->ledger.dropped[DROP_FULL].bytes, 2);
    assert_string_equal(leaves(0), "a b+b");
    assert_string_equal(leaves(1), "a b+b c d");
}

static void nodrop_holds_up_all(void **state)
{
    (void)state;
    start(&pattern_xpub);
    struct frame first = {.body = (const uint8_t *)"x", .size = 1};
    set_int(ZMQ_XPUB_NODROP, 1);
    world.peer[0]->out_max = 2;
    subscribe(0, "x");
    subscribe(1, "");
    assert_int_equal(world.socket->pattern->admit(world.socket, &first), ADMIT_PROMISED);
    assert_int_equal(route("a x b x x x", NULL), 4);
    assert_int_equal(world.socket->pattern->admit(world.socket, &first), -EAGAIN);
    assert_int_equal(route("x", NULL), 0);
    assert_int_equal(route("y x", NULL), 1);
    assert_string_equal(leaves(0), "x x");
    assert_int_equal(world.socket->pattern->admit(world.socket, &first), ADMIT_PROMISED);
    assert_int_equal(route("x", NULL), 1);
    assert_string_equal(leaves(1), "a x b x y x");
}

static void inverted_matching_takes_the_others(void **state)
{
    (void)state;
    start(&pattern_pub);
    set_int(ZMQ_INVERT_MATCHING, 1);
    subscribe(0, "a");
    subscribe(1, "");
    subscribe(2, "b");
    subscribe(2, "ab");
    send_all("a b ab c");
    assert_string_equal(leaves(0), "b c");
    assert_string_equal(leaves(1), "");
    assert_string_equal(leaves(2), "a c");
    assert_string_equal(leaves(3), "a b ab c");
}

/* What goes in front of a message is its first frame then. */
static void prefix_is_what_matches(void **state)
{
    (void)state;
    start(&pattern_pub);
    struct prefix prefix = {.data = (const uint8_t *)"\1\2id", .size = 4, .parts = 1, .bytes = 2};
    subscribe(0, "i");
    subscribe(1, "a");
    world.peer[0]->out_max = 1;
    assert_int_equal(route("a b", &prefix), 2);
    assert_string_equal(leaves(0), "id+a");
    assert_string_equal(leaves(1), "");
    assert_int_equal(world.socket->ledger.dropped[DROP_FULL].bytes, 3);
}

static void large_message_matches_by_its_first_frame(void **state)
{
    (void)state;
    struct socket *socket = start(&pattern_pub);
    struct chunk *chunk = chunk_new(100000);
    struct buffer large = {0};
    memset(chunk->data, 'b', 100000);
    buffer_append(&large, FRAME_MORE, "a", 1);
    buffer_append_shared(&large, 0, chunk, chunk->data, 100000);
    chunk_unref(chunk);
    struct run run = {.large = &large, .size = large.bytes, .tally = large.tally};
    subscribe(0, "a");
    subscribe(1, "b");
    subscribe(2, "");
    world.peer[2]->out_max = 1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socket->pattern->route(socket, &run, NULL), run.size);
        tally_add(&socket->ledger.received, &run.tally);
        check_ledger();
    }
    assert_int_equal(world.peer[0]->out.tally.bytes, 200002);
    assert_int_equal(world.peer[1]->out.tally.messages, 0);
    assert_int_equal(world.peer[2]->books.dropped[DROP_FULL].bytes, 100001);
    buffer_term(&large);
}

/* Stamps are 32 bits; one of long ago must not pass for the present one. */
static void stamps_begin_again_after_the_last(void **state)
{
    (void)state;
    start(&pattern_pub);
    struct publisher *publisher = world.socket->state;
    subscribe(0, "");
    subscribe(1, "b");
    world.peer[1]->stamp = 1;
    publisher->stamp = UINT32_MAX - 1;
    send_all("a");
    send_all("b");
    send_all("c");
    assert_string_equal(leaves(0), "a b c");
    assert_string_equal(leaves(1), "b");
}

/* The limit is far away: the count is brought near. */
static void peer_has_subscriptions_up_to_a_limit(void **state)
{
    (void)state;
    start(&pattern_pub);
    subscribe(0, "a");
    struct subscriber *subscriber = world.peer[0]->topics;
    uint64_t one = subscriber->bytes;
    subscribe(0, "a");
    cancel(0, "a");
    assert_int_equal(subscriber->bytes, one); /* it is the same topic */
    subscriber->bytes = (1 << 29) - one;
    subscribe(0, "b");
    assert_int_equal(world.far[0].fails, 0);
    subscribe(0, "c");
    assert_int_equal(world.far[0].fails, 1);
    cancel(0, "b");
    subscribe(0, "d");
    assert_int_equal(world.far[0].fails, 1);
    send_all("a b c d");
    assert_string_equal(leaves(0), "a d");
    peer_lost(world.peer[0]);
    assert_int_equal(subscriber->bytes, 0);
}

#define TEST(test) cmocka_unit_test_teardown(test, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(messages_go_to_those_who_want_them),
        TEST(whole_run_goes_to_those_who_want_all),
        TEST(peer_that_matches_twice_gets_one),
        TEST(unwanted_messages_are_dropped_as_such),
        TEST(full_peer_loses_the_newest),
        TEST(nodrop_holds_up_all),
        TEST(inverted_matching_takes_the_others),
        TEST(prefix_is_what_matches),
        TEST(large_message_matches_by_its_first_frame),
        TEST(peer_has_subscriptions_up_to_a_limit),
        TEST(stamps_begin_again_after_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
