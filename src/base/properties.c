/* SPDX-License-Identifier: MIT */
/* Properties of messages: see properties.h. Made by a transport for a peer, kept by the peer while
 * its connection lasts (core/peer.h) and by the messages that the application holds. */
#include "base/properties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct properties *properties_new(int fd, const char *socket_type, const uint8_t *routing_id,
                                  size_t routing_id_size, const char *address)
{
    size_t id_room = routing_id ? routing_id_size + 1 : 0;
    size_t address_room = address ? strlen(address) + 1 : 0;
    struct properties *properties = malloc(sizeof *properties + id_room + address_room);
    if (!properties)
        return NULL;
    atomic_init(&properties->refs, 1);
    properties->fd = fd;
    snprintf(properties->fd_text, sizeof properties->fd_text, "%d", fd);
    properties->socket_type = socket_type;
    properties->routing_id = properties->address = NULL;
    char *text = properties->text;
    if (routing_id) {
        properties->routing_id = memcpy(text, routing_id, routing_id_size);
        text[routing_id_size] = '\0';
    }
    if (address)
        properties->address = memcpy(text + id_room, address, address_room);
    return properties;
}

void properties_unref(struct properties *properties)
{
    if (properties && atomic_fetch_sub_explicit(&properties->refs, 1, memory_order_acq_rel) == 1)
        free(properties);
}

const char *properties_find(const struct properties *properties, const char *name)
{
    if (strcmp(name, "Socket-Type") == 0)
        return properties->socket_type;
    if (strcmp(name, "Routing-Id") == 0 || strcmp(name, "Identity") == 0)
        return properties->routing_id;
    if (strcmp(name, "Peer-Address") == 0)
        return properties->address;
    if (strcmp(name, "__fd") == 0)
        return properties->fd_text;
    return NULL;
}
