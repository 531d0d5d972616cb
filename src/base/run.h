/* SPDX-License-Identifier: MIT */
/* A run: whole messages, one behind the other as frames, that travel together. It is the unit
 * in which traffic moves through the engine: a connection's input is cut into runs, a pattern
 * decides where each message of a run goes, a peer takes runs into its output.
 *
 * A run is a view and owns nothing. Usually it lies in one piece of memory. A single message
 * too large for that lies in the pieces of a buffer: then `large` is set and the run is exactly
 * that message. */
#ifndef GREENMQ_BASE_RUN_H
#define GREENMQ_BASE_RUN_H

#include "base/frame.h"
#include "base/tally.h"

#include <stdbool.h>

struct buffer;
struct chunk;

struct run {
    const uint8_t *data; /* the frames; NULL with `large` */
    size_t size;         /* octets, headers included */
    struct tally tally;
    const struct buffer *large;
    struct chunk *chunk; /* where `data` lies, if that may be shared; else NULL */
};

/* One message of a run, or what of it is to be sent on. */
struct slice {
    const uint8_t *data;
    size_t size;
    uint32_t parts, bytes; /* its tally */
};

/* Octets that go in front of each message of a run: a routing id, a delimiter, an envelope. */
struct prefix {
    const uint8_t *data; /* encoded frames, all with FRAME_MORE */
    size_t size;
    uint32_t parts, bytes; /* what they add to a message's tally */
};

enum scan_stop {
    SCAN_END,     /* the octets ended, with a message or inside one */
    SCAN_COMMAND, /* a whole command is next, between two messages */
    SCAN_INSIDE,  /* a command is next, between two parts of a message */
    SCAN_LARGE,   /* a frame is next that goes apart: larger than the caller wants to keep, see
                     scan_limits, or whole and written in the long form without need */
    SCAN_RESERVED,
    SCAN_COMMAND_MORE,
    SCAN_TOO_LARGE
};

struct scan_limits {
    uint64_t body_max;  /* a larger body is SCAN_TOO_LARGE */
    uint64_t large_min; /* an incomplete frame of more octets than this is SCAN_LARGE */
    size_t run_max;     /* the run ends with the message that reaches so many octets; 0: no limit */
};

struct scan {
    struct run run;    /* the whole messages at the front */
    size_t parsed;     /* octets of whole frames: up to here all is checked */
    struct tally open; /* of the parts between run.size and `parsed`, or all of run_scan_rest() */
    enum scan_stop stop;
    struct frame frame; /* with COMMAND, INSIDE, LARGE: what stands at `parsed` */
};

/* Cuts the messages at the front of `data` into a run and says what stands behind them. */
void run_scan(struct scan *scan, const uint8_t *data, size_t size,
              const struct scan_limits *limits);

/* Inside a message: passes the parts at the front of `data`, to the last of the message and no
 * further. They are `parsed` and `open`, which counts the message if it has ended. There is no
 * run. */
void run_scan_rest(struct scan *scan, const uint8_t *data, size_t size,
                   const struct scan_limits *limits);

/* Takes the first message off `rest`. False when nothing is left. */
bool run_next(struct run *rest, struct run *message);

/* The first messages of a run, `max` at most, as slices; returns how many. Not for a large one. */
size_t run_slices(const struct run *run, struct slice *slices, size_t max);

/* The first frame of a run's first message. */
void run_first_frame(const struct run *run, struct frame *frame);

/* The first `messages` messages of a run (all, when it has no more). Not for a large one. */
struct run run_take(const struct run *run, uint64_t messages);

/* What of a run lies behind its first part `head`. */
static inline struct run run_after(const struct run *run, const struct run *head)
{
    struct run rest = *run;
    if (head->size == rest.size)
        return (struct run){0};
    if (rest.large)
        return rest; /* all or nothing: nothing of it was taken */
    rest.data += head->size;
    rest.size -= head->size;
    tally_sub(&rest.tally, &head->tally);
    return rest;
}

/* What a run counts with `prefix` (may be NULL) in front of each message. */
static inline struct tally run_units(const struct run *run, const struct prefix *prefix)
{
    struct tally units = run->tally;
    if (prefix) {
        units.parts += prefix->parts * units.messages;
        units.bytes += prefix->bytes * units.messages;
    }
    return units;
}

/* The run of whole messages within the first `size` octets; of a large one, all or nothing. */
struct run run_within(const struct run *run, size_t size);

#endif
