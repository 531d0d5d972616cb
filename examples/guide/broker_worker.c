/* SPDX-License-Identifier: MIT */
/* A worker for broker.c: as hello_server.c, but it connects. Each of its green threads is a worker
 * to the broker, which gives them requests in turn. See README.md.
 *
 *     broker_worker [BACKEND [WORKERS]]    Ctrl-C ends it */
#include <greenmq/greenmq.h>

#include <stdlib.h>

static void *context;
static const char *endpoint = "tcp://127.0.0.1:5560";

static void *serve(void *arg)
{
    int number = (int)(intptr_t)arg, count = 0;
    char text[32];
    void *socket = zmq_socket(context, ZMQ_REP);
    zmq_connect(socket, endpoint);
    while (zmq_recv(socket, text, sizeof(text), 0) >= 0) {
        gmq_sleep(1);
        count += zmq_send(socket, "world", 5, 0) >= 0;
    }
    printf("worker %d answered %d\n", number, count);
    zmq_close(socket);
    return NULL;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[2]) : 1;
    if (argc > 1)
        endpoint = argv[1];
    context = zmq_ctx_new();
    struct gmq_group *workers = gmq_group_new(0);
    for (int i = 1; i <= count; i++)
        gmq_group_spawn(workers, serve, (void *)(intptr_t)i, NULL);

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    gmq_wait_signal(&ends, -1);
    gmq_group_close(workers);
    return zmq_ctx_term(context);
}
