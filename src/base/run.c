/* SPDX-License-Identifier: MIT */
/* Runs: see run.h. run_scan() is the hottest loop of greenmq: every octet that arrives is cut
 * into frames here, once. Its inner loop knows only the commonest frame (short, last of its
 * message) and leaves everything else to the outer one. */
#include "base/run.h"

#include "base/buffer.h"
#include "base/check.h"

enum { COMMAND_MAX = 1 << 24 /* a subscription may be long, but not without end */ };

/* Skips whole frames with short headers. Returns where the last message ended. */
static const uint8_t *skip_short(const uint8_t **from, const uint8_t *end, struct tally *whole,
                                 struct tally *open)
{
    const uint8_t *start = *from, *at = start, *last = start;
    uint64_t messages = 0, parts = 0, parts_whole = 0;
    while (end - at >= FRAME_SHORT_HEADER && at[0] <= FRAME_MORE) {
        const uint8_t *next = at + FRAME_SHORT_HEADER + at[1];
        if (next > end)
            break;
        parts++;
        if (!(at[0] & FRAME_MORE)) {
            messages++;
            parts_whole = parts;
            last = next;
        }
        at = next;
    }
    *from = at;
    whole->messages += messages;
    whole->parts += parts_whole;
    whole->bytes += (uint64_t)(last - start) - parts_whole * FRAME_SHORT_HEADER;
    open->parts = parts - parts_whole;
    open->bytes = (uint64_t)(at - last) - open->parts * FRAME_SHORT_HEADER;
    return last;
}

/* Judges the header at the scan's end; SCAN_END means an ordinary frame. */
static enum scan_stop judge(const struct frame *frame, const struct scan_limits *limits,
                            bool inside, bool whole)
{
    if (unlikely(frame->flags & ~FRAME_KNOWN))
        return SCAN_RESERVED;
    if (unlikely(frame->flags & FRAME_COMMAND)) {
        if (frame->flags & FRAME_MORE)
            return SCAN_COMMAND_MORE;
        if (frame->size > COMMAND_MAX)
            return SCAN_TOO_LARGE;
        if (!whole)
            return frame->size > limits->large_min ? SCAN_LARGE : SCAN_END;
        return inside ? SCAN_INSIDE : SCAN_COMMAND;
    }
    if (unlikely(frame->size > limits->body_max))
        return SCAN_TOO_LARGE;
    if (!whole)
        return frame->size > limits->large_min ? SCAN_LARGE : SCAN_END;
    /* "SHOULD be short": what is passed on as it came must be as we would write it. */
    bool spelt_long = (frame->flags & FRAME_LONG) && frame->size <= FRAME_SHORT_MAX;
    return spelt_long ? SCAN_LARGE : SCAN_END;
}

/* Reads the frame at `at`. Is it whole and ordinary? If not, scan->stop says what it is. */
static inline bool read_ordinary(struct scan *scan, const uint8_t *at, const uint8_t *end,
                                 const struct scan_limits *limits, bool inside)
{
    struct frame *frame = &scan->frame;
    if (!frame_header_read(at, (size_t)(end - at), frame)) {
        /* A bad flag is told at once, not when the size has come. */
        if (at < end && (at[0] & ~FRAME_KNOWN))
            scan->stop = SCAN_RESERVED;
        return false;
    }
    bool whole = frame->size <= (uint64_t)(end - frame->body);
    scan->stop = judge(frame, limits, inside, whole);
    return scan->stop == SCAN_END && whole;
}

void run_scan(struct scan *scan, const uint8_t *data, size_t size, const struct scan_limits *limits)
{
    const uint8_t *at = data, *end = data + size;
    const uint8_t *enough = limits->run_max && limits->run_max < size ? data + limits->run_max
                                                                      : end;
    bool short_fits = limits->body_max >= FRAME_SHORT_MAX;
    struct tally open = {0};
    *scan = (struct scan){.run.data = data};
    for (;;) {
        if (likely(short_fits) && !open.parts && at < enough) {
            const uint8_t *last = skip_short(&at, enough, &scan->run.tally, &open);
            scan->run.size = (size_t)(last - data);
        }
        if (at >= enough && enough < end && !open.parts)
            break;
        struct frame *frame = &scan->frame;
        if (!read_ordinary(scan, at, end, limits, open.parts > 0))
            break;
        at = frame->body + frame->size;
        open.parts++;
        open.bytes += frame->size;
        if (!(frame->flags & FRAME_MORE)) {
            open.messages = 1;
            tally_add(&scan->run.tally, &open);
            open = (struct tally){0};
            scan->run.size = (size_t)(at - data);
        }
    }
    scan->parsed = (size_t)(at - data);
    scan->open = open;
}

void run_scan_rest(struct scan *scan, const uint8_t *data, size_t size,
                   const struct scan_limits *limits)
{
    const uint8_t *at = data, *end = data + size;
    struct frame *frame = &scan->frame;
    *scan = (struct scan){.run.data = data};
    while (!scan->open.messages && read_ordinary(scan, at, end, limits, true)) {
        at = frame->body + frame->size;
        scan->open.parts++;
        scan->open.bytes += frame->size;
        scan->open.messages = !(frame->flags & FRAME_MORE);
    }
    scan->parsed = (size_t)(at - data);
}

size_t run_slices(const struct run *run, struct slice *slices, size_t max)
{
    const uint8_t *at = run->data, *end = at + run->size;
    size_t count = 0;
    while (at < end && count < max) {
        struct slice *slice = &slices[count++];
        struct frame frame = {.flags = FRAME_MORE};
        *slice = (struct slice){.data = at};
        while (frame.flags & FRAME_MORE) {
            check(frame_header_read(at, (size_t)(end - at), &frame));
            at = frame.body + frame.size;
            slice->parts++;
            slice->bytes += (uint32_t)frame.size;
        }
        slice->size = (size_t)(at - slice->data);
    }
    return count;
}

bool run_next(struct run *rest, struct run *message)
{
    if (rest->large) {
        *message = *rest;
        *rest = (struct run){0};
        return true;
    }
    if (!rest->size)
        return false;
    *message = run_take(rest, 1);
    *rest = run_after(rest, message);
    return true;
}

void run_first_frame(const struct run *run, struct frame *frame)
{
    if (run->large) {
        check(buffer_front(run->large, frame, NULL));
        return;
    }
    check(frame_header_read(run->data, run->size, frame));
}

/* Walks whole messages until `messages` are taken or the next would pass `size`. */
static struct run walk(const struct run *run, uint64_t messages, size_t size)
{
    struct run taken = {.data = run->data, .chunk = run->chunk};
    struct tally open = {0};
    size_t at = 0;
    while (taken.tally.messages < messages && at < run->size) {
        struct frame frame;
        check(frame_header_read(run->data + at, run->size - at, &frame));
        at += frame.header + frame.size;
        if (at > size)
            break;
        open.parts++;
        open.bytes += frame.size;
        if (!(frame.flags & FRAME_MORE)) {
            open.messages = 1;
            tally_add(&taken.tally, &open);
            open = (struct tally){0};
            taken.size = at;
        }
    }
    return taken;
}

struct run run_take(const struct run *run, uint64_t messages)
{
    return messages >= run->tally.messages ? *run : walk(run, messages, run->size);
}

struct run run_within(const struct run *run, size_t size)
{
    if (size >= run->size)
        return *run;
    return run->large ? (struct run){0} : walk(run, run->tally.messages, size);
}
