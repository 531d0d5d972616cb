/* SPDX-License-Identifier: MIT */
/* Sockets of the public API: opened, closed, set up, bound and connected. Each call holds the
 * context's lock from end to end. What is no open socket gives ENOTSOCK, and a context that ends
 * ETERM for everything but zmq_close(). */
#include "api/enter.h"
#include "core/lane_call.h"
#include "pattern/patterns.h"
#include "transport/transport.h"

#include <greenmq/zmq.h>

void *zmq_socket(void *context, int type)
{
    struct ctx *ctx = context;
    struct socket *socket = NULL;
    int rc = ctx_enter(ctx);
    if (rc < 0) {
        answer(rc);
        return NULL;
    }
    const struct pattern *pattern = pattern_find(type);
    if (ctx->shutting_down)
        rc = -ETERM;
    else
        rc = pattern ? socket_open(ctx, pattern, &socket) : -EINVAL;
    ctx_leave(ctx);
    return answer(rc) < 0 ? NULL : socket;
}

int zmq_close(void *handle)
{
    struct socket *socket;
    int rc = socket_enter(handle, &socket);
    if (rc == -ETERM) {
        /* It is the parent's. All that a child may do is to forget it. */
        atomic_store(&socket->magic, 0);
        return 0;
    }
    if (rc < 0)
        return answer(rc);
    struct ctx *ctx = socket->ctx;
    socket_close(socket);
    ctx_leave(ctx);
    return 0;
}

int zmq_setsockopt(void *handle, int option, const void *value, size_t size)
{
    struct socket *socket;
    int rc = socket_enter(handle, &socket);
    if (rc < 0)
        return answer(rc);
    struct ctx *ctx = socket->ctx;
    if (!value && size)
        rc = -EINVAL;
    else
        rc = socket_set_option(socket, option, value, size);
    ctx_leave(ctx);
    return answer(rc);
}

/* ZMQ_RCVMORE, which programs ask after each part: as the lane knows it. */
static bool get_more(void *handle, void *value, const size_t *size)
{
    bool more;
    if (!value || !size || *size != sizeof(int) || !is_open_socket(handle) ||
        !lane_knows_more(&((struct socket *)handle)->in_lane, &more))
        return false;
    *(int *)value = more;
    return true;
}

int zmq_getsockopt(void *handle, int option, void *value, size_t *size)
{
    struct socket *socket;
    if (option == ZMQ_RCVMORE && get_more(handle, value, size))
        return 0;
    int rc = socket_enter(handle, &socket);
    if (rc < 0)
        return answer(rc);
    struct ctx *ctx = socket->ctx;
    if (!size || (!value && *size))
        rc = -EINVAL;
    else
        rc = socket_get_option(socket, option, value, size);
    ctx_leave(ctx);
    return answer(rc);
}

/* The four that differ in what the transport is asked to do with the endpoint. They are a moment
 * to look at what has come: a publisher that binds or connects once more and publishes then, knows
 * the subscriptions that were sent to it before. */
static int with_endpoint(void *handle, const char *endpoint,
                         int (*act)(struct socket *socket, const char *endpoint))
{
    struct socket *socket;
    int rc = socket_enter(handle, &socket);
    if (rc < 0)
        return answer(rc);
    struct ctx *ctx = socket->ctx;
    if (has_ended(socket))
        rc = -ETERM;
    else
        rc = endpoint ? act(socket, endpoint) : -EINVAL;
    if (rc >= 0) {
        ctx_settle(ctx);
        loop_turn(&ctx->loop);
    }
    ctx_leave(ctx);
    return answer(rc);
}

int zmq_bind(void *socket, const char *endpoint)
{
    return with_endpoint(socket, endpoint, transport_bind);
}

int zmq_connect(void *socket, const char *endpoint)
{
    return with_endpoint(socket, endpoint, transport_connect);
}

int zmq_unbind(void *socket, const char *endpoint)
{
    return with_endpoint(socket, endpoint, transport_end);
}

int zmq_disconnect(void *socket, const char *endpoint)
{
    return with_endpoint(socket, endpoint, transport_end);
}
