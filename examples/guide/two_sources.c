/* SPDX-License-Identifier: MIT */
/* Several sockets at once: tasks of a ventilator and news of a weather server. See README.md.
 *
 *     two_sources poll|threads [TASKS NEWS]    connects to both; Ctrl-C ends it
 *
 * Two ways for the same: zmq_poll() over both, as one would with ordinary threads, or a green
 * thread for each, which leaves nothing to select. */
#include <greenmq/greenmq.h>

#include <string.h>

enum { SOURCES = 2 };

struct source {
    void *socket;
    const char *name;
};

static struct source sources[SOURCES];

/* Receives one message and prints it. 0, or -1. */
static int take(const struct source *source)
{
    char text[64];
    int size = zmq_recv(source->socket, text, sizeof(text), 0);
    if (size < 0)
        return -1;
    printf("%s: %.*s\n", source->name, size < (int)sizeof(text) ? size : (int)sizeof(text), text);
    fflush(stdout);
    return 0;
}

static void *take_from_both(void *arg)
{
    zmq_pollitem_t items[] = {{.socket = sources[0].socket, .events = ZMQ_POLLIN},
                              {.socket = sources[1].socket, .events = ZMQ_POLLIN}};
    while (zmq_poll(items, SOURCES, -1) >= 0) {
        for (int i = 0; i < SOURCES; i++) {
            if (items[i].revents)
                take(&sources[i]);
        }
    }
    return arg;
}

static void *take_from_one(void *source)
{
    while (take(source) == 0)
        continue;
    return NULL;
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new();
    sources[0] = (struct source){zmq_socket(context, ZMQ_PULL), "task"};
    sources[1] = (struct source){zmq_socket(context, ZMQ_SUB), "news"};
    zmq_setsockopt(sources[1].socket, ZMQ_SUBSCRIBE, "place-01 ", 9);
    if (zmq_connect(sources[0].socket, argc > 3 ? argv[2] : "tcp://127.0.0.1:5557") ||
        zmq_connect(sources[1].socket, argc > 3 ? argv[3] : "tcp://127.0.0.1:5556"))
        return perror("cannot connect"), 1;
    struct gmq_group *group = gmq_group_new(0);
    if (argc > 1 && strcmp(argv[1], "poll") == 0)
        gmq_group_spawn(group, take_from_both, NULL, NULL);
    for (int i = 0; i < SOURCES && argc > 1 && strcmp(argv[1], "threads") == 0; i++)
        gmq_group_spawn(group, take_from_one, &sources[i], NULL);

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    gmq_wait_signal(&ends, -1);
    gmq_group_close(group);
    for (int i = 0; i < SOURCES; i++)
        zmq_close(sources[i].socket);
    return zmq_ctx_term(context);
}
