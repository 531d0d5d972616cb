/* SPDX-License-Identifier: MIT */
/* Octets as a peer would send them, put together piece by piece. */
#ifndef GREENMQ_TESTS_OCTETS_H
#define GREENMQ_TESTS_OCTETS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/frame.h"

struct octets {
    size_t size;
    uint8_t data[20000];
};

static inline void octets_add(struct octets *o, const void *data, size_t size)
{
    assert_true(o->size + size <= sizeof o->data);
    if (size)
        memcpy(o->data + o->size, data, size);
    o->size += size;
}

/* A literal, without its NUL. */
#define octets_put(o, literal) octets_add(o, literal, sizeof(literal) - 1)

static inline void octets_fill(struct octets *o, uint8_t value, size_t count)
{
    assert_true(o->size + count <= sizeof o->data);
    memset(o->data + o->size, value, count);
    o->size += count;
}

/* A whole 3.x greeting, its padding and filler full of octets that mean nothing. */
static inline void octets_greeting(struct octets *o, uint8_t major, uint8_t minor,
                                   const char *mechanism)
{
    octets_put(o, "\xFF\x12\x34\x56\x78\x9A\xBC\xDE\xF0\x7F");
    octets_fill(o, major, 1);
    octets_fill(o, minor, 1);
    octets_add(o, mechanism, strlen(mechanism));
    octets_fill(o, 0, 20 - strlen(mechanism));
    octets_fill(o, 0, 1);
    octets_fill(o, 0xA5, 31);
}

static inline void octets_property(struct octets *o, const char *name, const void *value,
                                   size_t size)
{
    uint32_t big = htobe32((uint32_t)size);
    octets_fill(o, (uint8_t)strlen(name), 1);
    octets_add(o, name, strlen(name));
    octets_add(o, &big, 4);
    octets_add(o, value, size);
}

static inline void octets_command(struct octets *o, const char *name, const struct octets *data)
{
    uint8_t head[FRAME_LONG_HEADER];
    size_t length = strlen(name);
    octets_add(o, head, frame_header_write(head, FRAME_COMMAND, 1 + length + data->size));
    octets_fill(o, (uint8_t)length, 1);
    octets_add(o, name, length);
    octets_add(o, data->data, data->size);
}

static inline void octets_ready(struct octets *o, const char *socket_type)
{
    static struct octets properties;
    properties.size = 0;
    octets_property(&properties, "Socket-Type", socket_type, strlen(socket_type));
    octets_command(o, "READY", &properties);
}

#endif
