/* SPDX-License-Identifier: MIT */
/* Workers for load_balancer.c: each says READY once, and then its replies say that it is idle
 * again. The second takes twice as long as the first for a request, the third three times, and so
 * on: the quick ones get more to do. See README.md.
 *
 *     ready_worker [BACKEND [WORKERS]]    connects; Ctrl-C ends it */
#include <greenmq/greenmq.h>

#include <stdlib.h>

enum { ID_MAX = 255, TEXT_MAX = 1024, WORK_MS = 5 };

static void *context;
static const char *endpoint = "tcp://127.0.0.1:5560";

static void *serve(void *arg)
{
    int number = (int)(intptr_t)arg, count = 0, size;
    char client[ID_MAX], text[TEXT_MAX];
    void *socket = zmq_socket(context, ZMQ_REQ);
    zmq_connect(socket, endpoint);
    zmq_send(socket, "READY", 5, 0);
    while ((size = zmq_recv(socket, client, sizeof(client), 0)) >= 0) {
        zmq_recv(socket, text, sizeof(text), 0); /* the empty part */
        zmq_recv(socket, text, sizeof(text), 0); /* the request */
        if (gmq_sleep((int64_t)number * WORK_MS) < 0)
            break;
        zmq_send(socket, client, (size_t)size, ZMQ_SNDMORE);
        zmq_send(socket, "", 0, ZMQ_SNDMORE);
        count += zmq_send(socket, "world", 5, 0) >= 0;
    }
    printf("worker %d, %d ms each: answered %d\n", number, number * WORK_MS, count);
    zmq_close(socket);
    return NULL;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[2]) : 3;
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
