/* SPDX-License-Identifier: MIT */
/* Monitors of the public API: the PAIR is made here, bound, and given to the engine. */
#include "api/enter.h"
#include "core/monitor.h"
#include "pattern/patterns.h"
#include "transport/transport.h"

#include <greenmq/zmq.h>

static int check_endpoint(const char *endpoint)
{
    static const char inproc[] = "inproc://";
    const char *end = strstr(endpoint, "://");
    if (!end || end == endpoint || !end[strlen("://")])
        return -EINVAL;
    return strncmp(endpoint, inproc, strlen(inproc)) == 0 ? 0 : -EPROTONOSUPPORT;
}

static int start(struct socket *socket, const char *endpoint, unsigned events)
{
    struct socket *pair;
    int rc = socket_open(socket->ctx, pattern_find(ZMQ_PAIR), &pair);
    if (rc < 0)
        return rc;
    rc = monitor_start(socket, pair, events);
    if (rc < 0) {
        socket_close(pair);
        return rc;
    }
    rc = transport_bind(pair, endpoint);
    if (rc < 0)
        monitor_stop(socket);
    return rc;
}

/* An old monitor ends before the new one can fail. */
static int replace(struct socket *socket, const char *endpoint, int events)
{
    if (socket->ctx->shutting_down)
        return -ETERM;
    if (events & ~ZMQ_EVENT_ALL)
        return -EINVAL;
    int rc = endpoint ? check_endpoint(endpoint) : 0;
    if (rc < 0)
        return rc;
    monitor_stop(socket);
    return endpoint ? start(socket, endpoint, (unsigned)events) : 0;
}

int zmq_socket_monitor(void *handle, const char *endpoint, int events)
{
    struct socket *socket;
    int rc = socket_enter(handle, &socket);
    if (rc < 0)
        return answer(rc);
    struct ctx *ctx = socket->ctx;
    rc = replace(socket, endpoint, events);
    ctx_leave(ctx);
    return answer(rc);
}
