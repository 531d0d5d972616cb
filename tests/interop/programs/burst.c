/* SPDX-License-Identifier: MIT */
/* Queues 100 MB of messages, receives them all and waits for more. Prints what it has beyond what
 * it began with, in KiB: with all queued, and at the lowest within so many seconds afterwards.
 *
 *     burst ENDPOINT BYTES SECONDS */
#include <zmq.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TOTAL = 100 << 20 };

static long resident_kib(void)
{
    long all, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &all, &resident) != 2)
        exit(2);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void set(void *socket, int option, int value)
{
    if (zmq_setsockopt(socket, option, &value, sizeof value) != 0)
        exit(3);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 1;
    int bytes = atoi(argv[2]), count = TOTAL / bytes;
    void *ctx = zmq_ctx_new(), *pull = zmq_socket(ctx, ZMQ_PULL), *push = zmq_socket(ctx, ZMQ_PUSH);
    char endpoint[256], *message = calloc(1, (size_t)bytes);
    size_t size = sizeof endpoint;
    set(pull, ZMQ_RCVHWM, 0);
    set(push, ZMQ_SNDHWM, 0);
    if (zmq_bind(pull, argv[1]) || zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size) ||
        zmq_connect(push, endpoint))
        return 4;
    long before = resident_kib();
    for (int i = 0; i < count; i++)
        if (zmq_send(push, message, (size_t)bytes, 0) != bytes)
            return 5;
    long full = resident_kib();
    for (int i = 0; i < count; i++)
        if (zmq_recv(pull, message, (size_t)bytes, 0) != bytes)
            return 6;
    set(pull, ZMQ_RCVTIMEO, 100);
    long least = full;
    for (int i = 0; i < 10 * atoi(argv[3]); i++) {
        zmq_recv(pull, message, (size_t)bytes, 0);
        long now = resident_kib();
        least = now < least ? now : least;
        if (least - before < (full - before) / 10)
            break;
    }
    printf("%ld %ld\n", full - before, least - before);
    zmq_close(push);
    zmq_close(pull);
    return zmq_ctx_term(ctx) != 0;
}
