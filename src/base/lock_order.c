/* SPDX-License-Identifier: MIT */
/* What a thread has locked: see lock_order.h. */
#include "base/lock_order.h"

#ifdef GREENMQ_TEST
_Thread_local unsigned lock_order_held[LOCK_RANKS];
#endif
