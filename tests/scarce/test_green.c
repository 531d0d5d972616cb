/* SPDX-License-Identifier: MIT */
/* Scarcity among green threads: their stacks, groups, descriptors, offloaded work and storage. */
#include "scarce/scarce.h"

#include <poll.h>
#include <unistd.h>

enum { THREADS = 8, MESSAGES = 5 };

static void *push_some(void *arg)
{
    void *push = open_socket(ZMQ_PUSH);
    must(zmq_connect(push, "inproc://green"));
    for (int i = 0; i < MESSAGES; i++) {
        must(gmq_sleep(1));
        must(zmq_send(push, "x", 1, 0));
    }
    set_option(push, ZMQ_LINGER, -1);
    zmq_close(push);
    return arg;
}

static void receive_all(void *pull)
{
    char octet;
    int came = 0;
    while (came < THREADS * MESSAGES && must(zmq_recv(pull, &octet, 1, 0)) == 1)
        came++;
}

static void threads(void)
{
    int64_t ids[THREADS];
    scene_begin();
    void *pull = open_socket(ZMQ_PULL);
    set_option(pull, ZMQ_RCVTIMEO, DEADLINE_MS);
    bind_to(pull, "inproc://green");
    for (int i = 0; i < THREADS; i++)
        ids[i] = must(gmq_spawn(push_some, NULL, NULL));
    receive_all(pull);
    for (int i = 0; i < THREADS; i++)
        must(gmq_join(ids[i], NULL, -1));
    zmq_close(pull);
    scene_end();
}

static void groups(void)
{
    scene_begin();
    void *pull = open_socket(ZMQ_PULL);
    set_option(pull, ZMQ_RCVTIMEO, DEADLINE_MS);
    bind_to(pull, "inproc://green");
    struct gmq_group *group = must_have(gmq_group_new(0));
    for (int i = 0; i < THREADS; i++)
        must(gmq_group_spawn(group, push_some, NULL, NULL));
    receive_all(pull);
    must(gmq_group_wait(group, -1));
    must(gmq_group_close(group));
    zmq_close(pull);
    scene_end();
}

static void *double_it(void *arg)
{
    return (char *)arg + (uintptr_t)arg;
}

static int key;

static void *wait_and_work(void *arg)
{
    int *fds = arg;
    void *result = NULL;
    char octet;
    must(gmq_set(key, arg));
    must(gmq_wait_fd(fds[0], POLLIN, -1));
    must(read(fds[0], &octet, 1));
    must(gmq_offload(double_it, (void *)21, &result));
    if (result != (void *)42 || gmq_get(key) != arg)
        scarce_problem("the work gave %p", result);
    return NULL;
}

static void descriptors(void)
{
    int fds[2];
    int64_t ids[THREADS];
    must(pipe(fds));
    key = (int)must(gmq_key(NULL));
    for (int i = 0; i < THREADS; i++)
        ids[i] = must(gmq_spawn(wait_and_work, fds, NULL));
    must(write(fds[1], "12345678", THREADS));
    for (int i = 0; i < THREADS; i++)
        must(gmq_join(ids[i], NULL, -1));
}

int main(void)
{
    const struct scene scenes[] = {
        {"threads", threads}, {"groups", groups}, {"descriptors", descriptors}};
    return scarce_main(scenes, sizeof scenes / sizeof *scenes);
}
