/* SPDX-License-Identifier: MIT */
/* Rosters: see roster.h. A uthash whose head is socket->state. Used by ROUTER and STREAM. */
#include "pattern/roster.h"

#include <endian.h>
#include <errno.h>

/* NOLINTNEXTLINE(readability-function-size): uthash is macros */
struct peer *roster_find(const struct socket *socket, const uint8_t *id, size_t size)
{
    struct peer *map = socket->state, *peer;
    HASH_FIND(by_id, map, id, size, peer);
    return peer;
}

void roster_remove(struct socket *socket, struct peer *peer)
{
    struct peer *map = socket->state;
    if (!peer->routed)
        return;
    HASH_DELETE(by_id, map, peer);
    socket->state = map;
    peer->routed = false;
}

int roster_name(struct socket *socket, struct peer *peer)
{
    uint8_t id[5] = {0};
    do {
        uint32_t number = htobe32(socket->ctx->next_routing_id++);
        memcpy(id + 1, &number, sizeof number);
    } while (roster_find(socket, id, sizeof id));
    return peer_set_id(peer, id, sizeof id);
}

/* In the books each message to a peer has its routing id in front. What waits for a peer under
 * another name counts as if it had come with this one. */
static void count_with_id(struct socket *socket, struct peer *peer)
{
    if (peer->over_parts) {
        int64_t longer = peer->id_size - peer->over_bytes;
        uint64_t more = (uint64_t)longer * peer->out.tally.messages;
        socket->ledger.received.bytes += more;
        socket->ledger.queued.bytes += more;
        peer->books.queued.bytes += more;
    }
    peer->over_parts = 1;
    peer->over_bytes = peer->id_size;
}

/* NOLINTNEXTLINE(readability-function-size): uthash is macros */
int roster_add(struct socket *socket, struct peer *peer)
{
    struct peer *all = socket->state;
    HASH_ADD_KEYPTR(by_id, all, peer->id, peer->id_size, peer);
    socket->state = all;
    if (!peer->by_id.tbl)
        return -ENOMEM;
    peer->routed = true;
    count_with_id(socket, peer);
    return 0;
}

int roster_begin(struct socket *socket)
{
    int rc = socket_begin_fair(socket);
    if (rc < 0)
        return rc;
    struct peer *peer = socket->reading_peer;
    rc = buffer_append(&socket->lead, FRAME_MORE, peer->id, peer->id_size);
    if (rc < 0)
        socket->reading = NULL, socket->reading_peer = NULL;
    return rc;
}
