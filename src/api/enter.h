/* SPDX-License-Identifier: MIT */
/* How a call of the public API comes in and goes out again:
 *
 *      handle ── socket_enter() ── under the context's lock ── ctx_leave() ── answer()
 *
 * A handle may be anything: NULL, a pointer to something else, a socket that another thread is
 * closing. That is told without harm because the memory of sockets and contexts always remains
 * that of sockets and contexts, see core/socket.h. */
#ifndef GREENMQ_API_ENTER_H
#define GREENMQ_API_ENTER_H

#include "core/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdalign.h>

/* Does this point to a socket that the application has open? */
static inline bool is_open_socket(const void *handle)
{
    const struct socket *socket = handle;
    return handle && (uintptr_t)handle % alignof(struct socket) == 0 &&
           atomic_load_explicit(&socket->magic, memory_order_acquire) == SOCKET_MAGIC;
}

/* As socket_enter(), for those who mind the socket's lanes themselves. */
static inline int socket_enter_lanes(void *handle, struct socket **socket)
{
    if (!is_open_socket(handle))
        return -ENOTSOCK;
    *socket = handle;
    struct ctx *ctx = atomic_load_explicit(&(*socket)->home, memory_order_relaxed);
    int rc = ctx_enter(ctx);
    if (rc < 0)
        return rc == -EFAULT ? -ENOTSOCK : rc;
    /* While we waited for the lock it may have been closed, and even opened elsewhere. */
    if (is_open_socket(handle) &&
        atomic_load_explicit(&(*socket)->home, memory_order_relaxed) == ctx)
        return 0;
    ctx_leave(ctx);
    return -ENOTSOCK;
}

/* Does the socket's context end? Then the call gives ETERM, and the application knows. */
static inline bool has_ended(struct socket *socket)
{
    socket->told_end |= socket->ctx->shutting_down;
    return socket->told_end;
}

/* Takes the lock of the context of the socket behind `handle`; ctx_leave(socket->ctx) gives it
 * back. -ENOTSOCK, or -ETERM in the child of a fork: the lock is not held. */
static inline int socket_enter(void *handle, struct socket **socket)
{
    int rc = socket_enter_lanes(handle, socket);
    if (rc == 0)
        lane_close_all(*socket);
    return rc;
}

/* As the public functions answer: a negative errno becomes -1 and errno. A deadline scope that is
 * over (-ETIME) has the same name outside as a deadline. */
static inline int answer(int rc)
{
    if (rc >= 0)
        return rc;
    errno = rc == -ETIME ? ETIMEDOUT : -rc;
    return -1;
}

/* The public functions give sizes as int. */
static inline int answer_size(size_t size)
{
    return size < INT_MAX ? (int)size : INT_MAX;
}

#endif
