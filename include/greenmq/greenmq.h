/* SPDX-License-Identifier: MIT */
/* greenmq.h: what greenmq adds to the standard ZeroMQ API of zmq.h.
 *
 * Devices. A device stands between a frontend and a backend socket and moves whole messages from
 * one to the other and back, inside the engine: it costs memory, not a thread and not a
 * descriptor. It runs whenever the context's I/O runs: in the background (ZMQ_IO_THREADS >= 1),
 * and in any thread that waits in a call of the same context, such as gmq_device_wait().
 *
 * All functions may be called from any thread. They return 0 or a positive result; on failure
 * -1, with errno set as each says. See greenmq(3). */
#ifndef GREENMQ_H_INCLUDED
#define GREENMQ_H_INCLUDED

#include <greenmq/green.h>
#include <greenmq/zmq.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GMQ_VERSION_MAJOR 0
#define GMQ_VERSION_MINOR 1
#define GMQ_VERSION_PATCH 0

#if defined __GNUC__ || defined __clang__
#define GMQ_EXPORT __attribute__((visibility("default")))
#else
#define GMQ_EXPORT
#endif

/* A device, as a handle. It is valid from gmq_device_new() to gmq_device_free(). */
struct gmq_device;

/* The device types, with the numbers of zmq_device(3). */
enum gmq_device_type {
    GMQ_DEVICE_ANY = 0,       /* any two sockets, as zmq_proxy(3) takes them */
    GMQ_DEVICE_STREAMER = 1,  /* frontend PULL, backend PUSH */
    GMQ_DEVICE_FORWARDER = 2, /* frontend XSUB or SUB, backend XPUB or PUB */
    GMQ_DEVICE_QUEUE = 3      /* frontend ROUTER, backend DEALER */
};

/* How a device is made. Set all that is not named to zero; `size` to sizeof of the struct. */
struct gmq_device_options {
    size_t size;
    enum gmq_device_type type; /* checked against the sockets' types, GMQ_DEVICE_ANY checks none */
    void *capture;             /* socket that gets a copy of each message, or NULL. It never
                                  holds the device up: what it cannot take is lost and counted.
                                  Before its first reader is there, the first messages are kept
                                  for that one, up to ZMQ_SNDHWM and 2 MiB; a PUB keeps none */
    void *control;             /* socket that takes PAUSE, RESUME, TERMINATE and STATISTICS as in
                                  zmq_proxy_steerable(3), or NULL */
    const char *const *subscriptions; /* FORWARDER on a SUB frontend: prefixes to subscribe to.
                                  NULL: everything */
    size_t subscription_count;
    size_t event_count; /* how many events gmq_device_event() can look back on; 0: none are kept */
};

/* Why a message was dropped. */
enum gmq_drop {
    GMQ_DROP_NO_ROUTE = 0,  /* its routing id names no peer: the client is gone */
    GMQ_DROP_UNWANTED = 1,  /* nobody subscribed to it */
    GMQ_DROP_FULL = 2,      /* the peer's high-water mark was reached and its pattern drops */
    GMQ_DROP_PEER_LOST = 3, /* it was queued for a peer that went away */
    GMQ_DROP_MALFORMED = 4, /* it broke the pattern's rules, as a reply without an envelope */
    GMQ_DROP_STOPPED = 5,   /* it was queued when the device was stopped */
    GMQ_DROP_NO_MEMORY = 6, /* there was no memory to keep it */
    GMQ_DROP_REASONS = 7
};

/* Why a peer left. */
enum gmq_leave {
    GMQ_LEAVE_CLOSED = 0,   /* it closed the connection, or the connection broke */
    GMQ_LEAVE_PROTOCOL = 1, /* it broke the protocol and was disconnected */
    GMQ_LEAVE_TIMEOUT = 2,  /* it did not answer heartbeats */
    GMQ_LEAVE_REPLACED = 3, /* another peer took over its routing id */
    GMQ_LEAVE_LOCAL = 4,    /* we closed it: unbind, disconnect, close */
    GMQ_LEAVE_REASONS = 5
};

/* How much: each in messages, in message parts (frames), and in bytes of those parts. */
struct gmq_tally {
    uint64_t messages;
    uint64_t parts;
    uint64_t bytes;
};

/* The books of one direction. At every reading, in each unit,
 *
 *     received + copied = forwarded + queued + sum of dropped[]
 *
 * A message counts as the application would receive it from the incoming socket: with ROUTER,
 * the routing id is its first part. With one socket as both sides all is `forward`. */
struct gmq_flow {
    struct gmq_tally received;  /* taken from peers of the incoming socket */
    struct gmq_tally copied;    /* further copies made for fan-out: a message for three
                                   subscribers is received once and copied twice; the parts
                                   that REQ and REP put in front of what is sent; and the messages
                                   of ZMQ_PROBE_ROUTER and ZMQ_XPUB_WELCOME_MSG */
    struct gmq_tally forwarded; /* left: handed to the operating system, or to an inproc peer */
    struct gmq_tally queued;    /* waits for a peer of the outgoing socket to take it */
    struct gmq_tally dropped[GMQ_DROP_REASONS];
};

/* Something that happened to a peer. */
struct gmq_event {
    enum gmq_event_kind {
        GMQ_EVENT_JOINED = 1, /* connected, and shook hands */
        GMQ_EVENT_LEFT = 2,   /* gone; `reason` says why */
        GMQ_EVENT_REFUSED = 3 /* cut, before or after it had joined; `reason` says why */
    } kind;
    int backend;       /* 0: at the frontend, 1: at the backend */
    char endpoint[64]; /* its address, ends in NUL; may be empty */
    char reason[128];  /* a plain phrase, ends in NUL */
};

/* The account of a device. `size` as in the options. */
struct gmq_account {
    size_t size;
    struct gmq_flow forward;  /* frontend to backend */
    struct gmq_flow backward; /* backend to frontend */
    struct gmq_flow capture;  /* what the capture socket was given; received = offered to it */
    uint64_t frontend_peers, backend_peers;   /* connected now */
    uint64_t frontend_joined, backend_joined; /* connected since the start, those at start too */
    uint64_t frontend_left[GMQ_LEAVE_REASONS], backend_left[GMQ_LEAVE_REASONS];
    uint64_t frontend_refused, backend_refused; /* connections cut for breaking the protocol */
    struct gmq_event last_refused; /* the last of them; its kind is 0 when there was none */
    uint64_t owed; /* replies that are due from peers of the backend: see gmq_device_drain() */
    uint64_t unanswered; /* requests whose peer left before it had replied */
    int state;           /* enum gmq_device_state */
};

enum gmq_device_state {
    GMQ_DEVICE_NEW = 0,
    GMQ_DEVICE_RUNNING = 1,
    GMQ_DEVICE_PAUSED = 2,
    GMQ_DEVICE_DRAINING = 3,
    GMQ_DEVICE_STOPPED = 4
};

/* One peer's lines in the books. What a peer sends is `received`, what is sent to it is
 * forwarded + queued + dropped. */
struct gmq_peer {
    int backend; /* 0: of the frontend, 1: of the backend */
    uint8_t routing_id_size;
    uint8_t routing_id[255];
    char endpoint[256];   /* its address, ends in NUL; may be empty */
    int connected;        /* 0 while a connecting peer is between two connections */
    struct gmq_flow flow; /* `copied` stays 0 */
    uint64_t owed;        /* replies that are due from it */
};

/* High-water marks (ZMQ_SNDHWM, ZMQ_RCVHWM) count messages, as everywhere. For a peer of a PUSH or
 * DEALER a device queues at most about 2 MiB as well: what goes beyond waits at the connection it
 * came from, and is not lost. */

/* Makes a device over two sockets of one context (they may be the same one: a reflector); both
 * stay the caller's, who must not use them while the device runs and closes them after
 * gmq_device_free(). options may be NULL. Returns the handle, or NULL with errno:
 *   EINVAL  options->size is unknown, the sockets' types do not fit the type, capture cannot send
 *           at any time (as REQ), or control cannot receive,
 *   ENOTSOCK  frontend, backend, capture or control is no socket,
 *   EBUSY  a socket already belongs to a device, or is to be capture or control and another too,
 *   EXDEV  the sockets are of different contexts,
 *   ETERM  the context was terminated,
 *   ENOMEM. */
GMQ_EXPORT struct gmq_device *gmq_device_new(void *frontend, void *backend,
                                             const struct gmq_device_options *options);

/* Starts a new device. EALREADY: it was started before; EBUSY: another device has taken one of
 * its sockets; ENOTSOCK: one of them was closed; EFSM: a message at one of them has been received
 * in part; ETERM. */
GMQ_EXPORT int gmq_device_start(struct gmq_device *device);

/* Stops taking messages in until gmq_device_resume(); what is queued still leaves. Senders feel
 * back-pressure, nothing is lost. EINVAL: the device does not run. */
GMQ_EXPORT int gmq_device_pause(struct gmq_device *device);
GMQ_EXPORT int gmq_device_resume(struct gmq_device *device);

/* Takes no more messages from the frontend, lets out what is queued, and lets replies come back
 * to requests that a QUEUE, or a backend of type REQ, has forwarded; then stops. Each peer of the
 * backend owes one reply a request; what it owes when it leaves is not waited for. Waits until that
 * is done, at most deadline_ms milliseconds (-1: without limit); at the deadline the device is
 * stopped all the same. Returns 0 when all was let out, 1 when the deadline came first. EINVAL: the
 * device does not run; EINTR: a signal came, and it is still draining; ETERM. */
GMQ_EXPORT int gmq_device_drain(struct gmq_device *device, long deadline_ms);

/* Stops at once. What is still queued is dropped and counted, but for a message that has begun to
 * leave: its rest is still queued then, and follows. Nothing happens to a device that is stopped
 * already. */
GMQ_EXPORT int gmq_device_stop(struct gmq_device *device);

/* Waits until the device is stopped, at most timeout_ms milliseconds (-1: without limit), and
 * runs the context's I/O meanwhile. EAGAIN: the time is over; EINTR: a signal came; ETERM: the
 * context was terminated, which stops its devices. */
GMQ_EXPORT int gmq_device_wait(struct gmq_device *device, long timeout_ms);

/* Reads the books, all of one instant; of a device that is stopped, those of its end. Set
 * account->size before. EINVAL: size is unknown. */
GMQ_EXPORT int gmq_device_account(struct gmq_device *device, struct gmq_account *account);

/* Reads the lines of at most `count` peers that are there now; returns how many there are, which
 * may be more, and 0 for a device that does not run. peers may be NULL when count is 0. */
GMQ_EXPORT long gmq_device_peers(struct gmq_device *device, struct gmq_peer *peers, size_t count);

/* Takes the oldest event that has not been taken, of those that options->event_count makes the
 * device keep. `lost` (may be NULL) gets how many older ones had to go since the last call.
 * Returns 1 and the event, or 0 when there is none. */
GMQ_EXPORT int gmq_device_event(struct gmq_device *device, struct gmq_event *event, uint64_t *lost);

/* Stops the device if need be and frees the handle. NULL is allowed. */
GMQ_EXPORT void gmq_device_free(struct gmq_device *device);

/* A word for each reason, such as "no route"; "unknown" for other numbers. */
GMQ_EXPORT const char *gmq_drop_name(enum gmq_drop reason);
GMQ_EXPORT const char *gmq_leave_name(enum gmq_leave reason);

#ifdef __cplusplus
}
#endif

#endif
