/* SPDX-License-Identifier: MIT */
/* The two queues of a socket's peers: see lineup.h. Both are rings in effect: who was served goes
 * to the end. A peer without room is out of the ring until peer_sent() finds room again. */
#include "core/lineup.h"

#include "core/gather.h"
#include "core/socket.h"

enum { DEAL_MAX = 256 /* messages, and peers, in one deal */ };

void lineup_init(struct lineup *lineup)
{
    TAILQ_INIT(&lineup->ready);
    TAILQ_INIT(&lineup->open);
}

void lineup_add_ready(struct lineup *lineup, struct peer *peer)
{
    if (peer->in_line)
        return;
    peer->in_line = true;
    if (peer->socket->in_lane.gather)
        gather_end_soon(peer->socket);
    TAILQ_INSERT_TAIL(&lineup->ready, peer, ready_line);
}

void lineup_remove_ready(struct lineup *lineup, struct peer *peer)
{
    if (!peer->in_line)
        return;
    peer->in_line = false;
    TAILQ_REMOVE(&lineup->ready, peer, ready_line);
}

void lineup_was_read(struct lineup *lineup, struct peer *peer)
{
    lineup_remove_ready(lineup, peer);
    if (!buffer_is_empty(&peer->in))
        lineup_add_ready(lineup, peer);
}

void lineup_add_open(struct lineup *lineup, struct peer *peer)
{
    if (peer->in_balance)
        return;
    peer->in_balance = true;
    TAILQ_INSERT_TAIL(&lineup->open, peer, open_line);
}

void lineup_remove_open(struct lineup *lineup, struct peer *peer)
{
    if (!peer->in_balance)
        return;
    peer->in_balance = false;
    TAILQ_REMOVE(&lineup->open, peer, open_line);
}

/* Was served: goes to the end. */
static void rotate(struct lineup *lineup, struct peer *peer)
{
    if (!peer->in_balance)
        return; /* it was found full meanwhile, by a message that came round a ring of devices */
    TAILQ_REMOVE(&lineup->open, peer, open_line);
    TAILQ_INSERT_TAIL(&lineup->open, peer, open_line);
}

/* How many messages can be dealt out one to each peer in turn, so that all have room for theirs.
 * The first *deal peers take part; *partly: there are more. */
static size_t count_deal(struct lineup *lineup, uint64_t messages, size_t *deal, bool *partly)
{
    const struct peer *peer;
    uint64_t room = UINT64_MAX;
    size_t peers = 0;
    TAILQ_FOREACH(peer, &lineup->open, open_line) {
        if (peers == messages || peers == DEAL_MAX)
            break;
        if (peer->conflates)
            return 0;
        if (peer_room(peer) < room)
            room = peer_room(peer);
        peers++;
    }
    *deal = peers;
    *partly = peer != NULL;
    if (messages > DEAL_MAX)
        messages = DEAL_MAX;
    return room < messages / peers + 1 ? room * peers : messages;
}

/* Deals messages out to several peers, strictly in turn but with one write a peer. Returns octets
 * taken; 0 when a peer has no room, or it is not worth it. */
static size_t deal_out(struct lineup *lineup, const struct run *run, const struct prefix *prefix)
{
    struct slice slices[DEAL_MAX];
    size_t peers, size = 0;
    bool partly;
    size_t count = count_deal(lineup, run->tally.messages, &peers, &partly);
    if (count < 2)
        return 0;
    count = run_slices(run, slices, count);
    struct peer *peer = TAILQ_FIRST(&lineup->open), *next;
    for (size_t i = 0; i < peers && i < count; i++, peer = next) {
        next = TAILQ_NEXT(peer, open_line);
        size_t share = (count - i + peers - 1) / peers;
        bool wrote = peer_write_slices(peer, slices + i, share, peers, prefix);
        if (!wrote && i == 0)
            return 0;
        if (!wrote) /* the others' shares are between them */
            peer_forgo_slices(peer, slices + i, share, peers, prefix);
        if (partly || i < count % peers)
            rotate(lineup, peer);
    }
    for (size_t i = 0; i < count; i++)
        size += slices[i].size;
    return size;
}

size_t lineup_balance(struct lineup *lineup, const struct run *run, const struct prefix *prefix)
{
    struct run rest = *run;
    struct peer *peer;
    bool short_of_memory = false;
    while (rest.size && !short_of_memory && (peer = TAILQ_FIRST(&lineup->open))) {
        bool alone = !TAILQ_NEXT(peer, open_line);
        size_t taken = alone || rest.large ? 0 : deal_out(lineup, &rest, prefix);
        if (!taken) {
            struct run head = alone ? rest : run_take(&rest, 1);
            taken = peer_write(peer, &head, prefix);
            short_of_memory = taken < head.size && !peer->full;
            if (taken < head.size && peer->full)
                lineup_remove_open(lineup, peer);
            else if (!alone)
                rotate(lineup, peer);
        }
        struct run gone = run_within(&rest, taken);
        rest = run_after(&rest, &gone);
    }
    return run->size - rest.size;
}

uint64_t lineup_room(const struct lineup *lineup)
{
    const struct peer *peer;
    uint64_t least = UINT32_MAX, peers = 0;
    TAILQ_FOREACH(peer, &lineup->open, open_line) {
        uint64_t room = peer->conflates ? 0 : peer_room(peer);
        least = room < least ? room : least;
        peers++;
    }
    return least * peers;
}

bool lineup_has_room(struct lineup *lineup)
{
    struct peer *peer;
    while ((peer = TAILQ_FIRST(&lineup->open))) {
        if (peer_has_room(peer) || peer_make_room(peer))
            return true;
        peer->full = true;
        lineup_remove_open(lineup, peer);
    }
    return false;
}
