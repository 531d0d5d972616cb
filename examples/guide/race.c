/* SPDX-License-Identifier: MIT */
/* The relay race: threads that signal each other with messages and share nothing. See README.md.
 *
 *     race [RUNNERS]
 *
 * Each runner waits for the baton from the one before, on an inproc PAIR, and hands it on. With
 * ordinary threads one would think twice before starting ten thousand of them. */
#include <greenmq/greenmq.h>

#include <stdlib.h>

static void *context;

/* PAIR sockets whose other end is the runner with this number. */
static void *open_pair(int number, int is_receiver)
{
    char place[32];
    void *socket = zmq_socket(context, ZMQ_PAIR);
    snprintf(place, sizeof(place), "inproc://runner-%d", number);
    if (is_receiver)
        zmq_bind(socket, place);
    else
        zmq_connect(socket, place);
    return socket;
}

static void *run(void *arg)
{
    int number = (int)(intptr_t)arg, baton = 0;
    void *before = open_pair(number, 1), *after = open_pair(number + 1, 0);
    zmq_recv(before, &baton, sizeof(baton), 0);
    baton++;
    zmq_send(after, &baton, sizeof(baton), 0);
    zmq_close(before);
    zmq_close(after);
    return NULL;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1000, baton = 0;
    context = zmq_ctx_new();
    void *finish = open_pair(count, 1), *start = open_pair(0, 0);
    struct gmq_group *runners = gmq_group_new(0);
    for (int i = 0; i < count; i++)
        gmq_group_spawn(runners, run, (void *)(intptr_t)i, NULL);
    zmq_send(start, &baton, sizeof(baton), 0);
    zmq_recv(finish, &baton, sizeof(baton), 0);
    printf("the baton went through %d hands\n", baton);
    gmq_group_close(runners);
    zmq_close(finish);
    zmq_close(start);
    return zmq_ctx_term(context);
}
