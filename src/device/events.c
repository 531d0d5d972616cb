/* SPDX-License-Identifier: MIT */
/* The last things that happened to a device's peers, for gmq_device_event(). The ring is bounded:
 * when nobody takes them the oldest go, and are counted. */
#include "device/device.h"

#include <stdio.h>

static void write_event(struct gmq_event *event, const struct side *side, enum gmq_event_kind kind,
                        const char *endpoint, const char *reason)
{
    *event = (struct gmq_event){.kind = kind, .backend = side == &side->device->back};
    snprintf(event->endpoint, sizeof event->endpoint, "%s", endpoint);
    snprintf(event->reason, sizeof event->reason, "%s", reason);
}

void events_add(struct side *side, enum gmq_event_kind kind, const char *endpoint,
                const char *reason)
{
    struct events *events = &side->device->events;
    if (kind == GMQ_EVENT_REFUSED)
        write_event(&side->device->last_refused, side, kind, endpoint, reason);
    if (!events->room)
        return;
    struct gmq_event *event = &events->ring[events->written++ % events->room];
    if (events->written - events->taken > events->room) {
        events->taken++;
        events->lost++;
    }
    write_event(event, side, kind, endpoint, reason);
}

bool events_take(struct gmq_device *device, struct gmq_event *event, uint64_t *lost)
{
    struct events *events = &device->events;
    if (lost)
        *lost = events->lost;
    events->lost = 0;
    if (events->taken == events->written)
        return false;
    *event = events->ring[events->taken++ % events->room];
    return true;
}
