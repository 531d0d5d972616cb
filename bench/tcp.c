/* SPDX-License-Identifier: MIT */
/*
 * tcp: endpoints and sockets for the bench programs.
 *
 * Callers: relay.c listens and accepts, conn.c connects. Every call either gives a descriptor
 * that is non-blocking and flushes small writes at once, or a negative errno and no descriptor.
 */
#include "tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int tcp_parse(const char *endpoint, struct sockaddr_in *addr)
{
    static const char scheme[] = "tcp://";
    if (strncmp(endpoint, scheme, sizeof scheme - 1) != 0)
        return -EINVAL;
    const char *host = endpoint + sizeof scheme - 1;
    const char *colon = strrchr(host, ':');
    char text[INET_ADDRSTRLEN];
    if (colon == NULL || colon == host || (size_t)(colon - host) >= sizeof text)
        return -EINVAL;
    memcpy(text, host, (size_t)(colon - host));
    text[colon - host] = '\0';

    memset(addr, 0, sizeof *addr);
    addr->sin_family = AF_INET;
    if (inet_pton(AF_INET, text, &addr->sin_addr) != 1)
        return -EINVAL;
    if (strcmp(colon + 1, "*") == 0)
        return 0;
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || port > 65535)
        return -EINVAL;
    addr->sin_port = htons((uint16_t)port);
    return 0;
}

static int close_with_errno(int fd)
{
    int error = errno;
    close(fd);
    return -error;
}

int tcp_listen(struct sockaddr_in *addr)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t size = sizeof *addr;
    int yes = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, (struct sockaddr *)addr, size) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)addr, &size) != 0)
        return close_with_errno(fd);
    return fd;
}

static int set_buffers(int fd, unsigned buffer_kib)
{
    int bytes = (int)buffer_kib * 1024;
    if (bytes == 0)
        return 0;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) != 0)
        return -1;
    return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

int tcp_connect(const struct sockaddr_in *addr, unsigned buffer_kib)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int yes = 1;
    /* Ends are reset, not closed: thousands of connections must not linger in TIME_WAIT. */
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) != 0 ||
        set_buffers(fd, buffer_kib) != 0)
        return close_with_errno(fd);
    if (connect(fd, (const struct sockaddr *)addr, sizeof *addr) != 0 && errno != EINPROGRESS)
        return close_with_errno(fd);
    return fd;
}

int tcp_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -errno;
    int yes = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0)
        return close_with_errno(fd);
    return fd;
}
