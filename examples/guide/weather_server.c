/* SPDX-License-Identifier: MIT */
/* Weather updates, the publisher: reports of made-up places, a thousand a second. See README.md.
 *
 *     weather_server [ENDPOINT]    binds; Ctrl-C ends it */
#include <greenmq/greenmq.h>

#include <stdlib.h>

enum { PLACES = 100 };

static void *publish(void *socket)
{
    while (gmq_sleep(1) == 0) {
        char text[64];
        int place = rand() % PLACES;
        int size = snprintf(text, sizeof(text), "place-%02d %d %d", place, rand() % 50 - 10,
                            rand() % 101); /* degrees, and per cent of humidity */
        zmq_send(socket, text, (size_t)size, 0);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_PUB);
    if (zmq_bind(socket, argc > 1 ? argv[1] : "tcp://127.0.0.1:5556"))
        return perror("cannot bind"), 1;
    int64_t publisher = gmq_spawn(publish, socket, NULL);

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    gmq_wait_signal(&ends, -1);
    gmq_cancel(publisher);
    gmq_join(publisher, NULL, -1);
    zmq_close(socket);
    return zmq_ctx_term(context);
}
