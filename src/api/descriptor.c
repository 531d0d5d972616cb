/* SPDX-License-Identifier: MIT */
/* Green threads and descriptors in the public API: waiting for one, and being waited for through
 * one by a loop that is not ours. */
#include "api/enter.h"
#include "api/green.h"
#include "green/embed.h"
#include "green/fdwait.h"
#include "green/hub.h"

#include <greenmq/greenmq.h>
#include <unistd.h>

static short to_poll(int events)
{
    return (short)((events & ZMQ_POLLIN ? POLLIN : 0) | (events & ZMQ_POLLOUT ? POLLOUT : 0) |
                   (events & ZMQ_POLLPRI ? POLLPRI : 0));
}

/* What a poll says of the descriptor: the events, 0 for none, or -EBADF. */
static int read_events(const struct pollfd *fd, int wanted)
{
    if (fd->revents & POLLNVAL)
        return -EBADF;
    if (fd->revents & (POLLERR | POLLHUP))
        return wanted;
    return (fd->revents & POLLIN ? ZMQ_POLLIN : 0) | (fd->revents & POLLOUT ? ZMQ_POLLOUT : 0) |
           (fd->revents & POLLPRI ? ZMQ_POLLPRI : 0);
}

static int wait_fd(struct thread *self, struct pollfd *fd, int events, uint64_t deadline_ns)
{
    for (;;) {
        int rc = thread_check(self, true);
        if (rc < 0)
            return rc;
        if (deadline_ns != UINT64_MAX && loop_clock_ns() >= deadline_ns)
            return -ETIMEDOUT;
        rc = fdwait_park(self->hub, fd, 1, "gmq_wait_fd", thread_until(self, deadline_ns));
        if (rc != 0)
            return rc < 0 ? rc : read_events(fd, events);
    }
}

int gmq_wait_fd(int fd, int events, int64_t deadline)
{
    const int all = ZMQ_POLLIN | ZMQ_POLLOUT | ZMQ_POLLPRI;
    struct thread *self = thread_self();
    if (!self)
        return answer(-ENOMEM);
    if (!(events & all) || (events & ~all))
        return answer(-EINVAL);
    if (fd < 0)
        return answer(-EBADF);
    if (hub_is_cancelled())
        return answer(-ECANCELED);
    struct pollfd look = {.fd = fd, .events = to_poll(events)};
    int rc = poll(&look, 1, 0) < 0 ? -errno : read_events(&look, events);
    return answer(rc ? rc : wait_fd(self, &look, events, green_deadline_ns(deadline)));
}

int gmq_close(int fd)
{
    if (hub_current)
        fdwait_forget(hub_current, fd);
    return close(fd);
}

/* The hub, when its ordinary thread's own stack calls. */
static int own_hub(struct hub **hub)
{
    *hub = hub_get();
    if (!*hub)
        return -ENOMEM;
    return (*hub)->current == (*hub)->own ? 0 : -EPERM;
}

int gmq_fd(void)
{
    struct hub *hub;
    int rc = own_hub(&hub);
    return answer(rc < 0 ? rc : embed_fd(hub));
}

int gmq_run(void)
{
    struct hub *hub;
    int rc = own_hub(&hub);
    if (rc == 0)
        embed_run(hub);
    return answer(rc);
}
