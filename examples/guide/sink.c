/* SPDX-License-Identifier: MIT */
/* Divide and conquer, the sink: collects the results of one batch. See README.md.
 *
 *     sink [SINK]    binds; ends with the batch
 *
 * How many there will be, the ventilator says. That comes by another connection than the results,
 * so it may come after some of them. */
#include <greenmq/greenmq.h>

#include <stdlib.h>

int main(int argc, char **argv)
{
    int expected = -1, results = 0, work_ms = 0, size;
    int64_t start_ms = 0;
    char text[32];
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_PULL);
    if (zmq_bind(socket, argc > 1 ? argv[1] : "tcp://127.0.0.1:5558"))
        return perror("cannot bind"), 1;

    while (results != expected && (size = zmq_recv(socket, text, sizeof(text) - 1, 0)) >= 0) {
        start_ms = start_ms ? start_ms : gmq_now();
        text[size] = '\0';
        if (sscanf(text, "batch %d", &expected) == 1)
            continue;
        work_ms += atoi(text);
        results++;
    }
    printf("%d results, %d ms of work\n", results, work_ms);
    printf("it took %d ms\n", (int)(gmq_now() - start_ms));
    zmq_close(socket);
    return zmq_ctx_term(context);
}
