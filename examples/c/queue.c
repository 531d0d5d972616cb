/* SPDX-License-Identifier: MIT */
/* A queue of our own: clients connect to port 5559, workers to port 5560. Build and run it with
 *
 *     cc examples/c/queue.c -o queue -Iinclude -Lbuild/lib -Wl,-rpath,build/lib -lgreenmq
 *     ./queue
 *
 * It ends with a reason where one of the ports is taken. */
#include <greenmq/greenmq.h>

int main(void)
{
    void *context = zmq_ctx_new();
    void *clients = zmq_socket(context, ZMQ_ROUTER), *workers = zmq_socket(context, ZMQ_DEALER);
    if (zmq_bind(clients, "tcp://127.0.0.1:5559") || zmq_bind(workers, "tcp://127.0.0.1:5560"))
        return perror("cannot bind"), 1;
    struct gmq_device *queue = gmq_device_new(clients, workers, NULL);
    gmq_device_start(queue);
    puts("Requests pass now. Press Enter to end.");
    getchar(); /* the queue needs no thread of ours; it runs inside the engine */
    gmq_device_drain(queue, 1000);
    struct gmq_account account = {.size = sizeof(account)};
    gmq_device_account(queue, &account);
    printf("Requests passed: %llu\n", (unsigned long long)account.forward.forwarded.messages);
    gmq_device_free(queue);
    zmq_close(clients);
    zmq_close(workers);
    return zmq_ctx_term(context);
}
