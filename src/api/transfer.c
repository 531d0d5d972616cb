/* SPDX-License-Identifier: MIT */
/* Sending and receiving in the public API. A part is handed to the socket as a struct msg; what
 * waits, waits in core/socket.c. On failure nothing has been taken and nothing given. */
#include "api/enter.h"
#include "green/hub.h"
#include "core/lamp.h"
#include "core/lane_call.h"

#include <greenmq/zmq.h>

/* A limit of INT_MAX, with which a context starts, is none. */
static bool is_too_long(const struct ctx *ctx, size_t size)
{
    return ctx->max_msgsz < INT_MAX && size > (size_t)ctx->max_msgsz;
}

/* May a call that could wait be served? Not in a green thread that was cancelled. */
static bool may_go_on(int flags)
{
    return likely(!hub_current) || (flags & ZMQ_DONTWAIT) || !hub_is_cancelled();
}

/* A call has been served without waiting: other green threads get a turn now and then. */
static void breathe(int flags)
{
    if (!(flags & ZMQ_DONTWAIT))
        hub_breathe();
}

/* Sends a part, which stays the caller's to close. */
static int send_part(void *handle, struct msg *msg, int flags)
{
    struct socket *socket;
    int rc = socket_enter_lanes(handle, &socket);
    if (rc < 0)
        return rc;
    struct ctx *ctx = socket->ctx;
    lane_close_out(socket);
    if (has_ended(socket))
        rc = -ETERM;
    else if (!msg || !msg_is_valid(msg))
        rc = -EFAULT;
    else if (is_too_long(ctx, msg_size(msg)))
        rc = -EMSGSIZE;
    else
        rc = socket_send(socket, msg, flags);
    if (rc == 0)
        lane_open_out(socket);
    lamp_sent(socket, rc);
    ctx_leave(ctx);
    breathe(flags);
    return rc;
}

/* Lanes for what has come, if it may be received by one. True: that has been done. */
static bool receive_by_lane(struct socket *socket, struct msg *msg, int flags)
{
    if (!may_go_on(flags))
        return false;
    stage_look(socket->ctx);
    lane_catch_up(socket);
    lane_open_in(socket);
    if (lane_take_msg(&socket->in_lane, msg))
        return true;
    lane_close_inbox(socket);
    return false;
}

/* Receives a part into `msg`, whose former content is released. */
static int receive_part(void *handle, struct msg *msg, int flags, bool properties)
{
    struct socket *socket;
    int rc = socket_enter_lanes(handle, &socket);
    if (rc < 0)
        return rc;
    struct ctx *ctx = socket->ctx;
    if (has_ended(socket))
        rc = -ETERM;
    else if (!msg || !msg_is_valid(msg))
        rc = -EFAULT;
    else if (!receive_by_lane(socket, msg, flags)) {
        rc = socket_receive(socket, msg, flags, properties);
        if (rc == 0)
            lane_open_in(socket);
    }
    lamp_received(socket, rc);
    ctx_leave(ctx);
    breathe(flags);
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

/* Sends a part by the socket's lane. */
static bool put_by_lane(void *handle, const void *data, size_t size, int flags)
{
    if (!is_open_socket(handle) || !may_go_on(flags) ||
        !lane_put(&((struct socket *)handle)->out_lane, data, size, flags & ZMQ_SNDMORE))
        return false;
    breathe(flags);
    return true;
}

int zmq_send(void *socket, const void *data, size_t size, int flags)
{
    struct msg msg;
    if (likely((data || !size) && put_by_lane(socket, data, size, flags)))
        return (int)size;
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
    bool sent = msg && msg_is_valid(msg) && !chunk_is_lent(msg_chunk(msg)) &&
                put_by_lane(socket, msg_data(msg), msg_size(msg), flags);
    int rc = sent ? 0 : send_part(socket, msg, flags);
    if (rc < 0)
        return answer(rc);
    int size = answer_size(msg_size(msg));
    msg_close(msg);
    msg_init(msg);
    return size;
}

/* Receives a part by the socket's lane, the first octets of it that fit; *whole is its size. */
static bool take_by_lane(void *handle, void *data, size_t size, int flags, size_t *whole)
{
    struct frame frame;
    if (!is_open_socket(handle) || !may_go_on(flags))
        return false;
    struct lane *lane = &((struct socket *)handle)->in_lane;
    if (!lane_find(lane, &frame))
        return false;
    *whole = frame.size;
    if (likely(size && frame.size))
        memcpy(data, frame.body, frame.size < size ? frame.size : size);
    lane_pass(lane, &frame);
    breathe(flags);
    return true;
}

int zmq_recv(void *socket, void *data, size_t size, int flags)
{
    struct msg msg;
    size_t whole;
    if (likely((data || !size) && take_by_lane(socket, data, size, flags, &whole)))
        return (int)whole;
    msg_init(&msg);
    int rc = receive_part(socket, &msg, flags, false);
    if (rc < 0)
        return answer(rc);
    whole = msg_size(&msg);
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
    if (msg && msg_is_valid(msg) && is_open_socket(socket) && may_go_on(flags) &&
        lane_take_msg(&((struct socket *)socket)->in_lane, msg)) {
        breathe(flags);
        return (int)msg_size(msg);
    }
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
