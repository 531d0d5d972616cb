/* SPDX-License-Identifier: MIT */
/* Ten devices of all three kinds, and the two programs at the ends of each, over TCP: thirty green
 * threads, one ordinary thread. Build and run it with
 *
 *     cc examples/c/ten_devices.c -o ten -Iinclude -Lbuild/lib -Wl,-rpath,build/lib -lgreenmq
 *     ./ten
 *
 * zmq_device() does not return as long as the device runs. In a green thread that stops nobody
 * else. ZMQ_IO_THREADS 0 leaves out the thread with which a context looks after its connections
 * while the application is busy elsewhere: here somebody always waits in one of our calls, and who
 * waits does that work. The last line shows how many ordinary threads the process had. */
#include <greenmq/greenmq.h>

#include <stdlib.h>
#include <string.h>

enum { DEVICES = 10, MESSAGES = 100, TEXT = 64 };

/* What there is to know of each kind. */
static const struct kind {
    const char *name;
    int device, front, back, feeder, taker;
} kinds[] = {
    {"queue", ZMQ_QUEUE, ZMQ_ROUTER, ZMQ_DEALER, ZMQ_REQ, ZMQ_REP},
    {"forwarder", ZMQ_FORWARDER, ZMQ_XSUB, ZMQ_XPUB, ZMQ_PUB, ZMQ_SUB},
    {"streamer", ZMQ_STREAMER, ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH, ZMQ_PULL},
};

/* One device with its two ends. All is in one ordinary thread: no locks. */
struct line {
    const struct kind *kind;
    void *front, *back;
    char front_text[TEXT], back_text[TEXT]; /* the endpoints */
    int taken, answered;
};

static void *context;

static void must(int is_fine, const char *what)
{
    if (!is_fine) {
        fprintf(stderr, "cannot %s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static void *open_bound(int type, char *endpoint)
{
    size_t size = TEXT;
    void *socket = zmq_socket(context, type);
    must(socket && zmq_bind(socket, "tcp://127.0.0.1:*") == 0, "bind");
    must(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "ask where");
    return socket;
}

static void *open_connected(int type, const char *endpoint)
{
    void *socket = zmq_socket(context, type);
    if (type == ZMQ_SUB)
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    must(socket && zmq_connect(socket, endpoint) == 0, "connect");
    return socket;
}

/* A green thread: the device. It ends when it is cancelled. */
static void *run_device(void *arg)
{
    struct line *line = arg;
    zmq_device(line->kind->device, line->front, line->back);
    return NULL;
}

/* A green thread: a worker, a subscriber or a consumer. */
static void *take(void *arg)
{
    struct line *line = arg;
    void *socket = open_connected(line->kind->taker, line->back_text);
    char text[TEXT];
    while (line->taken < MESSAGES) {
        must(zmq_recv(socket, text, sizeof(text), 0) >= 0, "receive");
        if (line->kind->taker == ZMQ_REP)
            must(zmq_send(socket, "done", 4, 0) == 4, "reply");
        line->taken++;
    }
    zmq_close(socket);
    return NULL;
}

/* A green thread: a client, a publisher or a producer. A publisher's first messages may come before
 * the subscription and are lost then, so it goes on until its subscriber has enough. */
static void *feed(void *arg)
{
    struct line *line = arg;
    void *socket = open_connected(line->kind->feeder, line->front_text);
    int is_publisher = line->kind->feeder == ZMQ_PUB;
    char text[TEXT];
    for (int i = 0; is_publisher ? line->taken < MESSAGES : i < MESSAGES; i++) {
        must(zmq_send(socket, "message", 7, 0) == 7, "send");
        if (line->kind->feeder == ZMQ_REQ)
            line->answered += zmq_recv(socket, text, sizeof(text), 0) == 4;
        else if (is_publisher)
            gmq_sleep(1);
    }
    zmq_close(socket);
    return NULL;
}

static void print_os_threads(void)
{
    char text[128];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(text, sizeof(text), status)) {
        if (strncmp(text, "Threads:", 8) == 0)
            printf("ordinary threads: %d\n", atoi(text + 8));
    }
    if (status)
        fclose(status);
}

int main(void)
{
    struct line lines[DEVICES] = {{0}};
    context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_IO_THREADS, 0);

    struct gmq_group *devices = gmq_group_new(0), *ends = gmq_group_new(0);
    must(devices && ends, "make groups");
    for (int i = 0; i < DEVICES; i++) {
        struct line *line = &lines[i];
        line->kind = &kinds[i % 3];
        line->front = open_bound(line->kind->front, line->front_text);
        line->back = open_bound(line->kind->back, line->back_text);
        must(gmq_group_spawn(devices, run_device, line, NULL) >= 0 &&
                 gmq_group_spawn(ends, take, line, NULL) >= 0 &&
                 gmq_group_spawn(ends, feed, line, NULL) >= 0,
             "spawn");
    }
    must(gmq_group_wait(ends, -1) == 0, "wait");
    print_os_threads();

    gmq_group_close(ends);
    gmq_group_close(devices); /* cancels the ten, and waits until they have ended */
    for (int i = 0; i < DEVICES; i++) {
        printf("%d %s: %d taken, %d answered\n", i, lines[i].kind->name, lines[i].taken,
               lines[i].answered);
        zmq_close(lines[i].front);
        zmq_close(lines[i].back);
    }
    return zmq_ctx_term(context);
}
