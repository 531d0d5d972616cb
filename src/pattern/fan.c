/* SPDX-License-Identifier: MIT */
/* Fans: see fan.h. */
#include "pattern/fan.h"

#include <stdlib.h>

enum { ROOM_FIRST = 8 };

bool fan_add(struct fan *fan, struct peer *peer)
{
    if (fan->count == fan->room) {
        size_t room = fan->room ? fan->room * 2 : ROOM_FIRST;
        struct peer **peers = realloc(fan->peers, room * sizeof(struct peer *));
        if (!peers)
            return false;
        fan->peers = peers;
        fan->room = room;
    }
    fan->peers[fan->count++] = peer;
    return true;
}

void fan_term(struct fan *fan)
{
    free(fan->peers);
    *fan = (struct fan){0};
}

static void drop_rest(struct peer *peer, const struct run *run, size_t taken,
                      const struct prefix *prefix)
{
    struct run gone = run_within(run, taken);
    struct run rest = run->large ? *run : run_after(run, &gone);
    struct tally units = run_units(&rest, prefix);
    enum drop reason = peer_refusal(peer);
    ledger_drop(&peer->socket->ledger, reason, &units);
    ledger_drop(&peer->books, reason, &units);
}

bool fan_offer(struct socket *socket, const struct fan *fan, const struct run *run,
               const struct prefix *prefix)
{
    struct tally units = run_units(run, prefix);
    if (!fan->count) {
        ledger_drop(&socket->ledger, DROP_UNWANTED, &units);
        return true;
    }
    size_t taken = peer_write(fan->peers[0], run, prefix);
    if (!taken && peer_refusal(fan->peers[0]) == DROP_NO_MEMORY)
        return false;
    uint64_t copies = fan->count - 1;
    if (copies)
        effort_spend(&socket->ctx->effort, copies, units.parts);
    socket->ledger.copied.messages += copies * units.messages;
    socket->ledger.copied.parts += copies * units.parts;
    socket->ledger.copied.bytes += copies * units.bytes;
    for (size_t i = 0; i < fan->count; i++) {
        if (i)
            taken = peer_write(fan->peers[i], run, prefix);
        if (taken < run->size)
            drop_rest(fan->peers[i], run, taken, prefix);
    }
    return true;
}

void fan_write(struct socket *socket, const struct fan *fan, const struct run *run,
               const struct prefix *prefix)
{
    struct tally units = run_units(run, prefix);
    if (!fan_offer(socket, fan, run, prefix))
        ledger_drop(&socket->ledger, DROP_NO_MEMORY, &units);
}

uint64_t fan_room(const struct fan *fan)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < fan->count; i++) {
        struct peer *peer = fan->peers[i];
        peer->full = !peer_has_room(peer) && !peer_make_room(peer);
        uint64_t room = peer->full ? 0 : peer_room(peer);
        least = room < least ? room : least;
    }
    return least;
}
