/* SPDX-License-Identifier: MIT */
/* The contexts, sockets and endpoints of a storm: see storm.h. Anybody may close a socket while
 * others call with it; they get ENOTSOCK then. */
#include "storm/storm.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { SOCKET_TYPES = ZMQ_STREAM + 1 };

struct scene scene;

static char endpoints[SLOTS][ENDPOINT_SIZE]; /* where something is bound, or was */
static pthread_mutex_t endpoints_lock = PTHREAD_MUTEX_INITIALIZER;

void *scene_context(struct dice *dice)
{
    return scene.contexts[dice_throw(dice, CONTEXTS)];
}

void scene_open(struct dice *dice)
{
    memset(endpoints, 0, sizeof endpoints);
    for (int i = 0; i < CONTEXTS; i++) {
        scene.contexts[i] = zmq_ctx_new();
        zmq_ctx_set(scene.contexts[i], ZMQ_BLOCKY, 0);
        zmq_ctx_set(scene.contexts[i], ZMQ_IO_THREADS, (int)dice_throw(dice, 2));
    }
    atomic_store(&scene.over, false);
}

static void close_now(void *socket)
{
    int none = 0;
    zmq_socket_monitor(socket, NULL, 0);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    zmq_close(socket);
}

void scene_close(void)
{
    for (int i = 0; i < SLOTS; i++) {
        void *socket = atomic_exchange(&scene.sockets[i], NULL);
        if (socket)
            close_now(socket);
    }
    for (int i = 0; i < CONTEXTS; i++)
        if (zmq_ctx_term(scene.contexts[i]) < 0)
            watch_fault("storm: zmq_ctx_term: %s", zmq_strerror(errno));
}

void *scene_socket(struct dice *dice)
{
    return atomic_load(&scene.sockets[dice_throw(dice, SLOTS)]);
}

void scene_fill(struct dice *dice)
{
    _Atomic(void *) *slot = &scene.sockets[dice_throw(dice, SLOTS)];
    int type = (int)dice_throw(dice, SOCKET_TYPES);
    void *none = NULL, *socket = atomic_load(slot) ? NULL : zmq_socket(scene_context(dice), type);
    if (!socket)
        return;
    options_dress(dice, socket, type);
    if (!atomic_compare_exchange_strong(slot, &none, socket))
        zmq_close(socket);
}

void scene_drop(struct dice *dice)
{
    void *socket = atomic_exchange(&scene.sockets[dice_throw(dice, SLOTS)], NULL);
    if (socket)
        zmq_close(socket);
}

void scene_remember(struct dice *dice, void *socket)
{
    char text[ENDPOINT_SIZE] = "";
    size_t size = sizeof text;
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, text, &size) < 0)
        return;
    pthread_mutex_lock(&endpoints_lock);
    memcpy(endpoints[dice_throw(dice, SLOTS)], text, sizeof text);
    pthread_mutex_unlock(&endpoints_lock);
}

void scene_endpoint(struct dice *dice, char text[ENDPOINT_SIZE])
{
    static const char *const others[] = {"inproc://a",
                                         "inproc://b",
                                         "inproc://c",
                                         "inproc://monitor-0",
                                         "inproc://monitor-1",
                                         "tcp://127.0.0.1:*",
                                         "ipc://*",
                                         "tcp://127.0.0.1:1",
                                         "tcp://127.0.0.1:99999",
                                         "ipc:///no/such/path",
                                         "inproc://",
                                         "tcp://",
                                         "storm://"};
    enum { OTHERS = sizeof others / sizeof others[0] };
    text[0] = 0;
    if (!dice_one_in(dice, 3)) {
        pthread_mutex_lock(&endpoints_lock);
        memcpy(text, endpoints[dice_throw(dice, SLOTS)], ENDPOINT_SIZE);
        pthread_mutex_unlock(&endpoints_lock);
    }
    if (!text[0])
        snprintf(text, ENDPOINT_SIZE, "%s", others[dice_throw(dice, OTHERS)]);
}

void scene_bind_anew(struct dice *dice, void *socket)
{
    static atomic_uint number;
    char inproc[ENDPOINT_SIZE];
    snprintf(inproc, sizeof inproc, "inproc://new-%u", atomic_fetch_add(&number, 1));
    const char *where[] = {"tcp://127.0.0.1:*", "ipc://*", inproc};
    if (zmq_bind(socket, where[dice_throw(dice, 3)]) == 0)
        scene_remember(dice, socket);
}
