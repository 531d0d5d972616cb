/* SPDX-License-Identifier: MIT */
/* A device: two sockets, and what comes in at one goes out at the other.
 *
 *      frontend ── deliver ──> [ front ] ── route ──> backend        forward
 *      frontend <── route ── [ back ] <── deliver ── backend         backward
 *
 * Runs pass from the input of one socket's peers straight into the output of the other's. What
 * cannot go on stays at its connection, which is not read until there is room: nothing spins and
 * nothing is lost. Sockets in lock step (REQ, REP) go one message at a time instead.
 *
 * Everything here runs under the context's lock. Public docstrings: <greenmq/greenmq.h>. */
#ifndef GREENMQ_DEVICE_DEVICE_H
#define GREENMQ_DEVICE_DEVICE_H

#include "core/socket.h"

#include <greenmq/greenmq.h>

/* One socket of a device, and its input. */
struct side {
    struct sink sink;
    struct gmq_device *device;
    struct socket *socket;
    struct side *other;    /* where its input goes; itself in a reflector */
    struct peers held;     /* inputs that wait for the other side */
    struct task pump;      /* tries them again */
    struct buffer pending; /* in lock step: a message received that could not be sent yet */
    bool lock_step;        /* goes through inboxes, a message at a time */
    bool receiving;        /* the one in `pending` is not whole yet */
    bool has_part;         /* ... and there was no memory to put `part` behind it */
    struct msg part;
    uint64_t joined, refused, left[LEAVE_REASONS];
};

/* The last events, in a ring of `room` places; none are kept when that is 0. */
struct events {
    struct gmq_event *ring;
    size_t room;
    uint64_t written, taken, lost;
};

struct control {
    struct sink sink;
    struct socket *socket; /* or NULL */
    struct task serve;
};

struct gmq_device {
    struct ctx *ctx;
    uint64_t serial; /* of the context: its memory may be another's by now */
    struct side front, back;
    struct socket *capture; /* or NULL */
    struct sink capture_sink;
    struct buffer captured; /* kept for the first who comes to read captures */
    struct task hand_out;   /* gives them to who has come */
    struct control control;
    enum gmq_device_type type;
    enum gmq_device_state state;
    bool terminated;     /* stopped because the context ends or a socket was closed */
    bool drained;        /* stopped because a drain had let all out */
    bool keeps;          /* what is queued at the stop stays with the sockets, to linger there */
    bool awaits_replies; /* see replies.c, as for the next two: */
    uint64_t settled;    /* of what the backend forwarded, what awaits no reply any more */
    uint64_t unanswered; /* requests whose worker has left */
    struct watches watches;
    struct gmq_account closing; /* the books when it was stopped; empty before */
    struct events events;
    struct gmq_event last_refused; /* kept whether events are or not; kind 0: none */
};

/* relay.c: moving messages */
void relay_init(struct side *side, struct gmq_device *device, struct socket *socket,
                struct side *other);
void relay_start(struct side *side);
void relay_stop(struct side *side);
void relay_pump_later(struct side *side);

/* replies.c: what the backend's peers owe */
void replies_start(struct gmq_device *device);
void replies_joined(struct side *side, struct peer *peer);
void replies_came(struct side *side, struct peer *peer, uint64_t messages);
void replies_left(struct side *side, struct peer *peer);
bool replies_are_in(const struct gmq_device *device);
uint64_t replies_owed(const struct gmq_device *device);
uint64_t replies_owed_by(const struct peer *peer);

/* capture.c: copies of what passes */
void capture_start(struct gmq_device *device);
void capture_stop(struct gmq_device *device);
void capture_drop_kept(struct gmq_device *device);
void capture_run(struct gmq_device *device, const struct run *run, const struct prefix *prefix,
                 const struct tally *tally);

/* device.c: life */
int device_start(struct gmq_device *device);
int device_pause(struct gmq_device *device, bool pause);
void device_stop(struct gmq_device *device);
void device_notify(struct gmq_device *device);
void device_closing(struct gmq_device *device);
int device_watch(struct gmq_device *device, uint64_t deadline_ns);
bool device_is_drained(const struct gmq_device *device);

/* From start to stop: then the sockets are the device's. */
static inline bool device_is_running(const struct gmq_device *device)
{
    return device->state != GMQ_DEVICE_NEW && device->state != GMQ_DEVICE_STOPPED;
}

/* control.c: the commands of zmq_proxy_steerable(3) */
void control_start(struct gmq_device *device);
void control_stop(struct gmq_device *device);

/* events.c: what happened to peers */
void events_add(struct side *side, enum gmq_event_kind kind, const char *endpoint,
                const char *reason);
bool events_take(struct gmq_device *device, struct gmq_event *event, uint64_t *lost);

/* account.c: the books */
void account_start(struct gmq_device *device);
void account_read(struct gmq_device *device, struct gmq_account *account);
const char *account_drop_name(unsigned reason);
const char *account_leave_name(unsigned reason);
long account_peers(struct gmq_device *device, struct gmq_peer *peers, size_t count);

#endif
