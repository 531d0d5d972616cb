/* SPDX-License-Identifier: MIT */
/* Lanes: how messages pass without the context's lock. A socket may have two, one each way. Here
 * are those of a socket with one peer; with several, core/stage.h sends and core/gather.h receives.
 *
 *      zmq_send ─ lane_put() ──>  [ frames ┆ room ]  behind the last piece of the peer's output;
 *                                                    over inproc, of the other end's inbox
 *      zmq_recv <─ lane_take() ─  [ frames ]         the first piece of the peer's inbox
 *
 * A lane is a stretch of memory within a buffer, open to whoever takes the lane's own small lock.
 * It is opened at the end of a call that went the long way, if nobody has to be told of the next
 * messages: a flush is due anyway, or the receiver does not sleep. Whoever touches the buffer
 * under the context's lock closes the lane before, and books what has passed. So all the rest of
 * greenmq knows nothing of lanes.
 *
 * A lane lets only so many messages through as there is room up to the high-water mark; one that
 * receives not more than half of a full inbox, so that the sender hears of room in time. Large
 * messages and those that must wait always go the long way.
 *
 * A message of several parts may begin in a lane and end on the long way: when a lane is closed
 * between two parts, the socket is left as if the first ones had gone the long way, too. In the
 * lanes of a ROUTER each message begins with its peer's routing id, which is not in the buffer.
 *
 * Over inproc both lanes may lie in the same chunk; then chunk->written tells the receiver how far
 * the sender has come, and neither takes the long way for hundreds of messages. */
#ifndef GREENMQ_CORE_LANE_H
#define GREENMQ_CORE_LANE_H

#include "base/chunk.h"

#include <stdatomic.h>
#include <stdbool.h>

struct gather;
struct socket;
struct peer;

struct lane {
    atomic_uint lock;     /* the lane's; taken last of all, and never waited with */
    atomic_uint sleepers; /* threads that sleep until the lock is free */
    uint32_t left;        /* messages that may still pass; 0: closed */
    uint8_t *at;          /* here the next frame is written, or read */
    uint8_t *end;         /* of the room, or of the frames that are there */
    struct chunk *chunk;
    const uint8_t *id; /* ROUTER: of the peer, with which each message begins; else NULL */
    uint8_t id_size;
    bool inside;                   /* a message has begun, its routing id counts, and not ended */
    bool used;                     /* something has passed since it was opened */
    struct properties *properties; /* receiving: of the peer, or NULL */
    uint8_t *whole;                /* up to here messages are whole */
    uint8_t *start;                /* up to here all is booked */
    uint64_t bytes, parts;         /* between `start` and `at` */
    uint32_t opened, granted;      /* `left` when it was opened, and at `start` */
    unsigned generation;           /* of the process; a child of fork() has another one */

    /* Under the context's lock. */
    bool open;
    bool direct; /* sending: into the inbox of the other end */
    bool staged; /* sending: into the socket's stage, see core/stage.h; there is no peer */
    bool live;   /* receiving: a direct lane goes on in the same chunk */
    struct gather *gather; /* receiving: of several peers, see core/gather.h; else NULL */
    struct peer *peer;
};

extern atomic_uint lane_generation;

/* After a message was sent the long way, or received: opens a lane for the next ones, if it may. */
void lane_open_out(struct socket *socket);
void lane_open_in(struct socket *socket);

/* Closes what lanes there are to and from a socket. */
void lane_close_all(struct socket *socket);

/* For who is about to receive, or looks whether he could: closes the socket's own lane that
 * receives; a sender's lane into its inbox stays open, and what has come by that lies there. */
void lane_catch_up(struct socket *socket);

/* Closes both: the inboxes may be read. */
void lane_close_inbox(struct socket *socket);

/* Closes the socket's own lane of this kind. What is staged is routed then. */
void lane_close_out(struct socket *socket);
void lane_close_in(struct socket *socket);

/* The outputs of the socket's peers may be read: closes the lane that leads into one. */
void lane_close_output(struct socket *socket);

/* Closes the lane that leads into the inbox of this peer. */
void lane_close_feeder(struct peer *peer);

/* Somebody is going to wait for the socket: what comes must come the long way. True if there was
 * another way. */
bool lane_close_feeders(struct socket *socket);

/* fork(): what is open in the parent is closed in the child. */
void lane_forked(void);

#endif
