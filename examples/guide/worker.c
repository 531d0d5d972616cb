/* SPDX-License-Identifier: MIT */
/* Divide and conquer, a worker: does the tasks it is handed, and tells the sink. See README.md.
 *
 *     worker [TASKS SINK]    connects to both; Ctrl-C ends it */
#include <greenmq/greenmq.h>

#include <stdlib.h>

struct worker {
    void *tasks, *sink;
    int done;
};

static void *work(void *arg)
{
    struct worker *self = arg;
    char text[16];
    int size;
    while ((size = zmq_recv(self->tasks, text, sizeof(text) - 1, 0)) >= 0) {
        text[size] = '\0';
        gmq_sleep(atoi(text));
        zmq_send(self->sink, text, (size_t)size, 0);
        self->done++;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new();
    struct worker self = {zmq_socket(context, ZMQ_PULL), zmq_socket(context, ZMQ_PUSH), 0};
    if (zmq_connect(self.tasks, argc > 2 ? argv[1] : "tcp://127.0.0.1:5557") ||
        zmq_connect(self.sink, argc > 2 ? argv[2] : "tcp://127.0.0.1:5558"))
        return perror("cannot connect"), 1;
    int64_t worker = gmq_spawn(work, &self, NULL);

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    gmq_wait_signal(&ends, -1);
    gmq_cancel(worker);
    gmq_join(worker, NULL, -1);
    printf("did %d tasks\n", self.done);
    zmq_close(self.tasks);
    zmq_close(self.sink);
    return zmq_ctx_term(context);
}
