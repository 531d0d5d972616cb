/* SPDX-License-Identifier: MIT */
/* The multithreaded service, its threads green: many workers behind one endpoint. See README.md.
 *
 *     service [ENDPOINT [WORKERS]]    binds; Ctrl-C ends it
 *
 *     clients ──> ROUTER [device] DEALER ──inproc──> REP worker, as often as WORKERS says
 *
 * A worker is a loop of receive, work, send; with a thousand of them the process still has one
 * ordinary thread, as ZMQ_IO_THREADS is 0. */
#include <greenmq/greenmq.h>

#include <stdlib.h>

static void *context;

static void *work(void *arg)
{
    char text[32];
    void *socket = zmq_socket(context, ZMQ_REP);
    zmq_connect(socket, "inproc://workers");
    while (zmq_recv(socket, text, sizeof(text), 0) >= 0) {
        gmq_sleep(10); /* the others work meanwhile */
        int size = snprintf(text, sizeof(text), "world of %d", (int)(intptr_t)arg);
        zmq_send(socket, text, (size_t)size, 0);
    }
    zmq_close(socket);
    return NULL;
}

struct ends {
    void *clients, *workers;
};

static void *pass(void *arg)
{
    struct ends *ends = arg;
    zmq_proxy(ends->clients, ends->workers, NULL);
    return NULL;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[2]) : 5;
    context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_IO_THREADS, 0);
    struct ends sockets = {zmq_socket(context, ZMQ_ROUTER), zmq_socket(context, ZMQ_DEALER)};
    if (zmq_bind(sockets.clients, argc > 1 ? argv[1] : "tcp://127.0.0.1:5555") ||
        zmq_bind(sockets.workers, "inproc://workers"))
        return perror("cannot bind"), 1;
    struct gmq_group *group = gmq_group_new(0);
    gmq_group_spawn(group, pass, &sockets, NULL);
    for (int i = 1; i <= count; i++)
        gmq_group_spawn(group, work, (void *)(intptr_t)i, NULL);

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    gmq_wait_signal(&ends, -1);
    gmq_group_close(group);
    zmq_close(sockets.clients);
    zmq_close(sockets.workers);
    return zmq_ctx_term(context);
}
