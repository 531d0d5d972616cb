/* SPDX-License-Identifier: MIT */
/* zmq_utils.h: for programs that still include it. All that it once declared (stopwatch, threads,
 * z85) is in zmq.h, which it brings along. */
#ifndef GREENMQ_ZMQ_UTILS_H_INCLUDED
#define GREENMQ_ZMQ_UTILS_H_INCLUDED

#include "zmq.h"

#endif
