/* SPDX-License-Identifier: MIT */
/* Signals around a wait: see sigmask.h. Nothing in here fails. */
#include "green/sigmask.h"

#include "green/hub.h"

#include <errno.h>

/* Those by which people and the system tell a program something. Faults must not be blocked, and
 * profilers would see nothing of our work. Nor are SIGUSR1, SIGUSR2, SIGPWR, SIGXCPU, SIGURG and
 * the real-time ones: there are collectors of garbage that stop all threads by one of these and
 * wait for each, even for one that itself waits for a lock of a thread that was stopped. */
static const int numbers[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,  SIGALRM,
                              SIGCHLD, SIGCONT, SIGTSTP, SIGWINCH, SIGIO};

static _Thread_local struct {
    bool begun, waited, blocked;
    sigset_t before; /* while they are blocked: the thread's own mask */
} mine __attribute__((tls_model("initial-exec")));

bool sigmask_begin(void)
{
    if (mine.begun || (hub_current && hub_current->current != hub_current->idle))
        return false;
    mine.begun = true;
    mine.waited = false;
    return true;
}

void sigmask_end(bool begun)
{
    if (!begun)
        return;
    mine.begun = false;
    if (!mine.blocked)
        return;
    mine.blocked = false;
    pthread_sigmask(SIG_SETMASK, &mine.before, NULL);
}

void sigmask_block(void)
{
    sigset_t set;
    if (!mine.begun || mine.blocked)
        return;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaddset(&set, numbers[i]);
    mine.blocked = pthread_sigmask(SIG_BLOCK, &set, &mine.before) == 0;
}

const sigset_t *sigmask_asleep(const sigset_t *mask)
{
    return !mask && mine.blocked ? &mine.before : mask;
}

int sigmask_poll(struct pollfd *fds, nfds_t count, int timeout_ms, const sigset_t *mask)
{
    mask = sigmask_asleep(mask);
    if (!mask)
        return poll(fds, count, timeout_ms);
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    return ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, mask);
}

int sigmask_admit(void)
{
    if (!mine.blocked)
        return 0;
    return sigmask_poll(NULL, 0, 0, NULL) < 0 && errno == EINTR ? -EINTR : 0;
}

int sigmask_wait(void)
{
    if (mine.waited && mine.blocked)
        return sigmask_admit();
    if (mine.waited)
        sigmask_block();
    mine.waited = true;
    return 0;
}
