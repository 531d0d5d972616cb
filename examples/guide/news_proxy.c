/* SPDX-License-Identifier: MIT */
/* The proxy between publishers and subscribers: subscriptions go up, news down. See README.md.
 *
 *     news_proxy [FRONTEND BACKEND]    binds both; Ctrl-C ends it
 *
 * zmq_proxy() does not return; in a green thread that is no matter. An ear of the program's own, a
 * PAIR socket given to it as capture, prints what passes. */
#include <greenmq/greenmq.h>

struct proxy {
    void *frontend, *backend, *capture;
};

static void *run(void *arg)
{
    struct proxy *self = arg;
    zmq_proxy(self->frontend, self->backend, self->capture);
    return NULL;
}

static void *print(void *ear)
{
    char text[64];
    int size;
    while ((size = zmq_recv(ear, text, sizeof(text), 0)) >= 0) {
        size = size < (int)sizeof(text) ? size : (int)sizeof(text);
        if (size && text[0] <= 1) /* from a subscriber */
            printf("%s: %.*s\n", text[0] ? "subscribed" : "unsubscribed", size - 1, text + 1);
        else
            printf("news: %.*s\n", size, text);
        fflush(stdout);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new(), *ear = zmq_socket(context, ZMQ_PAIR);
    struct proxy self = {zmq_socket(context, ZMQ_XSUB), zmq_socket(context, ZMQ_XPUB),
                         zmq_socket(context, ZMQ_PAIR)};
    if (zmq_bind(self.frontend, argc > 2 ? argv[1] : "tcp://127.0.0.1:5559") ||
        zmq_bind(self.backend, argc > 2 ? argv[2] : "tcp://127.0.0.1:5560") ||
        zmq_bind(self.capture, "inproc://ear") || zmq_connect(ear, "inproc://ear"))
        return perror("cannot bind"), 1;
    struct gmq_group *group = gmq_group_new(0);
    gmq_group_spawn(group, run, &self, NULL);
    gmq_group_spawn(group, print, ear, NULL);

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    gmq_wait_signal(&ends, -1);
    gmq_group_close(group);
    zmq_close(self.frontend);
    zmq_close(self.backend);
    zmq_close(self.capture);
    zmq_close(ear);
    return zmq_ctx_term(context);
}
