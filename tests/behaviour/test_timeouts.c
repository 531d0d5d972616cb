/* SPDX-License-Identifier: MIT */
/*
 * How long calls wait: ZMQ_RCVTIMEO, ZMQ_SNDTIMEO, ZMQ_DONTWAIT, and a signal that ends the wait.
 * zmq_recv(3), zmq_send(3) and zmq_setsockopt(3).
 */
#include <signal.h>
#include <stdatomic.h>

#include "behaviour/util.h"

/* Waits are measured from below exactly and from above generously: the machine may be busy. */
#define expect_took(started, least_ms) \
    assert_in_range(now_ms() - (started), (least_ms)-1, (least_ms) + DEADLINE_MS / 2)

static void on_signal(int number)
{
    (void)number;
}

static atomic_bool stop_signals;

/* Sends the thread signals until it says that one got through: one alone might come too early. */
static void *send_signals(void *thread)
{
    while (!atomic_load(&stop_signals)) {
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
        nap_ms(5);
    }
    return NULL;
}

static pthread_t self;

static pthread_t start_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal}; /* and not SA_RESTART */
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    atomic_store(&stop_signals, false);
    self = pthread_self();
    return start_thread(send_signals, &self);
}

static void stop_signals_of(pthread_t thread)
{
    atomic_store(&stop_signals, true);
    join_thread(thread);
}

TEST(waits_are_endless_by_default)
{
    void *socket = zmq_socket(world.ctx, ZMQ_DEALER);
    assert_int_equal(get_int(socket, ZMQ_RCVTIMEO), -1);
    assert_int_equal(get_int(socket, ZMQ_SNDTIMEO), -1);
    assert_int_equal(zmq_close(socket), 0);
}

TEST(receiving_waits_as_long_as_asked)
{
    void *socket = open_socket(ZMQ_PULL);
    bind_to(socket, *state);
    set_int(socket, ZMQ_RCVTIMEO, 120);
    int64_t started = now_ms();
    expect_error(zmq_recv(socket, NULL, 0, 0), EAGAIN);
    expect_took(started, 120);
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    started = now_ms();
    expect_error(zmq_msg_recv(&msg, socket, 0), EAGAIN);
    expect_took(started, 120);
    zmq_msg_close(&msg);
}

TEST(sending_waits_as_long_as_asked)
{
    void *socket = open_socket(ZMQ_PUSH);
    bind_to(socket, *state);
    set_int(socket, ZMQ_SNDTIMEO, 120);
    int64_t started = now_ms();
    expect_error(zmq_send(socket, "x", 1, 0), EAGAIN);
    expect_took(started, 120);
    zmq_msg_t msg;
    zmq_msg_init_size(&msg, 3);
    started = now_ms();
    expect_error(zmq_msg_send(&msg, socket, 0), EAGAIN);
    expect_took(started, 120);
    assert_int_equal(zmq_msg_size(&msg), 3); /* still the caller's */
    zmq_msg_close(&msg);
}

TEST(zero_does_not_wait)
{
    void *dealer = open_socket(ZMQ_DEALER);
    bind_to(dealer, *state);
    set_int(dealer, ZMQ_RCVTIMEO, 0);
    set_int(dealer, ZMQ_SNDTIMEO, 0);
    int64_t started = now_ms();
    expect_error(zmq_recv(dealer, NULL, 0, 0), EAGAIN);
    expect_error(zmq_send(dealer, "x", 1, 0), EAGAIN);
    assert_in_range(now_ms() - started, 0, DEADLINE_MS / 4);
}

/* ZMQ_DONTWAIT counts more than the timeouts. */
TEST(dontwait_does_not_wait)
{
    void *dealer = open_socket(ZMQ_DEALER);
    bind_to(dealer, *state);
    int64_t started = now_ms();
    expect_error(zmq_recv(dealer, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    expect_error(zmq_send(dealer, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    expect_error(zmq_send(dealer, "x", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE), EAGAIN);
    assert_in_range(now_ms() - started, 0, DEADLINE_MS / 4);
}

TEST(what_is_there_is_received_without_waiting)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    for (int i = 0; i < 10; i++)
        send_number(push, i, 0);
    assert_true(can_recv(pull, DEADLINE_MS));
    char text[8];
    for (int i = 0; i < 10; i++)
        wait_until(zmq_recv(pull, text, sizeof text, ZMQ_DONTWAIT) == 1);
}

TEST(timeouts_below_minus_one_are_refused)
{
    int impossible = -2;
    void *socket = open_socket(ZMQ_DEALER);
    expect_error(zmq_setsockopt(socket, ZMQ_RCVTIMEO, &impossible, sizeof impossible), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_SNDTIMEO, &impossible, sizeof impossible), EINVAL);
}

static void *send_later(void *socket)
{
    nap_ms(30); /* gives the other thread the chance to be waiting; either way it gets it */
    return (void *)(intptr_t)zmq_send(socket, "here", 4, 0);
}

TEST(endless_wait_ends_with_a_message)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(pull, ZMQ_RCVTIMEO, -1);
    connect_to(push, bind_to(pull, *state).text);
    pthread_t sender = start_thread(send_later, push);
    expect_parts(pull, "here");
    assert_int_equal((intptr_t)join_thread(sender), 4);
}

static void *connect_later(void *socket)
{
    nap_ms(30);
    return (void *)(intptr_t)zmq_connect(socket, "inproc://later");
}

TEST(endless_send_ends_with_a_peer)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDTIMEO, -1);
    bind_to(push, "inproc://later");
    pthread_t peer = start_thread(connect_later, pull);
    send_parts(push, "at last");
    assert_int_equal((intptr_t)join_thread(peer), 0);
    expect_parts(pull, "at last");
}

TEST(signal_ends_a_receive)
{
    void *socket = open_socket(ZMQ_PULL);
    bind_to(socket, *state);
    pthread_t signals = start_signals();
    expect_error(zmq_recv(socket, NULL, 0, 0), EINTR);
    set_int(socket, ZMQ_RCVTIMEO, -1);
    expect_error(zmq_recv(socket, NULL, 0, 0), EINTR);
    stop_signals_of(signals);
}

TEST(signal_ends_a_send)
{
    void *socket = open_socket(ZMQ_PUSH);
    bind_to(socket, *state);
    pthread_t signals = start_signals();
    expect_error(zmq_send(socket, "x", 1, 0), EINTR);
    stop_signals_of(signals);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(pull, last_endpoint(socket).text);
    send_parts(socket, "works as before");
    expect_parts(pull, "works as before");
}

TEST(signal_ends_a_poll)
{
    void *socket = open_socket(ZMQ_PULL);
    bind_to(socket, *state);
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    pthread_t signals = start_signals();
    expect_error(zmq_poll(&item, 1, DEADLINE_MS), EINTR);
    expect_error(zmq_poll(&item, 1, -1), EINTR);
    stop_signals_of(signals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(waits_are_endless_by_default),
        OVER_ALL(receiving_waits_as_long_as_asked),
        OVER_ALL(sending_waits_as_long_as_asked),
        OVER_ALL(zero_does_not_wait),
        OVER_ALL(dontwait_does_not_wait),
        OVER_ALL(what_is_there_is_received_without_waiting),
        RUN(timeouts_below_minus_one_are_refused),
        OVER_ALL(endless_wait_ends_with_a_message),
        RUN(endless_send_ends_with_a_peer),
        OVER_ALL(signal_ends_a_receive),
        OVER_ALL(signal_ends_a_send),
        OVER_ALL(signal_ends_a_poll),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
