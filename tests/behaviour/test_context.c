/* SPDX-License-Identifier: MIT */
/*
 * Contexts: their options, how they end, and what that does to calls that wait. zmq_ctx_new(3),
 * zmq_ctx_set(3), zmq_ctx_get(3), zmq_ctx_shutdown(3), zmq_ctx_term(3).
 */
#include <limits.h>
#include <stdatomic.h>

#include "behaviour/util.h"

/* A thread about to wait in a call says so first; the end comes then, or a little earlier. */
static atomic_int waiting;

static void say_waiting(void)
{
    atomic_fetch_add(&waiting, 1);
}

static void await_waiting(int count)
{
    wait_until(atomic_load(&waiting) >= count);
}

/* Threads return the errno of the call that they waited in. */
static void *wait_in_recv(void *socket)
{
    say_waiting();
    int rc = zmq_recv(socket, NULL, 0, 0);
    return (void *)(intptr_t)(rc == -1 ? zmq_errno() : 0);
}

static void *wait_in_send(void *socket)
{
    say_waiting();
    int rc = zmq_send(socket, "x", 1, 0);
    return (void *)(intptr_t)(rc == -1 ? zmq_errno() : 0);
}

static void *wait_in_poll(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    say_waiting();
    int rc = zmq_poll(&item, 1, -1);
    if (rc == 1 && item.revents) /* readable may also mean: has something to say */
        return wait_in_recv(socket);
    return (void *)(intptr_t)(rc == -1 ? zmq_errno() : 0);
}

static void *wait_in_term(void *ctx)
{
    say_waiting();
    return (void *)(intptr_t)zmq_ctx_term(ctx);
}

static void *endless(int type)
{
    void *socket = open_socket(type);
    set_int(socket, ZMQ_RCVTIMEO, -1);
    set_int(socket, ZMQ_SNDTIMEO, -1);
    return socket;
}

TEST(options_start_as_documented)
{
    assert_int_equal(zmq_ctx_get(world.ctx, ZMQ_IO_THREADS), 1);
    assert_int_equal(zmq_ctx_get(world.ctx, ZMQ_SOCKET_LIMIT), 65535);
    assert_int_equal(zmq_ctx_get(world.ctx, ZMQ_MAX_SOCKETS), 1023);
    assert_int_equal(zmq_ctx_get(world.ctx, ZMQ_IPV6), 0);
    assert_int_equal(zmq_ctx_get(world.ctx, ZMQ_BLOCKY), 1);
    assert_int_equal(zmq_ctx_get(world.ctx, ZMQ_MAX_MSGSZ), INT_MAX);
    assert_int_equal(zmq_ctx_get(world.ctx, ZMQ_MSG_T_SIZE), sizeof(zmq_msg_t));
}

TEST(options_can_be_set)
{
    static const int options[][2] = {{ZMQ_IO_THREADS, 2},
                                     {ZMQ_MAX_SOCKETS, 10},
                                     {ZMQ_IPV6, 1},
                                     {ZMQ_BLOCKY, 0},
                                     {ZMQ_MAX_MSGSZ, 1000}};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(zmq_ctx_set(world.ctx, options[i][0], options[i][1]), 0);
        assert_int_equal(zmq_ctx_get(world.ctx, options[i][0]), options[i][1]);
    }
    void *socket = open_socket(ZMQ_DEALER);
    assert_int_equal(get_int(socket, ZMQ_IPV6), 1);
    assert_int_equal(get_int(socket, ZMQ_LINGER), 0);
}

TEST(impossible_options_are_refused)
{
    expect_error(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, -1), EINVAL);
    expect_error(zmq_ctx_set(world.ctx, ZMQ_MAX_SOCKETS, 0), EINVAL);
    expect_error(zmq_ctx_set(world.ctx, ZMQ_MAX_SOCKETS, -1), EINVAL);
    expect_error(zmq_ctx_set(world.ctx, ZMQ_IPV6, -1), EINVAL);
    expect_error(zmq_ctx_set(world.ctx, ZMQ_BLOCKY, -1), EINVAL);
    expect_error(zmq_ctx_set(world.ctx, ZMQ_MSG_T_SIZE, 64), EINVAL);
    expect_error(zmq_ctx_set(world.ctx, 9999, 1), EINVAL);
    expect_error(zmq_ctx_get(world.ctx, 9999), EINVAL);
}

TEST(what_is_no_context_is_refused)
{
    void *socket = open_socket(ZMQ_PAIR);
    expect_error(zmq_ctx_set(NULL, ZMQ_IO_THREADS, 1), EFAULT);
    expect_error(zmq_ctx_get(NULL, ZMQ_IO_THREADS), EFAULT);
    expect_error(zmq_ctx_shutdown(NULL), EFAULT);
    expect_error(zmq_ctx_term(NULL), EFAULT);
    expect_error(zmq_ctx_get(socket, ZMQ_IO_THREADS), EFAULT);
    errno = 0;
    assert_null(zmq_socket(NULL, ZMQ_PAIR));
    assert_int_equal(zmq_errno(), EFAULT);
    errno = 0;
    assert_null(zmq_socket(world.ctx, 9999));
    assert_int_equal(zmq_errno(), EINVAL);
}

TEST(number_of_sockets_is_limited)
{
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_MAX_SOCKETS, 3), 0);
    void *socket[3];
    for (int i = 0; i < 3; i++)
        socket[i] = open_socket(ZMQ_PAIR);
    errno = 0;
    assert_null(zmq_socket(world.ctx, ZMQ_PAIR));
    assert_int_equal(zmq_errno(), EMFILE);
    close_socket(socket[1]);
    void *again = NULL;
    wait_until((again = zmq_socket(world.ctx, ZMQ_PAIR)) != NULL);
    assert_int_equal(zmq_close(again), 0);
}

/* So programs find out how many there may be. */
TEST(number_of_sockets_is_what_the_context_says)
{
    static void *sockets[ZMQ_MAX_SOCKETS_DFLT + 1];
    int most = zmq_ctx_get(world.ctx, ZMQ_MAX_SOCKETS), count = 0;
    assert_int_equal(most, ZMQ_MAX_SOCKETS_DFLT);
    while (count <= most && (sockets[count] = zmq_socket(world.ctx, ZMQ_PAIR)))
        count++;
    assert_int_equal(zmq_errno(), EMFILE);
    if (!ON_LIBZMQ) /* which may run out of descriptors before */
        assert_int_equal(count, most);
    while (count)
        assert_int_equal(zmq_close(sockets[--count]), 0);
}

TEST(messages_may_be_limited_for_the_context)
{
    enum { LIMIT = 1000 };
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_MAX_MSGSZ, LIMIT), 0);
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
    static char body[LIMIT];
    send_bytes(push, body, LIMIT, 0);
    assert_int_equal(zmq_recv(pull, body, LIMIT, 0), LIMIT);
}

/* libzmq sends what is too long, and says that it was as long as the limit. */
TEST(a_limit_that_comes_later_holds_from_then_on)
{
    enum { LIMIT = 10 };
    better_than_libzmq();
    char body[LIMIT + 1] = "";
    void *near = open_socket(ZMQ_PAIR), *far = open_socket(ZMQ_PAIR);
    connect_to(far, bind_to(near, "inproc://limited").text);
    for (int i = 0; i < 3; i++)
        send_bytes(near, body, sizeof body, 0);
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_MAX_MSGSZ, LIMIT), 0);
    expect_error(zmq_send(near, body, sizeof body, 0), EMSGSIZE);
}

TEST(inproc_needs_no_io_threads)
{
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0), 0);
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, "inproc://threadless").text);
    send_parts(push, "through");
    expect_parts(pull, "through");
}

/* libzmq cannot (EMTHREAD); ours does its work in the threads that call. */
TEST(tcp_needs_no_io_threads_either)
{
    better_than_libzmq();
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0), 0);
    void *rep = open_socket(ZMQ_REP);
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, bind_to(rep, "tcp://127.0.0.1:*").text);
    send_parts(req, "question");
    expect_parts(rep, "question");
    send_parts(rep, "answer");
    expect_parts(req, "answer");
}

TEST(empty_context_ends_at_once)
{
    void *socket = open_socket(ZMQ_PAIR);
    close_socket(socket);
    int64_t started = now_ms();
    term_world();
    assert_in_range(now_ms() - started, 0, 5000);
}

TEST(older_names)
{
    void *ctx = zmq_init(1);
    assert_non_null(ctx);
    void *socket = zmq_socket(ctx, ZMQ_PAIR);
    assert_non_null(socket);
    assert_int_equal(zmq_close(socket), 0);
    assert_int_equal(zmq_term(ctx), 0);
    ctx = zmq_init(0);
    assert_int_equal(zmq_ctx_destroy(ctx), 0);
    errno = 0;
    assert_null(zmq_init(-1));
    assert_int_equal(zmq_errno(), EINVAL);
}

TEST(shutdown_wakes_who_waits)
{
    static void *(*const waits[])(void *) = {wait_in_recv, wait_in_send, wait_in_poll};
    for (int i = 0; i < 3; i++) {
        atomic_store(&waiting, 0);
        void *socket = endless(ZMQ_DEALER);
        pthread_t thread = start_thread(waits[i], socket);
        await_waiting(1);
        assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
        assert_int_equal((intptr_t)join_thread(thread), ETERM);
        close_socket(socket);
        term_world();
        world.ctx = zmq_ctx_new();
    }
}

TEST(shutdown_fails_everything_after_it)
{
    void *both[2] = {open_socket(ZMQ_PAIR), open_socket(ZMQ_PAIR)};
    connect_to(both[1], bind_to(both[0], "inproc://ending").text);
    send_parts(both[1], "unread");
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    for (int i = 0; i < 2; i++) {
        int value = 0;
        size_t size = sizeof value;
        zmq_pollitem_t item = {.socket = both[i], .events = ZMQ_POLLIN};
        expect_error(zmq_poll(&item, 1, 0), ETERM);
        expect_error(zmq_recv(both[i], NULL, 0, 0), ETERM);
        expect_error(zmq_recv(both[i], NULL, 0, ZMQ_DONTWAIT), ETERM);
        expect_error(zmq_send(both[i], "x", 1, 0), ETERM);
        expect_error(zmq_send(both[i], "x", 1, ZMQ_DONTWAIT), ETERM);
        expect_error(zmq_bind(both[i], "inproc://another"), ETERM);
        expect_error(zmq_connect(both[i], "inproc://another"), ETERM);
        expect_error(zmq_unbind(both[i], "inproc://ending"), ETERM);
        expect_error(zmq_disconnect(both[i], "inproc://ending"), ETERM);
        expect_error(zmq_setsockopt(both[i], ZMQ_LINGER, &value, sizeof value), ETERM);
        expect_error(zmq_getsockopt(both[i], ZMQ_LINGER, &value, &size), ETERM);
    }
    errno = 0;
    assert_null(zmq_socket(world.ctx, ZMQ_PAIR));
    assert_int_equal(zmq_errno(), ETERM);
    close_socket(both[0]);
    close_socket(both[1]);
    term_world();
}

TEST(end_waits_for_the_last_socket)
{
    void *socket[3];
    atomic_store(&waiting, 0);
    for (int i = 0; i < 3; i++)
        socket[i] = endless(ZMQ_PULL);
    void *ctx = world.ctx;
    world.ctx = NULL;
    pthread_t thread = start_thread(wait_in_term, ctx);
    await_waiting(1);
    for (int i = 0; i < 3; i++) {
        expect_error(zmq_recv(socket[i], NULL, 0, 0), ETERM); /* so the end has begun */
        assert_int_equal(pthread_tryjoin_np(thread, NULL), EBUSY);
        close_socket(socket[i]);
    }
    assert_int_equal((intptr_t)join_thread(thread), 0);
}

TEST(sockets_of_other_contexts_do_not_notice)
{
    void *other = zmq_ctx_new();
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    void *there = zmq_socket(other, ZMQ_PAIR);
    connect_to(b, bind_to(a, "tcp://127.0.0.1:*").text);
    assert_int_equal(zmq_ctx_shutdown(other), 0);
    expect_error(zmq_recv(there, NULL, 0, 0), ETERM);
    assert_int_equal(zmq_close(there), 0);
    assert_int_equal(zmq_ctx_term(other), 0);
    send_parts(b, "still here");
    expect_parts(a, "still here");
}

TEST(many_contexts_come_and_go)
{
    for (int i = 0; i < 50; i++) {
        void *ctx = zmq_ctx_new();
        void *push = zmq_socket(ctx, ZMQ_PUSH);
        void *pull = zmq_socket(ctx, ZMQ_PULL);
        connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
        send_parts(push, "x");
        expect_parts(pull, "x");
        assert_int_equal(zmq_close(push), 0);
        assert_int_equal(zmq_close(pull), 0);
        assert_int_equal(zmq_ctx_term(ctx), 0);
    }
}

TEST(versions_agree)
{
    int major = -1, minor = -1, patch = -1;
    zmq_version(&major, &minor, &patch);
    assert_int_equal(major, ZMQ_VERSION_MAJOR);
    assert_int_equal(minor, ZMQ_VERSION_MINOR);
    assert_int_equal(patch, ZMQ_VERSION_PATCH);
    assert_int_equal(major, 4);
    assert_int_equal(minor, 3);
}

TEST(errors_have_words)
{
    static const int errors[] = {EFSM,     ENOCOMPATPROTO, ETERM,        EMTHREAD,
                                 ENOTSOCK, ENOTSUP,        EHOSTUNREACH, EPROTONOSUPPORT,
                                 EINVAL,   EAGAIN,         EADDRINUSE,   ECONNREFUSED};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        assert_non_null(zmq_strerror(errors[i]));
        assert_int_not_equal(strlen(zmq_strerror(errors[i])), 0);
        assert_int_equal(strncmp(zmq_strerror(errors[i]), "Unknown error", 13) == 0, 0);
    }
    assert_string_equal(zmq_strerror(EINVAL), strerror(EINVAL));
    assert_string_equal(zmq_strerror(EHOSTUNREACH), "Host unreachable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(options_start_as_documented),
        RUN(options_can_be_set),
        RUN(impossible_options_are_refused),
        RUN(what_is_no_context_is_refused),
        RUN(number_of_sockets_is_limited),
        RUN(number_of_sockets_is_what_the_context_says),
        RUN(messages_may_be_limited_for_the_context),
        RUN(a_limit_that_comes_later_holds_from_then_on),
        RUN(inproc_needs_no_io_threads),
        RUN(tcp_needs_no_io_threads_either),
        RUN(empty_context_ends_at_once),
        RUN(older_names),
        RUN(shutdown_wakes_who_waits),
        RUN(shutdown_fails_everything_after_it),
        RUN(end_waits_for_the_last_socket),
        RUN(sockets_of_other_contexts_do_not_notice),
        RUN(many_contexts_come_and_go),
        RUN(versions_agree),
        RUN(errors_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
