/* SPDX-License-Identifier: MIT */
/* Signals that come between a program's look at its flags and the sleep of the call that waits.
 * Their handler would run, and nothing would end the sleep. So a call that is about to sleep blocks
 * them first, and they come in during its ppoll(2), which then gives EINTR:
 *
 *      sigmask_begin() ── look ── sigmask_block() ── ... ── sigmask_poll() ── ... ── sigmask_end()
 *                                  └── they wait ──┘         they come in     └ wait ┘
 *
 * A call that need not sleep costs no system call. Handlers run in the thread that waits. */
#ifndef GREENMQ_GREEN_SIGMASK_H
#define GREENMQ_GREEN_SIGMASK_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>

/* From a call's first wait to its return; the end gets what the beginning has given. One that
 * is made within another, by a free function, is part of that; so are the calls of a hub's
 * threads, for which its idle thread does this. */
bool sigmask_begin(void);
void sigmask_end(bool begun);

/* The ordinary thread is going to sleep: from here on signals wait for sigmask_poll(). */
void sigmask_block(void);

/* The mask with which to sleep: NULL for the thread's own. `mask` is the caller's, or NULL. */
const sigset_t *sigmask_asleep(const sigset_t *mask);

/* poll(2), during which the signals that were blocked come in; with a mask as ppoll(2). */
int sigmask_poll(struct pollfd *fds, nfds_t count, int timeout_ms, const sigset_t *mask);

/* Lets in those that wait: during a poll that finds a descriptor ready they do not come in. -EINTR
 * if a handler has run, else 0. */
int sigmask_admit(void);

/* At the start of each wait. For who was woken for nothing and waits again as sigmask_admit(). */
int sigmask_wait(void);

#endif
