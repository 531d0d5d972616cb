/* SPDX-License-Identifier: MIT */
/*
 * ZMQ_LINGER and the end of a context: what is unsent when a socket closes is kept for as long as
 * its linger says, and zmq_ctx_term waits for that. zmq_close(3), zmq_ctx_term(3).
 *
 * The senders live in a context of their own, which each test ends.
 */
#include "behaviour/util.h"

static void *other; /* the senders' context */

static void *end_context(void *ctx)
{
    int64_t started = now_ms();
    int rc = zmq_ctx_term(ctx);
    return (void *)(intptr_t)(rc ? -1 : now_ms() - started);
}

/* Ends the senders' context in this thread, and returns how long that took. */
static int64_t end_other(void)
{
    void *ctx = other;
    other = NULL;
    int64_t took = (intptr_t)end_context(ctx);
    assert_true(took >= 0);
    return took;
}

/* The same in a thread, while this one does something about it. */
static pthread_t start_ending_other(void)
{
    void *ctx = other;
    other = NULL;
    return start_thread(end_context, ctx);
}

static int open_worlds(void **state)
{
    other = zmq_ctx_new();
    return other ? world_open(state) : -1;
}

static int close_worlds(void **state)
{
    int rc = world_close(state);
    return other ? zmq_ctx_term(other) : rc;
}

static struct CMUnitTest in_worlds(const char *name, CMUnitTestFunction test, const char *endpoint)
{
    return (struct CMUnitTest){name, test, open_worlds, close_worlds, (void *)(uintptr_t)endpoint};
}

#define LINGER(test) in_worlds(#test, test, NULL)
#define OVER_WIRE(test)                                      \
    in_worlds(#test "_over_tcp", test, "tcp://127.0.0.1:*"), \
        in_worlds(#test "_over_ipc", test, "ipc://*")

static void *sender(int type, int linger_ms)
{
    void *socket = open_socket_in(other, type);
    set_int(socket, ZMQ_LINGER, linger_ms);
    set_int(socket, ZMQ_RECONNECT_IVL, 10);
    return socket;
}

static struct endpoint reserve(void *socket)
{
    struct endpoint where = bind_to(socket, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(socket, where.text), 0);
    return where;
}

TEST(zero_forgets_at_once)
{
    void *push = sender(ZMQ_PUSH, 0);
    connect_to(push, reserve(open_socket(ZMQ_PULL)).text);
    send_parts(push, "forgotten");
    close_socket(push);
    assert_in_range(end_other(), 0, 2000);
}

TEST(some_time_is_waited_and_no_longer)
{
    void *push = sender(ZMQ_PUSH, 300);
    connect_to(push, reserve(open_socket(ZMQ_PULL)).text);
    send_parts(push, "forgotten later");
    close_socket(push);
    assert_in_range(end_other(), 250, 5000);
}

TEST(closing_itself_does_not_wait)
{
    void *push = sender(ZMQ_PUSH, 2000);
    connect_to(push, reserve(open_socket(ZMQ_PULL)).text);
    send_parts(push, "waiting");
    int64_t started = now_ms();
    close_socket(push);
    assert_in_range(now_ms() - started, 0, 1000);
    end_other();
}

TEST(time_is_not_waited_for_nothing)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = sender(ZMQ_PUSH, DEADLINE_MS);
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
    send_parts(push, "sent");
    expect_parts(pull, "sent");
    close_socket(push);
    assert_in_range(end_other(), 0, DEADLINE_MS / 2);
}

TEST(without_end_it_waits_for_a_late_peer)
{
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint where = reserve(pull);
    void *push = sender(ZMQ_PUSH, -1);
    connect_to(push, where.text);
    for (int i = 0; i < 100; i++)
        send_number(push, i, 0);
    close_socket(push);
    pthread_t ending = start_ending_other();
    wait_until(zmq_bind(pull, where.text) == 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(recv_number(pull), i);
    assert_true((intptr_t)join_thread(ending) >= 0);
}

TEST(all_is_sent_before_the_end)
{
    enum { MESSAGES = 20000 };
    void *pull = open_socket(ZMQ_PULL);
    void *push = sender(ZMQ_PUSH, -1);
    set_int(push, ZMQ_SNDHWM, 0);
    set_int(pull, ZMQ_RCVHWM, 0);
    connect_to(push, bind_to(pull, *state).text);
    for (int i = 0; i < MESSAGES; i++)
        send_number(push, i, 0);
    close_socket(push);
    end_other();
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(recv_number(pull), i);
}

/* The reader takes its time: the end waits for it, and no part of a message is lost. */
TEST(large_messages_are_sent_before_the_end)
{
    static char body[1 << 20];
    void *pull = open_socket(ZMQ_PULL);
    void *push = sender(ZMQ_PUSH, -1);
    set_int(pull, ZMQ_RCVHWM, 1);
    connect_to(push, bind_to(pull, *state).text);
    for (int i = 0; i < 30; i++) {
        send_number(push, i, ZMQ_SNDMORE);
        send_bytes(push, body, sizeof body, 0);
    }
    close_socket(push);
    pthread_t ending = start_ending_other();
    for (int i = 0; i < 30; i++) {
        assert_int_equal(recv_number(pull), i);
        assert_int_equal(zmq_recv(pull, body, sizeof body, 0), sizeof body);
    }
    assert_true((intptr_t)join_thread(ending) >= 0);
}

TEST(peers_of_a_bound_socket_get_theirs_too)
{
    void *router = sender(ZMQ_ROUTER, -1);
    void *dealer = open_socket(ZMQ_DEALER);
    set_text(dealer, ZMQ_ROUTING_ID, "d");
    connect_to(dealer, bind_to(router, *state).text);
    send_parts(dealer, "hello");
    expect_parts(router, "d", "hello");
    for (int i = 0; i < 500; i++) {
        send_bytes(router, "d", 1, ZMQ_SNDMORE);
        send_number(router, i, 0);
    }
    close_socket(router);
    end_other();
    for (int i = 0; i < 500; i++)
        assert_int_equal(recv_number(dealer), i);
}

TEST(linger_may_be_set_last)
{
    void *push = sender(ZMQ_PUSH, -1);
    connect_to(push, reserve(open_socket(ZMQ_PULL)).text);
    send_parts(push, "forgotten");
    set_int(push, ZMQ_LINGER, 0);
    close_socket(push);
    assert_in_range(end_other(), 0, 2000);
}

TEST(each_socket_has_its_own)
{
    void *pull = open_socket(ZMQ_PULL);
    void *forgets = sender(ZMQ_PUSH, 0);
    void *keeps = sender(ZMQ_PUSH, -1);
    struct endpoint where = reserve(pull);
    connect_to(forgets, where.text);
    connect_to(keeps, where.text);
    send_parts(forgets, "forgotten");
    send_parts(keeps, "kept");
    close_socket(forgets);
    close_socket(keeps);
    pthread_t ending = start_ending_other();
    wait_until(zmq_bind(pull, where.text) == 0);
    expect_parts(pull, "kept");
    assert_true((intptr_t)join_thread(ending) >= 0);
    expect_nothing(pull);
}

/* A message that lacks its last part is none: the peer never sees the beginning. */
TEST(unfinished_message_is_not_sent)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = sender(ZMQ_PUSH, -1);
    struct endpoint where = bind_to(pull, *state);
    connect_to(push, where.text);
    send_parts(push, "whole");
    send_bytes(push, "half", 4, ZMQ_SNDMORE);
    close_socket(push);
    end_other();
    expect_parts(pull, "whole");
    void *next = open_socket(ZMQ_PUSH);
    connect_to(next, where.text);
    send_parts(next, "another");
    expect_parts(pull, "another");
}

TEST(disconnecting_sends_what_is_queued)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = sender(ZMQ_PUSH, -1);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    connect_to(push, where.text);
    for (int i = 0; i < 500; i++)
        send_number(push, i, 0);
    assert_int_equal(zmq_disconnect(push, where.text), 0);
    for (int i = 0; i < 500; i++)
        assert_int_equal(recv_number(pull), i);
    expect_error(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
}

TEST(context_may_set_linger_to_zero_for_all)
{
    assert_int_equal(zmq_ctx_get(other, ZMQ_BLOCKY), 1);
    void *before = zmq_socket(other, ZMQ_PUSH);
    assert_int_equal(get_int(before, ZMQ_LINGER), -1);
    assert_int_equal(zmq_close(before), 0);
    assert_int_equal(zmq_ctx_set(other, ZMQ_BLOCKY, 0), 0);
    assert_int_equal(zmq_ctx_get(other, ZMQ_BLOCKY), 0);
    void *push = zmq_socket(other, ZMQ_PUSH);
    assert_int_equal(get_int(push, ZMQ_LINGER), 0);
    connect_to(push, reserve(open_socket(ZMQ_PULL)).text);
    send_parts(push, "forgotten");
    assert_int_equal(zmq_close(push), 0);
    assert_in_range(end_other(), 0, 2000);
}

/* Nobody can bind the name any more once the context ends. */
TEST(what_waits_for_a_name_that_nobody_binds_holds_nobody_up)
{
    void *early = open_socket(ZMQ_PUSH), *late = open_socket(ZMQ_PUSH);
    connect_to(early, "inproc://nobody");
    connect_to(late, "inproc://nobody");
    send_parts(early, "lost");
    send_parts(late, "lost");
    close_socket(early);
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    close_socket(late);
    term_world();
}

/* The time that was set when a connection was given up does not count for the others. */
TEST(closing_counts_with_its_own_time)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint given_up = bind_to(pull, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(pull, given_up.text), 0);
    struct endpoint awaited = bind_to(pull, "tcp://127.0.0.1:*");
    assert_int_equal(zmq_unbind(pull, awaited.text), 0);
    set_int(push, ZMQ_RECONNECT_IVL, 10);
    set_int(push, ZMQ_LINGER, 50);
    connect_to(push, given_up.text);
    send_parts(push, "lost");
    connect_to(push, awaited.text);
    assert_int_equal(zmq_disconnect(push, given_up.text), 0);
    send_parts(push, "waits");
    set_int(push, ZMQ_LINGER, -1);
    close_socket(push);
    nap_ms(QUIET_MS);
    wait_until(zmq_bind(pull, awaited.text) == 0);
    expect_parts(pull, "waits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINGER(zero_forgets_at_once),
        LINGER(some_time_is_waited_and_no_longer),
        LINGER(closing_itself_does_not_wait),
        LINGER(time_is_not_waited_for_nothing),
        LINGER(without_end_it_waits_for_a_late_peer),
        OVER_WIRE(all_is_sent_before_the_end),
        OVER_WIRE(large_messages_are_sent_before_the_end),
        OVER_WIRE(peers_of_a_bound_socket_get_theirs_too),
        LINGER(linger_may_be_set_last),
        LINGER(each_socket_has_its_own),
        OVER_WIRE(unfinished_message_is_not_sent),
        LINGER(disconnecting_sends_what_is_queued),
        RUN(what_waits_for_a_name_that_nobody_binds_holds_nobody_up),
        RUN(closing_counts_with_its_own_time),
        LINGER(context_may_set_linger_to_zero_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
