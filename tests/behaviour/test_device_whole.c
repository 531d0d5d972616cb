/* SPDX-License-Identifier: MIT */
/*
 * What must not end a device or tear a message: peers that die in the middle of a multipart
 * message, clients that have gone when their reply comes, broken envelopes, the end of the
 * context. Messages move whole or not at all.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/device.h"
#include "behaviour/stall.h"

enum { MIB = 1 << 20 };

/* A frame of any size whose body is all `fill`; at most `octets` octets of it are sent. */
static void raw_send_begun(int fd, unsigned flags, size_t size, char fill, size_t octets)
{
    char *frame = malloc(9 + size);
    assert_non_null(frame);
    frame[0] = (char)(flags | RAW_LONG);
    for (int i = 0; i < 8; i++)
        frame[1 + i] = (char)((uint64_t)size >> (56 - 8 * i));
    memset(frame + 9, fill, size);
    if (octets > 9 + size)
        octets = 9 + size;
    for (size_t sent = 0; sent < octets;) {
        ssize_t n = send(fd, frame + sent, octets - sent, MSG_NOSIGNAL);
        assert_true(n > 0);
        sent += (size_t)n;
    }
    free(frame);
}

static void raw_send_large(int fd, unsigned flags, size_t size, char fill)
{
    raw_send_begun(fd, flags, size, fill, SIZE_MAX);
}

/* Closed with a reset: what is on the way may be lost as well. */
static void raw_reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

/* Ways to die in the middle of a message of several parts. */
static void begin_and_die(int fd, int way)
{
    size_t size = way % 2 ? MIB : 10;
    raw_send_large(fd, RAW_MORE, size, 'x');
    if (way / 2 % 3 == 1)
        raw_send_begun(fd, RAW_MORE, size, 'y', 9 + size / 2); /* within a body */
    else if (way / 2 % 3 == 2)
        raw_send_begun(fd, 0, size, 'z', 5); /* within a header */
    if (way / 6)
        raw_reset(fd);
    else
        close(fd);
}

enum { WAYS = 12 };

TEST(a_producer_dies_in_the_middle)
{
    struct rig rig = streamer_at("tcp://127.0.0.1:*");
    void *pull = peer_at(ZMQ_PULL, rig.back_at);
    for (int way = 0; way < WAYS; way++) {
        int fd = raw_connect(port_of(rig.front_at));
        raw_handshake(fd, "PUSH");
        raw_send_frame(fd, RAW_MORE, "whole", 5);
        raw_send_frame(fd, 0, "message", 7);
        expect_parts(pull, "whole", "message");
        begin_and_die(fd, way);
        wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == (uint64_t)way + 1);
    }
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    send_parts(push, "next");
    expect_parts(pull, "next");
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.forward.received.messages, WAYS + 1);
    assert_int_equal(books.forward.received.parts, 2 * WAYS + 1);
}

TEST(a_client_dies_in_the_middle)
{
    struct rig rig = queue_at("tcp://127.0.0.1:*");
    void *worker = peer_at(ZMQ_REP, rig.back_at);
    for (int way = 0; way < WAYS; way++) {
        int fd = raw_connect(port_of(rig.front_at));
        raw_handshake(fd, "REQ");
        wait_books(rig.device, books.frontend_joined == (uint64_t)way + 1);
        raw_send_frame(fd, RAW_MORE, "", 0);
        begin_and_die(fd, way);
        wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == (uint64_t)way + 1);
    }
    void *req = peer_at(ZMQ_REQ, rig.front_at);
    send_parts(req, "ask");
    expect_parts(worker, "ask");
    send_parts(worker, "answer");
    expect_parts(req, "answer");
    assert_int_equal(account_of(rig.device).forward.received.messages, 1);
}

TEST(a_publisher_dies_in_the_middle)
{
    struct rig rig = forwarder_at("tcp://127.0.0.1:*");
    void *sub = open_socket(ZMQ_SUB);
    set_text(sub, ZMQ_SUBSCRIBE, "");
    connect_to(sub, rig.back_at.text);
    wait_books(rig.device, books.backward.forwarded.messages == 1);
    for (int way = 0; way < WAYS; way++) {
        int fd = raw_connect(port_of(rig.front_at));
        raw_handshake(fd, "PUB");
        raw_send_frame(fd, 0, "whole", 5);
        expect_parts(sub, "whole");
        begin_and_die(fd, way);
        wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == (uint64_t)way + 1);
    }
    assert_int_equal(account_of(rig.device).forward.received.messages, WAYS);
}

TEST(a_worker_dies_in_the_middle_of_its_reply)
{
    struct rig rig = queue_at("tcp://127.0.0.1:*");
    void *client = peer_at(ZMQ_DEALER, rig.front_at);
    for (int way = 0; way < WAYS; way++) {
        int fd = raw_connect(port_of(rig.back_at));
        raw_handshake(fd, "DEALER");
        wait_books(rig.device, books.backend_peers == 1);
        send_parts(client, "ask");
        struct raw_frame id = raw_recv_frame(fd);
        assert_int_equal(raw_recv_frame(fd).size, 3);
        raw_send_frame(fd, RAW_MORE, id.body, id.size);
        begin_and_die(fd, way);
        wait_books(rig.device, books.backend_left[GMQ_LEAVE_CLOSED] == (uint64_t)way + 1);
    }
    void *worker = peer_at(ZMQ_ROUTER, rig.back_at);
    send_parts(client, "last");
    struct part queue = recv_id(worker), id = recv_id(worker);
    expect_parts(worker, "last");
    send_part(worker, &queue, ZMQ_SNDMORE);
    send_part(worker, &id, ZMQ_SNDMORE);
    send_parts(worker, "answered");
    expect_parts(client, "answered"); /* and nothing of what had begun before */
    assert_int_equal(account_of(rig.device).backward.received.messages, 1);
}

/* Parts of any size, from a sender that says them octet by octet and in large pieces. */
TEST(messages_move_whole)
{
    struct rig rig = streamer_at("tcp://127.0.0.1:*");
    void *pull = peer_at(ZMQ_PULL, rig.back_at);
    int fd = raw_connect(port_of(rig.front_at));
    raw_handshake(fd, "PUSH");
    static char body[2 * MIB];
    static const char slow[] = "\1\1a\1\1b\1\0\0\1c";
    for (size_t i = 0; i < sizeof slow - 1; i++) {
        raw_send(fd, &slow[i], 1);
        if (i % 3 == 0)
            assert_false(can_recv(pull, 1));
    }
    expect_parts(pull, "a", "b", "", "c");
    raw_send_large(fd, RAW_MORE, MIB, 'm');
    raw_send_large(fd, RAW_MORE, 0, 0);
    raw_send_large(fd, RAW_MORE, 2 * MIB, 'n');
    raw_send_large(fd, RAW_MORE, 200, 'o');
    assert_false(can_recv(pull, 20));
    assert_int_equal(account_of(rig.device).forward.received.messages, 1);
    raw_send_large(fd, 0, MIB, 'p');
    static const size_t sizes[] = {MIB, 0, 2 * MIB, 200, MIB};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(zmq_recv(pull, body, sizeof body, 0), sizes[i]);
        assert_int_equal(get_int(pull, ZMQ_RCVMORE), i < 4);
        for (size_t n = 0; n < sizes[i]; n += 997)
            assert_int_equal(body[n], "m-nop"[i]);
    }
    close(fd);
}

/* The consumer dies in the middle of what it is sent; the next consumer gets whole messages. */
TEST(a_consumer_dies_in_the_middle)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int next = 0, seen = -1;
    for (int round = 0; round < 5; round++) {
        int fd = stalled_at(rig.back_at, "PULL");
        next += send_until_full(push, next);
        raw_skip_frame(fd, NULL);
        if (round % 2)
            raw_reset(fd);
        else
            close(fd);
        wait_books(rig.device, books.backend_peers == 0);
        void *pull = peer_at(ZMQ_PULL, rig.back_at);
        while (seen < next - 1) {
            int number = recv_bulk(pull);
            assert_true(number > seen);
            seen = number;
        }
        close_socket(pull);
        wait_books(rig.device, books.backend_peers == 0);
    }
}

/* A consumer that the device connects to: what it had begun to get is lost with the connection,
 * and counted; on the next one messages begin where messages begin. */
TEST(a_consumer_comes_back)
{
    int port = 0, small = STALL_BUFFER, listener = raw_listen(&port, 5), first = 0;
    char where[64];
    struct rig rig = {.front = open_socket(ZMQ_PULL), .back = open_socket(ZMQ_PUSH)};
    setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    snprintf(where, sizeof where, "tcp://127.0.0.1:%d", port);
    keep_little(rig.back);
    set_int(rig.back, ZMQ_RECONNECT_IVL, 1);
    connect_to(rig.back, where);
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    start_rig(&rig, GMQ_DEVICE_STREAMER);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    for (uint64_t round = 0; round < 5; round++) {
        int fd = raw_accept(listener);
        raw_handshake(fd, "PULL");
        first += send_until_full(push, first);
        struct gmq_account then = account_of(rig.device);
        char number[16];
        int last = -1;
        for (int n = 0; n < 8; n++) {
            struct raw_frame frame = raw_recv_frame(fd);
            assert_int_equal(frame.flags, RAW_MORE);
            assert_in_range(frame.size, 1, 7);
            memcpy(number, frame.body, frame.size);
            number[frame.size] = 0;
            assert_true(atoi(number) > last);
            last = atoi(number);
            size_t size;
            assert_int_equal(raw_skip_frame(fd, &size), RAW_LONG);
            assert_int_equal(size, STALL_BODY);
        }
        raw_reset(fd);
        wait_books(rig.device, books.backend_left[GMQ_LEAVE_CLOSED] == round + 1);
        struct gmq_account now = account_of(rig.device);
        uint64_t lost = now.forward.dropped[GMQ_DROP_PEER_LOST].messages;
        assert_in_range(lost - then.forward.dropped[GMQ_DROP_PEER_LOST].messages, 0, 1);
    }
    assert_true(account_of(rig.device).forward.dropped[GMQ_DROP_PEER_LOST].messages > 0);
    close(listener);
}

static void reply_to_nobody(struct rig *rig)
{
    void *client = peer_at(ZMQ_DEALER, rig->front_at), *worker = peer_at(ZMQ_DEALER, rig->back_at);
    for (int round = 1; round <= 3; round++) {
        void *goes = peer_at(ZMQ_DEALER, rig->front_at);
        send_parts(goes, "bye");
        struct part id = recv_id(worker);
        expect_parts(worker, "bye");
        close_socket(goes);
        wait_books(rig->device, books.frontend_left[GMQ_LEAVE_CLOSED] == (uint64_t)round);
        for (int i = 0; i < 10; i++) {
            send_part(worker, &id, ZMQ_SNDMORE);
            send_parts(worker, "to", "whom?");
        }
        send_parts(client, "ask");
        id = recv_id(worker);
        expect_parts(worker, "ask");
        send_part(worker, &id, ZMQ_SNDMORE);
        send_parts(worker, "answer");
        expect_parts(client, "answer");
    }
    struct gmq_account books = account_of(rig->device);
    assert_int_equal(books.backward.dropped[GMQ_DROP_NO_ROUTE].messages, 30);
    assert_int_equal(books.backward.dropped[GMQ_DROP_NO_ROUTE].parts, 90);
    assert_int_equal(books.state, GMQ_DEVICE_RUNNING);
}

TEST(a_client_has_gone_when_its_reply_comes)
{
    struct rig rig = queue_at(*state);
    reply_to_nobody(&rig);
}

TEST(a_client_of_a_mandatory_router_has_gone)
{
    struct rig rig = bound_rig(*state, ZMQ_ROUTER, ZMQ_DEALER);
    set_int(rig.front, ZMQ_ROUTER_MANDATORY, 1);
    start_rig(&rig, GMQ_DEVICE_QUEUE);
    reply_to_nobody(&rig);
}

/* The same in lock step: a REQ asks one worker at a time. */
TEST(a_client_has_gone_before_a_req)
{
    struct rig rig = bound_rig(*state, ZMQ_ROUTER, ZMQ_REQ);
    set_int(rig.front, ZMQ_ROUTER_MANDATORY, 1);
    start_rig(&rig, GMQ_DEVICE_ANY);
    void *rep = peer_at(ZMQ_REP, rig.back_at), *client = peer_at(ZMQ_DEALER, rig.front_at);
    for (uint64_t round = 1; round <= 3; round++) {
        void *goes = peer_at(ZMQ_DEALER, rig.front_at);
        send_parts(goes, "bye");
        struct part id = recv_id(rep);
        expect_parts(rep, "bye");
        close_socket(goes);
        wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == round);
        send_part(rep, &id, ZMQ_SNDMORE);
        send_parts(rep, "whom?");
        wait_books(rig.device, books.backward.dropped[GMQ_DROP_NO_ROUTE].messages == round);
        send_parts(client, "ask");
        id = recv_id(rep);
        expect_parts(rep, "ask");
        send_part(rep, &id, ZMQ_SNDMORE);
        send_parts(rep, "answer");
        expect_parts(client, "answer");
    }
}

TEST(a_client_of_a_rep_has_gone)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_REP, ZMQ_REQ);
    void *rep = peer_at(ZMQ_REP, rig.back_at), *client = peer_at(ZMQ_REQ, rig.front_at);
    void *goes = peer_at(ZMQ_REQ, rig.front_at);
    send_parts(goes, "bye");
    expect_parts(rep, "bye");
    close_socket(goes);
    wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == 1);
    send_parts(rep, "whom?");
    send_parts(client, "ask");
    expect_parts(rep, "ask");
    send_parts(rep, "answer");
    expect_parts(client, "answer");
    wait_books(rig.device, books.backward.dropped[GMQ_DROP_NO_ROUTE].messages == 1);
}

/* Workers that leave the envelope out, or make one up. */
TEST(broken_envelopes_are_counted)
{
    struct rig rig = queue_at(*state);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *worker = peer_at(ZMQ_DEALER, rig.back_at);
    send_parts(client, "ask");
    struct part id = recv_id(worker);
    expect_parts(worker, "ask");
    send_parts(worker, "no envelope");
    send_part(worker, &id, 0);
    send_parts(worker, "");
    send_parts(worker, "nobody", "is called so");
    send_parts(worker, "", "nor so");
    send_part(worker, &id, ZMQ_SNDMORE);
    send_parts(worker, "right");
    expect_parts(client, "right");
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.backward.dropped[GMQ_DROP_MALFORMED].messages, 3);
    assert_int_equal(books.backward.dropped[GMQ_DROP_NO_ROUTE].messages, 2);
}

#define WHOLE_OVER_TCP_AND_INPROC(test)                        \
    device_case(#test "_over_tcp", test, "tcp://127.0.0.1:*"), \
        device_case(#test "_over_inproc", test, "inproc://new")

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE(a_producer_dies_in_the_middle),
        RUN_DEVICE(a_client_dies_in_the_middle),
        RUN_DEVICE(a_publisher_dies_in_the_middle),
        RUN_DEVICE(a_worker_dies_in_the_middle_of_its_reply),
        RUN_DEVICE(messages_move_whole),
        RUN_DEVICE(a_consumer_dies_in_the_middle),
        RUN_DEVICE(a_consumer_comes_back),
        WHOLE_OVER_TCP_AND_INPROC(a_client_has_gone_when_its_reply_comes),
        WHOLE_OVER_TCP_AND_INPROC(a_client_of_a_mandatory_router_has_gone),
        WHOLE_OVER_TCP_AND_INPROC(a_client_has_gone_before_a_req),
        WHOLE_OVER_TCP_AND_INPROC(a_client_of_a_rep_has_gone),
        WHOLE_OVER_TCP_AND_INPROC(broken_envelopes_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
