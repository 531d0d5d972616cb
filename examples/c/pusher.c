/* SPDX-License-Identifier: MIT */
/* Pushers that sleep and send, and a puller that prints what comes: three green threads in one
 * ordinary thread. Build and run it with
 *
 *     cc examples/c/pusher.c -o pusher -Iinclude -Lbuild/lib -Wl,-rpath,build/lib -lgreenmq
 *     ./pusher
 *
 * Each thread is written as if it were alone: it sleeps, it sends, it waits for a message. While
 * one waits, the others go on. */
#include <greenmq/greenmq.h>

struct pusher {
    const char *name;
    int pause_ms, count;
};

static void *context;

static void *push(void *arg)
{
    const struct pusher *self = arg;
    void *socket = zmq_socket(context, ZMQ_PUSH);
    zmq_connect(socket, "inproc://news");
    for (int i = 1; i <= self->count; i++) {
        char text[64];
        int size = snprintf(text, sizeof(text), "%s %d", self->name, i);
        gmq_sleep(self->pause_ms); /* stops this thread, not the others */
        zmq_send(socket, text, (size_t)size, 0);
    }
    zmq_close(socket);
    return NULL;
}

/* Takes as many messages as `arg` says. */
static void *print(void *arg)
{
    void *socket = zmq_socket(context, ZMQ_PULL);
    zmq_bind(socket, "inproc://news");
    for (int left = *(int *)arg; left > 0; left--) {
        char text[64];
        int size = zmq_recv(socket, text, sizeof(text), 0);
        if (size < 0)
            break; /* cancelled, or the context has ended */
        printf("%.*s\n", size, text);
    }
    zmq_close(socket);
    return NULL;
}

int main(void)
{
    struct pusher quick = {"quick", 10, 9}, slow = {"slow", 30, 3};
    int total = quick.count + slow.count;
    context = zmq_ctx_new();

    int64_t threads[] = {gmq_spawn(print, &total, NULL), gmq_spawn(push, &quick, NULL),
                         gmq_spawn(push, &slow, NULL)};
    for (int i = 0; i < 3; i++) {
        if (gmq_join(threads[i], NULL, -1) < 0) /* -1: however long it takes */
            perror("cannot join");
    }
    puts("all have ended");
    return zmq_ctx_term(context);
}
