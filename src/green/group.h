/* SPDX-License-Identifier: MIT */
/* A group of green threads: spawned into it, waited for and cancelled together. It belongs to the
 * thread that made it and to that thread's hub; whoever leaves it, by closing it or by ending,
 * leaves nothing of it running.
 *
 * Members are detached: nobody joins them one by one. Memory of groups returns to a list of groups,
 * so that a stale handle finds a cleared mark. */
#ifndef GREENMQ_GREEN_GROUP_H
#define GREENMQ_GREEN_GROUP_H

#include "green/thread.h"

enum { GROUP_MAGIC = 0x67677270 };

/* One who waits for the group, on its own stack. */
struct group_waiter {
    TAILQ_ENTRY(group_waiter) line;
    struct thread *thread;
};

TAILQ_HEAD(group_waiters, group_waiter);

struct group {
    atomic_uint magic;
    struct hub *hub;
    struct thread *owner;
    size_t limit;          /* members at once; SIZE_MAX for none */
    size_t members;        /* that have not ended */
    bool cancelled;        /* takes no further members */
    struct thread *closer; /* who is closing it, or NULL */
    struct threads threads;
    struct group_waiters for_room, for_end;
    LIST_ENTRY(group) line; /* the owner's, or the free ones */
};

/* A new group of the calling thread. `limit` 0: none. NULL without memory. */
struct group *group_open(size_t limit);

/* Is this a group of the calling ordinary thread? 0, -EINVAL: it is none, -EPERM: another's. */
int group_check(const struct group *group);

/* As thread_spawn(), and waits while there are as many members as the limit allows. Also -ECANCELED
 * when the caller or the group was cancelled; -ETIME, -EINTR. */
int group_spawn(struct group *group, void *(*run)(void *arg), void *arg,
                struct thread_options *options, struct thread **made);

/* Waits until it has no members. 0, -ETIMEDOUT, -EDEADLK: the caller is one; -ECANCELED... */
int group_wait(struct group *group, uint64_t deadline_ns);

/* Cancels its members; it takes no more. */
void group_cancel(struct group *group);

/* Cancels them, waits for their end, whatever else may be, and ends the group. 0, -EDEADLK, or
 * -EINVAL when another thread is doing that. */
int group_close(struct group *group);

/* In a forked child: what the thread has open has no members. */
void group_forget_members(struct thread *owner);

/* The calling thread ends: closes what it has open. */
void group_close_all(struct thread *owner);

#endif
