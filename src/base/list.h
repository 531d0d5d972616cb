/* SPDX-License-Identifier: MIT */
/* Lists: <sys/queue.h>, with the two loops that glibc's lacks and BSD's has: the entry may be
 * removed while the loop stands on it. */
#ifndef GREENMQ_BASE_LIST_H
#define GREENMQ_BASE_LIST_H

#include <sys/queue.h>

#ifndef LIST_FOREACH_SAFE
#define LIST_FOREACH_SAFE(entry, head, field, next)                                    \
    for ((entry) = LIST_FIRST(head); (entry) && ((next) = LIST_NEXT(entry, field), 1); \
         (entry) = (next))
#endif

#ifndef TAILQ_FOREACH_SAFE
#define TAILQ_FOREACH_SAFE(entry, head, field, next)                                     \
    for ((entry) = TAILQ_FIRST(head); (entry) && ((next) = TAILQ_NEXT(entry, field), 1); \
         (entry) = (next))
#endif

#endif
