/* SPDX-License-Identifier: MIT */
/* The life of a socket: see socket.h.
 *
 *      open ──> closed by the application, lingers while output waits ──> gone
 *
 * socket_maybe_finish() is where every way to the end comes by: the last output has left, the
 * last peer is gone, linger is over, the last thread has returned from a wait. */
#include "core/socket.h"

#include "base/check.h"
#include "base/fork.h"
#include "core/gather.h"
#include "core/lamp.h"
#include "core/monitor.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>

static pthread_mutex_t free_lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(free_lock)
static LIST_HEAD(, socket) free_sockets = LIST_HEAD_INITIALIZER(free_sockets);

static struct socket *take_free(void)
{
    pthread_mutex_lock(&free_lock);
    struct socket *socket = LIST_FIRST(&free_sockets);
    if (socket)
        LIST_REMOVE(socket, all);
    pthread_mutex_unlock(&free_lock);
    return socket ? socket : calloc(1, sizeof *socket);
}

static void give_back(struct socket *socket)
{
    pthread_mutex_lock(&free_lock);
    LIST_INSERT_HEAD(&free_sockets, socket, all);
    pthread_mutex_unlock(&free_lock);
}

static void run_finish(struct task *task)
{
    struct socket *socket = (struct socket *)((char *)task - offsetof(struct socket, finish));
    socket_maybe_finish(socket);
}

int socket_open(struct ctx *ctx, const struct pattern *pattern, struct socket **made)
{
    if (ctx->shutting_down)
        return -ETERM;
    if (ctx->open_sockets >= (unsigned)ctx->max_sockets)
        return -EMFILE;
    int rc = ctx_start(ctx);
    if (rc < 0)
        return rc;
    struct socket *socket = take_free();
    if (!socket)
        return -ENOMEM;
    size_t from = offsetof(struct socket, ctx), to = offsetof(struct socket, out_lane);
    memset((char *)socket + from, 0, to - from); /* somebody may still look at a lane */
    atomic_store(&socket->home, ctx);
    socket->ctx = ctx;
    socket->pattern = pattern;
    socket->out_bytes_max = UINT64_MAX;
    socket->finish.run = run_finish;
    options_init(&socket->options, pattern->type);
    socket->options.ipv6 = ctx->ipv6;
    if (!ctx->blocky)
        socket->options.linger_ms = 0;
    TAILQ_INIT(&socket->peers);
    TAILQ_INIT(&socket->departed);
    TAILQ_INIT(&socket->watches);
    LIST_INIT(&socket->attachments);
    LIST_INIT(&socket->feeders);
    lineup_init(&socket->lineup);
    rc = timer_init(&socket->linger, &ctx->loop.poller);
    if (rc == 0 && pattern->open && (rc = pattern->open(socket)) < 0)
        timer_term(&socket->linger);
    if (rc < 0) {
        options_term(&socket->options);
        give_back(socket);
        return rc;
    }
    LIST_INSERT_HEAD(&ctx->sockets, socket, all);
    ctx->open_sockets++;
    atomic_store(&socket->magic, SOCKET_MAGIC);
    *made = socket;
    return 0;
}

int socket_add_attachment(struct socket *socket, struct attachment *attachment,
                          const char *endpoint, bool bound)
{
    attachment->endpoint = strdup(endpoint);
    attachment->last = strdup(endpoint);
    if (!attachment->endpoint || !attachment->last) {
        free(attachment->endpoint);
        free(attachment->last);
        return -ENOMEM;
    }
    attachment->bound = bound;
    LIST_INSERT_HEAD(&socket->attachments, attachment, line);
    return 0;
}

void socket_remove_attachment(struct attachment *attachment)
{
    LIST_REMOVE(attachment, line);
    free(attachment->endpoint);
    free(attachment->last);
    attachment->endpoint = attachment->last = NULL;
}

void socket_set_last_endpoint(struct socket *socket, struct attachment *attachment)
{
    free(socket->last_endpoint);
    socket->last_endpoint = attachment->last;
    attachment->last = NULL;
}

/* Something is in its output that may still leave. What nobody has bound by the end of the context
 * nobody will. */
static bool has_output(const struct attachment *attachment)
{
    const struct peer *peer = attachment->peer;
    if (!peer || buffer_is_empty(&peer->out))
        return false;
    return peer->link || !attachment->local || !peer->socket->ctx->shutting_down;
}

/* Nothing waits in its output any more, or nothing may: it goes. Of an open socket only those go
 * that the application has disconnected or unbound. */
static void close_peers(struct socket *socket, bool all)
{
    struct attachment *attachment, *next_attachment;
    LIST_FOREACH_SAFE(attachment, &socket->attachments, line, next_attachment) {
        if ((socket->closed || attachment->ended) && (all || !has_output(attachment)))
            attachment->close(attachment);
    }
    struct peer *peer, *next;
    TAILQ_FOREACH_SAFE(peer, &socket->peers, all, next) {
        if ((socket->closed || peer->unbound) &&
            (all || (!peer->owner && buffer_is_empty(&peer->out)))) {
            peer->why = LEAVE_LOCAL;
            peer_close(peer);
        }
    }
}

static void close_ended(struct socket *socket)
{
    struct attachment *attachment, *next;
    LIST_FOREACH_SAFE(attachment, &socket->attachments, line, next) {
        if (attachment->ended)
            attachment->close(attachment);
    }
    struct peer *peer, *next_peer;
    TAILQ_FOREACH_SAFE(peer, &socket->peers, all, next_peer) {
        if (peer->unbound) {
            peer->why = LEAVE_LOCAL;
            peer_close(peer);
        }
    }
}

static void on_linger_over(struct timer *timer)
{
    struct socket *socket = (struct socket *)((char *)timer - offsetof(struct socket, linger));
    if (socket->options.linger_ms >= 0)
        close_peers(socket, true);
    else
        close_ended(socket); /* it ran for them; the socket was closed with an endless time */
    ctx_later(socket->ctx, &socket->finish);
}

static void start_linger(struct socket *socket)
{
    if (socket->options.linger_ms >= 0)
        timer_start(&socket->linger, on_linger_over, (uint64_t)socket->options.linger_ms);
}

/* Those who came by a bind go with it, as soon as what was queued for them has left. */
static void end_accepted(struct socket *socket, const struct attachment *attachment)
{
    struct peer *peer;
    TAILQ_FOREACH(peer, &socket->peers, all) {
        if (peer->origin != attachment)
            continue;
        peer->origin = NULL;
        peer->unbound = true;
        if (peer->link)
            peer->link->flush(peer);
        peer_retire(peer);
    }
    close_peers(socket, socket->options.linger_ms == 0);
    TAILQ_FOREACH(peer, &socket->peers, all) {
        if (peer->unbound) {
            start_linger(socket);
            return;
        }
    }
}

void socket_end_attachment(struct socket *socket, struct attachment *attachment)
{
    struct peer *peer = attachment->peer;
    if (attachment->bound)
        end_accepted(socket, attachment);
    if (peer)
        peer_ignore(peer);
    if (peer && peer->link && peer->ready)
        peer->link->flush(peer);
    if (!peer || !peer->out.tally.messages || socket->options.linger_ms == 0) {
        attachment->close(attachment);
        return;
    }
    attachment->ended = true;
    peer_retire(peer);
    if (peer->twin)
        peer_retire(peer->twin); /* what it sent would go nowhere */
    start_linger(socket);
}

static void drop_inboxes(struct socket *socket)
{
    struct peer *peer;
    socket->reading = NULL;
    socket->reading_peer = NULL;
    while ((peer = TAILQ_FIRST(&socket->departed))) {
        buffer_term(&peer->in);
        peer_reap(peer);
    }
    TAILQ_FOREACH(peer, &socket->peers, all) {
        lineup_remove_ready(&socket->lineup, peer);
        buffer_term(&peer->in);
    }
}

/* It is closed to the application: nothing comes in any more. */
static void shut(struct socket *socket)
{
    struct attachment *attachment, *next;
    atomic_store(&socket->magic, 0);
    if (socket->sink)
        socket->sink->closing(socket->sink);
    socket->closed = true;
    socket->ctx->open_sockets--;
    socket_notify(socket, EVENT_IN | EVENT_OUT);
    lamp_close(socket);
    drop_inboxes(socket);
    LIST_FOREACH_SAFE(attachment, &socket->attachments, line, next) {
        if (attachment->bound)
            attachment->close(attachment);
    }
}

void socket_close(struct socket *socket)
{
    struct ctx *ctx = socket->ctx;
    socket->users++; /* it must not end before we are through */
    (void)stage_retry(socket);
    shut(socket);
    ctx_settle(ctx);
    close_peers(socket, socket->options.linger_ms == 0);
    if (!TAILQ_EMPTY(&socket->peers))
        start_linger(socket);
    socket->users--;
    ctx_later(ctx, &socket->finish);
}

void socket_dismiss(struct socket *socket)
{
    socket->options.linger_ms = -1;
    shut(socket);
    ctx_later(socket->ctx, &socket->finish);
}

static void destroy(struct socket *socket)
{
    struct ctx *ctx = socket->ctx;
    monitor_stop(socket);
    LIST_REMOVE(socket, all);
    if (socket->finish.queued)
        TAILQ_REMOVE(&ctx->tasks, &socket->finish, line);
    stage_term(socket);
    gather_term(socket);
    if (socket->pattern->close)
        socket->pattern->close(socket);
    timer_term(&socket->linger);
    buffer_term(&socket->lead);
    buffer_term(&socket->notes);
    buffer_term(&socket->building);
    free(socket->last_endpoint);
    free(socket->connect_id);
    options_unref(socket->frozen);
    options_term(&socket->options);
    give_back(socket);
    ctx_socket_gone(ctx);
}

void socket_maybe_finish(struct socket *socket)
{
    close_peers(socket, false);
    if (!socket->closed || !TAILQ_EMPTY(&socket->peers) || !LIST_EMPTY(&socket->attachments) ||
        socket->users)
        return;
    destroy(socket);
}
