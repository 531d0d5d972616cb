/* SPDX-License-Identifier: MIT */
/* A web server, by a STREAM socket: plain TCP peers, which know nothing of ZeroMQ. Build and run it
 * with
 *
 *     cc examples/c/web.c -o web -Iinclude -Lbuild/lib -Wl,-rpath,build/lib -lgreenmq
 *     ./web tcp://127.0.0.1:8080
 *
 * and look at http://127.0.0.1:8080/ with a browser. */
#include <greenmq/zmq.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    static const char page[] = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nHello, World!\n";
    const char *endpoint = argc > 1 ? argv[1] : "tcp://127.0.0.1:8080";
    void *context = zmq_ctx_new(), *server = zmq_socket(context, ZMQ_STREAM);
    if (zmq_bind(server, endpoint))
        return perror("cannot bind"), 1;
    printf("Serving at %s\n", endpoint);
    fflush(stdout);
    for (;;) {
        char peer[256], request[8192];
        int peer_size = zmq_recv(server, peer, sizeof peer, 0); /* who it is */
        int size = zmq_recv(server, request, sizeof request - 1, 0);
        if (peer_size < 0 || size < 0)
            break;
        if (size == 0)
            continue; /* it has come, or it has gone */
        request[size] = '\0';
        printf("%.*s\n", (int)strcspn(request, "\r\n"), request);
        fflush(stdout);
        if (zmq_send(server, peer, (size_t)peer_size, ZMQ_SNDMORE) < 0)
            continue; /* it has gone meanwhile */
        zmq_send(server, page, sizeof page - 1, 0);
        if (zmq_send(server, peer, (size_t)peer_size, ZMQ_SNDMORE) >= 0)
            zmq_send(server, "", 0, 0); /* nothing: hang up, once the page has left */
    }
    zmq_close(server);
    return zmq_ctx_term(context);
}
