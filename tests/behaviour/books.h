/* SPDX-License-Identifier: MIT */
/*
 * A device's books in the tests: they must balance whenever they are read. Included by device.h.
 */
#ifndef BEHAVIOUR_BOOKS_H
#define BEHAVIOUR_BOOKS_H

#include <inttypes.h>

#include <greenmq/greenmq.h>

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

static inline void print_tally(const char *name, const struct gmq_tally *tally)
{
    if (tally->messages || tally->parts || tally->bytes)
        print_error("    %-12s%8" PRIu64 " messages %8" PRIu64 " parts %10" PRIu64 " bytes\n", name,
                    tally->messages, tally->parts, tally->bytes);
}

static inline void print_flow(const char *name, const struct gmq_flow *flow)
{
    print_error("%s\n", name);
    print_tally("received", &flow->received);
    print_tally("copied", &flow->copied);
    print_tally("forwarded", &flow->forwarded);
    print_tally("queued", &flow->queued);
    for (int i = 0; i < GMQ_DROP_REASONS; i++)
        print_tally(gmq_drop_name((enum gmq_drop)i), &flow->dropped[i]);
}

static inline void print_books(const struct gmq_account *books)
{
    print_flow("forward", &books->forward);
    print_flow("backward", &books->backward);
    print_flow("capture", &books->capture);
    print_error("frontend: %" PRIu64 " peers, %" PRIu64 " joined, %" PRIu64 " left\n",
                books->frontend_peers, books->frontend_joined, sum_left(books->frontend_left));
    print_error("backend: %" PRIu64 " peers, %" PRIu64 " joined, %" PRIu64 " left\n",
                books->backend_peers, books->backend_joined, sum_left(books->backend_left));
}

/* The account, found in balance. */
static inline struct gmq_account account_of(struct gmq_device *device)
{
    struct gmq_account books = {.size = sizeof books};
    assert_int_equal(gmq_device_account(device, &books), 0);
    const char *error = books_error(&books);
    if (error) {
        print_books(&books);
        fail_msg("%s", error);
    }
    return books;
}

/* Waits until something is so of the account, which `books` stands for in the condition. */
#define wait_books(device, condition)                      \
    do {                                                   \
        int64_t until = now_ms() + DEADLINE_MS;            \
        struct gmq_account books = account_of(device);     \
        for (; !(condition); books = account_of(device)) { \
            if (now_ms() > until) {                        \
                print_books(&books);                       \
                fail_msg("never true: %s", #condition);    \
            }                                              \
            nap_ms(1);                                     \
        }                                                  \
    } while (0)

#endif
