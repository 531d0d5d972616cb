/* SPDX-License-Identifier: MIT */
/* A stream that goes through a SOCKS5 proxy (ZMQ_SOCKS_PROXY): before anything else the proxy is
 * asked to go on to the target (wire/socks.c). Nothing is read that is meant for what follows. A
 * proxy that refuses, errs or says nothing breaks the connection; the dialer tries again. */
#include "transport/stream.h"

#include "transport/endpoint.h"
#include "wire/socks.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct socks_text text_of(const struct option_value *value)
{
    return (struct socks_text){value->data, value->size};
}

int stream_through_proxy(struct stream *stream, const struct endpoint_host *target)
{
    const struct options *options = stream->options;
    struct socks_text host = {target->name, strlen(target->name)};
    enum socks_host type = SOCKS_NAME;
    if (target->kind == HOST_NUMERIC && target->address.any.sa_family == AF_INET6) {
        type = SOCKS_IPV6;
        host = (struct socks_text){&target->address.v6.sin6_addr, 16};
    } else if (target->kind == HOST_NUMERIC) {
        type = SOCKS_IPV4;
        host = (struct socks_text){&target->address.v4.sin_addr, 4};
    }
    stream->socks = malloc(sizeof *stream->socks);
    if (!stream->socks)
        return -ENOMEM;
    socks_init(stream->socks, type, host, target->port, text_of(&options->socks_username),
               text_of(&options->socks_password));
    return 0;
}

/* What is said to a proxy is small: it fits the system's buffer. */
static void say(struct stream *stream)
{
    uint8_t octets[SOCKS_OUTPUT_MAX];
    size_t size = socks_output(stream->socks, octets);
    if (size && send(stream->fd, octets, size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size)
        stream_fail(stream, LEAVE_CLOSED);
}

static void on_too_long(struct timer *timer)
{
    stream_refuse(stream_of_timer(timer), SESSION_OK, "the proxy took too long");
}

void stream_ask_proxy(struct stream *stream)
{
    int limit_ms = stream->options->handshake_ivl_ms;
    stream->state = STREAM_PROXY;
    if (limit_ms > 0)
        timer_start(&stream->timer, on_too_long, (uint64_t)limit_ms);
    say(stream);
    stream_watch(stream, EPOLLIN);
}

bool stream_read_proxy(struct stream *stream)
{
    struct socks *socks = stream->socks;
    size_t size;
    uint8_t *room = socks_room(socks, &size);
    ssize_t n = recv(stream->fd, room, size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        stream_fail(stream, LEAVE_CLOSED);
        return false;
    }
    socks_input(socks, (size_t)n);
    say(stream);
    if (socks->state == SOCKS_FAILED) {
        stream_refuse(stream, SESSION_OK, socks->error);
    } else if (socks->state == SOCKS_READY && !stream->failing.queued) {
        free(socks);
        stream->socks = NULL;
        timer_stop(&stream->timer);
        stream_begin(stream);
    }
    return true;
}
