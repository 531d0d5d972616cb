/* SPDX-License-Identifier: MIT */
/* Hello world, the server: answers each "hello" with "world". See README.md.
 *
 *     hello_server [ENDPOINT]    binds; Ctrl-C ends it */
#include <greenmq/greenmq.h>

#include <string.h>

static void *serve(void *socket)
{
    char text[32];
    int size, count = 0;
    while ((size = zmq_recv(socket, text, sizeof(text), 0)) >= 0) {
        gmq_sleep(1); /* here some work would be done */
        count += zmq_send(socket, "world", 5, 0) >= 0;
    }
    printf("answered %d\n", count); /* ECANCELED */
    return NULL;
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_REP);
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
