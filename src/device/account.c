/* SPDX-License-Identifier: MIT */
/* A device's books, read out of the ledgers of its sockets: what goes out through the backend is
 * the forward direction, what goes out through the frontend the backward one. */
#include "device/device.h"

#include "base/check.h"

_Static_assert(GMQ_DROP_REASONS == (int)DROP_REASONS, "the reasons are the same inside and out");
_Static_assert(GMQ_LEAVE_REASONS == (int)LEAVE_REASONS, "the reasons are the same inside and out");
_Static_assert(sizeof(struct gmq_tally) == sizeof(struct tally), "one is copied to the other");
_Static_assert(sizeof(struct gmq_flow) == sizeof(struct ledger), "one is copied to the other");

const char *account_drop_name(unsigned reason)
{
    static const char *const names[DROP_REASONS] = {
        "no route", "unwanted", "full", "peer lost", "malformed", "stopped", "no memory"};
    return reason < DROP_REASONS ? names[reason] : "unknown";
}

const char *account_leave_name(unsigned reason)
{
    static const char *const names[LEAVE_REASONS] = {"closed", "protocol", "timeout", "replaced",
                                                     "local"};
    return reason < LEAVE_REASONS ? names[reason] : "unknown";
}

/* New books for a socket and its peers. What already waits in it is taken over as received. */
static void open_ledger(struct socket *socket)
{
    lane_close_all(socket);
    struct tally queued = socket->ledger.queued;
    struct peer *peer;
    socket->ledger = (struct ledger){.received = queued, .queued = queued};
    TAILQ_FOREACH(peer, &socket->peers, all) {
        peer->received = (struct tally){0};
        peer->books = (struct ledger){.queued = peer->books.queued};
    }
}

void account_start(struct gmq_device *device)
{
    open_ledger(device->front.socket);
    if (device->back.socket != device->front.socket)
        open_ledger(device->back.socket);
    if (device->capture)
        open_ledger(device->capture);
}

static void copy_flow(struct gmq_flow *flow, const struct ledger *ledger)
{
    memcpy(flow, ledger, sizeof *flow);
}

static uint64_t count_peers(const struct socket *socket)
{
    const struct peer *peer;
    uint64_t count = 0;
    TAILQ_FOREACH(peer, &socket->peers, all) {
        count += peer->joined;
    }
    return count;
}

void account_read(struct gmq_device *device, struct gmq_account *account)
{
    const struct side *front = &device->front, *back = &device->back;
    *account = (struct gmq_account){.size = sizeof *account};
    copy_flow(&account->forward, &back->socket->ledger);
    account->frontend_peers = count_peers(front->socket);
    if (back->socket != front->socket) {
        copy_flow(&account->backward, &front->socket->ledger);
        account->backend_peers = count_peers(back->socket);
    }
    if (device->capture)
        copy_flow(&account->capture, &device->capture->ledger);
    account->frontend_joined = front->joined;
    account->backend_joined = back->joined;
    memcpy(account->frontend_left, front->left, sizeof account->frontend_left);
    memcpy(account->backend_left, back->left, sizeof account->backend_left);
    account->frontend_refused = front->refused;
    account->backend_refused = back->refused;
    account->last_refused = device->last_refused;
    account->owed = replies_owed(device);
    account->unanswered = device->unanswered;
    account->state = device->state;
}

static void describe(struct gmq_peer *line, const struct side *side, const struct peer *peer,
                     int backend)
{
    *line = (struct gmq_peer){.backend = backend, .connected = peer->ready};
    line->routing_id_size = peer->id_size;
    if (peer->id_size)
        memcpy(line->routing_id, peer->id, peer->id_size);
    if (peer->link)
        peer->link->describe(peer, line->endpoint, sizeof line->endpoint);
    copy_flow(&line->flow, &peer->books);
    memcpy(&line->flow.received, &peer->received, sizeof line->flow.received);
    line->owed = side->device->awaits_replies && backend ? replies_owed_by(peer) : 0;
}

static long list_peers(const struct side *side, int backend, struct gmq_peer *peers, size_t count,
                       long found)
{
    const struct peer *peer;
    TAILQ_FOREACH(peer, &side->socket->peers, all) {
        if ((size_t)found < count)
            describe(&peers[found], side, peer, backend);
        found++;
    }
    return found;
}

long account_peers(struct gmq_device *device, struct gmq_peer *peers, size_t count)
{
    long found = list_peers(&device->front, 0, peers, count, 0);
    if (device->back.socket != device->front.socket)
        found = list_peers(&device->back, 1, peers, count, found);
    return found;
}
