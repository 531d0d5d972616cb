/* SPDX-License-Identifier: MIT */
/* Binding and connecting: see transport.h. */
#include "transport/transport.h"

#include "transport/dialer.h"
#include "transport/endpoint.h"
#include "transport/inproc.h"
#include "transport/listener.h"

#include <errno.h>
#include <string.h>

int transport_bind(struct socket *socket, const char *text)
{
    struct endpoint endpoint;
    int rc = endpoint_parse(&endpoint, text, true);
    if (rc < 0)
        return rc;
    if (endpoint.transport == ENDPOINT_INPROC)
        return inproc_bind(socket, endpoint.name, text);
    return listener_open(socket, &endpoint);
}

int transport_connect(struct socket *socket, const char *text)
{
    struct endpoint endpoint;
    int rc = endpoint_parse(&endpoint, text, false);
    if (rc < 0)
        return rc;
    if (endpoint.transport == ENDPOINT_INPROC)
        return inproc_connect(socket, endpoint.name, text);
    return dialer_open(socket, &endpoint, text);
}

/* Ends the attachments that this text names. */
static int end(struct socket *socket, const char *text, bool bound)
{
    struct attachment *attachment, *next;
    struct endpoint endpoint;
    int rc = endpoint_parse(&endpoint, text, bound);
    if (rc < 0)
        return rc;
    rc = -ENOENT;
    LIST_FOREACH_SAFE(attachment, &socket->attachments, line, next) {
        if (attachment->bound != bound || attachment->ended ||
            strcmp(attachment->endpoint, text) != 0)
            continue;
        socket_end_attachment(socket, attachment);
        rc = 0;
        break;
    }
    return rc;
}

int transport_unbind(struct socket *socket, const char *text)
{
    return end(socket, text, true);
}

int transport_disconnect(struct socket *socket, const char *text)
{
    return end(socket, text, false);
}
