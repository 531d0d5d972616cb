/* SPDX-License-Identifier: MIT */
/* The live table of the demo: see screen.h.
 *
 * Happy path: on a terminal the cursor goes up to the table's first line and everything is
 * written over, twice a second; elsewhere each second's lines are appended, so that a log or a
 * pipe stays readable. While nobody reads, nothing is drawn. Called by demo.c. */
#include "screen.h"

#include "clock.h"
#include "output.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TERMINAL_MS = 500, LINES_MS = 1000 };

static int period_ms(const struct screen *screen)
{
    return screen->is_terminal ? TERMINAL_MS : LINES_MS;
}

void screen_init(struct screen *screen)
{
    const char *kind = getenv("TERM");
    *screen = (struct screen){.is_terminal = isatty(STDOUT_FILENO) && kind &&
                                             strcmp(kind, "dumb") != 0};
    screen->start_ms = screen->last_ms = clock_ms();
    screen->due_ms = screen->start_ms + period_ms(screen);
}

void screen_add(struct screen *screen, const char *device, const char *what, bool is_backward,
                struct gmq_device *handle)
{
    screen->rows[screen->count++] = (struct screen_row){
        .device = device, .what = what, .is_backward = is_backward, .handle = handle};
}

static void draw_row(struct screen_row *row, double elapsed_s)
{
    struct gmq_account account = report_read(row->handle);
    const struct gmq_flow *flow = row->is_backward ? &account.backward : &account.forward;
    uint64_t in = flow->received.messages - row->last.received.messages;
    uint64_t out = flow->forwarded.messages - row->last.forwarded.messages;
    char peers[48];
    snprintf(peers, sizeof(peers), "%llu + %llu", (unsigned long long)account.frontend_peers,
             (unsigned long long)account.backend_peers);
    printf("%-10s %-9s %8.0f %8.0f %10llu %8llu %8llu  %s\n", row->device, row->what,
           (double)in / elapsed_s, (double)out / elapsed_s,
           (unsigned long long)flow->forwarded.messages, (unsigned long long)flow->queued.messages,
           (unsigned long long)report_dropped(flow), peers);
    row->last = *flow;
}

static void draw(struct screen *screen, long long now_ms)
{
    if (screen->is_terminal && screen->is_drawn)
        printf("\033[%zuA\033[J", screen->count + 2);
    printf("\n%-20s %8s %8s %10s %8s %8s  %-10s %6.1f s\n", "", "in/s", "out/s", "messages",
           "queued", "dropped", "peers", (double)(now_ms - screen->start_ms) / 1000);
    for (size_t i = 0; i < screen->count; i++)
        draw_row(&screen->rows[i], (double)(now_ms - screen->last_ms) / 1000);
    fflush(stdout);
    screen->is_drawn = true;
    screen->last_ms = now_ms;
}

long screen_update(struct screen *screen)
{
    long long now_ms = clock_ms();
    if (now_ms >= screen->due_ms) {
        if (output_has_room(0))
            draw(screen, now_ms);
        screen->due_ms = now_ms + period_ms(screen);
    }
    return (long)(screen->due_ms - now_ms);
}
