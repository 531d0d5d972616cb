/* SPDX-License-Identifier: MIT */
/* A stream's life: see stream.h. Opened by a dialer or a listener, it shakes hands, gets its peer
 * and carries its traffic (stream_input.c, stream_output.c) until it breaks or is closed. Every
 * way to the end goes through finish(), which runs once. */
#include "transport/stream.h"

#include "base/check.h"
#include "core/sender.h"
#include "transport/inproc.h"
#include "transport/stream_old.h"
#include "wire/mechanism.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void stream_watch(struct stream *stream, uint32_t events)
{
    int rc = stream->state == STREAM_CLOSED ? 0 : fdwatch_set(&stream->watch, events);
    if (rc == 0)
        return;
    stream->error = -rc; /* the system has no memory for it */
    stream_fail(stream, LEAVE_CLOSED);
}

struct stream *stream_of_timer(struct timer *timer)
{
    return (struct stream *)((char *)timer - offsetof(struct stream, timer));
}

void stream_let_go(struct stream *stream)
{
    if (--stream->holds)
        return;
    options_unref(stream->options);
    free(stream);
}

void stream_lend(struct stream *stream, bool *doing)
{
    *doing = true;
    stream->lent_by = &stream->socket->ctx->loop;
    stream->holds++;
    loop_lend_lock(stream->lent_by);
}

bool stream_take_back(struct stream *stream, bool *doing)
{
    bool open;
    loop_take_lock_back(stream->lent_by);
    *doing = false;
    open = stream->state != STREAM_CLOSED;
    if (!open)
        close(stream->fd);
    else if (stream->broken)
        ctx_later(stream->socket->ctx, &stream->failing);
    stream->broken = false;
    stream_let_go(stream);
    return open;
}

/* The end: descriptor and memory go back, but for what those need who still work with it. */
static void finish(struct stream *stream)
{
    struct ctx *ctx = stream->socket->ctx;
    stream->state = STREAM_CLOSED;
    if (stream->failing.queued)
        TAILQ_REMOVE(&ctx->tasks, &stream->failing, line);
    fdwatch_term(&stream->watch);
    timer_term(&stream->timer);
    if (stream->io)
        stream->io->streams--;
    if (!stream->sending && !stream->reading)
        close(stream->fd); /* else stream_take_back() does it */
    free(stream->socks);
    free(stream->handshake);
    stream->handshake = NULL;
    free(stream->old);
    stream->old = NULL;
    stream_drop_input(stream);
    stream_let_go(stream);
}

/* Says that no more comes. What is unread would make the system cut the connection before the peer
 * has read. */
static void say_end(struct stream *stream)
{
    char unread[4096];
    int reads = 16;
    shutdown(stream->fd, SHUT_WR);
    while (reads-- && recv(stream->fd, unread, sizeof unread, MSG_DONTWAIT) > 0)
        continue;
}

void stream_close(struct stream *stream)
{
    if (stream->state == STREAM_CLOSED)
        return;
    if (stream->state == STREAM_TRAFFIC)
        say_end(stream);
    finish(stream);
}

static void run_failing(struct task *task)
{
    struct stream *stream = (struct stream *)((char *)task - offsetof(struct stream, failing));
    struct stream_owner *owner = stream->owner;
    struct peer *peer = stream->peer;
    if (stream->sending || stream->reading) {
        stream->broken = true; /* what has left must be booked first */
        return;
    }
    bool refused = stream->handshake && stream->handshake->session.error == SESSION_REFUSED;
    bool dismissed = peer && peer->dismissed;
    if (!dismissed)
        stream_tell_end(stream);
    if (stream->raw && peer && peer->ready)
        stream_notice(stream);
    if (dismissed)
        say_end(stream);
    if (peer)
        sender_remember(peer);
    stream->holds++;
    finish(stream);
    if (peer) {
        peer->why = stream->why;
        if (peer->owner)
            peer_lost(peer);
        else
            peer_close(peer);
    }
    if (owner)
        owner->closed(owner, stream, !refused && !dismissed);
    stream_let_go(stream);
}

void stream_fail(struct stream *stream, enum leave why)
{
    if (stream->state == STREAM_CLOSED || stream->failing.queued)
        return;
    stream->why = why;
    stream_watch(stream, 0);
    ctx_later(stream->socket->ctx, &stream->failing);
}

void stream_refuse(struct stream *stream, enum session_error error, const char *detail)
{
    struct sink *sink = stream->socket->sink;
    if (sink && sink->refused)
        sink->refused(sink, stream->address, detail ? detail : session_error_text(error));
    stream_fail(stream, LEAVE_PROTOCOL);
}

/* Sends what the session wants to say. A handshake is small: it fits the system's buffer, or the
 * peer is not worth waiting for. */
static void say(struct stream *stream)
{
    uint8_t octets[SESSION_OUTPUT_MAX];
    size_t size = session_output(&stream->handshake->session, octets);
    if (!size || send(stream->fd, octets, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size)
        return;
    stream->error = errno;
    stream_fail(stream, LEAVE_CLOSED);
}

/* The handshake is done, or there is none: the stream gets its peer. */
static void become_ready(struct stream *stream)
{
    struct stream_owner *owner = stream->owner;
    struct peer *peer = owner->ready(owner, stream);
    if (!peer) {
        stream_refuse(stream, SESSION_OK, "there is no memory for it");
        return;
    }
    stream->peer = peer;
    stream->state = STREAM_TRAFFIC;
    peer->far = stream;
    peer_unmark_dirty(peer);
    peer->link = &stream_link;
    peer->io = stream->io;
    int rc = stream->raw ? 0 : stream_meet(stream, &stream->handshake->session);
    if (stream->major >= 3)
        stream_tell(stream, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    free(stream->handshake);
    stream->handshake = NULL;
    timer_stop(&stream->timer);
    if (rc == 0 && stream->major == 1)
        rc = stream_old_begin(stream);
    if (rc == 0)
        rc = peer_ready(peer);
    if (rc < 0) {
        stream_refuse(stream, SESSION_OK,
                      rc == -EADDRINUSE ? "another peer has its routing id"
                      : rc == -EBUSY    ? "there is a peer already"
                                        : "there is no memory for it");
        return;
    }
    if (stream->raw)
        stream_notice(stream);
    else
        stream_heartbeat_start(stream);
    if (stream->old)
        stream_old_welcome(stream);
}

/* Octets came during the handshake. Returns how many it used. */
size_t stream_shake_hands(struct stream *stream, const uint8_t *data, size_t size)
{
    struct session *session = &stream->handshake->session;
    size_t used = session_input(session, data, size);
    say(stream);
    if (session->state == SESSION_FAILED) {
        stream_tell_failed(stream, session);
        stream_refuse(stream, session->error,
                      session->error == SESSION_REFUSED && session->peer_reason[0]
                          ? session->peer_reason
                          : NULL);
    } else if (session->state == SESSION_READY && !stream->failing.queued) {
        become_ready(stream);
    }
    return used;
}

static void on_handshake_too_long(struct timer *timer)
{
    struct stream *stream = stream_of_timer(timer);
    stream_tell(stream, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EAGAIN);
    stream_refuse(stream, SESSION_OK, "its handshake took too long");
}

/* Does the application want to decide who may come (27/ZAP)? */
static bool is_to_be_asked(const struct stream *stream)
{
    return stream->options->zap_domain.size &&
           inproc_is_bound(stream->socket->ctx, "zeromq.zap.01");
}

static void start_handshake(struct stream *stream)
{
    struct socket *socket = stream->socket;
    const struct options *options = stream->options;
    stream->state = STREAM_HANDSHAKE;
    if (is_to_be_asked(stream)) {
        stream_refuse(stream, SESSION_OK, "there is no way yet to ask the ZAP handler about it");
        return;
    }
    struct handshake *handshake = calloc(1, sizeof *handshake);
    stream->handshake = handshake;
    if (!handshake) {
        stream_fail(stream, LEAVE_CLOSED);
        return;
    }
    handshake->config = (struct session_config){.socket_type = socket->pattern->type,
                                                .routing_id = options->routing_id,
                                                .routing_id_size = options->routing_id_size,
                                                .mechanism = &mechanism_null};
    session_init(&handshake->session, &handshake->config);
    if (options->handshake_ivl_ms > 0)
        timer_start(&stream->timer, on_handshake_too_long, (uint64_t)options->handshake_ivl_ms);
    say(stream);
    stream_watch(stream, EPOLLIN);
}

void stream_begin(struct stream *stream)
{
    if (stream->socks) {
        stream_ask_proxy(stream);
        return;
    }
    stream->made = true;
    if (stream->owner->endpoint)
        stream_tell(stream, ZMQ_EVENT_CONNECTED, stream->fd);
    stream->raw = option_is_raw(stream->options);
    if (!stream->raw) {
        start_handshake(stream);
        return;
    }
    stream_watch(stream, EPOLLIN);
    become_ready(stream);
}

static void on_connected(struct stream *stream)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        stream_fail(stream, LEAVE_CLOSED);
    else
        stream_begin(stream);
}

/* The far end has closed while its input is held. What it still said goes to the inbox: no more
 * than the system had for us. If that may not be, the connection waits on and is not polled. */
static void take_last_words(struct stream *stream)
{
    stream_watch(stream, stream->watch.events & ~(uint32_t)EPOLLRDHUP);
    if (!peer_last_words(stream->peer))
        return;
    stream_resume(stream->peer);
    while (!stream->failing.queued && stream_read(stream))
        continue;
    stream_fail(stream, LEAVE_CLOSED);
}

/* The connection is broken. What it brought before that is still there to be read. */
static void on_broken(struct stream *stream)
{
    stream_watch(stream, 0);
    while (!stream->failing.queued) {
        if (stream->peer && stream->peer->held) {
            take_last_words(stream);
            return;
        }
        if (!stream_read(stream))
            break;
    }
    stream_fail(stream, LEAVE_CLOSED);
}

static void go_on(struct stream *stream, uint32_t events)
{
    if (stream->failing.queued)
        return;
    if (stream->state == STREAM_CONNECTING) {
        on_connected(stream);
        return;
    }
    if (events & EPOLLERR) {
        on_broken(stream);
        return;
    }
    if ((events & EPOLLOUT) && stream->peer) {
        stream->blocked = false;
        stream_watch(stream, stream->watch.events & ~(uint32_t)EPOLLOUT);
        ctx_flush(stream->peer);
    }
    if (stream->state == STREAM_CLOSED)
        return;
    if ((events & EPOLLIN) && !stream->failing.queued)
        stream_read(stream);
    else if ((events & EPOLLRDHUP) && stream->peer && stream->peer->held)
        take_last_words(stream);
}

static void on_ready(struct fdwatch *watch, uint32_t events)
{
    struct stream *stream = (struct stream *)((char *)watch - offsetof(struct stream, watch));
    stream->holds++;
    go_on(stream, events);
    stream_let_go(stream);
}

struct stream *stream_open(struct socket *socket, struct options *options, int fd,
                           struct stream_owner *owner)
{
    struct io_loop *io = io_loop_choose(socket->ctx, options->affinity);
    struct poller *poller = io ? &io->poller : &socket->ctx->loop.poller;
    struct stream *stream = calloc(1, sizeof *stream);
    bool has_timer = stream && timer_init(&stream->timer, poller) == 0;
    if (!has_timer || fdwatch_init(&stream->watch, poller, fd, on_ready) < 0) {
        if (has_timer)
            timer_term(&stream->timer);
        free(stream);
        close(fd);
        return NULL;
    }
    if (io)
        io->streams++;
    stream->holds = 1;
    stream->io = io;
    stream->fd = fd;
    stream->socket = socket;
    stream->options = options_ref(options);
    stream->owner = owner;
    stream->failing.run = run_failing;
    stream->why = LEAVE_CLOSED;
    stream->state = STREAM_CONNECTING;
    return stream;
}

void stream_start(struct stream *stream, bool connecting)
{
    if (connecting)
        stream_watch(stream, EPOLLOUT);
    else
        stream_begin(stream);
}
