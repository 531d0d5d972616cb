/* SPDX-License-Identifier: MIT */
/* A context: one lock, one loop, with several I/O threads further ones (core/io_loop.h), and the
 * sockets under that lock. Memory of contexts is kept for new ones, as that of sockets is. */
#ifndef GREENMQ_CORE_CTX_H
#define GREENMQ_CORE_CTX_H

#include "base/chunk.h"
#include "core/effort.h"
#include "core/idle.h"
#include "core/io_loop.h"
#include "core/peer.h"
#include "core/stage.h"
#include "green/loop.h"

#include <stdatomic.h>

enum { CTX_MAGIC = 0x67637478, CTX_SCRATCH_BYTES = 256 * 1024, OLD_LAMPS = 8 };

/* Work that is to be done at the end of the turn, or of the call. */
struct task {
    TAILQ_ENTRY(task) line;
    void (*run)(struct task *task);
    bool queued;
};

struct ctx {
    /* These stay as they are when its memory becomes another context's: see ctx_enter(). */
    atomic_uint magic;
    atomic_uint fork_generation; /* a child of fork() has another one */
    struct loop loop;

    uint64_t serial; /* tells it from others in the same memory */
    bool started;    /* the steward runs, if there is to be one */

    int io_threads, max_sockets, max_msgsz, ipv6, blocky;
    int zero_copy_recv; /* kept to be read back */
    struct background background;

    LIST_HEAD(, socket) sockets; /* open and lingering ones */
    unsigned open_sockets;       /* not yet closed by the application */
    bool shutting_down;
    struct waiter *terminator; /* the thread inside zmq_ctx_term() */

    struct dirty dirty; /* is flushed at the end of the turn; those of I/O loops by these */
    struct io_loop *io_loops;
    unsigned io_loop_count;
    TAILQ_HEAD(, task) tasks;
    struct stages staged; /* sockets whose messages are routed at the end of the turn */
    unsigned staged_count;
    uint64_t looks; /* how often anybody has looked what can be received */
    void *looker;   /* the thread that did so last */
    struct effort effort;
    struct lamp *old_lamps[OLD_LAMPS]; /* of sockets that were closed: see lamp_close() */
    unsigned old_lamp_count;
    struct timer old_lamps_end;
    uint64_t departed_bytes; /* that wait in the inboxes of peers that have gone */
    uint64_t flushed_ns;     /* when output was last flushed at once */
    struct idle idle;        /* gives memory back */
    struct chunk *scratch;   /* every connection reads into it */
    struct timer shortage;   /* runs while something waits for memory */
    uint32_t next_routing_id;
    void *inproc_names; /* the inproc transport's */
    LIST_ENTRY(ctx) all;
};

/* A new context: 0, or -ENOMEM or -EMFILE. */
int ctx_new(struct ctx **made);

/* Enters and leaves: around every call. ctx_enter() gives -EFAULT for what is no context,
 * and -ETERM in the child of a fork; then it has not entered. */
int ctx_enter(struct ctx *ctx);
void ctx_leave(struct ctx *ctx);

/* Starts the steward with the first socket. 0 or a negative errno. */
int ctx_start(struct ctx *ctx);

/* Wakes every blocked call with ETERM. */
void ctx_shutdown(struct ctx *ctx);

/* Shuts down, waits for the sockets to be closed and to finish, and frees. 0 or -EINTR. Called
 * entered; on 0 it has left. */
int ctx_term(struct ctx *ctx);

/* A socket is gone. */
void ctx_socket_gone(struct ctx *ctx);

/* Runs `task` at the end of the turn or call. */
void ctx_later(struct ctx *ctx, struct task *task);

/* Flushes what is dirty and runs the tasks. */
void ctx_settle(struct ctx *ctx);

/* Flushes what costs no system call. False: enough has been done. */
bool ctx_flush_instant(struct ctx *ctx);

/* Flushes as many as there are. False: enough has been done. */
bool ctx_flush_dirty(struct ctx *ctx, struct dirty *dirty);

/* By the turn itself: flushes the peer, and lends the lock if the turn does. The peer may be gone
 * afterwards. */
void ctx_flush(struct peer *peer);

/* Closes the lanes of all its sockets. */
void ctx_close_lanes(struct ctx *ctx);

/* The chunk to read into for connections of an I/O loop, or NULL: nobody else refers to it. NULL
 * without memory. */
struct chunk *ctx_scratch(struct ctx *ctx, struct io_loop *io);

#endif
