/* SPDX-License-Identifier: MIT */
/*
 * Monitors (zmq_socket_monitor(3)): what the call takes and refuses, one monitor after another,
 * who may read, and what becomes of one that nobody reads. What they tell is in
 * test_monitor_scenes.c and test_monitor_handshake.c.
 */
#include "behaviour/util.h"

#include "behaviour/monitor.h"

enum { WITHOUT_END = ZMQ_EVENT_ALL & ~ZMQ_EVENT_MONITOR_STOPPED };

TEST(endpoint_must_be_inproc)
{
    void *socket = open_socket(ZMQ_DEALER);
    static const char *const others[] = {"tcp://127.0.0.1:9999", "tcp://x", "ipc://x", "foo://x",
                                         "INPROC://x"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        expect_error(zmq_socket_monitor(socket, others[i], ZMQ_EVENT_ALL), EPROTONOSUPPORT);
    static const char *const none[] = {"", "inproc", "inproc:", "inproc://", "://x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        expect_error(zmq_socket_monitor(socket, none[i], ZMQ_EVENT_ALL), EINVAL);
}

TEST(events_must_exist)
{
    void *socket = open_socket(ZMQ_DEALER);
    static const int drafts[] = {0x10000, 0x1ffff, 0x100000, -1, INT32_MIN};
    for (size_t i = 0; i < sizeof drafts / sizeof *drafts; i++) {
        expect_error(zmq_socket_monitor(socket, "inproc://events", drafts[i]), EINVAL);
        expect_error(zmq_socket_monitor(socket, "tcp://x", drafts[i]), EINVAL);
        expect_error(zmq_socket_monitor(socket, NULL, drafts[i]), EINVAL);
    }
    assert_int_equal(zmq_socket_monitor(socket, "inproc://none", 0), 0);
    void *other = open_socket(ZMQ_DEALER);
    assert_int_equal(zmq_socket_monitor(other, "inproc://not-yet", 0x8000), 0);
}

TEST(socket_must_be_one)
{
    expect_error(zmq_socket_monitor(NULL, "inproc://x", ZMQ_EVENT_ALL), ENOTSOCK);
    expect_error(zmq_socket_monitor(NULL, "tcp://x", -1), ENOTSOCK);
    void *socket = open_socket(ZMQ_DEALER);
    close_socket(socket);
    if (!ON_LIBZMQ) /* where it is anybody's memory */
        expect_error(zmq_socket_monitor(socket, "inproc://x", ZMQ_EVENT_ALL), ENOTSOCK);
}

TEST(every_type_can_be_watched)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = open_socket(type);
        void *events = watch_all(socket);
        struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
        expect(events, LISTENING, bound.text);
        close_socket(socket);
        expect(events, CLOSED, bound.text);
        expect_stopped(events);
        close_socket(events);
    }
}

TEST(monitor_can_be_ended)
{
    void *socket = open_socket(ZMQ_DEALER);
    assert_int_equal(zmq_socket_monitor(socket, NULL, 0), 0);
    void *events = watch_all(socket);
    assert_int_equal(zmq_socket_monitor(socket, NULL, 0), 0);
    expect_stopped(events);
    assert_int_equal(zmq_socket_monitor(socket, NULL, ZMQ_EVENT_ALL), 0);
    bind_to(socket, "tcp://127.0.0.1:*");
    expect_silence(events);
}

TEST(monitor_can_be_replaced)
{
    void *socket = open_socket(ZMQ_DEALER);
    void *old = watch_all(socket), *new = watch_all(socket);
    expect_stopped(old);
    struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
    expect(new, LISTENING, bound.text);
    close_socket(socket);
    expect(new, CLOSED, bound.text);
    expect_stopped(new);
}

/* What is refused as such leaves the old monitor alone; a name that is taken does not. */
TEST(replacement_that_fails)
{
    void *socket = open_socket(ZMQ_DEALER), *owner = open_socket(ZMQ_PAIR);
    bind_to(owner, "inproc://taken");
    void *events = watch_all(socket);
    expect_error(zmq_socket_monitor(socket, "tcp://x", ZMQ_EVENT_ALL), EPROTONOSUPPORT);
    expect_error(zmq_socket_monitor(socket, "inproc://", ZMQ_EVENT_ALL), EINVAL);
    expect_error(zmq_socket_monitor(socket, "inproc://x", 0x10000), EINVAL);
    struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
    expect(events, LISTENING, bound.text);
    expect_error(zmq_socket_monitor(socket, "inproc://taken", ZMQ_EVENT_ALL), EADDRINUSE);
    expect_stopped(events);
    assert_int_equal(zmq_unbind(socket, bound.text), 0);
    expect_silence(events);
}

/* libzmq lets go of the name by and by. */
TEST(endpoint_is_free_again)
{
    better_than_libzmq();
    void *socket = open_socket(ZMQ_DEALER), *other = open_socket(ZMQ_PAIR);
    for (int i = 0; i < 3; i++)
        assert_int_equal(zmq_socket_monitor(socket, "inproc://same", ZMQ_EVENT_ALL), 0);
    expect_error(zmq_bind(other, "inproc://same"), EADDRINUSE);
    assert_int_equal(zmq_socket_monitor(socket, NULL, 0), 0);
    bind_to(other, "inproc://same");
    assert_int_equal(zmq_socket_monitor(socket, "inproc://other", ZMQ_EVENT_ALL), 0);
    close_socket(socket);
    bind_to(other, "inproc://other");
}

TEST(name_belongs_to_the_monitor)
{
    void *socket = open_socket(ZMQ_DEALER), *other = open_socket(ZMQ_DEALER);
    assert_int_equal(zmq_socket_monitor(socket, "inproc://mine", WITHOUT_END), 0);
    expect_error(zmq_socket_monitor(other, "inproc://mine", WITHOUT_END), EADDRINUSE);
    expect_error(zmq_bind(other, "inproc://mine"), EADDRINUSE);
    expect_error(zmq_unbind(socket, "inproc://mine"), ENOENT);
}

TEST(only_what_is_asked_for_is_told)
{
    void *socket = open_socket(ZMQ_DEALER);
    void *events = watch(socket, ZMQ_EVENT_CLOSED | ZMQ_EVENT_MONITOR_STOPPED);
    struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(socket, bound.text), 0);
    expect(events, CLOSED, bound.text);
    close_socket(socket);
    expect_stopped(events);
}

TEST(end_is_not_told_unless_asked_for)
{
    void *socket = open_socket(ZMQ_DEALER);
    void *events = watch(socket, WITHOUT_END);
    struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
    close_socket(socket);
    expect(events, LISTENING, bound.text);
    expect(events, CLOSED, bound.text);
    expect_silence(events);
}

TEST(monitor_counts_as_a_socket)
{
    void *ctx = zmq_ctx_new();
    assert_int_equal(zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, 2), 0);
    void *socket = zmq_socket(ctx, ZMQ_DEALER);
    assert_int_equal(zmq_socket_monitor(socket, "inproc://one", WITHOUT_END), 0);
    assert_null(zmq_socket(ctx, ZMQ_PAIR));
    assert_int_equal(zmq_errno(), EMFILE);
    assert_int_equal(zmq_socket_monitor(socket, NULL, 0), 0);
    void *other = NULL;
    wait_until((other = zmq_socket(ctx, ZMQ_PAIR)));
    expect_error(zmq_socket_monitor(socket, "inproc://two", WITHOUT_END), EMFILE);
    zmq_close(socket);
    zmq_close(other);
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

/* Sockets that PAIR does not go with may read as well, as everywhere over inproc. */
TEST(other_sockets_may_read)
{
    static const int types[] = {ZMQ_PULL, ZMQ_DEALER};
    for (int i = 0; i < 2; i++) {
        void *socket = open_socket(ZMQ_REP), *reader = open_socket(types[i]);
        const char *endpoint = i ? "inproc://one" : "inproc://two";
        assert_int_equal(zmq_socket_monitor(socket, endpoint, WITHOUT_END), 0);
        connect_to(reader, endpoint);
        struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
        expect(reader, LISTENING, bound.text);
    }
}

TEST(reader_may_be_there_first)
{
    void *socket = open_socket(ZMQ_DEALER), *reader = open_socket(ZMQ_PAIR);
    connect_to(reader, "inproc://early");
    assert_int_equal(zmq_socket_monitor(socket, "inproc://early", ZMQ_EVENT_ALL), 0);
    struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
    expect(reader, LISTENING, bound.text);
    close_socket(socket);
    expect(reader, CLOSED, bound.text);
    expect_stopped(reader);
}

/* libzmq blocks in zmq_bind() until somebody reads. */
TEST(reader_may_come_late)
{
    better_than_libzmq();
    void *socket = open_socket(ZMQ_DEALER), *reader = open_socket(ZMQ_PAIR);
    assert_int_equal(zmq_socket_monitor(socket, "inproc://late", ZMQ_EVENT_ALL), 0);
    struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
    connect_to(reader, "inproc://late");
    expect(reader, LISTENING, bound.text);
    assert_int_equal(zmq_unbind(socket, bound.text), 0);
    expect(reader, CLOSED, bound.text);
}

/* The same again. */
TEST(reader_may_go_and_another_come)
{
    better_than_libzmq();
    void *socket = open_socket(ZMQ_DEALER);
    assert_int_equal(zmq_socket_monitor(socket, "inproc://changing", ZMQ_EVENT_ALL), 0);
    for (int i = 0; i < 3; i++) {
        void *reader = open_socket(ZMQ_PAIR);
        connect_to(reader, "inproc://changing");
        struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
        expect(reader, LISTENING, bound.text);
        close_socket(reader);
    }
    struct endpoint unseen = bind_to(socket, "tcp://127.0.0.1:*");
    void *reader = open_socket(ZMQ_PAIR);
    connect_to(reader, "inproc://changing");
    expect(reader, LISTENING, unseen.text);
}

static int count_events(void *reader)
{
    int count = 0;
    while (can_recv(reader, 0)) {
        next_event(reader);
        count++;
    }
    return count;
}

static void bind_often(void *socket, int times)
{
    for (int i = 0; i < times; i++) {
        struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
        assert_int_equal(zmq_unbind(socket, bound.text), 0);
    }
}

/* libzmq stalls the connections once 2,000 events wait. The end is told even so. */
TEST(monitor_that_nobody_reads_is_bounded)
{
    better_than_libzmq();
    void *socket = open_socket(ZMQ_DEALER);
    void *events = watch_all(socket);
    bind_often(socket, 2000);
    assert_in_range(count_events(events), 2000, 3000);
    close_socket(socket);
    expect_stopped(events);
}

TEST(end_is_told_to_a_reader_who_is_behind)
{
    better_than_libzmq();
    void *socket = open_socket(ZMQ_DEALER);
    void *events = watch_all(socket);
    bind_often(socket, 2000);
    close_socket(socket);
    struct event event = next_event(events);
    int count = 1;
    for (; event.number != ZMQ_EVENT_MONITOR_STOPPED; count++)
        event = next_event(events);
    assert_in_range(count, 2001, 3001);
}

TEST(monitor_without_a_reader_is_bounded)
{
    better_than_libzmq();
    void *socket = open_socket(ZMQ_DEALER), *reader = open_socket(ZMQ_PAIR);
    assert_int_equal(zmq_socket_monitor(socket, "inproc://alone", ZMQ_EVENT_ALL), 0);
    bind_often(socket, 1000);
    connect_to(reader, "inproc://alone");
    assert_int_equal(count_events(reader), 1000);
    struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
    expect(reader, LISTENING, bound.text);
}

/* What is sent to a monitor is nobody's, and waits in its inbox. */
TEST(reader_may_send_in_vain)
{
    void *socket = open_socket(ZMQ_DEALER);
    void *events = watch_all(socket);
    for (int i = 0; i < 100; i++)
        send_parts(events, "nobody hears this");
    struct endpoint bound = bind_to(socket, "tcp://127.0.0.1:*");
    expect(events, LISTENING, bound.text);
    close_socket(socket);
    expect(events, CLOSED, bound.text);
    expect_stopped(events);
}

TEST(monitor_goes_on_while_the_socket_lingers)
{
    void *socket = open_socket(ZMQ_PUSH), *puller = open_socket(ZMQ_PULL);
    void *events = watch_all(socket);
    struct endpoint away = bind_to(puller, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(puller, away.text), 0);
    set_int(socket, ZMQ_RECONNECT_IVL, 10);
    set_int(socket, ZMQ_LINGER, -1);
    connect_to(socket, away.text);
    send_parts(socket, "waits");
    close_socket(socket);
    for (int i = 0; i < 3; i++) {
        expect(events, CONNECT_DELAYED, away.text);
        expect(events, CLOSED, away.text);
        expect(events, CONNECT_RETRIED, away.text);
    }
    wait_until(zmq_bind(puller, away.text) == 0);
    expect_parts(puller, "waits");
    struct event event = next_event(events);
    while (event.number != ZMQ_EVENT_MONITOR_STOPPED)
        event = next_event(events);
}

TEST(context_ends_while_monitors_are_there)
{
    void *ctx = zmq_ctx_new();
    void *socket = zmq_socket(ctx, ZMQ_DEALER), *reader = zmq_socket(ctx, ZMQ_PAIR);
    assert_int_equal(zmq_socket_monitor(socket, "inproc://end", ZMQ_EVENT_ALL), 0);
    connect_to(reader, "inproc://end");
    bind_to(socket, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_ctx_shutdown(ctx), 0);
    while (zmq_recv(reader, NULL, 0, 0) >= 0) /* libzmq may not have noticed yet */
        continue;
    assert_int_equal(zmq_errno(), ETERM);
    expect_error(zmq_socket_monitor(socket, "inproc://again", ZMQ_EVENT_ALL), ETERM);
    zmq_close(socket);
    zmq_close(reader);
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

TEST(context_ends_with_events_unread)
{
    void *ctx = zmq_ctx_new();
    for (int i = 0; i < 2; i++) {
        void *socket = zmq_socket(ctx, ZMQ_DEALER), *reader = zmq_socket(ctx, ZMQ_PAIR);
        const char *endpoint = i ? "inproc://one" : "inproc://two";
        assert_int_equal(zmq_socket_monitor(socket, endpoint, WITHOUT_END), 0);
        connect_to(reader, endpoint);
        bind_to(socket, "tcp://127.0.0.1:*");
        zmq_close(i ? socket : reader);
        zmq_close(i ? reader : socket);
    }
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(endpoint_must_be_inproc),
        RUN(events_must_exist),
        RUN(socket_must_be_one),
        RUN(every_type_can_be_watched),
        RUN(monitor_can_be_ended),
        RUN(monitor_can_be_replaced),
        RUN(replacement_that_fails),
        RUN(endpoint_is_free_again),
        RUN(name_belongs_to_the_monitor),
        RUN(only_what_is_asked_for_is_told),
        RUN(end_is_not_told_unless_asked_for),
        RUN(monitor_counts_as_a_socket),
        RUN(other_sockets_may_read),
        RUN(reader_may_be_there_first),
        RUN(reader_may_come_late),
        RUN(reader_may_go_and_another_come),
        RUN(monitor_that_nobody_reads_is_bounded),
        RUN(end_is_told_to_a_reader_who_is_behind),
        RUN(monitor_without_a_reader_is_bounded),
        RUN(reader_may_send_in_vain),
        RUN(monitor_goes_on_while_the_socket_lingers),
        RUN(context_ends_while_monitors_are_there),
        RUN(context_ends_with_events_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
