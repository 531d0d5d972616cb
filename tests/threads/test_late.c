/* SPDX-License-Identifier: MIT */
/*
 * Calls that come while, or after, the context ends that they are for, and while the next one is
 * made in its memory. Each is answered: with what was there, or with an error. And contexts that
 * end from several threads at once, or have their sockets closed elsewhere.
 */
#include <stdatomic.h>

#include "behaviour/util.h"

#include <greenmq/greenmq.h>

enum { ROUNDS = 60, CALLERS = 3 };

/* What the callers call for: replaced in each round, and stale most of the time. */
static _Atomic(void *) context, sock, device;
static atomic_bool go_on;
static atomic_int calls;

static void *call_on_and_on(void *unused)
{
    while (atomic_load(&go_on)) {
        struct gmq_account account = {.size = sizeof account};
        struct gmq_device *some = atomic_load(&device);
        char octet;
        zmq_ctx_get(atomic_load(&context), ZMQ_IO_THREADS);
        zmq_send(atomic_load(&sock), "m", 1, ZMQ_DONTWAIT);
        zmq_recv(atomic_load(&sock), &octet, 1, ZMQ_DONTWAIT);
        if (some) {
            gmq_device_account(some, &account);
            gmq_device_peers(some, NULL, 0);
            gmq_device_pause(some);
        }
        atomic_fetch_add(&calls, 1);
    }
    return unused;
}

TEST(calls_come_too_late)
{
    struct gmq_device *devices[ROUNDS];
    pthread_t callers[CALLERS];
    better_than_libzmq();
    atomic_store(&go_on, true);
    atomic_store(&context, world.ctx);
    for (int i = 0; i < CALLERS; i++)
        callers[i] = start_thread(call_on_and_on, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        void *ctx = zmq_ctx_new();
        void *front = zmq_socket(ctx, ZMQ_PULL), *back = zmq_socket(ctx, ZMQ_PUSH);
        devices[i] = gmq_device_new(front, back, NULL);
        assert_int_equal(gmq_device_start(devices[i]), 0);
        atomic_store(&context, ctx);
        atomic_store(&sock, front);
        atomic_store(&device, devices[i]);
        int seen = atomic_load(&calls);
        wait_until(atomic_load(&calls) > seen + CALLERS);
        assert_int_equal(zmq_close(front), 0);
        assert_int_equal(zmq_close(back), 0);
        assert_int_equal(zmq_ctx_term(ctx), 0);
    }
    atomic_store(&go_on, false);
    for (int i = 0; i < CALLERS; i++)
        join_thread(callers[i]);
    for (int i = 0; i < ROUNDS; i++)
        gmq_device_free(devices[i]);
}

/* A device's handle outlives its context, and is nothing to another in the same memory. */
TEST(device_does_not_take_another_context_for_its_own)
{
    better_than_libzmq();
    void *ctx = zmq_ctx_new();
    void *front = zmq_socket(ctx, ZMQ_PULL), *back = zmq_socket(ctx, ZMQ_PUSH);
    struct gmq_device *old = gmq_device_new(front, back, NULL);
    zmq_close(front);
    zmq_close(back);
    zmq_ctx_term(ctx);
    void *next = zmq_ctx_new();
    expect_error(gmq_device_start(old), ETERM);
    gmq_device_free(old);
    zmq_ctx_term(next);
}

static void *proxy_until_end(void *ends)
{
    void **both = ends;
    int rc = zmq_proxy(both[0], both[1], NULL);
    intptr_t error = rc == -1 ? zmq_errno() : 0;
    zmq_close(both[0]);
    zmq_close(both[1]);
    return (void *)error;
}

/* zmq_ctx_term() ends the proxy, whose thread closes the sockets, for which it waits. */
TEST(term_ends_proxies)
{
    for (int i = 0; i < 20; i++) {
        void *ctx = zmq_ctx_new();
        void *ends[2] = {zmq_socket(ctx, ZMQ_ROUTER), zmq_socket(ctx, ZMQ_DEALER)};
        pthread_t thread = start_thread(proxy_until_end, ends);
        if (i % 2)
            nap_ms(2); /* now and then it is at it already */
        assert_int_equal(zmq_ctx_term(ctx), 0);
        assert_int_equal((intptr_t)join_thread(thread), ETERM);
    }
}

static void *close_after_a_while(void *socket)
{
    nap_ms(1);
    return (void *)(intptr_t)zmq_close(socket);
}

TEST(term_waits_for_sockets_that_others_close)
{
    for (int i = 0; i < 20; i++) {
        void *ctx = zmq_ctx_new();
        pthread_t threads[4];
        for (int j = 0; j < 4; j++)
            threads[j] = start_thread(close_after_a_while, zmq_socket(ctx, ZMQ_PAIR));
        assert_int_equal(zmq_ctx_term(ctx), 0);
        for (int j = 0; j < 4; j++)
            assert_int_equal((intptr_t)join_thread(threads[j]), 0);
    }
}

static void *term(void *ctx)
{
    return (void *)(intptr_t)(zmq_ctx_term(ctx) == 0 ? 0 : zmq_errno());
}

/* One of them ends it; to the others there is nothing left to end. */
TEST(term_may_be_asked_for_by_several)
{
    better_than_libzmq();
    for (int i = 0; i < 20; i++) {
        void *ctx = zmq_ctx_new();
        void *socket = zmq_socket(ctx, ZMQ_PAIR);
        pthread_t threads[4];
        int ended = 0;
        for (int j = 0; j < 4; j++)
            threads[j] = start_thread(term, ctx);
        assert_int_equal(zmq_close(socket), 0);
        for (int j = 0; j < 4; j++) {
            int error = (int)(intptr_t)join_thread(threads[j]);
            assert_true(error == 0 || error == EFAULT);
            ended += error == 0;
        }
        assert_int_equal(ended, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(calls_come_too_late),
        RUN(device_does_not_take_another_context_for_its_own),
        RUN(term_ends_proxies),
        RUN(term_waits_for_sockets_that_others_close),
        RUN(term_may_be_asked_for_by_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
