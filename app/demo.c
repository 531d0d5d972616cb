/* SPDX-License-Identifier: MIT */
/* greenmq demo: the three devices in one context, and a crowd around them in another, over TCP.
 *
 * Happy path: the devices are bound to free ports of 127.0.0.1, the crowd connects, and the table
 * is drawn now and then. All are green threads of the one ordinary thread, but for the crowd's I/O.
 * At the first signal, or when the time is over, the sources fall silent, the devices drain, and
 * their accounts are printed. A second signal stops everything at once.
 *
 * Failure modes: what cannot be bound or started is a sentence and exit code 1, and so are books
 * that do not balance. Called by main.c. */
#include "clock.h"
#include "command.h"
#include "crowd.h"
#include "args.h"
#include "report.h"
#include "screen.h"
#include "signals.h"

#include <errno.h>
#include <stdio.h>

enum { TICK_MS = 200, DRAIN_MS = 2000 };

struct demo_device {
    enum gmq_device_type type;
    const char *name;
    int socket_types[2];  /* frontend, backend */
    const char *forward;  /* what passes from frontend to backend */
    const char *backward; /* NULL: nothing worth a line */
};

static const struct demo_device DEVICES[CROWD_DEVICES] = {
    {GMQ_DEVICE_QUEUE, "queue", {ZMQ_ROUTER, ZMQ_DEALER}, "requests", "replies"},
    {GMQ_DEVICE_FORWARDER, "forwarder", {ZMQ_XSUB, ZMQ_XPUB}, "news", NULL},
    {GMQ_DEVICE_STREAMER, "streamer", {ZMQ_PULL, ZMQ_PUSH}, "tasks", NULL},
};

struct demo {
    void *context;
    void *sockets[CROWD_DEVICES][2];
    struct gmq_device *devices[CROWD_DEVICES];
    struct crowd_place places[CROWD_DEVICES];
    struct crowd crowd;
    struct signals signals;
    bool is_ending;
};

static int open_socket(struct demo *demo, int device, int side)
{
    char *endpoint = side ? demo->places[device].backend : demo->places[device].frontend;
    size_t size = sizeof(demo->places[device].backend);
    void *socket = zmq_socket(demo->context, DEVICES[device].socket_types[side]);
    demo->sockets[device][side] = socket;
    if (!socket || zmq_bind(socket, "tcp://127.0.0.1:*") ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size))
        return command_fail("cannot bind tcp://127.0.0.1:*: %s", zmq_strerror(zmq_errno()));
    printf("greenmq demo: %s %s bound to %s\n", DEVICES[device].name, side ? "backend" : "frontend",
           endpoint);
    return EXIT_FINE;
}

static int start_device(struct demo *demo, int device)
{
    struct gmq_device_options options = {.size = sizeof(options), .type = DEVICES[device].type};
    int rc = open_socket(demo, device, 0);
    if (rc == EXIT_FINE)
        rc = open_socket(demo, device, 1);
    if (rc != EXIT_FINE)
        return rc;
    demo->places[device].type = DEVICES[device].type;
    demo->devices[device] = gmq_device_new(demo->sockets[device][0], demo->sockets[device][1],
                                           &options);
    if (!demo->devices[device] || gmq_device_start(demo->devices[device]))
        return command_fail("cannot start the %s: %s", DEVICES[device].name,
                            zmq_strerror(zmq_errno()));
    return EXIT_FINE;
}

static int start_devices(struct demo *demo)
{
    demo->context = zmq_ctx_new();
    if (!demo->context)
        return command_fail("cannot start: %s", zmq_strerror(zmq_errno()));
    for (int i = 0; i < CROWD_DEVICES; i++) {
        int rc = start_device(demo, i);
        if (rc != EXIT_FINE)
            return rc;
    }
    return EXIT_FINE;
}

/* In a green thread. */
static void on_signal(void *arg, int nth)
{
    struct demo *demo = arg;
    demo->is_ending = true;
    if (nth == 1)
        return;
    crowd_scatter(&demo->crowd);
    for (int i = 0; i < CROWD_DEVICES; i++)
        gmq_device_stop(demo->devices[i]);
}

/* Shows what passes until a signal comes or the time is over. */
static int show(struct demo *demo, long for_ms)
{
    struct screen screen;
    screen_init(&screen);
    for (int i = 0; i < CROWD_DEVICES; i++) {
        screen_add(&screen, DEVICES[i].name, DEVICES[i].forward, false, demo->devices[i]);
        if (DEVICES[i].backward)
            screen_add(&screen, DEVICES[i].name, DEVICES[i].backward, true, demo->devices[i]);
    }
    long long end_ms = clock_ms() + for_ms;
    while (!demo->is_ending && (for_ms == 0 || clock_ms() < end_ms)) {
        long wait_ms = screen_update(&screen);
        if (wait_ms > TICK_MS)
            wait_ms = TICK_MS;
        if (gmq_device_wait(demo->devices[0], wait_ms) && errno != EAGAIN && errno != EINTR)
            return command_fail("the demo ended: %s", zmq_strerror(zmq_errno()));
    }
    return EXIT_FINE;
}

/* The sources first, then the devices, so that what was sent arrives. */
static void drain(struct demo *demo)
{
    crowd_quiet(&demo->crowd);
    for (int i = 0; i < CROWD_DEVICES; i++) {
        while (gmq_device_drain(demo->devices[i], DRAIN_MS) < 0 && errno == EINTR)
            continue;
    }
}

static int account_for(struct demo *demo)
{
    int rc = EXIT_FINE;
    for (int i = 0; i < CROWD_DEVICES; i++) {
        char name[32];
        struct gmq_account account = report_read(demo->devices[i]);
        snprintf(name, sizeof(name), "greenmq demo: %s", DEVICES[i].name);
        putchar('\n');
        report_account(name, DEVICES[i].type, &account);
        if (!report_balances(&account))
            rc = command_fail("the books of the %s do not balance", DEVICES[i].name);
    }
    return rc;
}

static int run(struct demo *demo, long for_ms)
{
    int error = crowd_init(&demo->crowd, demo->places);
    if (error)
        return command_fail("cannot gather the crowd: %s", zmq_strerror(error));
    error = signals_init(&demo->signals, on_signal, demo);
    if (error) {
        crowd_term(&demo->crowd);
        return command_fail("cannot wait for signals: %s", zmq_strerror(error));
    }
    puts("greenmq demo: running; end with Ctrl-C");
    int rc = show(demo, for_ms);
    drain(demo);
    signals_term(&demo->signals);
    crowd_term(&demo->crowd);
    return rc == EXIT_FINE ? account_for(demo) : rc;
}

static void close_demo(struct demo *demo)
{
    int linger_ms = 0;
    for (int i = 0; i < CROWD_DEVICES; i++) {
        gmq_device_free(demo->devices[i]);
        for (int side = 0; side < 2; side++) {
            void *socket = demo->sockets[i][side];
            if (!socket)
                continue;
            zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
            zmq_close(socket);
        }
    }
    if (demo->context)
        zmq_ctx_term(demo->context);
}

int demo_run(const struct command *command, int argc, char **argv)
{
    struct args args;
    struct demo demo = {0};
    int rc = args_init(&args, command, argc, argv);
    if (rc != ARGS_GO)
        return rc;
    signals_block();
    rc = start_devices(&demo);
    if (rc == EXIT_FINE)
        rc = run(&demo, args.for_ms);
    close_demo(&demo);
    args_term(&args);
    return rc;
}
