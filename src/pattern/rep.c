/* SPDX-License-Identifier: MIT */
/* REP (28/REQREP): a request, then its reply, in lock step. The envelope of a request, all up to
 * the empty delimiter, is kept and goes out in front of the reply. A request without a delimiter
 * is discarded; so is the reply to a client that has gone. */
#include "core/shortage.h"
#include "core/socket.h"
#include "pattern/patterns.h"

#include "base/check.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>

struct rep {
    bool replying;        /* a request was received, its reply is due */
    struct peer *client;  /* who gets it; NULL when it has gone */
    struct peer *asking;  /* the next request is in this inbox, the envelope taken off */
    struct peer *halfway; /* there was no memory for the rest of the envelope in this inbox */
    uint8_t *envelope;    /* encoded frames, the delimiter included */
    size_t size, room;
    struct tally tally; /* of the envelope */
};

static int open_rep(struct socket *socket)
{
    socket->state = calloc(1, sizeof(struct rep));
    return socket->state ? 0 : -ENOMEM;
}

static void close_rep(struct socket *socket)
{
    struct rep *rep = socket->state;
    free(rep->envelope);
    free(rep);
}

static void detach(struct socket *socket, struct peer *peer)
{
    struct rep *rep = socket->state;
    if (rep->client == peer)
        rep->client = NULL;
    if (rep->halfway == peer)
        rep->halfway = NULL;
}

static bool keep_frame(struct rep *rep, const struct frame *frame)
{
    size_t need = rep->size + FRAME_LONG_HEADER + frame->size;
    if (need > rep->room) {
        uint8_t *envelope = realloc(rep->envelope, need * 2);
        if (!envelope)
            return false;
        rep->envelope = envelope;
        rep->room = need * 2;
    }
    rep->size += frame_header_write(rep->envelope + rep->size, FRAME_MORE, frame->size);
    if (frame->size)
        memcpy(rep->envelope + rep->size, frame->body, frame->size);
    rep->size += frame->size;
    rep->tally.parts++;
    rep->tally.bytes += frame->size;
    return true;
}

/* Moves the envelope out of the inbox. False: there is none, and the message is gone; or there is
 * no memory for it, and the next call goes on. */
static bool take_envelope(struct rep *rep, struct peer *peer)
{
    struct frame frame;
    if (rep->halfway != peer) {
        rep->size = 0;
        rep->tally = (struct tally){0};
    }
    rep->halfway = NULL;
    for (;;) {
        check(buffer_front(&peer->in, &frame, NULL));
        bool more = frame.flags & FRAME_MORE;
        if (more && !keep_frame(rep, &frame)) {
            rep->halfway = peer;
            shortage_retry(peer->socket->ctx);
            return false;
        }
        buffer_pop(&peer->in, &frame);
        if (!more || frame.size == 0)
            return more;
    }
}

/* Finds the next request, and discards what is none. */
static bool find_request(struct socket *socket)
{
    struct rep *rep = socket->state;
    struct peer *peer;
    while (!rep->replying && !rep->asking && (peer = TAILQ_FIRST(&socket->lineup.ready))) {
        if (take_envelope(rep, peer)) {
            rep->asking = peer;
            socket->reading_peer = peer; /* from here on its inbox stays */
            rep->client = peer->closed ? NULL : peer;
            break;
        }
        if (rep->halfway)
            break;
        lineup_was_read(&socket->lineup, peer);
        peer_inbox_read(peer);
    }
    return !rep->replying && rep->asking;
}

static int begin(struct socket *socket)
{
    struct rep *rep = socket->state;
    if (rep->replying)
        return -EFSM;
    if (!find_request(socket))
        return rep->halfway ? -ENOMEM : -EAGAIN;
    socket->reading_peer = rep->asking;
    socket->reading = &rep->asking->in;
    return 0;
}

static void end(struct socket *socket)
{
    struct rep *rep = socket->state;
    rep->asking = NULL;
    rep->replying = true;
}

static int admit(struct socket *socket, const struct frame *first)
{
    struct rep *rep = socket->state;
    (void)first;
    return rep->replying ? 0 : -EFSM;
}

static size_t route(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    struct rep *rep = socket->state;
    struct peer *client = rep->client;
    check(!prefix);
    rep->replying = false;
    rep->client = NULL;
    if (!client) {
        ledger_drop(&socket->ledger, DROP_NO_ROUTE, &run->tally);
        return run->size;
    }
    struct prefix envelope = {.data = rep->envelope,
                              .size = rep->size,
                              .parts = (uint32_t)rep->tally.parts,
                              .bytes = (uint32_t)rep->tally.bytes};
    if (peer_write(client, run, &envelope)) {
        tally_add(&socket->ledger.copied, &rep->tally); /* nobody sent it with the reply */
        return run->size;
    }
    if (peer_refusal(client) == DROP_NO_MEMORY) {
        rep->replying = true; /* the reply is still due */
        rep->client = client;
        return 0;
    }
    ledger_drop(&socket->ledger, DROP_FULL, &run->tally);
    ledger_drop(&client->books, DROP_FULL, &run->tally);
    return run->size;
}

static bool forgo(struct socket *socket)
{
    struct rep *rep = socket->state;
    bool owed = rep->replying;
    rep->replying = false;
    rep->client = NULL;
    return owed;
}

static bool can_send_now(struct socket *socket)
{
    return ((struct rep *)socket->state)->replying;
}

const struct pattern pattern_rep = {
    .type = ZMQ_REP,
    .inbound = INBOUND_RECEIVE,
    .can_receive = true,
    .can_send = true,
    .open = open_rep,
    .close = close_rep,
    .detach = detach,
    .begin = begin,
    .end = end,
    .admit = admit,
    .route = route,
    .forgo = forgo,
    .can_send_now = can_send_now,
    .can_receive_now = find_request,
};
