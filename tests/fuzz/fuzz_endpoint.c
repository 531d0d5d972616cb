/* SPDX-License-Identifier: MIT */
/* The endpoint parser with any text, to bind and to connect: it must neither crash nor read
 * beyond the text, answer with one of its errors, and what it accepts must have a canonical text
 * that parses again to the same. The first octet chooses between bind and connect. */
#include "transport/endpoint.h"

#include "base/check.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_host(const struct endpoint_host *one, const struct endpoint_host *two)
{
    return one->kind == two->kind && one->port == two->port && !strcmp(one->name, two->name) &&
           !memcmp(&one->address, &two->address, sizeof(one->address));
}

static bool same(const struct endpoint *one, const struct endpoint *two)
{
    return one->transport == two->transport && one->is_abstract == two->is_abstract &&
           one->is_wildcard == two->is_wildcard && same_host(&one->host, &two->host) &&
           same_host(&one->source, &two->source) && !strcmp(one->name, two->name) &&
           !one->inproc == !two->inproc && (!one->inproc || !strcmp(one->inproc, two->inproc));
}

static void round_trip(const struct endpoint *endpoint, bool bind)
{
    struct endpoint again;
    size_t room = ENDPOINT_TEXT_MAX + (endpoint->inproc ? strlen(endpoint->inproc) : 0);
    char *text = malloc(room);
    check(text);
    check(endpoint_format(endpoint, text, room) == 0);
    check(endpoint_parse(&again, text, bind) == 0);
    check(same(endpoint, &again));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct endpoint endpoint;
    if (size == 0)
        return 0;
    bool bind = data[0] & 1;
    char *text = calloc(1, size); /* the octets behind the first, and a NUL */
    check(text);
    memcpy(text, data + 1, size - 1);
    int rc = endpoint_parse(&endpoint, text, bind);
    check(rc == 0 || rc == -EINVAL || rc == -EPROTONOSUPPORT || rc == -ENOCOMPATPROTO ||
          rc == -ENAMETOOLONG || (rc == -ENODEV && bind));
    if (rc == 0)
        round_trip(&endpoint, bind);
    free(text);
    return 0;
}
