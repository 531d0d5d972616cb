/* SPDX-License-Identifier: MIT */
/* Green threads after fork(): the child has the one that called it, and no other. The others are
 * forgotten where they stand, and what they hold stays behind; nothing of the parent's is touched.
 *
 * The descriptors of a hub are shared with the parent after a fork, an eventfd and an epoll set
 * above all, so the child's hub gets new ones. Only one thread is there, so no lock is taken. */
#include "base/check.h"
#include "base/fd.h"
#include "green/embed.h"
#include "green/fdwait.h"
#include "green/group.h"
#include "green/hub.h"

#include <sys/eventfd.h>
#include <unistd.h>

/* What waited with it is gone. */
static void renew(struct hub *hub)
{
    pthread_mutex_init(&hub->lock, NULL);
    TAILQ_INIT(&hub->ready);
    TAILQ_INIT(&hub->mail);
    atomic_store(&hub->has_mail, false);
    atomic_store(&hub->rung, false);
    hub->asleep = hub->embedded = false;
    hub->timers.count = 0;
    hub->seat_count = 0;
    hub->orphan = hub->current != hub->own;
    atomic_store(&hub->live, hub->orphan ? 1 : 0);
    if (hub->fdwait)
        fdwait_free(hub->fdwait);
    if (hub->embed)
        embed_free(hub->embed);
    hub->fdwait = NULL;
    hub->embed = NULL;
    close(hub->bell);
    hub->bell = fd_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    check(hub->bell >= 0); /* its number has just become free */
}

static void in_child(void)
{
    struct hub *hub = hub_current;
    thread_forget_others(hub);
    if (!hub)
        return;
    renew(hub);
    group_forget_members(hub->current);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}
