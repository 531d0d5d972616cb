/* SPDX-License-Identifier: MIT */
/*
 * What the device tests share: a device with its sockets (a rig), ended with the world of its
 * test. books.h: what they expect of its account. Included after util.h.
 */
#ifndef BEHAVIOUR_DEVICE_H
#define BEHAVIOUR_DEVICE_H

#include <greenmq/greenmq.h>

#include "behaviour/books.h"

enum { DEVICES_MAX = 32 };

/* How soon control and account answer. Sanitizers slow us down, and other tests may run. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { ANSWER_MS = 1000 };
#else
enum { ANSWER_MS = 100 };
#endif

struct rig {
    void *front, *back, *capture, *control; /* the last two may be NULL */
    struct endpoint front_at, back_at;
    struct gmq_device *device;
};

static struct gmq_device *devices_kept[DEVICES_MAX]; /* they are freed with the world */

#define RUN_DEVICE(test) cmocka_unit_test_setup_teardown(test, world_open, devices_close)
/* The same test over each transport: it finds in *state where to bind. */
#define RUN_DEVICE_OVER_ALL(test)                              \
    device_case(#test "_over_tcp", test, "tcp://127.0.0.1:*"), \
        device_case(#test "_over_ipc", test, "ipc://*"),       \
        device_case(#test "_over_inproc", test, "inproc://new")

static inline struct gmq_device *keep_device(struct gmq_device *device)
{
    assert_non_null(device);
    for (int i = 0; i < DEVICES_MAX; i++)
        if (!devices_kept[i])
            return devices_kept[i] = device;
    fail_msg("too many devices in one test");
    return NULL;
}

static inline void free_device(struct gmq_device *device)
{
    for (int i = 0; i < DEVICES_MAX; i++)
        if (devices_kept[i] == device)
            devices_kept[i] = NULL;
    gmq_device_free(device);
}

static inline int devices_close(void **state)
{
    for (int i = 0; i < DEVICES_MAX; i++)
        if (devices_kept[i])
            gmq_device_stop(devices_kept[i]);
    int rc = world_close(state);
    for (int i = 0; i < DEVICES_MAX; i++)
        free_device(devices_kept[i]);
    return rc;
}

static inline struct CMUnitTest device_case(const char *name, CMUnitTestFunction test,
                                            const char *where)
{
    return (struct CMUnitTest){name, test, world_open, devices_close, (void *)(uintptr_t)where};
}

/* Binds; every socket that is bound to "inproc://new" gets a name of its own. */
static inline struct endpoint bind_anew(void *socket, const char *where)
{
    static int number;
    char name[64];
    if (strcmp(where, "inproc://new") != 0)
        return bind_to(socket, where);
    snprintf(name, sizeof name, "inproc://new-%d", number++);
    return bind_to(socket, name);
}

/* Frontend and backend of these types, bound. */
static inline struct rig bound_rig(const char *where, int front, int back)
{
    struct rig rig = {.front = open_socket(front), .back = open_socket(back)};
    rig.front_at = bind_anew(rig.front, where);
    rig.back_at = bind_anew(rig.back, where);
    return rig;
}

static inline void start_rig(struct rig *rig, enum gmq_device_type type)
{
    struct gmq_device_options options = {.size = sizeof options,
                                         .type = type,
                                         .capture = rig->capture,
                                         .control = rig->control,
                                         .event_count = 100};
    rig->device = keep_device(gmq_device_new(rig->front, rig->back, &options));
    assert_int_equal(gmq_device_start(rig->device), 0);
}

/* A running device between two bound sockets. */
static inline struct rig rig_of(const char *where, enum gmq_device_type type, int front, int back)
{
    struct rig rig = bound_rig(where, front, back);
    start_rig(&rig, type);
    return rig;
}

static inline struct rig queue_at(const char *where)
{
    return rig_of(where, GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
}

static inline struct rig streamer_at(const char *where)
{
    return rig_of(where, GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
}

static inline struct rig forwarder_at(const char *where)
{
    return rig_of(where, GMQ_DEVICE_FORWARDER, ZMQ_XSUB, ZMQ_XPUB);
}

/* A socket that is connected there. */
static inline void *peer_at(int type, struct endpoint where)
{
    void *socket = open_socket(type);
    connect_to(socket, where.text);
    return socket;
}

#endif
