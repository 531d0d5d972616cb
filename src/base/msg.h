/* SPDX-License-Identifier: MIT */
/* A message part in the application's hands: what lies inside a zmq_msg_t. Small bodies lie in
 * it, larger ones in a chunk that it shares. Owned and used by one thread at a time; needs no
 * lock. */
#ifndef GREENMQ_BASE_MSG_H
#define GREENMQ_BASE_MSG_H

#include "base/chunk.h"
#include "base/properties.h"

#include <stdbool.h>

enum { MSG_INLINE_MAX = 40 };

enum msg_kind {
    MSG_CLOSED = 0,    /* also fresh memory */
    MSG_INLINE = 0x61, /* the body lies in the msg */
    MSG_CHUNK = 0x62,  /* the body lies in a chunk */
};

struct msg {
    union {
        uint8_t bytes[MSG_INLINE_MAX];
        struct {
            uint8_t *data;
            size_t size;
            struct chunk *chunk;
        } large;
    } body;
    struct properties *properties; /* of the connection it came by; NULL for none */
    uint32_t routing_id;
    uint8_t inline_size;
    uint8_t kind;
    bool more;   /* received: another part follows */
    bool shared; /* made by, or source of, a copy */
};

/* All return 0 or a negative errno: -EFAULT for a closed msg, -ENOMEM without memory. */

void msg_init(struct msg *msg);
int msg_init_size(struct msg *msg, size_t size);
int msg_init_copy(struct msg *msg, const void *data, size_t size);
int msg_init_data(struct msg *msg, void *data, size_t size, chunk_free_fn *free_fn, void *hint);

/* A body of `size` octets at `data` in `chunk`: shared if large or all of it, else copied. */
int msg_init_shared(struct msg *msg, struct chunk *chunk, const uint8_t *data, size_t size);

int msg_close(struct msg *msg);

/* `to` is closed first, and holds what `from` held, which is empty after. */
int msg_move(struct msg *to, struct msg *from);

/* `to` is closed first and then shares the body and the properties of `from`. */
int msg_copy(struct msg *to, struct msg *from);

static inline bool msg_is_valid(const struct msg *msg)
{
    return msg->kind == MSG_INLINE || msg->kind == MSG_CHUNK;
}

static inline size_t msg_size(const struct msg *msg)
{
    return msg->kind == MSG_CHUNK ? msg->body.large.size : msg->inline_size;
}

static inline void *msg_data(struct msg *msg)
{
    return msg->kind == MSG_CHUNK ? msg->body.large.data : msg->body.bytes;
}

static inline struct chunk *msg_chunk(const struct msg *msg)
{
    return msg->kind == MSG_CHUNK ? msg->body.large.chunk : NULL;
}

#endif
