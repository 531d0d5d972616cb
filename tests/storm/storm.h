/* SPDX-License-Identifier: MIT */
/* A storm: ordinary and green threads that call at random, on sockets and devices that all of them
 * share, in several contexts. Whatever they do, no call may crash, hang, or spoil the books.
 *
 * In rounds: contexts are made, actors act for a while, all is closed, the contexts end. Each round
 * has a seed of its own, by which it can be run again; what threads do at the same time differs.
 *
 *      storm.c     the rounds, and the end
 *      crew.c      who acts: ordinary threads, green threads, embedded loops, proxies
 *      acts.c      what an actor may do next
 *      options.c   any option, with any value that cannot harm others
 *      messages.c  sending, receiving, polling
 *      devices.c   devices and their books
 *      scene.c     the contexts, sockets and endpoints that all share
 *      watch.c     hangs, and what is said when the program dies */
#ifndef STORM_STORM_H
#define STORM_STORM_H

#include "storm/dice.h"

#include <greenmq/greenmq.h>

#include <stdatomic.h>

enum {
    CONTEXTS = 2,
    SLOTS = 20, /* for sockets */
    DEVICES = 4,
    THREADS = 4, /* ordinary ones */
    GREENS = 4,  /* green ones that each of them has at a time */
    ACTORS = THREADS * (1 + GREENS),
    WAIT_MS = 20, /* no socket waits longer than that */
    ENDPOINT_SIZE = 128
};

/* One that acts. The watchdog looks at what it is doing, and since when. */
struct actor {
    struct dice dice;
    _Atomic(const char *) act; /* NULL between two */
    atomic_llong since_ms;
};

/* scene.c */
struct scene {
    void *contexts[CONTEXTS];
    _Atomic(void *) sockets[SLOTS];
    atomic_bool over;
};
extern struct scene scene;

void scene_open(struct dice *dice);
void scene_close(void);
void *scene_context(struct dice *dice);
void *scene_socket(struct dice *dice); /* any; may be NULL, or closed meanwhile */
void scene_fill(struct dice *dice);    /* opens one where there is none */
void scene_drop(struct dice *dice);
void scene_remember(struct dice *dice, void *socket); /* where it is bound */
void scene_endpoint(struct dice *dice, char text[ENDPOINT_SIZE]);
void scene_bind_anew(struct dice *dice, void *socket);

/* options.c */
void options_dress(struct dice *dice, void *socket, int type); /* a new one */
void options_set(struct dice *dice, void *socket);
void options_get(struct dice *dice, void *socket);

/* messages.c */
void messages_send(struct dice *dice, void *socket);
void messages_receive(struct dice *dice, void *socket);
void messages_poll(struct dice *dice);

/* devices.c */
void devices_make(struct dice *dice);
void devices_use(struct dice *dice);
void devices_close(void);

/* acts.c */
void acts_next(struct actor *actor);

/* crew.c */
void crew_start(struct dice *dice);
void crew_join(void);
extern struct actor crew_actors[ACTORS];

/* watch.c */
long long watch_now_ms(void);
void watch_start(void);
void watch_round(uint64_t seed); /* said if the program dies in it */
void watch_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned watch_faults(void);

#endif
