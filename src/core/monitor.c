/* SPDX-License-Identifier: MIT */
/* Monitors: see monitor.h. An event is queued where it happens and handed to the PAIR by a task, so
 * that whatever a reader does about it happens later and elsewhere. Fails only for want of
 * memory: then the event is lost. */
#include "core/monitor.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>

/* An event as the message that it will be. */
struct news {
    TAILQ_ENTRY(news) line;
    struct run run;
    uint8_t octets[];
};

static struct news *encode(unsigned event, uint32_t value, const char *endpoint)
{
    uint8_t body[sizeof(uint16_t) + sizeof value];
    uint16_t number = (uint16_t)event;
    size_t size = strlen(endpoint);
    struct news *news = malloc(sizeof *news + 2 * FRAME_LONG_HEADER + sizeof body + size);
    if (!news)
        return NULL;
    memcpy(body, &number, sizeof number);
    memcpy(body + sizeof number, &value, sizeof value);
    uint8_t *at = news->octets;
    at += frame_header_write(at, FRAME_MORE, sizeof body);
    memcpy(at, body, sizeof body);
    at += sizeof body;
    at += frame_header_write(at, 0, size);
    memcpy(at, endpoint, size);
    at += size;
    news->run = (struct run){.data = news->octets,
                             .size = (size_t)(at - news->octets),
                             .tally = {.messages = 1, .parts = 2, .bytes = sizeof body + size}};
    return news;
}

static void drop_first(struct monitor *monitor)
{
    struct news *news = TAILQ_FIRST(&monitor->waiting);
    TAILQ_REMOVE(&monitor->waiting, news, line);
    monitor->waiting_count--;
    free(news);
}

/* Gives the reader what it takes. */
static void hand_on(struct monitor *monitor)
{
    struct news *news;
    while ((news = TAILQ_FIRST(&monitor->waiting)) && socket_offer(monitor->pair, &news->run))
        drop_first(monitor);
}

static void run_handing_on(struct task *task)
{
    hand_on((struct monitor *)((char *)task - offsetof(struct monitor, handing_on)));
}

static struct monitor *of_sink(struct sink *sink)
{
    return (struct monitor *)((char *)sink - offsetof(struct monitor, sink));
}

/* There is a reader, or it has read. */
static void changed(struct sink *sink, int events)
{
    struct monitor *monitor = of_sink(sink);
    if ((events & EVENT_OUT) && monitor->waiting_count)
        ctx_later(monitor->pair->ctx, &monitor->handing_on);
}

static void closing(struct sink *sink)
{
    (void)sink; /* the context ends: the monitor ends with the socket that it watches */
}

int monitor_start(struct socket *socket, struct socket *pair, unsigned events)
{
    struct monitor *monitor = calloc(1, sizeof *monitor);
    if (!monitor)
        return -ENOMEM;
    monitor->pair = pair;
    monitor->events = events;
    monitor->sink = (struct sink){.changed = changed, .closing = closing};
    monitor->handing_on.run = run_handing_on;
    TAILQ_INIT(&monitor->waiting);
    pair->sink = &monitor->sink;
    socket->monitor = monitor;
    return 0;
}

static void queue(struct monitor *monitor, unsigned event, uint32_t value, const char *endpoint)
{
    struct news *news = encode(event, value, endpoint);
    if (!news)
        return;
    TAILQ_INSERT_TAIL(&monitor->waiting, news, line);
    monitor->waiting_count++;
}

void monitor_tell(struct socket *socket, unsigned event, uint32_t value, const char *endpoint)
{
    struct monitor *monitor = socket->monitor;
    if (!monitor_wants(socket, event) || monitor->waiting_count >= MONITOR_WAITING_MAX)
        return;
    queue(monitor, event, value, endpoint);
    ctx_later(socket->ctx, &monitor->handing_on);
}

/* The last is said whether or not the reader has room for it: it does not wait any more. */
static void lift_limits(struct socket *pair)
{
    struct peer *peer;
    TAILQ_FOREACH(peer, &pair->peers, all) {
        peer->out_max = UINT64_MAX;
    }
}

void monitor_stop(struct socket *socket)
{
    struct monitor *monitor = socket->monitor;
    if (!monitor)
        return;
    if (monitor_wants(socket, ZMQ_EVENT_MONITOR_STOPPED))
        queue(monitor, ZMQ_EVENT_MONITOR_STOPPED, 0, "");
    socket->monitor = NULL;
    monitor->pair->sink = NULL;
    lift_limits(monitor->pair);
    hand_on(monitor);
    while (monitor->waiting_count)
        drop_first(monitor);
    if (monitor->handing_on.queued)
        TAILQ_REMOVE(&socket->ctx->tasks, &monitor->handing_on, line);
    socket_dismiss(monitor->pair);
    free(monitor);
}
