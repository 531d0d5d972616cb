/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors: see fdwait.h. The table has a place for each descriptor number up to
 * the highest that was waited for; a place lists those who wait. */
#include "green/fdwait.h"

#include "base/fd.h"
#include "base/list.h"
#include "green/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { ON_STACK = 8, EVENTS_AT_ONCE = 64, PLACES_MIN = 64 };

/* One who waits for one descriptor, on its own stack or on the heap. */
struct interest {
    TAILQ_ENTRY(interest) line;
    struct thread *thread;
    struct pollfd *fd;
};

TAILQ_HEAD(place, interest);

struct fdwait {
    int epoll;
    struct place **places; /* by descriptor; NULL where nobody ever waited */
    size_t place_count;
};

struct fdwait *fdwait_new(void)
{
    struct fdwait *fdwait = calloc(1, sizeof *fdwait);
    if (!fdwait)
        return NULL;
    fdwait->epoll = fd_lift(epoll_create1(EPOLL_CLOEXEC));
    if (fdwait->epoll < 0) {
        free(fdwait);
        return NULL;
    }
    return fdwait;
}

void fdwait_free(struct fdwait *fdwait)
{
    for (size_t i = 0; i < fdwait->place_count; i++)
        free(fdwait->places[i]);
    free(fdwait->places);
    close(fdwait->epoll);
    free(fdwait);
}

int fdwait_fd(const struct fdwait *fdwait)
{
    return fdwait->epoll;
}

static struct place *place_of(struct fdwait *fdwait, int fd)
{
    size_t at = (size_t)fd;
    if (at >= fdwait->place_count) {
        size_t count = fdwait->place_count ? fdwait->place_count : PLACES_MIN;
        while (count <= at)
            count *= 2;
        struct place **places = realloc(fdwait->places, count * sizeof(*places));
        if (!places)
            return NULL;
        for (size_t i = fdwait->place_count; i < count; i++)
            places[i] = NULL;
        fdwait->places = places;
        fdwait->place_count = count;
    }
    if (!fdwait->places[at] && (fdwait->places[at] = malloc(sizeof(struct place))))
        TAILQ_INIT(fdwait->places[at]);
    return fdwait->places[at];
}

/* Arms a descriptor for what those at its place want who have not heard of anything yet: the others
 * are about to go, and what they heard of would only be told again at once. -EPERM: it cannot be
 * waited for, because it is always ready (a file). */
static int arm(const struct fdwait *fdwait, int fd, const struct place *place)
{
    const struct interest *interest;
    struct epoll_event event = {.events = EPOLLONESHOT, .data.fd = fd};
    TAILQ_FOREACH(interest, place, line) {
        if (!interest->fd->revents)
            event.events |= (uint32_t)interest->fd->events;
    }
    if (epoll_ctl(fdwait->epoll, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    if (errno == ENOENT && epoll_ctl(fdwait->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return -errno;
}

/* Events of epoll have the numbers of those of poll. */
static void tell(struct fdwait *fdwait, int fd, short events)
{
    struct place *place = fdwait->places[fd];
    struct interest *interest;
    bool unheard = false;
    TAILQ_FOREACH(interest, place, line) {
        short heard = (short)(events & (interest->fd->events | POLLERR | POLLHUP | POLLNVAL));
        interest->fd->revents |= heard;
        if (heard)
            hub_ready(interest->thread->hub, interest->thread);
        else
            unheard = true;
    }
    if (unheard)
        arm(fdwait, fd, place);
}

void fdwait_look(struct fdwait *fdwait)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count;
    do {
        count = epoll_wait(fdwait->epoll, events, EVENTS_AT_ONCE, 0);
        for (int i = 0; i < count; i++)
            tell(fdwait, events[i].data.fd, (short)events[i].events);
    } while (count == EVENTS_AT_ONCE);
}

/* Begins to wait for one. 0, 1 if it is ready now, or why it cannot. */
static int add(struct fdwait *fdwait, struct interest *interest, struct pollfd *fd)
{
    struct place *place = place_of(fdwait, fd->fd);
    if (!place)
        return -ENOMEM;
    interest->fd = fd;
    interest->thread = thread_current();
    TAILQ_INSERT_TAIL(place, interest, line);
    int rc = arm(fdwait, fd->fd, place);
    if (rc == -EPERM) {
        fd->revents = (short)(fd->events & (POLLIN | POLLOUT));
        rc = 1;
    }
    if (rc < 0) {
        TAILQ_REMOVE(place, interest, line);
        interest->fd = NULL;
    }
    return rc;
}

/* An event may be of another file, which had the descriptor before and is still open elsewhere. So
 * what was heard of is looked at, but for a descriptor that is being closed. */
static int confirm(struct pollfd *fds, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        if (fds[i].revents && !(fds[i].revents & POLLNVAL))
            poll(&fds[i], 1, 0);
        ready += fds[i].revents != 0;
    }
    return ready;
}

static int park(struct fdwait *fdwait, struct interest *interests, struct pollfd *fds, nfds_t count,
                const char *what, uint64_t deadline_ns)
{
    int rc = 0;
    for (nfds_t i = 0; i < count; i++) {
        interests[i].fd = NULL;
        fds[i].revents = 0;
        int added = rc >= 0 && fds[i].fd >= 0 ? add(fdwait, &interests[i], &fds[i]) : 0;
        rc = added < 0 ? added : rc | added;
    }
    if (rc == 0)
        hub_park(what, deadline_ns);
    for (nfds_t i = 0; i < count; i++) {
        if (interests[i].fd)
            TAILQ_REMOVE(fdwait->places[fds[i].fd], &interests[i], line);
    }
    return rc < 0 ? rc : confirm(fds, count);
}

int fdwait_park(struct hub *hub, struct pollfd *fds, nfds_t count, const char *what,
                uint64_t deadline_ns)
{
    struct interest on_stack[ON_STACK], *interests = on_stack;
    if (!hub->fdwait && !(hub->fdwait = fdwait_new()))
        return -errno;
    if (count > ON_STACK && !(interests = malloc(count * sizeof *interests)))
        return -ENOMEM;
    int rc = park(hub->fdwait, interests, fds, count, what, deadline_ns);
    if (interests != on_stack)
        free(interests);
    return rc;
}

int fdwait_poll(struct hub *hub, struct pollfd *fds, nfds_t count, const char *what,
                uint64_t deadline_ns)
{
    struct thread *self = hub->current;
    for (;;) {
        int rc = poll(fds, count, 0);
        if (rc != 0)
            return rc < 0 ? -errno : rc;
        rc = thread_check(self, true);
        if (rc < 0)
            return rc;
        if (deadline_ns != UINT64_MAX && loop_clock_ns() >= deadline_ns)
            return 0;
        if (count)
            rc = fdwait_park(hub, fds, count, what, thread_until(self, deadline_ns));
        else
            hub_park(what, thread_until(self, deadline_ns));
        if (rc != 0)
            return rc;
    }
}

void fdwait_forget(struct hub *hub, int fd)
{
    if (hub->fdwait && fd >= 0 && (size_t)fd < hub->fdwait->place_count && hub->fdwait->places[fd])
        tell(hub->fdwait, fd, POLLNVAL);
}
