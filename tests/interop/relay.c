/* SPDX-License-Identifier: MIT */
/*
 * A broker as a tutorial would write it, on our library:
 *
 *      relay proxy|device|steerable|threads KIND [CONTROL] FRONTEND BACKEND
 *
 * KIND is queue, forwarder or streamer; CONTROL, an endpoint for a REP socket, goes with
 * steerable. All endpoints are bound, and said as the greenmq command says them. "threads" is the
 * relay of two threads that share both sockets. It ends with 0 on SIGTERM, or when the proxy is
 * told to TERMINATE; anything unexpected ends it with 1 and a sentence. Started by
 * test_c_clients.py.
 */
#include <greenmq/zmq.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct kind {
    const char *word;
    int frontend, backend, device;
} kinds[] = {
    {"queue", ZMQ_ROUTER, ZMQ_DEALER, ZMQ_QUEUE},
    {"forwarder", ZMQ_XSUB, ZMQ_XPUB, ZMQ_FORWARDER},
    {"streamer", ZMQ_PULL, ZMQ_PUSH, ZMQ_STREAMER},
};

static void *context, *frontend, *backend, *control;
static const struct kind *kind;

static void fail(const char *what)
{
    fprintf(stderr, "relay: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static void *open_side(const char *side, int type, const char *endpoint)
{
    char actual[256];
    size_t size = sizeof actual;
    void *socket = zmq_socket(context, type);
    if (!socket || zmq_bind(socket, endpoint) ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, actual, &size))
        fail(endpoint);
    printf("relay: %s bound to %s\n", side, actual);
    return socket;
}

static void *run_proxy(void *unused)
{
    (void)unused;
    zmq_proxy(frontend, backend, NULL);
    return NULL;
}

static void *run_device(void *unused)
{
    (void)unused;
    zmq_device(kind->device, frontend, backend);
    return NULL;
}

/* When it was told to end, the main thread is told, too. */
static void *run_steerable(void *unused)
{
    (void)unused;
    if (zmq_proxy_steerable(frontend, backend, NULL, control) == 0)
        kill(getpid(), SIGTERM);
    return NULL;
}

static int pass(void *from, void *to)
{
    zmq_msg_t part;
    int more;
    do {
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, from, 0) < 0)
            return -1;
        more = zmq_msg_more(&part);
        if (zmq_msg_send(&part, to, more ? ZMQ_SNDMORE : 0) < 0)
            return -1;
    } while (more);
    return 0;
}

static void *run_there(void *unused)
{
    (void)unused;
    while (pass(frontend, backend) == 0)
        continue;
    return NULL;
}

static void *run_back(void *unused)
{
    (void)unused;
    while (pass(backend, frontend) == 0)
        continue;
    return NULL;
}

static const struct {
    const char *word;
    void *(*runs[2])(void *);
} modes[] = {
    {"proxy", {run_proxy}},
    {"device", {run_device}},
    {"steerable", {run_steerable}},
    {"threads", {run_there, run_back}},
};

static void serve(size_t mode)
{
    pthread_t threads[2];
    sigset_t ends;
    int number, started = 0;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    for (; started < 2 && modes[mode].runs[started]; started++) {
        if (pthread_create(&threads[started], NULL, modes[mode].runs[started], NULL))
            fail("pthread_create");
    }
    puts("relay: running");
    sigwait(&ends, &number);
    if (zmq_ctx_shutdown(context))
        fail("zmq_ctx_shutdown");
    while (started)
        pthread_join(threads[--started], NULL);
}

int main(int argc, char **argv)
{
    size_t mode = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 5)
        return 2;
    while (mode < 4 && strcmp(modes[mode].word, argv[1]) != 0)
        mode++;
    for (size_t i = 0; i < 3; i++)
        kind = strcmp(kinds[i].word, argv[2]) == 0 ? &kinds[i] : kind;
    if (mode == 4 || !kind)
        return 2;
    context = zmq_ctx_new();
    if (argc > 5)
        control = open_side("control", ZMQ_REP, argv[3]);
    frontend = open_side("frontend", kind->frontend, argv[argc - 2]);
    backend = open_side("backend", kind->backend, argv[argc - 1]);
    serve(mode);
    if (zmq_close(frontend) || zmq_close(backend) || (control && zmq_close(control)) ||
        zmq_ctx_term(context))
        fail("at the end");
    return 0;
}
