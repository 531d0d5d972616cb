/* SPDX-License-Identifier: MIT */
/* Devices for applications: the gmq_device_ functions of greenmq.h, and zmq_proxy(),
 * zmq_proxy_steerable() and zmq_device(), which are a device made, started and waited for; or what
 * is in proxy.h. */
#include "api/enter.h"
#include "api/proxy.h"
#include "device/device.h"
#include "green/sigmask.h"

#include <stdlib.h>

/* The sizes that the structs have had. */
enum {
    OPTIONS_SIZE = sizeof(struct gmq_device_options),
    ACCOUNT_SIZE = sizeof(struct gmq_account)
};

static bool fits(const struct gmq_device *device)
{
    int front = device->front.socket->pattern->type, back = device->back.socket->pattern->type;
    switch (device->type) {
    case GMQ_DEVICE_ANY: return true;
    case GMQ_DEVICE_STREAMER: return front == ZMQ_PULL && back == ZMQ_PUSH;
    case GMQ_DEVICE_FORWARDER:
        return (front == ZMQ_XSUB || front == ZMQ_SUB) && (back == ZMQ_XPUB || back == ZMQ_PUB);
    case GMQ_DEVICE_QUEUE: return front == ZMQ_ROUTER && back == ZMQ_DEALER;
    default: return false;
    }
}

/* One of the sockets that come with the frontend; they are of its context, so under its lock. */
static int find(void *handle, const struct socket *frontend, struct socket **socket)
{
    if (!is_open_socket(handle))
        return -ENOTSOCK;
    *socket = handle;
    if ((*socket)->ctx != frontend->ctx)
        return -EXDEV;
    return (*socket)->sink ? -EBUSY : 0;
}

/* A capture socket sends whenever it can; those in lock step cannot. */
static bool can_capture(const struct socket *socket)
{
    const struct pattern *pattern = socket->pattern;
    return pattern->can_send && pattern->inbound != INBOUND_RECEIVE;
}

/* Finds a socket that the device has besides its two. It may be left out. */
static int find_extra(const struct gmq_device *device, void *handle, struct socket **socket)
{
    if (!handle)
        return 0;
    int rc = find(handle, device->front.socket, socket);
    bool twice = handle == device->front.socket || handle == device->back.socket;
    return rc == 0 && twice ? -EBUSY : rc;
}

static int find_all(struct gmq_device *device, void *backend,
                    const struct gmq_device_options *options)
{
    struct socket *frontend = device->front.socket, *socket;
    int rc = find(backend, frontend, &socket);
    if (rc < 0)
        return rc;
    relay_init(&device->front, device, frontend, &device->back);
    relay_init(&device->back, device, socket, &device->front);
    if (socket == frontend)
        device->front.other = &device->front;
    rc = find_extra(device, options->capture, &device->capture);
    if (rc == 0)
        rc = find_extra(device, options->control, &device->control.socket);
    if (rc < 0)
        return rc;
    if (!fits(device) || (device->capture && !can_capture(device->capture)) ||
        (device->control.socket && !device->control.socket->pattern->can_receive))
        return -EINVAL;
    bool twice = device->capture && device->capture == device->control.socket;
    return twice || frontend->sink ? -EBUSY : 0;
}

static int subscribe(struct gmq_device *device, const struct gmq_device_options *options)
{
    struct socket *socket = device->front.socket;
    int rc = 0;
    if (device->type != GMQ_DEVICE_FORWARDER || socket->pattern->type != ZMQ_SUB)
        return 0;
    if (!options->subscriptions)
        return socket_set_option(socket, ZMQ_SUBSCRIBE, "", 0);
    for (size_t i = 0; i < options->subscription_count && rc == 0; i++) {
        const char *prefix = options->subscriptions[i];
        rc = socket_set_option(socket, ZMQ_SUBSCRIBE, prefix, strlen(prefix));
    }
    return rc;
}

/* Fills in a new device. The frontend is known and its context entered. */
static int set_up(struct gmq_device *device, void *backend,
                  const struct gmq_device_options *options)
{
    device->type = options->type;
    TAILQ_INIT(&device->watches);
    if (device->ctx->shutting_down)
        return -ETERM;
    int rc = find_all(device, backend, options);
    if (rc == 0 && options->event_count) {
        device->events.ring = calloc(options->event_count, sizeof *device->events.ring);
        device->events.room = options->event_count;
        rc = device->events.ring ? 0 : -ENOMEM;
    }
    return rc < 0 ? rc : subscribe(device, options);
}

static int make(void *frontend, void *backend, const struct gmq_device_options *options,
                struct gmq_device **made)
{
    static const struct gmq_device_options defaults = {.size = OPTIONS_SIZE};
    struct socket *socket;
    if (!options)
        options = &defaults;
    if (options->size != OPTIONS_SIZE)
        return -EINVAL;
    int rc = socket_enter(frontend, &socket);
    if (rc < 0)
        return rc;
    struct ctx *ctx = socket->ctx;
    struct gmq_device *device = calloc(1, sizeof *device);
    rc = -ENOMEM;
    if (device) {
        device->ctx = ctx;
        device->serial = ctx->serial;
        device->front.socket = socket;
        rc = set_up(device, backend, options);
    }
    ctx_leave(ctx);
    if (rc < 0 && device) {
        free(device->events.ring);
        free(device);
        return rc;
    }
    *made = device;
    return rc;
}

struct gmq_device *gmq_device_new(void *frontend, void *backend,
                                  const struct gmq_device_options *options)
{
    struct gmq_device *device = NULL;
    return answer(make(frontend, backend, options, &device)) < 0 ? NULL : device;
}

/* Enters the device's context. A context that has ended has stopped its devices. */
static int enter(struct gmq_device *device)
{
    if (!device)
        return -EINVAL;
    int rc = ctx_enter(device->ctx);
    if (rc == 0 && device->ctx->serial != device->serial) {
        ctx_leave(device->ctx);
        rc = -ETERM;
    }
    return rc == -EFAULT ? -ETERM : rc;
}

static int start(struct gmq_device *device)
{
    int rc = enter(device);
    if (rc < 0)
        return rc;
    rc = device->ctx->shutting_down ? -ETERM : device_start(device);
    ctx_leave(device->ctx);
    return rc;
}

int gmq_device_start(struct gmq_device *device)
{
    return answer(start(device));
}

static int pause_or_resume(struct gmq_device *device, bool pause)
{
    int rc = enter(device);
    if (rc < 0)
        return rc;
    rc = device_pause(device, pause);
    ctx_leave(device->ctx);
    return rc;
}

int gmq_device_pause(struct gmq_device *device)
{
    return answer(pause_or_resume(device, true));
}

int gmq_device_resume(struct gmq_device *device)
{
    return answer(pause_or_resume(device, false));
}

int gmq_device_stop(struct gmq_device *device)
{
    int rc = enter(device);
    if (rc == -ETERM)
        return 0;
    if (rc < 0)
        return answer(rc);
    device_stop(device);
    ctx_leave(device->ctx);
    return 0;
}

/* How a wait ends when the device is stopped. */
static int end_of(const struct gmq_device *device)
{
    return device->terminated ? -ETERM : 0;
}

static int wait_for_stop(struct gmq_device *device, uint64_t deadline_ns)
{
    int rc = enter(device);
    if (rc < 0)
        return rc;
    rc = device->state == GMQ_DEVICE_NEW ? -EINVAL : 0;
    bool begun = sigmask_begin();
    while (rc == 0 && device->state != GMQ_DEVICE_STOPPED)
        rc = device_watch(device, deadline_ns);
    sigmask_end(begun);
    if (device->state == GMQ_DEVICE_STOPPED)
        rc = end_of(device);
    ctx_leave(device->ctx);
    return rc == -ETIMEDOUT ? -EAGAIN : rc;
}

int gmq_device_wait(struct gmq_device *device, long timeout_ms)
{
    return answer(wait_for_stop(device, loop_deadline_ns(timeout_ms)));
}

static bool is_draining(const struct gmq_device *device)
{
    return device->state == GMQ_DEVICE_DRAINING && !device_is_drained(device);
}

static int drain(struct gmq_device *device, uint64_t deadline_ns)
{
    if (!device_is_running(device))
        return -EINVAL;
    device->state = GMQ_DEVICE_DRAINING;
    device->front.socket->tells_sent = device->back.socket->tells_sent = true;
    relay_pump_later(&device->back);
    int rc = 0;
    bool begun = sigmask_begin();
    while (is_draining(device) && rc == 0)
        rc = device_watch(device, deadline_ns);
    sigmask_end(begun);
    if (is_draining(device) && (rc == -EINTR || rc == -ECANCELED || rc == -ETIME))
        return rc;
    if (device->terminated)
        return -ETERM;
    if (device->state == GMQ_DEVICE_DRAINING) {
        device->drained = device_is_drained(device);
        device_stop(device);
    }
    return device->drained ? 0 : 1; /* another thread may have stopped it */
}

int gmq_device_drain(struct gmq_device *device, long deadline_ms)
{
    int rc = enter(device);
    if (rc == 0) {
        rc = drain(device, loop_deadline_ns(deadline_ms));
        ctx_leave(device->ctx);
    }
    return answer(rc);
}

int gmq_device_account(struct gmq_device *device, struct gmq_account *account)
{
    if (!device || !account || account->size != ACCOUNT_SIZE)
        return answer(-EINVAL);
    int rc = enter(device);
    if (rc == 0 && device_is_running(device))
        account_read(device, account);
    else
        *account = device->closing;
    account->size = ACCOUNT_SIZE;
    account->state = rc == 0 ? device->state : GMQ_DEVICE_STOPPED;
    if (rc == 0)
        ctx_leave(device->ctx);
    return 0;
}

long gmq_device_peers(struct gmq_device *device, struct gmq_peer *peers, size_t count)
{
    int rc = enter(device);
    if (rc < 0)
        return rc == -ETERM ? 0 : answer(rc);
    long found = device_is_running(device) ? account_peers(device, peers, count) : 0;
    ctx_leave(device->ctx);
    return found;
}

int gmq_device_event(struct gmq_device *device, struct gmq_event *event, uint64_t *lost)
{
    if (!device || !event)
        return answer(-EINVAL);
    int rc = enter(device);
    bool taken = events_take(device, event, lost);
    if (rc == 0)
        ctx_leave(device->ctx);
    return taken;
}

void gmq_device_free(struct gmq_device *device)
{
    if (!device)
        return;
    gmq_device_stop(device);
    free(device->events.ring);
    free(device);
}

const char *gmq_drop_name(enum gmq_drop reason)
{
    return account_drop_name(reason);
}

const char *gmq_leave_name(enum gmq_leave reason)
{
    return account_leave_name(reason);
}

/* A device for as long as the call lasts. A signal ends it, and the next call goes on. What it has
 * taken in and not yet let out is the sockets' in the end, as if the application had sent it. */
static int run_device(const struct proxy_sockets *sockets)
{
    struct gmq_device *device;
    struct gmq_device_options options = {
        .size = OPTIONS_SIZE, .capture = sockets->capture, .control = sockets->control};
    int rc = make(sockets->frontend, sockets->backend, &options, &device);
    if (rc < 0)
        return rc;
    device->keeps = true;
    rc = start(device);
    if (rc == 0)
        rc = wait_for_stop(device, UINT64_MAX);
    gmq_device_free(device);
    return rc;
}

int zmq_proxy_steerable(void *frontend, void *backend, void *capture, void *control)
{
    struct proxy_sockets sockets = {frontend, backend, capture, control};
    if (!frontend || !backend)
        return answer(-EFAULT);
    return answer(proxy_is_needed(&sockets) ? proxy_run(&sockets) : run_device(&sockets));
}

int zmq_proxy(void *frontend, void *backend, void *capture)
{
    return zmq_proxy_steerable(frontend, backend, capture, NULL);
}

int zmq_device(int type, void *frontend, void *backend)
{
    (void)type;
    return zmq_proxy(frontend, backend, NULL);
}
