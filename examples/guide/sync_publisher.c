/* SPDX-License-Identifier: MIT */
/* Node coordination, the publisher: begins when so many subscribers listen. See README.md.
 *
 *     sync_publisher SUBSCRIBERS [NEWS READY]    binds both
 *
 * That somebody has connected does not say that his subscription has come. So one green thread says
 * "are you there" until the other has heard from as many as are expected that they heard it. */
#include <greenmq/greenmq.h>

#include <stdlib.h>

enum { UPDATES = 10000 };

static void *call(void *news)
{
    while (gmq_sleep(10) == 0)
        zmq_send(news, "are you there", 13, 0);
    return NULL;
}

int main(int argc, char **argv)
{
    int missing = argc > 1 ? atoi(argv[1]) : 2, no_limit = 0;
    void *context = zmq_ctx_new();
    void *news = zmq_socket(context, ZMQ_PUB), *ready = zmq_socket(context, ZMQ_REP);
    zmq_setsockopt(news, ZMQ_SNDHWM, &no_limit, sizeof(no_limit)); /* nobody shall miss any */
    if (zmq_bind(news, argc > 3 ? argv[2] : "tcp://127.0.0.1:5561") ||
        zmq_bind(ready, argc > 3 ? argv[3] : "tcp://127.0.0.1:5562"))
        return perror("cannot bind"), 1;

    int64_t caller = gmq_spawn(call, news, NULL);
    for (; missing > 0; missing--) {
        char text[8];
        zmq_recv(ready, text, sizeof(text), 0);
        zmq_send(ready, "", 0, 0);
    }
    gmq_cancel(caller);
    gmq_join(caller, NULL, -1);

    puts("all are there");
    for (int i = 0; i < UPDATES; i++)
        zmq_send(news, "update", 6, 0);
    zmq_send(news, "end", 3, 0);
    zmq_close(news);
    zmq_close(ready);
    return zmq_ctx_term(context);
}
