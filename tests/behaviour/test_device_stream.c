/* SPDX-License-Identifier: MIT */
/*
 * Devices with STREAM: plain TCP peers on one side and workers on the other, under load, with the
 * books in balance. The two sides of a connection, and octets in their order, survive a device.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/octets.h"
#include "behaviour/device.h"

/* A device from STREAM to DEALER, and a worker behind it. */
static struct rig web_rig(void **worker)
{
    struct rig rig = {.front = open_socket(ZMQ_STREAM), .back = open_socket(ZMQ_DEALER)};
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    rig.back_at = bind_to(rig.back, "tcp://127.0.0.1:*");
    start_rig(&rig, GMQ_DEVICE_ANY);
    *worker = peer_at(ZMQ_DEALER, rig.back_at);
    return rig;
}

TEST(a_worker_answers_plain_peers)
{
    void *worker;
    struct rig rig = web_rig(&worker);
    int peer[3];
    struct part id[3];
    for (int i = 0; i < 3; i++) {
        peer[i] = raw_connect(port_of(rig.front_at));
        id[i] = recv_notice(worker);
    }
    for (int round = 0; round < 30; round++) {
        raw_send(peer[round % 3], "question", 8);
        expect_octets(worker, &id[round % 3], "question");
        send_text(worker, &id[round % 3], "answer");
        raw_expect(peer[round % 3], "answer");
    }
    for (int i = 0; i < 3; i++) {
        send_text(worker, &id[i], "bye");
        send_away(worker, &id[i]);
        raw_expect(peer[i], "bye");
        raw_expect_end(peer[i], worker);
        close(peer[i]);
    }
    wait_books(rig.device, books.frontend_peers == 0);
    struct gmq_account seen = account_of(rig.device);
    assert_int_equal(seen.frontend_left[GMQ_LEAVE_LOCAL], 3);
    assert_int_equal(seen.forward.forwarded.messages, 33);
    assert_int_equal(seen.backward.forwarded.messages, 36);
    assert_int_equal(seen.backward.forwarded.bytes, 36 * 5 + 30 * 6 + 3 * 3);
}

TEST(a_peer_that_goes_is_told_through_a_device)
{
    void *worker;
    struct rig rig = web_rig(&worker);
    int peer = raw_connect(port_of(rig.front_at));
    struct part id = recv_notice(worker);
    raw_send(peer, "last", 4);
    close(peer);
    expect_octets(worker, &id, "last");
    expect_notice(worker, &id);
    send_text(worker, &id, "to nobody");
    wait_books(rig.device, books.backward.dropped[GMQ_DROP_NO_ROUTE].messages == 1);
}

TEST(what_is_malformed_is_dropped)
{
    void *worker;
    struct rig rig = web_rig(&worker);
    int peer = raw_connect(port_of(rig.front_at));
    struct part id = recv_notice(worker);
    send_part(worker, &id, 0);
    send_part(worker, &id, ZMQ_SNDMORE);
    send_parts(worker, "two", "parts");
    send_text(worker, &id, "fine");
    raw_expect(peer, "fine");
    struct gmq_account seen = account_of(rig.device);
    assert_int_equal(seen.backward.dropped[GMQ_DROP_MALFORMED].messages, 2);
    close(peer);
}

struct reader {
    int fd;
    size_t size, done;
};

static void *run_reader(void *argument)
{
    struct reader *reader = argument;
    char octets[10000];
    ssize_t got = 1;
    while (reader->done < reader->size && got > 0) {
        got = recv(reader->fd, octets, sizeof octets, 0);
        for (ssize_t i = 0; i < got; i++)
            if (octets[i] != (char)((reader->done + (size_t)i) / 5000))
                return reader;
        reader->done += got > 0 ? (size_t)got : 0;
    }
    return reader;
}

/* More than all limits hold waits where it came from, and nothing is lost. */
TEST(a_slow_peer_holds_its_worker_up)
{
    enum { COUNT = 6000, SIZE = 5000 };
    char octets[SIZE];
    struct rig rig = {.front = open_socket(ZMQ_STREAM), .back = open_socket(ZMQ_DEALER)};
    set_int(rig.front, ZMQ_SNDHWM, 10);
    set_int(rig.back, ZMQ_RCVHWM, 10);
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    rig.back_at = bind_to(rig.back, "tcp://127.0.0.1:*");
    start_rig(&rig, GMQ_DEVICE_ANY);
    void *worker = open_socket(ZMQ_DEALER);
    set_int(worker, ZMQ_SNDHWM, 0);
    connect_to(worker, rig.back_at.text);
    struct reader reader = {.fd = raw_connect(port_of(rig.front_at)), .size = COUNT * SIZE};
    struct part id = recv_notice(worker);
    for (size_t i = 0; i < COUNT; i++) {
        memset(octets, (int)i, SIZE);
        send_octets(worker, &id, octets, SIZE);
    }
    nap_ms(QUIET_MS);
    struct gmq_account seen = account_of(rig.device);
    assert_true(seen.backward.received.messages < COUNT);
    assert_in_range(seen.backward.queued.messages, 1, 10);
    join_thread(start_thread(run_reader, &reader));
    assert_int_equal(reader.done, COUNT * SIZE);
    wait_books(rig.device, books.backward.forwarded.messages == COUNT);
    close(reader.fd);
}

/* The same the other way: a plain peer faster than the worker behind the device. */
TEST(a_fast_peer_waits_for_its_worker)
{
    enum { SIZE = 30 << 20 };
    struct rig rig = {.front = open_socket(ZMQ_STREAM), .back = open_socket(ZMQ_PUSH)};
    set_int(rig.back, ZMQ_SNDHWM, 10);
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    rig.back_at = bind_to(rig.back, "tcp://127.0.0.1:*");
    start_rig(&rig, GMQ_DEVICE_ANY);
    void *worker = open_socket(ZMQ_PULL);
    set_int(worker, ZMQ_RCVHWM, 10);
    connect_to(worker, rig.back_at.text);
    int peer = raw_connect(port_of(rig.front_at));
    struct part id = recv_notice(worker);
    char octets[10000];
    size_t sent = 0;
    for (int full = 0; full < 10;) {
        ssize_t n = send(peer, octets, sizeof octets, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else
            nap_ms(5);
        full = n > 0 ? 0 : full + 1;
        assert_true(sent < SIZE);
    }
    close(peer);
    for (size_t have = 0; have < sent;) {
        struct part from = recv_id(worker);
        assert_memory_equal(from.data, id.data, 5);
        have += (size_t)zmq_recv(worker, octets, sizeof octets, 0);
    }
    expect_notice(worker, &id);
    account_of(rig.device);
}

/* Two of them know nothing of each other's peers. */
TEST(stream_to_stream_drops_what_nobody_knows)
{
    struct rig rig = rig_of("tcp://127.0.0.1:*", GMQ_DEVICE_ANY, ZMQ_STREAM, ZMQ_STREAM);
    int peer = raw_connect(port_of(rig.front_at)), other = raw_connect(port_of(rig.back_at));
    raw_send(peer, "hello", 5);
    wait_books(rig.device, books.forward.dropped[GMQ_DROP_NO_ROUTE].messages >= 2 &&
                               books.backward.dropped[GMQ_DROP_NO_ROUTE].messages >= 1);
    close(peer);
    close(other);
    wait_books(rig.device, books.frontend_peers == 0 && books.backend_peers == 0);
}

TEST(a_device_on_one_stream_sends_all_away)
{
    void *stream = open_socket(ZMQ_STREAM);
    struct endpoint at = bind_to(stream, "tcp://127.0.0.1:*");
    struct rig rig = {.front = stream, .back = stream};
    start_rig(&rig, GMQ_DEVICE_ANY);
    int peer = raw_connect(port_of(at)); /* its notice comes back to it, and is empty */
    assert_true(raw_closes(peer, DEADLINE_MS));
    close(peer);
    wait_books(rig.device, books.frontend_peers == 0);
}

/* Their notices wait in the socket when the device starts, and what they said behind them. */
static void *stream_with_peers(int peer[2])
{
    void *stream = open_socket(ZMQ_STREAM);
    struct endpoint at = bind_to(stream, "tcp://127.0.0.1:*");
    for (int i = 0; i < 2; i++) {
        peer[i] = raw_connect(port_of(at));
        raw_send(peer[i], "hello", 5);
    }
    assert_true(can_recv(stream, DEADLINE_MS));
    return stream;
}

TEST(a_device_on_one_stream_sends_those_away_who_were_there)
{
    int peer[2];
    void *stream = stream_with_peers(peer);
    struct rig rig = {.front = stream, .back = stream};
    start_rig(&rig, GMQ_DEVICE_ANY);
    for (int i = 0; i < 2; i++) {
        assert_true(raw_closes(peer[i], DEADLINE_MS));
        close(peer[i]);
    }
    wait_books(rig.device, books.frontend_peers == 0);
}

static void *proxy_to_itself(void *socket)
{
    zmq_proxy(socket, socket, NULL);
    return NULL;
}

TEST(a_proxy_on_one_stream_sends_those_away_who_were_there)
{
    int peer[2];
    void *stream = stream_with_peers(peer);
    pthread_t thread = start_thread(proxy_to_itself, stream);
    for (int i = 0; i < 2; i++) {
        assert_true(raw_closes(peer[i], DEADLINE_MS));
        close(peer[i]);
    }
    zmq_ctx_shutdown(world.ctx);
    join_thread(thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE(a_worker_answers_plain_peers),
        RUN_DEVICE(a_peer_that_goes_is_told_through_a_device),
        RUN_DEVICE(what_is_malformed_is_dropped),
        RUN_DEVICE(a_slow_peer_holds_its_worker_up),
        RUN_DEVICE(a_fast_peer_waits_for_its_worker),
        RUN_DEVICE(stream_to_stream_drops_what_nobody_knows),
        RUN_DEVICE(a_device_on_one_stream_sends_all_away),
        RUN_DEVICE(a_device_on_one_stream_sends_those_away_who_were_there),
        RUN_DEVICE(a_proxy_on_one_stream_sends_those_away_who_were_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
