/* SPDX-License-Identifier: MIT */
/*
 * Heartbeats on links and with peers that are slow, but alive: a large message is on its way for
 * longer than the timeout, or a consumer does not read. zmq_setsockopt(3), ZMQ_HEARTBEAT_*, RFC 37.
 *
 * A relay of the test's own stands between the two, and lets so many bytes pass in a second. libzmq
 * 4.3.4 cuts all of them off.
 */
#include "behaviour/util.h"
#include "behaviour/monitor.h"
#include "behaviour/raw.h"

#include <stdatomic.h>

enum {
    IVL_MS = 100,
    TIMEOUT_MS = 300,
    PER_MS = 4000, /* bytes the relay passes in a millisecond */
    LARGE = 8 << 20
};

/* One connection through the relay. */
struct link {
    int listener, near, far; /* of who connects; of who is bound */
    int port, target;
    int64_t started_ms, passed;
    atomic_bool over;
    pthread_t thread;
};

static bool pass(struct link *link, int from, int to)
{
    char octets[32768];
    int64_t due = (now_ms() - link->started_ms) * PER_MS;
    if (link->passed > due)
        return true;
    ssize_t size = recv(from, octets, sizeof octets, MSG_DONTWAIT);
    if (size < 0)
        return errno == EAGAIN;
    link->passed += size;
    for (ssize_t at = 0; at < size;) {
        struct pollfd room = {.fd = to, .events = POLLOUT};
        poll(&room, 1, 10);
        ssize_t sent = send(to, octets + at, (size_t)(size - at), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (atomic_load(&link->over) || (sent < 0 && errno != EAGAIN))
            return false;
        at += sent > 0 ? sent : 0;
    }
    return size > 0;
}

static int keep_little(int fd)
{
    int little = 65536;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
    return fd;
}

static void *relay(void *argument)
{
    struct link *link = argument;
    struct sockaddr_in address = raw_address(link->target);
    struct pollfd item = {.fd = link->listener, .events = POLLIN};
    while (!atomic_load(&link->over) && poll(&item, 1, 10) == 0)
        continue;
    link->near = accept(link->listener, NULL, NULL);
    link->far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect(link->far, (struct sockaddr *)&address, sizeof address);
    link->started_ms = now_ms();
    while (!atomic_load(&link->over) && pass(link, link->near, link->far) &&
           pass(link, link->far, link->near))
        nap_ms(1);
    close(link->near);
    close(link->far);
    return NULL;
}

static struct link *open_link(struct endpoint target, bool little)
{
    static struct link link;
    link = (struct link){.target = port_of(target)};
    link.listener = raw_bind(&link.port);
    if (little)
        keep_little(link.listener);
    assert_int_equal(listen(link.listener, 1), 0);
    link.thread = start_thread(relay, &link);
    return &link;
}

static void close_link(struct link *link)
{
    atomic_store(&link->over, true);
    join_thread(link->thread);
    close(link->listener);
}

static void beat(void *socket)
{
    set_int(socket, ZMQ_HEARTBEAT_IVL, IVL_MS);
    set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, TIMEOUT_MS);
    set_int(socket, ZMQ_LINGER, 0);
}

static void expect_large(void *socket, size_t size)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    assert_int_equal(zmq_msg_recv(&message, socket, 0), size);
    zmq_msg_close(&message);
}

/* A large message goes from one to the other in two seconds, and nobody is cut off. */
static void send_large(void *from, void *to, bool little)
{
    static char body[LARGE];
    better_than_libzmq();
    void *events = watch(from, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECTED);
    struct endpoint where = bind_to(to, "tcp://127.0.0.1:*");
    struct link *link = open_link(where, little);
    char through[64];
    snprintf(through, sizeof through, "tcp://127.0.0.1:%d", link->port);
    connect_to(from, through);
    expect(events, CONNECTED, through);
    int64_t since = now_ms();
    send_bytes(from, body, sizeof body, 0);
    send_parts(from, "small");
    expect_large(to, sizeof body);
    expect_parts(to, "small");
    assert_true(now_ms() - since > 3 * TIMEOUT_MS);
    expect_silence(events);
    close_link(link);
}

TEST(a_sender_that_asks_waits_for_its_large_message)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    beat(push);
    send_large(push, pull, true);
}

/* The relay's system has all before the receiver has: that shows that it lives. */
TEST(a_sender_hears_of_who_receives_its_large_message)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    beat(push);
    send_large(push, pull, false);
}

TEST(a_receiver_that_asks_waits_for_a_large_message)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    beat(pull);
    send_large(push, pull, true);
}

/* Both ask, and say how long they may be silent. */
TEST(times_to_live_wait_for_a_large_message)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    beat(push);
    beat(pull);
    set_int(push, ZMQ_HEARTBEAT_TTL, TIMEOUT_MS);
    set_int(pull, ZMQ_HEARTBEAT_TTL, TIMEOUT_MS);
    send_large(push, pull, true);
}

/* A consumer does not read for a while: whether much waits for it or little. */
static void stall(const char *endpoint, int count, size_t size)
{
    static char body[100000];
    better_than_libzmq();
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    void *events = watch(push, ZMQ_EVENT_DISCONNECTED);
    beat(push);
    set_int(push, ZMQ_SNDHWM, 0);
    set_int(pull, ZMQ_RCVHWM, 2);
    connect_to(push, bind_to(pull, endpoint).text);
    for (int i = 0; i < count; i++)
        send_bytes(push, body, size, 0);
    assert_false(can_recv(events, 4 * TIMEOUT_MS));
    for (int i = 0; i < count; i++)
        expect_large(pull, size);
    expect_silence(events);
}

TEST(a_slow_consumer_is_not_cut_off)
{
    stall(*state, 300, 100000);
}

TEST(a_consumer_with_little_to_read_is_not_cut_off)
{
    stall(*state, 10, 100);
}

/* Who reads and does not answer is dead, whatever was sent to it before. */
TEST(who_has_all_and_does_not_answer_is_cut_off)
{
    static char body[1 << 20];
    void *push = open_socket(ZMQ_PUSH);
    void *events = watch(push, ZMQ_EVENT_DISCONNECTED);
    beat(push);
    struct endpoint where = bind_to(push, "tcp://127.0.0.1:*");
    int fd = raw_connect(port_of(where));
    raw_handshake(fd, "PULL");
    send_bytes(push, body, sizeof body, 0);
    assert_true(raw_closes(fd, DEADLINE_MS));
    expect(events, DISCONNECTED, where.text);
    close(fd);
}

/* Whose inbox is full, and who cannot see the PING, says that it lives when one comes. */
TEST(a_full_inbox_answers_unasked)
{
    better_than_libzmq();
    void *pull = open_socket(ZMQ_PULL);
    set_int(pull, ZMQ_RCVHWM, 1);
    int fd = raw_connect(port_of(bind_to(pull, "tcp://127.0.0.1:*")));
    raw_handshake(fd, "PUSH");
    raw_send(fd, "\0\1a\0\1b\0\1c\0\1d", 12);
    assert_false(raw_readable(fd, 3 * QUIET_MS)); /* nobody has asked */
    raw_send_frame(fd, RAW_COMMAND, "\4PING\0\0", 7);
    struct raw_frame frame = raw_recv_frame(fd);
    assert_int_equal(frame.size, 5);
    assert_memory_equal(frame.body, "\4PONG", 5);
    close(fd);
}

#define OVER_WIRE(test) OVER(test, "tcp", "tcp://127.0.0.1:*"), OVER(test, "ipc", "ipc://@slow")

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(a_sender_that_asks_waits_for_its_large_message),
        RUN(a_sender_hears_of_who_receives_its_large_message),
        RUN(a_receiver_that_asks_waits_for_a_large_message),
        RUN(times_to_live_wait_for_a_large_message),
        OVER_WIRE(a_slow_consumer_is_not_cut_off),
        OVER_WIRE(a_consumer_with_little_to_read_is_not_cut_off),
        RUN(who_has_all_and_does_not_answer_is_cut_off),
        RUN(a_full_inbox_answers_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
