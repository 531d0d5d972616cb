/* SPDX-License-Identifier: MIT */
/* All patterns, by the number of their socket type. */
#ifndef GREENMQ_PATTERN_PATTERNS_H
#define GREENMQ_PATTERN_PATTERNS_H

#include "core/pattern.h"

extern const struct pattern pattern_pair, pattern_push, pattern_pull, pattern_dealer,
    pattern_router, pattern_req, pattern_rep, pattern_pub, pattern_xpub, pattern_sub, pattern_xsub,
    pattern_stream;

/* NULL for an unknown type. */
const struct pattern *pattern_find(int type);

#endif
