/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong with devices elsewhere: processor time burnt for nothing, control that is not
 * answered while somebody stalls, a capture that stops the traffic, a broker ended by one client
 * that left, messages torn apart, signals, and statistics that count what was dropped as sent.
 *
 * These tests measure time and processor use, so nothing else should run beside them.
 */
#include <signal.h>

#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/relay.h"

/* What STATISTICS counts, in its order. */
enum counted {
    FRONT_IN,
    FRONT_IN_BYTES,
    FRONT_OUT,
    FRONT_OUT_BYTES,
    BACK_IN,
    BACK_IN_BYTES,
    BACK_OUT,
    BACK_OUT_BYTES
};

enum { WINDOW_MS = 500, ANSWER_MS = 100, LARGE = 1 << 16, FEW = 20 };

static char large[LARGE];

static int64_t processor_ms(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

/* In half a second a device that spins uses about as much; one that waits uses next to nothing. The
 * best of three counts: once after a burst its memory is given back, which costs something. */
static void expect_idle(void)
{
    int64_t best = WINDOW_MS;
    for (int i = 0; i < 3 && best > WINDOW_MS / 10; i++) {
        int64_t before = processor_ms();
        nap_ms(WINDOW_MS);
        int64_t used = processor_ms() - before;
        best = used < best ? used : best;
    }
    assert_in_range(best, 0, WINDOW_MS / 10);
}

static struct relay open_controlled(int front, int back, const char *transport)
{
    struct relay relay = open_relay(front, back, transport);
    add_control(&relay);
    return relay;
}

/* One whose queues, and one client whose queue, hold few messages and are soon full. */
static struct relay open_small(int front, int back, const char *transport)
{
    struct relay relay = open_relay_of(front, back, FEW, transport);
    add_control(&relay);
    return relay;
}

static void *open_small_client(int type, int hwm, struct endpoint where)
{
    void *client = open_socket(type);
    set_int(client, ZMQ_LINGER, 0);
    set_int(client, ZMQ_SNDHWM, hwm);
    set_int(client, ZMQ_RCVHWM, hwm);
    connect_to(client, where.text);
    return client;
}

/* Sends until even waiting a little does not make room; returns how many went in. */
static int overfill(void *socket)
{
    int sent = 0;
    set_int(socket, ZMQ_SNDTIMEO, QUIET_MS);
    while (zmq_send(socket, large, LARGE, 0) == LARGE)
        assert_in_range(++sent, 1, 20000);
    assert_int_equal(zmq_errno(), EAGAIN);
    set_int(socket, ZMQ_SNDTIMEO, DEADLINE_MS);
    return sent;
}

/* The best of a few answers is in time: what makes a single one late is the machine. */
static void expect_quick_answer(struct relay *relay)
{
    int64_t best = DEADLINE_MS;
    uint64_t count[STATISTICS];
    for (int i = 0; i < 5; i++) {
        int64_t asked = now_ms();
        ask_statistics(relay, count);
        int64_t took = now_ms() - asked;
        best = took < best ? took : best;
    }
    assert_in_range(best, 0, ANSWER_MS);
}

static void expect_quick_end(struct relay *relay)
{
    int64_t asked = now_ms();
    terminate_relay(relay);
    assert_in_range(now_ms() - asked, 0, 10 * ANSWER_MS);
}

TEST(idle_device_uses_no_processor)
{
    struct relay relay = open_controlled(ZMQ_ROUTER, ZMQ_DEALER, *state);
    start_relay(&relay);
    void *client = open_client(ZMQ_REQ, relay.at_front);
    void *worker = open_client(ZMQ_REP, relay.at_back);
    send_parts(client, "question");
    expect_parts(worker, "question");
    expect_idle();
    terminate_relay(&relay);
}

/* Messages wait and nobody is there to take them. */
TEST(device_without_workers_uses_no_processor)
{
    better_than_libzmq();
    struct relay relay = open_controlled(ZMQ_ROUTER, ZMQ_DEALER, *state);
    start_relay(&relay);
    void *client[5];
    for (int i = 0; i < 5; i++) {
        client[i] = open_client(ZMQ_REQ, relay.at_front);
        send_number(client[i], i, 0);
    }
    steer(&relay, "RESUME"); /* it runs */
    expect_idle();
    void *worker = open_client(ZMQ_REP, relay.at_back);
    for (int i = 0; i < 5; i++) {
        int number = recv_number(worker);
        send_number(worker, number, 0);
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(recv_number(client[i]), i);
    terminate_relay(&relay);
}

TEST(streamer_without_workers_uses_no_processor)
{
    better_than_libzmq();
    struct relay relay = open_small(ZMQ_PULL, ZMQ_PUSH, *state);
    start_relay(&relay);
    void *source = open_small_client(ZMQ_PUSH, FEW, relay.at_front);
    int sent = overfill(source);
    expect_idle();
    void *sink = open_client(ZMQ_PULL, relay.at_back);
    for (int i = 0; i < sent; i++)
        assert_int_equal(zmq_recv(sink, large, LARGE, 0), LARGE);
    terminate_relay(&relay);
}

TEST(paused_device_uses_no_processor)
{
    better_than_libzmq();
    struct relay relay = open_controlled(ZMQ_PULL, ZMQ_PUSH, *state);
    void *source = open_client(ZMQ_PUSH, relay.at_front);
    void *sink = open_client(ZMQ_PULL, relay.at_back);
    start_relay(&relay);
    send_parts(source, "before");
    expect_parts(sink, "before");
    steer(&relay, "PAUSE");
    send_parts(source, "waiting");
    expect_idle();
    steer(&relay, "RESUME");
    expect_parts(sink, "waiting");
    terminate_relay(&relay);
}

TEST(stalled_consumer_does_not_stop_control)
{
    better_than_libzmq();
    struct relay relay = open_small(ZMQ_PULL, ZMQ_PUSH, *state);
    start_relay(&relay);
    void *source = open_small_client(ZMQ_PUSH, FEW, relay.at_front);
    void *stalled = open_small_client(ZMQ_PULL, 1, relay.at_back);
    send_parts(source, "hello");
    expect_parts(stalled, "hello");
    overfill(source);
    expect_quick_answer(&relay);
    expect_idle();
    steer(&relay, "PAUSE");
    steer(&relay, "RESUME");
    expect_quick_end(&relay);
}

TEST(stalled_consumer_does_not_stop_the_other_direction)
{
    better_than_libzmq();
    struct relay relay = open_small(ZMQ_DEALER, ZMQ_DEALER, *state);
    start_relay(&relay);
    void *left = open_small_client(ZMQ_DEALER, FEW, relay.at_front);
    void *right = open_small_client(ZMQ_DEALER, 1, relay.at_back);
    send_parts(left, "hello");
    expect_parts(right, "hello");
    overfill(left);
    for (int i = 0; i < 100; i++) {
        send_number(right, i, 0);
        assert_int_equal(recv_number(left), i);
    }
    expect_quick_end(&relay);
}

/* Work goes on with those who take it, and nothing that was accepted is lost. */
TEST(stalled_consumer_does_not_stop_the_others)
{
    better_than_libzmq();
    struct relay relay = open_small(ZMQ_PULL, ZMQ_PUSH, *state);
    start_relay(&relay);
    void *source = open_small_client(ZMQ_PUSH, FEW, relay.at_front);
    void *stalled = open_small_client(ZMQ_PULL, 1, relay.at_back);
    send_parts(source, "hello");
    expect_parts(stalled, "hello");
    int sent = overfill(source), received = 0;
    void *eager = open_client(ZMQ_PULL, relay.at_back);
    for (int i = 0; i < 200; i++) {
        send_bytes(source, large, LARGE, 0);
        sent++;
        for (; can_recv(eager, 0); received++)
            assert_int_equal(zmq_recv(eager, large, LARGE, 0), LARGE);
    }
    while (received < sent) {
        zmq_pollitem_t items[] = {{.socket = eager, .events = ZMQ_POLLIN},
                                  {.socket = stalled, .events = ZMQ_POLLIN}};
        assert_true(zmq_poll(items, 2, DEADLINE_MS) > 0);
        for (int i = 0; i < 2; i++)
            if (items[i].revents) {
                assert_int_equal(zmq_recv(items[i].socket, large, LARGE, 0), LARGE);
                received++;
            }
    }
    terminate_relay(&relay);
}

/* A client that reads no replies loses them in the end; the other clients get theirs. */
TEST(stalled_client_does_not_stop_the_others)
{
    better_than_libzmq();
    struct relay relay = open_small(ZMQ_ROUTER, ZMQ_DEALER, *state);
    start_relay(&relay);
    void *stalled = open_small_client(ZMQ_DEALER, 1, relay.at_front);
    void *client = open_client(ZMQ_REQ, relay.at_front);
    void *worker = open_client(ZMQ_REP, relay.at_back);
    for (int i = 0; i < 300; i++) {
        send_parts(stalled, "", "question");
        expect_parts(worker, "question");
        send_bytes(worker, large, LARGE, 0);
    }
    for (int i = 0; i < 20; i++) {
        send_parts(client, "question");
        expect_parts(worker, "question");
        send_parts(worker, "answer");
        expect_parts(client, "answer");
    }
    expect_quick_answer(&relay);
    terminate_relay(&relay);
}

TEST(stalled_capture_stops_nothing)
{
    better_than_libzmq();
    struct relay relay = open_controlled(ZMQ_PULL, ZMQ_PUSH, *state);
    add_capture(&relay, ZMQ_PUSH, ZMQ_PULL); /* which nobody reads */
    start_relay(&relay);
    void *source = open_client(ZMQ_PUSH, relay.at_front);
    void *sink = open_client(ZMQ_PULL, relay.at_back);
    for (int i = 0; i < 6000; i++) {
        send_number(source, i, 0);
        assert_int_equal(recv_number(sink), i);
    }
    expect_quick_answer(&relay);
    uint64_t count[STATISTICS];
    ask_statistics(&relay, count);
    assert_int_equal(count[BACK_OUT], 6000);
    assert_int_equal(recv_number(relay.captured), 0); /* what it had room for is in order */
    assert_int_equal(recv_number(relay.captured), 1);
    expect_quick_end(&relay);
}

TEST(vanished_client_does_not_end_a_mandatory_router)
{
    better_than_libzmq();
    struct relay relay = open_controlled(ZMQ_ROUTER, ZMQ_DEALER, *state);
    set_int(relay.front, ZMQ_ROUTER_MANDATORY, 1);
    start_relay(&relay);
    void *worker = open_client(ZMQ_DEALER, relay.at_back);
    send_parts(worker, "nobody", "", "answer to no question");
    void *gone = open_client(ZMQ_DEALER, relay.at_front);
    send_parts(gone, "", "question");
    struct part id = recv_id(worker);
    expect_parts(worker, "", "question");
    close_socket(gone);
    for (int i = 0; i < 20; i++) {
        send_part(worker, &id, ZMQ_SNDMORE);
        send_parts(worker, "", "too late");
    }
    void *client = open_client(ZMQ_REQ, relay.at_front);
    send_parts(client, "question");
    id = recv_id(worker);
    expect_parts(worker, "", "question");
    send_part(worker, &id, ZMQ_SNDMORE);
    send_parts(worker, "", "in time");
    expect_parts(client, "in time");
    assert_false(atomic_load(&relay.outcome->ended));
    terminate_relay(&relay);
}

TEST(one_socket_as_both_sides_can_be_steered)
{
    struct relay relay = {0};
    relay.front = relay.back = open_face(ZMQ_ROUTER, DEFAULT_HWM, *state, &relay.at_front);
    add_control(&relay);
    start_relay(&relay);
    void *client = open_client(ZMQ_REQ, relay.at_front);
    send_parts(client, "echo");
    expect_parts(client, "echo");
    steer(&relay, "PAUSE");
    send_parts(client, "waits");
    expect_nothing(client);
    steer(&relay, "RESUME");
    expect_parts(client, "waits");
    terminate_relay(&relay);
}

/* The beginning of a message whose sender died is not forwarded, and harms no other message. */
TEST(message_torn_by_a_dying_peer_is_not_forwarded)
{
    struct relay relay = open_controlled(ZMQ_PULL, ZMQ_PUSH, "tcp://127.0.0.1:*");
    start_relay(&relay);
    void *source = open_client(ZMQ_PUSH, relay.at_front);
    void *sink = open_client(ZMQ_PULL, relay.at_back);
    send_parts(source, "hello");
    expect_parts(sink, "hello");
    for (int i = 0; i < 10; i++) {
        int fd = raw_connect(port_of(relay.at_front));
        raw_handshake(fd, "PUSH");
        raw_send_frame(fd, 0, "whole", 5);
        raw_send_frame(fd, RAW_MORE, "torn", 4);
        raw_send_frame(fd, RAW_MORE, "in two", 6);
        expect_parts(sink, "whole");
        send_parts(source, "a", "b", "c");
        expect_parts(sink, "a", "b", "c");
        close(fd);
        send_parts(source, "d", "e");
        expect_parts(sink, "d", "e");
    }
    expect_nothing(sink);
    terminate_relay(&relay);
}

static void on_signal(int number)
{
    (void)number;
}

/* Until it has come while the relay waits. */
static void interrupt_relay(struct relay *relay)
{
    while (!atomic_load(&relay->outcome->ended)) {
        pthread_kill(relay->thread, SIGUSR1);
        nap_ms(1);
    }
    join_thread(relay->thread);
    assert_int_equal(relay->outcome->rc, -1);
    assert_string_equal(zmq_strerror(relay->outcome->error), zmq_strerror(EINTR));
}

/* So that Ctrl-C ends a program whose handler only sets a flag. Who calls again goes on where it
 * was, with what came meanwhile. */
TEST(signal_ends_it_and_the_next_goes_on)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    struct relay relay = open_relay(ZMQ_PULL, ZMQ_PUSH, *state);
    void *source = open_client(ZMQ_PUSH, relay.at_front);
    void *sink = open_client(ZMQ_PULL, relay.at_back);
    for (int i = 0; i < 40; i += 2) {
        start_relay(&relay);
        send_number(source, i, 0);
        assert_int_equal(recv_number(sink), i);
        interrupt_relay(&relay);
        send_number(source, i + 1, 0);
        start_relay(&relay);
        assert_int_equal(recv_number(sink), i + 1);
        interrupt_relay(&relay);
    }
}

TEST(signal_ends_a_steered_one)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    struct relay relay = open_controlled(ZMQ_ROUTER, ZMQ_DEALER, *state);
    start_relay(&relay);
    interrupt_relay(&relay);
    start_relay(&relay);
    terminate_relay(&relay);
}

/* A subscriber that does not read misses most messages: they are not counted as sent. */
TEST(statistics_do_not_count_what_was_dropped_as_sent)
{
    enum { MESSAGES = 20000 };
    better_than_libzmq();
    uint64_t count[STATISTICS] = {0};
    struct relay relay = open_controlled(ZMQ_XSUB, ZMQ_XPUB, *state);
    set_int(relay.back, ZMQ_SNDHWM, 10);
    start_relay(&relay);
    void *pub = open_client(ZMQ_XPUB, relay.at_front);
    set_int(pub, ZMQ_XPUB_NODROP, 1);
    void *slow = open_socket(ZMQ_SUB);
    set_int(slow, ZMQ_RCVHWM, 10);
    connect_to(slow, relay.at_back.text);
    set_text(slow, ZMQ_SUBSCRIBE, "n");
    expect_parts(pub, "\1n");
    for (int i = 0; i < MESSAGES; i++)
        send_bytes(pub, "n234567812345678123456781234567812345678", 40, 0);
    wait_until((ask_statistics(&relay, count), count[FRONT_IN] == MESSAGES));
    uint64_t delivered = 0;
    char body[64];
    set_int(slow, ZMQ_RCVTIMEO, 10 * QUIET_MS);
    while (zmq_recv(slow, body, sizeof body, 0) == 40)
        delivered++;
    ask_statistics(&relay, count);
    assert_in_range(delivered, 1, MESSAGES);
    assert_int_equal(count[BACK_OUT], delivered);
    assert_int_equal(count[BACK_OUT_BYTES], delivered * 40);
    terminate_relay(&relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(idle_device_uses_no_processor),
        OVER_ALL(device_without_workers_uses_no_processor),
        OVER_ALL(streamer_without_workers_uses_no_processor),
        OVER_ALL(paused_device_uses_no_processor),
        OVER_ALL(stalled_consumer_does_not_stop_control),
        OVER_ALL(stalled_consumer_does_not_stop_the_other_direction),
        OVER_ALL(stalled_consumer_does_not_stop_the_others),
        OVER_ALL(stalled_client_does_not_stop_the_others),
        OVER_ALL(stalled_capture_stops_nothing),
        OVER_ALL(vanished_client_does_not_end_a_mandatory_router),
        OVER_ALL(one_socket_as_both_sides_can_be_steered),
        RUN(message_torn_by_a_dying_peer_is_not_forwarded),
        OVER_ALL(signal_ends_it_and_the_next_goes_on),
        OVER_ALL(signal_ends_a_steered_one),
        OVER_ALL(statistics_do_not_count_what_was_dropped_as_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
