/* SPDX-License-Identifier: MIT */
/* PULL (30/PIPELINE): receives from its peers in turn. */
#include "core/socket.h"
#include "pattern/patterns.h"

#include <greenmq/zmq.h>

const struct pattern pattern_pull = {
    .type = ZMQ_PULL,
    .inbound = INBOUND_PASS,
    .can_receive = true,
    .begin = socket_begin_fair,
};
