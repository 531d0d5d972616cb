/* SPDX-License-Identifier: MIT */
/* Hello world, the client: says "hello" ten times, and prints what it hears. See README.md.
 *
 *     hello_client [ENDPOINT]    connects */
#include <greenmq/greenmq.h>

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_REQ);
    if (zmq_connect(socket, argc > 1 ? argv[1] : "tcp://127.0.0.1:5555"))
        return perror("cannot connect"), 1;
    for (int i = 1; i <= 10; i++) {
        char text[32];
        zmq_send(socket, "hello", 5, 0);
        int size = zmq_recv(socket, text, sizeof(text), 0);
        printf("%d: hello %.*s\n", i, size > 0 ? size : 0, text);
    }
    zmq_close(socket);
    return zmq_ctx_term(context);
}
