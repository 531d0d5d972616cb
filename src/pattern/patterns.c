/* SPDX-License-Identifier: MIT */
#include "pattern/patterns.h"

#include <greenmq/zmq.h>
#include <stddef.h>

static const struct pattern *const patterns[] = {
    [ZMQ_PAIR] = &pattern_pair,     [ZMQ_PUB] = &pattern_pub,   [ZMQ_SUB] = &pattern_sub,
    [ZMQ_REQ] = &pattern_req,       [ZMQ_REP] = &pattern_rep,   [ZMQ_DEALER] = &pattern_dealer,
    [ZMQ_ROUTER] = &pattern_router, [ZMQ_PULL] = &pattern_pull, [ZMQ_PUSH] = &pattern_push,
    [ZMQ_XPUB] = &pattern_xpub,     [ZMQ_XSUB] = &pattern_xsub, [ZMQ_STREAM] = &pattern_stream,
};

const struct pattern *pattern_find(int type)
{
    if (type < 0 || (size_t)type >= sizeof patterns / sizeof patterns[0])
        return NULL;
    return patterns[type];
}
