/* SPDX-License-Identifier: MIT */
/* Work for ordinary threads: see offload.h. The workers are made when there is work and none is
 * free, up to a limit, and end when they have had none for a while. They hear of no signals: those
 * are the application's.
 *
 * A job lies on the stack of the green thread that waits for it. All of it is under one lock, so
 * that the worker has let go of the job when its owner goes on. */
#include "green/offload.h"

#include "base/fork.h"
#include "base/quiet_thread.h"
#include "green/hub.h"

#include <errno.h>

enum { IDLE_S = 5 };

struct job {
    TAILQ_ENTRY(job) line;
    void *(*run)(void *arg);
    void *arg, *result;
    struct thread *owner;
    enum { JOB_QUEUED, JOB_RUNNING, JOB_DONE } state;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(lock)
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static TAILQ_HEAD(, job) queue = TAILQ_HEAD_INITIALIZER(queue);
static unsigned queued, workers, idle, limit = OFFLOAD_THREADS;

static void take(struct job *job)
{
    TAILQ_REMOVE(&queue, job, line);
    queued--;
}

static void serve(struct job *job)
{
    take(job);
    job->state = JOB_RUNNING;
    pthread_mutex_unlock(&lock);
    void *result = job->run(job->arg);
    pthread_mutex_lock(&lock);
    job->result = result;
    job->state = JOB_DONE;
    hub_wake(job->owner);
}

/* Waits for work for a while. False: there was none. */
static bool await_work(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_S;
    int rc = 0;
    idle++;
    while (TAILQ_EMPTY(&queue) && rc == 0)
        rc = pthread_cond_timedwait(&work, &lock, &until);
    idle--;
    return !TAILQ_EMPTY(&queue);
}

static void *worker_run(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    while (workers <= limit && (!TAILQ_EMPTY(&queue) || await_work()))
        serve(TAILQ_FIRST(&queue));
    workers--;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* 0, or -EAGAIN when there is no worker at all and none can be made. */
static int add_worker(void)
{
    pthread_t thread;
    if (quiet_thread_start(&thread, worker_run, NULL) == 0) {
        pthread_detach(thread);
        workers++;
    }
    return workers ? 0 : -EAGAIN;
}

static int give(struct job *job)
{
    TAILQ_INSERT_TAIL(&queue, job, line);
    queued++;
    if (idle)
        pthread_cond_signal(&work);
    int rc = queued > idle && workers < limit ? add_worker() : 0;
    if (rc < 0)
        take(job);
    return rc;
}

/* A job that has not begun can be taken back. */
static int await(struct job *job)
{
    int rc = 0;
    while (job->state != JOB_DONE) {
        if (rc < 0 && job->state == JOB_QUEUED) {
            take(job);
            return rc;
        }
        pthread_mutex_unlock(&lock);
        hub_park("gmq_offload", rc == 0 ? job->owner->until_ns : UINT64_MAX);
        if (rc == 0)
            rc = thread_check(job->owner, true);
        pthread_mutex_lock(&lock);
    }
    return 0;
}

int offload(void *(*run)(void *arg), void *arg, void **result)
{
    struct job job = {.run = run, .arg = arg, .owner = thread_self()};
    if (!job.owner)
        return -ENOMEM;
    int rc = thread_check(job.owner, true);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&lock);
    rc = give(&job);
    if (rc == 0)
        rc = await(&job);
    pthread_mutex_unlock(&lock);
    if (rc == 0 && result)
        *result = job.result;
    return rc;
}

int offload_limit(int threads)
{
    if (threads < 1 || threads > OFFLOAD_THREADS_MAX)
        return -EINVAL;
    pthread_mutex_lock(&lock);
    limit = (unsigned)threads;
    pthread_mutex_unlock(&lock);
    return 0;
}

/* The child of a fork has no workers, and nobody whose job could be waiting. */
static void in_child(void)
{
    TAILQ_INIT(&queue);
    queued = workers = idle = 0;
    pthread_cond_init(&work, NULL);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}
