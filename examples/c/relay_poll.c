/* SPDX-License-Identifier: MIT */
/* A device by hand, first way: one green thread that waits for both sockets with zmq_poll() and
 * carries each message across. Build and run it with
 *
 *     cc examples/c/relay_poll.c -o relay -Iinclude -Lbuild/lib -Wl,-rpath,build/lib -lgreenmq
 *     ./relay [FRONTEND BACKEND]
 *
 * Clients (REQ) connect to the frontend, workers (REP) to the backend; Ctrl-C ends it. It has the
 * weakness of every relay of this form: while it cannot pass a message on in one direction, it does
 * not look at the other. relay_threads.c has not. */
#include <greenmq/greenmq.h>

struct relay {
    void *frontend, *backend;
    unsigned long requests, replies;
};

/* Carries one message across, with all its parts. 0, or -1: cancelled, or the context ends. */
static int carry(void *from, void *to)
{
    zmq_msg_t part;
    int more;
    do {
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, from, 0) < 0)
            return -1;
        more = zmq_msg_more(&part);
        if (zmq_msg_send(&part, to, more ? ZMQ_SNDMORE : 0) < 0) {
            zmq_msg_close(&part);
            return -1;
        }
    } while (more);
    return 0;
}

static void *run(void *arg)
{
    struct relay *relay = arg;
    zmq_pollitem_t items[] = {{.socket = relay->frontend, .events = ZMQ_POLLIN},
                              {.socket = relay->backend, .events = ZMQ_POLLIN}};
    while (zmq_poll(items, 2, -1) >= 0) {
        if (items[0].revents) {
            if (carry(relay->frontend, relay->backend) < 0)
                break;
            relay->requests++;
        }
        if (items[1].revents) {
            if (carry(relay->backend, relay->frontend) < 0)
                break;
            relay->replies++;
        }
    }
    return NULL; /* ECANCELED */
}

int main(int argc, char **argv)
{
    void *context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_BLOCKY, 0); /* what nobody takes shall not hold up the end */
    struct relay relay = {zmq_socket(context, ZMQ_ROUTER), zmq_socket(context, ZMQ_DEALER), 0, 0};
    if (zmq_bind(relay.frontend, argc > 2 ? argv[1] : "tcp://127.0.0.1:5559") ||
        zmq_bind(relay.backend, argc > 2 ? argv[2] : "tcp://127.0.0.1:5560"))
        return perror("cannot bind"), 1;

    int64_t thread = gmq_spawn(run, &relay, NULL);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    puts("passing; end with Ctrl-C");
    fflush(stdout);
    gmq_wait_signal(&ends, -1);

    gmq_cancel(thread);
    gmq_join(thread, NULL, -1);
    printf("%lu requests, %lu replies\n", relay.requests, relay.replies);
    zmq_close(relay.frontend);
    zmq_close(relay.backend);
    return zmq_ctx_term(context);
}
