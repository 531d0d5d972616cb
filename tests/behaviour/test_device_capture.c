/* SPDX-License-Identifier: MIT */
/*
 * The capture socket gets a copy of each message of both directions, whatever its type; and a
 * capture reader that stalls, dies or never comes loses captures, which are counted, and nothing
 * else.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/device.h"
#include "behaviour/stall.h"

static struct rig captured(const char *where, enum gmq_device_type type, int front, int back,
                           int capture, struct endpoint *capture_at)
{
    struct rig rig = bound_rig(where, front, back);
    rig.capture = open_socket(capture);
    keep_little(rig.capture);
    *capture_at = bind_anew(rig.capture, where);
    start_rig(&rig, type);
    return rig;
}

/* A reader of captures that is there: what it is told first is thrown away. */
static void *reader_at(struct endpoint where, int type)
{
    void *reader = open_socket(type);
    if (type == ZMQ_SUB)
        set_text(reader, ZMQ_SUBSCRIBE, "");
    connect_to(reader, where.text);
    return reader;
}

static void sees_both_directions(const char *where, int capture, int reads)
{
    struct endpoint capture_at;
    struct rig rig = captured(where, GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER, capture,
                              &capture_at);
    void *client = open_socket(ZMQ_DEALER), *reader = reader_at(capture_at, reads);
    void *worker = peer_at(ZMQ_DEALER, rig.back_at);
    set_text(client, ZMQ_ROUTING_ID, "client");
    connect_to(client, rig.front_at.text);
    do { /* until the reader is there */
        send_parts(client, "?");
        expect_parts(worker, "client", "?");
    } while (!can_recv(reader, 1));
    send_parts(client, "!");
    expect_parts(worker, "client", "!");
    for (bool more = true; more;) {
        recv_id(reader);
        struct part part = recv_part(reader);
        more = part_is(&part, "?");
    }
    for (int i = 0; i < 3; i++) {
        send_parts(client, "", "request");
        expect_parts(worker, "client", "", "request");
        expect_parts(reader, "client", "", "request");
        send_parts(worker, "client", "", "reply");
        expect_parts(client, "", "reply");
        expect_parts(reader, "client", "", "reply");
    }
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.capture.received.messages,
                     books.forward.received.messages + books.backward.received.messages);
    assert_int_equal(books.capture.received.bytes,
                     books.forward.received.bytes + books.backward.received.bytes);
}

TEST(captures_with_pub)
{
    sees_both_directions(*state, ZMQ_PUB, ZMQ_SUB);
}

TEST(captures_with_xpub)
{
    sees_both_directions(*state, ZMQ_XPUB, ZMQ_SUB);
}

TEST(captures_with_push)
{
    sees_both_directions(*state, ZMQ_PUSH, ZMQ_PULL);
}

TEST(captures_with_pair)
{
    sees_both_directions(*state, ZMQ_PAIR, ZMQ_PAIR);
}

TEST(captures_with_dealer)
{
    sees_both_directions(*state, ZMQ_DEALER, ZMQ_DEALER);
}

/* Without anybody at the capture socket: `kept` messages wait for who may come. */
static void goes_on_without_a_reader(int capture, enum gmq_drop reason, uint64_t kept)
{
    enum { COUNT = 3000 };
    struct endpoint capture_at;
    struct rig rig = captured("inproc://new", GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH, capture,
                              &capture_at);
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = peer_at(ZMQ_PULL, rig.back_at);
    for (int n = 0; n < COUNT; n++) {
        send_number(push, n, 0);
        assert_int_equal(recv_number(pull), n);
    }
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.capture.received.messages, COUNT);
    assert_int_equal(books.capture.dropped[reason].messages, COUNT - kept);
    assert_int_equal(books.capture.queued.messages, kept);
    assert_int_equal(books.forward.forwarded.messages, COUNT);
    assert_int_equal(gmq_device_stop(rig.device), 0);
    books = account_of(rig.device);
    assert_int_equal(books.capture.queued.messages, 0);
    assert_int_equal(books.capture.dropped[GMQ_DROP_STOPPED].messages, kept);
}

TEST(captures_without_a_reader_are_lost_and_counted)
{
    goes_on_without_a_reader(ZMQ_PUSH, GMQ_DROP_FULL, STALL_HWM);
    goes_on_without_a_reader(ZMQ_PAIR, GMQ_DROP_FULL, STALL_HWM);
    goes_on_without_a_reader(ZMQ_DEALER, GMQ_DROP_FULL, STALL_HWM);
    goes_on_without_a_reader(ZMQ_PUB, GMQ_DROP_UNWANTED, 0);
    goes_on_without_a_reader(ZMQ_XPUB, GMQ_DROP_UNWANTED, 0);
}

/* The first reader finds the first messages, also those of before it came, in order. */
static void keeps_for_the_first_reader(const char *where, int capture, int reads)
{
    struct endpoint capture_at;
    struct rig rig = captured(where, GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH, capture, &capture_at);
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = peer_at(ZMQ_PULL, rig.back_at);
    for (int n = 0; n < 2; n++) {
        send_number(push, n, 0);
        assert_int_equal(recv_number(pull), n);
    }
    send_parts(push, "in", "parts");
    expect_parts(pull, "in", "parts");
    void *reader = reader_at(capture_at, reads);
    for (int n = 0; n < 2; n++)
        assert_int_equal(recv_number(reader), n);
    expect_parts(reader, "in", "parts");
    send_parts(push, "while it is there");
    expect_parts(pull, "while it is there");
    expect_parts(reader, "while it is there");
    wait_books(rig.device, books.capture.forwarded.messages == 4);
}

TEST(keeps_for_the_first_reader_of_a_push)
{
    keeps_for_the_first_reader(*state, ZMQ_PUSH, ZMQ_PULL);
}

TEST(keeps_for_the_first_reader_of_a_pair)
{
    keeps_for_the_first_reader(*state, ZMQ_PAIR, ZMQ_PAIR);
}

TEST(keeps_for_the_first_reader_of_a_dealer)
{
    keeps_for_the_first_reader(*state, ZMQ_DEALER, ZMQ_DEALER);
}

/* Messages that fill buffers, captured for somebody who does not read them. */
static void goes_on_with_a_stalled_reader(int capture, const char *reads)
{
    enum { COUNT = 300 };
    struct endpoint capture_at;
    struct rig rig = captured("tcp://127.0.0.1:*", GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH, capture,
                              &capture_at);
    int fd = stalled_at(capture_at, reads);
    if (capture == ZMQ_PUB)
        raw_send_frame(fd, RAW_COMMAND, "\11SUBSCRIBE", 10);
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = peer_at(ZMQ_PULL, rig.back_at);
    int sent = 0;
    for (bool lost = false; sent < COUNT || !lost; sent++) {
        send_bulk(push, sent);
        assert_int_equal(recv_bulk(pull), sent);
        lost = account_of(rig.device).capture.dropped[GMQ_DROP_FULL].messages > 0;
    }
    struct gmq_account then = account_of(rig.device);
    assert_int_equal(then.forward.forwarded.messages, sent);
    assert_int_equal(then.forward.received.messages, sent);
    assert_int_equal(then.capture.received.messages, sent);
    assert_in_range(then.capture.queued.messages, STALL_HWM / 2 + 1, STALL_HWM);
    /* It reads again: whole messages, those that were kept, then new ones. */
    uint64_t kept = then.capture.forwarded.messages + then.capture.queued.messages;
    for (uint64_t n = 0; n < kept; n++) {
        size_t size;
        assert_int_equal(raw_recv_frame(fd).flags, RAW_MORE);
        assert_int_equal(raw_skip_frame(fd, &size), RAW_LONG);
        assert_int_equal(size, STALL_BODY);
    }
    send_parts(push, "now it reads");
    expect_parts(pull, "now it reads");
    struct raw_frame frame = raw_recv_frame(fd);
    assert_int_equal(frame.size, 12);
    close(fd);
    wait_books(rig.device, books.capture.queued.messages == 0);
    send_parts(push, "still there");
    expect_parts(pull, "still there");
}

TEST(a_stalled_reader_loses_captures_of_a_push)
{
    goes_on_with_a_stalled_reader(ZMQ_PUSH, "PULL");
}

TEST(a_stalled_reader_loses_captures_of_a_pair)
{
    goes_on_with_a_stalled_reader(ZMQ_PAIR, "PAIR");
}

TEST(a_stalled_reader_loses_captures_of_a_dealer)
{
    goes_on_with_a_stalled_reader(ZMQ_DEALER, "DEALER");
}

TEST(a_stalled_reader_loses_captures_of_a_pub)
{
    goes_on_with_a_stalled_reader(ZMQ_PUB, "SUB");
}

/* The reader of an inproc capture that does not receive: its inbox is full at some time. */
TEST(a_stalled_reader_in_the_same_process)
{
    enum { COUNT = 5000 };
    struct endpoint capture_at;
    struct rig rig = captured("inproc://new", GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH,
                              &capture_at);
    void *reader = open_socket(ZMQ_PULL);
    set_int(reader, ZMQ_RCVHWM, 5);
    connect_to(reader, capture_at.text);
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = peer_at(ZMQ_PULL, rig.back_at);
    for (int n = 0; n < COUNT; n++) {
        send_number(push, n, 0);
        assert_int_equal(recv_number(pull), n);
    }
    for (int n = 0; n < STALL_HWM + 5; n++)
        assert_int_equal(recv_number(reader), n);
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.capture.dropped[GMQ_DROP_FULL].messages, COUNT - STALL_HWM - 5);
}

/* Dropped messages are captured as they came; what a device does not take is not. */
TEST(captures_what_was_taken_only)
{
    struct endpoint capture_at;
    struct rig rig = captured("inproc://new", GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH,
                              &capture_at);
    void *reader = peer_at(ZMQ_PULL, capture_at), *push = peer_at(ZMQ_PUSH, rig.front_at);
    send_parts(push, "waits");
    expect_nothing(reader);
    assert_int_equal(account_of(rig.device).capture.received.messages, 0);
    void *pull = peer_at(ZMQ_PULL, rig.back_at);
    expect_parts(pull, "waits");
    expect_parts(reader, "waits");
}

/* What a reader of captures sends is nobody's. */
TEST(a_reader_that_talks_is_not_heard)
{
    struct endpoint capture_at;
    struct rig rig = captured("inproc://new", GMQ_DEVICE_ANY, ZMQ_PAIR, ZMQ_PAIR, ZMQ_DEALER,
                              &capture_at);
    void *left = peer_at(ZMQ_PAIR, rig.front_at), *right = peer_at(ZMQ_PAIR, rig.back_at);
    void *reader = peer_at(ZMQ_DEALER, capture_at);
    for (int i = 0; i < 5000; i++) /* more than any queue would hold */
        send_parts(reader, "hello?");
    send_parts(left, "there");
    expect_parts(right, "there");
    expect_parts(reader, "there");
    send_parts(right, "back");
    expect_parts(left, "back");
    expect_parts(reader, "back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE_OVER_ALL(captures_with_pub),
        RUN_DEVICE_OVER_ALL(captures_with_xpub),
        RUN_DEVICE_OVER_ALL(captures_with_push),
        RUN_DEVICE_OVER_ALL(captures_with_pair),
        RUN_DEVICE_OVER_ALL(captures_with_dealer),
        RUN_DEVICE(captures_without_a_reader_are_lost_and_counted),
        RUN_DEVICE_OVER_ALL(keeps_for_the_first_reader_of_a_push),
        RUN_DEVICE_OVER_ALL(keeps_for_the_first_reader_of_a_pair),
        RUN_DEVICE_OVER_ALL(keeps_for_the_first_reader_of_a_dealer),
        RUN_DEVICE(a_stalled_reader_loses_captures_of_a_push),
        RUN_DEVICE(a_stalled_reader_loses_captures_of_a_pair),
        RUN_DEVICE(a_stalled_reader_loses_captures_of_a_dealer),
        RUN_DEVICE(a_stalled_reader_loses_captures_of_a_pub),
        RUN_DEVICE(a_stalled_reader_in_the_same_process),
        RUN_DEVICE(captures_what_was_taken_only),
        RUN_DEVICE(a_reader_that_talks_is_not_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
