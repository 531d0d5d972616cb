/* SPDX-License-Identifier: MIT */
/*
 * Who is at a device: the lines of its peers, which add up to its account, who joined and left and
 * why, and the events that tell it.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/device.h"
#include "behaviour/stall.h"

enum { PEERS_MAX = 16 };

struct lines {
    struct gmq_peer peer[PEERS_MAX];
    long count;
};

static struct lines lines_of(struct gmq_device *device)
{
    static struct lines lines;
    lines.count = gmq_device_peers(device, lines.peer, PEERS_MAX);
    assert_in_range(lines.count, 0, PEERS_MAX);
    return lines;
}

static const struct gmq_peer *find(const struct lines *lines, int backend, const char *id)
{
    for (long i = 0; i < lines->count; i++) {
        const struct gmq_peer *peer = &lines->peer[i];
        if (peer->backend == backend && peer->routing_id_size == strlen(id) &&
            memcmp(peer->routing_id, id, strlen(id)) == 0)
            return peer;
    }
    fail_msg("no peer \"%s\"", id);
    return NULL;
}

/* The lines of one side added up: what came from them, and what went to them. */
static void sum_lines(const struct lines *lines, int backend, struct gmq_tally *from,
                      struct gmq_flow *to)
{
    *from = (struct gmq_tally){0};
    *to = (struct gmq_flow){0};
    for (long i = 0; i < lines->count; i++) {
        const struct gmq_flow *flow = &lines->peer[i].flow;
        if (lines->peer[i].backend != backend)
            continue;
        add_tally(from, &flow->received);
        add_tally(&to->forwarded, &flow->forwarded);
        add_tally(&to->queued, &flow->queued);
        for (int n = 0; n < GMQ_DROP_REASONS; n++)
            add_tally(&to->dropped[n], &flow->dropped[n]);
    }
}

/* Nobody has left, so the lines make up the account. */
static void expect_lines_add_up(struct gmq_device *device)
{
    struct lines lines = lines_of(device);
    struct gmq_account books = account_of(device);
    struct gmq_tally from[2];
    struct gmq_flow to[2];
    for (int backend = 0; backend < 2; backend++)
        sum_lines(&lines, backend, &from[backend], &to[backend]);
    assert_true(same_tally(&from[0], &books.forward.received));
    assert_true(same_tally(&from[1], &books.backward.received));
    assert_true(same_tally(&to[1].forwarded, &books.forward.forwarded));
    assert_true(same_tally(&to[0].forwarded, &books.backward.forwarded));
    assert_true(same_tally(&to[1].queued, &books.forward.queued));
    assert_true(same_tally(&to[0].queued, &books.backward.queued));
    assert_true(same_tally(&to[0].dropped[GMQ_DROP_FULL], &books.backward.dropped[GMQ_DROP_FULL]));
    assert_int_equal(lines.count, books.frontend_peers + books.backend_peers);
}

static void *named_at(int type, struct endpoint where, const char *name)
{
    void *socket = open_socket(type);
    set_text(socket, ZMQ_ROUTING_ID, name);
    connect_to(socket, where.text);
    return socket;
}

TEST(every_peer_has_its_lines)
{
    struct rig rig = queue_at(*state);
    void *a = named_at(ZMQ_REQ, rig.front_at, "alice"), *b = named_at(ZMQ_REQ, rig.front_at, "bo");
    void *worker = named_at(ZMQ_REP, rig.back_at, "worker");
    for (int i = 0; i < 10; i++) {
        void *asks = i % 5 ? a : b;
        send_parts(asks, "request", "in parts");
        expect_parts(worker, "request", "in parts");
        send_parts(worker, "ok");
        expect_parts(asks, "ok");
    }
    wait_books(rig.device, books.backward.forwarded.messages == 10);
    struct lines lines = lines_of(rig.device);
    const struct gmq_peer *alice = find(&lines, 0, "alice");
    assert_int_equal(alice->flow.received.messages, 8);
    assert_int_equal(alice->flow.received.parts, 8 * 4); /* id, delimiter, two parts */
    assert_int_equal(alice->flow.received.bytes, 8 * (5 + 7 + 8));
    assert_int_equal(alice->flow.forwarded.messages, 8);
    assert_int_equal(alice->flow.forwarded.parts, 8 * 3);
    assert_int_equal(alice->flow.forwarded.bytes, 8 * (5 + 2));
    assert_int_equal(find(&lines, 0, "bo")->flow.received.messages, 2);
    expect_lines_add_up(rig.device);
}

TEST(lines_of_streamers_add_up)
{
    struct rig rig = streamer_at(*state);
    void *push[2], *pull[3];
    for (int i = 0; i < 3; i++)
        pull[i] = peer_at(ZMQ_PULL, rig.back_at);
    wait_books(rig.device, books.backend_peers == 3);
    for (int i = 0; i < 2; i++)
        push[i] = peer_at(ZMQ_PUSH, rig.front_at);
    for (int n = 0; n < 30; n++)
        for (int i = 0; i < 2; i++)
            send_parts(push[i], "a", "bc");
    for (int i = 0; i < 3; i++)
        for (int n = 0; n < 20; n++)
            expect_parts(pull[i], "a", "bc");
    wait_books(rig.device, books.forward.forwarded.messages == 60);
    expect_lines_add_up(rig.device);
    struct lines lines = lines_of(rig.device);
    for (long i = 0; i < lines.count; i++)
        assert_int_equal(lines.peer[i].flow.forwarded.messages, lines.peer[i].backend ? 20 : 0);
}

TEST(lines_add_up_with_a_stalled_client)
{
    struct rig rig = small_rig(GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *worker = peer_at(ZMQ_DEALER, rig.back_at);
    int fd = stalled_at(rig.front_at, "DEALER");
    raw_send_frame(fd, 0, "hello", 5);
    struct part id = recv_id(worker);
    expect_parts(worker, "hello");
    for (int n = 0; n < 50; n++) {
        send_part(worker, &id, ZMQ_SNDMORE);
        send_bulk(worker, n);
    }
    wait_books(rig.device, books.backward.received.messages == 50);
    expect_lines_add_up(rig.device);
    close(fd);
}

/* In lock step too. */
TEST(lines_of_rep_and_req_add_up)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_REP, ZMQ_REQ);
    void *req[2] = {peer_at(ZMQ_REQ, rig.front_at), peer_at(ZMQ_REQ, rig.front_at)};
    void *rep = peer_at(ZMQ_REP, rig.back_at);
    for (int i = 0; i < 10; i++) {
        send_parts(req[i % 2], "one", "two");
        expect_parts(rep, "one", "two");
        send_parts(rep, "three");
        expect_parts(req[i % 2], "three");
    }
    wait_books(rig.device, books.backward.forwarded.messages == 10);
    expect_lines_add_up(rig.device);
}

/* The envelope that a REP puts in front comes from nobody. Replies with different ones may wait in
 * one queue. */
TEST(envelopes_of_any_depth_count_as_copied)
{
    struct rig rig = small_rig(GMQ_DEVICE_ANY, ZMQ_REP, ZMQ_REQ);
    void *rep = peer_at(ZMQ_REP, rig.back_at);
    int fd = stalled_at(rig.front_at, "DEALER");
    for (int n = 0; n < 40; n++) {
        for (int depth = 0; depth < n % 5; depth++)
            raw_send_frame(fd, RAW_MORE, "envelope", 8);
        raw_send_frame(fd, RAW_MORE, "", 0);
        raw_send_frame(fd, 0, "ask", 3);
        expect_parts(rep, "ask");
        send_bulk(rep, n);
        wait_books(rig.device, books.backward.received.messages == (uint64_t)n + 1);
    }
    expect_lines_add_up(rig.device);
    for (int frames = 0; account_of(rig.device).backward.queued.messages; frames++)
        raw_skip_frame(fd, NULL);
    expect_lines_add_up(rig.device);
    struct gmq_account end = account_of(rig.device);
    assert_int_equal(end.backward.queued.parts, 0);
    assert_int_equal(end.backward.queued.bytes, 0);
    assert_int_equal(end.backward.copied.messages, 0);
    uint64_t envelopes = end.backward.forwarded.parts - 2 * end.backward.forwarded.messages;
    assert_int_equal(end.backward.copied.parts, envelopes);
    close(fd);
}

/* Books begin with the device: what the application sent before is not in them. */
TEST(books_begin_with_the_start)
{
    struct rig rig = bound_rig(*state, ZMQ_PAIR, ZMQ_PAIR);
    void *left = peer_at(ZMQ_PAIR, rig.front_at), *right = peer_at(ZMQ_PAIR, rig.back_at);
    for (int i = 0; i < 10; i++) {
        send_parts(rig.front, "before");
        expect_parts(left, "before");
        send_parts(right, "before");
        expect_parts(rig.back, "before");
    }
    struct gmq_account empty = {.size = sizeof empty};
    struct gmq_device *unstarted = keep_device(gmq_device_new(rig.front, rig.back, NULL));
    struct gmq_account read = account_of(unstarted);
    assert_memory_equal(&read, &empty, sizeof read);
    assert_int_equal(gmq_device_peers(unstarted, NULL, 0), 0);
    start_rig(&rig, GMQ_DEVICE_ANY);
    read = account_of(rig.device);
    assert_int_equal(read.backward.received.messages, 0);
    assert_int_equal(read.frontend_joined, 1);
    assert_int_equal(read.backend_joined, 1);
    send_parts(left, "to", "the right");
    expect_parts(right, "to", "the right");
    wait_books(rig.device, books.forward.forwarded.messages == 1);
    expect_lines_add_up(rig.device);
    gmq_device_stop(rig.device);
    assert_int_equal(gmq_device_peers(rig.device, NULL, 0), 0);
}

TEST(peers_are_counted_beyond_the_room)
{
    struct rig rig = queue_at(*state);
    struct gmq_peer one[2];
    memset(one, 0xee, sizeof one);
    for (int i = 0; i < 5; i++)
        peer_at(ZMQ_DEALER, rig.front_at);
    wait_books(rig.device, books.frontend_peers == 5);
    assert_int_equal(gmq_device_peers(rig.device, one, 1), 5);
    assert_int_equal(one[0].connected, 1);
    assert_int_equal(one[1].connected, (int)0xeeeeeeee);
    assert_int_equal(gmq_device_peers(rig.device, NULL, 0), 5);
}

TEST(addresses_are_told)
{
    struct rig rig = queue_at("tcp://127.0.0.1:*");
    int fd = raw_connect(port_of(rig.front_at));
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    char expected[64];
    getsockname(fd, (struct sockaddr *)&own, &size);
    raw_handshake(fd, "DEALER");
    wait_books(rig.device, books.frontend_peers == 1);
    snprintf(expected, sizeof expected, "tcp://127.0.0.1:%d", ntohs(own.sin_port));
    assert_string_equal(lines_of(rig.device).peer[0].endpoint, expected);
    struct gmq_event event;
    assert_int_equal(gmq_device_event(rig.device, &event, NULL), 1);
    assert_int_equal(event.kind, GMQ_EVENT_JOINED);
    assert_int_equal(event.backend, 0);
    assert_string_equal(event.endpoint, expected);
    close(fd);
    wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == 1);
    assert_int_equal(gmq_device_event(rig.device, &event, NULL), 1);
    assert_int_equal(event.kind, GMQ_EVENT_LEFT);
    assert_string_equal(event.endpoint, expected);
    assert_string_equal(event.reason, "closed");
}

TEST(a_peer_that_closes_has_left)
{
    struct rig rig = queue_at(*state);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *worker = peer_at(ZMQ_DEALER, rig.back_at);
    wait_books(rig.device, books.frontend_peers == 1 && books.backend_peers == 1);
    close_socket(client);
    close_socket(worker);
    wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == 1 &&
                               books.backend_left[GMQ_LEAVE_CLOSED] == 1);
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.frontend_peers + books.backend_peers, 0);
    assert_int_equal(books.frontend_joined, 1);
    assert_int_equal(gmq_device_peers(rig.device, NULL, 0), 0);
}

static void expect_refusal(struct gmq_device *device, const char *reason)
{
    struct gmq_event event;
    wait_books(device, books.frontend_refused == 1);
    do {
        assert_int_equal(gmq_device_event(device, &event, NULL), 1);
    } while (event.kind != GMQ_EVENT_REFUSED);
    assert_int_equal(event.backend, 0);
    assert_string_not_equal(event.endpoint, "");
    assert_non_null(strstr(event.reason, reason));
}

TEST(a_peer_that_breaks_the_protocol_is_cut)
{
    struct rig rig = queue_at("tcp://127.0.0.1:*");
    int fd = raw_connect(port_of(rig.front_at));
    raw_handshake(fd, "DEALER");
    raw_send(fd, "\xf0\1x", 3);
    assert_true(raw_closes(fd, DEADLINE_MS));
    expect_refusal(rig.device, "reserved");
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.frontend_left[GMQ_LEAVE_PROTOCOL], 1);
    close(fd);
}

TEST(what_never_joined_is_refused)
{
    struct rig rig = queue_at("tcp://127.0.0.1:*");
    int fd = raw_connect(port_of(rig.front_at));
    raw_send(fd, "GET / HTTP/1.1\r\nHost: here\r\n\r\n", 30);
    assert_true(raw_closes(fd, DEADLINE_MS));
    expect_refusal(rig.device, "");
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.frontend_joined, 0);
    close(fd);
}

TEST(a_peer_that_answers_no_heartbeats_has_left)
{
    struct rig rig = bound_rig("tcp://127.0.0.1:*", ZMQ_ROUTER, ZMQ_DEALER);
    set_int(rig.front, ZMQ_HEARTBEAT_IVL, 50);
    set_int(rig.front, ZMQ_HEARTBEAT_TIMEOUT, 50);
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    start_rig(&rig, GMQ_DEVICE_QUEUE);
    int fd = raw_connect(port_of(rig.front_at));
    raw_handshake(fd, "DEALER");
    wait_books(rig.device, books.frontend_left[GMQ_LEAVE_TIMEOUT] == 1);
    close(fd);
}

TEST(a_peer_whose_name_is_taken_over_has_left)
{
    struct rig rig = bound_rig(*state, ZMQ_ROUTER, ZMQ_DEALER);
    set_int(rig.front, ZMQ_ROUTER_HANDOVER, 1);
    start_rig(&rig, GMQ_DEVICE_QUEUE);
    named_at(ZMQ_DEALER, rig.front_at, "name");
    wait_books(rig.device, books.frontend_peers == 1);
    void *next = named_at(ZMQ_DEALER, rig.front_at, "name");
    wait_books(rig.device, books.frontend_left[GMQ_LEAVE_REPLACED] >= 1);
    void *worker = peer_at(ZMQ_DEALER, rig.back_at);
    send_parts(next, "it is me");
    expect_parts(worker, "name", "it is me");
}

TEST(a_peer_that_we_disconnect_has_left)
{
    struct rig rig = queue_at(*state);
    void *worker = open_socket(ZMQ_ROUTER);
    struct endpoint where = bind_anew(worker, *state);
    connect_to(rig.back, where.text);
    wait_books(rig.device, books.backend_peers == 1);
    assert_int_equal(zmq_disconnect(rig.back, where.text), 0);
    wait_books(rig.device, books.backend_left[GMQ_LEAVE_LOCAL] == 1);
    assert_int_equal(account_of(rig.device).backend_peers, 0);
}

/* What waits for the dead is dropped, and the device's books say so. */
TEST(a_device_counts_what_waited_for_the_lost)
{
    static char body[65536];
    int port = 0, listener = raw_listen(&port, 5);
    char where[64];
    snprintf(where, sizeof where, "tcp://127.0.0.1:%d", port);
    struct rig rig = {.front = open_socket(ZMQ_PULL), .back = open_socket(ZMQ_PUSH)};
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    set_int(rig.back, ZMQ_RECONNECT_IVL, -1);
    connect_to(rig.back, where);
    start_rig(&rig, GMQ_DEVICE_STREAMER);
    int fd = raw_accept(listener);
    raw_handshake(fd, "PULL");
    void *push = open_socket(ZMQ_PUSH);
    set_int(push, ZMQ_LINGER, 0);
    connect_to(push, rig.front_at.text);
    wait_until(zmq_send(push, body, sizeof body, ZMQ_DONTWAIT) < 0); /* nobody reads */
    wait_books(rig.device, books.forward.queued.messages > 0);
    close(fd);
    wait_books(rig.device, books.backend_left[GMQ_LEAVE_CLOSED] == 1);
    wait_books(rig.device, books.forward.queued.messages == 0);
    struct gmq_account books = account_of(rig.device);
    assert_true(books.forward.dropped[GMQ_DROP_PEER_LOST].messages > 0);
    assert_int_equal(books.backend_peers, 0);
    struct gmq_peer line[4];
    assert_int_equal(gmq_device_peers(rig.device, line, 4), 1); /* the front's */
    close(listener);
}

/* The device connects: its peer stays while the connection comes and goes. */
TEST(a_peer_comes_back)
{
    struct rig rig = queue_at("tcp://127.0.0.1:*");
    int port = 0, listener = raw_listen(&port, 5);
    char where[64];
    snprintf(where, sizeof where, "tcp://127.0.0.1:%d", port);
    set_int(rig.back, ZMQ_RECONNECT_IVL, 1);
    connect_to(rig.back, where);
    struct lines lines = lines_of(rig.device);
    assert_int_equal(lines.count, 1);
    assert_int_equal(lines.peer[0].connected, 0);
    for (uint64_t round = 1; round <= 3; round++) {
        int fd = raw_accept(listener);
        raw_handshake(fd, "DEALER");
        wait_books(rig.device, books.backend_peers == 1);
        assert_int_equal(lines_of(rig.device).peer[0].connected, 1);
        assert_int_equal(account_of(rig.device).backend_joined, round);
        close(fd);
        wait_books(rig.device, books.backend_left[GMQ_LEAVE_CLOSED] == round);
        assert_int_equal(gmq_device_peers(rig.device, NULL, 0), 1);
    }
    close(listener);
}

TEST(events_are_kept_as_many_as_asked_for)
{
    struct rig rig = bound_rig(*state, ZMQ_PULL, ZMQ_PUSH);
    struct gmq_device_options options = {.size = sizeof options, .event_count = 3};
    struct gmq_event event;
    uint64_t lost = 99;
    rig.device = keep_device(gmq_device_new(rig.front, rig.back, &options));
    gmq_device_start(rig.device);
    assert_int_equal(gmq_device_event(rig.device, &event, &lost), 0);
    assert_int_equal(lost, 0);
    for (int i = 0; i < 2; i++)
        peer_at(ZMQ_PUSH, rig.front_at);
    wait_books(rig.device, books.frontend_peers == 2);
    void *pull[3];
    for (int i = 0; i < 3; i++)
        pull[i] = peer_at(ZMQ_PULL, rig.back_at);
    wait_books(rig.device, books.backend_peers == 3);
    close_socket(pull[1]);
    wait_books(rig.device, books.backend_peers == 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gmq_device_event(rig.device, &event, &lost), 1);
        assert_int_equal(event.kind, i < 2 ? GMQ_EVENT_JOINED : GMQ_EVENT_LEFT);
        assert_int_equal(event.backend, 1);
        assert_int_equal(lost, i == 0 ? 3 : 0);
    }
    assert_int_equal(gmq_device_event(rig.device, &event, NULL), 0);
    expect_error(gmq_device_event(rig.device, NULL, NULL), EINVAL);
    /* They can be taken after the end. */
    close_socket(pull[0]);
    wait_books(rig.device, books.backend_peers == 1);
    gmq_device_stop(rig.device);
    assert_int_equal(gmq_device_event(rig.device, &event, NULL), 1);
    assert_int_equal(gmq_device_event(rig.device, &event, NULL), 0);
}

TEST(no_events_are_kept_unless_asked_for)
{
    struct rig rig = bound_rig("inproc://new", ZMQ_PULL, ZMQ_PUSH);
    struct gmq_event event;
    rig.device = keep_device(gmq_device_new(rig.front, rig.back, NULL));
    gmq_device_start(rig.device);
    peer_at(ZMQ_PUSH, rig.front_at);
    wait_books(rig.device, books.frontend_peers == 1);
    assert_int_equal(gmq_device_event(rig.device, &event, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE_OVER_ALL(every_peer_has_its_lines),
        RUN_DEVICE_OVER_ALL(lines_of_streamers_add_up),
        RUN_DEVICE(lines_add_up_with_a_stalled_client),
        RUN_DEVICE_OVER_ALL(lines_of_rep_and_req_add_up),
        RUN_DEVICE(envelopes_of_any_depth_count_as_copied),
        RUN_DEVICE_OVER_ALL(books_begin_with_the_start),
        RUN_DEVICE_OVER_ALL(peers_are_counted_beyond_the_room),
        RUN_DEVICE(addresses_are_told),
        RUN_DEVICE_OVER_ALL(a_peer_that_closes_has_left),
        RUN_DEVICE(a_peer_that_breaks_the_protocol_is_cut),
        RUN_DEVICE(what_never_joined_is_refused),
        RUN_DEVICE(a_peer_that_answers_no_heartbeats_has_left),
        RUN_DEVICE_OVER_ALL(a_peer_whose_name_is_taken_over_has_left),
        RUN_DEVICE_OVER_ALL(a_peer_that_we_disconnect_has_left),
        RUN_DEVICE(a_device_counts_what_waited_for_the_lost),
        RUN_DEVICE(a_peer_comes_back),
        RUN_DEVICE_OVER_ALL(events_are_kept_as_many_as_asked_for),
        RUN_DEVICE(no_events_are_kept_unless_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
