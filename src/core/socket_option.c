/* SPDX-License-Identifier: MIT */
/* Socket options: those that are values go to the table in core/option.c, those that act or ask
 * are answered here or by the pattern.
 *
 * When the context ends, an application that has not been told so yet can still set options:
 * ZMQ_LINGER between zmq_ctx_shutdown() and zmq_close(), for one. */
#include "core/lamp.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>

static int set_connect_id(struct socket *socket, const void *value, size_t size)
{
    if (!value || size == 0 || size > ROUTING_ID_MAX)
        return -EINVAL;
    uint8_t *id = malloc(size);
    if (!id)
        return -ENOMEM;
    memcpy(id, value, size);
    free(socket->connect_id);
    socket->connect_id = id;
    socket->connect_id_size = size;
    return 0;
}

static bool takes_connect_id(const struct socket *socket)
{
    int type = socket->pattern->type;
    return type == ZMQ_ROUTER || type == ZMQ_REP || type == ZMQ_STREAM;
}

struct options *socket_freeze(struct socket *socket)
{
    if (!socket->frozen)
        socket->frozen = options_freeze(&socket->options);
    return socket->frozen ? options_ref(socket->frozen) : NULL;
}

static bool is_mark(int option)
{
    return option == ZMQ_SNDHWM || option == ZMQ_RCVHWM;
}

/* High-water marks are not frozen for the peers that are there, only for those to come. */
static void tell_marks(struct socket *socket)
{
    struct peer *peer;
    TAILQ_FOREACH(peer, &socket->peers, all) {
        peer_set_marks(peer, &socket->options);
    }
}

int socket_set_option(struct socket *socket, int option, const void *value, size_t size)
{
    if (socket->told_end)
        return -ETERM;
    if (socket->pattern->set_option) {
        int rc = socket->pattern->set_option(socket, option, value, size);
        if (rc != -EINVAL || option == ZMQ_SUBSCRIBE || option == ZMQ_UNSUBSCRIBE)
            return rc;
    }
    if (option == ZMQ_CONNECT_ROUTING_ID && takes_connect_id(socket))
        return set_connect_id(socket, value, size);
    int rc = option_set(&socket->options, option, value, size);
    if (rc < 0)
        return rc;
    options_unref(socket->frozen);
    socket->frozen = NULL;
    if (is_mark(option))
        tell_marks(socket);
    return 0;
}

static int give(void *value, size_t *size, const void *from, size_t length)
{
    if (*size < length)
        return -EINVAL;
    memset(value, 0, *size);
    memcpy(value, from, length);
    *size = length;
    return 0;
}

static int give_int(void *value, size_t *size, int number)
{
    return give(value, size, &number, sizeof number);
}

/* Whoever hears of the end of the context has asked for the events, too. */
static int give_events(struct socket *socket, void *value, size_t *size)
{
    socket->told_end |= socket->ctx->shutting_down;
    if (*size < sizeof(int))
        return socket->told_end ? -ETERM : -EINVAL;
    loop_turn(&socket->ctx->loop);
    lamp_asked(socket, ZMQ_POLLIN | ZMQ_POLLOUT);
    return socket->told_end ? -ETERM : give_int(value, size, socket_events(socket));
}

static int give_descriptor(struct socket *socket, void *value, size_t *size)
{
    if (*size < sizeof(int))
        return -EINVAL;
    int fd = lamp_descriptor(socket);
    return fd < 0 ? fd : give_int(value, size, fd);
}

int socket_get_option(struct socket *socket, int option, void *value, size_t *size)
{
    if (option == ZMQ_EVENTS)
        return give_events(socket, value, size);
    if (socket->told_end)
        return -ETERM;
    const char *endpoint = socket->last_endpoint ? socket->last_endpoint : "";
    switch (option) {
    case ZMQ_RCVMORE: return give_int(value, size, socket->more);
    case ZMQ_THREAD_SAFE: return give_int(value, size, 0);
    case ZMQ_LAST_ENDPOINT: return give(value, size, endpoint, strlen(endpoint) + 1);
    case ZMQ_FD: return give_descriptor(socket, value, size);
    default: return option_get(&socket->options, option, value, size);
    }
}
