/* SPDX-License-Identifier: MIT */
/* Lamps: see lamp.h. The light is an eventfd; who runs the loop while nobody is in a call is the
 * matter of green/outside.h. Fails only for want of memory or descriptors, when it is made. */
#include "core/lamp.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct lamp {
    int fd;    /* what the application has */
    int light; /* the eventfd; often the same */
    bool lit;
    bool seen; /* the application has looked since it was lit last: what comes is news to it */
};

static struct lamp *make(struct loop *loop, int *error)
{
    struct lamp *lamp = calloc(1, sizeof *lamp);
    if (!lamp) {
        *error = -ENOMEM;
        return NULL;
    }
    lamp->light = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    lamp->fd = lamp->light < 0 ? -errno : outside_add(loop, lamp->light);
    if (lamp->fd >= 0)
        return lamp;
    *error = lamp->fd;
    if (lamp->light >= 0)
        close(lamp->light);
    free(lamp);
    return NULL;
}

int lamp_descriptor(struct socket *socket)
{
    int error = 0;
    if (!socket->lamp) {
        socket->lamp = make(&socket->ctx->loop, &error);
        if (!socket->lamp)
            return error;
        if (socket_events(socket)) /* whoever asks first for the descriptor knows of nothing yet */
            lamp_light(socket->lamp);
    }
    return socket->lamp->fd;
}

void lamp_light(struct lamp *lamp)
{
    static const uint64_t one = 1;
    if (lamp->lit && !lamp->seen)
        return;
    lamp->seen = false;
    /* It fails only if the application has closed it, which it should not. */
    lamp->lit = write(lamp->light, &one, sizeof one) == sizeof one;
}

static void put_out(struct lamp *lamp)
{
    uint64_t count;
    /* If it fails the application has read from it, which it should not; then it is dark, too. */
    lamp->lit = read(lamp->light, &count, sizeof count) < 0 && errno == EINTR;
}

void lamp_show(struct socket *socket)
{
    struct lamp *lamp = socket->lamp;
    bool shine = socket->ctx->shutting_down || socket_can_receive(socket);
    if (shine && !lamp->lit)
        lamp_light(lamp);
    else if (!shine && lamp->lit)
        put_out(lamp);
    lamp->seen = true;
}

void lamp_close(struct socket *socket)
{
    struct lamp *lamp = socket->lamp;
    if (!lamp)
        return;
    socket->lamp = NULL;
    outside_remove(&socket->ctx->loop);
    if (lamp->fd != lamp->light)
        close(lamp->fd);
    close(lamp->light);
    free(lamp);
}
