/* SPDX-License-Identifier: MIT */
/*
 * zmqproxy: libzmq's own zmq_proxy as a program, the yardstick of the bench.
 *
 * It takes the arguments of the greenmq command (`zmqproxy queue FRONTEND BACKEND`), binds both
 * sockets with libzmq's defaults, prints what it bound and relays until it is killed, so that
 * what is measured is what somebody gets who writes the ten lines of the manual.
 *
 * Ends with 2 for wrong usage and with 1 and one sentence when it cannot bind. Linked to the
 * system's libzmq, never to greenmq. Started by run.py.
 */
#include <stdio.h>
#include <string.h>
#include <zmq.h>

/* The two sockets of each device. */
struct device {
    const char *name;
    int frontend;
    int backend;
};

static const struct device devices[] = {
    {"queue", ZMQ_ROUTER, ZMQ_DEALER},
    {"forwarder", ZMQ_XSUB, ZMQ_XPUB},
    {"streamer", ZMQ_PULL, ZMQ_PUSH},
};

static const struct device *device_named(const char *name)
{
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (strcmp(devices[i].name, name) == 0)
            return &devices[i];
    return NULL;
}

/* Binds and says where; NULL after one sentence when it cannot. */
static void *bound_socket(void *context, int type, const char *endpoint, const char *what)
{
    void *socket = zmq_socket(context, type);
    if (socket == NULL || zmq_bind(socket, endpoint) != 0) {
        fprintf(stderr, "zmqproxy: %s: %s\n", endpoint, zmq_strerror(zmq_errno()));
        return NULL;
    }
    char bound[256];
    size_t size = sizeof bound;
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &size);
    printf("zmqproxy: %s %s\n", what, bound);
    fflush(stdout);
    return socket;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        int major, minor, patch;
        zmq_version(&major, &minor, &patch);
        printf("libzmq %d.%d.%d\n", major, minor, patch);
        return 0;
    }
    const struct device *device = argc == 4 ? device_named(argv[1]) : NULL;
    if (device == NULL) {
        fprintf(stderr, "usage: zmqproxy queue|forwarder|streamer FRONTEND BACKEND\n");
        return 2;
    }
    void *context = zmq_ctx_new();
    void *frontend = bound_socket(context, device->frontend, argv[2], "frontend");
    if (frontend == NULL)
        return 1;
    void *backend = bound_socket(context, device->backend, argv[3], "backend");
    if (backend == NULL)
        return 1;
    zmq_proxy(frontend, backend, NULL);
    fprintf(stderr, "zmqproxy: the proxy ended: %s\n", zmq_strerror(zmq_errno()));
    return 1;
}
