/* SPDX-License-Identifier: MIT */
/* REQ (28/REQREP): a request, then its reply, in lock step. A request goes out behind an empty
 * delimiter, with ZMQ_REQ_CORRELATE also behind its number. A reply that comes from another peer,
 * or with the wrong number, or without a delimiter, is discarded. ZMQ_REQ_RELAXED allows another
 * request before the reply. */
#include "core/socket.h"
#include "pattern/patterns.h"

#include "base/check.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>

enum { ID_SIZE = 4 };

struct req {
    bool awaiting;        /* a request is out */
    struct peer *asked;   /* to whom it went; NULL when that peer has gone */
    struct peer *replied; /* its reply is next in this inbox, the envelope taken off */
    uint32_t id;          /* of the last request, with ZMQ_REQ_CORRELATE */
};

static int open_req(struct socket *socket)
{
    struct req *req = calloc(1, sizeof *req);
    if (!req)
        return -ENOMEM;
    uv_random(NULL, NULL, &req->id, sizeof req->id, 0, NULL);
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

static void detach(struct socket *socket, struct peer *peer)
{
    struct req *req = socket->state;
    if (req->asked == peer)
        req->asked = NULL;
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

static bool take_envelope(struct socket *socket, struct peer *peer)
{
    struct req *req = socket->state;
    if (req->asked && peer != req->asked)
        return false;
    if (socket->options.req_correlate && !take_frame(&peer->in, &req->id, ID_SIZE))
        return false;
    return take_frame(&peer->in, NULL, 0);
}

/* Finds the reply, and discards what is none. */
static bool find_reply(struct socket *socket)
{
    struct req *req = socket->state;
    struct peer *peer;
    while (req->awaiting && !req->replied && (peer = TAILQ_FIRST(&socket->lineup.ready))) {
        if (take_envelope(socket, peer)) {
            req->replied = peer;
            break;
        }
        buffer_pop_messages(&peer->in, 1);
        lineup_was_read(&socket->lineup, peer);
        peer_inbox_read(peer);
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

static bool can_send_now(struct socket *socket)
{
    struct req *req = socket->state;
    return (!req->awaiting || socket->options.req_relaxed) && lineup_has_room(&socket->lineup);
}

/* Another request comes before the reply: what has come of that is discarded. */
static void forget_request(struct socket *socket)
{
    struct req *req = socket->state;
    struct peer *peer = req->replied;
    end(socket);
    if (!peer)
        return;
    socket->reading = NULL;
    socket->reading_peer = NULL;
    buffer_pop_messages(&peer->in, 1);
    lineup_was_read(&socket->lineup, peer);
    peer_inbox_read(peer);
}

static int admit(struct socket *socket, const struct frame *first)
{
    struct req *req = socket->state;
    (void)first;
    if (req->awaiting && !socket->options.req_relaxed)
        return -EFSM;
    if (!lineup_has_room(&socket->lineup))
        return -EAGAIN;
    if (req->awaiting)
        forget_request(socket);
    return 0;
}

static size_t route(struct socket *socket, const struct run *run, const struct prefix *prefix)
{
    struct req *req = socket->state;
    uint8_t envelope[2 * FRAME_SHORT_HEADER + ID_SIZE];
    struct prefix with = {.data = envelope, .parts = 1};
    check(!prefix);
    if (!lineup_has_room(&socket->lineup))
        return 0;
    if (socket->options.req_correlate) {
        req->id++;
        with.size = frame_header_write(envelope, FRAME_MORE, ID_SIZE);
        memcpy(envelope + with.size, &req->id, ID_SIZE);
        with.size += ID_SIZE;
        with.parts++;
        with.bytes = ID_SIZE;
    }
    with.size += frame_header_write(envelope + with.size, FRAME_MORE, 0);
    req->asked = TAILQ_FIRST(&socket->lineup.open);
    req->awaiting = true;
    struct tally added = {.parts = with.parts, .bytes = with.bytes};
    tally_add(&socket->ledger.copied, &added); /* it was not sent with the request */
    return lineup_balance(&socket->lineup, run, &with);
}

const struct pattern pattern_req = {
    .type = ZMQ_REQ,
    .inbound = INBOUND_RECEIVE,
    .can_receive = true,
    .can_send = true,
    .balances = true,
    .open = open_req,
    .close = close_req,
    .ready = ready,
    .detach = detach,
    .begin = begin,
    .end = end,
    .admit = admit,
    .route = route,
    .can_send_now = can_send_now,
    .can_receive_now = find_reply,
};
