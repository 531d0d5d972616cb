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

struct polling {
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

static void let_go(struct polling *polling)
{
    if (polling->entered)
        ctx_leave(polling->entered);
    polling->entered = NULL;
}

/* Takes the lock of the item's context; only that is held then. */
static int go_to(struct polling *polling, void *handle, struct socket **socket)
{
    if (polling->entered && is_open_socket(handle) &&
        ((struct socket *)handle)->ctx == polling->entered) {
        *socket = handle;
        return 0;
    }
    let_go(polling);
    int rc = socket_enter(handle, socket);
    if (rc == 0)
        polling->entered = (*socket)->ctx;
    return rc;
}

/* The same for a context in which something is watched: it is there. */
static void go_back(struct polling *polling, struct ctx *ctx)
{
    if (polling->entered == ctx)
        return;
    let_go(polling);
    check(ctx_enter(ctx) == 0);
    polling->entered = ctx;
}

/* Sets revents of all sockets; `turn`: runs the loops before. Returns how many have events. */
static int look_at_sockets(struct polling *polling, bool turn)
{
    const struct ctx *seen = NULL;
    int ready = 0;
    for (int i = 0; i < polling->count; i++) {
        zmq_pollitem_t *item = &polling->items[i];
        struct socket *socket;
        if (!item->socket)
            continue;
        int rc = go_to(polling, item->socket, &socket);
        if (rc < 0)
            return rc;
        struct ctx *ctx = polling->entered;
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

static void list_descriptors(struct polling *polling)
{
    polling->fd_count = WAITER_FDS;
    for (int i = 0; i < polling->count; i++) {
        const zmq_pollitem_t *item = &polling->items[i];
        if (!item->socket)
            polling->fds[polling->fd_count++] = (struct pollfd){.fd = item->fd,
                                                                .events = to_poll(item->events)};
    }
}

/* Sets revents of all descriptors from what was polled. */
static void report_descriptors(const struct polling *polling)
{
    const struct pollfd *fd = &polling->fds[WAITER_FDS];
    for (int i = 0; i < polling->count; i++) {
        if (!polling->items[i].socket)
            polling->items[i].revents = from_poll((fd++)->revents);
    }
}

/* Sets revents of all descriptors, for which it waits. Returns how many have events. */
static int look_at_descriptors(const struct polling *polling, int timeout_ms, const sigset_t *mask)
{
    struct pollfd *fds = &polling->fds[WAITER_FDS];
    int ready = sigmask_poll(fds, polling->fd_count - WAITER_FDS, timeout_ms, mask);
    if (ready < 0)
        return -errno;
    report_descriptors(polling);
    return ready;
}

static int look(struct polling *polling, bool turn)
{
    int sockets = look_at_sockets(polling, turn);
    if (sockets < 0 || polling->fd_count == WAITER_FDS)
        return sockets;
    int descriptors = look_at_descriptors(polling, 0, NULL);
    return descriptors < 0 ? descriptors : sockets + descriptors;
}

/* The bell for item `i`, which will be the next of the descriptors. To the other loop it is one
 * of its followers who sleeps. NULL without memory or descriptors. */
static struct waiter *bell_for(struct polling *polling, int i)
{
    if (!polling->bells)
        polling->bells = calloc((size_t)polling->count, sizeof *polling->bells);
    if (!polling->bells)
        return NULL;
    struct waiter *bell = &polling->bells[i];
    waiter_init_bell(bell, fd_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
    if (bell->bell < 0)
        return NULL;
    polling->fds[polling->waiter.fd_count++] = (struct pollfd){.fd = bell->bell, .events = POLLIN};
    return bell;
}

static int watch(struct polling *polling, int i)
{
    struct socket *socket;
    int rc = go_to(polling, polling->items[i].socket, &socket);
    if (rc < 0)
        return rc;
    struct ctx *ctx = polling->entered;
    struct waiter *waiter = &polling->waiter;
    if (!polling->home)
        polling->home = ctx;
    if (ctx != polling->home) {
        waiter = bell_for(polling, i);
        polling->abroad = true;
        polling->unattended |= !ctx->loop.has_steward;
    }
    if (!waiter)
        return -ENOMEM;
    socket_watch(socket, &polling->watches[i], waiter);
    return 0;
}

static int watch_all(struct polling *polling)
{
    waiter_init(&polling->waiter);
    polling->waiter.what = "zmq_poll";
    polling->waiter.fds = polling->fds;
    polling->waiter.fd_count = polling->fd_count;
    polling->waiter.mask = polling->mask;
    polling->home = NULL;
    polling->abroad = polling->unattended = false;
    int rc = 0;
    for (int i = 0; i < polling->count; i++) {
        polling->watches[i].waiter = NULL;
        if (rc == 0 && polling->items[i].socket)
            rc = watch(polling, i);
    }
    if (polling->waiter.fd_count == WAITER_FDS)
        polling->waiter.fd_count = 0;
    return rc;
}

static void unwatch_all(struct polling *polling)
{
    for (int i = 0; i < polling->count; i++) {
        struct watch *watch = &polling->watches[i];
        struct socket *socket = polling->items[i].socket;
        if (!watch->waiter)
            continue;
        go_back(polling, socket->ctx); /* closed or not, both last while it is watched */
        socket_unwatch(socket, watch);
        if (watch->waiter != &polling->waiter)
            close(watch->waiter->bell);
    }
}

/* Waits in the home loop. 0, -ETIMEDOUT or -EINTR. */
static int wait_at_home(struct polling *polling, uint64_t deadline_ns)
{
    struct ctx *home = polling->home;
    uint64_t until_ns = deadline_ns;
    if (polling->unattended && loop_clock_ns() + UNATTENDED_NS < deadline_ns)
        until_ns = loop_clock_ns() + UNATTENDED_NS;
    go_back(polling, home);
    ctx_settle(home);
    int rc = loop_wait(&home->loop, &polling->waiter, until_ns);
    return rc == -ETIMEDOUT && until_ns < deadline_ns ? 0 : rc;
}

/* Waits until something may have happened, or finds that it has. Returns how many have events,
 * 0 to look again, or a negative errno. */
static int watch_and_wait(struct polling *polling, uint64_t deadline_ns)
{
    int rc = watch_all(polling);
    if (rc == 0 && polling->abroad)
        rc = look(polling, false);
    if (rc == 0)
        rc = wait_at_home(polling, deadline_ns);
    unwatch_all(polling);
    return rc;
}

/* The same, but with a look when it has waited. It is the last if the time is over, or a signal has
 * come. */
static int wait_and_look(struct polling *polling, uint64_t deadline_ns)
{
    int waited = watch_and_wait(polling, deadline_ns);
    int ready = waited > 0 ? waited : look(polling, false);
    return ready == 0 ? waited : ready;
}

static int poll_sockets(struct polling *polling, uint64_t deadline_ns)
{
    int ready = look(polling, false);
    if (ready == 0 && deadline_ns == 0)
        ready = look(polling, true);
    if (ready == 0 && deadline_ns == 0 && polling->mask)
        ready = look_at_descriptors(polling, 0, polling->mask); /* lets the signals in */
    if (deadline_ns == 0 || ready != 0)
        return ready;
    bool begun = sigmask_begin();
    do
        ready = wait_and_look(polling, deadline_ns);
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
static int poll_descriptors(struct polling *polling, long timeout_ms)
{
    if (!hub_current || timeout_ms == 0) {
        int wait_ms = timeout_ms < 0 ? -1 : timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
        return look_at_descriptors(polling, wait_ms, polling->mask);
    }
    int ready = fdwait_poll(hub_current, &polling->fds[WAITER_FDS], (nfds_t)polling->count,
                            "zmq_poll", deadline_of(timeout_ms));
    if (ready >= 0)
        report_descriptors(polling);
    return ready;
}

static int run(struct polling *polling, long timeout_ms)
{
    list_descriptors(polling);
    if (polling->fd_count - WAITER_FDS == (nfds_t)polling->count)
        return poll_descriptors(polling, timeout_ms);
    int ready = poll_sockets(polling, deadline_of(timeout_ms));
    let_go(polling);
    return ready;
}

static int poll_items(zmq_pollitem_t *items, int count, long timeout_ms, const sigset_t *mask)
{
    struct watch watches[ON_STACK];
    struct pollfd fds[ON_STACK + WAITER_FDS];
    struct polling polling = {
        .items = items, .count = count, .watches = watches, .fds = fds, .mask = mask};
    if (count < 0)
        return -EINVAL;
    if (!items && count)
        return -EFAULT;
    if (timeout_ms != 0 && hub_is_cancelled())
        return -ECANCELED;
    if (count <= ON_STACK) {
        int rc = run(&polling, timeout_ms);
        free(polling.bells);
        return rc;
    }
    int rc = -ENOMEM;
    polling.watches = malloc((size_t)count * sizeof *polling.watches);
    polling.fds = malloc(((size_t)count + WAITER_FDS) * sizeof *polling.fds);
    if (polling.watches && polling.fds)
        rc = run(&polling, timeout_ms);
    free(polling.watches);
    free(polling.fds);
    free(polling.bells);
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
