/* SPDX-License-Identifier: MIT */
/* A device's life: see device.h.
 *
 *      NEW ──> RUNNING <──> PAUSED
 *                 │ └──────────┴──> DRAINING ──> STOPPED
 *                 └───────────────────────────────^
 *
 * It stops when it is told to, when its control says TERMINATE, when the context ends, or when
 * one of its sockets is closed under it. */
#include "device/device.h"

#include "base/check.h"

#include <errno.h>
#include <greenmq/zmq.h>

static bool is_reflector(const struct gmq_device *device)
{
    return device->front.socket == device->back.socket;
}

/* Since the device was made, a socket may have been closed or given to another one. */
static int check_free(const struct gmq_device *device, const struct socket *socket)
{
    if (!socket)
        return 0;
    if (atomic_load(&socket->magic) != SOCKET_MAGIC || socket->ctx != device->ctx)
        return -ENOTSOCK;
    if (socket->reading || !buffer_is_empty(&socket->lead))
        return -EFSM; /* the rest of a message would go as if it were one */
    return socket->sink ? -EBUSY : 0;
}

int device_start(struct gmq_device *device)
{
    struct socket *sockets[] = {device->front.socket, device->back.socket, device->capture,
                                device->control.socket};
    if (device->state != GMQ_DEVICE_NEW)
        return -EALREADY;
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
        if (sockets[i])
            lane_close_all(sockets[i]);
        int rc = check_free(device, sockets[i]);
        if (rc < 0)
            return rc;
    }
    device->state = GMQ_DEVICE_RUNNING;
    account_start(device);
    replies_start(device);
    relay_start(&device->front);
    if (!is_reflector(device))
        relay_start(&device->back);
    if (device->capture)
        capture_start(device);
    if (device->control.socket)
        control_start(device);
    return 0;
}

int device_pause(struct gmq_device *device, bool pause)
{
    enum gmq_device_state from = pause ? GMQ_DEVICE_RUNNING : GMQ_DEVICE_PAUSED;
    enum gmq_device_state to = pause ? GMQ_DEVICE_PAUSED : GMQ_DEVICE_RUNNING;
    if (device->state == to)
        return 0;
    if (device->state != from)
        return -EINVAL;
    device->state = to;
    relay_pump_later(&device->front);
    relay_pump_later(&device->back);
    return 0;
}

/* What is queued goes no further, but for messages that have begun to leave. */
static void drop_queued(struct socket *socket)
{
    struct peer *peer;
    TAILQ_FOREACH(peer, &socket->peers, all) {
        if (peer->link && peer->ready)
            peer->link->flush(peer);
        peer_drop_waiting(peer, DROP_STOPPED);
    }
}

void device_stop(struct gmq_device *device)
{
    if (!device_is_running(device)) {
        device->state = GMQ_DEVICE_STOPPED;
        return;
    }
    device->state = GMQ_DEVICE_STOPPED;
    if (!device->keeps) {
        drop_queued(device->front.socket);
        if (!is_reflector(device))
            drop_queued(device->back.socket);
    }
    if (device->capture)
        capture_drop_kept(device);
    account_read(device, &device->closing);
    if (device->control.socket)
        control_stop(device);
    if (device->capture)
        capture_stop(device);
    relay_stop(&device->front);
    relay_stop(&device->back);
    device_notify(device);
}

void device_closing(struct gmq_device *device)
{
    device->terminated = true;
    device_stop(device);
}

void device_notify(struct gmq_device *device)
{
    struct watch *watch;
    TAILQ_FOREACH(watch, &device->watches, line) {
        loop_wake(&device->ctx->loop, watch->waiter);
    }
}

int device_watch(struct gmq_device *device, uint64_t deadline_ns)
{
    struct socket *front = device->front.socket;
    struct waiter waiter;
    struct watch watch = {.waiter = &waiter};
    waiter_init(&waiter);
    waiter.what = "a device";
    front->users++; /* a socket of the context must last as long as we are in its loop */
    TAILQ_INSERT_TAIL(&device->watches, &watch, line);
    ctx_settle(device->ctx);
    int rc = loop_wait(&device->ctx->loop, &waiter, deadline_ns);
    TAILQ_REMOVE(&device->watches, &watch, line);
    if (--front->users == 0 && front->closed)
        ctx_later(device->ctx, &front->finish);
    return rc;
}

bool device_is_drained(const struct gmq_device *device)
{
    const struct ledger *forward = &device->back.socket->ledger;
    const struct ledger *backward = &device->front.socket->ledger;
    if (forward->queued.messages || backward->queued.messages ||
        !buffer_is_empty(&device->front.pending) || !buffer_is_empty(&device->back.pending))
        return false;
    return replies_are_in(device);
}
