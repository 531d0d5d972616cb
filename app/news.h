/* SPDX-License-Identifier: MIT */
/* The lines that come while a device runs: statistics (--stats), and peers that join and leave
 * (-v). */
#ifndef APP_NEWS_H_INCLUDED
#define APP_NEWS_H_INCLUDED

#include "args.h"

#include <greenmq/greenmq.h>

enum { NEWS_EVENTS = 1024 /* how many events a device should keep between two looks */ };

struct news {
    const char *name; /* who speaks: "greenmq queue" */
    enum gmq_device_type type;
    struct gmq_device *device;
    const struct args *args;
    struct gmq_account account; /* as of the last line of statistics */
    long long account_ms;       /* when that was */
    long long due_ms;           /* when the next is due */
};

/* Borrows all it is given. Nothing has to be freed. */
void news_init(struct news *news, const char *name, enum gmq_device_type type,
               struct gmq_device *device, const struct args *args);

/* How long to wait until there may be news; -1: there will never be any. */
long news_wait_ms(const struct news *news);

/* Prints what is new to stdout, if anything is. */
void news_tell(struct news *news);

#endif
