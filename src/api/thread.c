/* SPDX-License-Identifier: MIT */
/* Time and threads of the public API: the stopwatch, sleeping, and threads that take no signals,
 * for these are the application's. A watch or thread that is NULL does nothing. */
#include "base/quiet_thread.h"
#include "green/hub.h"
#include "green/offload.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <stdlib.h>
#include <unistd.h>

struct stopwatch {
    uint64_t started_ns;
};

struct worker {
    pthread_t thread;
    zmq_thread_fn *run;
    void *arg;
};

void *zmq_stopwatch_start(void)
{
    struct stopwatch *watch = malloc(sizeof *watch);
    if (watch)
        watch->started_ns = loop_clock_ns();
    return watch;
}

unsigned long zmq_stopwatch_intermediate(void *handle)
{
    const struct stopwatch *watch = handle;
    return watch ? (unsigned long)((loop_clock_ns() - watch->started_ns) / 1000) : 0;
}

unsigned long zmq_stopwatch_stop(void *watch)
{
    unsigned long elapsed_us = zmq_stopwatch_intermediate(watch);
    free(watch);
    return elapsed_us;
}

void zmq_sleep(int seconds)
{
    if (hub_current)
        (void)thread_sleep(loop_deadline_ns((long)seconds * 1000));
    else
        sleep((unsigned)seconds);
}

static void *run(void *arg)
{
    struct worker *thread = arg;
    thread->run(thread->arg);
    return NULL;
}

void *zmq_threadstart(zmq_thread_fn *func, void *arg)
{
    if (!func) {
        errno = EFAULT;
        return NULL;
    }
    struct worker *thread = malloc(sizeof *thread);
    if (!thread)
        return NULL;
    *thread = (struct worker){.run = func, .arg = arg};
    int error = -quiet_thread_start(&thread->thread, run, thread);
    if (error == 0)
        return thread;
    free(thread);
    errno = error;
    return NULL;
}

static void *join(void *arg)
{
    struct worker *thread = arg;
    pthread_join(thread->thread, NULL);
    return NULL;
}

/* Its end may depend on what other green threads of this one do, even if the caller is cancelled or
 * its time is over. */
static int join_in_green(struct worker *worker)
{
    struct thread *self = hub_current->current;
    uint64_t until_ns = self->until_ns;
    int rc;
    self->shields++;
    self->until_ns = UINT64_MAX;
    do
        rc = offload(join, worker, NULL);
    while (rc == -EINTR);
    self->until_ns = until_ns;
    self->shields--;
    return rc;
}

void zmq_threadclose(void *handle)
{
    struct worker *thread = handle;
    if (!thread)
        return;
    if (!hub_current || join_in_green(thread) < 0)
        join(thread);
    free(thread);
}
