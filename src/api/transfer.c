/* SPDX-License-Identifier: MIT */
/* Sending and receiving in the public API. A part is handed to the socket as a struct msg; what
 * waits, waits in core/socket.c. On failure nothing has been taken and nothing given. */
#include "api/enter.h"
#include "green/hub.h"
#include "core/lamp.h"

#include <greenmq/zmq.h>

/* A limit of INT_MAX, with which a context starts, is none. */
static bool is_too_long(const struct ctx *ctx, size_t size)
{
    return ctx->max_msgsz < INT_MAX && size > (size_t)ctx->max_msgsz;
}

/* Sends a part, which stays the caller's to close. */
static int send_part(void *handle, struct msg *msg, int flags)
{
    struct socket *socket;
    int rc = socket_enter(handle, &socket);
    if (rc < 0)
        return rc;
    struct ctx *ctx = socket->ctx;
    if (has_ended(socket))
        rc = -ETERM;
    else if (!msg || !msg_is_valid(msg))
        rc = -EFAULT;
    else if (is_too_long(ctx, msg_size(msg)))
        rc = -EMSGSIZE;
    else
        rc = socket_send(socket, msg, flags);
    lamp_seen(socket);
    ctx_leave(ctx);
    if (!(flags & ZMQ_DONTWAIT))
        hub_breathe();
    return rc;
}

/* Receives a part into `msg`, whose former content is released. */
static int receive_part(void *handle, struct msg *msg, int flags, bool properties)
{
    struct socket *socket;
    int rc = socket_enter(handle, &socket);
    if (rc < 0)
        return rc;
    struct ctx *ctx = socket->ctx;
    if (has_ended(socket))
        rc = -ETERM;
    else if (!msg || !msg_is_valid(msg))
        rc = -EFAULT;
    else
        rc = socket_receive(socket, msg, flags, properties);
    lamp_seen(socket);
    ctx_leave(ctx);
    if (!(flags & ZMQ_DONTWAIT))
        hub_breathe();
    return rc;
}

/* A msg for the length of one call, whose body remains the caller's. Nobody can share it, as there
 * is no chunk, and it is not closed. */
static void borrow(struct msg *msg, const void *data, size_t size)
{
    msg_init(msg);
    msg->kind = MSG_CHUNK;
    msg->body.large.data = (uint8_t *)data;
    msg->body.large.size = size;
    msg->body.large.chunk = NULL;
}

static bool is_copied_anyway(size_t size)
{
    return size > 0 && size < BUFFER_SHARE_MIN;
}

int zmq_send(void *socket, const void *data, size_t size, int flags)
{
    struct msg msg;
    if (!data && size)
        return answer(send_part(socket, NULL, flags));
    if (is_copied_anyway(size)) {
        borrow(&msg, data, size);
        int rc = send_part(socket, &msg, flags);
        return rc < 0 ? answer(rc) : answer_size(size);
    }
    if (!is_open_socket(socket))
        return answer(-ENOTSOCK); /* rather than copy for nothing */
    int rc = msg_init_copy(&msg, data, size);
    if (rc < 0)
        return answer(rc);
    rc = send_part(socket, &msg, flags);
    msg_close(&msg);
    return rc < 0 ? answer(rc) : answer_size(size);
}

int zmq_send_const(void *socket, const void *data, size_t size, int flags)
{
    struct msg msg;
    if (!data || !size)
        return zmq_send(socket, data, size, flags);
    int rc = msg_init_data(&msg, (void *)data, size, NULL, NULL);
    if (rc < 0)
        return answer(rc);
    rc = send_part(socket, &msg, flags);
    msg_close(&msg);
    return rc < 0 ? answer(rc) : answer_size(size);
}

int zmq_msg_send(zmq_msg_t *message, void *socket, int flags)
{
    struct msg *msg = (struct msg *)message;
    int rc = send_part(socket, msg, flags);
    if (rc < 0)
        return answer(rc);
    int size = answer_size(msg_size(msg));
    msg_close(msg);
    msg_init(msg);
    return size;
}

int zmq_recv(void *socket, void *data, size_t size, int flags)
{
    struct msg msg;
    msg_init(&msg);
    int rc = receive_part(socket, &msg, flags, false);
    if (rc < 0)
        return answer(rc);
    size_t whole = msg_size(&msg);
    if (size && whole && data)
        memcpy(data, msg_data(&msg), whole < size ? whole : size);
    else if (size && whole)
        rc = -EFAULT;
    msg_close(&msg);
    return rc < 0 ? answer(rc) : answer_size(whole);
}

int zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    struct msg *msg = (struct msg *)message;
    int rc = receive_part(socket, msg, flags, true);
    return rc < 0 ? answer(rc) : answer_size(msg_size(msg));
}

int zmq_sendmsg(void *socket, zmq_msg_t *msg, int flags)
{
    return zmq_msg_send(msg, socket, flags);
}

int zmq_recvmsg(void *socket, zmq_msg_t *msg, int flags)
{
    return zmq_msg_recv(msg, socket, flags);
}
