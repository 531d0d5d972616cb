/* SPDX-License-Identifier: MIT */
/* A descriptor that is watched, by levels: as long as it is ready, each turn tells. Embedded in
 * what it belongs to. All under the lock of the poller's owner; the kernel knows at once, also
 * while somebody waits. */
#ifndef GREENMQ_LOOP_FDWATCH_H
#define GREENMQ_LOOP_FDWATCH_H

#include "loop/poller.h"

struct fdwatch {
    struct poller *poller;
    /* EPOLLIN, EPOLLOUT, EPOLLRDHUP of those that it is watched for; EPOLLERR and EPOLLHUP too, and
     * then all that it is watched for. It may end any watch, and free what holds it. */
    void (*on_ready)(struct fdwatch *watch, uint32_t events);
    int fd;
    uint32_t slot, events; /* what the kernel has been told; 0: the descriptor is not in the set */
};

/* Watches for nothing yet. 0 or -ENOMEM. */
int fdwatch_init(struct fdwatch *watch, struct poller *poller, int fd,
                 void (*on_ready)(struct fdwatch *watch, uint32_t events));

/* Watches for these from now on, 0 for nothing at all. -ENOMEM or -ENOSPC; -EEXIST: another watch
 * has the descriptor; -EPERM: such a file cannot be watched. Then it is as it was. To watch for
 * nothing cannot fail. */
int fdwatch_set(struct fdwatch *watch, uint32_t events);

/* Ends it, before the descriptor is closed: its memory may go. */
void fdwatch_term(struct fdwatch *watch);

#endif
