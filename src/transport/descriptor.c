/* SPDX-License-Identifier: MIT */
/* Descriptors: see descriptor.h. What cannot be set is not fatal (a keepalive the system does not
 * know), but for those options whose whole point it is, as ZMQ_BINDTODEVICE. */
#include "transport/descriptor.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void set_int(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static void set_if(int fd, int level, int name, int value, int unset)
{
    if (value != unset)
        set_int(fd, level, name, value);
}

static void tune_tcp(int fd, const struct options *options, int family)
{
    set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (options->tcp_keepalive == 1) {
        set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set_if(fd, IPPROTO_TCP, TCP_KEEPCNT, options->tcp_keepalive_cnt, -1);
        set_if(fd, IPPROTO_TCP, TCP_KEEPIDLE, options->tcp_keepalive_idle_s, -1);
        set_if(fd, IPPROTO_TCP, TCP_KEEPINTVL, options->tcp_keepalive_intvl_s, -1);
    } else if (options->tcp_keepalive == 0) {
        set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
    }
    set_if(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options->tcp_maxrt_ms, 0);
    if (options->tos) {
        set_int(fd, IPPROTO_IP, IP_TOS, options->tos);
        if (family == AF_INET6)
            set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, options->tos);
    }
}

static int open_socket(const struct options *options, int family)
{
    int fd = fd_lift(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd < 0)
        return -errno;
    set_if(fd, SOL_SOCKET, SO_SNDBUF, options->sndbuf_bytes, -1);
    set_if(fd, SOL_SOCKET, SO_RCVBUF, options->rcvbuf_bytes, -1);
    if (family == AF_UNIX)
        return fd;
    if (family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, !options->ipv6);
    if (options->bindtodevice.size &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, options->bindtodevice.data,
                   (socklen_t)options->bindtodevice.size) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    tune_tcp(fd, options, family);
    return fd;
}

static int close_with(int fd, int error)
{
    close(fd);
    return -error;
}

int descriptor_listen(const struct options *options, const struct sockaddr *address, socklen_t size,
                      int *made)
{
    int fd = open_socket(options, address->sa_family);
    *made = fd < 0 ? -1 : fd;
    if (fd < 0)
        return fd;
    if (address->sa_family != AF_UNIX)
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, address, size) < 0 || listen(fd, options->backlog) < 0)
        return close_with(fd, errno);
    return fd;
}

int descriptor_adopt(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return fd;
}

int descriptor_connect(const struct options *options, const struct sockaddr *address,
                       socklen_t size, const struct sockaddr *source, socklen_t source_size,
                       bool *connecting, int *made)
{
    int fd = open_socket(options, address->sa_family);
    *made = fd < 0 ? -1 : fd;
    if (fd < 0)
        return fd;
    if (source) {
        set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (bind(fd, source, source_size) < 0)
            return close_with(fd, errno);
    }
    *connecting = connect(fd, address, size) < 0;
    if (*connecting && errno != EINPROGRESS && errno != EINTR)
        return close_with(fd, errno);
    return fd;
}

static bool is_welcome(const struct options *options, int fd, const struct sockaddr *address)
{
    if (address->sa_family != AF_UNIX)
        return option_accepts_tcp(options, address);
    struct ucred user;
    socklen_t size = sizeof user;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &size) < 0)
        return false;
    return option_accepts_ipc(options, (uint32_t)user.pid, user.uid, user.gid);
}

int descriptor_accept(const struct options *options, int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    int accepted = fd_lift(
        accept4(fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted < 0)
        return -errno;
    if (!is_welcome(options, accepted, (struct sockaddr *)&address))
        return close_with(accepted, ECONNABORTED);
    set_if(accepted, SOL_SOCKET, SO_SNDBUF, options->sndbuf_bytes, -1);
    set_if(accepted, SOL_SOCKET, SO_RCVBUF, options->rcvbuf_bytes, -1);
    if (address.ss_family != AF_UNIX)
        tune_tcp(accepted, options, address.ss_family);
    return accepted;
}

/* A system whose application does not read has no room, and is asked now and then whether it has:
 * each answer counts as an acknowledgement. Linux leaves one in half a second unanswered, so only
 * two in vain count; as many as of what is sent again. */
enum delivery descriptor_delivery(int fd, uint64_t within_ms)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int waiting = 0;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        ioctl(fd, SIOCOUTQ, &waiting) < 0 || waiting == 0)
        return DELIVERY_DONE;
    if (info.tcpi_last_ack_recv <= within_ms)
        return DELIVERY_GOES_ON;
    if (info.tcpi_probes >= 2 || info.tcpi_retransmits >= 2)
        return DELIVERY_UNANSWERED;
    return info.tcpi_unacked ? DELIVERY_UNDER_WAY : DELIVERY_GOES_ON;
}

void descriptor_describe(int fd, char *text, size_t room)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    text[0] = '\0';
    if (getpeername(fd, (struct sockaddr *)&address, &size) == 0 && address.ss_family != AF_UNIX &&
        endpoint_format_address((struct sockaddr *)&address, size, text, room) == 0)
        return;
    struct ucred user;
    size = sizeof user;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &size) == 0)
        snprintf(text, room, "ipc, process %ld", (long)user.pid);
}

void descriptor_far_host(int fd, char *text, size_t room)
{
    struct sockaddr_storage address = {0};
    struct ucred user;
    socklen_t size = sizeof address, user_size = sizeof user;
    text[0] = '\0';
    if (getpeername(fd, (struct sockaddr *)&address, &size) < 0)
        return;
    if (address.ss_family != AF_UNIX)
        (void)getnameinfo((struct sockaddr *)&address, size, text, (socklen_t)room, NULL, 0,
                          NI_NUMERICHOST);
    else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &user_size) == 0)
        snprintf(text, room, "localhost:%lu:%lu:%ld", (unsigned long)user.uid,
                 (unsigned long)user.gid, (long)user.pid);
}
