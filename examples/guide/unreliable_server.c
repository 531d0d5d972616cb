/* SPDX-License-Identifier: MIT */
/* A server for lazy_pirate.c: it sends each request back, but loses every third one, as a server
 * would that fell over with it. See README.md.
 *
 *     unreliable_server [ENDPOINT]    binds; Ctrl-C ends it
 *
 * ROUTER, because a REP must answer one request before it receives the next. */
#include <greenmq/greenmq.h>

enum { ID_MAX = 255, TEXT_MAX = 1024 };

static size_t fit(int size, size_t room)
{
    return (size_t)size < room ? (size_t)size : room;
}

static void *serve(void *socket)
{
    char id[ID_MAX], none[1], text[TEXT_MAX];
    int count = 0, id_size, size;
    while ((id_size = zmq_recv(socket, id, sizeof(id), 0)) >= 0) {
        zmq_recv(socket, none, sizeof(none), 0);
        if ((size = zmq_recv(socket, text, sizeof(text), 0)) < 0)
            break;
        size_t length = fit(size, sizeof(text));
        int is_lost = ++count % 3 == 0;
        printf("%s: %.*s\n", is_lost ? "lost" : "answered", (int)length, text);
        fflush(stdout);
        if (is_lost)
            continue;
        zmq_send(socket, id, fit(id_size, sizeof(id)), ZMQ_SNDMORE);
        zmq_send(socket, "", 0, ZMQ_SNDMORE);
        zmq_send(socket, text, length, 0);
    }
    return NULL; /* ECANCELED */
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_ROUTER);
    if (zmq_bind(socket, argc > 1 ? argv[1] : "tcp://127.0.0.1:5555"))
        return perror("cannot bind"), 1;
    int64_t server = gmq_spawn(serve, socket, NULL);

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    gmq_wait_signal(&ends, -1);
    gmq_cancel(server);
    gmq_join(server, NULL, -1);
    zmq_close(socket);
    return zmq_ctx_term(context);
}
