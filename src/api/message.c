/* SPDX-License-Identifier: MIT */
/* Messages of the public API: a zmq_msg_t holds a struct msg, see base/msg.h. They belong to no
 * context and take no lock. A message that is NULL, was closed or never made gives EFAULT where the
 * function can say so, and has no data. */
#include "api/enter.h"

#include <greenmq/zmq.h>

_Static_assert(sizeof(struct msg) <= sizeof(zmq_msg_t), "a msg fits into zmq_msg_t");
_Static_assert(alignof(struct msg) <= alignof(zmq_msg_t), "... wherever that lies");

static struct msg *inside(zmq_msg_t *msg)
{
    return (struct msg *)msg;
}

static const struct msg *look_inside(const zmq_msg_t *msg)
{
    return (const struct msg *)msg;
}

int zmq_msg_init(zmq_msg_t *msg)
{
    if (!msg)
        return answer(-EFAULT);
    msg_init(inside(msg));
    return 0;
}

int zmq_msg_init_size(zmq_msg_t *msg, size_t size)
{
    return answer(msg ? msg_init_size(inside(msg), size) : -EFAULT);
}

int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size, zmq_free_fn *free_fn, void *hint)
{
    if (!msg || (!data && size))
        return answer(-EFAULT);
    return answer(msg_init_data(inside(msg), data, size, free_fn, hint));
}

int zmq_msg_close(zmq_msg_t *msg)
{
    return answer(msg ? msg_close(inside(msg)) : -EFAULT);
}

int zmq_msg_move(zmq_msg_t *dest, zmq_msg_t *src)
{
    return answer(dest && src ? msg_move(inside(dest), inside(src)) : -EFAULT);
}

int zmq_msg_copy(zmq_msg_t *dest, zmq_msg_t *src)
{
    return answer(dest && src ? msg_copy(inside(dest), inside(src)) : -EFAULT);
}

void *zmq_msg_data(zmq_msg_t *msg)
{
    return msg && msg_is_valid(look_inside(msg)) ? msg_data(inside(msg)) : NULL;
}

size_t zmq_msg_size(const zmq_msg_t *msg)
{
    return msg && msg_is_valid(look_inside(msg)) ? msg_size(look_inside(msg)) : 0;
}

int zmq_msg_more(const zmq_msg_t *msg)
{
    return msg && look_inside(msg)->more;
}

/* Bytes that the caller keeps for ever count as shared, as in libzmq. */
static bool is_shared(const struct msg *msg)
{
    const struct chunk *chunk = msg_chunk(msg);
    if (!chunk)
        return false;
    bool constant = !chunk->free_fn && chunk->data != (const uint8_t *)(chunk + 1);
    return msg->shared || constant || chunk_refs(chunk) > 1;
}

int zmq_msg_get(const zmq_msg_t *msg, int property)
{
    if (!msg)
        return answer(-EFAULT);
    const struct properties *properties = look_inside(msg)->properties;
    switch (property) {
    case ZMQ_MORE: return zmq_msg_more(msg);
    case ZMQ_SHARED: return is_shared(look_inside(msg));
    case ZMQ_SRCFD: return properties ? properties->fd : answer(-EINVAL);
    default: return answer(-EINVAL);
    }
}

int zmq_msg_set(zmq_msg_t *msg, int property, int value)
{
    (void)msg;
    (void)property;
    (void)value;
    return answer(-EINVAL);
}

const char *zmq_msg_gets(const zmq_msg_t *msg, const char *property)
{
    if (!msg) {
        errno = EFAULT;
        return NULL;
    }
    const struct properties *properties = look_inside(msg)->properties;
    const char *value = properties && property ? properties_find(properties, property) : NULL;
    if (!value)
        errno = EINVAL;
    return value;
}
