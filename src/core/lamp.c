/* SPDX-License-Identifier: MIT */
/* Lamps: see lamp.h. The light is an eventfd; who runs the loop while nobody is in a call is the
 * matter of green/outside.h. Fails only for want of memory or descriptors, when it is made. */
#include "core/lamp.h"

#include "base/fd.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    NEWS_LASTS = 2, /* calls in vain: a send before the news came, and a receive after it */
    OLD_MS = 1000   /* the descriptor outlasts its socket */
};

struct lamp {
    int fd;    /* what the application has */
    int light; /* the eventfd; often the same */
    bool lit;
    bool seen; /* a call was made since it was lit last: what comes is an edge for its maker */
    bool told; /* the application knows that it can receive, or that the context ends */
    int news;  /* of room or a peer: lasts for so many calls in vain */
};

static int make_light(struct ctx *ctx)
{
    int light = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (light < 0 && ctx->old_lamp_count) {
        lamp_forget_old(ctx);
        light = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    }
    return fd_lift(light);
}

static struct lamp *make(struct ctx *ctx, int *error)
{
    struct lamp *lamp = calloc(1, sizeof *lamp);
    if (!lamp) {
        *error = -ENOMEM;
        return NULL;
    }
    lamp->light = make_light(ctx);
    lamp->fd = lamp->light < 0 ? -errno : outside_add(&ctx->loop, lamp->light);
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
        socket->lamp = make(socket->ctx, &error);
        if (!socket->lamp)
            return error;
        ctx_close_lanes(socket->ctx); /* who waits outside shall see at once what has come */
        if (socket_events(socket)) /* whoever asks first for the descriptor knows of nothing yet */
            lamp_light(socket->lamp, EVENT_IN | EVENT_OUT);
    }
    return socket->lamp->fd;
}

static void turn_on(struct lamp *lamp)
{
    static const uint64_t one = 1;
    lamp->seen = false;
    /* It fails only if the application has closed it, which it should not. */
    lamp->lit = write(lamp->light, &one, sizeof one) == sizeof one;
}

static void turn_off(struct lamp *lamp)
{
    uint64_t count;
    /* If it fails the application has read from it, which it should not; then it is dark, too. */
    lamp->lit = read(lamp->light, &count, sizeof count) < 0 && errno == EINTR;
}

void lamp_light(struct lamp *lamp, int events)
{
    if (events & EVENT_IN)
        lamp->told = false;
    if (events & EVENT_OUT)
        lamp->news = NEWS_LASTS;
    if (!lamp->lit || lamp->seen)
        turn_on(lamp);
}

/* Is there something that keeps it lit until the application knows? */
static bool has_matter(struct socket *socket)
{
    return socket->ctx->shutting_down || socket_can_receive(socket);
}

static void forget_news(struct lamp *lamp)
{
    if (lamp->news)
        lamp->news--;
}

void lamp_put_out(struct socket *socket, int events)
{
    struct lamp *lamp = socket->lamp;
    if (socket->ctx->shutting_down)
        events = ZMQ_POLLIN | ZMQ_POLLOUT; /* the answer is ETERM, whatever was asked for */
    if (events & ZMQ_POLLOUT)
        lamp->news = 0;
    else
        forget_news(lamp);
    lamp->seen = true;
    if (lamp->lit && !lamp->news)
        turn_off(lamp);
    lamp->told = events & ZMQ_POLLIN && has_matter(socket);
}

void lamp_show(struct socket *socket, bool received, bool in_vain)
{
    struct lamp *lamp = socket->lamp;
    bool matter = has_matter(socket);
    if (in_vain)
        forget_news(lamp);
    if (received || !matter)
        lamp->told = false;
    bool shine = lamp->news || (matter && !lamp->told);
    if (shine && !lamp->lit)
        turn_on(lamp);
    else if (!shine && lamp->lit)
        turn_off(lamp);
    lamp->seen = true;
}

static void end(struct lamp *lamp)
{
    if (lamp->fd != lamp->light)
        close(lamp->fd);
    close(lamp->light);
    free(lamp);
}

void lamp_forget_old(struct ctx *ctx)
{
    while (ctx->old_lamp_count)
        end(ctx->old_lamps[--ctx->old_lamp_count]);
}

static void on_old_enough(struct timer *timer)
{
    lamp_forget_old((struct ctx *)((char *)timer - offsetof(struct ctx, old_lamps_end)));
}

/* Foreign loops may hold the descriptor a moment longer than the socket. They are woken, and its
 * number is not given to another at once. */
void lamp_close(struct socket *socket)
{
    struct lamp *lamp = socket->lamp;
    struct ctx *ctx = socket->ctx;
    if (!lamp)
        return;
    socket->lamp = NULL;
    outside_remove(&ctx->loop);
    turn_on(lamp);
    if (ctx->old_lamp_count == OLD_LAMPS) {
        end(ctx->old_lamps[0]);
        ctx->old_lamp_count--;
        memmove(ctx->old_lamps, ctx->old_lamps + 1, ctx->old_lamp_count * sizeof lamp);
    }
    ctx->old_lamps[ctx->old_lamp_count++] = lamp;
    timer_start(&ctx->old_lamps_end, on_old_enough, OLD_MS);
}
