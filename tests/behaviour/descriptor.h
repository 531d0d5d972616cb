/* SPDX-License-Identifier: MIT */
/*
 * The descriptor of a socket, ZMQ_FD, as event loops use it. Included after util.h.
 */
#ifndef BEHAVIOUR_DESCRIPTOR_H
#define BEHAVIOUR_DESCRIPTOR_H

#include <poll.h>

static inline int descriptor_of(void *socket)
{
    int fd = get_int(socket, ZMQ_FD);
    assert_true(fd >= 0);
    return fd;
}

static inline bool is_readable(int fd, int within_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    return poll(&item, 1, within_ms) == 1;
}

static inline int events_of(void *socket)
{
    return get_int(socket, ZMQ_EVENTS);
}

/* Waits as libzmq wants it. */
static inline void await_events(void *socket, int fd, int events)
{
    while (!(events_of(socket) & events))
        assert_true(is_readable(fd, DEADLINE_MS));
}

/* A PUSH and a PULL that are connected. */
static inline void open_pipeline(void **push, void **pull, const char *endpoint)
{
    *push = open_socket(ZMQ_PUSH);
    *pull = open_socket(ZMQ_PULL);
    connect_to(*push, bind_to(*pull, endpoint).text);
}

#endif
