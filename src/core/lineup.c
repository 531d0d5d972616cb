/* SPDX-License-Identifier: MIT */
/* The two queues of a socket's peers: see lineup.h. Both are rings in effect: who was served goes
 * to the end. A peer without room is out of the ring until peer_sent() finds room again. */
#include "core/lineup.h"

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

size_t lineup_balance(struct lineup *lineup, const struct run *run, const struct prefix *prefix)
{
    struct run rest = *run;
    struct peer *peer;
    while (rest.size && (peer = TAILQ_FIRST(&lineup->open))) {
        struct run head = TAILQ_NEXT(peer, open_line) ? run_take(&rest, 1) : rest;
        size_t taken = peer_write(peer, &head, prefix);
        if (taken < head.size) {
            lineup_remove_open(lineup, peer);
        } else if (TAILQ_NEXT(peer, open_line)) {
            TAILQ_REMOVE(&lineup->open, peer, open_line);
            TAILQ_INSERT_TAIL(&lineup->open, peer, open_line);
        }
        if (taken == rest.size)
            return run->size;
        if (taken) {
            head = run_within(&head, taken);
            rest = run_after(&rest, &head);
        }
    }
    return run->size - rest.size;
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
