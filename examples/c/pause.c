/* SPDX-License-Identifier: MIT */
/* Pause and resume, and what the books say meanwhile: a streamer between a producer and a
 * consumer, all in one program and one thread. Build and run it with
 *
 *     cc examples/c/pause.c -o pause -Iinclude -Lbuild/lib -Wl,-rpath,build/lib -lgreenmq
 *     ./pause
 *
 * It prints what the consumer received: nothing while the device pauses, all afterwards. Whatever
 * fails ends it with a sentence. */
#include <greenmq/greenmq.h>

#include <stdlib.h>

enum { TASKS = 100, PATIENCE_MS = 200 };

static void must(int is_fine, const char *what)
{
    if (!is_fine) {
        fprintf(stderr, "cannot %s: %s\n", what, zmq_strerror(zmq_errno()));
        exit(1);
    }
}

static void print_account(struct gmq_device *device, const char *when)
{
    struct gmq_account account = {.size = sizeof(account)};
    must(gmq_device_account(device, &account) == 0, "read the account");
    printf("%s: received %llu, forwarded %llu, queued %llu\n", when,
           (unsigned long long)account.forward.received.messages,
           (unsigned long long)account.forward.forwarded.messages,
           (unsigned long long)account.forward.queued.messages);
}

/* Takes all that comes until nothing has come for a while; returns how many messages that was. */
static int receive_all(void *socket)
{
    int count = 0, patience_ms = PATIENCE_MS;
    char task[16];
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof(patience_ms));
    while (zmq_recv(socket, task, sizeof(task), 0) >= 0)
        count++;
    return count;
}

int main(void)
{
    void *context = zmq_ctx_new();
    void *frontend = zmq_socket(context, ZMQ_PULL), *backend = zmq_socket(context, ZMQ_PUSH);
    void *producer = zmq_socket(context, ZMQ_PUSH), *consumer = zmq_socket(context, ZMQ_PULL);
    must(zmq_bind(frontend, "inproc://in") == 0 && zmq_bind(backend, "inproc://out") == 0, "bind");
    must(zmq_connect(producer, "inproc://in") == 0, "connect");
    must(zmq_connect(consumer, "inproc://out") == 0, "connect");

    struct gmq_device_options options = {.size = sizeof(options), .type = GMQ_DEVICE_STREAMER};
    struct gmq_device *device = gmq_device_new(frontend, backend, &options);
    must(device && gmq_device_start(device) == 0, "start the device");
    must(gmq_device_pause(device) == 0, "pause the device");
    for (int i = 0; i < TASKS; i++)
        must(zmq_send(producer, "task", 4, 0) == 4, "send");
    printf("received while paused: %d of %d\n", receive_all(consumer), TASKS);
    print_account(device, "paused");

    must(gmq_device_resume(device) == 0, "resume the device");
    printf("received afterwards: %d of %d\n", receive_all(consumer), TASKS);
    print_account(device, "resumed");

    must(gmq_device_drain(device, 1000) == 0, "drain the device");
    gmq_device_free(device);
    void *sockets[] = {frontend, backend, producer, consumer};
    for (int i = 0; i < 4; i++)
        zmq_close(sockets[i]);
    return zmq_ctx_term(context);
}
