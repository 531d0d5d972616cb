/* SPDX-License-Identifier: MIT */
/* Watched descriptors: see fdwatch.h. */
#include "loop/fdwatch.h"

#include <errno.h>

int fdwatch_init(struct fdwatch *watch, struct poller *poller, int fd,
                 void (*on_ready)(struct fdwatch *watch, uint32_t events))
{
    *watch = (struct fdwatch){.poller = poller, .fd = fd, .on_ready = on_ready};
    return poller_take_slot(poller, watch, &watch->slot);
}

int fdwatch_set(struct fdwatch *watch, uint32_t events)
{
    struct poller *poller = watch->poller;
    if (events == watch->events)
        return 0;
    int how = !events ? EPOLL_CTL_DEL : watch->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    uint64_t user = poller->slots[watch->slot].user;
    struct epoll_event event = {.events = events, .data.u64 = user << 32 | watch->slot};
    if (epoll_ctl(poller->epoll, how, watch->fd, &event) < 0 && events)
        return -errno; /* what cannot be taken out is gone: somebody has closed it */
    poller->watched -= watch->events != 0;
    poller->watched += events != 0;
    watch->events = events;
    return 0;
}

void fdwatch_term(struct fdwatch *watch)
{
    fdwatch_set(watch, 0);
    poller_give_slot(watch->poller, watch->slot);
}
