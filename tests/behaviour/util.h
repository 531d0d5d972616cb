/* SPDX-License-Identifier: MIT */
/*
 * What the behaviour tests share. world.h: the context and sockets of one test; parts.h: sending,
 * and expecting what arrives; here: endpoints, time, and how a test is listed.
 *
 * The tests see the public header only, and libzmq is the reference for what they expect: they
 * can be compiled against it with -DTEST_ON_LIBZMQ and a folder that holds a greenmq/zmq.h with
 * the one line #include <zmq.h>. What greenmq does better is skipped there by name.
 *
 * Nothing here sleeps to let things settle. What must arrive is awaited up to DEADLINE_MS; what
 * must not arrive is followed by something that must. Only where nothing can follow does a test
 * listen for QUIET_MS: such a test can pass for the wrong reason, and never fail for one.
 *
 * Assertions jump out of the test, so they belong in the thread that runs it: other threads
 * return what they saw.
 */
#ifndef BEHAVIOUR_UTIL_H
#define BEHAVIOUR_UTIL_H

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <greenmq/zmq.h>

#include "behaviour/world.h"
#include "behaviour/parts.h"

#define TEST(name) static void name(void **state __attribute__((unused)))
#define RUN(test)  cmocka_unit_test_setup_teardown(test, world_open, world_close)
/* The same test over another transport: it finds the endpoint to bind in *state. */
#define OVER(test, transport, endpoint) case_over(#test "_over_" transport, test, endpoint)
#define OVER_ALL(test)                                                    \
    OVER(test, "tcp", "tcp://127.0.0.1:*"), OVER(test, "ipc", "ipc://*"), \
        OVER(test, "inproc", "inproc://here")

#ifdef TEST_ON_LIBZMQ
enum { ON_LIBZMQ = true };
#else
enum { ON_LIBZMQ = false };
#endif

/* libzmq is known to fail this one: the reason stands beside each use. */
static inline void better_than_libzmq(void)
{
    if (ON_LIBZMQ)
        skip();
}

/* A socket of libzmq takes notice of its connections only when it is called; ours need no push. */
static inline void nudge(void *socket)
{
    if (ON_LIBZMQ)
        get_int(socket, ZMQ_EVENTS);
}

#define expect_error(call, expected)                                            \
    do {                                                                        \
        errno = 0;                                                              \
        assert_int_equal((call), -1);                                           \
        assert_string_equal(zmq_strerror(zmq_errno()), zmq_strerror(expected)); \
    } while (0)

static inline struct CMUnitTest case_over(const char *name, CMUnitTestFunction test,
                                          const char *endpoint)
{
    return (struct CMUnitTest){name, test, world_open, world_close, (void *)(uintptr_t)endpoint};
}

struct endpoint {
    char text[256];
};

static inline struct endpoint last_endpoint(void *socket)
{
    struct endpoint found = {""};
    size_t size = sizeof found.text;
    assert_int_equal(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, found.text, &size), 0);
    return found;
}

/* Binds, a wildcard included, and says where. */
static inline struct endpoint bind_to(void *socket, const char *endpoint)
{
    assert_int_equal(zmq_bind(socket, endpoint), 0);
    return last_endpoint(socket);
}

static inline void connect_to(void *socket, const char *endpoint)
{
    assert_int_equal(zmq_connect(socket, endpoint), 0);
}

static inline int port_of(struct endpoint bound)
{
    int port = 0;
    const char *colon = strrchr(bound.text, ':');
    assert_non_null(colon);
    assert_int_equal(sscanf(colon, ":%d", &port), 1);
    return port;
}

static inline int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void nap_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* Looks again and again until the condition holds; fails the test at the deadline. */
#define wait_until(condition)                     \
    do {                                          \
        int64_t give_up = now_ms() + DEADLINE_MS; \
        while (!(condition)) {                    \
            assert_true(now_ms() < give_up);      \
            nap_ms(1);                            \
        }                                         \
    } while (0)

/* Waits for a message that comes once the other socket has done something on its own. */
static inline void await_message(void *receiver, void *other)
{
    int64_t give_up = now_ms() + DEADLINE_MS;
    while (!can_recv(receiver, 5)) {
        assert_true(now_ms() < give_up);
        nudge(other);
    }
}

#endif
