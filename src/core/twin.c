/* SPDX-License-Identifier: MIT */
/* Twins: see twin.h. What lies in the inbox still counts against the sender, in `unread`, until it
 * has been read. The sender is told so by and by, whenever half of the limit has been read: that is
 * when libzmq tells it, and how much can be sent then is the same here. */
#include "core/twin.h"

#include "core/output.h"
#include "core/socket.h"

static uint64_t sum(uint64_t one, uint64_t other)
{
    return one == UINT64_MAX || other == UINT64_MAX ? UINT64_MAX : one + other;
}

/* The limit from a sender to a receiver. */
static void set_limit(struct peer *sender, struct peer *receiver)
{
    sender->out_max = sum(sender->out_mark, receiver->in_mark);
    receiver->in_max = UINT64_MAX;
}

/* The sender is told of all that was read. */
static void tell_all(struct peer *receiver)
{
    receiver->told = receiver->took - receiver->in.tally.messages;
    receiver->twin->unread = receiver->in.tally.messages;
}

/* The receiver tells after so many messages, from now on; 0 for never, as there is no limit. */
static void set_step(struct peer *receiver)
{
    uint64_t limit = receiver->twin->out_max;
    tell_all(receiver);
    receiver->tells_after = limit == UINT64_MAX ? 0 : (limit + 1) / 2;
}

void twin_join(struct peer *peer, struct peer *other)
{
    peer->twin = other;
    other->twin = peer;
    set_limit(peer, other);
    set_limit(other, peer);
    set_step(peer);
    set_step(other);
    if (peer->full && peer_has_room(peer))
        peer_found_room(peer);
}

void twin_part(struct peer *peer)
{
    struct peer *other = peer->twin;
    peer->twin = NULL;
    if (other)
        other->twin = NULL;
}

/* The receiver may have nothing left to read by which it would come to its next step: so the
 * sender is told now. The step follows the receiver's own mark, as in libzmq. */
static void change_limit(struct peer *sender, struct peer *receiver, bool by_receiver)
{
    uint64_t before = sender->out_max;
    set_limit(sender, receiver);
    if (sender->out_max == before)
        return;
    if (by_receiver || !receiver->tells_after)
        set_step(receiver);
    else
        tell_all(receiver);
}

void twin_set_marks(struct peer *peer)
{
    struct peer *other = peer->twin;
    lane_close_all(other->socket);
    change_limit(peer, other, false);
    change_limit(other, peer, true);
    if (other->full && peer_has_room(other))
        peer_found_room(other);
}

void twin_took(struct peer *peer, uint64_t messages)
{
    peer->took += messages;
    peer->twin->unread += messages;
}

/* How many messages to tell the sender of. Where the limit was lowered below the step, it may
 * neither wait for more to be read than there is. */
static uint64_t to_tell(const struct peer *peer)
{
    const struct peer *sender = peer->twin;
    uint64_t read = peer->took - peer->told - peer->in.tally.messages;
    if (buffer_is_empty(&peer->in) && sender->unread >= sender->out_max)
        return read;
    return peer->tells_after ? read - read % peer->tells_after : 0;
}

uint64_t twin_quota(const struct peer *peer)
{
    if (!peer->twin || !peer->tells_after)
        return UINT64_MAX;
    uint64_t waiting = peer->in.tally.messages, read = peer->took - peer->told - waiting;
    uint64_t quota = peer->tells_after - read % peer->tells_after - 1;
    bool is_full = peer->twin->unread >= peer->twin->out_max;
    return is_full && waiting && quota >= waiting ? waiting - 1 : quota;
}

void twin_was_read(struct peer *peer)
{
    struct peer *sender = peer->twin;
    uint64_t read = to_tell(peer);
    peer->told += read;
    sender->unread -= read;
    if (read && sender->full && peer_has_room(sender))
        peer_found_room(sender);
}
