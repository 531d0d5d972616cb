/* SPDX-License-Identifier: MIT */
/* Signals: see signals.h. The handler counts each signal and rings all who wait, each at an eventfd
 * of its own. From the first wait for a signal on it is ours: one that comes while nobody waits is
 * kept for the next who does. */
#include "green/signals.h"

#include "base/fd.h"
#include "base/fork.h"
#include "green/fdwait.h"
#include "green/hub.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SIGNALS = 65, WAITERS = 64 };

static atomic_uint pending[SIGNALS];

/* One who waits. The descriptor stays open for the next, as a handler may be writing to it. */
static struct bell {
    atomic_bool taken;
    atomic_int fd; /* and one, so that 0 is none */
} bells[WAITERS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(lock)
static bool caught[SIGNALS];             /* its handler is ours */
static struct sigaction before[SIGNALS]; /* what was done about it before */

/* A handler has run in this ordinary thread. */
static _Thread_local volatile sig_atomic_t ours __attribute__((tls_model("initial-exec")));

void signals_forget(void)
{
    ours = 0;
}

bool signals_were_ours(void)
{
    return ours;
}

static void on_signal(int signal)
{
    const uint64_t one = 1;
    int error = errno;
    ours = 1;
    atomic_fetch_add(&pending[signal], 1);
    for (int i = 0; i < WAITERS; i++) {
        int fd = atomic_load(&bells[i].taken) ? atomic_load(&bells[i].fd) - 1 : -1;
        if (fd >= 0 && write(fd, &one, sizeof one) < 0)
            continue; /* it is full: rung often enough */
    }
    errno = error;
}

static int catch_all(const sigset_t *signals)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    int rc = 0, count = 0;
    sigemptyset(&action.sa_mask);
    pthread_mutex_lock(&lock);
    for (int signal = 1; signal < SIGNALS && rc == 0; signal++) {
        if (sigismember(signals, signal) != 1)
            continue;
        count++;
        if (!caught[signal] && sigaction(signal, &action, &before[signal]) < 0)
            rc = -EINVAL;
        else
            caught[signal] = true;
    }
    pthread_mutex_unlock(&lock);
    return rc == 0 && count == 0 ? -EINVAL : rc;
}

int signals_release(const sigset_t *signals)
{
    pthread_mutex_lock(&lock);
    for (int signal = 1; signal < SIGNALS; signal++) {
        if (!caught[signal] || sigismember(signals, signal) != 1)
            continue;
        sigaction(signal, &before[signal], NULL);
        caught[signal] = false;
        atomic_store(&pending[signal], 0);
    }
    pthread_mutex_unlock(&lock);
    return 0;
}

/* The number of one that has come, taken; or 0. */
static int take(const sigset_t *signals)
{
    for (int signal = 1; signal < SIGNALS; signal++) {
        unsigned count = atomic_load(&pending[signal]);
        if (!count || sigismember(signals, signal) != 1)
            continue;
        while (count && !atomic_compare_exchange_weak(&pending[signal], &count, count - 1))
            continue;
        if (count)
            return signal;
    }
    return 0;
}

static struct bell *take_bell(int *error)
{
    for (int i = 0; i < WAITERS; i++) {
        if (atomic_exchange(&bells[i].taken, true))
            continue;
        int fd = atomic_load(&bells[i].fd) - 1;
        if (fd < 0)
            fd = fd_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        atomic_store(&bells[i].fd, fd + 1);
        if (fd >= 0)
            return &bells[i];
        *error = -errno;
        atomic_store(&bells[i].taken, false);
        return NULL;
    }
    *error = -EAGAIN;
    return NULL;
}

/* Waits until one has come. Its number, or a negative errno. */
static int await(struct thread *self, int fd, const sigset_t *signals, uint64_t deadline_ns)
{
    for (;;) {
        uint64_t rings;
        struct pollfd bell = {.fd = fd, .events = POLLIN};
        if (read(fd, &rings, sizeof rings) < 0 && errno != EAGAIN)
            return -errno;
        int rc = take(signals);
        if (rc == 0)
            rc = thread_check(self, true);
        if (rc == 0 && deadline_ns != UINT64_MAX && loop_clock_ns() >= deadline_ns)
            rc = -ETIMEDOUT;
        if (rc == 0)
            rc = fdwait_park(self->hub, &bell, 1, "gmq_wait_signal",
                             thread_until(self, deadline_ns));
        else
            return rc;
        if (rc < 0)
            return rc;
    }
}

int signals_wait(const sigset_t *signals, uint64_t deadline_ns)
{
    struct thread *self = thread_self();
    int rc = self ? catch_all(signals) : -ENOMEM;
    if (rc == 0)
        rc = take(signals); /* one that has been kept needs no descriptor */
    if (rc != 0)
        return rc;
    struct bell *bell = take_bell(&rc);
    if (!bell)
        return rc;
    do
        rc = await(self, atomic_load(&bell->fd) - 1, signals, deadline_ns);
    while (rc == -EINTR); /* that was the signal, or will be told by another call */
    atomic_store(&bell->taken, false);
    return rc;
}

/* The bells of a child are not its parent's. Who waited in the parent does not wait here. */
static void in_child(void)
{
    for (int i = 0; i < WAITERS; i++) {
        int fd = atomic_exchange(&bells[i].fd, 0) - 1;
        if (fd >= 0)
            close(fd);
        atomic_store(&bells[i].taken, false);
    }
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}
