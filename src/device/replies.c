/* SPDX-License-Identifier: MIT */
/* The replies that a device waits for when it drains: each peer of the backend owes one for each
 * request that was forwarded to it. A reply settles one, also if it finds its client gone; a second
 * reply to the same request settles none. What a peer owes when it leaves will not come any more:
 * it is written off and counted as unanswered.
 *
 * Replies are due in a QUEUE, and where the backend is a REQ, which is not given another request
 * before the reply. Other devices await none: their pattern does not say whether there will be any.
 *
 * Nothing is done when a request is sent: what was forwarded is in the books. */
#include "device/device.h"

#include <greenmq/zmq.h>

static bool awaits_replies(const struct gmq_device *device)
{
    const struct socket *back = device->back.socket;
    if (back == device->front.socket)
        return false;
    return device->type == GMQ_DEVICE_QUEUE ||
           (back->pattern->type == ZMQ_REQ && !back->options.req_relaxed);
}

void replies_start(struct gmq_device *device)
{
    struct peer *peer;
    device->awaits_replies = awaits_replies(device);
    TAILQ_FOREACH(peer, &device->back.socket->peers, all) {
        peer->settled = peer->probes = 0;
    }
}

static uint64_t least(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

static bool concerns(const struct side *side)
{
    return side->device->awaits_replies && side == &side->device->back;
}

static void settle(struct side *side, struct peer *peer, uint64_t messages)
{
    peer->settled += messages;
    side->device->settled += messages;
}

uint64_t replies_owed_by(const struct peer *peer)
{
    uint64_t sent = peer->books.forwarded.messages;
    return sent > peer->settled ? sent - peer->settled : 0;
}

uint64_t replies_owed(const struct gmq_device *device)
{
    uint64_t sent = device->back.socket->ledger.forwarded.messages;
    return device->awaits_replies && sent > device->settled ? sent - device->settled : 0;
}

void replies_came(struct side *side, struct peer *peer, uint64_t messages)
{
    if (!concerns(side))
        return;
    uint64_t owed = replies_owed_by(peer);
    if (peer->flushing) /* it answers what it is being handed, within this call */
        owed += peer->books.queued.messages;
    settle(side, peer, least(messages, owed));
}

/* A probe is no request. */
void replies_joined(struct side *side, struct peer *peer)
{
    if (!concerns(side))
        return;
    settle(side, peer, peer->probes);
    peer->probes = 0;
}

/* What it has said and we have not read yet will still go on its way. */
void replies_left(struct side *side, struct peer *peer)
{
    if (!concerns(side))
        return;
    uint64_t owed = replies_owed_by(peer);
    side->device->unanswered += owed - least(owed, peer->in.tally.messages);
    settle(side, peer, owed);
}

bool replies_are_in(const struct gmq_device *device)
{
    const struct side *back = &device->back;
    return !device->awaits_replies ||
           (!replies_owed(device) && TAILQ_EMPTY(&back->held) && !socket_can_receive(back->socket));
}
