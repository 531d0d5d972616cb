/* SPDX-License-Identifier: MIT */
/* A device's capture socket: it is given a copy of all that passes. It takes what it can at once;
 * the rest is lost to it, and counted. What its readers send goes nowhere.
 *
 * As long as nobody has come to read, the first messages are kept for who comes: so many as the
 * high-water mark of the socket says, and not more than KEPT_BYTES. A PUB keeps none, since it
 * knows that nobody wants them. */
#include "device/device.h"

#include "core/shortage.h"

enum { KEPT_BYTES = 2 << 20 /* 2 MiB */ };

static struct gmq_device *device_of(struct sink *sink)
{
    return (struct gmq_device *)((char *)sink - offsetof(struct gmq_device, capture_sink));
}

static size_t discard(struct sink *sink, struct peer *peer, const struct run *run)
{
    (void)sink, (void)peer;
    return run->size;
}

/* How many more messages may be kept. */
static uint64_t room(const struct gmq_device *device)
{
    const struct buffer *kept = &device->captured;
    int hwm = device->capture->options.sndhwm;
    if (buffer_is_empty(kept) && !TAILQ_EMPTY(&device->capture->peers))
        return 0;
    uint64_t most = hwm > 0 ? (uint64_t)hwm : UINT64_MAX;
    return kept->tally.messages < most ? most - kept->tally.messages : 0;
}

/* Keeps what finds nobody to take it, behind what is kept already. Returns the octets kept. */
static size_t keep(struct gmq_device *device, const struct run *run, const struct prefix *prefix)
{
    struct buffer *kept = &device->captured;
    uint64_t messages = room(device);
    if (!messages)
        return 0;
    struct run head = run->large ? *run : run_take(run, messages);
    if (kept->bytes + head.size > KEPT_BYTES || buffer_append_run(kept, &head, prefix) < 0)
        return 0;
    struct tally tally = run_units(&head, prefix);
    tally_add(&device->capture->ledger.queued, &tally);
    return head.size;
}

/* A reader has come, or has room again. */
static void hand_out(struct task *task)
{
    struct gmq_device *device = (struct gmq_device *)((char *)task -
                                                      offsetof(struct gmq_device, hand_out));
    struct socket *socket = device->capture;
    struct buffer *kept = &device->captured;
    while (!buffer_is_empty(kept)) {
        struct run run;
        struct buffer large = {0};
        size_t taken = 0;
        if (buffer_front_run(kept, &run, &large) == 0)
            taken = socket->pattern->route(socket, &run, NULL);
        else
            shortage_retry(device->ctx);
        struct run gone = taken ? run_within(&run, taken) : (struct run){0};
        buffer_pop_messages(kept, gone.tally.messages);
        tally_sub(&socket->ledger.queued, &gone.tally);
        bool all = taken && taken == run.size;
        buffer_term(&large);
        if (!all)
            return;
    }
}

static void changed(struct sink *sink, int events)
{
    struct gmq_device *device = device_of(sink);
    if ((events & EVENT_OUT) && !buffer_is_empty(&device->captured))
        ctx_later(device->ctx, &device->hand_out);
}

static void closing(struct sink *sink)
{
    device_closing(device_of(sink));
}

void capture_start(struct gmq_device *device)
{
    device->capture_sink = (struct sink){
        .deliver = discard, .changed = changed, .closing = closing};
    device->hand_out.run = hand_out;
    lane_close_all(device->capture);
    device->capture->sink = &device->capture_sink;
}

void capture_stop(struct gmq_device *device)
{
    device->capture->sink = NULL;
    if (device->hand_out.queued)
        TAILQ_REMOVE(&device->ctx->tasks, &device->hand_out, line);
    device->hand_out.queued = false;
    buffer_term(&device->captured);
}

/* What is kept goes no further. */
void capture_drop_kept(struct gmq_device *device)
{
    const struct tally *kept = &device->captured.tally;
    ledger_drop(&device->capture->ledger, DROP_STOPPED, kept);
    tally_sub(&device->capture->ledger.queued, kept);
    buffer_term(&device->captured);
}

static struct run behind(const struct run *run, size_t taken)
{
    struct run head = run_within(run, taken);
    return run_after(run, &head);
}

void capture_run(struct gmq_device *device, const struct run *run, const struct prefix *prefix,
                 const struct tally *tally)
{
    struct socket *socket = device->capture;
    struct run rest = *run;
    tally_add(&socket->ledger.received, tally);
    if (buffer_is_empty(&device->captured))
        rest = behind(&rest, socket->pattern->route(socket, &rest, prefix));
    if (rest.size)
        rest = behind(&rest, keep(device, &rest, prefix));
    if (!rest.size)
        return;
    struct tally lost = run_units(&rest, prefix);
    ledger_drop(&socket->ledger, DROP_FULL, &lost);
}
