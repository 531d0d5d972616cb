/* SPDX-License-Identifier: MIT */
/* The lazy pirate: a client that gives its server some time, asks again on a new socket, and gives
 * up in the end. See README.md.
 *
 *     lazy_pirate [ENDPOINT [PATIENCE_MS]]    connects; ends with 1 if it has given up
 *
 * A deadline scope holds for all that waits inside it: for sending, if nobody is connected, as well
 * as for receiving. */
#include <greenmq/greenmq.h>

#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 3, TRIES = 3 };

static void *context;
static const char *endpoint = "tcp://127.0.0.1:5555";
static int patience_ms = 500;

/* One try. 0 with the right answer, or -1. */
static int try(const char *request)
{
    const int none = 0;
    char text[32];
    int got = -1;
    struct gmq_scope scope;
    void *socket = zmq_socket(context, ZMQ_REQ);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none)); /* what was not sent is given up */
    zmq_connect(socket, endpoint);
    gmq_scope_enter(&scope, gmq_now() + patience_ms);
    if (zmq_send(socket, request, strlen(request), 0) >= 0)
        got = zmq_recv(socket, text, sizeof(text), 0);
    gmq_scope_leave(&scope);
    zmq_close(socket); /* a REQ that got no reply is of no further use */
    return got == (int)strlen(request) && memcmp(text, request, (size_t)got) == 0 ? 0 : -1;
}

static int ask(const char *request)
{
    for (int i = 1; i <= TRIES; i++) {
        if (try(request) == 0) {
            printf("%s: answered at try %d\n", request, i);
            fflush(stdout);
            return 0;
        }
    }
    printf("%s: given up after %d tries\n", request, TRIES);
    return -1;
}

int main(int argc, char **argv)
{
    int rc = 0;
    if (argc > 1)
        endpoint = argv[1];
    if (argc > 2)
        patience_ms = atoi(argv[2]);
    context = zmq_ctx_new();
    for (int i = 1; i <= REQUESTS && rc == 0; i++) {
        char request[32];
        snprintf(request, sizeof(request), "request %d", i);
        rc = ask(request);
    }
    zmq_ctx_term(context);
    return rc ? 1 : 0;
}
