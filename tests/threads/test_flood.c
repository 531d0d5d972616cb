/* SPDX-License-Identifier: MIT */
/*
 * A peer that sends all the time what its receiver throws away. Who waits is woken each time for
 * nothing, and yet is back by its deadline, or after a signal.
 */
#include <signal.h>
#include <stdatomic.h>

#include "behaviour/util.h"
#include "behaviour/raw.h"

#include <greenmq/greenmq.h>

enum { WAIT_MS = 150 };

/* One that sends as much as goes, until its end of the connection is shut down. */
static struct flood {
    int fd;
    pthread_t thread;
    void *socket; /* what it floods */
    atomic_uint_fast64_t sent;
} flood;

static void *send_on_and_on(void *arg)
{
    static const char frames[4096]; /* empty messages */
    for (ssize_t n = 1; n > 0; atomic_fetch_add(&flood.sent, (uint64_t)n))
        n = send(flood.fd, frames, sizeof frames, MSG_NOSIGNAL);
    return arg;
}

/* A socket that has connected to a flood of a peer of this type, and the first of it. */
static void open_flood(int type, const char *peer)
{
    int port = 0, listener = raw_listen(&port, 1);
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", port);
    flood.socket = open_socket(type);
    connect_to(flood.socket, endpoint);
    flood.fd = raw_accept(listener);
    close(listener);
    raw_handshake(flood.fd, peer);
    if (type == ZMQ_REQ)
        assert_int_equal(zmq_send(flood.socket, "question", 8, 0), 8);
    else
        set_text(flood.socket, ZMQ_SUBSCRIBE, "what never comes");
    raw_recv_frame(flood.fd);
    atomic_store(&flood.sent, 0);
    flood.thread = start_thread(send_on_and_on, NULL);
    wait_until(atomic_load(&flood.sent) > 1000000);
}

static void close_flood(void)
{
    shutdown(flood.fd, SHUT_RDWR);
    join_thread(flood.thread);
    close(flood.fd);
}

#define expect_took(started) \
    assert_in_range(now_ms() - (started), WAIT_MS - 1, WAIT_MS + DEADLINE_MS / 4)

static void expect_deadlines(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    set_int(socket, ZMQ_RCVTIMEO, WAIT_MS);
    int64_t started = now_ms();
    expect_error(zmq_recv(socket, NULL, 0, 0), EAGAIN);
    expect_took(started);
    started = now_ms();
    assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 0);
    expect_took(started);
}

TEST(req_is_flooded_with_what_is_no_reply)
{
    open_flood(ZMQ_REQ, "ROUTER");
    expect_deadlines(flood.socket);
    close_flood();
}

TEST(sub_is_flooded_with_what_it_did_not_ask_for)
{
    open_flood(ZMQ_SUB, "PUB");
    expect_deadlines(flood.socket);
    close_flood();
}

/* How a call came back, and after how long. */
struct outcome {
    void *socket;
    int error;
    int64_t took_ms;
};

static void *recv_green(void *arg)
{
    struct outcome *outcome = arg;
    int64_t started = now_ms();
    outcome->error = zmq_recv(outcome->socket, NULL, 0, 0) < 0 ? errno : 0;
    outcome->took_ms = now_ms() - started;
    return NULL;
}

static void *poll_green(void *arg)
{
    struct outcome *outcome = arg;
    zmq_pollitem_t item = {.socket = outcome->socket, .events = ZMQ_POLLIN};
    int64_t started = now_ms();
    outcome->error = zmq_poll(&item, 1, WAIT_MS) < 0 ? errno : 0;
    outcome->took_ms = now_ms() - started;
    return NULL;
}

static void expect_in_green_thread(void *(*run)(void *), void *socket, int error)
{
    struct outcome outcome = {.socket = socket, .error = -1};
    assert_int_equal(gmq_join(gmq_spawn(run, &outcome, NULL), NULL, -1), 0);
    assert_int_equal(outcome.error, error);
    assert_in_range(outcome.took_ms, WAIT_MS - 1, WAIT_MS + DEADLINE_MS / 4);
}

static void wait_in_green_threads(void *socket)
{
    set_int(socket, ZMQ_RCVTIMEO, WAIT_MS);
    expect_in_green_thread(recv_green, socket, EAGAIN);
    expect_in_green_thread(poll_green, socket, 0);
}

TEST(green_threads_are_back_by_their_deadline)
{
    open_flood(ZMQ_REQ, "ROUTER");
    wait_in_green_threads(flood.socket);
    close_flood();
}

static atomic_bool heard;

static void on_signal(int number)
{
    (void)number;
}

static void *signal_again_and_again(void *target)
{
    while (!atomic_load(&heard)) {
        pthread_kill(*(pthread_t *)target, SIGALRM);
        nap_ms(5);
    }
    return NULL;
}

/* `call` is to end with EINTR. */
#define expect_interrupted(call)                                           \
    do {                                                                   \
        atomic_store(&heard, false);                                       \
        pthread_t signaller = start_thread(signal_again_and_again, &self); \
        int returned = (call), error = errno;                              \
        atomic_store(&heard, true);                                        \
        join_thread(signaller);                                            \
        assert_int_equal(returned, -1);                                    \
        assert_string_equal(zmq_strerror(error), zmq_strerror(EINTR));     \
    } while (0)

TEST(signal_ends_the_wait)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
    static pthread_t self;
    self = pthread_self();
    alarm(0);
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    open_flood(ZMQ_REQ, "ROUTER");
    zmq_pollitem_t item = {.socket = flood.socket, .events = ZMQ_POLLIN};
    set_int(flood.socket, ZMQ_RCVTIMEO, DEADLINE_MS);
    expect_interrupted(zmq_recv(flood.socket, NULL, 0, 0));
    expect_interrupted(zmq_poll(&item, 1, DEADLINE_MS));
    assert_true(gmq_self() > 0); /* from here on it is a thread among green ones */
    expect_interrupted(zmq_recv(flood.socket, NULL, 0, 0));
    expect_interrupted(zmq_poll(&item, 1, DEADLINE_MS));
    close_flood();
    sigaction(SIGALRM, &before, NULL);
    alarm(WATCHDOG_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(req_is_flooded_with_what_is_no_reply),
        RUN(sub_is_flooded_with_what_it_did_not_ask_for),
        RUN(green_threads_are_back_by_their_deadline),
        RUN(signal_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
