/* SPDX-License-Identifier: MIT */
/*
 * A device's books in the tests: they must balance whenever they are read. Included by device.h.
 */
#ifndef BEHAVIOUR_BOOKS_H
#define BEHAVIOUR_BOOKS_H

#include <inttypes.h>

#include <greenmq/greenmq.h>

#include "support/balance.h"

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
