/* SPDX-License-Identifier: MIT */
/* Divide and conquer, the ventilator: hands a hundred tasks to the workers, each to take from 1 to
 * 5 milliseconds. See README.md.
 *
 *     ventilator [TASKS SINK]    binds TASKS, connects to SINK; Enter begins */
#include <greenmq/greenmq.h>

#include <stdlib.h>

enum { TASKS = 100, LONGEST_MS = 5 };

int main(int argc, char **argv)
{
    int total_ms = 0;
    void *context = zmq_ctx_new();
    void *tasks = zmq_socket(context, ZMQ_PUSH), *sink = zmq_socket(context, ZMQ_PUSH);
    if (zmq_bind(tasks, argc > 2 ? argv[1] : "tcp://127.0.0.1:5557") ||
        zmq_connect(sink, argc > 2 ? argv[2] : "tcp://127.0.0.1:5558"))
        return perror("cannot bind or connect"), 1;

    puts("press Enter when the workers are there");
    fflush(stdout);
    gmq_wait_fd(0, ZMQ_POLLIN, -1); /* getchar() would do as well: there is no other thread here */

    char text[32];
    int size = snprintf(text, sizeof(text), "batch %d", TASKS);
    zmq_send(sink, text, (size_t)size, 0); /* how many results there will be */
    for (int i = 0; i < TASKS; i++) {
        int ms = 1 + rand() % LONGEST_MS;
        size = snprintf(text, sizeof(text), "%d", ms);
        zmq_send(tasks, text, (size_t)size, 0);
        total_ms += ms;
    }
    printf("handed out %d ms of work\n", total_ms);
    zmq_close(tasks);
    zmq_close(sink);
    return zmq_ctx_term(context); /* waits until all of it has been sent */
}
