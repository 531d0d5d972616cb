/* SPDX-License-Identifier: MIT */
/* What an actor of a storm may do next: see storm.h. */
#include "storm/storm.h"

#include <stdio.h>
#include <unistd.h>

typedef void act_fn(struct dice *dice);

static void bind_one(struct dice *dice)
{
    char text[ENDPOINT_SIZE];
    void *socket = scene_socket(dice);
    scene_endpoint(dice, text);
    if (zmq_bind(socket, text) == 0)
        scene_remember(dice, socket);
}

static void connect_one(struct dice *dice)
{
    char text[ENDPOINT_SIZE];
    scene_endpoint(dice, text);
    zmq_connect(scene_socket(dice), text);
}

static void part(struct dice *dice)
{
    char text[ENDPOINT_SIZE];
    scene_endpoint(dice, text);
    if (dice_one_in(dice, 2))
        zmq_unbind(scene_socket(dice), text);
    else
        zmq_disconnect(scene_socket(dice), text);
}

static void set_option(struct dice *dice)
{
    options_set(dice, scene_socket(dice));
}

static void get_option(struct dice *dice)
{
    options_get(dice, scene_socket(dice));
}

static void send_some(struct dice *dice)
{
    messages_send(dice, scene_socket(dice));
}

static void receive_some(struct dice *dice)
{
    messages_receive(dice, scene_socket(dice));
}

static void monitor(struct dice *dice)
{
    char text[ENDPOINT_SIZE];
    int events = dice_one_in(dice, 2) ? ZMQ_EVENT_ALL : (int)dice_throw(dice, ZMQ_EVENT_ALL);
    snprintf(text, sizeof text, "inproc://monitor-%u", dice_throw(dice, 2));
    zmq_socket_monitor(scene_socket(dice), dice_one_in(dice, 3) ? NULL : text, events);
}

static void change_context(struct dice *dice)
{
    void *context = scene_context(dice);
    if (dice_one_in(dice, 2))
        zmq_ctx_get(context, (int)dice_throw(dice, ZMQ_THREAD_NAME_PREFIX + 1));
    else
        zmq_ctx_set(context, ZMQ_MAX_MSGSZ, dice_one_in(dice, 3) ? 1000 : INT32_MAX);
}

static void yield(struct dice *dice)
{
    (void)dice;
    gmq_yield();
}

static void nap(struct dice *dice)
{
    gmq_sleep(dice_throw(dice, 3));
}

/* A call with a deadline of its own around it. */
static void scoped(struct dice *dice)
{
    struct gmq_scope scope;
    gmq_scope_enter(&scope, gmq_now() + (int64_t)dice_throw(dice, 4));
    messages_receive(dice, scene_socket(dice));
    gmq_scope_leave(&scope);
}

static void shielded(struct dice *dice)
{
    gmq_shield(1);
    messages_send(dice, scene_socket(dice));
    gmq_shield(0);
}

static void *rest(void *unused)
{
    return unused;
}

static void offload(struct dice *dice)
{
    (void)dice;
    gmq_offload(rest, NULL, NULL);
}

/* One of its own: that of a socket is gone when somebody closes the socket. */
static void await_descriptor(struct dice *dice)
{
    int ends[2];
    if (pipe(ends) < 0)
        return;
    bool is_ready = dice_one_in(dice, 2) && write(ends[1], "", 1) == 1;
    gmq_wait_fd(ends[0], ZMQ_POLLIN,
                gmq_now() + (is_ready ? WAIT_MS : (int64_t)dice_throw(dice, 4)));
    gmq_close(ends[0]);
    gmq_close(ends[1]);
}

static const struct {
    const char *name;
    act_fn *act;
    unsigned weight;
} acts[] = {
    {"opening a socket", scene_fill, 14},
    {"closing a socket", scene_drop, 3},
    {"zmq_bind", bind_one, 5},
    {"zmq_connect", connect_one, 8},
    {"zmq_unbind or zmq_disconnect", part, 2},
    {"zmq_setsockopt", set_option, 8},
    {"zmq_getsockopt", get_option, 3},
    {"sending", send_some, 21},
    {"receiving", receive_some, 22},
    {"zmq_poll", messages_poll, 5},
    {"zmq_socket_monitor", monitor, 2},
    {"making a device", devices_make, 3},
    {"using a device", devices_use, 12},
    {"an option of a context", change_context, 1},
    {"gmq_yield", yield, 2},
    {"gmq_sleep", nap, 2},
    {"receiving in a scope", scoped, 2},
    {"sending behind a shield", shielded, 1},
    {"gmq_offload", offload, 1},
    {"gmq_wait_fd", await_descriptor, 1},
};

void acts_next(struct actor *actor)
{
    enum { KINDS = sizeof acts / sizeof acts[0] };
    unsigned all = 0, kind = 0;
    for (unsigned i = 0; i < KINDS; i++)
        all += acts[i].weight;
    unsigned left = dice_throw(&actor->dice, all);
    while (left >= acts[kind].weight)
        left -= acts[kind++].weight;
    atomic_store(&actor->since_ms, watch_now_ms());
    atomic_store(&actor->act, acts[kind].name);
    acts[kind].act(&actor->dice);
    atomic_store(&actor->act, NULL);
}
