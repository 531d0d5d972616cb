/* SPDX-License-Identifier: MIT */
/* greenmq queue, forwarder and streamer: one device between the endpoints of the command line.
 *
 * Happy path: the sockets are opened and attached, the device started, and gmq_device_wait() waits
 * for its end. Beside it green threads wait for signals and print the news. The first signal drains
 * the device, the second stops it; either way the wait ends, the account is printed and the exit
 * code is 0.
 *
 * Failure modes: words that make no sense end it with 2, an endpoint that cannot be had or any
 * other trouble with 1, each with one sentence. Called by main.c. */
#include "command.h"
#include "endpoint.h"
#include "news.h"
#include "output.h"
#include "args.h"
#include "report.h"
#include "signals.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

enum { FRONTEND, BACKEND, CAPTURE, SIDES };
enum { LAST_WORDS_MS = 1000 /* the account waits so long for somebody to read */ };
enum { BACKLOG = 4096 /* connections that wait to be accepted; the system may allow fewer */ };

struct side {
    const char *name;
    struct endpoints endpoints;
    void *socket; /* NULL: there is no such side */
};

struct broker {
    const struct command *command;
    struct args args;
    char name[32]; /* "greenmq queue": how each line on stdout begins */
    struct side sides[SIDES];
    void *context;
    struct gmq_device *device;
    struct signals signals;
};

/* ---- setting up --------------------------------------------------------------------------- */

/* Every connection takes a descriptor: take as many as are allowed. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* The type of a side's socket. A forwarder with a list of prefixes needs no subscriptions from
 * downstream, so it is made of the plain pair. */
static int socket_type(const struct broker *broker, int side)
{
    if (side == CAPTURE)
        return ZMQ_PUB;
    switch (broker->command->type) {
    case GMQ_DEVICE_QUEUE: return side == FRONTEND ? ZMQ_ROUTER : ZMQ_DEALER;
    case GMQ_DEVICE_STREAMER: return side == FRONTEND ? ZMQ_PULL : ZMQ_PUSH;
    default:
        if (broker->args.subscription_count)
            return side == FRONTEND ? ZMQ_SUB : ZMQ_PUB;
        return side == FRONTEND ? ZMQ_XSUB : ZMQ_XPUB;
    }
}

/* What the sides' sockets need besides their endpoints: room for a crowd that connects at once,
 * and the high-water marks. A capture keeps the default marks: it would only lose more. */
static int set_options(const struct broker *broker, int side)
{
    void *socket = broker->sides[side].socket;
    int backlog = BACKLOG, hwm = broker->args.hwm;
    if (zmq_setsockopt(socket, ZMQ_BACKLOG, &backlog, sizeof(backlog)))
        return -1;
    if (hwm < 0 || side == CAPTURE)
        return 0;
    return zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof(hwm)) ||
           zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof(hwm));
}

static int attach(struct side *side)
{
    for (size_t i = 0; i < side->endpoints.count; i++) {
        struct endpoint *endpoint = &side->endpoints.items[i];
        int error = endpoint_attach(endpoint, side->socket);
        if (!error)
            continue;
        command_fail("cannot %s %s: %s", endpoint->is_connect ? "connect to" : "bind",
                     endpoint->text, endpoint_reason(error));
        return endpoint_is_wrong(error) ? EXIT_USAGE : EXIT_FAILED;
    }
    return EXIT_FINE;
}

static int open_side(struct broker *broker, int number, const char *name, const char *list)
{
    struct side *side = &broker->sides[number];
    side->name = name;
    if (!list)
        return EXIT_FINE;
    int error = endpoints_init(&side->endpoints, list);
    if (error == EINVAL)
        return command_refuse(broker->command, "an endpoint is missing in '%s'", list);
    if (error)
        return command_fail("cannot open the %s: %s", name, zmq_strerror(error));
    side->socket = zmq_socket(broker->context, socket_type(broker, number));
    if (!side->socket || set_options(broker, number))
        return command_fail("cannot open the %s: %s", name, zmq_strerror(zmq_errno()));
    return attach(side);
}

static int open_sides(struct broker *broker)
{
    const struct args *args = &broker->args;
    broker->context = zmq_ctx_new();
    if (!broker->context)
        return command_fail("cannot start: %s", zmq_strerror(zmq_errno()));
    zmq_ctx_set(broker->context, ZMQ_IO_THREADS, args->io_threads);
    int rc = open_side(broker, FRONTEND, "frontend", args->frontend);
    if (rc == EXIT_FINE)
        rc = open_side(broker, BACKEND, "backend", args->backend);
    if (rc == EXIT_FINE)
        rc = open_side(broker, CAPTURE, "capture", args->capture);
    return rc;
}

/* ---- telling ------------------------------------------------------------------------------ */

static void announce(const struct broker *broker)
{
    if (broker->args.is_quiet)
        return;
    for (int i = 0; i < SIDES; i++) {
        const struct side *side = &broker->sides[i];
        for (size_t j = 0; j < side->endpoints.count; j++) {
            const struct endpoint *endpoint = &side->endpoints.items[j];
            printf("%s: %s %s %s\n", broker->name, side->name,
                   endpoint->is_connect ? "connected to" : "bound to", endpoint->actual);
        }
    }
    printf("%s: running; end with Ctrl-C\n", broker->name);
}

/* ---- running ------------------------------------------------------------------------------ */

static int make_device(struct broker *broker)
{
    const struct args *args = &broker->args;
    struct gmq_device_options wanted = {
        .size = sizeof(wanted),
        .type = broker->command->type,
        .capture = broker->sides[CAPTURE].socket,
        .subscriptions = args->subscription_count ? args->subscriptions : NULL,
        .subscription_count = args->subscription_count,
        .event_count = args->is_verbose ? NEWS_EVENTS : 0,
    };
    broker->device = gmq_device_new(broker->sides[FRONTEND].socket, broker->sides[BACKEND].socket,
                                    &wanted);
    if (!broker->device || gmq_device_start(broker->device))
        return command_fail("cannot start the %s: %s", broker->command->name,
                            zmq_strerror(zmq_errno()));
    return EXIT_FINE;
}

/* In a green thread; wait_for_end() ends once the device has stopped. */
static void on_signal(void *arg, int nth)
{
    struct broker *broker = arg;
    if (nth > 1) {
        gmq_device_stop(broker->device);
        return;
    }
    if (!broker->args.is_quiet && output_has_room(0))
        printf("%s: draining; a second signal stops at once\n", broker->name);
    while (gmq_device_drain(broker->device, broker->args.drain_ms) < 0 && errno == EINTR)
        continue;
}

static void *tell_news(void *news)
{
    while (gmq_sleep(news_wait_ms(news)) == 0)
        news_tell(news);
    return NULL;
}

/* Starts the thread that tells news, if there will be any. Returns it, 0, or -1. */
static int64_t start_news(struct news *news)
{
    struct gmq_thread_options options = {.size = sizeof(options), .name = "news"};
    return news_wait_ms(news) < 0 ? 0 : gmq_spawn(tell_news, news, &options);
}

static int wait_for_end(struct broker *broker)
{
    struct news news;
    news_init(&news, broker->name, broker->command->type, broker->device, &broker->args);
    int64_t teller = start_news(&news);
    if (teller < 0)
        return command_fail("cannot start: %s", zmq_strerror(errno));
    int error;
    do
        error = gmq_device_wait(broker->device, -1) ? errno : 0;
    while (error == EINTR);
    if (teller) {
        gmq_cancel(teller);
        gmq_join(teller, NULL, -1);
        news_tell(&news);
    }
    return error ? command_fail("the %s ended: %s", broker->command->name, zmq_strerror(error))
                 : EXIT_FINE;
}

static int serve(struct broker *broker)
{
    int error = signals_init(&broker->signals, on_signal, broker);
    if (error)
        return command_fail("cannot wait for signals: %s", zmq_strerror(error));
    announce(broker);
    int rc = wait_for_end(broker);
    signals_term(&broker->signals);
    struct gmq_account account = report_read(broker->device);
    if (!broker->args.is_quiet && output_has_room(LAST_WORDS_MS))
        report_account(broker->name, broker->command->type, &account);
    return rc;
}

static void close_broker(struct broker *broker)
{
    gmq_device_free(broker->device);
    int linger_ms = 0; /* the device has let out what it could */
    for (int i = 0; i < SIDES; i++) {
        struct side *side = &broker->sides[i];
        if (side->socket) {
            zmq_setsockopt(side->socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
            zmq_close(side->socket);
        }
        endpoints_term(&side->endpoints);
    }
    if (broker->context)
        zmq_ctx_term(broker->context);
    args_term(&broker->args);
}

int broker_run(const struct command *command, int argc, char **argv)
{
    struct broker broker = {.command = command};
    int rc = args_init(&broker.args, command, argc, argv);
    if (rc != ARGS_GO)
        return rc;
    snprintf(broker.name, sizeof(broker.name), "greenmq %s", command->name);
    signals_block();
    raise_descriptor_limit();
    rc = open_sides(&broker);
    if (rc == EXIT_FINE)
        rc = make_device(&broker);
    if (rc == EXIT_FINE)
        rc = serve(&broker);
    close_broker(&broker);
    return rc;
}
