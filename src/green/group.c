/* SPDX-License-Identifier: MIT */
/* Groups: see group.h. All of a group happens in one ordinary thread, so only the list of free
 * ones has a lock. */
#include "green/group.h"

#include "base/fork.h"
#include "green/hub.h"

#include <errno.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(lock)
static LIST_HEAD(, group) free_groups = LIST_HEAD_INITIALIZER(free_groups);

static struct group *take(void)
{
    pthread_mutex_lock(&lock);
    struct group *group = LIST_FIRST(&free_groups);
    if (group)
        LIST_REMOVE(group, line);
    pthread_mutex_unlock(&lock);
    return group ? group : malloc(sizeof *group);
}

static void give_back(struct group *group)
{
    atomic_store(&group->magic, 0);
    pthread_mutex_lock(&lock);
    LIST_INSERT_HEAD(&free_groups, group, line);
    pthread_mutex_unlock(&lock);
}

struct group *group_open(size_t limit)
{
    struct thread *self = thread_self();
    struct group *group = self ? take() : NULL;
    if (!group)
        return NULL;
    *group = (struct group){.hub = self->hub, .owner = self, .limit = limit ? limit : SIZE_MAX};
    TAILQ_INIT(&group->threads);
    TAILQ_INIT(&group->for_room);
    TAILQ_INIT(&group->for_end);
    LIST_INSERT_HEAD(&self->groups, group, line);
    atomic_store(&group->magic, GROUP_MAGIC);
    return group;
}

int group_check(const struct group *group)
{
    if (!group || (uintptr_t)group % _Alignof(struct group) ||
        atomic_load(&group->magic) != GROUP_MAGIC)
        return -EINVAL;
    return group->hub == hub_current ? 0 : -EPERM;
}

static void wake_first(const struct group_waiters *waiters)
{
    if (!TAILQ_EMPTY(waiters))
        hub_wake(TAILQ_FIRST(waiters)->thread);
}

static void wake_all(const struct group_waiters *waiters)
{
    struct group_waiter *waiter;
    TAILQ_FOREACH(waiter, waiters, line) {
        hub_wake(waiter->thread);
    }
}

/* A member has ended. */
static void on_end(struct thread *thread)
{
    struct group *group = thread->group;
    TAILQ_REMOVE(&group->threads, thread, group_line);
    group->members--;
    wake_first(&group->for_room);
    if (group->members == 0)
        wake_all(&group->for_end);
    if (group->closer)
        hub_wake(group->closer);
}

/* Waits once, in one of the group's lines. */
static int wait_once(struct group *group, struct group_waiters *line, const char *what,
                     uint64_t deadline_ns)
{
    struct thread *self = thread_current();
    struct group_waiter waiter = {.thread = self};
    int rc = thread_check(self, true);
    if (rc < 0)
        return rc;
    TAILQ_INSERT_TAIL(line, &waiter, line);
    hub_park(what, thread_until(self, deadline_ns));
    TAILQ_REMOVE(line, &waiter, line);
    if (group->closer)
        hub_wake(group->closer);
    return thread_check(self, true);
}

/* Waits for room. Who does not take the room it was woken for, or leaves more, wakes the next. */
static int await_room(struct group *group)
{
    int rc = 0;
    while (rc == 0 && !group->cancelled && group->members >= group->limit)
        rc = wait_once(group, &group->for_room, "gmq_group_spawn", UINT64_MAX);
    if (rc == 0 && group->cancelled)
        rc = -ECANCELED;
    return rc;
}

int group_spawn(struct group *group, void *(*run)(void *arg), void *arg,
                struct thread_options *options, struct thread **made)
{
    int rc = await_room(group);
    if (rc == 0) {
        options->detached = true;
        options->on_end = on_end;
        options->group = group;
        rc = thread_spawn(run, arg, options, made);
    }
    if (rc == 0) {
        TAILQ_INSERT_TAIL(&group->threads, *made, group_line);
        group->members++;
    }
    if (group->members < group->limit)
        wake_first(&group->for_room);
    return rc;
}

/* Would the group wait for the caller? It is a member, or works for one. */
static bool is_member(const struct group *group)
{
    const struct thread *thread = thread_current();
    while (thread->group && thread->group != group)
        thread = thread->group->owner;
    return thread->group != NULL;
}

int group_wait(struct group *group, uint64_t deadline_ns)
{
    int rc = thread_check(thread_current(), true);
    if (is_member(group))
        return -EDEADLK;
    while (rc == 0 && group->members && !group->closer) {
        if (deadline_ns != UINT64_MAX && loop_clock_ns() >= deadline_ns)
            return -ETIMEDOUT;
        rc = wait_once(group, &group->for_end, "gmq_group_wait", deadline_ns);
    }
    return group->members && !group->closer ? rc : 0;
}

void group_cancel(struct group *group)
{
    struct thread *thread;
    group->cancelled = true;
    TAILQ_FOREACH(thread, &group->threads, group_line) {
        thread_cancel(thread->id);
    }
    wake_all(&group->for_room);
}

int group_close(struct group *group)
{
    if (is_member(group))
        return -EDEADLK;
    if (group->closer)
        return -EINVAL;
    group->closer = thread_current();
    group_cancel(group);
    wake_all(&group->for_end);
    while (group->members || !TAILQ_EMPTY(&group->for_room) || !TAILQ_EMPTY(&group->for_end))
        hub_park("gmq_group_close", UINT64_MAX);
    LIST_REMOVE(group, line);
    give_back(group);
    return 0;
}

void group_forget_members(struct thread *owner)
{
    struct group *group;
    LIST_FOREACH(group, &owner->groups, line) {
        group->members = 0;
        group->closer = NULL;
        TAILQ_INIT(&group->threads);
        TAILQ_INIT(&group->for_room);
        TAILQ_INIT(&group->for_end);
    }
}

void group_close_all(struct thread *owner)
{
    struct group *group;
    while ((group = LIST_FIRST(&owner->groups))) {
        if (group_close(group) < 0)
            hub_yield(); /* another thread is closing it */
    }
}
