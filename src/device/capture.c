/* SPDX-License-Identifier: MIT */
/* A device's capture socket: it is given a copy of all that passes. It takes what it can at once;
 * the rest is lost to it, and counted. What its readers send goes nowhere. */
#include "device/device.h"

static struct gmq_device *device_of(struct sink *sink)
{
    return (struct gmq_device *)((char *)sink - offsetof(struct gmq_device, capture_sink));
}

static size_t discard(struct sink *sink, struct peer *peer, const struct run *run)
{
    (void)sink, (void)peer;
    return run->size;
}

static void changed(struct sink *sink, int events)
{
    (void)sink, (void)events; /* nothing waits for it */
}

static void closing(struct sink *sink)
{
    device_closing(device_of(sink));
}

void capture_start(struct gmq_device *device)
{
    device->capture_sink = (struct sink){
        .deliver = discard, .changed = changed, .closing = closing};
    device->capture->sink = &device->capture_sink;
}

void capture_run(struct gmq_device *device, const struct run *run, const struct prefix *prefix,
                 const struct tally *tally)
{
    struct socket *socket = device->capture;
    tally_add(&socket->ledger.received, tally);
    size_t taken = socket->pattern->route(socket, run, prefix);
    if (taken == run->size)
        return;
    struct run head = run_within(run, taken);
    struct run rest = run_after(run, &head);
    if (run->large)
        rest = *run;
    struct tally lost = rest.tally;
    if (prefix) {
        lost.parts += prefix->parts * lost.messages;
        lost.bytes += prefix->bytes * lost.messages;
    }
    ledger_drop(&socket->ledger, DROP_FULL, &lost);
}
