/* SPDX-License-Identifier: MIT */
/* The relay: see proxy.h.
 *
 *      wait ── zmq_poll() ──> obey the control ──> move on each path what can be moved ──> wait
 *
 * A path is a direction. It waits until its input has a message, then, if need be, until its output
 * has room; only then is the message taken, so none is ever between the two. For that moment both
 * contexts' locks are held: the second is only tried, and where that fails both are let go and
 * taken the other way round.
 *
 * Whoever reads captures is not waited for: a copy that finds no room is dropped. */
#include "api/proxy.h"

#include "api/enter.h"
#include "core/lamp.h"
#include "green/hub.h"

#include <greenmq/zmq.h>

enum {
    FRONT,
    BACK,
    CONTROL,
    ITEMS,
    PATHS = 2,
    BURST = 100,  /* messages that one path moves, then the other has its turn */
    RETRY_MS = 10 /* where room cannot be waited for: at one peer of a ROUTER_MANDATORY */
};

/* What came of an attempt, and so what the path waits for. */
enum state { AWAITS_INPUT, AWAITS_ROOM, IS_STUCK, HAS_MOVED };

struct path {
    void *from, *to;
    enum state state;
    uint64_t messages, bytes;
};

struct proxy {
    struct proxy_sockets sockets;
    struct path paths[PATHS]; /* from the frontend, from the backend */
    int path_count;           /* 1 where both are the same socket */
    bool paused, over;
};

/* ---- setting up --------------------------------------------------------------------------- */

static struct ctx *context_of(void *handle)
{
    return is_open_socket(handle) ? ((struct socket *)handle)->ctx : NULL;
}

bool proxy_is_needed(const struct proxy_sockets *sockets)
{
    struct ctx *home = context_of(sockets->frontend);
    void *others[] = {sockets->backend, sockets->capture, sockets->control};
    for (int i = 0; i < 3; i++) {
        struct ctx *ctx = context_of(others[i]);
        if (home && ctx && ctx != home)
            return true;
    }
    return sockets->capture &&
           (sockets->capture == sockets->frontend || sockets->capture == sockets->backend ||
            sockets->capture == sockets->control);
}

static int check_socket(void *handle, bool sends, bool receives)
{
    struct socket *socket;
    int rc = handle ? socket_enter(handle, &socket) : 0;
    if (rc < 0 || !handle)
        return rc;
    const struct pattern *pattern = socket->pattern;
    if (has_ended(socket))
        rc = -ETERM;
    else if (socket->sink)
        rc = -EBUSY;
    else if ((sends && (!pattern->can_send || pattern->inbound == INBOUND_RECEIVE)) ||
             (receives && !pattern->can_receive))
        rc = -EINVAL;
    else if (socket->sending)
        rc = -EFSM;
    ctx_leave(socket->ctx);
    return rc;
}

static int check_all(const struct proxy_sockets *sockets)
{
    int rc = check_socket(sockets->frontend, false, false);
    if (rc == 0)
        rc = check_socket(sockets->backend, false, false);
    if (rc == 0)
        rc = check_socket(sockets->capture, true, false);
    if (rc == 0)
        rc = check_socket(sockets->control, false, true);
    bool twice = sockets->control &&
                 (sockets->control == sockets->frontend || sockets->control == sockets->backend);
    return rc == 0 && twice ? -EBUSY : rc;
}

/* ---- moving ------------------------------------------------------------------------------- */

static int try_enter(void *handle, struct socket **socket)
{
    if (!is_open_socket(handle))
        return -ENOTSOCK;
    *socket = handle;
    struct ctx *ctx = (*socket)->ctx;
    if (!loop_try_enter(&ctx->loop))
        return -EBUSY;
    if (is_open_socket(handle) && (*socket)->ctx == ctx) {
        lane_close_all(*socket);
        return 0;
    }
    ctx_leave(ctx);
    return -ENOTSOCK;
}

/* Takes the locks of both sockets' contexts. */
static int enter_both(const struct path *path, struct socket **from, struct socket **to)
{
    bool turned = false;
    for (;;) {
        struct socket **first = turned ? to : from, **second = turned ? from : to;
        int rc = socket_enter(turned ? path->to : path->from, first);
        if (rc < 0)
            return rc;
        if (context_of(path->from) == context_of(path->to)) {
            *from = path->from;
            *to = path->to;
            lane_close_all(*from);
            lane_close_all(*to);
            return 0;
        }
        rc = try_enter(turned ? path->from : path->to, second);
        if (rc == 0)
            return 0;
        ctx_leave((*first)->ctx);
        if (rc != -EBUSY)
            return rc;
        turned = !turned;
    }
}

static void leave_both(const struct socket *from, const struct socket *to)
{
    if (to->ctx != from->ctx)
        ctx_leave(to->ctx);
    ctx_leave(from->ctx);
}

/* Points to the first part of the next message without taking it. */
static int peek(struct socket *socket, struct frame *first)
{
    struct chunk *chunk;
    if (!socket->reading && buffer_is_empty(&socket->lead)) {
        int rc = socket->pattern->begin(socket);
        if (rc < 0)
            return rc;
    }
    buffer_front(buffer_is_empty(&socket->lead) ? socket->reading : &socket->lead, first, &chunk);
    return 0;
}

/* May the next message go? A state, or a negative errno. */
static int look(struct socket *from, struct socket *to)
{
    struct frame first;
    if (!socket_can_receive(from))
        return AWAITS_INPUT;
    if (from == to)
        return HAS_MOVED; /* a REP can send only once it has received */
    if (!socket_can_send(to))
        return AWAITS_ROOM;
    int rc = peek(from, &first);
    if (rc == 0 && !to->sending)
        rc = to->pattern->admit(to, &first);
    if (rc == -EAGAIN || to->sending)
        return IS_STUCK;
    return rc >= 0 || rc == -EHOSTUNREACH ? HAS_MOVED : rc;
}

/* Receives a message whole. -ENOMEM: it is lost. */
static int receive(struct socket *socket, struct buffer *message)
{
    int rc = 0;
    for (bool more = true; more;) {
        struct msg part;
        msg_init(&part);
        if (socket_try_receive(socket, &part, false) < 0)
            return -ENOMEM;
        more = part.more;
        if (rc == 0)
            rc = buffer_append_shared(message, more ? FRAME_MORE : 0, msg_chunk(&part),
                                      msg_data(&part), msg_size(&part));
        msg_close(&part);
    }
    return rc;
}

/* Sends it if there is somebody for it; whoever is gone does not get it. */
static void put(struct socket *socket, struct buffer *message)
{
    struct run run = {.large = message, .size = message->bytes, .tally = message->tally};
    if (socket_offer(socket, &run))
        return;
    tally_add(&socket->ledger.received, &run.tally);
    ledger_drop(&socket->ledger, DROP_NO_ROUTE, &run.tally);
}

/* With both locks held. The message that was moved is left in `message`. */
static int move_one(struct path *path, struct socket *from, struct socket *to,
                    struct buffer *message)
{
    if (has_ended(from) || has_ended(to))
        return -ETERM;
    int rc = look(from, to);
    if (rc != HAS_MOVED)
        return rc;
    rc = receive(from, message);
    if (rc < 0)
        return rc;
    put(to, message);
    path->messages++;
    path->bytes += message->tally.bytes;
    return HAS_MOVED;
}

static int capture(void *handle, struct buffer *message)
{
    struct socket *socket;
    int rc = socket_enter(handle, &socket);
    if (rc < 0)
        return rc;
    if (has_ended(socket))
        rc = -ETERM;
    else
        put(socket, message);
    lamp_sent(socket, rc);
    ctx_leave(socket->ctx);
    return rc;
}

/* Moves messages as long as there are any, up to `most`. A state, or a negative errno. */
static int move_some(struct path *path, int most, struct buffer *last)
{
    struct socket *from, *to;
    int rc = enter_both(path, &from, &to);
    if (rc < 0)
        return rc;
    do {
        buffer_term(last);
        rc = move_one(path, from, to, last);
    } while (rc == HAS_MOVED && --most);
    lamp_received(from, rc);
    lamp_sent(to, rc);
    leave_both(from, to);
    return rc;
}

/* A copy for the capture is made of each message, so they go one by one then. */
static int move(struct proxy *proxy, struct path *path)
{
    bool captures = proxy->sockets.capture;
    int rc = HAS_MOVED;
    for (int n = 0; n < (captures ? BURST : 1) && rc == HAS_MOVED; n++) {
        struct buffer last = {0};
        rc = move_some(path, captures ? 1 : BURST, &last);
        if (captures && rc == HAS_MOVED) {
            int captured = capture(proxy->sockets.capture, &last);
            rc = captured < 0 ? captured : rc;
        }
        buffer_term(&last);
    }
    path->state = rc == HAS_MOVED ? AWAITS_INPUT : rc < 0 ? IS_STUCK : (enum state)rc;
    return rc < 0 ? rc : 0;
}

/* ---- the control -------------------------------------------------------------------------- */

static void answer_statistics(const struct proxy *proxy)
{
    const struct path *there = &proxy->paths[FRONT], *back = &proxy->paths[BACK];
    uint64_t numbers[] = {there->messages, there->bytes, back->messages,  back->bytes,
                          back->messages,  back->bytes,  there->messages, there->bytes};
    for (int i = 0; i < 8; i++) {
        int more = i < 7 ? ZMQ_SNDMORE : 0;
        if (zmq_send(proxy->sockets.control, &numbers[i], sizeof numbers[i], more | ZMQ_DONTWAIT) <
            0)
            return;
    }
}

static bool says(const char *command, int size, const char *word)
{
    return size == (int)strlen(word) && memcmp(command, word, (size_t)size) == 0;
}

/* One command; a REP answers everything, with an empty message where there is nothing to say. */
static void obey(struct proxy *proxy, const char *command, int size)
{
    const char *reply = "";
    int type = 0;
    size_t room = sizeof type;
    if (says(command, size, "STATISTICS")) {
        answer_statistics(proxy);
        return;
    }
    if (says(command, size, "PAUSE"))
        proxy->paused = true;
    else if (says(command, size, "RESUME"))
        proxy->paused = false;
    else if (says(command, size, "TERMINATE"))
        proxy->over = true;
    else
        reply = "unknown command";
    if (zmq_getsockopt(proxy->sockets.control, ZMQ_TYPE, &type, &room) == 0 && type == ZMQ_REP)
        zmq_send(proxy->sockets.control, reply, strlen(reply), ZMQ_DONTWAIT);
}

/* Those that have come; further parts of one mean nothing. */
static int serve_control(struct proxy *proxy)
{
    void *control = proxy->sockets.control;
    while (!proxy->over) {
        char command[16], rest[1];
        int more = 0, size = zmq_recv(control, command, sizeof command, ZMQ_DONTWAIT);
        if (size < 0)
            return errno == EAGAIN || errno == EFSM ? 0 : -errno;
        size_t room = sizeof more;
        while (zmq_getsockopt(control, ZMQ_RCVMORE, &more, &room) == 0 && more) {
            if (zmq_recv(control, rest, sizeof rest, ZMQ_DONTWAIT) < 0)
                break;
        }
        obey(proxy, command, size);
    }
    return 0;
}

/* ---- running ------------------------------------------------------------------------------ */

/* What the sockets are asked for, so that each path comes to know of what it waits for. */
static long ask(const struct proxy *proxy, zmq_pollitem_t items[ITEMS])
{
    long timeout_ms = -1;
    items[FRONT] = (zmq_pollitem_t){.socket = proxy->sockets.frontend};
    items[BACK] = (zmq_pollitem_t){.socket = proxy->sockets.backend};
    items[CONTROL] = (zmq_pollitem_t){.socket = proxy->sockets.control, .events = ZMQ_POLLIN};
    for (int i = 0; i < proxy->path_count && !proxy->paused; i++) {
        const struct path *path = &proxy->paths[i];
        int from = i, to = proxy->path_count - 1 - i;
        if (path->state == AWAITS_INPUT)
            items[from].events |= ZMQ_POLLIN;
        else if (path->state == AWAITS_ROOM)
            items[to].events |= ZMQ_POLLOUT;
        else
            timeout_ms = RETRY_MS;
    }
    return timeout_ms;
}

static bool may_move(const struct proxy *proxy, int i, const zmq_pollitem_t items[ITEMS])
{
    switch (proxy->paths[i].state) {
    case AWAITS_INPUT: return items[i].revents & ZMQ_POLLIN;
    case AWAITS_ROOM: return items[proxy->path_count - 1 - i].revents & ZMQ_POLLOUT;
    default: return true;
    }
}

/* 0, or a negative errno. */
static int run_round(struct proxy *proxy)
{
    zmq_pollitem_t items[ITEMS];
    long timeout_ms = ask(proxy, items);
    if (zmq_poll(items, proxy->sockets.control ? ITEMS : CONTROL, timeout_ms) < 0)
        return -errno;
    int rc = 0;
    if (proxy->sockets.control && items[CONTROL].revents)
        rc = serve_control(proxy);
    for (int i = 0; i < proxy->path_count && rc == 0 && !proxy->paused && !proxy->over; i++) {
        if (may_move(proxy, i, items))
            rc = move(proxy, &proxy->paths[i]);
    }
    return rc;
}

int proxy_run(const struct proxy_sockets *sockets)
{
    struct proxy proxy = {.sockets = *sockets,
                          .paths = {{.from = sockets->frontend, .to = sockets->backend},
                                    {.from = sockets->backend, .to = sockets->frontend}},
                          .path_count = sockets->frontend == sockets->backend ? 1 : PATHS};
    int rc = check_all(sockets);
    while (rc == 0 && !proxy.over) {
        rc = run_round(&proxy);
        if (hub_current)
            hub_yield();
    }
    return rc;
}
