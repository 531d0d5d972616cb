/* SPDX-License-Identifier: MIT */
/* The identity check: what a ROUTER puts in front of what it receives. See README.md.
 *
 *     identities
 *
 * Three peers, each in a green thread: a DEALER that says nothing about itself, which is given an
 * id of five octets that begins with 0, one that has set ZMQ_ROUTING_ID, and a REQ, which adds the
 * empty part by which a reply finds its way back. */
#include <greenmq/greenmq.h>

#include <string.h>

static void *context;

struct peer {
    int type;
    const char *id;
};

static void *speak(void *arg)
{
    const struct peer *self = arg;
    char text[16];
    void *socket = zmq_socket(context, self->type);
    if (self->id)
        zmq_setsockopt(socket, ZMQ_ROUTING_ID, self->id, strlen(self->id));
    zmq_connect(socket, "inproc://router");
    zmq_send(socket, "hello", 5, 0);
    zmq_recv(socket, text, sizeof(text), 0); /* an answer: so it has been seen */
    zmq_close(socket);
    return NULL;
}

static void print(const char *part, int size)
{
    int is_text = size > 0;
    for (int i = 0; i < size; i++)
        is_text = is_text && part[i] >= ' ' && part[i] <= '~';
    if (is_text)
        printf(" [%.*s]", size, part);
    else
        printf(" [%d octets%s]", size, size && part[0] == 0 ? ", the first is 0" : "");
}

/* Prints a message with all its parts, and answers it. */
static void show_one(void *router)
{
    char id[255], part[16];
    int more, size = zmq_recv(router, id, sizeof(id), 0), id_size = size;
    size_t more_size = sizeof(more);
    print(id, size);
    while (zmq_getsockopt(router, ZMQ_RCVMORE, &more, &more_size) == 0 && more) {
        size = zmq_recv(router, part, sizeof(part), 0);
        print(part, size);
    }
    puts("");
    zmq_send(router, id, (size_t)id_size, ZMQ_SNDMORE);
    zmq_send(router, "", 0, ZMQ_SNDMORE);
    zmq_send(router, "bye", 3, 0);
}

int main(void)
{
    struct peer peers[] = {{ZMQ_DEALER, NULL}, {ZMQ_DEALER, "PEER2"}, {ZMQ_REQ, "PEER3"}};
    context = zmq_ctx_new();
    void *router = zmq_socket(context, ZMQ_ROUTER);
    zmq_bind(router, "inproc://router");
    for (int i = 0; i < 3; i++) {
        int64_t peer = gmq_spawn(speak, &peers[i], NULL);
        show_one(router);
        gmq_join(peer, NULL, -1);
    }
    zmq_close(router);
    return zmq_ctx_term(context);
}
