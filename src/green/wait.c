/* SPDX-License-Identifier: MIT */
/* Waiting in a loop, loop_wait() of loop.h: an ordinary thread waits there itself; a green one
 * parks, and its hub's idle thread waits for all of them. The thread's deadline scopes bound each
 * wait, and a cancelled thread waits no more. */
#include "base/check.h"
#include "green/fdwait.h"
#include "green/hub.h"

#include <errno.h>

/* Parks with the lock released: until it is woken, or for the descriptors it came with. */
static int park_unlocked(struct hub *hub, struct loop *loop, struct waiter *waiter,
                         uint64_t deadline_ns)
{
    int rc = 0;
    loop_leave(loop);
    if (waiter->fd_count > WAITER_FDS)
        rc = fdwait_park(hub, waiter->fds + WAITER_FDS, waiter->fd_count - WAITER_FDS, waiter->what,
                         deadline_ns);
    else
        hub_park(waiter->what, deadline_ns);
    loop_enter(loop);
    if (rc > 0)
        waiter->woken = true;
    return rc < 0 ? rc : 0;
}

static int wait_green(struct hub *hub, struct loop *loop, struct waiter *waiter,
                      uint64_t deadline_ns)
{
    struct thread *self = hub->current;
    int rc = hub_sit(hub, loop);
    if (rc < 0)
        return rc;
    waiter->thread = self;
    loop->waits++;
    rc = thread_check(self, true);
    while (!waiter->woken && rc == 0) {
        rc = park_unlocked(hub, loop, waiter, thread_until(self, deadline_ns));
        if (rc == 0)
            rc = thread_check(self, true);
        if (rc == 0 && !waiter->woken && loop_is_over(deadline_ns))
            rc = -ETIMEDOUT;
    }
    hub_rise(hub, loop);
    return rc == 0 && loop_is_over(deadline_ns) ? -ETIMEDOUT : rc;
}

int loop_wait(struct loop *loop, struct waiter *waiter, uint64_t deadline_ns)
{
    struct hub *hub = hub_current;
    if (hub)
        return wait_green(hub, loop, waiter, deadline_ns);
    return loop_wait_here(loop, waiter, deadline_ns);
}

void loop_wake(struct loop *loop, struct waiter *waiter)
{
    (void)loop;
    waiter->woken = true;
    if (waiter->thread)
        hub_wake(waiter->thread);
    else
        loop_ring(waiter);
}
