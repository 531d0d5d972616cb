/* SPDX-License-Identifier: MIT */
/* A peer's output: what patterns write, what links report, and what is dropped on the way. */
#ifndef GREENMQ_CORE_OUTPUT_H
#define GREENMQ_CORE_OUTPUT_H

#include "core/peer.h"

/* Output. Takes messages off the front of a run, each with `prefix` before it (may be NULL), as
 * many as there is room and memory for; returns the octets taken. Less than all: the socket is
 * notified when there is room again, if the peer is `full`, and else in a moment. */
size_t peer_write(struct peer *peer, const struct run *run, const struct prefix *prefix);

/* Takes slices of a run, each `stride` behind the one before; the caller has seen that there is
 * room for all (peer_room()). False without memory: none is taken. */
bool peer_write_slices(struct peer *peer, const struct slice *slices, size_t count, size_t stride,
                       const struct prefix *prefix);

/* Counts slices that were refused so and cannot wait. */
void peer_forgo_slices(struct peer *peer, const struct slice *slices, size_t count, size_t stride,
                       const struct prefix *prefix);

/* Takes one message without its first frame (ROUTER's routing id), if there is room and memory. */
bool peer_write_rest(struct peer *peer, const struct run *message);

/* Why it has just refused a message, if that is dropped for it. */
enum drop peer_refusal(const struct peer *peer);

static inline bool peer_is_below_marks(const struct peer *peer)
{
    return peer->out.tally.messages + peer->unread < peer->out_max &&
           peer->out.bytes < peer->out_bytes_max;
}

/* Is a message being sent for which there was room when it began? */
bool peer_is_promised_room(const struct peer *peer);

static inline bool peer_has_room(const struct peer *peer)
{
    return peer_is_below_marks(peer) || peer_is_promised_room(peer);
}

/* For so many messages. */
static inline uint64_t peer_room(const struct peer *peer)
{
    if (peer_is_below_marks(peer))
        return peer->out_max - peer->out.tally.messages - peer->unread;
    return peer_is_promised_room(peer);
}

/* It was full and is not any more: those who wait for it are told. */
void peer_found_room(struct peer *peer);

/* As peer_has_room(), after trying to make room by a flush. */
bool peer_make_room(struct peer *peer);

/* For links: messages have left peer->out, or were lost in it. */
void peer_sent(struct peer *peer, const struct tally *tally);
void peer_dropped(struct peer *peer, const struct tally *tally, enum drop reason);

/* A tally of peer->out in the units of the books. */
struct tally peer_in_books(const struct peer *peer, const struct tally *tally);

/* Books messages that were put into peer->out by other ways than these. */
void peer_count_queued(struct peer *peer, const struct tally *tally);

/* For links that tell of subscriptions in messages of their own, put into peer->out: books them. */
void peer_count_own(struct peer *peer, const struct tally *tally);

/* Writes one message that nobody has sent, and books it. False: there is no room for it. */
bool peer_write_own(struct peer *peer, const struct run *message);

/* Drops all that waits in peer->out. */
void peer_drop_output(struct peer *peer, enum drop reason);

/* The same, but for a message that has begun to leave. */
void peer_drop_waiting(struct peer *peer, enum drop reason);

/* Puts it on the list of those flushed at the end of the turn, and takes it off again. */
void peer_mark_dirty(struct peer *peer);
void peer_unmark_dirty(struct peer *peer);

#endif
