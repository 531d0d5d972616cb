/* SPDX-License-Identifier: MIT */
/* A socket of the pattern under test, with peers whose far end is no connection but a notepad. */
#ifndef GREENMQ_TESTS_FAR_H
#define GREENMQ_TESTS_FAR_H

#include "core/socket.h"
#include "pattern/patterns.h"

#include <greenmq/zmq.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A far end that takes nothing, so that all stays in peer->out, but writes down what it is told
 * about subscriptions: "+topic " or "-topic ". */
struct far {
    char told[256];
    int fails;
};

static inline void link_flush(struct peer *peer)
{
    (void)peer;
}

static inline size_t link_write(struct peer *peer, const uint8_t *data, size_t size)
{
    (void)peer, (void)data, (void)size;
    return 0;
}

static inline int link_subscribe(struct peer *peer, bool add, const uint8_t *topic, size_t size)
{
    struct far *far = peer->far;
    char line[64];
    snprintf(line, sizeof line, "%c%.*s ", add ? '+' : '-', (int)size, (const char *)topic);
    strcat(far->told, line);
    return 0;
}

static inline void link_fail(struct peer *peer)
{
    ((struct far *)peer->far)->fails++;
}

static inline void link_ignore(struct peer *peer)
{
    (void)peer;
}

static const struct link fake_link = {
    .flush = link_flush,
    .write = link_write,
    .resume = link_ignore,
    .subscribe = link_subscribe,
    .fail = link_fail,
    .close = link_ignore,
};

enum { PEERS = 4 };

/* One socket of the type under test, and peers that are ready. */
static struct world {
    struct ctx *ctx;
    struct socket *socket;
    struct peer *peer[PEERS];
    struct far far[PEERS];
} world;

static inline void connect_peer(int i)
{
    world.far[i] = (struct far){.told = ""};
    world.peer[i]->link = &fake_link;
    world.peer[i]->far = &world.far[i];
    assert_int_equal(peer_ready(world.peer[i]), 0);
}

static inline struct socket *start(const struct pattern *pattern)
{
    world = (struct world){0};
    assert_int_equal(ctx_new(&world.ctx), 0);
    world.ctx->io_threads = 0;
    assert_int_equal(ctx_enter(world.ctx), 0);
    assert_int_equal(socket_open(world.ctx, pattern, &world.socket), 0);
    world.socket->options.linger_ms = 0;
    for (int i = 0; i < PEERS; i++) {
        world.peer[i] = peer_open(world.socket, &world.socket->options, NULL);
        assert_non_null(world.peer[i]);
        connect_peer(i);
    }
    return world.socket;
}

static inline int stop(void **state)
{
    (void)state;
    socket_close(world.socket);
    return ctx_term(world.ctx);
}

static inline void set_int(int option, int value)
{
    assert_int_equal(socket_set_option(world.socket, option, &value, sizeof value), 0);
}

static inline int set_text(int option, const char *text)
{
    return socket_set_option(world.socket, option, text, strlen(text));
}

static inline void subscribe(int peer, const char *topic)
{
    world.socket->pattern->subscribe(world.socket, world.peer[peer], true, (const uint8_t *)topic,
                                     strlen(topic));
}

static inline void cancel(int peer, const char *topic)
{
    world.socket->pattern->subscribe(world.socket, world.peer[peer], false, (const uint8_t *)topic,
                                     strlen(topic));
}

static inline void close_peer(int peer)
{
    peer_close(world.peer[peer]);
    world.peer[peer] = NULL;
}

#endif
