/* SPDX-License-Identifier: MIT */
/* A gateway: programs that know nothing of ZeroMQ connect by TCP and send lines of text; each line
 * goes as a request to a ZeroMQ service, and its reply comes back as a line. Build and run it with
 *
 *     cc examples/c/gateway.c -o gateway -Iinclude -Lbuild/lib -Wl,-rpath,build/lib -lgreenmq
 *     ./gateway [PORT SERVICE]
 *     nc 127.0.0.1 5580
 *
 * Each connection has a green thread and a REQ socket of its own. gmq_wait_fd() is what lets a
 * thread wait for a descriptor that is not ZeroMQ's. A request that is not answered in time gets a
 * line that says so. Ctrl-C ends it: leaving the group cancels whoever is still talking. */
#include <greenmq/greenmq.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1000, PATIENCE_MS = 1000, LINE_MAX_BYTES = 1024 };

struct gateway {
    void *context;
    const char *service;
    int listener;
    struct gmq_group *connections;
};

struct connection {
    struct gateway *gateway;
    int fd;
};

/* Asks the service. The length of its answer, or -1: none came in time, or cancelled. */
static int ask(const struct gateway *gateway, const char *line, size_t size, char *answer)
{
    const int none = 0;
    struct gmq_scope scope;
    void *socket = zmq_socket(gateway->context, ZMQ_REQ);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none));
    zmq_connect(socket, gateway->service);
    gmq_scope_enter(&scope, gmq_now() + PATIENCE_MS); /* for both calls together */
    int got = zmq_send(socket, line, size, 0);
    if (got >= 0)
        got = zmq_recv(socket, answer, LINE_MAX_BYTES - 1, 0);
    gmq_scope_leave(&scope);
    zmq_close(socket);
    return got < LINE_MAX_BYTES - 1 ? got : LINE_MAX_BYTES - 1;
}

/* Sends all of it, waiting whenever the far end reads too slowly. 0 or -1. */
static int send_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && (errno != EAGAIN || gmq_wait_fd(fd, ZMQ_POLLOUT, -1) < 0))
            return -1;
        data += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

static int reply(const struct connection *self, const char *line, size_t size)
{
    static const char late[] = "no answer in time\n";
    char answer[LINE_MAX_BYTES];
    int got = ask(self->gateway, line, size, answer);
    if (got < 0)
        return send_all(self->fd, late, sizeof(late) - 1);
    answer[got] = '\n';
    return send_all(self->fd, answer, (size_t)got + 1);
}

/* A green thread for each connection. */
static void *serve(void *arg)
{
    struct connection *self = arg;
    char text[LINE_MAX_BYTES];
    size_t has = 0;
    while (has < sizeof(text) && gmq_wait_fd(self->fd, ZMQ_POLLIN, -1) > 0) {
        ssize_t got = recv(self->fd, text + has, sizeof(text) - has, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
        has += got > 0 ? (size_t)got : 0;
        char *end;
        while ((end = memchr(text, '\n', has))) {
            size_t size = (size_t)(end - text);
            if (reply(self, text, size) < 0)
                break;
            has -= size + 1;
            memmove(text, end + 1, has);
        }
        if (end)
            break;
    }
    close(self->fd);
    free(self);
    return NULL;
}

/* The green thread that accepts. With CONNECTIONS_MAX at once, gmq_group_spawn() waits until one
 * of them has ended. */
static void *accept_all(void *arg)
{
    struct gateway *gateway = arg;
    while (gmq_wait_fd(gateway->listener, ZMQ_POLLIN, -1) > 0) {
        int fd = accept(gateway->listener, NULL, NULL);
        if (fd < 0)
            continue; /* it has gone again */
        struct connection *connection = malloc(sizeof(*connection));
        if (connection)
            *connection = (struct connection){gateway, fd};
        if (!connection || gmq_group_spawn(gateway->connections, serve, connection, NULL) < 0) {
            close(fd);
            free(connection);
        }
    }
    return NULL;
}

static int listen_at(uint16_t port)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&place, sizeof(place)) == 0 && listen(fd, 64) == 0)
        return fd;
    perror("cannot listen");
    exit(1);
}

int main(int argc, char **argv)
{
    struct gateway gateway = {.context = zmq_ctx_new(),
                              .service = argc > 2 ? argv[2] : "tcp://127.0.0.1:5555",
                              .listener = listen_at((uint16_t)(argc > 1 ? atoi(argv[1]) : 5580)),
                              .connections = gmq_group_new(CONNECTIONS_MAX)};
    int64_t acceptor = gmq_spawn(accept_all, &gateway, NULL);
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    puts("listening; end with Ctrl-C");
    fflush(stdout);
    gmq_wait_signal(&ends, -1);

    gmq_cancel(acceptor);
    gmq_join(acceptor, NULL, -1);
    gmq_group_close(gateway.connections);
    close(gateway.listener);
    puts("ended");
    return zmq_ctx_term(gateway.context);
}
