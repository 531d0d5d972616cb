/* SPDX-License-Identifier: MIT */
/* Threads that we start ourselves. They handle no signals: those are the application's. */
#ifndef GREENMQ_BASE_QUIET_THREAD_H
#define GREENMQ_BASE_QUIET_THREAD_H

#include <pthread.h>
#include <signal.h>

/* 0, or -EAGAIN where the system has no room for it. */
static inline int quiet_thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -rc;
}

#endif
