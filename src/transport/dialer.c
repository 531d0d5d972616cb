/* SPDX-License-Identifier: MIT */
/* Dialers: see dialer.h.
 *
 *      RESOLVING ──> DIALING ──> (stream: handshake, traffic)
 *          ^            │                     │
 *          └── WAITING <┴──── lost, refused ──┘
 *
 * All addresses of a name are tried in turn. After the last, it waits: ZMQ_RECONNECT_IVL, doubling
 * up to ZMQ_RECONNECT_IVL_MAX if that is set, and up to one ZMQ_RECONNECT_IVL more by chance, so
 * that many clients of a broker that restarts do not come all at once.
 *
 * Where no connection shall follow one that was made, the dialer ends with it, and its peer too:
 * without ZMQ_RECONNECT_IVL, or when the far end refuses us. As in libzmq an attempt that reaches
 * nobody ends nothing, and the endpoint of a peer that was sent away stays until disconnect. */
#include "transport/dialer.h"

#include "base/random.h"
#include "core/monitor.h"
#include "loop/timer.h"
#include "transport/descriptor.h"
#include "transport/stream.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dialer {
    struct attachment attachment;
    struct stream_owner owner;
    struct socket *socket;
    struct options *options; /* frozen */
    struct endpoint endpoint;
    struct endpoint_host proxy; /* to be dialed instead; HOST_NONE for none */
    char *proxy_text;           /* and its endpoint, for the monitor; NULL for none */
    struct stream *stream;      /* while there is a connection, or half of one */
    struct addrinfo *addresses; /* of a name */
    struct addrinfo *next;      /* to be tried */
    struct lookup *lookup;      /* of that name, or NULL */
    struct timer timer;
    unsigned delay_ms; /* the last one, of a back-off */
};

static void dial(struct dialer *dialer);
static void start(struct dialer *dialer);

static void forget_addresses(struct dialer *dialer)
{
    if (dialer->addresses)
        freeaddrinfo(dialer->addresses);
    dialer->addresses = dialer->next = NULL;
}

static struct dialer *of_timer(struct timer *timer)
{
    return (struct dialer *)((char *)timer - offsetof(struct dialer, timer));
}

static void on_waited(struct timer *timer)
{
    start(of_timer(timer));
}

static void tell(const struct dialer *dialer, unsigned event, int value)
{
    monitor_tell(dialer->socket, event, (uint32_t)value, dialer->owner.endpoint);
}

static unsigned some_of(unsigned ms)
{
    uint32_t random = 0;
    random_fill(&random, sizeof random);
    return ms ? random % ms : 0;
}

static void wait_and_retry(struct dialer *dialer)
{
    const struct options *options = dialer->options;
    if (options->reconnect_ivl_ms <= 0)
        return;
    unsigned delay = (unsigned)options->reconnect_ivl_ms;
    unsigned max = (unsigned)options->reconnect_ivl_max_ms;
    if (max > delay && dialer->delay_ms)
        delay = dialer->delay_ms * 2 < max ? dialer->delay_ms * 2 : max;
    dialer->delay_ms = delay;
    delay += some_of((unsigned)options->reconnect_ivl_ms);
    timer_start(&dialer->timer, on_waited, delay);
    tell(dialer, ZMQ_EVENT_CONNECT_RETRIED, (int)delay);
}

static void end(struct dialer *dialer, enum leave why)
{
    struct peer *peer = dialer->attachment.peer;
    if (dialer->stream && !dialer->stream->peer)
        stream_close(dialer->stream); /* a peer closes its own */
    dialer->stream = NULL;
    dialer->attachment.peer = NULL;
    if (peer) {
        peer->why = why;
        peer_close(peer);
    }
    socket_remove_attachment(&dialer->attachment);
    if (dialer->lookup)
        lookup_cancel(dialer->lookup);
    timer_term(&dialer->timer);
    forget_addresses(dialer);
    options_unref(dialer->options);
    free(dialer->proxy_text);
    free(dialer);
}

static void dialer_close(struct attachment *attachment)
{
    end((struct dialer *)attachment, LEAVE_LOCAL);
}

static struct dialer *of_owner(struct stream_owner *owner)
{
    return (struct dialer *)((char *)owner - offsetof(struct dialer, owner));
}

static struct peer *on_ready(struct stream_owner *owner, struct stream *stream)
{
    struct dialer *dialer = of_owner(owner);
    (void)stream;
    timer_stop(&dialer->timer);
    dialer->delay_ms = 0;
    return dialer->attachment.peer;
}

static void on_closed(struct stream_owner *owner, struct stream *stream, bool retry)
{
    struct dialer *dialer = of_owner(owner);
    const struct peer *peer = stream->peer;
    bool was_dialing = !peer, sent_away = peer && peer->dismissed;
    bool was_last = !retry || (stream->made && dialer->options->reconnect_ivl_ms <= 0);
    dialer->stream = NULL;
    timer_stop(&dialer->timer);
    if (was_dialing && dialer->next)
        dial(dialer);
    else if (was_last && !sent_away)
        end(dialer, stream->why);
    else if (retry)
        wait_and_retry(dialer);
}

static void on_connect_timeout(struct timer *timer)
{
    struct dialer *dialer = of_timer(timer);
    if (dialer->stream && dialer->stream->state == STREAM_CONNECTING)
        stream_fail(dialer->stream, LEAVE_TIMEOUT);
}

static bool is_proxied(const struct dialer *dialer)
{
    return dialer->proxy.kind != HOST_NONE;
}

/* Connects to one address. False when that fails at once. */
static bool connect_to(struct dialer *dialer, const struct sockaddr *address, socklen_t size)
{
    const struct options *options = dialer->options;
    const struct endpoint_host *from = &dialer->endpoint.source;
    union endpoint_address source;
    socklen_t source_size = 0;
    bool connecting = false;
    if (dialer->endpoint.transport == ENDPOINT_TCP && from->kind != HOST_NONE) {
        if (endpoint_local(from, address->sa_family == AF_INET6, &source) < 0)
            return false;
        source_size = source.any.sa_family == AF_INET6 ? sizeof source.v6 : sizeof source.v4;
    }
    int made;
    int fd = descriptor_connect(options, address, size, source_size ? &source.any : NULL,
                                source_size, &connecting, &made);
    if (fd < 0) {
        if (made >= 0)
            tell(dialer, ZMQ_EVENT_CLOSED, made);
        return false;
    }
    if (connecting)
        tell(dialer, ZMQ_EVENT_CONNECT_DELAYED, EINPROGRESS);
    dialer->stream = stream_open(dialer->socket, dialer->options, fd, &dialer->owner);
    if (!dialer->stream)
        return false;
    if (is_proxied(dialer) && stream_through_proxy(dialer->stream, &dialer->endpoint.host) < 0) {
        stream_close(dialer->stream);
        dialer->stream = NULL;
        return false;
    }
    snprintf(dialer->stream->address, sizeof dialer->stream->address, "%.63s",
             dialer->attachment.endpoint);
    stream_start(dialer->stream, connecting);
    if (connecting && options->connect_timeout_ms > 0)
        timer_start(&dialer->timer, on_connect_timeout, (uint64_t)options->connect_timeout_ms);
    return true;
}

/* Tries the addresses that are left of a name. */
static void dial(struct dialer *dialer)
{
    while (dialer->next) {
        struct addrinfo *info = dialer->next;
        dialer->next = info->ai_next;
        if (connect_to(dialer, info->ai_addr, info->ai_addrlen))
            return;
    }
    wait_and_retry(dialer);
}

static void on_resolved(void *owner, struct addrinfo *addresses)
{
    struct dialer *dialer = owner;
    dialer->lookup = NULL;
    dialer->addresses = dialer->next = addresses;
    dial(dialer);
}

static void resolve(struct dialer *dialer, const struct endpoint_host *host)
{
    forget_addresses(dialer);
    dialer->lookup = resolver_start(&dialer->socket->ctx->loop.resolver, host->name, host->port,
                                    dialer->options->ipv6 ? AF_UNSPEC : AF_INET, on_resolved,
                                    dialer);
    if (!dialer->lookup)
        wait_and_retry(dialer);
}

static void start(struct dialer *dialer)
{
    const struct endpoint *endpoint = &dialer->endpoint;
    const struct endpoint_host *host = is_proxied(dialer) ? &dialer->proxy : &endpoint->host;
    bool begun;
    if (endpoint->transport == ENDPOINT_IPC) {
        struct sockaddr_un address;
        socklen_t size = endpoint_unix(endpoint, &address);
        begun = connect_to(dialer, (struct sockaddr *)&address, size);
    } else if (host->kind == HOST_NUMERIC) {
        union endpoint_address address = host->address;
        bool reachable = dialer->options->ipv6 || endpoint_local(host, false, &address) == 0;
        socklen_t size = address.any.sa_family == AF_INET6 ? sizeof address.v6 : sizeof address.v4;
        begun = reachable && connect_to(dialer, &address.any, size);
    } else {
        resolve(dialer, host);
        return;
    }
    if (!begun)
        wait_and_retry(dialer);
}

/* Takes ZMQ_SOCKS_PROXY over, HOST:PORT or SOURCE;HOST:PORT. False when that is nothing to be
 * dialed; as in libzmq the connection is then never made. */
static bool find_proxy(struct dialer *dialer)
{
    const char *proxy = dialer->options->socks_proxy.data;
    char text[ENDPOINT_TEXT_MAX];
    struct endpoint endpoint;
    if (!proxy || dialer->endpoint.transport != ENDPOINT_TCP)
        return true;
    int size = snprintf(text, sizeof text, "tcp://%s", proxy);
    if (size >= (int)sizeof text || endpoint_parse(&endpoint, text, false) < 0)
        return false;
    dialer->proxy = endpoint.host;
    if (endpoint.source.kind != HOST_NONE)
        dialer->endpoint.source = endpoint.source;
    dialer->proxy_text = strdup(text);
    if (dialer->proxy_text)
        dialer->owner.endpoint = dialer->proxy_text;
    return true;
}

int dialer_open(struct socket *socket, const struct endpoint *endpoint, const char *text)
{
    struct dialer *dialer = calloc(1, sizeof *dialer);
    if (!dialer)
        return -ENOMEM;
    dialer->socket = socket;
    dialer->endpoint = *endpoint;
    dialer->attachment.close = dialer_close;
    dialer->owner = (struct stream_owner){.ready = on_ready, .closed = on_closed};
    dialer->options = socket_freeze(socket);
    int rc = dialer->options ? timer_init(&dialer->timer, &socket->ctx->loop.poller) : -ENOMEM;
    bool has_timer = rc == 0;
    if (rc == 0)
        rc = socket_add_attachment(socket, &dialer->attachment, text, false);
    if (rc == 0 && !(dialer->attachment.peer = peer_open(socket, dialer->options, dialer))) {
        socket_remove_attachment(&dialer->attachment);
        rc = -ENOMEM;
    }
    if (rc < 0) {
        if (has_timer)
            timer_term(&dialer->timer);
        options_unref(dialer->options);
        free(dialer);
        return rc;
    }
    dialer->owner.endpoint = dialer->attachment.endpoint;
    socket_set_last_endpoint(socket, &dialer->attachment);
    if (find_proxy(dialer))
        start(dialer);
    return 0;
}
