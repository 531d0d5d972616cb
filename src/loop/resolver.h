/* SPDX-License-Identifier: MIT */
/* Names are looked up by getaddrinfo(3), which may block for many seconds: threads of the process
 * do it, as many as there are lookups but no more than a few, and each ends when nothing is left.
 *
 *      resolver_start() ──> the process's line ──> a thread ──> resolver->done ──> on_done()
 *
 * All of this is called under the lock of the poller's owner, and on_done() in a turn of it. A
 * lookup that is cancelled while a thread is in it is left to that thread; nobody waits. A child of
 * fork() has none of the threads and forgets what its parent wanted to know. */
#ifndef GREENMQ_LOOP_RESOLVER_H
#define GREENMQ_LOOP_RESOLVER_H

#include "base/list.h"
#include "loop/fdwatch.h"

#include <netdb.h>

/* One name. It ends with on_done() or by lookup_cancel(). */
struct lookup;

/* `addresses` is NULL when there are none; else freeaddrinfo() is for who is called. */
typedef void lookup_fn(void *owner, struct addrinfo *addresses);

TAILQ_HEAD(lookups, lookup);

struct resolver {
    struct poller *poller;
    struct lookups done; /* under the lock of the process's resolver threads */
    unsigned pending;    /* neither called back nor cancelled */
    bool opened;         /* with the first lookup; then also: */
    int event;           /* an eventfd that says that some are done */
    struct fdwatch watch;
};

void resolver_init(struct resolver *resolver, struct poller *poller);

/* No lookup is pending any more. */
void resolver_term(struct resolver *resolver);

/* Looks up addresses for streams; `family` is AF_INET or AF_UNSPEC. NULL without memory,
 * descriptors or threads. */
struct lookup *resolver_start(struct resolver *resolver, const char *name, uint16_t port,
                              int family, lookup_fn *on_done, void *owner);

/* The owner is not called back any more. */
void lookup_cancel(struct lookup *lookup);

#endif
