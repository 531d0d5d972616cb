/* SPDX-License-Identifier: MIT */
/* Shortage: see shortage.h. One timer for a context. When it is due, all inputs that are held
 * though their inbox is empty go on, all outputs are flushed, and all who wait look again, devices
 * as well. What still finds no memory asks for another try. Nothing in here allocates. */
#include "core/shortage.h"

#include "core/socket.h"

enum { RETRY_MS = 10 };

static void retry_peer(struct peer *peer)
{
    if (peer->held && peer->link && buffer_is_empty(&peer->in)) {
        peer->held = false;
        peer->link->resume(peer);
    }
    if (!buffer_is_empty(&peer->out))
        peer_mark_dirty(peer);
}

static void on_due(struct timer *timer)
{
    struct ctx *ctx = (struct ctx *)((char *)timer - offsetof(struct ctx, shortage));
    struct socket *socket;
    struct peer *peer;
    LIST_FOREACH(socket, &ctx->sockets, all) {
        lane_close_all(socket);
        (void)stage_retry(socket);
        TAILQ_FOREACH(peer, &socket->peers, all) {
            retry_peer(peer);
        }
        socket_notify(socket, EVENT_IN | EVENT_OUT);
    }
}

int shortage_init(struct ctx *ctx)
{
    return timer_init(&ctx->shortage, &ctx->loop.poller);
}

bool shortage_is_felt(struct ctx *ctx)
{
    return timer_runs(&ctx->shortage);
}

void shortage_retry(struct ctx *ctx)
{
    if (!shortage_is_felt(ctx))
        timer_start(&ctx->shortage, on_due, RETRY_MS);
}
