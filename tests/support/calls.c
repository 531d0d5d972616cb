/* SPDX-License-Identifier: MIT */
/* Every public function that takes a socket or a context: see calls.h. */
#include "support/calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

#include <greenmq/zmq.h>

#ifdef TEST_ON_LIBZMQ
enum { DEVICE_NULL = 0 }; /* it never returns */
#else
enum { DEVICE_NULL = EFAULT };
#endif

void *good_socket;

static int call_close(void *socket)
{
    return zmq_close(socket);
}

static int call_setsockopt(void *socket)
{
    int value = 0;
    return zmq_setsockopt(socket, ZMQ_LINGER, &value, sizeof value);
}

static int call_getsockopt(void *socket)
{
    int value;
    size_t size = sizeof value;
    return zmq_getsockopt(socket, ZMQ_LINGER, &value, &size);
}

static int call_getsockopt_events(void *socket)
{
    int value;
    size_t size = sizeof value;
    return zmq_getsockopt(socket, ZMQ_EVENTS, &value, &size);
}

static int call_bind(void *socket)
{
    return zmq_bind(socket, "inproc://calls");
}

static int call_connect(void *socket)
{
    return zmq_connect(socket, "inproc://calls");
}

static int call_unbind(void *socket)
{
    return zmq_unbind(socket, "inproc://calls");
}

static int call_disconnect(void *socket)
{
    return zmq_disconnect(socket, "inproc://calls");
}

static int call_send(void *socket)
{
    return zmq_send(socket, "a", 1, ZMQ_DONTWAIT);
}

static int call_send_large(void *socket)
{
    static char large[70000];
    return zmq_send(socket, large, sizeof large, ZMQ_DONTWAIT);
}

static int call_send_const(void *socket)
{
    return zmq_send_const(socket, "a", 1, ZMQ_DONTWAIT);
}

static int call_recv(void *socket)
{
    char data[8];
    return zmq_recv(socket, data, sizeof data, ZMQ_DONTWAIT);
}

/* The message must remain one, whatever became of the call. */
static int with_message(int (*call)(void *socket, zmq_msg_t *msg, int flags), void *socket)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    int rc = call(socket, &msg, ZMQ_DONTWAIT);
    int error = errno;
    if (zmq_msg_close(&msg) != 0)
        abort();
    errno = error;
    return rc;
}

static int msg_send(void *socket, zmq_msg_t *msg, int flags)
{
    return zmq_msg_send(msg, socket, flags);
}

static int msg_recv(void *socket, zmq_msg_t *msg, int flags)
{
    return zmq_msg_recv(msg, socket, flags);
}

static int call_msg_send(void *socket)
{
    return with_message(msg_send, socket);
}

static int call_msg_recv(void *socket)
{
    return with_message(msg_recv, socket);
}

static int call_sendmsg(void *socket)
{
    return with_message(zmq_sendmsg, socket);
}

static int call_recvmsg(void *socket)
{
    return with_message(zmq_recvmsg, socket);
}

static int call_sendiov(void *socket)
{
    char data[] = "a";
    struct iovec part = {data, 1};
    return zmq_sendiov(socket, &part, 1, ZMQ_DONTWAIT);
}

static int call_recviov(void *socket)
{
    struct iovec part = {NULL, 0};
    size_t count = 1;
    int rc = zmq_recviov(socket, &part, &count, ZMQ_DONTWAIT);
    if (rc == 1)
        free(part.iov_base);
    return rc;
}

static int call_poll(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .fd = -1, .events = ZMQ_POLLIN};
    return zmq_poll(&item, 1, 0);
}

static int call_poll_second(void *socket)
{
    zmq_pollitem_t items[] = {{.socket = good_socket, .events = ZMQ_POLLIN},
                              {.socket = socket, .fd = -1, .events = ZMQ_POLLIN}};
    return zmq_poll(items, 2, 10);
}

static int call_proxy_frontend(void *socket)
{
    return zmq_proxy(socket, good_socket, NULL);
}

static int call_proxy_backend(void *socket)
{
    return zmq_proxy(good_socket, socket, NULL);
}

static int call_proxy_steerable_frontend(void *socket)
{
    return zmq_proxy_steerable(socket, good_socket, NULL, NULL);
}

static int call_proxy_steerable_control(void *socket)
{
    return zmq_proxy_steerable(good_socket, good_socket, NULL, socket);
}

static int call_device_frontend(void *socket)
{
    return zmq_device(ZMQ_QUEUE, socket, good_socket);
}

static int call_device_backend(void *socket)
{
    return zmq_device(ZMQ_QUEUE, good_socket, socket);
}

const struct call socket_calls[] = {
    {"zmq_getsockopt", call_getsockopt, ENOTSOCK},
    {"zmq_setsockopt", call_setsockopt, ENOTSOCK},
    {"zmq_getsockopt of ZMQ_EVENTS", call_getsockopt_events, ENOTSOCK},
    {"zmq_bind", call_bind, ENOTSOCK},
    {"zmq_connect", call_connect, ENOTSOCK},
    {"zmq_unbind", call_unbind, ENOTSOCK},
    {"zmq_disconnect", call_disconnect, ENOTSOCK},
    {"zmq_send", call_send, ENOTSOCK},
    {"zmq_send of much", call_send_large, ENOTSOCK},
    {"zmq_send_const", call_send_const, ENOTSOCK},
    {"zmq_recv", call_recv, ENOTSOCK},
    {"zmq_msg_send", call_msg_send, ENOTSOCK},
    {"zmq_msg_recv", call_msg_recv, ENOTSOCK},
    {"zmq_sendmsg", call_sendmsg, ENOTSOCK},
    {"zmq_recvmsg", call_recvmsg, ENOTSOCK},
    {"zmq_sendiov", call_sendiov, ENOTSOCK},
    {"zmq_recviov", call_recviov, ENOTSOCK},
    {"zmq_poll", call_poll, 0},
    {"zmq_poll of two", call_poll_second, 0},
    {"zmq_proxy, frontend", call_proxy_frontend, EFAULT},
    {"zmq_proxy, backend", call_proxy_backend, EFAULT},
    {"zmq_proxy_steerable, frontend", call_proxy_steerable_frontend, EFAULT},
    {"zmq_proxy_steerable, control", call_proxy_steerable_control, 0},
    {"zmq_device, frontend", call_device_frontend, DEVICE_NULL},
    {"zmq_device, backend", call_device_backend, DEVICE_NULL},
};
_Static_assert(sizeof socket_calls / sizeof socket_calls[0] == SOCKET_CALLS, "their number");

const struct call close_call = {"zmq_close", call_close, ENOTSOCK};

static int call_ctx_set(void *context)
{
    return zmq_ctx_set(context, ZMQ_IO_THREADS, 1);
}

static int call_ctx_get(void *context)
{
    return zmq_ctx_get(context, ZMQ_IO_THREADS);
}

static int call_zmq_socket(void *context)
{
    void *socket = zmq_socket(context, ZMQ_PAIR);
    if (!socket)
        return -1;
    zmq_close(socket);
    return 0;
}

const struct call context_calls[] = {
    {"zmq_ctx_set", call_ctx_set, EFAULT},
    {"zmq_ctx_get", call_ctx_get, EFAULT},
    {"zmq_socket", call_zmq_socket, EFAULT},
};
_Static_assert(sizeof context_calls / sizeof context_calls[0] == CONTEXT_CALLS, "their number");

const struct call ending_calls[] = {
    {"zmq_ctx_shutdown", zmq_ctx_shutdown, EFAULT},
    {"zmq_ctx_term", zmq_ctx_term, EFAULT},
    {"zmq_ctx_destroy", zmq_ctx_destroy, EFAULT},
    {"zmq_term", zmq_term, EFAULT},
};
_Static_assert(sizeof ending_calls / sizeof ending_calls[0] == ENDING_CALLS, "their number");

bool call_gives(const struct call *call, void *handle, const char *what, int expected)
{
    errno = 0;
    int rc = call->call(handle);
    int error = errno;
    if (expected ? rc == -1 && error == expected : rc >= 0)
        return true;
    fprintf(stderr, "%s with %s: %s, not %s\n", call->name, what,
            rc == -1 ? zmq_strerror(error) : "success",
            expected ? zmq_strerror(expected) : "success");
    return false;
}

bool calls_give(const struct call *calls, int count, void *handle, const char *what, int expected)
{
    bool good = true;
    for (int i = 0; i < count; i++)
        good &= call_gives(&calls[i], handle, what, expected);
    return good;
}
