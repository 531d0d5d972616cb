/* SPDX-License-Identifier: MIT */
/*
 * Monitors read by threads of their own, while connections come and go in others; monitors that
 * are replaced and ended under way; readers that close early; a context that ends with all of it.
 */
#include <stdatomic.h>

#include "behaviour/util.h"

#include "behaviour/monitor.h"

enum { ROUNDS = 50, READERS = 3 };

/* What a reader has seen; static, because the thread may outlive a test that fails. */
struct tally_of_events {
    void *reader;
    atomic_int accepted, succeeded, disconnected;
    atomic_bool out_of_order, stopped;
};

static bool read_event(void *reader, struct event *event)
{
    char body[6];
    if (zmq_recv(reader, body, sizeof body, 0) != sizeof body)
        return false;
    memcpy(&event->number, body, 2);
    return zmq_recv(reader, event->endpoint, sizeof event->endpoint, 0) >= 0;
}

static void *read_until_stopped(void *argument)
{
    struct tally_of_events *seen = argument;
    struct event event = {0};
    while (event.number != ZMQ_EVENT_MONITOR_STOPPED && read_event(seen->reader, &event)) {
        seen->accepted += event.number == ZMQ_EVENT_ACCEPTED;
        seen->succeeded += event.number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
        seen->disconnected += event.number == ZMQ_EVENT_DISCONNECTED;
        if (seen->succeeded > seen->accepted || seen->disconnected > seen->succeeded)
            seen->out_of_order = true;
    }
    seen->stopped = event.number == ZMQ_EVENT_MONITOR_STOPPED;
    return NULL;
}

/* Connects, is answered, and goes: many times. */
static void *come_and_go(void *endpoint)
{
    intptr_t wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char reply[8];
        int patience = DEADLINE_MS;
        void *client = zmq_socket(world.ctx, ZMQ_REQ);
        zmq_setsockopt(client, ZMQ_RCVTIMEO, &patience, sizeof patience);
        wrong += zmq_connect(client, endpoint) != 0 || zmq_send(client, "x", 1, 0) != 1 ||
                 zmq_recv(client, reply, sizeof reply, 0) != 1;
        zmq_close(client);
    }
    return (void *)wrong;
}

/* Answers until the socket says nothing for the while that it may wait. */
static void *answer(void *server)
{
    char request[8];
    while (zmq_recv(server, request, sizeof request, 0) == 1)
        zmq_send(server, request, 1, 0);
    return NULL;
}

TEST(reader_in_another_thread_sees_all_in_order)
{
    static struct tally_of_events seen;
    static struct endpoint bound;
    void *server = open_socket(ZMQ_REP);
    seen = (struct tally_of_events){.reader = watch_all(server)};
    bound = bind_to(server, "tcp://127.0.0.1:*");
    pthread_t reader = start_thread(read_until_stopped, &seen);
    pthread_t answerer = start_thread(answer, server);
    pthread_t clients[2];
    for (int i = 0; i < 2; i++)
        clients[i] = start_thread(come_and_go, bound.text);
    for (int i = 0; i < 2; i++)
        assert_null(join_thread(clients[i]));
    wait_until(seen.disconnected == 2 * ROUNDS);
    close_socket(server); /* which ends the answerer, too */
    join_thread(answerer);
    join_thread(reader);
    assert_true(seen.stopped);
    assert_false(seen.out_of_order);
    assert_int_equal(seen.accepted, 2 * ROUNDS);
    assert_int_equal(seen.succeeded, 2 * ROUNDS);
}

/* Reads a little from one monitor after another, and closes in the middle. */
static void *read_and_leave(void *argument)
{
    const char *endpoint = argument;
    for (int i = 0; i < ROUNDS; i++) {
        struct event event;
        int patience = 1;
        void *reader = zmq_socket(world.ctx, ZMQ_PAIR);
        zmq_setsockopt(reader, ZMQ_RCVTIMEO, &patience, sizeof patience);
        zmq_connect(reader, endpoint);
        read_event(reader, &event);
        zmq_close(reader);
    }
    return NULL;
}

static void *watch_and_forget(void *server)
{
    intptr_t wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        wrong += zmq_socket_monitor(server, "inproc://under-way", ZMQ_EVENT_ALL) != 0;
        if (i % 3 == 0)
            wrong += zmq_socket_monitor(server, NULL, 0) != 0;
    }
    return (void *)wrong;
}

TEST(monitors_and_readers_come_and_go)
{
    static struct endpoint bound;
    void *server = open_socket(ZMQ_REP);
    bound = bind_to(server, "tcp://127.0.0.1:*");
    pthread_t answerer = start_thread(answer, server);
    pthread_t client = start_thread(come_and_go, bound.text);
    pthread_t watcher = start_thread(watch_and_forget, server);
    pthread_t readers[READERS];
    for (int i = 0; i < READERS; i++)
        readers[i] = start_thread(read_and_leave, (void *)(uintptr_t) "inproc://under-way");
    assert_null(join_thread(watcher));
    assert_null(join_thread(client));
    for (int i = 0; i < READERS; i++)
        join_thread(readers[i]);
    close_socket(server);
    join_thread(answerer);
}

TEST(context_ends_under_a_reader)
{
    static struct tally_of_events seen;
    void *server = open_socket(ZMQ_REP);
    seen = (struct tally_of_events){.reader = watch_all(server)};
    bind_to(server, "tcp://127.0.0.1:*");
    pthread_t reader = start_thread(read_until_stopped, &seen);
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    join_thread(reader);
    assert_false(seen.stopped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(reader_in_another_thread_sees_all_in_order),
        RUN(monitors_and_readers_come_and_go),
        RUN(context_ends_under_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
