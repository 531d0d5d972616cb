/* SPDX-License-Identifier: MIT */
/* Code that must block, such as a look-up of names or a library that knows nothing of green
 * threads: it runs in one of a few ordinary threads, while only the green thread waits. */
#ifndef GREENMQ_GREEN_OFFLOAD_H
#define GREENMQ_GREEN_OFFLOAD_H

enum { OFFLOAD_THREADS = 8, OFFLOAD_THREADS_MAX = 1024 };

/* Runs run(arg) elsewhere and gives what it returned. 0; -ECANCELED, -ETIME or -EINTR before it has
 * begun: once it runs it is waited for; -EAGAIN without any ordinary thread; -ENOMEM. */
int offload(void *(*run)(void *arg), void *arg, void **result);

/* How many may run at once, from 1. Fewer than run now: those end when they have done their work.
 * 0 or -EINVAL. */
int offload_limit(int threads);

#endif
