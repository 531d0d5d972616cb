/* SPDX-License-Identifier: MIT */
/* The lines that come while a device runs: see news.h.
 *
 * Happy path: a thread sleeps for news_wait_ms() and then calls news_tell(), until the device has
 * ended; then news_tell() is called once more. Failure mode: when more comes and goes between two
 * looks than the device keeps, the oldest is lost, and that is told; while nobody reads what is
 * printed, nothing is. Called by broker.c. */
#include "news.h"

#include "clock.h"
#include "output.h"
#include "report.h"

#include <stdio.h>

enum { LOOK_MS = 100 /* between two looks at who joined and left */ };

void news_init(struct news *news, const char *name, enum gmq_device_type type,
               struct gmq_device *device, const struct args *args)
{
    *news = (struct news){.name = name, .type = type, .device = device, .args = args};
    news->account_ms = clock_ms();
    news->due_ms = news->account_ms + args->stats_ms;
}

long news_wait_ms(const struct news *news)
{
    const struct args *args = news->args;
    if (args->is_quiet || (!args->stats_ms && !args->is_verbose))
        return -1;
    long long wait_ms = args->stats_ms ? news->due_ms - clock_ms() : LOOK_MS;
    if (args->is_verbose && wait_ms > LOOK_MS)
        wait_ms = LOOK_MS;
    return wait_ms > 0 ? (long)wait_ms : 0;
}

static void tell_stats(struct news *news, long long now_ms)
{
    struct gmq_account account = report_read(news->device);
    report_stats(news->name, news->type, &news->account, &account,
                 (double)(now_ms - news->account_ms) / 1000);
    news->account = account;
    news->account_ms = now_ms;
    /* Where the process was stopped for a while, the lines that are missing are not made up. */
    while (news->due_ms <= now_ms)
        news->due_ms += news->args->stats_ms;
}

static const char *describe(const struct gmq_event *event)
{
    switch (event->kind) {
    case GMQ_EVENT_JOINED: return "joined";
    case GMQ_EVENT_LEFT: return "left: ";
    case GMQ_EVENT_REFUSED: return "refused: ";
    default: return "";
    }
}

static void tell_events(const struct news *news)
{
    struct gmq_event event;
    uint64_t lost;
    while (output_has_room(0) && gmq_device_event(news->device, &event, &lost) > 0) {
        if (lost)
            printf("%s: %llu more joined, left or were refused\n", news->name,
                   (unsigned long long)lost);
        printf("%s: %s peer %s%s%s%s\n", news->name, event.backend ? "backend" : "frontend",
               event.endpoint, event.endpoint[0] ? " " : "", describe(&event),
               event.kind == GMQ_EVENT_JOINED ? "" : event.reason);
    }
}

void news_tell(struct news *news)
{
    if (news->args->is_quiet)
        return;
    if (news->args->is_verbose)
        tell_events(news);
    long long now_ms = clock_ms();
    if (news->args->stats_ms && now_ms >= news->due_ms && output_has_room(0))
        tell_stats(news, now_ms);
}
