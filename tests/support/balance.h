/* SPDX-License-Identifier: MIT */
/* The law of a device's books: what came in is what went out, waits or was dropped; and who joined
 * is there or has left. Used by the tests of devices and by the storm. */
#ifndef SUPPORT_BALANCE_H
#define SUPPORT_BALANCE_H

#include <greenmq/greenmq.h>

#include <stdbool.h>

static inline void add_tally(struct gmq_tally *to, const struct gmq_tally *tally)
{
    to->messages += tally->messages;
    to->parts += tally->parts;
    to->bytes += tally->bytes;
}

static inline bool same_tally(const struct gmq_tally *a, const struct gmq_tally *b)
{
    return a->messages == b->messages && a->parts == b->parts && a->bytes == b->bytes;
}

/* Forwarded, queued and dropped: where everything went. */
static inline struct gmq_tally gone_to(const struct gmq_flow *flow)
{
    struct gmq_tally sum = flow->forwarded;
    add_tally(&sum, &flow->queued);
    for (int i = 0; i < GMQ_DROP_REASONS; i++)
        add_tally(&sum, &flow->dropped[i]);
    return sum;
}

/* The sums are right even if a number has fallen below zero, so that is looked at by itself. */
static inline bool is_sane(const struct gmq_tally *tally)
{
    return !((tally->messages | tally->parts | tally->bytes) >> 48);
}

static inline bool is_balanced(const struct gmq_flow *flow)
{
    struct gmq_tally in = flow->received, out = gone_to(flow);
    add_tally(&in, &flow->copied);
    return same_tally(&in, &out) && is_sane(&in) && is_sane(&flow->queued);
}

static inline uint64_t sum_left(const uint64_t *left)
{
    uint64_t sum = 0;
    for (int i = 0; i < GMQ_LEAVE_REASONS; i++)
        sum += left[i];
    return sum;
}

/* What is wrong with the books, or NULL. */
static inline const char *books_error(const struct gmq_account *books)
{
    if (!is_balanced(&books->forward))
        return "forward is out of balance";
    if (!is_balanced(&books->backward))
        return "backward is out of balance";
    if (!is_balanced(&books->capture))
        return "capture is out of balance";
    if (books->frontend_joined != books->frontend_peers + sum_left(books->frontend_left))
        return "frontend peers are out of balance";
    if (books->backend_joined != books->backend_peers + sum_left(books->backend_left))
        return "backend peers are out of balance";
    return NULL;
}

#endif
