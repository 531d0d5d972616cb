/* SPDX-License-Identifier: MIT */
/* What a stream tells the monitor of its socket (core/monitor.h): each event with the endpoint as
 * libzmq names it. That is what was connected to, as the application wrote it; or, of an accepted
 * connection, its local address. A stream that is closed from this side says nothing. One that
 * has no handshake (raw, or ZMTP 2.0) tells of none that succeeded, and at its end of one that
 * failed: so does libzmq. */
#include "core/monitor.h"
#include "transport/endpoint.h"
#include "transport/stream.h"

#include <greenmq/zmq.h>

static void local_endpoint(const struct stream *stream, char *text, size_t room)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (getsockname(stream->fd, (struct sockaddr *)&address, &size) < 0 ||
        endpoint_format_address((struct sockaddr *)&address, size, text, room) < 0)
        text[0] = '\0';
}

void stream_tell(const struct stream *stream, unsigned event, int value)
{
    char local[ENDPOINT_TEXT_MAX];
    const char *endpoint = stream->owner ? stream->owner->endpoint : NULL;
    if (!monitor_wants(stream->socket, event))
        return;
    if (!endpoint)
        local_endpoint(stream, local, sizeof local);
    monitor_tell(stream->socket, event, (uint32_t)value, endpoint ? endpoint : local);
}

/* Some failures have no event of their own: that the connection ends must do. */
void stream_tell_failed(const struct stream *stream, const struct session *session)
{
    uint32_t error = session_protocol_error(session->error);
    uint32_t status = session_auth_status(session);
    if (error)
        stream_tell(stream, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, (int)error);
    else if (status)
        stream_tell(stream, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, (int)status);
}

void stream_tell_end(const struct stream *stream)
{
    if (stream->state == STREAM_CONNECTING || stream->state == STREAM_PROXY) {
        stream_tell(stream, ZMQ_EVENT_CLOSED, stream->fd);
        return;
    }
    const struct handshake *handshake = stream->handshake;
    bool told = stream->why == LEAVE_PROTOCOL ||
                (handshake && handshake->session.state == SESSION_FAILED);
    bool shaken = stream->state == STREAM_TRAFFIC && stream->major >= 3;
    if (!shaken && !told)
        stream_tell(stream, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, stream->error);
    stream_tell(stream, ZMQ_EVENT_DISCONNECTED, stream->fd);
}
