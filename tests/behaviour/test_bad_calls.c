/* SPDX-License-Identifier: MIT */
/*
 * Every function with a handle that is none: ENOTSOCK from those that want a socket, EFAULT from
 * those that want a context, and no harm done. And every function once its context ends.
 */
#include "behaviour/util.h"
#include "support/calls.h"

/* Memory that is neither a socket nor a context. libzmq looks further into it than we do. */
enum { FOREIGN_BYTES = ON_LIBZMQ ? 8192 : 16, KINDS = 4 };

struct foreign {
    const char *what;
    void *handle;
};

struct zoo {
    uint64_t *zeros, *random;
};

static void zoo_open(struct zoo *zoo)
{
    uint32_t next = 12345;
    zoo->zeros = calloc(1, FOREIGN_BYTES);
    zoo->random = malloc(FOREIGN_BYTES);
    for (size_t i = 0; i < FOREIGN_BYTES; i++) {
        next = next * 1103515245 + 12345;
        ((uint8_t *)zoo->random)[i] = (uint8_t)(next >> 16);
    }
}

static void zoo_close(struct zoo *zoo)
{
    free(zoo->zeros);
    free(zoo->random);
}

static bool all_refuse(const struct foreign *foreign, const struct call *calls, int count,
                       int expected)
{
    bool good = true;
    for (int i = 0; i < KINDS; i++)
        good &= calls_give(calls, count, foreign[i].handle, foreign[i].what, expected);
    return good;
}

/* Each kind of foreign memory, and `other`, a handle of the other sort. */
static bool foreigners_are_refused(const struct call *calls, int count, void *other, int expected)
{
    struct zoo zoo;
    zoo_open(&zoo);
    const struct foreign foreign[KINDS] = {
        {"zeros", zoo.zeros},
        {"random octets", zoo.random},
        {"an odd address", (char *)zoo.zeros + 1},
        {"the wrong sort of handle", other},
    };
    bool good = all_refuse(foreign, calls, count, expected);
    zoo_close(&zoo);
    return good;
}

static bool null_is_refused(const struct call *calls, int count)
{
    bool good = true;
    for (int i = 0; i < count; i++)
        good &= !calls[i].null_error || call_gives(&calls[i], NULL, "NULL", calls[i].null_error);
    return good;
}

TEST(what_is_no_socket_gives_enotsock)
{
    good_socket = open_socket(ZMQ_PAIR);
    assert_true(foreigners_are_refused(socket_calls, SOCKET_CALLS, world.ctx, ENOTSOCK));
    assert_true(foreigners_are_refused(&close_call, 1, world.ctx, ENOTSOCK));
}

TEST(null_for_a_socket)
{
    good_socket = open_socket(ZMQ_PAIR);
    assert_true(null_is_refused(socket_calls, SOCKET_CALLS));
    assert_true(null_is_refused(&close_call, 1));
}

TEST(what_is_no_context_gives_efault)
{
    void *socket = open_socket(ZMQ_PAIR);
    assert_true(foreigners_are_refused(context_calls, CONTEXT_CALLS, socket, EFAULT));
    assert_true(foreigners_are_refused(ending_calls, ENDING_CALLS, socket, EFAULT));
    assert_true(null_is_refused(context_calls, CONTEXT_CALLS));
    assert_true(null_is_refused(ending_calls, ENDING_CALLS));
}

TEST(a_closed_socket_gives_enotsock)
{
    good_socket = open_socket(ZMQ_PAIR);
    void *closed = zmq_socket(world.ctx, ZMQ_PAIR);
    assert_int_equal(zmq_close(closed), 0);
    assert_true(calls_give(socket_calls, SOCKET_CALLS, closed, "a closed socket", ENOTSOCK));
    assert_true(call_gives(&close_call, closed, "a closed socket", ENOTSOCK));
}

/* A message still waits to be sent, so the socket is there, but not for the application. */
TEST(a_lingering_socket_gives_enotsock)
{
    good_socket = open_socket(ZMQ_PAIR);
    void *lingering = zmq_socket(world.ctx, ZMQ_PUSH);
    set_int(lingering, ZMQ_LINGER, DEADLINE_MS);
    connect_to(lingering, "inproc://nobody-yet");
    send_parts(lingering, "later");
    assert_int_equal(zmq_close(lingering), 0);
    assert_true(calls_give(socket_calls, SOCKET_CALLS, lingering, "a lingering one", ENOTSOCK));
    void *pull = open_socket(ZMQ_PULL);
    bind_to(pull, "inproc://nobody-yet");
    expect_parts(pull, "later");
}

TEST(an_ended_context_gives_efault_and_its_sockets_enotsock)
{
    better_than_libzmq(); /* it looks into memory that it has given back */
    good_socket = open_socket(ZMQ_PAIR);
    void *ctx = zmq_ctx_new(), *socket = zmq_socket(ctx, ZMQ_PAIR);
    assert_int_equal(zmq_close(socket), 0);
    assert_int_equal(zmq_ctx_term(ctx), 0);
    assert_true(calls_give(context_calls, CONTEXT_CALLS, ctx, "an ended context", EFAULT));
    assert_true(calls_give(ending_calls, ENDING_CALLS, ctx, "an ended context", EFAULT));
    assert_true(calls_give(socket_calls, SOCKET_CALLS, socket, "its socket", ENOTSOCK));
}

static bool is_told_end(void *socket)
{
    return calls_give(socket_calls + OPTION_CALLS, SOCKET_CALLS - OPTION_CALLS, socket,
                      "a socket of a context that ends", ETERM);
}

TEST(after_a_shutdown_everything_gives_eterm)
{
    void *socket = open_socket(ZMQ_PAIR);
    good_socket = open_socket(ZMQ_PAIR);
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    assert_true(is_told_end(socket));
    assert_true(calls_give(socket_calls, SOCKET_CALLS, socket, "one that knows", ETERM));
    assert_true(call_gives(&context_calls[0], world.ctx, "a context that ends", 0));
    assert_true(call_gives(&context_calls[1], world.ctx, "a context that ends", 0));
    errno = 0;
    assert_null(zmq_socket(world.ctx, ZMQ_PAIR));
    assert_int_equal(errno, ETERM);
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    give_away(socket);
    assert_true(call_gives(&close_call, socket, "a socket of a context that ends", 0));
    assert_true(call_gives(&close_call, socket, "a closed socket", ENOTSOCK));
}

/* An application that was not told yet can still say how long its sockets shall linger. */
TEST(after_a_shutdown_options_can_be_set_until_a_call_gave_eterm)
{
    void *socket = open_socket(ZMQ_PAIR);
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    set_int(socket, ZMQ_LINGER, 5);
    assert_int_equal(get_int(socket, ZMQ_LINGER), 5);
    assert_int_equal(get_int(socket, ZMQ_RCVMORE), 0);
    int value = 0;
    size_t size = sizeof value;
    expect_error(zmq_setsockopt(socket, 9999, &value, sizeof value), EINVAL);
    expect_error(zmq_getsockopt(socket, ZMQ_EVENTS, &value, &size), ETERM);
    expect_error(zmq_setsockopt(socket, ZMQ_LINGER, &value, sizeof value), ETERM);
    expect_error(zmq_getsockopt(socket, ZMQ_LINGER, &value, &size), ETERM);
    expect_error(zmq_setsockopt(socket, 9999, &value, sizeof value), ETERM);
}

static void *term(void *context)
{
    return zmq_ctx_term(context) == 0 ? context : NULL;
}

TEST(while_a_context_ends_everything_gives_eterm)
{
    void *ctx = zmq_ctx_new(), *socket = zmq_socket(ctx, ZMQ_PAIR);
    good_socket = zmq_socket(ctx, ZMQ_PAIR);
    pthread_t thread = start_thread(term, ctx);
    wait_until(zmq_recv(socket, NULL, 0, ZMQ_DONTWAIT) == -1 && zmq_errno() == ETERM);
    assert_true(is_told_end(socket));
    errno = 0;
    assert_null(zmq_socket(ctx, ZMQ_PAIR));
    assert_int_equal(errno, ETERM);
    assert_int_equal(zmq_close(socket), 0);
    assert_int_equal(zmq_close(good_socket), 0);
    assert_ptr_equal(join_thread(thread), ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(what_is_no_socket_gives_enotsock),
        RUN(null_for_a_socket),
        RUN(what_is_no_context_gives_efault),
        RUN(a_closed_socket_gives_enotsock),
        RUN(a_lingering_socket_gives_enotsock),
        RUN(an_ended_context_gives_efault_and_its_sockets_enotsock),
        RUN(after_a_shutdown_everything_gives_eterm),
        RUN(after_a_shutdown_options_can_be_set_until_a_call_gave_eterm),
        RUN(while_a_context_ends_everything_gives_eterm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
