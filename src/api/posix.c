/* SPDX-License-Identifier: MIT */
/* The calls of greenmq/posix.h. Each tries without blocking, and parks the green thread when that
 * does not do. In an ordinary thread without green ones they are the system's own. */
#include <greenmq/greenmq.h>
#include <greenmq/posix.h>
#undef sleep
#undef usleep
#undef nanosleep
#undef poll
#undef read
#undef write
#undef connect
#undef accept
#undef getaddrinfo

#include "api/enter.h"
#include "base/fork.h"
#include "green/fdwait.h"
#include "green/hub.h"
#include "green/offload.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { NS_PER_S = 1000000000, PIPE_PIECE = 4096, BACKLOG_NAP_MS = 5 };

/* ---- time --------------------------------------------------------------------------------- */

/* Sleeps that long. Writes what was left, and gives -1 and errno when it was cut short. */
static int sleep_ns(uint64_t ns, uint64_t *left_ns)
{
    uint64_t start_ns = loop_clock_ns();
    uint64_t until_ns = ns < UINT64_MAX - start_ns ? start_ns + ns : UINT64_MAX;
    int rc = thread_sleep(until_ns);
    uint64_t now_ns = loop_clock_ns();
    *left_ns = rc < 0 && now_ns < until_ns ? until_ns - now_ns : 0;
    return answer(rc);
}

/* A length of time, or for ever if it is too long for 64 bits of nanoseconds. */
static uint64_t length_ns(const struct timespec *length)
{
    uint64_t seconds = (uint64_t)length->tv_sec;
    return seconds < UINT64_MAX / NS_PER_S - 1 ? seconds * NS_PER_S + (uint64_t)length->tv_nsec
                                               : UINT64_MAX;
}

unsigned gmq_posix_sleep(unsigned seconds)
{
    uint64_t left_ns;
    if (!hub_current)
        return sleep(seconds);
    sleep_ns((uint64_t)seconds * NS_PER_S, &left_ns);
    return (unsigned)((left_ns + NS_PER_S - 1) / NS_PER_S);
}

int gmq_posix_usleep(unsigned long microseconds)
{
    uint64_t left_ns;
    struct timespec length = {.tv_sec = (time_t)(microseconds / 1000000),
                              .tv_nsec = (long)(microseconds % 1000000 * 1000)};
    return hub_current ? sleep_ns(length_ns(&length), &left_ns) : nanosleep(&length, NULL);
}

int gmq_posix_nanosleep(const struct timespec *length, struct timespec *left)
{
    uint64_t left_ns;
    if (!hub_current || !length || length->tv_sec < 0 || length->tv_nsec < 0 ||
        length->tv_nsec >= NS_PER_S)
        return nanosleep(length, left);
    int rc = sleep_ns(length_ns(length), &left_ns);
    if (rc < 0 && left)
        *left = (struct timespec){.tv_sec = (time_t)(left_ns / NS_PER_S),
                                  .tv_nsec = (long)(left_ns % NS_PER_S)};
    return rc;
}

/* ---- descriptors -------------------------------------------------------------------------- */

/* Parks until one is ready, as poll(2). A closed one is an event there, not an error. */
static int park(struct pollfd *fds, nfds_t count, uint64_t deadline_ns)
{
    struct hub *hub = hub_current;
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
        rc = fdwait_park(hub, fds, count, "poll", thread_until(self, deadline_ns));
        if (rc < 0 && rc != -EBADF)
            return rc;
    }
}

int gmq_posix_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    if (!hub_current || timeout_ms == 0)
        return poll(fds, count, timeout_ms);
    return hub_is_cancelled() ? answer(-ECANCELED)
                              : answer(park(fds, count, loop_deadline_ns(timeout_ms)));
}

/* Waits until it is ready. 0, or -1 and errno. */
static int await(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};
    int rc = park(&one, 1, UINT64_MAX);
    return answer(rc > 0 ? 0 : rc);
}

/* O_NONBLOCK is set for the time of some calls. Whoever looks at it or sets it holds this lock: the
 * descriptor may be used in several ordinary threads. */
static pthread_mutex_t flags_lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(flags_lock)

static bool is_nonblocking(int fd)
{
    pthread_mutex_lock(&flags_lock);
    int flags = fcntl(fd, F_GETFL);
    pthread_mutex_unlock(&flags_lock);
    return flags < 0 || (flags & O_NONBLOCK);
}

static bool would_block(ssize_t rc)
{
    return rc < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

ssize_t gmq_posix_read(int fd, void *data, size_t size)
{
    if (!hub_current || is_nonblocking(fd))
        return read(fd, data, size);
    if (hub_is_cancelled())
        return answer(-ECANCELED);
    for (;;) {
        ssize_t got = size ? recv(fd, data, size, MSG_DONTWAIT) : read(fd, data, 0);
        if (got < 0 && errno == ENOTSOCK)
            return await(fd, POLLIN) < 0 ? -1 : read(fd, data, size);
        if (!would_block(got))
            return got;
        if (await(fd, POLLIN) < 0)
            return -1;
    }
}

/* One attempt that does not block, if the descriptor is no socket after it was found ready. A pipe
 * that is ready takes a page. */
static ssize_t write_some(int fd, bool is_socket, bool is_file, const char *data, size_t size)
{
    if (is_socket)
        return send(fd, data, size, MSG_DONTWAIT);
    return write(fd, data, is_file || size < PIPE_PIECE ? size : PIPE_PIECE);
}

ssize_t gmq_posix_write(int fd, const void *data, size_t size)
{
    struct stat status;
    size_t done = 0;
    if (!hub_current || is_nonblocking(fd) || fstat(fd, &status) < 0)
        return write(fd, data, size);
    if (hub_is_cancelled())
        return answer(-ECANCELED);
    bool is_socket = S_ISSOCK(status.st_mode), is_file = S_ISREG(status.st_mode);
    do {
        ssize_t written = -1;
        if (is_socket || is_file || await(fd, POLLOUT) == 0)
            written = write_some(fd, is_socket, is_file, (const char *)data + done, size - done);
        if (is_socket && would_block(written)) {
            if (await(fd, POLLOUT) == 0)
                continue;
            written = -1;
        }
        if (written < 0)
            return done ? (ssize_t)done : -1;
        done += (size_t)written;
    } while (done < size);
    return (ssize_t)done;
}

static void set_nonblocking(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL), error = errno;
    if (flags >= 0)
        fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
    errno = error;
}

static int connect_now(int fd, const struct sockaddr *address, socklen_t size)
{
    pthread_mutex_lock(&flags_lock);
    set_nonblocking(fd, true);
    int rc = connect(fd, address, size);
    set_nonblocking(fd, false);
    pthread_mutex_unlock(&flags_lock);
    return rc;
}

static int accept_now(int fd, struct sockaddr *address, socklen_t *size)
{
    pthread_mutex_lock(&flags_lock);
    set_nonblocking(fd, true);
    int accepted = accept(fd, address, size);
    set_nonblocking(fd, false);
    pthread_mutex_unlock(&flags_lock);
    return accepted;
}

int gmq_posix_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    int error = 0, rc;
    socklen_t error_size = sizeof error;
    if (!hub_current || is_nonblocking(fd))
        return connect(fd, address, size);
    if (hub_is_cancelled())
        return answer(-ECANCELED);
    /* A listener of this machine whose line is full gives EAGAIN, and no event tells of room. */
    while (would_block(rc = connect_now(fd, address, size))) {
        rc = thread_sleep(loop_deadline_ns(BACKLOG_NAP_MS));
        if (rc < 0)
            return answer(rc);
    }
    if (rc == 0 || errno != EINPROGRESS)
        return rc;
    if (await(fd, POLLOUT) < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) < 0)
        return -1;
    return answer(-error);
}

int gmq_posix_accept(int fd, struct sockaddr *address, socklen_t *size)
{
    int accepted;
    if (!hub_current || is_nonblocking(fd))
        return accept(fd, address, size);
    if (hub_is_cancelled())
        return answer(-ECANCELED);
    for (;;) {
        accepted = accept_now(fd, address, size);
        if (!would_block(accepted))
            return accepted;
        if (await(fd, POLLIN) < 0)
            return -1;
    }
}

/* ---- names -------------------------------------------------------------------------------- */

struct lookup {
    const char *node, *service;
    const struct addrinfo *hints;
    struct addrinfo **result;
    int rc, error;
};

static void *look_up(void *arg)
{
    struct lookup *lookup = arg;
    lookup->rc = getaddrinfo(lookup->node, lookup->service, lookup->hints, lookup->result);
    lookup->error = errno;
    return NULL;
}

int gmq_posix_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                          struct addrinfo **result)
{
    struct lookup lookup = {.node = node, .service = service, .hints = hints, .result = result};
    if (!hub_current)
        return getaddrinfo(node, service, hints, result);
    if (answer(offload(look_up, &lookup, NULL)) < 0)
        return EAI_SYSTEM;
    if (lookup.rc == EAI_SYSTEM)
        errno = lookup.error;
    return lookup.rc;
}
