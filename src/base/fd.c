/* SPDX-License-Identifier: MIT */
/* Descriptors of our own: see fd.h. Without descriptors to hold with, none is held; then there are
 * none for others either. */
#include "base/fd.h"

void fd_hold_low(struct fd_low *low)
{
    int fd;
    low->count = 0;
    while ((fd = open("/", O_PATH | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO)
        low->fd[low->count++] = fd;
    if (fd >= 0)
        close(fd);
}

void fd_release_low(struct fd_low *low)
{
    while (low->count)
        close(low->fd[--low->count]);
}
