/* SPDX-License-Identifier: MIT */
/* Scarcity in devices: of the three kinds, with a capture, in lock step, and between ROUTERs. What
 * they lose they have counted, or a connection was cut; their books balance; they serve on. */
#include "scarce/scarce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "behaviour/books.h"

struct stage {
    struct gmq_device *device;
    void *front, *back, *capture, *watcher; /* of the device, and who watches */
    void *client, *server;                  /* at its ends */
};

static void begin(struct stage *stage, int front, int back, int client, int server)
{
    scene_begin();
    stage->front = open_socket(front);
    stage->back = open_socket(back);
    stage->client = open_socket(client);
    stage->server = open_socket(server);
    if (client == ZMQ_REQ) {
        set_option(stage->client, ZMQ_REQ_RELAXED, 1);
        set_option(stage->client, ZMQ_REQ_CORRELATE, 1);
    }
    if (server == ZMQ_SUB)
        must(zmq_setsockopt(stage->server, ZMQ_SUBSCRIBE, "", 0));
    if (front == ZMQ_ROUTER && back == ZMQ_ROUTER) {
        must(zmq_setsockopt(stage->client, ZMQ_ROUTING_ID, "same", 4));
        must(zmq_setsockopt(stage->server, ZMQ_ROUTING_ID, "same", 4));
    }
    const char *in = bind_to(stage->front, "tcp://127.0.0.1:*");
    const char *out = bind_to(stage->back, "tcp://127.0.0.1:*");
    must(zmq_connect(stage->client, in));
    must(zmq_connect(stage->server, out));
}

static void start(struct stage *stage, enum gmq_device_type type)
{
    struct gmq_device_options options = {
        .size = sizeof options, .type = type, .capture = stage->capture, .event_count = 8};
    stage->device = must_have(gmq_device_new(stage->front, stage->back, &options));
    must(gmq_device_start(stage->device));
}

static struct gmq_account read_books(const struct stage *stage)
{
    struct gmq_account books = {.size = sizeof books};
    must(gmq_device_account(stage->device, &books));
    const char *wrong = books_error(&books);
    if (wrong)
        scarce_problem("the books are wrong: %s", wrong);
    return books;
}

static void end(struct stage *stage)
{
    read_books(stage);
    must(gmq_device_stop(stage->device));
    read_books(stage);
    gmq_device_free(stage->device);
    zmq_close(stage->client);
    zmq_close(stage->server);
    zmq_close(stage->front);
    zmq_close(stage->back);
    if (stage->capture)
        zmq_close(stage->capture);
    if (stage->watcher)
        zmq_close(stage->watcher);
    scene_end();
}

/* Messages that are gone must be in the books, or their connection. */
static void expect_accounted(const struct stage *stage, int lost)
{
    struct gmq_account books = read_books(stage);
    uint64_t dropped = 0;
    for (int i = 0; i < GMQ_DROP_REASONS; i++)
        dropped += books.forward.dropped[i].messages;
    uint64_t cut = sum_left(books.frontend_left) + sum_left(books.backend_left) +
                   books.frontend_refused + books.backend_refused;
    if (lost && dropped < (uint64_t)lost && !cut)
        scarce_problem("%d were lost, %d are counted", lost, (int)dropped);
}

static void queue(void)
{
    struct stage stage = {0};
    begin(&stage, ZMQ_ROUTER, ZMQ_DEALER, ZMQ_REQ, ZMQ_REP);
    start(&stage, GMQ_DEVICE_QUEUE);
    ask(stage.client, stage.server);
    end(&stage);
}

static void lock_step(void)
{
    struct stage stage = {0};
    begin(&stage, ZMQ_REP, ZMQ_REQ, ZMQ_REQ, ZMQ_REP);
    start(&stage, GMQ_DEVICE_ANY);
    ask(stage.client, stage.server);
    end(&stage);
}

static void streamer(void)
{
    struct stage stage = {0};
    begin(&stage, ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH, ZMQ_PULL);
    stage.capture = open_socket(ZMQ_PUSH);
    stage.watcher = open_socket(ZMQ_PULL);
    const char *bound = bind_to(stage.capture, "inproc://capture");
    must(zmq_connect(stage.watcher, bound));
    start(&stage, GMQ_DEVICE_STREAMER);
    expect_accounted(&stage, carry(stage.client, stage.server));
    end(&stage);
}

static void forwarder(void)
{
    struct stage stage = {0};
    begin(&stage, ZMQ_XSUB, ZMQ_XPUB, ZMQ_PUB, ZMQ_SUB);
    start(&stage, GMQ_DEVICE_FORWARDER);
    await_published(stage.client, stage.server, "begin");
    expect_accounted(&stage, carry(stage.client, stage.server));
    end(&stage);
}

/* The id that the client has given itself is the one of the server, too. */
static void routers(void)
{
    struct stage stage = {0};
    begin(&stage, ZMQ_ROUTER, ZMQ_ROUTER, ZMQ_DEALER, ZMQ_DEALER);
    start(&stage, GMQ_DEVICE_ANY);
    expect_accounted(&stage, carry(stage.client, stage.server));
    end(&stage);
}

int main(void)
{
    const struct scene scenes[] = {{"queue", queue},
                                   {"lock_step", lock_step},
                                   {"streamer", streamer},
                                   {"forwarder", forwarder},
                                   {"routers", routers}};
    return scarce_main(scenes, sizeof scenes / sizeof *scenes);
}
