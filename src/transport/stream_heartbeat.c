/* SPDX-License-Identifier: MIT */
/* Heartbeats (37/ZMTP 3.1): a peer that is asked by a PING and is silent for too long is cut off.
 *
 * A large message, or a consumer that is merely slow, keeps PINGs and PONGs waiting behind it. So
 * a PING asks for an answer only once the far end's system has it; until then it is enough that
 * this system takes what we send, or answers that it has no room. And whoever may have a PING
 * behind what he cannot read yet, as his inbox is full or a large message is not complete, shows
 * unasked, by a PONG, that he lives while more comes. */
#include "transport/descriptor.h"
#include "transport/stream.h"
#include "wire/command.h"

#include <sys/ioctl.h>

enum { LOOKS = 4 /* within a timeout */, SHOW_MS = 100, ACK_SLACK_MS = 10 };

static uint64_t ms(int64_t ms)
{
    return ms > 0 ? (uint64_t)ms * 1000000u : 0;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t timeout_ns(const struct options *options)
{
    int timeout = options->heartbeat_timeout_ms;
    return ms(timeout >= 0 ? timeout : options->heartbeat_ivl_ms);
}

/* Heartbeats are of 37/ZMTP 3.1, but libzmq 4.2.0 to 4.3.2 has them and announces 3.0, so 3.0 gets
 * them too, as libzmq does it. Before that there are no commands. */
static bool can_ping(const struct stream *stream)
{
    return stream->major >= 3;
}

static bool is_asking(const struct stream *stream)
{
    return stream->asked_ns > stream->heard_ns && timeout_ns(stream->options);
}

/* When the next thing about heartbeats is due; UINT64_MAX for never. */
static uint64_t next_due(const struct stream *stream)
{
    const struct options *options = stream->options;
    uint64_t due = UINT64_MAX, timeout = timeout_ns(options);
    if (options->heartbeat_ivl_ms > 0 && can_ping(stream))
        due = stream->pinged_ns + ms(options->heartbeat_ivl_ms);
    if (is_asking(stream))
        due = sooner(due, stream->asked_ns + timeout);
    if (timeout && (is_asking(stream) || stream->put_ns > stream->heard_ns))
        due = sooner(due, stream->looked_ns + timeout / LOOKS);
    if (stream->peer_ttl_ms)
        due = sooner(due, stream->heard_ns + ms(stream->peer_ttl_ms));
    if (stream->shows_ns)
        due = sooner(due, stream->shows_ns);
    return due;
}

static void on_heartbeat(struct timer *timer);

static void arm(struct stream *stream)
{
    uint64_t now = loop_clock_ns(), due = next_due(stream);
    if (due == UINT64_MAX)
        return;
    timer_start(&stream->timer, on_heartbeat, due > now ? (due - now) / 1000000 + 1 : 1);
}

void stream_heartbeat_start(struct stream *stream)
{
    uint64_t now = loop_clock_ns();
    if (!stream->pinged_ns)
        stream->pinged_ns = now; /* the first PING goes one interval from now */
    stream->heard_ns = now;
    arm(stream);
}

static void ask(struct stream *stream, uint64_t now)
{
    if (stream->asked_ns <= stream->heard_ns)
        stream->asked_ns = now;
}

/* Does the far end live although it says nothing? True if it has all that we sent. */
static bool look_at_output(struct stream *stream, uint64_t now)
{
    lane_close_output(stream->socket);
    uint64_t since_ms = (now - stream->looked_ns) / 1000000 + ACK_SLACK_MS;
    bool waits = !buffer_is_empty(&stream->peer->out);
    enum delivery delivery = descriptor_delivery(stream->fd, since_ms);
    stream->looked_ns = now;
    if (delivery == DELIVERY_UNANSWERED)
        ask(stream, now);
    else if (delivery == DELIVERY_GOES_ON || (delivery == DELIVERY_DONE && waits))
        stream->heard_ns = now;
    else if (delivery == DELIVERY_DONE && stream->put_ns > stream->heard_ns)
        ask(stream, now);
    return delivery == DELIVERY_DONE && !waits;
}

static void ping(struct stream *stream, uint64_t now, bool at_once)
{
    uint8_t octets[COMMAND_PING_ROOM];
    int ttl_ds = stream->options->heartbeat_ttl_ms / 100;
    stream->pinged_ns = now;
    if (!stream_command(stream, octets, command_write_ping(octets, (uint16_t)ttl_ds, NULL, 0)))
        return;
    stream->put_ns = now;
    if (at_once)
        ask(stream, now);
}

static bool hides_pings(const struct stream *stream)
{
    return stream->state == STREAM_TRAFFIC && (stream->peer->held || stream->body);
}

/* Octets that have come of what we cannot look into. */
static uint64_t unseen(const struct stream *stream)
{
    int unread = 0;
    ioctl(stream->fd, FIONREAD, &unread);
    return stream->body_have + (uint64_t)unread;
}

/* The peer knows commands: of 3.0 only those do that have sent some. */
void stream_hides_pings(struct stream *stream)
{
    if (stream->shows_ns || stream->major < 3 || (!stream->minor && !stream->pings))
        return;
    stream->shows_ns = loop_clock_ns() + ms(SHOW_MS);
    stream->shown_at = unseen(stream);
    arm(stream);
}

static void show_life(struct stream *stream, uint64_t now)
{
    uint8_t pong[COMMAND_PING_ROOM];
    stream->shows_ns = hides_pings(stream) ? now + ms(SHOW_MS) : 0;
    if (!stream->shows_ns)
        return;
    uint64_t at = unseen(stream);
    if (at != stream->shown_at || (stream->pings && stream->peer->held))
        stream_command(stream, pong, command_write_pong(pong, NULL, 0));
    stream->shown_at = at;
}

static bool is_late(const struct stream *stream, uint64_t now)
{
    bool unanswered = is_asking(stream) && now >= stream->asked_ns + timeout_ns(stream->options);
    bool expired = stream->peer_ttl_ms && now >= stream->heard_ns + ms(stream->peer_ttl_ms);
    return unanswered || expired;
}

static void beat(struct stream *stream)
{
    const struct options *options = stream->options;
    uint64_t now = loop_clock_ns();
    bool delivered = true;
    if (stream->body)
        stream_read(stream); /* the system may keep what is less than the low-water mark */
    if (stream->failing.queued || stream->state != STREAM_TRAFFIC)
        return;
    bool beats = options->heartbeat_ivl_ms > 0 && can_ping(stream);
    if (stream->peer->held)
        stream->heard_ns = now; /* we do not read, so we cannot hear */
    if (beats || stream->peer_ttl_ms)
        delivered = look_at_output(stream, now);
    if (is_late(stream, now)) {
        stream_fail(stream, LEAVE_TIMEOUT);
        return;
    }
    if (beats && now >= stream->pinged_ns + ms(options->heartbeat_ivl_ms))
        ping(stream, now, delivered);
    if (stream->shows_ns && now >= stream->shows_ns)
        show_life(stream, now);
    arm(stream);
}

/* It may be closed meanwhile: while it reads, the lock is lent. */
static void on_heartbeat(struct timer *timer)
{
    struct stream *stream = stream_of_timer(timer);
    stream->holds++;
    beat(stream);
    stream_let_go(stream);
}
