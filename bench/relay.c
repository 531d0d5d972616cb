/* SPDX-License-Identifier: MIT */
/*
 * relay: the plain byte relay, the limit that no broker can pass.
 *
 *     peer ──> frontend ══ one buffer, recv and send ══> backend ──> peer
 *
 * It takes one connection on each side and copies bytes both ways. It knows nothing of frames:
 * the two peers greet each other through it. Edge-triggered epoll with a memory of what is
 * readable and writable, so that in full flow there are no system calls but recv and send.
 *
 * Ends with status 0 when a peer goes, 1 with one sentence when it cannot start. Started by
 * run.py: `relay streamer FRONTEND BACKEND`; BENCH_RELAY_KIB sets another buffer size.
 */
#include "tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Measured: see README.md in this folder. */
enum { BUFFER_KIB = 512 };

/* One connection and what epoll said of it last. */
struct side {
    int fd;
    bool readable;
    bool writable;
};

/* One direction: bytes [start, end) of the buffer wait to be sent. */
struct pump {
    struct side *from;
    struct side *to;
    uint8_t *buffer;
    size_t size_bytes;
    size_t start;
    size_t end;
};

static int fail(const char *what, int error)
{
    fprintf(stderr, "relay: %s: %s\n", what, strerror(error));
    return 1;
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Moves what it can at once; false when it must wait, and `gone` is set when a peer has left. */
static bool pump_turn(struct pump *p, bool *gone)
{
    if (p->start == p->end) {
        if (!p->from->readable)
            return false;
        ssize_t got = recv(p->from->fd, p->buffer, p->size_bytes, 0);
        if (got <= 0) {
            *gone = got == 0 || !would_block();
            p->from->readable = false;
            return false;
        }
        p->start = 0;
        p->end = (size_t)got;
    }
    if (!p->to->writable)
        return false;
    ssize_t sent = send(p->to->fd, p->buffer + p->start, p->end - p->start, MSG_NOSIGNAL);
    if (sent < 0) {
        *gone = !would_block();
        p->to->writable = false;
        return false;
    }
    p->start += (size_t)sent;
    return true;
}

static int relay(struct side sides[2], size_t size_bytes)
{
    struct pump there = {.from = &sides[0], .to = &sides[1], .size_bytes = size_bytes};
    struct pump back = {.from = &sides[1], .to = &sides[0], .size_bytes = size_bytes};
    there.buffer = malloc(size_bytes);
    back.buffer = malloc(size_bytes);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (there.buffer == NULL || back.buffer == NULL || poller < 0)
        return fail("no room to start", errno);
    for (int i = 0; i < 2; i++) {
        struct epoll_event ask = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &sides[i]};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, sides[i].fd, &ask) != 0)
            return fail("cannot watch a connection", errno);
    }

    for (bool gone = false; !gone;) {
        struct epoll_event events[2];
        int n = epoll_wait(poller, events, 2, -1);
        for (int i = 0; i < n; i++) {
            struct side *side = events[i].data.ptr;
            side->readable |= (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
            side->writable |= (events[i].events & EPOLLOUT) != 0;
        }
        bool moved = true;
        while (moved && !gone) {
            moved = pump_turn(&there, &gone);
            moved = pump_turn(&back, &gone) || moved;
        }
    }
    return 0;
}

static int listen_on(const char *endpoint, const char *role)
{
    struct sockaddr_in addr;
    char text[INET_ADDRSTRLEN];
    int fd = tcp_parse(endpoint, &addr);
    if (fd == 0)
        fd = tcp_listen(&addr);
    if (fd < 0)
        exit(fail(endpoint, -fd));
    inet_ntop(AF_INET, &addr.sin_addr, text, sizeof text);
    printf("relay streamer: %s tcp://%s:%u\n", role, text, ntohs(addr.sin_port));
    fflush(stdout);
    return fd;
}

static int accept_one(int listener)
{
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    for (;;) {
        poll(&wait, 1, -1);
        int fd = tcp_accept(listener);
        if (fd >= 0) {
            close(listener);
            return fd;
        }
        if (fd != -EAGAIN && fd != -EINTR)
            exit(fail("cannot accept", -fd));
    }
}

int main(int argc, char **argv)
{
    if (argc != 4 || strcmp(argv[1], "streamer") != 0) {
        fprintf(stderr, "usage: relay streamer FRONTEND BACKEND\n");
        return 2;
    }
    const char *kib = getenv("BENCH_RELAY_KIB");
    size_t size_bytes = (kib != NULL ? strtoul(kib, NULL, 10) : BUFFER_KIB) * 1024;
    if (size_bytes == 0)
        return fail("BENCH_RELAY_KIB", EINVAL);
    int frontend = listen_on(argv[2], "frontend");
    int backend = listen_on(argv[3], "backend");
    struct side sides[2] = {{.fd = accept_one(frontend)}, {.fd = accept_one(backend)}};
    return relay(sides, size_bytes);
}
