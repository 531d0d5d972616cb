/* SPDX-License-Identifier: MIT */
/*
 * Peers that say something for which there is no room, and go: their connections are given back at
 * once, and what they said is neither lost nor ahead of its turn.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/device.h"

#include <dirent.h>

enum { CLIENTS = 50, SLACK = 8 /* descriptors that come and go for other reasons */ };

static int count_descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Shakes hands, sends these bytes and goes. */
static void say_and_go(int port, const char *type, const void *bytes, size_t size)
{
    int fd = raw_connect(port);
    raw_handshake(fd, type);
    raw_send(fd, bytes, size);
    close(fd);
}

TEST(clients_of_a_queue_without_workers)
{
    struct rig rig = queue_at("tcp://127.0.0.1:*");
    int before = count_descriptors();
    for (int i = 0; i < CLIENTS; i++)
        say_and_go(port_of(rig.front_at), "REQ", "\1\0\0\1q", 5);
    wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == CLIENTS);
    wait_until(count_descriptors() <= before + SLACK);
    void *worker = peer_at(ZMQ_REP, rig.back_at);
    for (int i = 0; i < CLIENTS; i++) {
        expect_parts(worker, "q");
        send_parts(worker, "a");
    }
    wait_books(rig.device, books.backward.dropped[GMQ_DROP_NO_ROUTE].messages == CLIENTS);
    assert_int_equal(account_of(rig.device).forward.forwarded.messages, CLIENTS);
    void *client = peer_at(ZMQ_REQ, rig.front_at);
    send_parts(client, "q");
    expect_parts(worker, "q");
    send_parts(worker, "a");
    expect_parts(client, "a");
}

TEST(client_of_a_paused_queue)
{
    struct rig rig = queue_at("tcp://127.0.0.1:*");
    void *worker = peer_at(ZMQ_REP, rig.back_at);
    wait_books(rig.device, books.backend_peers == 1);
    assert_int_equal(gmq_device_pause(rig.device), 0);
    say_and_go(port_of(rig.front_at), "REQ", "\1\0\0\1q", 5);
    wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == 1);
    assert_int_equal(account_of(rig.device).forward.received.messages, 0);
    assert_int_equal(gmq_device_resume(rig.device), 0);
    expect_parts(worker, "q");
}

/* Small messages, one of several parts and a large one: all that has come counts. */
TEST(producer_of_a_streamer_without_consumers)
{
    enum { LARGE = 100000, MESSAGES = 300 };
    static char large[9 + LARGE] = {RAW_LONG,    0, 0, 0, 0, 0, LARGE >> 16, (LARGE >> 8) & 0xff,
                                    LARGE & 0xff};
    static char received[LARGE];
    struct rig rig = {.front = open_socket(ZMQ_PULL), .back = open_socket(ZMQ_PUSH)};
    set_int(rig.front, ZMQ_RCVBUF, 1 << 20); /* the end is seen when all before it has come */
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    rig.back_at = bind_to(rig.back, "tcp://127.0.0.1:*");
    start_rig(&rig, GMQ_DEVICE_STREAMER);
    int fd = raw_connect(port_of(rig.front_at));
    raw_handshake(fd, "PUSH");
    for (int i = 0; i < MESSAGES; i++)
        raw_send(fd, (char[]){0, 1, (char)i}, 3);
    raw_send(fd, "\1\1a\0\1b", 6);
    raw_send(fd, large, sizeof large);
    raw_send(fd, "\1\4torn", 6);
    close(fd);
    wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == 1);
    void *consumer = peer_at(ZMQ_PULL, rig.back_at);
    for (int i = 0; i < MESSAGES; i++) {
        struct part part = recv_part(consumer);
        assert_int_equal(part.size, 1);
        assert_int_equal(part.data[0], (char)i);
    }
    expect_parts(consumer, "a", "b");
    assert_int_equal(zmq_recv(consumer, received, LARGE, 0), LARGE);
    void *producer = peer_at(ZMQ_PUSH, rig.front_at);
    send_parts(producer, "the next");
    expect_parts(consumer, "the next");
}

/* More than is kept of those who have gone, 64 MiB: all connections are given back, the next waits
 * at the door, consumers come in, and nothing is lost. */
TEST(producers_of_more_than_is_kept)
{
    enum { BODY = 600000, SURE = 100, AT_MOST = 160 };
    static char message[9 + BODY] = {RAW_LONG,           0,          0, 0, 0, 0, BODY >> 16,
                                     (BODY >> 8) & 0xff, BODY & 0xff};
    static char received[BODY];
    struct rig rig = {.front = open_socket(ZMQ_PULL), .back = open_socket(ZMQ_PUSH)};
    set_int(rig.front, ZMQ_RCVBUF, 1 << 20);
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    rig.back_at = bind_to(rig.back, "tcp://127.0.0.1:*");
    start_rig(&rig, GMQ_DEVICE_STREAMER);
    int before = count_descriptors(), waits = -1;
    unsigned gone = 0;
    while (gone < AT_MOST) {
        int fd = raw_connect(port_of(rig.front_at));
        if (gone >= SURE && !raw_readable(fd, 500)) {
            waits = fd;
            break;
        }
        raw_handshake(fd, "PUSH");
        raw_send(fd, message, sizeof message);
        close(fd);
        gone++;
        wait_books(rig.device, books.frontend_left[GMQ_LEAVE_CLOSED] == gone);
    }
    assert_true(waits >= 0);
    wait_until(count_descriptors() <= before + SLACK);
    void *consumer = peer_at(ZMQ_PULL, rig.back_at);
    for (unsigned i = 0; i < gone; i++)
        assert_int_equal(zmq_recv(consumer, received, BODY, 0), BODY);
    raw_handshake(waits, "PUSH");
    raw_send(waits, "\0\4next", 6);
    expect_parts(consumer, "next");
    close(waits);
}

static void send_numbers(int fd, int from, int to)
{
    for (int i = from; i < to; i++) {
        char text[16];
        raw_send_frame(fd, 0, text, (size_t)snprintf(text, sizeof text, "%d", i));
    }
}

/* No device: the inbox is at its high-water mark when the sender goes. */
TEST(sender_to_a_socket_that_is_full)
{
    void *pull = open_socket(ZMQ_PULL);
    set_int(pull, ZMQ_RCVHWM, 10);
    int port = port_of(bind_to(pull, "tcp://127.0.0.1:*"));
    int before = count_descriptors();
    for (int sender = 0; sender < CLIENTS; sender++) {
        int fd = raw_connect(port);
        raw_handshake(fd, "PUSH");
        send_numbers(fd, 0, 100);
        close(fd);
    }
    wait_until(count_descriptors() <= before + SLACK);
    int sum = 0;
    for (int i = 0; i < CLIENTS * 100; i++)
        sum += recv_number(pull);
    assert_int_equal(sum, CLIENTS * 99 * 50);
    expect_error(zmq_recv(pull, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

/* The connection is our own: it is made anew, and goes on where the last one ended. */
TEST(server_that_goes_and_comes_again)
{
    void *pull = open_socket(ZMQ_PULL);
    int port = 0, listener = raw_listen(&port, 5);
    char where[64];
    snprintf(where, sizeof where, "tcp://127.0.0.1:%d", port);
    set_int(pull, ZMQ_RCVHWM, 10);
    set_int(pull, ZMQ_RECONNECT_IVL, 10);
    connect_to(pull, where);
    int fd = raw_accept(listener);
    raw_handshake(fd, "PUSH");
    send_numbers(fd, 0, 100);
    close(fd);
    fd = raw_accept(listener); /* nothing has been received yet */
    raw_handshake(fd, "PUSH");
    send_numbers(fd, 100, 200);
    for (int i = 0; i < 200; i++)
        assert_int_equal(recv_number(pull), i);
    close(fd);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE(clients_of_a_queue_without_workers),
        RUN_DEVICE(client_of_a_paused_queue),
        RUN_DEVICE(producer_of_a_streamer_without_consumers),
        RUN_DEVICE(producers_of_more_than_is_kept),
        RUN(sender_to_a_socket_that_is_full),
        RUN(server_that_goes_and_comes_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
