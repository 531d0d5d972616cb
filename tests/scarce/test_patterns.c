/* SPDX-License-Identifier: MIT */
/* Scarcity in each pattern that answers, publishes or routes, and in what goes with them. */
#include "scarce/scarce.h"

#include <stdlib.h>

static void request_reply(void)
{
    scene_begin();
    void *client = open_socket(ZMQ_REQ), *server = open_socket(ZMQ_REP);
    set_option(client, ZMQ_REQ_RELAXED, 1);
    set_option(client, ZMQ_REQ_CORRELATE, 1);
    const char *bound = bind_to(server, "tcp://127.0.0.1:*");
    must(zmq_connect(client, bound));
    ask(client, server);
    zmq_close(client);
    zmq_close(server);
    scene_end();
}

/* The ids of clients are in the server's map; one of them has a name of its own. */
static void routed(void)
{
    scene_begin();
    void *server = open_socket(ZMQ_ROUTER), *clients[2];
    const char *endpoint = bind_to(server, "tcp://127.0.0.1:*");
    for (int i = 0; i < 2; i++) {
        clients[i] = open_socket(ZMQ_DEALER);
        if (i)
            must(zmq_setsockopt(clients[i], ZMQ_ROUTING_ID, "a rather long name", 18));
        must(zmq_connect(clients[i], endpoint));
    }
    for (int i = 0; i < 20; i++)
        ask_routed(clients[i % 2], server);
    zmq_close(clients[0]);
    zmq_close(clients[1]);
    zmq_close(server);
    scene_end();
}

/* What a burst to several was let through for arrives, each to its own in order. */
static void burst(void)
{
    enum { MESSAGES = 400 };
    scene_begin();
    void *server = open_socket(ZMQ_ROUTER), *clients[2];
    const char *endpoint = bind_to(server, "inproc://burst");
    for (int i = 0; i < 2; i++) {
        clients[i] = open_socket(ZMQ_DEALER);
        must(zmq_setsockopt(clients[i], ZMQ_ROUTING_ID, i ? "b" : "a", 1));
        must(zmq_connect(clients[i], endpoint));
    }
    for (int i = 0; i < MESSAGES; i++) {
        must(zmq_send(server, i % 2 ? "b" : "a", 1, ZMQ_SNDMORE));
        must(zmq_send(server, &i, sizeof i, 0));
    }
    for (int i = 0; i < MESSAGES; i++) {
        int number = -1;
        must(zmq_recv(clients[i % 2], &number, sizeof number, 0));
        if (number != i)
            scarce_problem("message %d came instead of %d", number, i);
    }
    zmq_close(clients[0]);
    zmq_close(clients[1]);
    zmq_close(server);
    scene_end();
}

/* A connection that is made anew is told each subscription, so all are there in the end. */
static void published(void)
{
    enum { TOPICS = 12 };
    char topic[16];
    scene_begin();
    void *publisher = open_socket(ZMQ_XPUB), *subscriber = open_socket(ZMQ_SUB);
    void *other = open_socket(ZMQ_SUB);
    const char *endpoint = bind_to(publisher, "tcp://127.0.0.1:*");
    for (int i = 0; i < TOPICS; i++) {
        snprintf(topic, sizeof topic, "topic%c", 'a' + i);
        must(zmq_setsockopt(subscriber, ZMQ_SUBSCRIBE, topic, 6));
    }
    must(zmq_setsockopt(other, ZMQ_SUBSCRIBE, "", 0));
    must(zmq_connect(subscriber, endpoint));
    must(zmq_connect(other, endpoint));
    for (int i = 0; i < TOPICS; i++) {
        snprintf(topic, sizeof topic, "topic%c", 'a' + i);
        await_published(publisher, subscriber, topic);
        await_published(publisher, other, topic);
    }
    for (int i = 0; i < TOPICS; i++) {
        snprintf(topic, sizeof topic, "topic%c", 'a' + i);
        must(zmq_setsockopt(subscriber, ZMQ_UNSUBSCRIBE, topic, 6));
    }
    zmq_close(subscriber);
    zmq_close(other);
    zmq_close(publisher);
    scene_end();
}

/* Bare octets, to ourselves: what comes back is what was sent. */
static void streamed(void)
{
    scene_begin();
    void *server = open_socket(ZMQ_STREAM), *client = open_socket(ZMQ_STREAM);
    const char *endpoint = bind_to(server, "tcp://127.0.0.1:*");
    await_octets(client, server, endpoint);
    zmq_close(client);
    zmq_close(server);
    scene_end();
}

/* A name that is looked up, descriptors, properties, lists of polls, and the ends of endpoints. */
static void endpoints(void)
{
    struct cuts cuts = {0};
    char name[64];
    scene_begin();
    void *left = open_socket(ZMQ_DEALER), *right = open_socket(ZMQ_DEALER);
    cuts_watch(&cuts, left, "inproc://cuts");
    const char *endpoint = bind_to(right, "tcp://127.0.0.1:*");
    snprintf(name, sizeof name, "tcp://localhost:%s", strrchr(endpoint, ':') + 1);
    must(zmq_connect(left, name));
    int fd;
    size_t size = sizeof fd;
    must(zmq_getsockopt(right, ZMQ_FD, &fd, &size));
    for (int i = 0; i < 3; i++) {
        carry(left, right);
        zmq_pollitem_t items[] = {{left, 0, ZMQ_POLLOUT, 0}, {NULL, fd, ZMQ_POLLIN, 0}};
        must(zmq_poll(items, 2, 0));
    }
    must(zmq_disconnect(left, name));
    must(zmq_connect(left, endpoint));
    carry(left, right);
    must(zmq_unbind(right, endpoint));
    zmq_close(cuts.monitor);
    zmq_close(left);
    zmq_close(right);
    scene_end();
}

int main(void)
{
    const struct scene scenes[] = {
        {"request_reply", request_reply}, {"routed", routed},     {"burst", burst},
        {"published", published},         {"streamed", streamed}, {"endpoints", endpoints}};
    return scarce_main(scenes, sizeof scenes / sizeof *scenes);
}
