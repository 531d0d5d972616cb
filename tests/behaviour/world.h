/* SPDX-License-Identifier: MIT */
/*
 * The world of one test: a context, its sockets and the threads that help, all ended again however
 * the test ends. Included by util.h. A watchdog ends a program that hangs, for a call that never
 * returns can fail no assertion.
 */
#ifndef BEHAVIOUR_WORLD_H
#define BEHAVIOUR_WORLD_H

enum { DEADLINE_MS = 20000, QUIET_MS = 100, WATCHDOG_S = 100, SOCKETS_MAX = 64, THREADS_MAX = 16 };

struct world {
    void *ctx;
    void *socket[SOCKETS_MAX]; /* those still open */
    size_t sockets;
    pthread_t thread[THREADS_MAX]; /* those not joined yet */
    size_t threads;
};
static struct world world;

static inline void *join_thread(pthread_t thread)
{
    void *result = NULL;
    for (size_t i = 0; i < world.threads; i++)
        if (pthread_equal(world.thread[i], thread))
            world.thread[i--] = world.thread[--world.threads];
    pthread_join(thread, &result);
    return result;
}

static inline pthread_t start_thread(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    assert_true(world.threads < THREADS_MAX);
    assert_int_equal(pthread_create(&thread, NULL, run, argument), 0);
    world.thread[world.threads++] = thread;
    return thread;
}

static inline int world_open(void **state)
{
    (void)state;
    alarm(WATCHDOG_S);
    world = (struct world){.ctx = zmq_ctx_new()};
    return world.ctx ? 0 : -1;
}

/* Threads are left over when an assertion failed: the shutdown ends whatever they wait in. */
static inline int world_close(void **state)
{
    (void)state;
    int none = 0;
    for (size_t i = 0; i < world.sockets; i++)
        zmq_setsockopt(world.socket[i], ZMQ_LINGER, &none, sizeof none);
    if (world.threads && world.ctx)
        zmq_ctx_shutdown(world.ctx);
    while (world.threads)
        join_thread(world.thread[0]);
    for (size_t i = 0; i < world.sockets; i++)
        zmq_close(world.socket[i]);
    int rc = world.ctx ? zmq_ctx_term(world.ctx) : 0;
    alarm(0);
    return rc;
}

static inline void set_int(void *socket, int option, int value)
{
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

static inline void set_text(void *socket, int option, const char *value)
{
    assert_int_equal(zmq_setsockopt(socket, option, value, strlen(value)), 0);
}

static inline int get_int(void *socket, int option)
{
    int value = 0;
    size_t size = sizeof value;
    assert_int_equal(zmq_getsockopt(socket, option, &value, &size), 0);
    assert_int_equal(size, sizeof value);
    return value;
}

/* A socket of the given context that the world closes; it gives up waiting after DEADLINE_MS. */
static inline void *open_socket_in(void *ctx, int type)
{
    assert_true(world.sockets < SOCKETS_MAX);
    void *socket = zmq_socket(ctx, type);
    assert_non_null(socket);
    world.socket[world.sockets++] = socket;
    set_int(socket, ZMQ_RCVTIMEO, DEADLINE_MS);
    set_int(socket, ZMQ_SNDTIMEO, DEADLINE_MS);
    return socket;
}

static inline void *open_socket(int type)
{
    return open_socket_in(world.ctx, type);
}

/* The socket is the test's own from here on: somebody else closes it. */
static inline void give_away(void *socket)
{
    for (size_t i = 0; i < world.sockets; i++)
        if (world.socket[i] == socket)
            world.socket[i--] = world.socket[--world.sockets];
}

static inline void close_socket(void *socket)
{
    give_away(socket);
    assert_int_equal(zmq_close(socket), 0);
}

/* The context of this world is ended by the test itself, its sockets closed before. */
static inline void term_world(void)
{
    void *ctx = world.ctx;
    world.ctx = NULL;
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

#endif
