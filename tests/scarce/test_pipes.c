/* SPDX-License-Identifier: MIT */
/* Scarcity on the way from a PUSH to a PULL: over tcp, ipc and within the process. */
#include "scarce/scarce.h"

/* The same place by its name. */
static const char *by_name(const char *bound)
{
    static char text[256];
    snprintf(text, sizeof text, "tcp://localhost%s", strrchr(bound, ':'));
    return text;
}

/* Over a connection, what was on its way is lost when that is cut; else nothing is. */
static void over(const char *endpoint, bool may_be_cut, bool is_named)
{
    struct cuts cuts = {0};
    scene_begin();
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    cuts_watch(&cuts, push, "inproc://cuts");
    const char *bound = bind_to(pull, endpoint);
    must(zmq_connect(push, is_named ? by_name(bound) : bound));
    int lost = carry(push, pull);
    if (lost && (!may_be_cut || !cuts_count(&cuts)))
        scarce_problem("%d were accepted and lost", lost);
    zmq_close(cuts.monitor);
    zmq_close(push);
    zmq_close(pull);
    scene_end();
}

static void tcp(void)
{
    over("tcp://127.0.0.1:*", true, false);
}

static void named(void)
{
    over("tcp://127.0.0.1:*", true, true);
}

static void ipc(void)
{
    over("ipc://*", true, false);
}

static void inproc(void)
{
    over("inproc://here", false, false);
}

/* The connect comes first. */
static void inproc_early(void)
{
    scene_begin();
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    must(zmq_connect(push, "inproc://later"));
    bind_to(pull, "inproc://later");
    int lost = carry(push, pull);
    if (lost)
        scarce_problem("%d were accepted and lost", lost);
    zmq_close(push);
    zmq_close(pull);
    scene_end();
}

/* Only the newest is kept; that one comes. */
static void conflated(void)
{
    scene_begin();
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    set_option(push, ZMQ_CONFLATE, 1);
    set_option(pull, ZMQ_CONFLATE, 1);
    const char *bound = bind_to(pull, "tcp://127.0.0.1:*");
    must(zmq_connect(push, bound));
    await_published(push, pull, "old");
    await_published(push, pull, "newer");
    await_published(push, pull, "newest");
    zmq_close(push);
    zmq_close(pull);
    scene_end();
}

/* Without a thread of the context's own. */
static void unattended(void)
{
    scene_begin();
    must(zmq_ctx_set(ctx, ZMQ_IO_THREADS, 0));
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    int fd;
    size_t size = sizeof fd;
    must(zmq_getsockopt(pull, ZMQ_FD, &fd, &size));
    const char *bound = bind_to(pull, "tcp://127.0.0.1:*");
    must(zmq_connect(push, bound));
    carry(push, pull);
    zmq_close(push);
    zmq_close(pull);
    scene_end();
}

int main(void)
{
    const struct scene scenes[] = {{"tcp", tcp},
                                   {"named", named},
                                   {"ipc", ipc},
                                   {"inproc", inproc},
                                   {"inproc_early", inproc_early},
                                   {"conflated", conflated},
                                   {"unattended", unattended}};
    return scarce_main(scenes, sizeof scenes / sizeof *scenes);
}
