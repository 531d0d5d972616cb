/* SPDX-License-Identifier: MIT */
/*
 * Scenes that are played again and again, each time with another allocation, descriptor or thread
 * refused by the system: the first, the second, and so on. Each run is a child of its own.
 *
 * After one refusal a call fails with the errno of it, or a connection is cut and made anew; all
 * else goes on. So a scene repeats what failed, and expects in the end what it always expects.
 *
 * The programs are linked with the inside of the library, and the linker leads its calls of
 * malloc(), eventfd() and so on to us. Nothing here allocates, nor uses cmocka, which does.
 */
#ifndef SCARCE_SCARCE_H
#define SCARCE_SCARCE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <greenmq/greenmq.h>

enum { SHORT_MS = 100, DEADLINE_MS = 8000, IDS_MAX = 256, ROOM = 400000 };

struct scene {
    const char *name;
    void (*run)(void);
};

/* A program's main(): plays some runs of each scene, from a start that changes with the time. All
 * of them with SCARCE_SWEEP=1; a single one, and where it was refused, with SCARCE_ONLY=SCENE:N. */
int scarce_main(const struct scene *scenes, size_t count);

/* Something is not as it must be: says so, and the run has failed. */
void scarce_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether the errno is that of a refusal. */
static inline bool scarce_is_refusal(void)
{
    return errno == ENOMEM || errno == EMFILE || errno == EAGAIN;
}

/* Makes a call that must succeed, a second time if it was refused. */
#define must(call)                                                      \
    ({                                                                  \
        long rc_ = (long)(call);                                        \
        if (rc_ == -1 && scarce_is_refusal())                           \
            rc_ = (long)(call);                                         \
        if (rc_ == -1)                                                  \
            scarce_problem("%s: %s", #call, zmq_strerror(zmq_errno())); \
        rc_;                                                            \
    })

/* The same for what gives a pointer. */
#define must_have(call)                                                 \
    ({                                                                  \
        void *got_ = (call);                                            \
        if (!got_ && scarce_is_refusal())                               \
            got_ = (call);                                              \
        if (!got_)                                                      \
            scarce_problem("%s: %s", #call, zmq_strerror(zmq_errno())); \
        got_;                                                           \
    })

/* The context of a run, and a socket of it, which reconnects soon and waits SHORT_MS. */
extern void *ctx;
void scene_begin(void);
void scene_end(void);
void *open_socket(int type);
void set_option(void *socket, int option, int value);

/* Binds and says where. */
const char *bind_to(void *socket, const char *endpoint);

/* Watches a socket's connections; says how many were lost so far. */
struct cuts {
    void *monitor;
    int count;
};
void cuts_watch(struct cuts *cuts, void *socket, const char *endpoint);
int cuts_count(struct cuts *cuts);

/* Sends messages of many sizes, some of several parts, from one socket and receives them at
 * another. Returns how many of those that were accepted have not come; complains if they end to
 * come. */
int carry(void *from, void *to);

/* The same with a reply to each. Repeats what is lost, and complains if that does not help. */
void ask(void *client, void *server);

/* A question of a DEALER to a ROUTER, and its answer. */
void ask_routed(void *client, void *server);

/* Publishes it until the subscriber has it. */
void await_published(void *publisher, void *subscriber, const char *text);

/* A STREAM connects to another until what it sends arrives there. */
void await_octets(void *client, void *server, const char *endpoint);

#endif
