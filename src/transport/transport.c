/* SPDX-License-Identifier: MIT */
/* Binding and connecting: see transport.h. */
#include "transport/transport.h"

#include "core/monitor.h"
#include "transport/dialer.h"
#include "transport/endpoint.h"
#include "transport/inproc.h"
#include "transport/listener.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <string.h>

/* A socket that shall speak a mechanism which is not there must not speak without one. */
static int check_mechanism(const struct socket *socket)
{
    return socket->options.mechanism == ZMQ_NULL ? 0 : -EPROTONOSUPPORT;
}

static int bind_to(struct socket *socket, const char *text)
{
    struct endpoint endpoint;
    int rc = endpoint_parse(&endpoint, text, true);
    if (rc < 0)
        return rc;
    if (endpoint.transport == ENDPOINT_INPROC)
        return inproc_bind(socket, endpoint.inproc, text);
    rc = check_mechanism(socket);
    return rc < 0 ? rc : listener_open(socket, &endpoint);
}

static bool is_named(const struct attachment *attachment, const char *text)
{
    return !attachment->ended && strcmp(attachment->endpoint, text) == 0;
}

/* The types that gain nothing by a second connection to the same place get none. */
static bool is_connected_already(const struct socket *socket, const char *text)
{
    const struct attachment *attachment;
    int type = socket->pattern->type;
    if (type != ZMQ_DEALER && type != ZMQ_REQ && type != ZMQ_SUB && type != ZMQ_PUB)
        return false;
    LIST_FOREACH(attachment, &socket->attachments, line) {
        if (is_named(attachment, text))
            return true;
    }
    return false;
}

/* The monitor is given the text without its transport, as libzmq does. */
static void tell_bind_failed(struct socket *socket, const char *text, int error)
{
    static const char *const schemes[] = {"tcp://", "ipc://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i]);
        if (strncmp(text, schemes[i], length) == 0 && text[length])
            monitor_tell(socket, ZMQ_EVENT_BIND_FAILED, (uint32_t)error, text + length);
    }
}

int transport_bind(struct socket *socket, const char *text)
{
    int rc = bind_to(socket, text);
    if (rc < 0)
        tell_bind_failed(socket, text, -rc);
    return rc;
}

int transport_connect(struct socket *socket, const char *text)
{
    struct endpoint endpoint;
    int rc = endpoint_parse(&endpoint, text, false);
    if (rc < 0)
        return rc;
    if (endpoint.transport == ENDPOINT_INPROC)
        return inproc_connect(socket, endpoint.inproc, text);
    rc = check_mechanism(socket);
    if (rc < 0 || is_connected_already(socket, text))
        return rc;
    return dialer_open(socket, &endpoint, text);
}

/* Ends the attachments of this name. A name of inproc that is bound stands for that alone, whatever
 * the same socket has connected to. */
static int end_named(struct socket *socket, const char *text)
{
    struct attachment *attachment, *next;
    int rc = -ENOENT;
    LIST_FOREACH(attachment, &socket->attachments, line) {
        if (attachment->local && attachment->bound && is_named(attachment, text)) {
            socket_end_attachment(socket, attachment);
            return 0;
        }
    }
    LIST_FOREACH_SAFE(attachment, &socket->attachments, line, next) {
        if (!is_named(attachment, text))
            continue;
        socket_end_attachment(socket, attachment);
        rc = 0;
    }
    return rc;
}

int transport_end(struct socket *socket, const char *text)
{
    struct endpoint endpoint;
    union endpoint_address address;
    char resolved[ENDPOINT_TEXT_MAX];
    int rc = endpoint_check(text);
    if (rc == 0)
        rc = end_named(socket, text);
    if (rc != -ENOENT || endpoint_parse(&endpoint, text, false) < 0 ||
        endpoint.transport != ENDPOINT_TCP || endpoint.host.kind != HOST_NUMERIC ||
        endpoint_local(&endpoint.host, socket->options.ipv6, &address) < 0)
        return rc;
    /* An address can be written in more than one way; what is bound goes by the system's. */
    endpoint_format_address(&address.any, sizeof address, resolved, sizeof resolved);
    return end_named(socket, resolved);
}
