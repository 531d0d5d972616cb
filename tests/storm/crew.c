/* SPDX-License-Identifier: MIT */
/* Who acts in a storm: see storm.h. Each ordinary thread acts itself, beside green threads that it
 * spawns, cancels and joins; or it is a foreign loop that runs green threads when their descriptor
 * says so. Some rounds also have a zmq_proxy(), which ends with its context. */
#include "storm/storm.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

enum { ACTS_OF_A_THREAD = 50, ACTS_OF_A_GREEN = 100, NONE = -1 };

struct actor crew_actors[ACTORS];

static struct hand {
    pthread_t thread;
    struct actor *actor;    /* its own, and behind it those of its green threads */
    int64_t greens[GREENS]; /* NONE: that place is free */
    bool is_embedded;
} hands[THREADS];

static bool has_proxy;
static pthread_t proxy_thread;

static void *act_as_green(void *arg)
{
    struct actor *actor = arg;
    for (int i = 0; i < ACTS_OF_A_GREEN && !atomic_load(&scene.over); i++)
        acts_next(actor);
    return NULL;
}

static void spawn_one(struct hand *hand)
{
    for (int i = 0; i < GREENS; i++) {
        struct actor *actor = hand->actor + 1 + i;
        if (hand->greens[i] != NONE)
            continue;
        actor->dice = dice_new(dice_next(&hand->actor->dice));
        hand->greens[i] = gmq_spawn(act_as_green, actor, NULL);
        return;
    }
}

static void join_one(struct hand *hand, int i, int64_t deadline)
{
    if (hand->greens[i] != NONE && gmq_join(hand->greens[i], NULL, deadline) == 0)
        hand->greens[i] = NONE;
}

static void lead_greens(struct hand *hand)
{
    struct dice *dice = &hand->actor->dice;
    int i = (int)dice_throw(dice, GREENS);
    spawn_one(hand);
    if (dice_one_in(dice, 3) && hand->greens[i] != NONE)
        gmq_cancel(hand->greens[i]);
    if (dice_one_in(dice, 2))
        join_one(hand, i, gmq_now() + 5);
}

/* The loop of somebody else: it waits, and lets them run. */
static void run_embedded(struct hand *hand)
{
    struct pollfd item = {.fd = gmq_fd(), .events = POLLIN};
    for (int i = 0; i < ACTS_OF_A_THREAD && !atomic_load(&scene.over); i++) {
        spawn_one(hand);
        poll(&item, 1, 1);
        gmq_run();
        join_one(hand, i % GREENS, gmq_now());
    }
}

static void run_itself(struct hand *hand)
{
    for (int i = 0; i < ACTS_OF_A_THREAD && !atomic_load(&scene.over); i++)
        acts_next(hand->actor);
    lead_greens(hand);
}

static void *run_hand(void *arg)
{
    struct hand *hand = arg;
    while (!atomic_load(&scene.over)) {
        if (hand->is_embedded)
            run_embedded(hand);
        else
            run_itself(hand);
    }
    for (int i = 0; i < GREENS; i++)
        join_one(hand, i, -1);
    return NULL;
}

static void *run_proxy(void *arg)
{
    struct dice *dice = arg;
    void *sockets[2] = {zmq_socket(scene.contexts[0], ZMQ_ROUTER),
                        zmq_socket(scene.contexts[dice_throw(dice, CONTEXTS)], ZMQ_DEALER)};
    for (int i = 0; i < 2; i++) {
        options_dress(dice, sockets[i], ZMQ_DEALER);
        scene_bind_anew(dice, sockets[i]);
    }
    zmq_proxy(sockets[0], sockets[1], NULL);
    for (int i = 0; i < 2; i++)
        if (sockets[i])
            zmq_close(sockets[i]);
    return NULL;
}

void crew_start(struct dice *dice)
{
    static struct dice proxy_dice;
    for (int i = 0; i < THREADS; i++) {
        struct hand *hand = &hands[i];
        hand->actor = &crew_actors[i * (1 + GREENS)];
        hand->actor->dice = dice_new(dice_next(dice));
        hand->is_embedded = dice_one_in(dice, 4);
        for (int n = 0; n < GREENS; n++)
            hand->greens[n] = NONE;
        pthread_create(&hand->thread, NULL, run_hand, hand);
    }
    proxy_dice = dice_new(dice_next(dice));
    has_proxy = dice_one_in(dice, 3);
    if (has_proxy)
        pthread_create(&proxy_thread, NULL, run_proxy, &proxy_dice);
}

void crew_join(void)
{
    for (int i = 0; i < THREADS; i++)
        pthread_join(hands[i].thread, NULL);
    if (!has_proxy)
        return;
    for (int i = 0; i < CONTEXTS; i++)
        zmq_ctx_shutdown(scene.contexts[i]);
    pthread_join(proxy_thread, NULL);
}
