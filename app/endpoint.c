/* SPDX-License-Identifier: MIT */
/* Lists of endpoints: see endpoint.h.
 *
 * Happy path: endpoints_init() splits the list, endpoint_attach() gives each item to the socket.
 * Failure modes: an empty item is refused here; what is no endpoint is refused by the library,
 * and endpoint_reason() puts its errno into words. Called by broker.c. */
#include "endpoint.h"

#include <greenmq/zmq.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_items(const char *list)
{
    size_t count = 1;
    for (; *list; list++)
        count += *list == ',';
    return count;
}

static int split(struct endpoints *endpoints)
{
    char *rest = endpoints->copy;
    for (char *text; (text = strsep(&rest, ",")); endpoints->count++) {
        struct endpoint *item = &endpoints->items[endpoints->count];
        item->is_connect = *text == '>';
        item->text = text + (*text == '>' || *text == '@');
        if (!*item->text)
            return EINVAL;
    }
    return 0;
}

int endpoints_init(struct endpoints *endpoints, const char *list)
{
    *endpoints = (struct endpoints){.copy = strdup(list)};
    endpoints->items = calloc(count_items(list), sizeof(*endpoints->items));
    int error = endpoints->copy && endpoints->items ? split(endpoints) : ENOMEM;
    if (error)
        endpoints_term(endpoints);
    return error;
}

void endpoints_term(struct endpoints *endpoints)
{
    free(endpoints->copy);
    free(endpoints->items);
    *endpoints = (struct endpoints){0};
}

int endpoint_attach(struct endpoint *endpoint, void *socket)
{
    /* IPv6 only where it was asked for, so that * and names mean what they do in every other
     * ZeroMQ program. */
    int ipv6 = strchr(endpoint->text, '[') != NULL;
    if (zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof(ipv6)))
        return errno;
    snprintf(endpoint->actual, sizeof(endpoint->actual), "%s", endpoint->text);
    if (endpoint->is_connect)
        return zmq_connect(socket, endpoint->text) ? errno : 0;
    if (zmq_bind(socket, endpoint->text))
        return errno;
    size_t size = sizeof(endpoint->actual);
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint->actual, &size);
    return 0;
}

const char *endpoint_reason(int error)
{
    switch (error) {
    case EINVAL: return "it is no endpoint; one looks like tcp://127.0.0.1:5559";
    case EPROTONOSUPPORT: return "there is no such transport; use tcp:// or ipc://";
    case ENODEV: return "there is no such address or interface";
    case ENAMETOOLONG: return "the path is too long";
    default: return zmq_strerror(error);
    }
}

bool endpoint_is_wrong(int error)
{
    return error == EINVAL || error == EPROTONOSUPPORT || error == ENAMETOOLONG;
}
