/* SPDX-License-Identifier: MIT */
/* zmq_poll() and zmq_ppoll(): wait for sockets and descriptors together.
 *
 *      look ── something ready, or no time left ──> answer
 *       └ watch all sockets ── wait in the home loop ── unwatch ┐
 *         ^                                                     │
 *         └──────────────────────── look ───────────────────────┘
 *
 * Home is the context of the first socket; the caller waits in its loop. Its lock is held from end
 * to end but for the waiting itself, so that nothing happens between looking and watching. A
 * socket of another context rings a bell: an eventfd among the descriptors that the caller waits
 * for. Only one context's lock is held at a time; with several contexts there is a look after the
 * watching, too. Whoever watches holds the socket's memory, so a socket that is closed meanwhile
 * gives ENOTSOCK. */
#define ZMQ_BUILD_DRAFT_API /* zmq_ppoll() is one */
#include "api/enter.h"
#include "base/fd.h"
#include "base/check.h"
#include "core/lamp.h"
#include "green/fdwait.h"
#include "green/hub.h"
#include "green/sigmask.h"

#include <greenmq/zmq.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    ON_STACK = 16,           /* so many items need no heap */
    UNATTENDED_NS = 10000000 /* how often to run loops that nobody else may run */
};

struct poller {
    zmq_pollitem_t *items;
    int count;
    struct watch *watches; /* one an item; used if its waiter is not NULL */
    struct waiter *bells;  /* one an item, once a socket of another context is among them */
    struct pollfd *fds;    /* WAITER_FDS for the loop, the descriptors in order, then bells */
    nfds_t fd_count;       /* those and the descriptors */
    const sigset_t *mask;  /* of signals while it waits; NULL: the thread's own */
    struct waiter waiter;
    struct ctx *entered; /* whose lock is held; NULL: none */
    struct ctx *home;    /* NULL before a socket is watched */
    bool abroad;         /* there are sockets of other contexts */
    bool unattended;     /* one of those contexts has no steward */
};

static void let_go(struct poller *poller)
{
    if (poller->entered)
        ctx_leave(poller->entered);
    poller->entered = NULL;
}

/* Takes the lock of the item's context; only that is held then. */
static int go_to(struct poller *poller, void *handle, struct socket **socket)
{
    if (poller->entered && is_open_socket(handle) &&
        ((struct socket *)handle)->ctx == poller->entered) {
        *socket = handle;
        return 0;
    }
    let_go(poller);
    int rc = socket_enter(handle, socket);
    if (rc == 0)
        poller->entered = (*socket)->ctx;
    return rc;
}

/* The same for a context in which something is watched: it is there. */
static void go_back(struct poller *poller, struct ctx *ctx)
{
    if (poller->entered == ctx)
        return;
    let_go(poller);
    check(ctx_enter(ctx) == 0);
    poller->entered = ctx;
}

/* Sets revents of all sockets; `turn`: runs the loops before. Returns how many have events. */
static int look_at_sockets(struct poller *poller, bool turn)
{
    const struct ctx *seen = NULL;
    int ready = 0;
    for (int i = 0; i < poller->count; i++) {
        zmq_pollitem_t *item = &poller->items[i];
        struct socket *socket;
        if (!item->socket)
            continue;
        int rc = go_to(poller, item->socket, &socket);
        if (rc < 0)
            return rc;
        struct ctx *ctx = poller->entered;
        if (ctx != seen && (turn || !loop_is_attended(&ctx->loop)))
            loop_turn(&ctx->loop);
        seen = ctx;
        lamp_asked(socket, item->events);
        if (has_ended(socket))
            return -ETERM;
        item->revents = (short)(socket_events(socket) & item->events);
        ready += item->revents != 0;
    }
    return ready;
}

static short to_poll(short events)
{
    return (short)((events & ZMQ_POLLIN ? POLLIN : 0) | (events & ZMQ_POLLOUT ? POLLOUT : 0) |
                   (events & ZMQ_POLLPRI ? POLLPRI : 0));
}

/* All that is wrong with a descriptor is ZMQ_POLLERR, asked for or not. */
static short from_poll(short events)
{
    return (short)((events & POLLIN ? ZMQ_POLLIN : 0) | (events & POLLOUT ? ZMQ_POLLOUT : 0) |
                   (events & POLLPRI ? ZMQ_POLLPRI : 0) |
                   (events & ~(POLLIN | POLLOUT | POLLPRI) ? ZMQ_POLLERR : 0));
}

static void list_descriptors(struct poller *poller)
{
    poller->fd_count = WAITER_FDS;
    for (int i = 0; i < poller->count; i++) {
        const zmq_pollitem_t *item = &poller->items[i];
        if (!item->socket)
            poller->fds[poller->fd_count++] = (struct pollfd){.fd = item->fd,
                                                              .events = to_poll(item->events)};
    }
}

/* Sets revents of all descriptors from what was polled. */
static void report_descriptors(const struct poller *poller)
{
    const struct pollfd *fd = &poller->fds[WAITER_FDS];
    for (int i = 0; i < poller->count; i++) {
        if (!poller->items[i].socket)
            poller->items[i].revents = from_poll((fd++)->revents);
    }
}

/* Sets revents of all descriptors, for which it waits. Returns how many have events. */
static int look_at_descriptors(const struct poller *poller, int timeout_ms, const sigset_t *mask)
{
    struct pollfd *fds = &poller->fds[WAITER_FDS];
    int ready = sigmask_poll(fds, poller->fd_count - WAITER_FDS, timeout_ms, mask);
    if (ready < 0)
        return -errno;
    report_descriptors(poller);
    return ready;
}

static int look(struct poller *poller, bool turn)
{
    int sockets = look_at_sockets(poller, turn);
    if (sockets < 0 || poller->fd_count == WAITER_FDS)
        return sockets;
    int descriptors = look_at_descriptors(poller, 0, NULL);
    return descriptors < 0 ? descriptors : sockets + descriptors;
}

/* The bell for item `i`, which will be the next of the descriptors. To the other loop it is one
 * of its followers who sleeps. NULL without memory or descriptors. */
static struct waiter *bell_for(struct poller *poller, int i)
{
    if (!poller->bells)
        poller->bells = calloc((size_t)poller->count, sizeof *poller->bells);
    if (!poller->bells)
        return NULL;
    struct waiter *bell = &poller->bells[i];
    waiter_init_bell(bell, fd_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
    if (bell->bell < 0)
        return NULL;
    poller->fds[poller->waiter.fd_count++] = (struct pollfd){.fd = bell->bell, .events = POLLIN};
    return bell;
}

static int watch(struct poller *poller, int i)
{
    struct socket *socket;
    int rc = go_to(poller, poller->items[i].socket, &socket);
    if (rc < 0)
        return rc;
    struct ctx *ctx = poller->entered;
    struct waiter *waiter = &poller->waiter;
    if (!poller->home)
        poller->home = ctx;
    if (ctx != poller->home) {
        waiter = bell_for(poller, i);
        poller->abroad = true;
        poller->unattended |= !ctx->loop.has_steward;
    }
    if (!waiter)
        return -ENOMEM;
    socket_watch(socket, &poller->watches[i], waiter);
    return 0;
}

static int watch_all(struct poller *poller)
{
    waiter_init(&poller->waiter);
    poller->waiter.what = "zmq_poll";
    poller->waiter.fds = poller->fds;
    poller->waiter.fd_count = poller->fd_count;
    poller->waiter.mask = poller->mask;
    poller->home = NULL;
    poller->abroad = poller->unattended = false;
    int rc = 0;
    for (int i = 0; i < poller->count; i++) {
        poller->watches[i].waiter = NULL;
        if (rc == 0 && poller->items[i].socket)
            rc = watch(poller, i);
    }
    if (poller->waiter.fd_count == WAITER_FDS)
        poller->waiter.fd_count = 0;
    return rc;
}

static void unwatch_all(struct poller *poller)
{
    for (int i = 0; i < poller->count; i++) {
        struct watch *watch = &poller->watches[i];
        struct socket *socket = poller->items[i].socket;
        if (!watch->waiter)
            continue;
        go_back(poller, socket->ctx); /* closed or not, both last while it is watched */
        socket_unwatch(socket, watch);
        if (watch->waiter != &poller->waiter)
            close(watch->waiter->bell);
    }
}

/* Waits in the home loop. 0, -ETIMEDOUT or -EINTR. */
static int wait_at_home(struct poller *poller, uint64_t deadline_ns)
{
    struct ctx *home = poller->home;
    uint64_t until_ns = deadline_ns;
    if (poller->unattended && loop_clock_ns() + UNATTENDED_NS < deadline_ns)
        until_ns = loop_clock_ns() + UNATTENDED_NS;
    go_back(poller, home);
    ctx_settle(home);
    int rc = loop_wait(&home->loop, &poller->waiter, until_ns);
    return rc == -ETIMEDOUT && until_ns < deadline_ns ? 0 : rc;
}

/* Waits until something may have happened, or finds that it has. Returns how many have events,
 * 0 to look again, or a negative errno. */
static int watch_and_wait(struct poller *poller, uint64_t deadline_ns)
{
    int rc = watch_all(poller);
    if (rc == 0 && poller->abroad)
        rc = look(poller, false);
    if (rc == 0)
        rc = wait_at_home(poller, deadline_ns);
    unwatch_all(poller);
    return rc;
}

/* The same, but with a look when it has waited. It is the last if the time is over, or a signal has
 * come. */
static int wait_and_look(struct poller *poller, uint64_t deadline_ns)
{
    int waited = watch_and_wait(poller, deadline_ns);
    int ready = waited > 0 ? waited : look(poller, false);
    return ready == 0 ? waited : ready;
}

static int poll_sockets(struct poller *poller, uint64_t deadline_ns)
{
    int ready = look(poller, false);
    if (ready == 0 && deadline_ns == 0)
        ready = look(poller, true);
    if (ready == 0 && deadline_ns == 0 && poller->mask)
        ready = look_at_descriptors(poller, 0, poller->mask); /* lets the signals in */
    if (deadline_ns == 0 || ready != 0)
        return ready;
    bool begun = sigmask_begin();
    do
        ready = wait_and_look(poller, deadline_ns);
    while (ready == 0);
    sigmask_end(begun);
    return ready == -ETIMEDOUT ? 0 : ready;
}

static uint64_t deadline_of(long timeout_ms)
{
    if (timeout_ms == 0)
        return 0;
    return timeout_ms < LONG_MAX / 1000000 ? loop_deadline_ns(timeout_ms) : UINT64_MAX;
}

/* There is no socket among the items. */
static int poll_descriptors(struct poller *poller, long timeout_ms)
{
    if (!hub_current || timeout_ms == 0) {
        int wait_ms = timeout_ms < 0 ? -1 : timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
        return look_at_descriptors(poller, wait_ms, poller->mask);
    }
    int ready = fdwait_poll(hub_current, &poller->fds[WAITER_FDS], (nfds_t)poller->count,
                            "zmq_poll", deadline_of(timeout_ms));
    if (ready >= 0)
        report_descriptors(poller);
    return ready;
}

static int run(struct poller *poller, long timeout_ms)
{
    list_descriptors(poller);
    if (poller->fd_count - WAITER_FDS == (nfds_t)poller->count)
        return poll_descriptors(poller, timeout_ms);
    int ready = poll_sockets(poller, deadline_of(timeout_ms));
    let_go(poller);
    return ready;
}

static int poll_items(zmq_pollitem_t *items, int count, long timeout_ms, const sigset_t *mask)
{
    struct watch watches[ON_STACK];
    struct pollfd fds[ON_STACK + WAITER_FDS];
    struct poller poller = {
        .items = items, .count = count, .watches = watches, .fds = fds, .mask = mask};
    if (count < 0)
        return -EINVAL;
    if (!items && count)
        return -EFAULT;
    if (timeout_ms != 0 && hub_is_cancelled())
        return -ECANCELED;
    if (count <= ON_STACK) {
        int rc = run(&poller, timeout_ms);
        free(poller.bells);
        return rc;
    }
    int rc = -ENOMEM;
    poller.watches = malloc((size_t)count * sizeof *poller.watches);
    poller.fds = malloc(((size_t)count + WAITER_FDS) * sizeof *poller.fds);
    if (poller.watches && poller.fds)
        rc = run(&poller, timeout_ms);
    free(poller.watches);
    free(poller.fds);
    free(poller.bells);
    return rc;
}

int zmq_poll(zmq_pollitem_t *items, int n_items, long timeout_ms)
{
    return answer(poll_items(items, n_items, timeout_ms, NULL));
}

int zmq_ppoll(zmq_pollitem_t *items, int n_items, long timeout_ms, const void *sigmask)
{
    return answer(poll_items(items, n_items, timeout_ms, sigmask));
}
