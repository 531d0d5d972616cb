/* SPDX-License-Identifier: MIT */
/* Node coordination, a subscriber: says that it listens, and counts what it then hears. See
 * README.md.
 *
 *     sync_subscriber [NEWS READY]    connects to both */
#include <greenmq/greenmq.h>

#include <string.h>

enum { TEXT = 16 };

/* The next message as text. */
static const char *receive(void *socket, char *text)
{
    int size = zmq_recv(socket, text, TEXT - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

int main(int argc, char **argv)
{
    char text[TEXT];
    int updates = 0, no_limit = 0;
    void *context = zmq_ctx_new();
    void *news = zmq_socket(context, ZMQ_SUB), *ready = zmq_socket(context, ZMQ_REQ);
    zmq_setsockopt(news, ZMQ_RCVHWM, &no_limit, sizeof(no_limit));
    zmq_setsockopt(news, ZMQ_SUBSCRIBE, "", 0);
    if (zmq_connect(news, argc > 2 ? argv[1] : "tcp://127.0.0.1:5561") ||
        zmq_connect(ready, argc > 2 ? argv[2] : "tcp://127.0.0.1:5562"))
        return perror("cannot connect"), 1;

    receive(news, text); /* the publisher calls: so the subscription has come */
    zmq_send(ready, "yes", 3, 0);
    receive(ready, text);
    while (strcmp(receive(news, text), "end") != 0)
        updates += strcmp(text, "update") == 0;
    printf("heard %d updates\n", updates);
    zmq_close(news);
    zmq_close(ready);
    return zmq_ctx_term(context);
}
