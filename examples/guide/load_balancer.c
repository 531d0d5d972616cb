/* SPDX-License-Identifier: MIT */
/* The load-balancing broker: a request goes to the worker that has been idle longest, and to none
 * that is at work. See README.md.
 *
 *     load_balancer [FRONTEND BACKEND]    binds both; Ctrl-C ends it
 *
 * Clients and workers are REQ. A worker's first message says that it is there; from then on it
 * receives a request with the client's id and an empty part before it, and sends its reply with the
 * same. As the broker sees it (ROUTER on both sides), a worker sends
 *
 *     worker | (empty) | READY              or    worker | (empty) | client | (empty) | reply
 *
 * and a client
 *
 *     client | (empty) | request */
#include <greenmq/greenmq.h>

#include <string.h>

enum { WORKERS_MAX = 1000, ID_MAX = 255, TEXT_MAX = 1024 };

struct id {
    size_t size;
    char octets[ID_MAX];
};

struct balancer {
    void *frontend, *backend;
    struct id idle[WORKERS_MAX]; /* a ring */
    unsigned first, count;
};

/* Receives a part, cut off where there is no room. Its size. */
static size_t take(void *socket, char *part, size_t room)
{
    int size = zmq_recv(socket, part, room, 0);
    if (size < 0)
        return 0;
    return (size_t)size < room ? (size_t)size : room;
}

/* Receives an id and the empty part behind it. */
static void take_id(void *socket, struct id *id)
{
    char none[1];
    id->size = take(socket, id->octets, sizeof(id->octets));
    take(socket, none, sizeof(none));
}

static void put_id(void *socket, const struct id *id)
{
    zmq_send(socket, id->octets, id->size, ZMQ_SNDMORE);
    zmq_send(socket, "", 0, ZMQ_SNDMORE);
}

/* A worker has something for us: it is idle now. */
static void on_worker(struct balancer *self)
{
    struct id client;
    char text[TEXT_MAX];
    struct id *worker = &self->idle[(self->first + self->count++) % WORKERS_MAX];
    take_id(self->backend, worker);
    client.size = take(self->backend, client.octets, sizeof(client.octets));
    int more;
    size_t more_size = sizeof(more);
    zmq_getsockopt(self->backend, ZMQ_RCVMORE, &more, &more_size);
    if (!more)
        return;                              /* READY */
    take(self->backend, text, sizeof(text)); /* the empty part */
    size_t size = take(self->backend, text, sizeof(text));
    put_id(self->frontend, &client);
    zmq_send(self->frontend, text, size, 0);
}

/* A client has a request, and somebody is idle. */
static void on_client(struct balancer *self)
{
    struct id client;
    char text[TEXT_MAX];
    take_id(self->frontend, &client);
    size_t size = take(self->frontend, text, sizeof(text));
    put_id(self->backend, &self->idle[self->first]);
    put_id(self->backend, &client);
    zmq_send(self->backend, text, size, 0);
    self->first = (self->first + 1) % WORKERS_MAX;
    self->count--;
}

/* Clients are looked at only while somebody is idle: until then they wait in the socket. */
static void *run(void *arg)
{
    struct balancer *self = arg;
    zmq_pollitem_t worker = {.socket = self->backend}, client = {.socket = self->frontend};
    for (;;) {
        worker.events = self->count < WORKERS_MAX ? ZMQ_POLLIN : 0;
        client.events = self->count > 0 ? ZMQ_POLLIN : 0;
        zmq_pollitem_t items[] = {worker, client};
        if (zmq_poll(items, 2, -1) < 0)
            return NULL; /* ECANCELED */
        if (items[0].revents)
            on_worker(self);
        if (items[1].revents)
            on_client(self);
    }
}

int main(int argc, char **argv)
{
    static struct balancer self;
    void *context = zmq_ctx_new();
    self.frontend = zmq_socket(context, ZMQ_ROUTER);
    self.backend = zmq_socket(context, ZMQ_ROUTER);
    if (zmq_bind(self.frontend, argc > 2 ? argv[1] : "tcp://127.0.0.1:5559") ||
        zmq_bind(self.backend, argc > 2 ? argv[2] : "tcp://127.0.0.1:5560"))
        return perror("cannot bind"), 1;
    int64_t balancer = gmq_spawn(run, &self, NULL);

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    gmq_wait_signal(&ends, -1);
    gmq_cancel(balancer);
    gmq_join(balancer, NULL, -1);
    printf("%u workers were idle\n", self.count);
    zmq_close(self.frontend);
    zmq_close(self.backend);
    return zmq_ctx_term(context);
}
