/* SPDX-License-Identifier: MIT */
/* Options that are for the descriptors of connections and listeners: set on a socket, and read back
 * from the system, at both ends of a connection. */
#include "behaviour/util.h"
#include "behaviour/raw.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

enum which { LISTENING, ACCEPTED, CONNECTED };

static int port_at(int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    if (ask(fd, (struct sockaddr *)&address, &size) < 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return address.ss_family == AF_INET ? ntohs(((struct sockaddr_in *)&address)->sin_port) : 0;
}

static int number_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

/* The descriptor of this process that has to do with the port in this way, or -1. */
static int find_descriptor(int port, enum which which)
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    int found = -1;
    assert_non_null(folder);
    while (found < 0 && (entry = readdir(folder))) {
        int fd = atoi(entry->d_name), listening = 0;
        socklen_t size = sizeof listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0)
            continue;
        bool here = port_at(fd, getsockname) == port, there = port_at(fd, getpeername) == port;
        if (which == CONNECTED ? there : here && (which == LISTENING) == (listening != 0))
            found = fd;
    }
    closedir(folder);
    return found;
}

/* Two sockets over tcp that have exchanged a message. */
struct ends {
    void *bound, *connected;
    int port;
};

static struct ends open_ends(void (*prepare)(void *socket))
{
    struct ends ends = {.bound = open_socket(ZMQ_PAIR), .connected = open_socket(ZMQ_PAIR)};
    if (prepare) {
        prepare(ends.bound);
        prepare(ends.connected);
    }
    struct endpoint where = bind_to(ends.bound, "tcp://127.0.0.1:*");
    ends.port = port_of(where);
    connect_to(ends.connected, where.text);
    send_parts(ends.connected, "hello");
    expect_parts(ends.bound, "hello");
    return ends;
}

/* Both ends of the connection have this value. */
static void expect_number(const struct ends *ends, int level, int name, int value)
{
    int accepted = find_descriptor(ends->port, ACCEPTED);
    int connected = find_descriptor(ends->port, CONNECTED);
    assert_true(accepted >= 0 && connected >= 0);
    assert_int_equal(number_of(accepted, level, name), value);
    assert_int_equal(number_of(connected, level, name), value);
}

static void prepare_keepalive(void *socket)
{
    set_int(socket, ZMQ_TCP_KEEPALIVE, 1);
    set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, 3);
    set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, 70);
    set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, 11);
}

TEST(keepalive)
{
    struct ends ends = open_ends(prepare_keepalive);
    expect_number(&ends, SOL_SOCKET, SO_KEEPALIVE, 1);
    expect_number(&ends, IPPROTO_TCP, TCP_KEEPCNT, 3);
    expect_number(&ends, IPPROTO_TCP, TCP_KEEPIDLE, 70);
    expect_number(&ends, IPPROTO_TCP, TCP_KEEPINTVL, 11);
}

TEST(keepalive_is_the_systems_by_default)
{
    struct ends ends = open_ends(NULL);
    expect_number(&ends, SOL_SOCKET, SO_KEEPALIVE, 0);
    expect_number(&ends, IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
    expect_number(&ends, IPPROTO_TCP, TCP_NODELAY, 1);
}

static void prepare_no_keepalive(void *socket)
{
    prepare_keepalive(socket);
    set_int(socket, ZMQ_TCP_KEEPALIVE, 0);
}

TEST(keepalive_can_be_switched_off)
{
    struct ends ends = open_ends(prepare_no_keepalive);
    expect_number(&ends, SOL_SOCKET, SO_KEEPALIVE, 0);
}

static void prepare_maxrt(void *socket)
{
    set_int(socket, ZMQ_TCP_MAXRT, 12345);
}

TEST(longest_retransmission)
{
    struct ends ends = open_ends(prepare_maxrt);
    expect_number(&ends, IPPROTO_TCP, TCP_USER_TIMEOUT, 12345);
}

static void prepare_tos(void *socket)
{
    set_int(socket, ZMQ_TOS, 0x28);
}

TEST(type_of_service)
{
    struct ends ends = open_ends(prepare_tos);
    expect_number(&ends, IPPROTO_IP, IP_TOS, 0x28);
}

enum { BUFFER = 20000 };

static void prepare_buffers(void *socket)
{
    set_int(socket, ZMQ_SNDBUF, BUFFER);
    set_int(socket, ZMQ_RCVBUF, BUFFER);
}

TEST(buffers_of_the_system)
{
    struct ends ends = open_ends(prepare_buffers);
    expect_number(&ends, SOL_SOCKET, SO_SNDBUF, 2 * BUFFER); /* the system counts its own, too */
    expect_number(&ends, SOL_SOCKET, SO_RCVBUF, 2 * BUFFER);
}

static void prepare_device(void *socket)
{
    assert_int_equal(zmq_setsockopt(socket, ZMQ_BINDTODEVICE, "lo", 2), 0);
}

static void expect_device(int fd, const char *name)
{
    char text[32] = "";
    socklen_t size = sizeof text;
    assert_true(fd >= 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, text, &size), 0);
    assert_string_equal(text, name);
}

static bool may_bind_to_device(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool may = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) == 0;
    close(fd);
    return may;
}

TEST(device)
{
    if (!may_bind_to_device())
        skip();
    struct ends ends = open_ends(prepare_device);
    expect_device(find_descriptor(ends.port, LISTENING), "lo");
    expect_device(find_descriptor(ends.port, CONNECTED), "lo");
}

TEST(device_that_is_not_there)
{
    void *socket = open_socket(ZMQ_PULL);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_BINDTODEVICE, "nosuchdev0", 10), 0);
    assert_int_equal(zmq_bind(socket, "tcp://127.0.0.1:*"), -1);
}

TEST(backlog)
{
    void *socket = open_socket(ZMQ_PULL);
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    set_int(socket, ZMQ_BACKLOG, 17);
    int fd = find_descriptor(port_of(bind_to(socket, "tcp://127.0.0.1:*")), LISTENING);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    assert_int_equal(info.tcpi_sacked, 17); /* of one that listens, that is its backlog */
}

TEST(ipv6_takes_ipv4_too)
{
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    if (probe < 0)
        skip();
    close(probe);
    void *socket = open_socket(ZMQ_PULL);
    set_int(socket, ZMQ_IPV6, 1);
    int fd = find_descriptor(port_of(bind_to(socket, "tcp://*:*")), LISTENING);
    assert_int_equal(number_of(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
}

/* Options that change later are for later endpoints: those accepted get the listener's. */
TEST(accepted_connections_have_the_options_of_the_bind)
{
    void *bound = open_socket(ZMQ_PAIR), *connected = open_socket(ZMQ_PAIR);
    set_int(bound, ZMQ_TOS, 0x28);
    struct endpoint where = bind_to(bound, "tcp://127.0.0.1:*");
    set_int(bound, ZMQ_TOS, 0x10);
    connect_to(connected, where.text);
    send_parts(connected, "hello");
    expect_parts(bound, "hello");
    int fd = find_descriptor(port_of(where), ACCEPTED);
    assert_int_equal(number_of(fd, IPPROTO_IP, IP_TOS), 0x28);
}

static void use_descriptor(int fd, const char *endpoint)
{
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    set_int(pull, ZMQ_USE_FD, fd);
    assert_int_equal(get_int(pull, ZMQ_USE_FD), fd);
    struct endpoint where = bind_to(pull, endpoint);
    connect_to(push, where.text);
    send_parts(push, "through");
    expect_parts(pull, "through");
    assert_int_equal(zmq_unbind(pull, where.text), 0);
    wait_until(fcntl(fd, F_GETFD) == -1); /* it is the socket's now, and goes with the endpoint */
}

TEST(descriptor_of_the_application_over_tcp)
{
    int port = 0, fd = raw_listen(&port, 5);
    use_descriptor(fd, "tcp://127.0.0.1:*");
}

TEST(descriptor_of_the_application_over_ipc)
{
    char folder[] = "/tmp/greenmq-test-XXXXXX", endpoint[64];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_non_null(mkdtemp(folder));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/s", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 5), 0);
    use_descriptor(fd, endpoint);
    unlink(address.sun_path);
    rmdir(folder);
}

TEST(what_is_no_descriptor_is_not_used)
{
    better_than_libzmq(); /* it ends the process: Bad file descriptor (src/epoll.cpp:100) */
    int port = 0, fd = raw_listen(&port, 5);
    void *one = open_socket(ZMQ_PULL), *two = open_socket(ZMQ_PULL);
    set_int(one, ZMQ_USE_FD, 999999);
    expect_error(zmq_bind(one, "tcp://127.0.0.1:*"), EBADF);
    set_int(one, ZMQ_USE_FD, fd);
    bind_to(one, "tcp://127.0.0.1:*");
    set_int(two, ZMQ_USE_FD, fd);
    expect_error(zmq_bind(two, "tcp://127.0.0.1:*"), EADDRINUSE);
    assert_true(fcntl(fd, F_GETFD) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(keepalive),
        RUN(keepalive_is_the_systems_by_default),
        RUN(keepalive_can_be_switched_off),
        RUN(longest_retransmission),
        RUN(type_of_service),
        RUN(buffers_of_the_system),
        RUN(device),
        RUN(device_that_is_not_there),
        RUN(backlog),
        RUN(ipv6_takes_ipv4_too),
        RUN(accepted_connections_have_the_options_of_the_bind),
        RUN(descriptor_of_the_application_over_tcp),
        RUN(descriptor_of_the_application_over_ipc),
        RUN(what_is_no_descriptor_is_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
