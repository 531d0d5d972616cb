/* SPDX-License-Identifier: MIT */
/* Looking up names: see resolver.h. One line of the process holds what no thread has begun, under
 * one lock, which also guards what is done until its owner has taken it. It is held for moments
 * only, and nothing is called under it that waits. */
#include "loop/resolver.h"

#include "base/check.h"
#include "base/fd.h"
#include "base/fork.h"
#include "base/quiet_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

enum { THREADS_MAX = 4, PORT_TEXT = 8 };

enum lookup_state { LOOKUP_IN_LINE, LOOKUP_RUNS, LOOKUP_DONE };

struct lookup {
    TAILQ_ENTRY(lookup) line; /* of the process, or of what is done */
    enum lookup_state state;
    struct resolver *resolver; /* NULL once it is cancelled; then it belongs to its thread */
    struct addrinfo *addresses;
    lookup_fn *on_done;
    void *owner;
    int family;
    char port[PORT_TEXT];
    char name[]; /* as long as it is */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
FORK_KEEPS(lock)
static struct lookups waiting = TAILQ_HEAD_INITIALIZER(waiting);
static unsigned threads;

static void in_child(void)
{
    TAILQ_INIT(&waiting);
    threads = 0;
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, in_child);
}

static void lookup_free(struct lookup *lookup)
{
    if (lookup->addresses)
        freeaddrinfo(lookup->addresses);
    free(lookup);
}

/* ---- the threads -------------------------------------------------------------------------- */

static void look_up(struct lookup *lookup)
{
    struct addrinfo hints = {.ai_family = lookup->family, .ai_socktype = SOCK_STREAM};
    if (getaddrinfo(lookup->name, lookup->port, &hints, &lookup->addresses) != 0)
        lookup->addresses = NULL;
}

/* Under the lock: whoever wanted to know is told, if he still does. */
static void deliver(struct lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;
    uint64_t one = 1;
    lookup->state = LOOKUP_DONE;
    if (!resolver) {
        lookup_free(lookup);
        return;
    }
    TAILQ_INSERT_TAIL(&resolver->done, lookup, line);
    check(write(resolver->event, &one, sizeof one) == sizeof one);
}

static void *run(void *arg)
{
    struct lookup *lookup;
    (void)pthread_setname_np(pthread_self(), "greenmq/names");
    pthread_mutex_lock(&lock);
    while ((lookup = TAILQ_FIRST(&waiting))) {
        TAILQ_REMOVE(&waiting, lookup, line);
        lookup->state = LOOKUP_RUNS;
        pthread_mutex_unlock(&lock);
        look_up(lookup);
        pthread_mutex_lock(&lock);
        deliver(lookup);
    }
    threads--;
    pthread_mutex_unlock(&lock);
    return arg;
}

static int start_thread(void)
{
    pthread_t thread;
    int rc = quiet_thread_start(&thread, run, NULL);
    if (rc == 0)
        pthread_detach(thread);
    return rc;
}

/* Puts it into the line, and sees that somebody comes for it. */
static int get_in_line(struct lookup *lookup)
{
    int rc = 0;
    pthread_mutex_lock(&lock);
    TAILQ_INSERT_TAIL(&waiting, lookup, line);
    if (threads < THREADS_MAX) {
        rc = start_thread();
        threads += rc == 0;
    }
    if (threads)
        rc = 0; /* those that there are will do */
    if (rc < 0)
        TAILQ_REMOVE(&waiting, lookup, line);
    pthread_mutex_unlock(&lock);
    return rc;
}

/* ---- its owner ---------------------------------------------------------------------------- */

/* One less is pending. Without any the descriptor is not watched: there is nothing to wait for. */
static void settle(struct resolver *resolver)
{
    if (--resolver->pending == 0)
        fdwatch_set(&resolver->watch, 0);
}

static struct lookup *take_done(struct resolver *resolver)
{
    pthread_mutex_lock(&lock);
    struct lookup *lookup = TAILQ_FIRST(&resolver->done);
    if (lookup)
        TAILQ_REMOVE(&resolver->done, lookup, line);
    pthread_mutex_unlock(&lock);
    return lookup;
}

static void on_ready(struct fdwatch *watch, uint32_t events)
{
    struct resolver *resolver = (struct resolver *)((char *)watch -
                                                    offsetof(struct resolver, watch));
    struct lookup *lookup;
    uint64_t some;
    (void)events;
    if (read(resolver->event, &some, sizeof some) < 0)
        return; /* those have been taken, or cancelled */
    while ((lookup = take_done(resolver))) {
        struct addrinfo *addresses = lookup->addresses;
        lookup->addresses = NULL;
        settle(resolver);
        lookup->on_done(lookup->owner, addresses);
        lookup_free(lookup);
    }
}

void resolver_init(struct resolver *resolver, struct poller *poller)
{
    *resolver = (struct resolver){.poller = poller};
    TAILQ_INIT(&resolver->done);
}

static int open_resolver(struct resolver *resolver)
{
    int event = fd_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (event < 0)
        return -errno;
    int rc = fdwatch_init(&resolver->watch, resolver->poller, event, on_ready);
    if (rc < 0) {
        close(event);
        return rc;
    }
    resolver->event = event;
    resolver->opened = true;
    return 0;
}

void resolver_term(struct resolver *resolver)
{
    check(resolver->pending == 0);
    if (!resolver->opened)
        return;
    fdwatch_term(&resolver->watch);
    close(resolver->event);
}

static struct lookup *lookup_new(const char *name, uint16_t port, int family)
{
    size_t size = strlen(name) + 1;
    struct lookup *lookup = calloc(1, sizeof *lookup + size);
    if (!lookup)
        return NULL;
    memcpy(lookup->name, name, size);
    snprintf(lookup->port, sizeof lookup->port, "%u", port);
    lookup->family = family;
    return lookup;
}

struct lookup *resolver_start(struct resolver *resolver, const char *name, uint16_t port,
                              int family, lookup_fn *on_done, void *owner)
{
    if (!resolver->opened && open_resolver(resolver) < 0)
        return NULL;
    struct lookup *lookup = lookup_new(name, port, family);
    if (!lookup || fdwatch_set(&resolver->watch, EPOLLIN) < 0) {
        free(lookup);
        return NULL;
    }
    lookup->resolver = resolver;
    lookup->on_done = on_done;
    lookup->owner = owner;
    resolver->pending++;
    if (get_in_line(lookup) == 0)
        return lookup;
    settle(resolver);
    free(lookup);
    return NULL;
}

void lookup_cancel(struct lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;
    pthread_mutex_lock(&lock);
    lookup->resolver = NULL;
    if (lookup->state == LOOKUP_RUNS) {
        lookup = NULL; /* its thread frees it */
    } else {
        struct lookups *lookups = lookup->state == LOOKUP_DONE ? &resolver->done : &waiting;
        TAILQ_REMOVE(lookups, lookup, line);
    }
    pthread_mutex_unlock(&lock);
    settle(resolver);
    if (lookup)
        lookup_free(lookup);
}
