/* SPDX-License-Identifier: MIT */
/* Listeners: see listener.h. Connections are accepted a few at a time. When descriptors or memory
 * run out, or those who have gone leave too much that nobody has received, accepting rests for a
 * moment rather than spin; those who wait stay in the backlog.
 * A path of ipc is taken over if nobody answers on it, and removed at the end. */
#include "transport/listener.h"

#include "base/fd.h"
#include "base/random.h"
#include "core/lamp.h"
#include "core/monitor.h"
#include "loop/timer.h"
#include "transport/descriptor.h"
#include "transport/stream.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ACCEPTS_MAX = 64, REST_MS = 100, NAME_TRIES = 16 };

struct listener {
    struct attachment attachment;
    struct stream_owner owner; /* of the streams that shake hands */
    struct socket *socket;
    struct options *options; /* frozen */
    struct fdwatch watch;
    struct timer rest;
    int fd;
    int made; /* the last descriptor that was tried, -1 for none */
    TAILQ_HEAD(, stream) handshakes;
    char path[ENDPOINT_PATH_MAX + 1]; /* ipc: to be removed, or empty */
    bool is_path_ours;                /* we have made it up */
};

static void tell(const struct listener *listener, unsigned event, int value)
{
    monitor_tell(listener->socket, event, (uint32_t)value, listener->attachment.endpoint);
}

static struct peer *on_ready(struct stream_owner *owner, struct stream *stream)
{
    struct listener *listener = (struct listener *)((char *)owner -
                                                    offsetof(struct listener, owner));
    TAILQ_REMOVE(&listener->handshakes, stream, line);
    stream->owner = NULL;
    struct peer *peer = peer_open(listener->socket, listener->options, NULL);
    if (peer)
        peer->origin = &listener->attachment;
    return peer;
}

static void on_closed(struct stream_owner *owner, struct stream *stream, bool retry)
{
    struct listener *listener = (struct listener *)((char *)owner -
                                                    offsetof(struct listener, owner));
    (void)retry;
    TAILQ_REMOVE(&listener->handshakes, stream, line);
}

static void rest(struct listener *listener);

static void on_rested(struct timer *timer)
{
    struct listener *listener = (struct listener *)((char *)timer -
                                                    offsetof(struct listener, rest));
    if (peer_departed_fill(listener->socket) || fdwatch_set(&listener->watch, EPOLLIN) < 0)
        rest(listener);
}

static void rest(struct listener *listener)
{
    fdwatch_set(&listener->watch, 0);
    timer_start(&listener->rest, on_rested, REST_MS);
}

static void on_acceptable(struct fdwatch *watch, uint32_t events)
{
    struct listener *listener = (struct listener *)((char *)watch -
                                                    offsetof(struct listener, watch));
    (void)events;
    if (peer_departed_fill(listener->socket)) {
        rest(listener);
        return;
    }
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = descriptor_accept(listener->options, listener->fd);
        if (fd == -EAGAIN)
            return;
        if (fd < 0)
            tell(listener, ZMQ_EVENT_ACCEPT_FAILED, -fd);
        if (fd == -EINTR || fd == -ECONNABORTED)
            continue;
        if (fd < 0) {
            lamp_forget_old(listener->socket->ctx); /* descriptors may be short */
            rest(listener);
            return;
        }
        struct stream *stream = stream_open(listener->socket, listener->options, fd,
                                            &listener->owner);
        if (!stream) {
            rest(listener);
            return;
        }
        stream_tell(stream, ZMQ_EVENT_ACCEPTED, fd);
        descriptor_describe(fd, stream->address, sizeof stream->address);
        TAILQ_INSERT_TAIL(&listener->handshakes, stream, line);
        stream_start(stream, false);
    }
}

/* 0, or the errno when a path that only we know is gone. */
static int remove_path(struct listener *listener)
{
    if (!listener->path[0] || unlink(listener->path) == 0)
        return 0;
    return listener->is_path_ours ? errno : 0;
}

static void listener_close(struct attachment *attachment)
{
    struct listener *listener = (struct listener *)attachment;
    struct stream *stream;
    while ((stream = TAILQ_FIRST(&listener->handshakes))) {
        TAILQ_REMOVE(&listener->handshakes, stream, line);
        stream_close(stream);
    }
    fdwatch_term(&listener->watch);
    timer_term(&listener->rest);
    close(listener->fd);
    int error = remove_path(listener);
    tell(listener, error ? ZMQ_EVENT_CLOSE_FAILED : ZMQ_EVENT_CLOSED, error ? error : listener->fd);
    socket_remove_attachment(attachment);
    options_unref(listener->options);
    free(listener);
}

/* Is a file in the way that belongs to nobody any more? */
static bool is_stale(const struct sockaddr_un *address, socklen_t size)
{
    struct stat info;
    if (stat(address->sun_path, &info) < 0 || !S_ISSOCK(info.st_mode))
        return false;
    int fd = fd_lift(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0)
        return false;
    bool stale = connect(fd, (const struct sockaddr *)address, size) < 0 && errno == ECONNREFUSED;
    close(fd);
    return stale;
}

/* Binds a path in the folder for such things that nobody has. */
static int listen_anywhere(struct listener *listener, struct endpoint *endpoint)
{
    const char *folder = getenv("TMPDIR");
    int fd = -EADDRINUSE;
    for (int tries = 0; fd == -EADDRINUSE && tries < NAME_TRIES; tries++) {
        struct sockaddr_un address;
        uint64_t random = 0;
        random_fill(&random, sizeof random);
        snprintf(endpoint->name, sizeof endpoint->name, "%.80s/greenmq-%016" PRIx64,
                 folder && *folder ? folder : "/tmp", random);
        socklen_t size = endpoint_unix(endpoint, &address);
        fd = descriptor_listen(listener->options, (struct sockaddr *)&address, size,
                               &listener->made);
    }
    return fd;
}

static int listen_ipc(struct listener *listener, const struct endpoint *endpoint)
{
    struct endpoint own = *endpoint;
    struct sockaddr_un address;
    int fd;
    if (endpoint->is_wildcard) {
        own.is_wildcard = false;
        listener->is_path_ours = true;
        fd = listen_anywhere(listener, &own);
    } else {
        socklen_t size = endpoint_unix(&own, &address);
        if (!own.is_abstract && is_stale(&address, size))
            unlink(own.name);
        fd = descriptor_listen(listener->options, (struct sockaddr *)&address, size,
                               &listener->made);
    }
    if (fd >= 0 && !own.is_abstract)
        snprintf(listener->path, sizeof listener->path, "%s", own.name);
    return fd;
}

static int listen_tcp(struct listener *listener, const struct endpoint *endpoint)
{
    const struct options *options = listener->options;
    union endpoint_address address;
    int rc = endpoint_local(&endpoint->host, options->ipv6, &address);
    if (rc < 0)
        return rc;
    socklen_t size = address.any.sa_family == AF_INET6 ? sizeof address.v6 : sizeof address.v4;
    int fd = descriptor_listen(options, &address.any, size, &listener->made);
    if (fd != -EAFNOSUPPORT || address.any.sa_family != AF_INET6)
        return fd;
    rc = endpoint_local(&endpoint->host, false, &address); /* a system without IPv6 */
    return rc < 0 ? rc
                  : descriptor_listen(options, &address.any, sizeof address.v4, &listener->made);
}

static int start(struct listener *listener)
{
    struct poller *poller = &listener->socket->ctx->loop.poller;
    int rc = timer_init(&listener->rest, poller);
    if (rc < 0)
        return rc;
    rc = fdwatch_init(&listener->watch, poller, listener->fd, on_acceptable);
    if (rc == 0 && (rc = fdwatch_set(&listener->watch, EPOLLIN)) < 0)
        fdwatch_term(&listener->watch);
    if (rc < 0)
        timer_term(&listener->rest);
    return rc == -EEXIST ? -EADDRINUSE : rc; /* one of the application's, bound twice */
}

/* The endpoint as it is really bound. */
static int bound_text(const struct listener *listener, char *text, size_t room)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(listener->fd, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    return endpoint_format_address((struct sockaddr *)&address, size, text, room);
}

/* As libzmq has it: the text is known before the attempt only of ipc. */
static void tell_closed(const struct listener *listener, const struct endpoint *endpoint)
{
    char text[ENDPOINT_TEXT_MAX];
    if (listener->made < 0 || endpoint->transport != ENDPOINT_IPC ||
        endpoint_format(endpoint, text, sizeof text) < 0)
        text[0] = '\0';
    if (listener->made >= 0)
        monitor_tell(listener->socket, ZMQ_EVENT_CLOSED, (uint32_t)listener->made, text);
}

int listener_open(struct socket *socket, const struct endpoint *endpoint)
{
    char text[ENDPOINT_TEXT_MAX];
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return -ENOMEM;
    listener->socket = socket;
    listener->made = -1;
    listener->attachment.close = listener_close;
    listener->owner = (struct stream_owner){.ready = on_ready, .closed = on_closed};
    TAILQ_INIT(&listener->handshakes);
    listener->options = socket_freeze(socket);
    if (!listener->options) {
        free(listener);
        return -ENOMEM;
    }
    bool adopted = listener->options->use_fd >= 0;
    int fd = adopted                               ? descriptor_adopt(listener->options->use_fd)
             : endpoint->transport == ENDPOINT_TCP ? listen_tcp(listener, endpoint)
                                                   : listen_ipc(listener, endpoint);
    listener->fd = fd;
    int rc = fd < 0 ? fd : bound_text(listener, text, sizeof text);
    if (rc == 0)
        rc = socket_add_attachment(socket, &listener->attachment, text, true);
    if (rc == 0 && (rc = start(listener)) < 0)
        socket_remove_attachment(&listener->attachment);
    if (rc < 0) {
        if (fd >= 0 && !adopted) /* that is still the application's */
            close(fd);
        remove_path(listener);
        tell_closed(listener, endpoint);
        options_unref(listener->options);
        free(listener);
        return rc;
    }
    socket_set_last_endpoint(socket, &listener->attachment);
    tell(listener, ZMQ_EVENT_LISTENING, fd);
    return 0;
}
