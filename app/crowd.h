/* SPDX-License-Identifier: MIT */
/* The people around the devices of the demo: clients and workers, publishers and subscribers,
 * producers and consumers. Each is a green thread with one socket. */
#ifndef APP_CROWD_H_INCLUDED
#define APP_CROWD_H_INCLUDED

#include <greenmq/greenmq.h>

#include <stdbool.h>
#include <stdint.h>

enum { CROWD_DEVICES = 3, CROWD_MAX = 32 };

/* Where a device can be reached. */
struct crowd_place {
    enum gmq_device_type type;
    char frontend[256];
    char backend[256];
};

struct crowd;
struct crowd_role;

struct crowd_member {
    const struct crowd_role *role;
    struct crowd *crowd;
    int number;   /* among those of the same role, from 0 */
    void *socket; /* NULL: it has ended */
    int64_t thread;
};

struct crowd {
    void *context;
    struct crowd_member members[CROWD_MAX];
    int count;
    bool is_ending; /* whoever starts something starts no more of it */
};

/* Starts everybody. Returns 0 or an errno, and then nobody is there. */
int crowd_init(struct crowd *crowd, const struct crowd_place places[CROWD_DEVICES]);

/* Ends those who start something (clients, publishers, producers), once they have their answers;
 * the others go on. */
void crowd_quiet(struct crowd *crowd);

/* Ends everybody at once; crowd_term() is still to be called. */
void crowd_scatter(struct crowd *crowd);

/* Ends everybody and waits for them. */
void crowd_term(struct crowd *crowd);

#endif
