/* SPDX-License-Identifier: MIT */
/*
 * The other end of a connection as a plain TCP socket: a peer that says exactly the bytes a test
 * wants, well-behaved (ZMTP 3.1 with NULL security) or not. Every wait ends at DEADLINE_MS.
 * Included by the tests that need it, after util.h.
 */
#ifndef BEHAVIOUR_RAW_H
#define BEHAVIOUR_RAW_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

enum { RAW_MORE = 1, RAW_LONG = 2, RAW_COMMAND = 4 };

struct raw_frame {
    unsigned flags;
    size_t size;
    char body[1024];
};

static inline struct sockaddr_in raw_address(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* Takes a free port, or the given one, that refuses connections until listen(). */
static inline int raw_bind(int *port)
{
    struct sockaddr_in address = raw_address(*port);
    socklen_t size = sizeof address;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* A listener on a free port, or on the given one. */
static inline int raw_listen(int *port, int backlog)
{
    int fd = raw_bind(port);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static inline bool raw_readable(int fd, int within_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    return poll(&item, 1, within_ms) == 1;
}

static inline int raw_accept(int listener)
{
    assert_true(raw_readable(listener, DEADLINE_MS));
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    return fd;
}

static inline int raw_connect(int port)
{
    struct sockaddr_in address = raw_address(port);
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* each send travels by itself */
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void raw_send(int fd, const void *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

/* Reads exactly that many bytes. */
static inline void raw_recv(int fd, void *bytes, size_t size)
{
    for (size_t have = 0; have < size;) {
        assert_true(raw_readable(fd, DEADLINE_MS));
        ssize_t got = recv(fd, (char *)bytes + have, size - have, 0);
        assert_true(got > 0);
        have += (size_t)got;
    }
}

/* The other side closes within the time, whatever it says before. */
static inline bool raw_closes(int fd, int within_ms)
{
    char ignored[4096];
    int64_t give_up = now_ms() + within_ms;
    for (int64_t left = within_ms; left >= 0; left = give_up - now_ms())
        if (raw_readable(fd, (int)left) && recv(fd, ignored, sizeof ignored, 0) <= 0)
            return true;
    return false;
}

static inline void raw_send_frame(int fd, unsigned flags, const void *body, size_t size)
{
    char frame[1024] = {(char)flags, (char)size};
    assert_true(size < 256);
    memcpy(frame + 2, body, size);
    raw_send(fd, frame, size + 2);
}

static inline struct raw_frame raw_recv_frame(int fd)
{
    struct raw_frame frame = {0};
    unsigned char head[9];
    raw_recv(fd, head, 2);
    frame.flags = head[0];
    frame.size = head[1];
    if (frame.flags & RAW_LONG) {
        raw_recv(fd, head + 2, 7);
        frame.size = (size_t)head[7] << 8 | head[8];
    }
    assert_in_range(frame.size, 0, sizeof frame.body);
    raw_recv(fd, frame.body, frame.size);
    return frame;
}

/* Both greetings and both READY commands; this side is of the named socket type, and speaks 3.0 or
 * 3.1. */
static inline void raw_handshake_of(int fd, const char *type, char minor)
{
    char greeting[64] = {(char)0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, minor, 'N', 'U', 'L', 'L'};
    char ready[64] = "\5READY\13Socket-Type\0\0\0";
    size_t size = strlen(type);
    ready[21] = (char)size;
    memcpy(ready + 22, type, size);
    raw_send(fd, greeting, sizeof greeting);
    raw_recv(fd, greeting, sizeof greeting);
    raw_send_frame(fd, RAW_COMMAND, ready, 22 + size);
    struct raw_frame frame = raw_recv_frame(fd);
    assert_int_equal(frame.flags & RAW_COMMAND, RAW_COMMAND);
    assert_memory_equal(frame.body, "\5READY", 6);
}

static inline void raw_handshake(int fd, const char *type)
{
    raw_handshake_of(fd, type, 1);
}

#endif
