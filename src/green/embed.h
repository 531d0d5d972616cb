/* SPDX-License-Identifier: MIT */
/* A hub inside somebody else's loop, as of libuv, of a toolkit, or a poll of the application's own:
 * that loop waits instead of the idle thread, for one descriptor, and calls embed_run() when it is
 * readable.
 *
 *      bell (letters, and threads made ready from outside) ──┐
 *      timer (the next deadline of a green thread) ──────────┼── epoll descriptor, handed out
 *      descriptors that green threads wait for ──────────────┤
 *      loops they wait in, if those have no steward ─────────┘
 */
#ifndef GREENMQ_GREEN_EMBED_H
#define GREENMQ_GREEN_EMBED_H

struct hub;
struct embed;

/* The descriptor of the calling ordinary thread's hub, made when it is first asked for. -ENOMEM,
 * -EMFILE. It lasts as long as the hub. */
int embed_fd(struct hub *hub);

/* Runs all green threads that can run, each until it waits, but not for ever; called on the
 * ordinary thread's own stack. */
void embed_run(struct hub *hub);

/* A green thread was made ready while the foreign loop runs. */
void embed_ring(struct hub *hub);

/* The hub has left a loop, for which it had been given `fd`, or -1. */
void embed_leave(const struct hub *hub, int fd);
void embed_free(struct embed *embed);

#endif
