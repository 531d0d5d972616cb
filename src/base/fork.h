/* SPDX-License-Identifier: MIT */
/* fork() while other threads work: the child has only the thread that called it, so a lock that
 * another one held would remain locked there for ever. The few locks that belong to the process
 * and not to a context are therefore taken before a fork, and given back after it on both sides.
 * They are held for moments only and none of them within another, so this cannot wait in a circle.
 * (Not the locks of contexts: a child leaves its parent's contexts alone, see ctx_enter().) */
#ifndef GREENMQ_BASE_FORK_H
#define GREENMQ_BASE_FORK_H

#include <pthread.h>

/* Once in a file for each such lock, which is a static mutex. */
#define FORK_KEEPS(lock)                                                          \
    static void lock##_before_fork(void)                                          \
    {                                                                             \
        pthread_mutex_lock(&(lock));                                              \
    }                                                                             \
    static void lock##_after_fork(void)                                           \
    {                                                                             \
        pthread_mutex_unlock(&(lock));                                            \
    }                                                                             \
    __attribute__((constructor)) static void lock##_watch_forks(void)             \
    {                                                                             \
        pthread_atfork(lock##_before_fork, lock##_after_fork, lock##_after_fork); \
    }

#endif
