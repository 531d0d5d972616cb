/* SPDX-License-Identifier: MIT */
/* What a stream knows about its peer: type, routing id and address, for the properties of messages
 * (base/properties.h). They are made when the application receives the first message, so that a
 * connection which has none, or is in a device, pays nothing for them. Until then the routing id
 * that was announced is the peer's own; where it cannot be, they are made at once. */
#include "base/properties.h"
#include "core/sender.h"
#include "core/socket.h"
#include "transport/descriptor.h"
#include "transport/stream.h"

#include <errno.h>
#include <stdio.h>

enum { HOST_ROOM = 128 /* an IPv6 address with its zone */ };

/* The host of tcp://host:port or tcp://source;host:port. */
static void copy_host(const char *endpoint, char *host, size_t room)
{
    static const char scheme[] = "tcp://";
    if (strncmp(endpoint, scheme, strlen(scheme)) != 0)
        return;
    const char *source_end = strrchr(endpoint, ';'), *end = strrchr(endpoint, ':');
    const char *start = source_end ? source_end + 1 : endpoint + strlen(scheme);
    if (*start == '[')
        start++, end--;
    if (end > start)
        snprintf(host, room, "%.*s", (int)(end - start), start);
}

static struct properties *make(const struct stream *stream, const uint8_t *id, size_t id_size)
{
    char host[HOST_ROOM];
    descriptor_far_host(stream->fd, host, sizeof host);
    if (!host[0])
        copy_host(stream->address, host, sizeof host);
    bool known = !stream->raw && stream->peer_type >= 0;
    const char *type = known ? session_type_name(stream->peer_type) : NULL;
    if (!known || !session_type_has_id(stream->peer_type))
        id = NULL;
    else if (!id_size)
        id = (const uint8_t *)""; /* it announced none */
    return properties_new(stream->fd, type, id, id_size, host[0] ? host : NULL);
}

struct properties *stream_introduce(const struct peer *peer)
{
    const struct stream *stream = peer->far;
    if (stream->state != STREAM_TRAFFIC)
        return NULL;
    bool made_up = peer->id_size && peer->id[0] == 0; /* by ROUTER: no peer announces such */
    return make(stream, peer->id, made_up ? 0 : peer->id_size);
}

/* The peer is another than by the last connection, as a server that was started anew: a ROUTER
 * calls it by the new id, in peer_ready(). What waits for it goes to it. */
static int rename_peer(struct peer *peer, const uint8_t *id, size_t size)
{
    struct socket *socket = peer->socket;
    lane_close_all(socket); /* one may use the old id */
    if (peer->routed)
        socket->pattern->detach(socket, peer);
    return peer_set_id(peer, id, size);
}

int stream_meet(struct stream *stream, const struct session *session)
{
    struct peer *peer = stream->peer;
    const uint8_t *id = session->peer_routing_id;
    size_t size = session->peer_routing_id_size;
    stream->major = session->major;
    stream->minor = session->minor;
    stream->peer_type = (int8_t)session->peer_socket_type;
    sender_forget(peer);
    if (!peer->id_size)
        return size ? peer_set_id(peer, id, size) : 0;
    if (peer->id[0] == 0 ? size == 0 : peer->id_size == size && memcmp(peer->id, id, size) == 0)
        return 0;
    if (!peer->id_given)
        return rename_peer(peer, id, size);
    peer->properties = make(stream, id, size); /* we call it otherwise */
    return peer->properties ? 0 : -ENOMEM;
}
