/* SPDX-License-Identifier: MIT */
/* REQ (28/REQREP): a request, then its reply, in lock step. A request goes out behind an empty
 * delimiter, with ZMQ_REQ_CORRELATE also behind its number. A reply that comes from another peer,
 * or with the wrong number, or without a delimiter, is discarded. So is all that has come before a
 * request is sent: it answers an earlier one.
 *
 * ZMQ_REQ_RELAXED allows another request before the reply. So does the end of the connection by
 * which the request has left: the reply may be lost with it. */
#include "core/socket.h"
#include "pattern/patterns.h"

#include "base/check.h"
#include "base/random.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>

enum { ID_SIZE = 4 };

struct req {
    bool awaiting;        /* a request is out */
    bool lost;            /* its connection has ended */
    struct peer *replied; /* its reply is next in this inbox, the envelope taken off */
    uint32_t id;          /* of the last request, with ZMQ_REQ_CORRELATE */
    uint32_t turn;        /* even, another for each request: the stamp of the peer that is asked */
};

static int open_req(struct socket *socket)
{
    struct req *req = calloc(1, sizeof *req);
    if (!req)
        return -ENOMEM;
    random_fill(&req->id, sizeof req->id);
    socket->state = req;
    return 0;
}

static void close_req(struct socket *socket)
{
    free(socket->state);
}

static int ready(struct socket *socket, struct peer *peer)
{
    socket_probe(socket, peer);
    return 0;
}

/* One that comes after a request is stamped so. */
static uint32_t stamp_of_later(const struct req *req)
{
    return req->turn + 1;
}

static void attach(struct socket *socket, struct peer *peer)
{
    peer->stamp = stamp_of_later(socket->state);
}

static void lose_request(struct socket *socket, const struct peer *peer)
{
    struct req *req = socket->state;
    if (!req->awaiting || peer->stamp != req->turn)
        return;
    req->lost = true;
    socket_notify(socket, EVENT_OUT);
}

/* A request that has not left yet goes by the next connection. */
static void lost(struct socket *socket, struct peer *peer)
{
    if (buffer_is_empty(&peer->out))
        lose_request(socket, peer);
}

static void detach(struct socket *socket, struct peer *peer)
{
    lose_request(socket, peer);
}

/* Takes one frame off the inbox if it is as it should be: the id, or the delimiter. */
static bool take_frame(struct buffer *in, const void *body, size_t size)
{
    struct frame frame;
    if (!buffer_front(in, &frame, NULL) || !(frame.flags & FRAME_MORE) || frame.size != size ||
        (size && memcmp(frame.body, body, size) != 0))
        return false;
    buffer_pop(in, &frame);
    return true;
}

/* The peer asked may; once its connection has ended also one that has come since, for who connects
 * to us anew is another peer. */
static bool may_reply(const struct req *req, const struct peer *peer)
{
    return peer->stamp == req->turn || (req->lost && peer->stamp == stamp_of_later(req));
}

static bool take_envelope(struct socket *socket, struct peer *peer)
{
    struct req *req = socket->state;
    if (!may_reply(req, peer))
        return false;
    if (socket->options.req_correlate && !take_frame(&peer->in, &req->id, ID_SIZE))
        return false;
    return take_frame(&peer->in, NULL, 0);
}

static void discard(struct socket *socket, struct peer *peer, uint64_t messages)
{
    buffer_pop_messages(&peer->in, messages);
    lineup_was_read(&socket->lineup, peer);
    peer_inbox_read(peer);
}

/* Finds the reply, and discards what is none. */
static bool find_reply(struct socket *socket)
{
    struct req *req = socket->state;
    struct peer *peer;
    while (req->awaiting && !req->replied && (peer = TAILQ_FIRST(&socket->lineup.ready))) {
        if (take_envelope(socket, peer)) {
            req->replied = peer;
            socket->reading_peer = peer; /* from here on its inbox stays */
            break;
        }
        discard(socket, peer, 1);
    }
    return req->awaiting && req->replied;
}

static int begin(struct socket *socket)
{
    struct req *req = socket->state;
    if (!req->awaiting)
        return -EFSM;
    if (!find_reply(socket))
        return -EAGAIN;
    socket->reading_peer = req->replied;
    socket->reading = &req->replied->in;
    return 0;
}

static void end(struct socket *socket)
{
    struct req *req = socket->state;
    req->awaiting = false;
    req->replied = NULL;
}

static bool may_ask(struct socket *socket)
{
    struct req *req = socket->state;
    return !req->awaiting || socket->options.req_relaxed || (req->lost && !find_reply(socket));
}

static bool has_lost(struct socket *socket)
{
    struct req *req = socket->state;
    return req->awaiting && req->lost && !find_reply(socket);
}

static bool can_send_now(struct socket *socket)
{
    return may_ask(socket) && lineup_has_room(&socket->lineup);
}

/* A request begins. What has come answers none that is still to be answered, not even what is half
 * received. What comes while this is done is left, so that it ends. */
static void empty_inboxes(struct socket *socket)
{
    struct lineup *lineup = &socket->lineup;
    struct peer *peer, *last = TAILQ_LAST(&lineup->ready, peers);
    end(socket);
    socket->reading = NULL;
    socket->reading_peer = NULL;
    while ((peer = TAILQ_FIRST(&lineup->ready))) {
        bool is_last = peer == last;
        discard(socket, peer, peer->in.tally.messages);
        if (is_last)
            break;
    }
}

static int admit(struct socket *socket, const struct frame *first)
{
    (void)first;
    if (!may_ask(socket))
        return -EFSM;
    if (!lineup_has_room(&socket->lineup))
        return -EAGAIN;
    empty_inboxes(socket);
    return ADMIT_PROMISED;
}

static size_t route(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    struct req *req = socket->state;
    uint8_t envelope[2 * FRAME_SHORT_HEADER + ID_SIZE];
    struct prefix with = {.data = envelope, .parts = 1};
    check(!prefix);
    if (!lineup_has_room(&socket->lineup))
        return 0;
    uint32_t id = req->id + 1;
    if (socket->options.req_correlate) {
        with.size = frame_header_write(envelope, FRAME_MORE, ID_SIZE);
        memcpy(envelope + with.size, &id, ID_SIZE);
        with.size += ID_SIZE;
        with.parts++;
        with.bytes = ID_SIZE;
    }
    with.size += frame_header_write(envelope + with.size, FRAME_MORE, 0);
    struct peer *asked = TAILQ_FIRST(&socket->lineup.open);
    uint32_t stamp = asked->stamp;
    asked->stamp = req->turn + 2;
    if (!lineup_balance(&socket->lineup, run, &with)) {
        asked->stamp = stamp;
        return 0;
    }
    req->turn += 2;
    req->id = id;
    req->awaiting = true;
    req->lost = false;
    struct tally added = {.parts = with.parts, .bytes = with.bytes};
    tally_add(&socket->ledger.copied, &added); /* it was not sent with the request */
    return run->size;
}

const struct pattern pattern_req = {
    .type = ZMQ_REQ,
    .inbound = INBOUND_RECEIVE,
    .can_receive = true,
    .can_send = true,
    .balances = true,
    .open = open_req,
    .close = close_req,
    .attach = attach,
    .ready = ready,
    .lost = lost,
    .detach = detach,
    .begin = begin,
    .end = end,
    .admit = admit,
    .route = route,
    .has_lost = has_lost,
    .can_send_now = can_send_now,
    .can_receive_now = find_reply,
};
