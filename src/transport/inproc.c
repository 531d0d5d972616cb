/* SPDX-License-Identifier: MIT */
/* inproc: see inproc.h. Each name that is bound, or that somebody waits for, has an entry in the
 * context's map. Joining makes a second peer, and the two point at each other through `far`.
 * When either goes, the other goes too: there is no reconnecting within a process. */
#include "transport/inproc.h"

#include "base/check.h"
#include "core/shortage.h"
#include "core/twin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name {
    UT_hash_handle by_name;
    struct binding *binding; /* NULL while connects wait for it */
    TAILQ_HEAD(, connection) waiting;
    char text[];
};

struct binding {
    struct attachment attachment;
    struct socket *socket;
    struct options *options; /* frozen */
    struct name *name;
};

struct connection {
    struct attachment attachment;
    struct socket *socket;
    struct options *options; /* frozen */
    struct name *name;       /* while it waits, else NULL */
    TAILQ_ENTRY(connection) line;
};

/* NOLINTNEXTLINE(readability-function-size): uthash is macros */
static struct name *name_find(struct ctx *ctx, const char *text, bool make)
{
    struct name *map = ctx->inproc_names, *name;
    size_t size = strlen(text);
    HASH_FIND(by_name, map, text, size, name);
    if (name || !make || !(name = calloc(1, sizeof *name + size + 1)))
        return name;
    memcpy(name->text, text, size);
    TAILQ_INIT(&name->waiting);
    HASH_ADD_KEYPTR(by_name, map, name->text, size, name);
    ctx->inproc_names = map;
    if (name->by_name.tbl)
        return name;
    free(name);
    return NULL;
}

bool inproc_is_bound(const struct ctx *ctx, const char *text)
{
    struct name *map = ctx->inproc_names, *name;
    HASH_FIND(by_name, map, text, strlen(text), name);
    return name && name->binding;
}

static void name_drop_if_unused(struct ctx *ctx, struct name *name)
{
    struct name *map = ctx->inproc_names;
    if (name->binding || !TAILQ_EMPTY(&name->waiting))
        return;
    HASH_DELETE(by_name, map, name);
    ctx->inproc_names = map;
    free(name);
}

/* Hands on the first run of what waits. False when that must wait for memory. */
static bool hand_on(struct peer *peer, uint64_t *messages)
{
    struct run run;
    struct buffer large = {0};
    struct tally left = {0};
    if (buffer_front_run(&peer->out, &run, &large) < 0) {
        buffer_term(&large);
        shortage_retry(peer->socket->ctx);
        return false;
    }
    size_t taken = peer_deliver(peer->far, &run);
    if (run.large && taken) {
        left = run.tally;
        buffer_pop_messages(&peer->out, 1);
    } else {
        buffer_advance(&peer->out, taken, &left);
    }
    buffer_term(&large);
    effort_spend(&peer->socket->ctx->effort, 1, run.tally.parts);
    *messages -= left.messages < *messages ? left.messages : *messages;
    peer_sent(peer, &left);
    return true;
}

/* Hands on what waits, as far as the other end takes it: to a device, as far as the turn lasts. */
static void link_flush(struct peer *peer)
{
    const struct peer *other = peer->far;
    struct effort *effort = &peer->socket->ctx->effort;
    uint64_t messages = peer->out.tally.messages;
    bool relayed = other->socket->sink && other->socket->sink->deliver, goes_on = true;
    if (peer->flushing)
        return; /* a ring of devices has brought us here again */
    lane_close_output(peer->socket);
    messages = peer->out.tally.messages;
    if (relayed && !effort_enter(effort)) {
        peer_mark_dirty(peer);
        return;
    }
    peer->flushing = true;
    while (messages && !other->held && !buffer_is_empty(&peer->out) && goes_on)
        goes_on = hand_on(peer, &messages) && !(relayed && effort_is_over(effort));
    peer->flushing = false;
    if (relayed)
        effort_leave(effort);
    if (!other->held && !buffer_is_empty(&peer->out))
        peer_mark_dirty(peer); /* what has come meanwhile has its turn, too */
}

static void link_resume(struct peer *peer)
{
    struct peer *other = peer->far;
    peer_mark_dirty(other);
    loop_changed(&peer->socket->ctx->loop);
}

static int link_subscribe(struct peer *peer, bool add, const uint8_t *topic, size_t size)
{
    struct peer *other = peer->far;
    if (other->socket->pattern->subscribe && !other->socket->closed)
        other->socket->pattern->subscribe(other->socket, other, add, topic, size);
    return 0;
}

static void link_fail(struct peer *peer)
{
    (void)peer; /* what could not be queued was dropped whole; nothing is half sent */
}

/* One end goes, and takes the other with it. */
static void link_close(struct peer *peer)
{
    struct peer *other = peer->far;
    struct connection *connection = other->owner;
    other->link = NULL;
    twin_part(peer);
    if (other->why == LEAVE_CLOSED || other->why == peer->why)
        other->why = LEAVE_CLOSED;
    if (connection)
        connection->attachment.peer = NULL;
    peer_close(other);
}

static void link_describe(const struct peer *peer, char *text, size_t room)
{
    (void)peer;
    snprintf(text, room, "inproc");
}

static const struct link inproc_link = {
    .is_instant = true,
    .flush = link_flush,
    .resume = link_resume,
    .subscribe = link_subscribe,
    .fail = link_fail,
    .close = link_close,
    .describe = link_describe,
};

/* Each end knows the other by the routing id that it would announce. */
static int name_peer(struct peer *peer, const struct options *other)
{
    if (peer->id_size || !other->routing_id_size)
        return 0;
    return peer_set_id(peer, other->routing_id, other->routing_id_size);
}

/* There was no memory for joining them: the near one is as before, the far one goes. */
static void unjoin(struct connection *connection, struct peer *far)
{
    struct peer *near = connection->attachment.peer;
    near->link = far->link = NULL;
    near->far = NULL;
    twin_part(near);
    peer_set_marks(near, connection->options);
    peer_close(far);
}

/* 0 or -ENOMEM. One end that does not want the other, as a PAIR that has a peer, ends the
 * connection, and the application is told nothing, as in libzmq. */
static int join(struct connection *connection, const struct binding *binding)
{
    struct ctx *ctx = binding->socket->ctx;
    struct peer *near = connection->attachment.peer;
    if (!near)
        return 0;
    struct peer *far = peer_open(binding->socket, binding->options, NULL);
    if (!far)
        return -ENOMEM;
    near->far = far;
    far->far = near;
    near->link = far->link = &inproc_link;
    twin_join(near, far);
    int rc = name_peer(near, binding->options);
    if (rc == 0)
        rc = name_peer(far, connection->options);
    if (rc == 0)
        rc = peer_ready(far);
    if (rc == 0)
        rc = peer_ready(near);
    if (rc == -ENOMEM) {
        unjoin(connection, far);
        return rc;
    }
    if (rc < 0) {
        connection->attachment.peer = NULL;
        peer_close(near);
        return 0;
    }
    ctx_settle(ctx);
    return 0;
}

static void wait_for(struct connection *connection, struct name *name)
{
    connection->name = name;
    TAILQ_INSERT_TAIL(&name->waiting, connection, line);
}

static void binding_close(struct attachment *attachment)
{
    struct binding *binding = (struct binding *)attachment;
    struct ctx *ctx = binding->socket->ctx;
    binding->name->binding = NULL;
    name_drop_if_unused(ctx, binding->name);
    socket_remove_attachment(attachment);
    options_unref(binding->options);
    free(binding);
}

static void connection_close(struct attachment *attachment)
{
    struct connection *connection = (struct connection *)attachment;
    struct peer *peer = attachment->peer;
    if (connection->name) {
        TAILQ_REMOVE(&connection->name->waiting, connection, line);
        name_drop_if_unused(connection->socket->ctx, connection->name);
    }
    attachment->peer = NULL;
    if (peer) {
        peer->why = LEAVE_LOCAL;
        peer_close(peer);
    }
    socket_remove_attachment(attachment);
    options_unref(connection->options);
    free(connection);
}

int inproc_bind(struct socket *socket, const char *text, const char *endpoint)
{
    struct name *name = name_find(socket->ctx, text, true);
    if (!name)
        return -ENOMEM;
    if (name->binding)
        return -EADDRINUSE;
    struct binding *binding = calloc(1, sizeof *binding);
    if (binding)
        binding->options = socket_freeze(socket);
    if (!binding || !binding->options ||
        socket_add_attachment(socket, &binding->attachment, endpoint, true) < 0) {
        if (binding)
            options_unref(binding->options);
        free(binding);
        name_drop_if_unused(socket->ctx, name);
        return -ENOMEM;
    }
    binding->attachment.close = binding_close;
    binding->attachment.local = true;
    binding->socket = socket;
    binding->name = name;
    name->binding = binding;
    socket_set_last_endpoint(socket, &binding->attachment);
    socket->local = true;
    struct connection *connection;
    while (name->binding == binding && (connection = TAILQ_FIRST(&name->waiting))) {
        TAILQ_REMOVE(&name->waiting, connection, line);
        connection->name = NULL;
        if (join(connection, binding) < 0) {
            wait_for(connection, name);
            binding_close(&binding->attachment); /* those that are joined stay so */
            return -ENOMEM;
        }
    }
    return 0;
}

int inproc_connect(struct socket *socket, const char *text, const char *endpoint)
{
    struct name *name = name_find(socket->ctx, text, true);
    struct connection *connection = name ? calloc(1, sizeof *connection) : NULL;
    int rc = -ENOMEM;
    if (connection && (connection->options = socket_freeze(socket)))
        rc = socket_add_attachment(socket, &connection->attachment, endpoint, false);
    if (rc < 0) {
        if (connection)
            options_unref(connection->options);
        free(connection);
        if (name)
            name_drop_if_unused(socket->ctx, name);
        return rc;
    }
    connection->attachment.close = connection_close;
    connection->attachment.local = true;
    connection->socket = socket;
    connection->attachment.peer = peer_open(socket, connection->options, connection);
    if (!connection->attachment.peer) {
        connection_close(&connection->attachment);
        name_drop_if_unused(socket->ctx, name);
        return -ENOMEM;
    }
    socket->local = true;
    if (!name->binding) {
        wait_for(connection, name);
    } else if (join(connection, name->binding) < 0) {
        connection_close(&connection->attachment);
        return -ENOMEM;
    }
    socket_set_last_endpoint(socket, &connection->attachment);
    return 0;
}
