/* SPDX-License-Identifier: MIT */
/* Room on stdout: see output.h.
 *
 * Happy path: a terminal or file, or a pipe with somebody at its other end, has room at once.
 * Failure mode: where nobody can tell, as with a stdout that is closed, there is room: what is
 * printed then is lost, and nobody waits. Called by broker.c, news.c and screen.c. */
#include "output.h"

#include <errno.h>
#include <greenmq/greenmq.h>
#include <unistd.h>

bool output_has_room(long ms)
{
    return gmq_wait_fd(STDOUT_FILENO, ZMQ_POLLOUT, gmq_now() + ms) >= 0 ||
           (errno != ETIMEDOUT && errno != ECANCELED);
}
