/* SPDX-License-Identifier: MIT */
/* Moving messages: see device.h. deliver() is the hot path of a device: a run comes in, the other
 * socket's pattern takes it or part of it, and the books are written once for all of it. */
#include "device/device.h"

#include "base/check.h"
#include "core/shortage.h"

#include <errno.h>
#include <greenmq/zmq.h>

enum {
    PUMP_MESSAGES = 1000,  /* in lock step: so many, then others have their turn */
    PUMP_FIRST = 512,      /* octets of an inbox that are tried first; then twice as many ... */
    PUMP_LAST = 4096,      /* ... up to this */
    OUTPUT_BYTES = 2 << 20 /* that may wait for a peer of a PUSH or DEALER, 2 MiB */
};

static bool takes_input(const struct side *side)
{
    enum gmq_device_state state = side->device->state;
    return state == GMQ_DEVICE_RUNNING ||
           (state == GMQ_DEVICE_DRAINING && side == &side->device->back);
}

static void hold(struct side *side, struct peer *peer)
{
    if (!peer || peer->in_held)
        return;
    peer->in_held = true;
    TAILQ_INSERT_TAIL(&side->held, peer, held_line);
}

static void unhold(struct side *side, struct peer *peer)
{
    if (!peer->in_held)
        return;
    peer->in_held = false;
    TAILQ_REMOVE(&side->held, peer, held_line);
}

/* Something has changed that a drain may wait for. */
static void tell_drain(struct side *side)
{
    if (side->device->state == GMQ_DEVICE_DRAINING)
        device_notify(side->device);
}

static void count_received(struct side *side, struct peer *peer, const struct tally *tally)
{
    tally_add(&peer->received, tally);
    replies_came(side, peer, tally->messages);
}

/* Routes a run to the other side and books what has gone. Returns octets taken. */
static size_t forward(struct side *side, struct peer *peer, const struct run *run,
                      const struct prefix *prefix)
{
    struct socket *out = side->other->socket;
    size_t taken = run->size;
    bool sends = out->pattern->route != NULL;
    if (sends)
        taken = out->pattern->route(out, run, prefix);
    if (!taken)
        return 0;
    struct run gone = run_within(run, taken);
    struct tally tally = run_units(&gone, prefix);
    tally_add(&out->ledger.received, &tally);
    if (peer)
        count_received(side, peer, &tally);
    if (!sends)
        ledger_drop(&out->ledger, DROP_NO_ROUTE, &tally);
    if (side->device->capture)
        capture_run(side->device, &gone, prefix, &tally);
    tell_drain(side);
    return taken;
}

/* Forwards only what the incoming socket wants. */
static size_t forward_wanted(struct side *side, struct peer *peer, const struct run *run)
{
    struct socket *in = side->socket;
    struct run rest = *run, message, ahead;
    while (rest.size) {
        ahead = rest;
        struct run wanted = {.data = rest.data, .chunk = rest.chunk};
        bool wants = false;
        while (run_next(&ahead, &message) && (wants = in->pattern->wants(in, &message))) {
            if (message.large)
                wanted = message;
            else
                wanted.size += message.size;
            if (!message.large)
                tally_add(&wanted.tally, &message.tally);
        }
        if (wanted.size) {
            size_t taken = forward(side, peer, &wanted, NULL);
            struct run gone = run_within(&wanted, taken);
            if (taken < wanted.size)
                return run->size - rest.size + gone.size;
            rest = run_after(&rest, &wanted);
        }
        if (rest.size && !wants) {
            tally_add(&side->other->socket->ledger.received, &message.tally);
            tally_add(&peer->received, &message.tally);
            ledger_drop(&side->other->socket->ledger, DROP_UNWANTED, &message.tally);
            rest = run_after(&rest, &message);
        }
    }
    return run->size;
}

static size_t take(struct side *side, struct peer *peer, const struct run *run)
{
    enum inbound inbound = peer ? side->socket->pattern->inbound : INBOUND_PASS;
    if (inbound == INBOUND_FILTER)
        return forward_wanted(side, peer, run);
    if (inbound != INBOUND_ID)
        return forward(side, peer, run, NULL);
    uint8_t id[FRAME_SHORT_HEADER + FRAME_SHORT_MAX];
    size_t header = frame_header_write(id, FRAME_MORE, peer->id_size);
    memcpy(id + header, peer->id, peer->id_size);
    struct prefix prefix = {
        .data = id, .size = header + peer->id_size, .parts = 1, .bytes = peer->id_size};
    return forward(side, peer, run, &prefix);
}

static size_t deliver(struct sink *sink, struct peer *peer, const struct run *run)
{
    struct side *side = (struct side *)sink;
    size_t taken = takes_input(side) ? take(side, peer, run) : 0;
    if (taken < run->size)
        hold(side, peer);
    return taken;
}

/* What had been received before the device started: from inboxes, and XPUB's notes. */
static bool pump_all(struct side *side, struct peer *peer, struct buffer *in)
{
    uint64_t messages = in->tally.messages; /* more may come while these go */
    struct effort *effort = &side->device->ctx->effort;
    for (size_t part = PUMP_FIRST; messages && !(peer && peer->ignored);) {
        struct run run;
        struct buffer large = {0};
        if (effort_is_over(effort)) {
            relay_pump_later(side);
            return false;
        }
        if (buffer_front_part(in, &run, &large, part) < 0) {
            buffer_term(&large);
            shortage_retry(side->device->ctx);
            return false;
        }
        run = run_take(&run, messages);
        size_t taken = take(side, peer, &run);
        struct run gone = run_within(&run, taken);
        buffer_pop_messages(in, gone.tally.messages);
        buffer_term(&large);
        effort_spend(effort, 1, run.tally.parts);
        messages -= gone.tally.messages;
        if (taken < run.size)
            return false;
        part = part < PUMP_LAST ? part * 2 : part;
    }
    return true;
}

/* While it is read it stays, even if what it holds sends its own peer away. */
static bool pump_inbox(struct side *side, struct peer *peer, struct buffer *in)
{
    struct socket *socket = side->socket;
    socket->reading = in;
    socket->reading_peer = peer;
    bool all = pump_all(side, peer, in);
    socket->reading = NULL;
    socket->reading_peer = NULL;
    if (peer && peer->ignored)
        buffer_term(in);
    return all;
}

static bool pump_inboxes(struct side *side)
{
    struct lineup *lineup = &side->socket->lineup;
    struct peer *peer;
    if (side->socket->reading)
        return false; /* the application has taken a part of a message: that is its own */
    if (!pump_inbox(side, NULL, &side->socket->notes))
        return false;
    while ((peer = TAILQ_FIRST(&lineup->ready))) {
        if (!pump_inbox(side, peer, &peer->in))
            return false;
        lineup_was_read(lineup, peer);
        peer_inbox_read(peer);
    }
    return true;
}

/* Inputs that were held: each goes on until it is held again. */
static void pump_held(struct side *side)
{
    struct peer *peer, *last = TAILQ_LAST(&side->held, peers);
    while ((peer = TAILQ_FIRST(&side->held))) {
        if (effort_is_over(&side->device->ctx->effort)) {
            relay_pump_later(side);
            return;
        }
        unhold(side, peer);
        peer->held = false;
        if (peer->link)
            peer->link->resume(peer);
        if (peer == last || TAILQ_LAST(&side->held, peers) == peer)
            break; /* all have been tried, or there is no room again */
    }
}

/* Puts the part that was received last behind the others of side->pending. */
static int keep_part(struct side *side)
{
    struct msg *part = &side->part;
    int rc = buffer_append_shared(&side->pending, part->more ? FRAME_MORE : 0, msg_chunk(part),
                                  msg_data(part), msg_size(part));
    if (rc < 0)
        return rc;
    side->has_part = false;
    side->receiving = part->more;
    msg_close(part);
    return 0;
}

/* Receives one message whole into side->pending, and counts it for the peer that it is from. What
 * finds no memory stays as it is, and goes on in a moment. */
static bool receive_pending(struct side *side)
{
    struct socket *socket = side->socket;
    int rc = side->receiving ? 0 : socket->pattern->begin(socket);
    struct peer *peer = socket->reading_peer;
    if (peer && peer->closed)
        peer = NULL; /* it ends with its last message */
    side->receiving = rc == 0;
    while (rc == 0 && side->receiving) {
        if (!side->has_part) {
            msg_init(&side->part);
            rc = socket_try_receive(socket, &side->part, false);
            side->has_part = rc == 0;
        }
        if (rc == 0)
            rc = keep_part(side);
    }
    if (rc == -ENOMEM)
        shortage_retry(side->device->ctx);
    if (rc == 0 && peer)
        count_received(side, peer, &side->pending.tally);
    return rc == 0;
}

/* Is there a message, and a place for it? A REP that answers itself can send only when it has
 * received. */
static bool is_wanted(const struct side *side)
{
    const struct side *other = side->other;
    return takes_input(side) && socket_can_receive(side->socket) &&
           (other == side || socket_can_send(other->socket));
}

/* Is there a whole message to be sent? */
static bool has_pending(struct side *side)
{
    if (!side->receiving && !buffer_is_empty(&side->pending))
        return true;
    return (side->receiving || is_wanted(side)) && receive_pending(side);
}

static bool is_between_messages(const struct side *side)
{
    return buffer_is_empty(&side->pending) && !side->receiving;
}

/* The reply that the other socket owes went with a connection: it takes the next request. */
static void forgo_lost(struct side *side)
{
    struct socket *in = side->socket, *out = side->other->socket;
    if (in->pattern->has_lost && out->pattern->forgo && is_between_messages(side) &&
        is_between_messages(side->other) && in->pattern->has_lost(in) && out->pattern->forgo(out))
        relay_pump_later(side->other);
}

/* Each message that goes may be what the other direction has waited for: a reply that lets the
 * next request in. */
static void pump_lock_step(struct side *side)
{
    struct socket *out = side->other->socket;
    forgo_lost(side);
    for (int n = 0; n < PUMP_MESSAGES && !effort_is_over(&side->device->ctx->effort); n++) {
        struct buffer *pending = &side->pending;
        if (!has_pending(side))
            return;
        struct run run = {.large = pending, .size = pending->bytes, .tally = pending->tally};
        struct frame first;
        run_first_frame(&run, &first);
        int rc = out->pattern->admit ? out->pattern->admit(out, &first) : 0;
        if (rc < 0 && rc != -EHOSTUNREACH) /* then it is dropped, and the next has its turn */
            return;
        if (!forward(side, NULL, &run, NULL))
            return;
        buffer_term(pending);
        relay_pump_later(side->other);
    }
    relay_pump_later(side);
}

static void pump(struct task *task)
{
    struct side *side = (struct side *)((char *)task - offsetof(struct side, pump));
    if (side->device->state == GMQ_DEVICE_PAUSED)
        return;
    if (side->lock_step)
        pump_lock_step(side);
    else if (takes_input(side) && pump_inboxes(side))
        pump_held(side);
}

void relay_pump_later(struct side *side)
{
    ctx_later(side->device->ctx, &side->pump);
}

/* Something can be sent: the other side's input may go on. */
static void changed(struct sink *sink, int events)
{
    struct side *side = (struct side *)sink;
    if (events & EVENT_OUT)
        relay_pump_later(side->other);
    if ((events & EVENT_IN) || side->lock_step)
        relay_pump_later(side);
    tell_drain(side);
}

static void tell(struct side *side, enum gmq_event_kind kind, const struct peer *peer,
                 const char *reason)
{
    char endpoint[sizeof((struct gmq_event *)NULL)->endpoint] = "";
    if (peer->link)
        peer->link->describe(peer, endpoint, sizeof endpoint);
    events_add(side, kind, endpoint, reason);
}

static void peer_joined(struct sink *sink, struct peer *peer)
{
    struct side *side = (struct side *)sink;
    side->joined++;
    replies_joined(side, peer);
    tell(side, GMQ_EVENT_JOINED, peer, "");
}

static void peer_left(struct sink *sink, struct peer *peer)
{
    struct side *side = (struct side *)sink;
    unhold(side, peer);
    side->left[peer->why]++;
    replies_left(side, peer);
    tell(side, GMQ_EVENT_LEFT, peer, account_leave_name(peer->why));
    tell_drain(side); /* what was queued for it is not waited for any more */
}

static void refused(struct sink *sink, const char *address, const char *reason)
{
    struct side *side = (struct side *)sink;
    side->refused++;
    events_add(side, GMQ_EVENT_REFUSED, address, reason);
}

static void closing(struct sink *sink)
{
    device_closing(((struct side *)sink)->device);
}

void relay_init(struct side *side, struct gmq_device *device, struct socket *socket,
                struct side *other)
{
    side->device = device;
    side->socket = socket;
    side->other = other;
    side->pump.run = pump;
    TAILQ_INIT(&side->held);
}

/* Where input can wait at its connection, there is no use in queueing large messages up to the
 * high-water mark: they would only push each other out of the processor's cache. */
static void bound_output(struct socket *socket, uint64_t bytes)
{
    struct peer *peer;
    socket->out_bytes_max = bytes;
    TAILQ_FOREACH(peer, &socket->peers, all) {
        peer->out_bytes_max = bytes;
    }
}

void relay_start(struct side *side)
{
    struct peer *peer;
    side->lock_step = side->socket->pattern->inbound == INBOUND_RECEIVE ||
                      side->other->socket->pattern->inbound == INBOUND_RECEIVE;
    side->sink = (struct sink){.deliver = side->lock_step ? NULL : deliver,
                               .changed = changed,
                               .peer_joined = peer_joined,
                               .peer_left = peer_left,
                               .refused = refused,
                               .closing = closing};
    side->socket->sink = &side->sink;
    side->socket->counted = side->other->socket->pattern->type == ZMQ_XSUB;
    TAILQ_FOREACH(peer, &side->socket->peers, all) {
        side->joined += peer->joined;
    }
    bound_output(side->socket, side->socket->pattern->balances ? OUTPUT_BYTES : UINT64_MAX);
    relay_pump_later(side);
}

void relay_stop(struct side *side)
{
    struct ctx *ctx = side->device->ctx;
    struct peer *peer;
    side->socket->sink = NULL;
    side->socket->tells_sent = false;
    side->socket->counted = false;
    bound_output(side->socket, UINT64_MAX);
    while ((peer = TAILQ_FIRST(&side->held))) {
        unhold(side, peer);
        peer->held = false;
        if (peer->link && !side->socket->closed)
            peer->link->resume(peer);
    }
    if (side->pump.queued)
        TAILQ_REMOVE(&ctx->tasks, &side->pump, line);
    side->pump.queued = false;
    if (side->receiving) {
        if (side->has_part)
            msg_close(&side->part);
        side->receiving = side->has_part = false;
        socket_skip_message(side->socket);
    }
    if (!buffer_is_empty(&side->pending)) {
        struct ledger *ledger = &side->other->socket->ledger;
        tally_add(&ledger->received, &side->pending.tally);
        ledger_drop(ledger, DROP_STOPPED, &side->pending.tally);
        buffer_term(&side->pending);
    }
}
