/* SPDX-License-Identifier: MIT */
/* The live table of the demo: what passes through each device, in each direction. */
#ifndef APP_SCREEN_H_INCLUDED
#define APP_SCREEN_H_INCLUDED

#include <greenmq/greenmq.h>

#include <stdbool.h>
#include <stddef.h>

enum { SCREEN_ROWS_MAX = 8 };

struct screen_row {
    const char *device; /* "queue" */
    const char *what;   /* "requests": what passes in this direction */
    bool is_backward;
    struct gmq_device *handle;
    struct gmq_flow last; /* as of the last drawing */
};

struct screen {
    struct screen_row rows[SCREEN_ROWS_MAX];
    size_t count;
    bool is_terminal; /* redrawn in place; otherwise lines are appended */
    bool is_drawn;
    long long start_ms, last_ms, due_ms;
};

void screen_init(struct screen *screen);
void screen_add(struct screen *screen, const char *device, const char *what, bool is_backward,
                struct gmq_device *handle);

/* Draws when it is time to; returns the milliseconds until it will be again. */
long screen_update(struct screen *screen);

#endif
