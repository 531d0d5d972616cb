/* SPDX-License-Identifier: MIT */
/* Signals as something that a green thread waits for. */
#ifndef GREENMQ_GREEN_SIGNALS_H
#define GREENMQ_GREEN_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Waits for one of these signals, and takes it. Its number; -EINVAL: the set is empty, or has one
 * that cannot be caught; -ETIMEDOUT, -EAGAIN: too many wait; -ENOMEM, -ECANCELED, -ETIME. */
int signals_wait(const sigset_t *signals, uint64_t deadline_ns);

/* They have the effect again that they had before the first wait; what was kept is forgotten. */
int signals_release(const sigset_t *signals);

/* A call of the system that gave EINTR: was it for signals that green threads wait for? Then it is
 * no business of anybody else. Of the time since signals_forget(), and of the calling thread. */
void signals_forget(void);
bool signals_were_ours(void);

#endif
