/* SPDX-License-Identifier: MIT */
/* Metadata: the properties that the two sides of a handshake tell each other (37/ZMTP 3.1,
 * "metadata").
 *
 *      name size (1 octet, not 0) | name | value size (4 octets) | value
 *
 * Names are compared without regard to case: a comparison that minds it would let a peer write
 * `socket-type` and so pass unchecked. Unknown properties are checked for their grammar and
 * ignored. A Socket-Type or Identity said twice is refused, because nobody could tell which one
 * other code believes.
 * Called by the mechanisms, and by the greeting for the identity of 2.0. */
#include "wire/mechanism.h"

#include <endian.h>
#include <string.h>

#include <greenmq/zmq.h>

enum { VALUE_SIZE_OCTETS = 4, VALUE_MAX = 0x7FFFFFFF };

static const char *const type_names[] = {
    [ZMQ_PAIR] = "PAIR", [ZMQ_PUB] = "PUB",       [ZMQ_SUB] = "SUB",       [ZMQ_REQ] = "REQ",
    [ZMQ_REP] = "REP",   [ZMQ_DEALER] = "DEALER", [ZMQ_ROUTER] = "ROUTER", [ZMQ_PULL] = "PULL",
    [ZMQ_PUSH] = "PUSH", [ZMQ_XPUB] = "XPUB",     [ZMQ_XSUB] = "XSUB",
};

const char *session_type_name(int type)
{
    return type_names[type];
}

struct property {
    const uint8_t *name;
    size_t name_size;
    const uint8_t *value;
    size_t value_size;
};

bool session_type_has_id(int type)
{
    return type == ZMQ_REQ || type == ZMQ_DEALER || type == ZMQ_ROUTER;
}

static size_t property_write(uint8_t *at, const char *name, const void *value, size_t size)
{
    size_t length = strlen(name);
    uint32_t big = htobe32((uint32_t)size);
    at[0] = (uint8_t)length;
    memcpy(at + 1, name, length);
    memcpy(at + 1 + length, &big, VALUE_SIZE_OCTETS);
    if (size)
        memcpy(at + 1 + length + VALUE_SIZE_OCTETS, value, size);
    return 1 + length + VALUE_SIZE_OCTETS + size;
}

size_t metadata_own_identity(const struct session_config *config)
{
    return session_type_has_id(config->socket_type) ? config->routing_id_size : 0;
}

size_t metadata_write(const struct session *session, uint8_t *at)
{
    const struct session_config *config = session->config;
    const char *type = type_names[config->socket_type];
    size_t size = property_write(at, "Socket-Type", type, strlen(type));
    /* Those that have an identity say so, even if it is empty, as libzmq does. */
    if (session_type_has_id(config->socket_type))
        size += property_write(at + size, "Identity", config->routing_id, config->routing_id_size);
    return size;
}

/* ASCII only, whatever the locale. */
static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static bool is_name_char(uint8_t c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '+';
}

static bool is_named(const struct property *property, const char *name)
{
    if (property->name_size != strlen(name))
        return false;
    for (size_t i = 0; i < property->name_size; i++) {
        if (lower(property->name[i]) != lower((uint8_t)name[i]))
            return false;
    }
    return true;
}

/* Takes the first property off the `*left` octets at *at. False when its grammar is broken. */
static bool property_next(struct property *property, const uint8_t **at, size_t *left)
{
    size_t length = (*at)[0];
    if (length == 0 || *left < 1 + length + VALUE_SIZE_OCTETS)
        return false;
    property->name = *at + 1;
    property->name_size = length;
    for (size_t i = 0; i < length; i++) {
        if (!is_name_char(property->name[i]))
            return false;
    }
    uint32_t value_size;
    memcpy(&value_size, *at + 1 + length, VALUE_SIZE_OCTETS);
    value_size = be32toh(value_size);
    *at += 1 + length + VALUE_SIZE_OCTETS;
    *left -= 1 + length + VALUE_SIZE_OCTETS;
    if (value_size > VALUE_MAX || value_size > *left)
        return false;
    property->value = *at;
    property->value_size = value_size;
    *at += value_size;
    *left -= value_size;
    return true;
}

/* The number of a socket type, -1 when there is none of that name. */
static int type_find(const struct property *property)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        if (property->value_size == strlen(type_names[type]) &&
            memcmp(property->value, type_names[type], property->value_size) == 0)
            return type;
    }
    return -1;
}

/* 37: ignored from all other types. A peer of ZMTP 1.0 does not name its own, so there ours tells
 * whether it may be one of those. */
static bool is_identity_heard(const struct session *session)
{
    int ours = session->config->socket_type;
    if (session->peer_socket_type >= 0)
        return session_type_has_id(session->peer_socket_type);
    return session_type_has_id(ours) || ours == ZMQ_REP;
}

enum session_error metadata_take_identity(struct session *session, const uint8_t *id, size_t size)
{
    if (!is_identity_heard(session) || size == 0)
        return SESSION_OK;
    /* Those that begin with 0 are kept for ids that a ROUTER makes up. */
    if (size > SESSION_ROUTING_ID_MAX || id[0] == 0)
        return SESSION_BAD_METADATA;
    memcpy(session->peer_routing_id, id, size);
    session->peer_routing_id_size = (uint8_t)size;
    return SESSION_OK;
}

enum session_error metadata_read(struct session *session, const uint8_t *data, size_t size)
{
    struct property type = {0}, identity = {0};
    while (size) {
        struct property property;
        if (!property_next(&property, &data, &size))
            return SESSION_BAD_METADATA;
        struct property *known = is_named(&property, "Socket-Type") ? &type
                                 : is_named(&property, "Identity")  ? &identity
                                                                    : NULL;
        if (!known)
            continue;
        if (known->name)
            return SESSION_BAD_METADATA;
        *known = property;
    }
    int number = type.name ? type_find(&type) : -1;
    if (number < 0)
        return SESSION_NO_SOCKET_TYPE;
    if (!session_types_match(session->config->socket_type, number))
        return SESSION_WRONG_SOCKET_TYPE;
    session->peer_socket_type = number;
    return metadata_take_identity(session, identity.value, identity.value_size);
}
