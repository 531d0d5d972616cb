/* SPDX-License-Identifier: MIT */
/* The stage: where messages of a burst wait until they are routed together. For sockets that choose
 * among several peers or copy to them, where a message cannot go right into a peer's buffer.
 *
 *      zmq_send ─ lane_put() ──>  [ routed | staged ┆ room ]  ── pattern->route(), as one run
 *
 * It is the socket's lane that sends (core/lane.h). It is opened in a burst, and only while the
 * loop's own thread comes by again and again to route what is there; if that finds nothing, it
 * closes it. Before anybody looks for what could be received, all that is staged is routed: so it
 * cannot be told from what was routed at once. */
#ifndef GREENMQ_CORE_STAGE_H
#define GREENMQ_CORE_STAGE_H

#include "base/list.h"
#include "base/run.h"

#include <stdbool.h>
#include <stdint.h>

struct chunk;
struct ctx;
struct socket;

struct stage {
    TAILQ_ENTRY(socket) line; /* among those of the context that are open */
    struct chunk *chunk;      /* kept for the next time; NULL: none */
    struct run rest;          /* for which there was no memory: it goes before all else */
    uint64_t sent_ns;         /* when a message was last sent the long way */
    uint64_t looks;           /* ctx->looks then */
    uint64_t passed;          /* messages, since it was opened */
    int burst;                /* messages in a row that were; below zero: it was not worth it */
    bool routing;
};

TAILQ_HEAD(stages, socket);

/* A message was sent the long way: opens the stage if that was one of a burst. */
void stage_open(struct socket *socket);

/* Routes what is there and closes it. */
void stage_close(struct socket *socket);

/* Routes what is there. */
void stage_route(struct socket *socket);

/* Routes what has found no memory before. False: it finds none again. */
bool stage_retry(struct socket *socket);

/* The socket is gone. */
void stage_term(struct socket *socket);

/* Routes what is there in all the sockets of a context. */
void stage_route_all(struct ctx *ctx);

/* By the loop's own thread: the same, and closes those in which nothing was. True while there are
 * others. */
bool stage_attend(struct ctx *ctx);

/* The calling thread is about to look what can be received, in any of the context's sockets. */
void stage_look(struct ctx *ctx);

#endif
