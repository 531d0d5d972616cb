/* SPDX-License-Identifier: MIT */
/*
 * conn: connecting and shaking hands, for many connections side by side.
 *
 *     CONNECTING ──connected──> GREETING ──64 bytes──> READY ──one command──> OPEN
 *       (send greeting)           (send READY)
 *
 * The two ends of a byte relay wait for each other, therefore all handshakes of one call advance
 * together, and at most HANDSHAKES of them, so that the broker's listen queue never overflows:
 * a lost SYN would cost a second. Reads ask for exactly the bytes that are missing, so nothing
 * of what follows READY is taken. A refused, closed or silent connection ends the process.
 */
#include "conn.h"

#include "load.h"
#include "tcp.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HANDSHAKES = 64,
    PATIENCE_MS = 5000,
};

void conn_init(struct conn *conn, const struct sockaddr_in *peer, const char *socket_type)
{
    memset(conn, 0, sizeof *conn);
    conn->fd = -1;
    conn->peer = peer;
    conn->socket_type = socket_type;
}

static _Noreturn void fail_conn(const struct conn *conn, const char *what)
{
    load_fail("the connection of a %s to port %u: %s", conn->socket_type,
              ntohs(conn->peer->sin_port), what);
}

size_t conn_recv(const struct conn *conn, void *buffer, size_t size_bytes)
{
    ssize_t got = recv(conn->fd, buffer, size_bytes, 0);
    if (got > 0)
        return (size_t)got;
    if (got == 0)
        fail_conn(conn, "closed by the broker");
    if (errno != EAGAIN && errno != EINTR)
        fail_conn(conn, strerror(errno));
    return 0;
}

size_t conn_send(const struct conn *conn, const void *bytes, size_t size_bytes)
{
    ssize_t sent = send(conn->fd, bytes, size_bytes, MSG_NOSIGNAL);
    if (sent >= 0)
        return (size_t)sent;
    if (errno != EAGAIN && errno != EINTR)
        fail_conn(conn, strerror(errno));
    return 0;
}

/* A new connection has room for these few bytes. */
static void send_now(struct conn *conn, const uint8_t *bytes, size_t size_bytes)
{
    if (conn_send(conn, bytes, size_bytes) != size_bytes)
        fail_conn(conn, "no room for the handshake");
}

static void on_connected(struct conn *conn)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        fail_conn(conn, strerror(error));
    uint8_t greeting[ZMTP_GREETING_BYTES];
    zmtp_put_greeting(greeting);
    send_now(conn, greeting, sizeof greeting);
    conn->state = CONN_GREETING;
}

static void on_greeting(struct conn *conn)
{
    size_t missing = ZMTP_GREETING_BYTES - conn->in_bytes;
    conn->in_bytes += conn_recv(conn, conn->in + conn->in_bytes, missing);
    if (conn->in_bytes < ZMTP_GREETING_BYTES)
        return;
    if (zmtp_check_greeting(conn->in) != 0)
        fail_conn(conn, "the greeting is not ZMTP 3 with NULL");
    uint8_t ready[ZMTP_READY_LIMIT_BYTES];
    send_now(conn, ready, zmtp_put_ready(ready, conn->socket_type));
    conn->in_bytes = 0;
    conn->state = CONN_READY;
}

static void on_ready(struct conn *conn)
{
    size_t want = conn->in_bytes < 2 ? 2 : 2 + (size_t)conn->in[1];
    conn->in_bytes += conn_recv(conn, conn->in + conn->in_bytes, want - conn->in_bytes);
    if (conn->in_bytes < 2 || conn->in_bytes < 2 + (size_t)conn->in[1])
        return;
    if (conn->in[0] != ZMTP_COMMAND || memcmp(conn->in + 2, "\5READY", 6) != 0)
        fail_conn(conn, "the handshake was refused");
    conn->state = CONN_OPEN;
}

/* Goes on until the next step needs bytes that have not come. */
static void advance(struct conn *conn)
{
    size_t before;
    enum conn_state state;
    do {
        before = conn->in_bytes;
        state = conn->state;
        if (state == CONN_CONNECTING)
            on_connected(conn);
        else if (state == CONN_GREETING)
            on_greeting(conn);
        else
            on_ready(conn);
    } while (conn->state != CONN_OPEN && (conn->state != state || conn->in_bytes != before));
}

static void start(struct conn *conn, int poller, unsigned buffer_kib)
{
    conn->fd = tcp_connect(conn->peer, buffer_kib);
    if (conn->fd < 0)
        fail_conn(conn, strerror(-conn->fd));
    struct epoll_event ask = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = conn};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, conn->fd, &ask) != 0)
        fail_conn(conn, strerror(errno));
}

void conns_open(struct conn **conns, size_t count, unsigned buffer_kib)
{
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        load_fail("epoll: %s", strerror(errno));
    size_t started = 0;
    size_t opened = 0;
    while (opened < count) {
        while (started < count && started - opened < HANDSHAKES)
            start(conns[started++], poller, buffer_kib);
        struct epoll_event events[HANDSHAKES];
        int n = epoll_wait(poller, events, HANDSHAKES, PATIENCE_MS);
        if (n == 0)
            load_fail("%zu of %zu handshakes did not end within %d ms", count - opened, count,
                      PATIENCE_MS);
        for (int i = 0; i < n; i++) {
            struct conn *conn = events[i].data.ptr;
            advance(conn);
            if (conn->state != CONN_OPEN)
                continue;
            epoll_ctl(poller, EPOLL_CTL_DEL, conn->fd, NULL);
            opened++;
        }
    }
    close(poller);
}
