/* SPDX-License-Identifier: MIT */
/*
 * Sockets in libuv's loop, as programs written for libzmq have them there: uv_poll on ZMQ_FD, and
 * at each wake all that ZMQ_EVENTS tells of is done until nothing is left. In one thread and one
 * loop: a REP that answers two REQs, a PUSH that fills a PULL beyond the high-water mark, and a
 * subscriber. Says what has arrived.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>
#include <zmq.h>

enum { TRIPS = 300, MESSAGES = 5000, NEWS = 200, HWM = 10 };

struct station {
    uv_poll_t poll;
    void *socket;
    const char *name;
    int sent, received, wanted_out, wanted_in;
    void (*act)(struct station *station);
};

static void *context;
static int busy; /* stations that are not done */

static int events_of(void *socket)
{
    int events;
    size_t size = sizeof events;
    assert(zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0);
    return events;
}

static int is_done(const struct station *station)
{
    return station->sent == station->wanted_out && station->received == station->wanted_in;
}

/* Until nothing happens any more: also a call may have changed the events. */
static void go_on(struct station *station)
{
    int sent, received, was_done = is_done(station);
    do {
        sent = station->sent;
        received = station->received;
        station->act(station);
    } while (station->sent != sent || station->received != received);
    if (!was_done && is_done(station) && --busy == 0)
        uv_stop(station->poll.loop);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    assert(status == 0 && events == UV_READABLE);
    go_on(poll->data);
}

static void put(struct station *station, const char *text)
{
    if (events_of(station->socket) & ZMQ_POLLOUT && station->sent < station->wanted_out) {
        assert(zmq_send(station->socket, text, strlen(text), ZMQ_DONTWAIT) >= 0);
        station->sent++;
    }
}

static void take(struct station *station)
{
    char text[32];
    if (events_of(station->socket) & ZMQ_POLLIN) {
        assert(zmq_recv(station->socket, text, sizeof text, ZMQ_DONTWAIT) >= 0);
        station->received++;
    }
}

static void ask(struct station *station)
{
    put(station, "question");
    take(station);
}

static void answer(struct station *station)
{
    take(station);
    if (station->received > station->sent)
        put(station, "answer");
}

static void fill(struct station *station)
{
    put(station, "message");
}

static void *open_socket(int type)
{
    int hwm = HWM;
    void *socket = zmq_socket(context, type);
    assert(socket);
    if (type == ZMQ_PUSH || type == ZMQ_PULL) {
        zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
        zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    }
    if (type == ZMQ_SUB)
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "n", 1);
    return socket;
}

static void open_station(uv_loop_t *loop, struct station *station)
{
    int fd;
    size_t size = sizeof fd;
    assert(zmq_getsockopt(station->socket, ZMQ_FD, &fd, &size) == 0);
    station->poll.data = station;
    assert(uv_poll_init(loop, &station->poll, fd) == 0);
    assert(uv_poll_start(&station->poll, UV_READABLE, on_poll) == 0);
    busy++;
}

static void on_overdue(uv_timer_t *timer)
{
    (void)timer;
    puts("overdue");
    exit(1);
}

int main(int argc, char **argv)
{
    static struct station stations[] = {
        {.name = "rep", .act = answer, .wanted_out = 2 * TRIPS, .wanted_in = 2 * TRIPS},
        {.name = "req", .act = ask, .wanted_out = TRIPS, .wanted_in = TRIPS},
        {.name = "req", .act = ask, .wanted_out = TRIPS, .wanted_in = TRIPS},
        {.name = "push", .act = fill, .wanted_out = MESSAGES},
        {.name = "pull", .act = take, .wanted_in = MESSAGES},
        {.name = "xpub", .act = take, .wanted_in = 1},
        {.name = "sub", .act = take, .wanted_in = NEWS},
    };
    static const int types[] = {ZMQ_REP, ZMQ_REQ, ZMQ_REQ, ZMQ_PUSH, ZMQ_PULL, ZMQ_XPUB, ZMQ_SUB};
    enum { STATIONS = sizeof stations / sizeof *stations };
    uv_loop_t loop;
    uv_timer_t overdue;
    char endpoint[256];
    const char *bind_to = argc > 1 ? argv[1] : "tcp://127.0.0.1:*";
    context = zmq_ctx_new();
    uv_loop_init(&loop);
    uv_timer_init(&loop, &overdue);
    uv_timer_start(&overdue, on_overdue, 30000, 0);
    for (int i = 0; i < STATIONS; i++) {
        size_t size = sizeof endpoint;
        stations[i].socket = open_socket(types[i]);
        if (types[i] == ZMQ_REP || types[i] == ZMQ_PUSH || types[i] == ZMQ_XPUB) {
            assert(zmq_bind(stations[i].socket, bind_to) == 0);
            zmq_getsockopt(stations[i].socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
        } else {
            assert(zmq_connect(stations[i].socket, endpoint) == 0);
        }
        open_station(&loop, &stations[i]);
    }
    for (int i = 0; i < STATIONS; i++)
        go_on(&stations[i]); /* what is there already */
    struct station *xpub = &stations[5], *sub = &stations[6];
    while (!xpub->received)
        uv_run(&loop, UV_RUN_ONCE);
    for (int i = 0; i < 2 * NEWS; i++)
        assert(zmq_send(xpub->socket, i % 2 ? "news" : "rest", 4, 0) == 4);
    go_on(sub);
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int i = 0; i < STATIONS; i++) {
        struct station *station = &stations[i];
        printf("%s sent %d, received %d\n", station->name, station->sent, station->received);
        uv_poll_stop(&station->poll);
        uv_close((uv_handle_t *)&station->poll, NULL);
        assert(zmq_close(station->socket) == 0);
    }
    uv_timer_stop(&overdue);
    uv_close((uv_handle_t *)&overdue, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert(uv_loop_close(&loop) == 0);
    assert(zmq_ctx_term(context) == 0);
    puts("end");
    return 0;
}
