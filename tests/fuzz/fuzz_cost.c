/* SPDX-License-Identifier: MIT */
/* What input costs, in time for each octet of it: arbitrary octets are cut into runs as a stream
 * does it, and read as subscriptions and cancels of a few peers. Whatever they are, a bound is kept
 * that is generous to each octet and leaves no room for work that grows with what came before.
 *
 *      input:  reads | octets of frames            reads: octets that come at a time
 *
 * A body of 1 or 0 and a topic subscribes or cancels; its first octet says for whom. Other bodies
 * are matched. So that little input can ask for much, each body stands for itself many times over,
 * and topics are long. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/run.h"
#include "core/topic.h"

enum {
    HOLDERS = 64,
    STRETCH = 64,       /* times that each octet of a topic stands there */
    TRIES = 5,          /* the least time counts: others use the processor too */
    FIXED_NS = 2000000, /* for any input */
    EACH_NS = 6000      /* for an octet, which stands for STRETCH; with sanitizers */
};

static struct topics topics;
static struct holder holders[HOLDERS];
static uint8_t text[(1 << 16) * STRETCH];

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void take_body(const uint8_t *body, size_t size)
{
    if (!size || size > sizeof text / STRETCH)
        return;
    struct holder *holder = &holders[body[0] / 4 % HOLDERS];
    for (size_t i = 1; i < size; i++)
        memset(text + (i - 1) * STRETCH, body[i], STRETCH);
    size_t length = (size - 1) * STRETCH;
    if (body[0] % 4 == 1)
        check(topic_add(&topics, holder, text, length) >= 0);
    else if (body[0] % 4 == 0)
        topic_remove(&topics, holder, text, length, NULL);
    else
        topic_match(&topics, text, length);
}

static void take_run(struct run rest)
{
    struct run message;
    while (run_next(&rest, &message)) {
        struct frame frame;
        run_first_frame(&message, &frame);
        take_body(frame.body, frame.size);
    }
}

/* As stream_decode(): returns what was used. */
static size_t decode(const uint8_t *data, size_t size, bool *inside)
{
    struct scan_limits limits = {.body_max = UINT64_MAX, .large_min = 4096};
    struct scan scan;
    if (*inside) {
        run_scan_rest(&scan, data, size, &limits);
        *inside = !scan.open.messages;
        return scan.parsed;
    }
    run_scan(&scan, data, size, &limits);
    take_run(scan.run);
    *inside = scan.open.parts > 0;
    return scan.parsed;
}

/* Octets come `reads` at a time; what is not used is looked at again with the next. */
static void feed(const uint8_t *data, size_t size, size_t reads)
{
    size_t there = 0, used = 0;
    bool inside = false;
    while (there < size) {
        there = size - there < reads ? size : there + reads;
        size_t now = decode(data + used, there - used, &inside);
        used += now;
        if (there - used > 4096)
            break; /* a large or a broken frame: the stream does something else */
    }
}

static uint64_t measure(const uint8_t *data, size_t size, size_t reads)
{
    uint64_t start = now_ns();
    feed(data, size, reads);
    for (int i = 0; i < HOLDERS; i++)
        topic_forget(&topics, &holders[i], NULL, NULL);
    check(topics.root == 0);
    return now_ns() - start;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t reads = 1 + (size_t)data[0] * data[0];
    uint64_t least = UINT64_MAX, most = FIXED_NS + (uint64_t)EACH_NS * size;
    for (int i = 0; i < TRIES && least > most; i++) {
        uint64_t took = measure(data + 1, size - 1, reads);
        least = took < least ? took : least;
    }
    check(least <= most);
    return 0;
}
