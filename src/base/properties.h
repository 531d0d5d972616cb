/* SPDX-License-Identifier: MIT */
/* Properties: what a received message tells about the connection that it came by. One for all
 * messages of a connection, shared by them and never changed once made; it may outlive the
 * connection and its context. References may be taken and dropped on any thread. */
#ifndef GREENMQ_BASE_PROPERTIES_H
#define GREENMQ_BASE_PROPERTIES_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct properties {
    atomic_uint refs;
    int fd;                  /* the connection's descriptor, while that was open */
    char fd_text[12];        /* the same, which libzmq gives under a name that it does not tell */
    const char *socket_type; /* of the peer; a constant, or NULL */
    const char *routing_id;  /* that it announced, in `text`; NULL if its type has none */
    const char *address;     /* of the peer, in `text`; NULL if it is not known */
    char text[];
};

/* Made with one reference. `socket_type` is kept, the rest copied; `routing_id` and `address` may
 * be NULL. NULL without memory. */
struct properties *properties_new(int fd, const char *socket_type, const uint8_t *routing_id,
                                  size_t routing_id_size, const char *address);

static inline struct properties *properties_ref(struct properties *properties)
{
    atomic_fetch_add_explicit(&properties->refs, 1, memory_order_relaxed);
    return properties;
}

/* NULL is allowed. */
void properties_unref(struct properties *properties);

/* The text of the property of that name (case matters), or NULL. */
const char *properties_find(const struct properties *properties, const char *name);

#endif
