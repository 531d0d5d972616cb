/* SPDX-License-Identifier: MIT */
/* A ledger: the books of messages on their way out through one socket. Each message that comes
 * in is queued, copied or dropped at once, and leaves the queue as forwarded or dropped:
 *
 *      received + copied = forwarded + queued + sum of dropped
 *
 * at any moment under the context's lock. Every socket has one; a device reads those of its two. */
#ifndef GREENMQ_CORE_LEDGER_H
#define GREENMQ_CORE_LEDGER_H

#include "base/tally.h"

/* Why a message was dropped. The order is that of enum gmq_drop. */
enum drop {
    DROP_NO_ROUTE,
    DROP_UNWANTED,
    DROP_FULL,
    DROP_PEER_LOST,
    DROP_MALFORMED,
    DROP_STOPPED,
    DROP_NO_MEMORY,
    DROP_REASONS
};

/* Why a peer left. The order is that of enum gmq_leave. */
enum leave {
    LEAVE_CLOSED,
    LEAVE_PROTOCOL,
    LEAVE_TIMEOUT,
    LEAVE_REPLACED,
    LEAVE_LOCAL,
    LEAVE_REASONS
};

struct ledger {
    struct tally received, copied, forwarded, queued;
    struct tally dropped[DROP_REASONS];
};

static inline void ledger_drop(struct ledger *ledger, enum drop reason, const struct tally *tally)
{
    tally_add(&ledger->dropped[reason], tally);
}

#endif
