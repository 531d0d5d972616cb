/* SPDX-License-Identifier: MIT */
/* Green threads in a program with a poll loop of its own. Build and run it with
 *
 *     cc examples/c/in_poll.c -o in_poll -Iinclude -Lbuild/lib -Wl,-rpath,build/lib -lgreenmq
 *     ./in_poll
 *
 * The loop waits for standard input, as it did before, and for gmq_fd(). What is typed goes to a
 * green thread, which takes its time with it; the end of the input ends the program. */
#include <greenmq/greenmq.h>

#include <poll.h>
#include <unistd.h>

static void *context;

/* A green thread: counts the octets of each message, slowly. */
static void *count(void *arg)
{
    void *socket = zmq_socket(context, ZMQ_PULL);
    zmq_bind(socket, "inproc://typed");
    int size, *total = arg;
    char text[256];
    while ((size = zmq_recv(socket, text, sizeof(text), 0)) > 0) {
        gmq_sleep(10);
        *total += size;
        printf("%d octets so far\n", *total);
        fflush(stdout);
    }
    zmq_close(socket);
    return NULL;
}

int main(void)
{
    int total = 0, is_open = 1;
    char text[256];
    context = zmq_ctx_new();
    void *typed = zmq_socket(context, ZMQ_PUSH);
    zmq_connect(typed, "inproc://typed");
    int64_t thread = gmq_spawn(count, &total, NULL);

    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = gmq_fd(), .events = POLLIN}};
    while (is_open && poll(fds, 2, -1) > 0) {
        if (fds[0].revents) {
            ssize_t got = read(STDIN_FILENO, text, sizeof(text));
            is_open = got > 0;
            /* A call that waits would stop the loop. So do not; what finds no room is lost. */
            zmq_send(typed, text, is_open ? (size_t)got : 0, ZMQ_DONTWAIT);
        }
        if (fds[1].revents)
            gmq_run();
    }
    gmq_join(thread, NULL, -1); /* from here on it is a green program like any other */
    printf("the end, after %d octets\n", total);
    zmq_close(typed);
    return zmq_ctx_term(context);
}
