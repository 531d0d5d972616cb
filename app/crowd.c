/* SPDX-License-Identifier: MIT */
/* The people around the devices of the demo: see crowd.h.
 *
 * Happy path: ROLES says who there is; each member opens its socket, connects to its side of its
 * device and acts until its socket fails, which is how the end of the context reaches it, or,
 * when it is a source, until the crowd is ending.
 *
 * Failure modes: a source waits a second at most for an answer or for room, so it always comes
 * to see that the crowd is ending. Called by demo.c. */
#include "crowd.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { FRONTEND, BACKEND };
enum { PACE_MS = 10, PATIENCE_MS = 1000 };

struct crowd_role {
    const char *name; /* of its green threads, with a number */
    enum gmq_device_type device;
    int side;
    int socket_type;
    int count;
    bool is_source;
    void (*act)(struct crowd_member *member);
};

static const char *const TOPICS[] = {"weather", "sports", "music", "gossip"};
enum { TOPIC_COUNT = sizeof(TOPICS) / sizeof(TOPICS[0]) };

/* ---- what they do ------------------------------------------------------------------------- */

static bool is_ending(const struct crowd_member *member)
{
    return member->crowd->is_ending;
}

/* REQ: asks, waits for the answer, thinks for a moment. Its socket allows a new request where an
 * answer never came. */
static void act_client(struct crowd_member *member)
{
    char text[64];
    int on = 1;
    zmq_setsockopt(member->socket, ZMQ_REQ_RELAXED, &on, sizeof(on));
    zmq_setsockopt(member->socket, ZMQ_REQ_CORRELATE, &on, sizeof(on));
    for (unsigned long asked = 0; !is_ending(member); asked++) {
        int size = snprintf(text, sizeof(text), "client %d asks %lu", member->number, asked);
        if (zmq_send(member->socket, text, (size_t)size, 0) < 0 && zmq_errno() != EAGAIN)
            return;
        if (zmq_recv(member->socket, text, sizeof(text), 0) < 0 && zmq_errno() != EAGAIN)
            return;
        gmq_sleep(PACE_MS / 5);
    }
}

/* REP: answers with what it was asked. */
static void act_worker(struct crowd_member *member)
{
    char text[64];
    for (;;) {
        int size = zmq_recv(member->socket, text, sizeof(text), 0);
        if (size < 0 || zmq_send(member->socket, text, (size_t)size, 0) < 0)
            return;
    }
}

/* PUB: one message of two parts on each topic in turn. */
static void act_publisher(struct crowd_member *member)
{
    char text[64];
    for (unsigned long number = 0; !is_ending(member); number++) {
        const char *topic = TOPICS[number % TOPIC_COUNT];
        int size = snprintf(text, sizeof(text), "news %lu", number);
        if (zmq_send(member->socket, topic, strlen(topic), ZMQ_SNDMORE) < 0 ||
            zmq_send(member->socket, text, (size_t)size, 0) < 0)
            return;
        if (number % 20 == 19)
            gmq_sleep(PACE_MS);
    }
}

/* Takes what comes. */
static void act_listener(struct crowd_member *member)
{
    char text[64];
    while (zmq_recv(member->socket, text, sizeof(text), 0) >= 0)
        continue;
}

/* SUB: one topic each, the last of them two. Nobody wants gossip, so it is never even sent. */
static void act_subscriber(struct crowd_member *member)
{
    const char *topic = TOPICS[member->number % (TOPIC_COUNT - 1)];
    zmq_setsockopt(member->socket, ZMQ_SUBSCRIBE, topic, strlen(topic));
    if (member->number == TOPIC_COUNT - 2)
        zmq_setsockopt(member->socket, ZMQ_SUBSCRIBE, TOPICS[0], strlen(TOPICS[0]));
    act_listener(member);
}

/* PUSH: hands out tasks. */
static void act_producer(struct crowd_member *member)
{
    char task[100] = "a task";
    for (unsigned long number = 0; !is_ending(member); number++) {
        if (zmq_send(member->socket, task, sizeof(task), 0) < 0 && zmq_errno() != EAGAIN)
            return;
        if (number % 20 == 19)
            gmq_sleep(PACE_MS);
    }
}

static const struct crowd_role ROLES[] = {
    {"worker", GMQ_DEVICE_QUEUE, BACKEND, ZMQ_REP, 2, false, act_worker},
    {"client", GMQ_DEVICE_QUEUE, FRONTEND, ZMQ_REQ, 4, true, act_client},
    {"subscriber", GMQ_DEVICE_FORWARDER, BACKEND, ZMQ_SUB, 3, false, act_subscriber},
    {"publisher", GMQ_DEVICE_FORWARDER, FRONTEND, ZMQ_PUB, 1, true, act_publisher},
    {"consumer", GMQ_DEVICE_STREAMER, BACKEND, ZMQ_PULL, 3, false, act_listener},
    {"producer", GMQ_DEVICE_STREAMER, FRONTEND, ZMQ_PUSH, 1, true, act_producer},
};

enum { ROLE_COUNT = sizeof(ROLES) / sizeof(ROLES[0]) };

/* ---- bringing them together --------------------------------------------------------------- */

static void *live(void *arg)
{
    struct crowd_member *member = arg;
    member->role->act(member);
    return NULL;
}

static int open_socket(struct crowd_member *member, const char *endpoint)
{
    int patience_ms = PATIENCE_MS;
    member->socket = zmq_socket(member->crowd->context, member->role->socket_type);
    if (!member->socket)
        return zmq_errno();
    zmq_setsockopt(member->socket, ZMQ_LINGER, &patience_ms, sizeof(patience_ms));
    if (member->role->is_source) {
        zmq_setsockopt(member->socket, ZMQ_RCVTIMEO, &patience_ms, sizeof(patience_ms));
        zmq_setsockopt(member->socket, ZMQ_SNDTIMEO, &patience_ms, sizeof(patience_ms));
    }
    return zmq_connect(member->socket, endpoint) ? zmq_errno() : 0;
}

static int start_thread(struct crowd_member *member)
{
    char name[32];
    struct gmq_thread_options options = {.size = sizeof(options), .name = name};
    snprintf(name, sizeof(name), "%s %d", member->role->name, member->number);
    member->thread = gmq_spawn(live, member, &options);
    return member->thread < 0 ? errno : 0;
}

static int add_member(struct crowd *crowd, const struct crowd_role *role, int number,
                      const struct crowd_place *place)
{
    struct crowd_member *member = &crowd->members[crowd->count];
    *member = (struct crowd_member){.role = role, .crowd = crowd, .number = number};
    int error = open_socket(member, role->side == FRONTEND ? place->frontend : place->backend);
    if (!error)
        error = start_thread(member);
    if (!error)
        crowd->count++;
    else if (member->socket)
        zmq_close(member->socket);
    return error;
}

static int add_role(struct crowd *crowd, const struct crowd_role *role,
                    const struct crowd_place places[CROWD_DEVICES])
{
    for (int i = 0; i < CROWD_DEVICES; i++) {
        for (int j = 0; places[i].type == role->device && j < role->count; j++) {
            int error = add_member(crowd, role, j, &places[i]);
            if (error)
                return error;
        }
    }
    return 0;
}

int crowd_init(struct crowd *crowd, const struct crowd_place places[CROWD_DEVICES])
{
    *crowd = (struct crowd){.context = zmq_ctx_new()};
    if (!crowd->context)
        return zmq_errno();
    for (int i = 0; i < ROLE_COUNT; i++) {
        int error = add_role(crowd, &ROLES[i], places);
        if (error) {
            crowd_term(crowd);
            return error;
        }
    }
    return 0;
}

static void end_member(struct crowd_member *member)
{
    if (!member->socket)
        return;
    gmq_join(member->thread, NULL, -1);
    zmq_close(member->socket);
    member->socket = NULL;
}

void crowd_quiet(struct crowd *crowd)
{
    crowd->is_ending = true;
    for (int i = 0; i < crowd->count; i++) {
        if (crowd->members[i].role->is_source)
            end_member(&crowd->members[i]);
    }
}

void crowd_scatter(struct crowd *crowd)
{
    crowd->is_ending = true;
    zmq_ctx_shutdown(crowd->context);
}

void crowd_term(struct crowd *crowd)
{
    crowd_scatter(crowd);
    for (int i = 0; i < crowd->count; i++)
        end_member(&crowd->members[i]);
    zmq_ctx_term(crowd->context);
}
