/* SPDX-License-Identifier: MIT */
/* Descriptors of our own. 0, 1 and 2 belong to the standard streams, also while they are closed:
 * what somebody prints must not reach a peer. */
#ifndef GREENMQ_BASE_FD_H
#define GREENMQ_BASE_FD_H

#include "base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

/* Takes a new descriptor over, and gives the same above 2; or -1 and errno. */
static inline int fd_lift(int fd)
{
    if (likely(fd < 0 || fd > STDERR_FILENO))
        return fd;
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), error = errno;
    close(fd);
    errno = error;
    return lifted;
}

/* Takes the rings of an eventfd that was rung, or is about to be. */
static inline void fd_hear_bell(int bell)
{
    uint64_t rings;
    struct pollfd soon = {.fd = bell, .events = POLLIN};
    while (read(bell, &rings, sizeof rings) < 0)
        (void)poll(&soon, 1, -1);
}

#endif
