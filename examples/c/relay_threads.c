/* SPDX-License-Identifier: MIT */
/* A device by hand, second way: two green threads on the same two sockets, one for each direction.
 * Build and run it with
 *
 *     cc examples/c/relay_threads.c -o relay -Iinclude -Lbuild/lib -Wl,-rpath,build/lib -lgreenmq
 *     ./relay [FRONTEND BACKEND]
 *
 * Clients (REQ) connect to the frontend, workers (REP) to the backend; Ctrl-C ends it. Each thread
 * is a loop of receive and send, with nothing to select: when one of them must wait, because nobody
 * takes what it has, the other direction goes on. (relay_poll.c is the same with zmq_poll().) */
#include <greenmq/greenmq.h>

/* One direction. The two share their sockets: what one receives from, the other sends to. */
struct direction {
    void *from, *to;
    unsigned long carried;
};

static void *carry(void *arg)
{
    struct direction *self = arg;
    for (;;) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, self->from, 0) < 0)
            return NULL; /* ECANCELED, or the context ends */
        int more = zmq_msg_more(&part);
        if (zmq_msg_send(&part, self->to, more ? ZMQ_SNDMORE : 0) < 0) {
            zmq_msg_close(&part);
            return NULL;
        }
        self->carried += !more;
    }
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_BLOCKY, 0); /* what nobody takes shall not hold up the end */
    void *frontend = zmq_socket(context, ZMQ_ROUTER), *backend = zmq_socket(context, ZMQ_DEALER);
    if (zmq_bind(frontend, argc > 2 ? argv[1] : "tcp://127.0.0.1:5559") ||
        zmq_bind(backend, argc > 2 ? argv[2] : "tcp://127.0.0.1:5560"))
        return perror("cannot bind"), 1;

    struct direction requests = {frontend, backend, 0}, replies = {backend, frontend, 0};
    struct gmq_group *relay = gmq_group_new(0);
    gmq_group_spawn(relay, carry, &requests, NULL);
    gmq_group_spawn(relay, carry, &replies, NULL);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    puts("passing; end with Ctrl-C");
    fflush(stdout);
    gmq_wait_signal(&ends, -1);

    gmq_group_close(relay); /* cancels both, and waits until they have ended */
    printf("%lu requests, %lu replies\n", requests.carried, replies.carried);
    zmq_close(frontend);
    zmq_close(backend);
    return zmq_ctx_term(context);
}
