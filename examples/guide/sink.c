/* SPDX-License-Identifier: MIT */
/* Divide and conquer, the sink: collects the results of one batch. See README.md.
 *
 *     sink [SINK]    binds; ends with the batch */
#include <greenmq/greenmq.h>

#include <stdlib.h>

/* The next message as a number. */
static int receive(void *socket)
{
    char text[16];
    int size = zmq_recv(socket, text, sizeof(text) - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    return atoi(text);
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_PULL);
    if (zmq_bind(socket, argc > 1 ? argv[1] : "tcp://127.0.0.1:5558"))
        return perror("cannot bind"), 1;
    int count = receive(socket), work_ms = 0;
    int64_t start_ms = gmq_now();
    for (int i = 0; i < count; i++)
        work_ms += receive(socket);
    printf("%d results, %d ms of work\n", count, work_ms);
    printf("it took %d ms\n", (int)(gmq_now() - start_ms));
    zmq_close(socket);
    return zmq_ctx_term(context);
}
