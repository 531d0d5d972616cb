/* SPDX-License-Identifier: MIT */
/* Threads in the background: see background.h. For stewards, and those of I/O loops. */
#include "green/background.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NAME_ROOM = 16, BEST_NICE = -20 };

void background_init(struct background *background)
{
    *background = (struct background){.priority = -1, .policy = -1};
}

/* The name is libzmq's, by which tools know such threads. */
static void apply_name(int prefix, unsigned number)
{
    char text[64], name[NAME_ROOM];
    if (prefix)
        snprintf(text, sizeof text, "%d/ZMQbg/IO/%u", prefix, number);
    else
        snprintf(text, sizeof text, "ZMQbg/IO/%u", number);
    snprintf(name, sizeof name, "%.15s", text);
    (void)pthread_setname_np(pthread_self(), name);
}

static void apply_policy(int policy, int priority)
{
    bool real_time = policy == SCHED_FIFO || policy == SCHED_RR;
    struct sched_param param = {.sched_priority = real_time && priority > 0 ? priority : 0};
    if (policy >= 0)
        (void)pthread_setschedparam(pthread_self(), policy, &param);
    if (!real_time && priority > 0)
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), BEST_NICE);
}

void background_apply(const struct background *background, unsigned number)
{
    apply_name(background->name_prefix, number);
    if (CPU_COUNT(&background->cpus))
        (void)sched_setaffinity(0, sizeof background->cpus, &background->cpus);
    apply_policy(background->policy, background->priority);
}
