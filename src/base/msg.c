/* SPDX-License-Identifier: MIT */
/* Message parts: see msg.h. A body that fits lies in the msg itself; any other lies in a chunk,
 * its own or the one that it arrived in. Every failure leaves the msg empty or as it was. */
#include "base/msg.h"

#include <errno.h>
#include <string.h>

enum { SHARE_MIN = 4096 /* a smaller body is copied: it should not pin a chunk of 64 KiB */ };

static void set_chunk(struct msg *msg, struct chunk *chunk, uint8_t *data, size_t size)
{
    *msg = (struct msg){.kind = MSG_CHUNK};
    msg->body.large.chunk = chunk;
    msg->body.large.data = data;
    msg->body.large.size = size;
}

void msg_init(struct msg *msg)
{
    msg->inline_size = 0;
    msg->kind = MSG_INLINE;
    msg->more = msg->shared = false;
    msg->routing_id = 0;
    msg->properties = NULL;
}

int msg_init_size(struct msg *msg, size_t size)
{
    msg_init(msg);
    if (size <= MSG_INLINE_MAX) {
        msg->inline_size = (uint8_t)size;
        return 0;
    }
    struct chunk *chunk = chunk_new(size);
    if (!chunk)
        return -ENOMEM;
    set_chunk(msg, chunk, chunk->data, size);
    return 0;
}

int msg_init_copy(struct msg *msg, const void *data, size_t size)
{
    int rc = msg_init_size(msg, size);
    if (rc == 0 && size)
        memcpy(msg_data(msg), data, size);
    return rc;
}

int msg_init_data(struct msg *msg, void *data, size_t size, chunk_free_fn *free_fn, void *hint)
{
    struct chunk *chunk = chunk_wrap(data, size, free_fn, hint);
    if (!chunk)
        return -ENOMEM;
    set_chunk(msg, chunk, data, size);
    return 0;
}

int msg_init_shared(struct msg *msg, struct chunk *chunk, const uint8_t *data, size_t size)
{
    if (size < SHARE_MIN && !chunk_is_just(chunk, data, size))
        return msg_init_copy(msg, data, size);
    set_chunk(msg, chunk_ref(chunk), (uint8_t *)data, size);
    return 0;
}

int msg_close(struct msg *msg)
{
    if (!msg_is_valid(msg))
        return -EFAULT;
    if (msg->kind == MSG_CHUNK)
        chunk_unref(msg->body.large.chunk);
    if (msg->properties) {
        properties_unref(msg->properties);
        msg->properties = NULL;
    }
    msg->kind = MSG_CLOSED;
    return 0;
}

int msg_move(struct msg *to, struct msg *from)
{
    if (!msg_is_valid(from) || !msg_is_valid(to))
        return -EFAULT;
    if (to == from)
        return 0;
    msg_close(to);
    *to = *from;
    msg_init(from);
    return 0;
}

int msg_copy(struct msg *to, struct msg *from)
{
    if (!msg_is_valid(from) || !msg_is_valid(to))
        return -EFAULT;
    if (to == from)
        return 0;
    msg_close(to);
    if (from->kind == MSG_CHUNK) {
        chunk_ref(from->body.large.chunk);
        from->shared = true;
    }
    if (from->properties)
        properties_ref(from->properties);
    *to = *from;
    return 0;
}
