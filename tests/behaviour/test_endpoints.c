/* SPDX-License-Identifier: MIT */
/*
 * Endpoints that work: wildcards and ZMQ_LAST_ENDPOINT, several of them on one socket, ending them
 * again, names, IPv6, a chosen source address, ipc paths and abstract names. zmq_bind(3),
 * zmq_connect(3), zmq_unbind(3), zmq_disconnect(3), zmq_tcp(7), zmq_ipc(7), zmq_inproc(7).
 */
#include <sys/stat.h>
#include <sys/un.h>

#include "behaviour/util.h"
#include "behaviour/raw.h"

static void expect_works(void *push, void *pull)
{
    send_parts(push, "works");
    expect_parts(pull, "works");
}

static bool starts_with(struct endpoint endpoint, const char *start)
{
    return strncmp(endpoint.text, start, strlen(start)) == 0;
}

/* A folder of this test's own for ipc paths; the caller removes it with rmdir. */
static void make_folder(char folder[32])
{
    snprintf(folder, 32, "/tmp/behaviour-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

TEST(tcp_wildcards_are_resolved)
{
    static const char *const forms[] = {"tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://*:*",
                                        "tcp://*:0", "tcp://lo:*"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        void *pull = open_socket(ZMQ_PULL);
        void *push = open_socket(ZMQ_PUSH);
        struct endpoint where = bind_to(pull, forms[i]);
        char text[64];
        bool any = strchr(forms[i], '*') == forms[i] + strlen("tcp://");
        assert_true(starts_with(where, any ? "tcp://0.0.0.0:" : "tcp://127.0.0.1:"));
        assert_in_range(port_of(where), 1, 65535);
        snprintf(text, sizeof text, "tcp://127.0.0.1:%d", port_of(where));
        connect_to(push, text);
        expect_works(push, pull);
    }
}

TEST(last_endpoint_is_the_last)
{
    void *dealer = open_socket(ZMQ_DEALER);
    void *peer = open_socket(ZMQ_DEALER);
    char text[256] = "?";
    size_t size = sizeof text;
    assert_int_equal(zmq_getsockopt(dealer, ZMQ_LAST_ENDPOINT, text, &size), 0);
    assert_string_equal(text, "");
    struct endpoint first = bind_to(dealer, "tcp://127.0.0.1:*");
    struct endpoint second = bind_to(dealer, "tcp://127.0.0.1:*");
    assert_string_not_equal(first.text, second.text);
    assert_string_equal(bind_to(dealer, "inproc://name").text, "inproc://name");
    connect_to(peer, first.text);
    assert_string_equal(last_endpoint(peer).text, first.text);
    size = sizeof text;
    assert_int_equal(zmq_getsockopt(peer, ZMQ_LAST_ENDPOINT, text, &size), 0);
    assert_int_equal(size, strlen(first.text) + 1); /* the closing zero counts */
    size = strlen(first.text);
    expect_error(zmq_getsockopt(peer, ZMQ_LAST_ENDPOINT, text, &size), EINVAL);
}

TEST(several_binds_on_one_socket)
{
    static const char *const forms[] = {"tcp://127.0.0.1:*", "ipc://*", "inproc://a",
                                        "tcp://127.0.0.1:*", "inproc://b"};
    void *pull = open_socket(ZMQ_PULL);
    for (size_t i = 0; i < 5; i++) {
        void *push = open_socket(ZMQ_PUSH);
        connect_to(push, bind_to(pull, forms[i]).text);
        expect_works(push, pull);
    }
}

TEST(several_connects_on_one_socket)
{
    static const char *const forms[] = {"tcp://127.0.0.1:*", "ipc://*", "inproc://a",
                                        "tcp://127.0.0.1:*"};
    void *push = open_socket(ZMQ_PUSH);
    void *pull[4];
    for (int i = 0; i < 4; i++) {
        pull[i] = open_socket(ZMQ_PULL);
        connect_to(push, bind_to(pull[i], forms[i]).text);
    }
    for (int i = 0; i < 8; i++)
        send_number(push, i, 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(recv_number(pull[i % 4]), i);
}

TEST(bound_and_connected_socket)
{
    void *middle = open_socket(ZMQ_DEALER);
    void *left = open_socket(ZMQ_DEALER);
    void *right = open_socket(ZMQ_DEALER);
    connect_to(middle, bind_to(left, *state).text);
    bind_to(middle, "inproc://middle");
    connect_to(right, "inproc://middle");
    send_parts(left, "from the left");
    expect_parts(middle, "from the left");
    send_parts(right, "from the right");
    expect_parts(middle, "from the right");
}

/* Two connections to one endpoint are two peers. */
TEST(connecting_twice_makes_two_connections)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = open_socket(ZMQ_DEALER);
    struct endpoint where = bind_to(router, "inproc://twice");
    connect_to(dealer, where.text);
    connect_to(dealer, where.text);
    send_parts(dealer, "one");
    send_parts(dealer, "two");
    struct part first = recv_id(router);
    expect_parts(router, "one");
    struct part second = recv_id(router);
    expect_parts(router, "two");
    assert_memory_not_equal(first.data, second.data, 5);
}

static bool is_listening(int port)
{
    struct sockaddr_in address = raw_address(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int rc = connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return rc == 0;
}

TEST(unbound_endpoint_takes_nobody_new)
{
    void *pull = open_socket(ZMQ_PULL);
    void *other = open_socket(ZMQ_PULL);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    assert_true(is_listening(port_of(where)));
    assert_int_equal(zmq_unbind(pull, where.text), 0);
    wait_until(!is_listening(port_of(where)));
    expect_error(zmq_unbind(pull, where.text), ENOENT);
    assert_int_equal(zmq_bind(other, where.text), 0);
}

TEST(disconnecting_ends_all_of_the_name)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    struct endpoint where = bind_to(pull, *state);
    connect_to(push, where.text);
    connect_to(push, where.text);
    assert_int_equal(zmq_disconnect(push, where.text), 0);
    expect_error(zmq_disconnect(push, where.text), ENOENT);
    expect_error(zmq_send(push, "m", 1, ZMQ_DONTWAIT), EAGAIN);
}

/* Of one socket, to one place: those that a second connection would only confuse have none. */
TEST(connecting_twice_is_once_for_some)
{
    static const struct {
        int type, connections;
    } types[] = {{ZMQ_PAIR, 2}, {ZMQ_PUB, 1},    {ZMQ_SUB, 1},  {ZMQ_REQ, 1},
                 {ZMQ_REP, 2},  {ZMQ_DEALER, 1}, {ZMQ_PUSH, 2}, {ZMQ_XSUB, 2}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        int port = 0, listener = raw_listen(&port, 5), found[2], count = 0;
        struct endpoint where;
        void *socket = open_socket(types[i].type);
        snprintf(where.text, sizeof where.text, "tcp://127.0.0.1:%d", port);
        set_int(socket, ZMQ_RECONNECT_IVL, -1);
        connect_to(socket, where.text);
        connect_to(socket, where.text);
        for (; count < types[i].connections; count++)
            found[count] = raw_accept(listener);
        assert_false(raw_readable(listener, types[i].connections == 1 ? QUIET_MS : 0));
        while (count)
            close(found[--count]);
        close(listener);
    }
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool can = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return can;
}

/* LAST_ENDPOINT says how the system writes an address; other ways to write it name it, too. */
TEST(addresses_may_be_written_in_several_ways)
{
    static const struct {
        const char *bind, *end;
        int ipv6;
    } pairs[] = {{"tcp://127.0.0.1", "tcp://127.1", 0},
                 {"tcp://127.0.0.1", "tcp://[::ffff:127.0.0.1]", 0},
                 {"tcp://127.1", "tcp://[127.0.0.1]", 0},
                 {"tcp://127.0.0.1", "tcp://127.0.0.1", 1},
                 {"tcp://[::1]", "tcp://::1", 1}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        void *socket = open_socket(ZMQ_PULL), *finder = open_socket(ZMQ_PULL);
        char text[64];
        if (pairs[i].ipv6 && !has_ipv6())
            continue;
        set_int(socket, ZMQ_IPV6, pairs[i].ipv6);
        int port = port_of(bind_to(finder, "tcp://127.0.0.1:*"));
        close_socket(finder);
        snprintf(text, sizeof text, "%s:%d", pairs[i].bind, port);
        wait_until(zmq_bind(socket, text) == 0);
        snprintf(text, sizeof text, "%s:%d", pairs[i].end, port);
        assert_int_equal(zmq_unbind(socket, text), 0);
        expect_error(zmq_unbind(socket, text), ENOENT);
    }
}

TEST(with_ipv6_addresses_of_ipv4_are_mapped)
{
    if (!has_ipv6())
        skip();
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    set_int(pull, ZMQ_IPV6, 1);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    assert_memory_equal(where.text, "tcp://[::ffff:127.0.0.1]:", 25);
    connect_to(push, where.text);
    expect_works(push, pull);
}

TEST(names_within_a_process_have_any_length)
{
    char name[2000] = "inproc://";
    memset(name + 9, 'n', sizeof name - 10);
    name[sizeof name - 1] = '\0';
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    connect_to(push, name);
    assert_int_equal(zmq_bind(pull, name), 0);
    expect_works(push, pull);
}

TEST(unbound_name_can_be_bound_again)
{
    void *first = open_socket(ZMQ_PULL);
    void *second = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    struct endpoint where = bind_to(first, *state);
    assert_int_equal(zmq_unbind(first, where.text), 0);
    wait_until(zmq_bind(second, where.text) == 0);
    connect_to(push, where.text);
    expect_works(push, second);
}

TEST(other_endpoints_outlive_an_unbound_one)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    struct endpoint first = bind_to(pull, "tcp://127.0.0.1:*");
    struct endpoint second = bind_to(pull, "tcp://127.0.0.1:*");
    connect_to(push, second.text);
    assert_int_equal(zmq_unbind(pull, first.text), 0);
    expect_works(push, pull);
}

TEST(disconnected_endpoint_gets_nothing_more)
{
    void *push = open_socket(ZMQ_PUSH);
    void *left = open_socket(ZMQ_PULL);
    void *right = open_socket(ZMQ_PULL);
    struct endpoint where = bind_to(left, *state);
    connect_to(push, where.text);
    bind_to(right, "inproc://right");
    connect_to(push, "inproc://right");
    send_parts(push, "one");
    send_parts(push, "two");
    expect_parts(left, "one");
    expect_parts(right, "two");
    assert_int_equal(zmq_disconnect(push, where.text), 0);
    for (int i = 0; i < 10; i++)
        send_number(push, i, 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(recv_number(right), i);
    expect_error(zmq_disconnect(push, where.text), ENOENT);
    expect_error(zmq_recv(left, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

TEST(disconnected_endpoint_can_be_connected_again)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint where = bind_to(pull, *state);
    for (int i = 0; i < 5; i++) {
        connect_to(push, where.text);
        expect_works(push, pull);
        assert_int_equal(zmq_disconnect(push, where.text), 0);
        expect_error(zmq_send(push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    }
}

TEST(names_are_resolved)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    char text[64];
    snprintf(text, sizeof text, "tcp://localhost:%d", port_of(bind_to(pull, "tcp://127.0.0.1:*")));
    connect_to(push, text);
    assert_string_equal(last_endpoint(push).text, text);
    expect_works(push, pull);
    assert_int_equal(zmq_disconnect(push, text), 0);
}

TEST(ipv6_loopback)
{
    if (!has_ipv6())
        skip();
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    set_int(pull, ZMQ_IPV6, 1);
    set_int(push, ZMQ_IPV6, 1);
    struct endpoint where = bind_to(pull, "tcp://[::1]:*");
    assert_true(starts_with(where, "tcp://[::1]:"));
    connect_to(push, where.text);
    expect_works(push, pull);
}

TEST(ipv6_wildcard_takes_ipv4_too)
{
    if (!has_ipv6())
        skip();
    void *pull = open_socket(ZMQ_PULL);
    void *push4 = open_socket(ZMQ_PUSH);
    void *push6 = open_socket(ZMQ_PUSH);
    set_int(pull, ZMQ_IPV6, 1);
    set_int(push6, ZMQ_IPV6, 1);
    struct endpoint where = bind_to(pull, "tcp://*:*");
    assert_true(starts_with(where, "tcp://[::]:"));
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%d", port_of(where));
    connect_to(push4, text);
    expect_works(push4, pull);
    snprintf(text, sizeof text, "tcp://[::1]:%d", port_of(where));
    connect_to(push6, text);
    expect_works(push6, pull);
}

/* 127.0.0.2 is this machine as well, so it can be told from the usual source. */
TEST(source_address_can_be_chosen)
{
    int port = 0;
    int listener = raw_listen(&port, 5);
    void *push = open_socket(ZMQ_PUSH);
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.2:0;127.0.0.1:%d", port);
    connect_to(push, text);
    assert_true(raw_readable(listener, DEADLINE_MS));
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int fd = accept(listener, (struct sockaddr *)&from, &size);
    assert_int_equal(ntohl(from.sin_addr.s_addr), 0x7f000002);
    close(fd);
    assert_int_equal(zmq_disconnect(push, text), 0);
    close(listener);
}

TEST(messages_pass_from_a_chosen_source)
{
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:0;127.0.0.1:%d",
             port_of(bind_to(pull, "tcp://127.0.0.1:*")));
    connect_to(push, text);
    expect_works(push, pull);
}

TEST(ipc_path_is_a_file_that_goes_with_its_socket)
{
    char folder[32], path[48], text[64];
    struct stat found;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(text, sizeof text, "ipc://%s", path);
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    assert_string_equal(bind_to(pull, text).text, text);
    assert_int_equal(stat(path, &found), 0);
    assert_true(S_ISSOCK(found.st_mode));
    connect_to(push, text);
    expect_works(push, pull);
    assert_int_equal(zmq_unbind(pull, text), 0);
    if (ON_LIBZMQ)
        unlink(path); /* which leaves it behind */
    wait_until(rmdir(folder) == 0);
}

TEST(ipc_socket_left_by_a_dead_process_is_replaced)
{
    char folder[32], path[48], text[64];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/socket", folder);
    snprintf(text, sizeof text, "ipc://%s", path);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd); /* the file stays, as when its owner was killed */
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    bind_to(pull, text);
    connect_to(push, text);
    expect_works(push, pull);
    assert_int_equal(zmq_unbind(pull, text), 0);
    if (ON_LIBZMQ)
        unlink(path);
    wait_until(rmdir(folder) == 0);
}

/* libzmq removes whatever stands at the path before it binds. */
TEST(ipc_spares_a_file_that_is_no_socket)
{
    better_than_libzmq();
    char folder[32], path[48], text[64];
    struct stat found;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/precious", folder);
    snprintf(text, sizeof text, "ipc://%s", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("precious", file);
    fclose(file);
    void *pull = open_socket(ZMQ_PULL);
    expect_error(zmq_bind(pull, text), EADDRINUSE);
    assert_int_equal(stat(path, &found), 0);
    assert_true(S_ISREG(found.st_mode));
    assert_int_equal(found.st_size, 8);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

TEST(ipc_abstract_names)
{
    char text[64];
    snprintf(text, sizeof text, "ipc://@behaviour-%d", (int)getpid());
    void *pull = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    assert_string_equal(bind_to(pull, text).text, text);
    connect_to(push, text);
    expect_works(push, pull);
    expect_error(zmq_bind(open_socket(ZMQ_PULL), text), EADDRINUSE);
}

TEST(ipc_wildcards_differ)
{
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint first = bind_to(pull, "ipc://*");
    struct endpoint second = bind_to(pull, "ipc://*");
    assert_true(starts_with(first, "ipc://"));
    assert_string_not_equal(first.text, second.text);
}

TEST(inproc_names_belong_to_their_context)
{
    void *other = zmq_ctx_new();
    void *here = open_socket(ZMQ_PULL);
    void *push = open_socket(ZMQ_PUSH);
    void *there = zmq_socket(other, ZMQ_PULL);
    bind_to(here, "inproc://same");
    assert_int_equal(zmq_bind(there, "inproc://same"), 0);
    connect_to(push, "inproc://same");
    expect_works(push, here);
    assert_int_equal(zmq_close(there), 0);
    assert_int_equal(zmq_ctx_term(other), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(tcp_wildcards_are_resolved),
        RUN(last_endpoint_is_the_last),
        RUN(several_binds_on_one_socket),
        RUN(several_connects_on_one_socket),
        OVER_ALL(bound_and_connected_socket),
        RUN(connecting_twice_makes_two_connections),
        RUN(unbound_endpoint_takes_nobody_new),
        OVER_ALL(disconnecting_ends_all_of_the_name),
        RUN(connecting_twice_is_once_for_some),
        RUN(addresses_may_be_written_in_several_ways),
        RUN(with_ipv6_addresses_of_ipv4_are_mapped),
        RUN(names_within_a_process_have_any_length),
        OVER(unbound_name_can_be_bound_again, "tcp", "tcp://127.0.0.1:*"),
        OVER(unbound_name_can_be_bound_again, "ipc", "ipc://@bound-again"),
        OVER(unbound_name_can_be_bound_again, "inproc", "inproc://here"),
        RUN(other_endpoints_outlive_an_unbound_one),
        OVER_ALL(disconnected_endpoint_gets_nothing_more),
        OVER_ALL(disconnected_endpoint_can_be_connected_again),
        RUN(names_are_resolved),
        RUN(ipv6_loopback),
        RUN(ipv6_wildcard_takes_ipv4_too),
        RUN(source_address_can_be_chosen),
        RUN(messages_pass_from_a_chosen_source),
        RUN(ipc_path_is_a_file_that_goes_with_its_socket),
        RUN(ipc_socket_left_by_a_dead_process_is_replaced),
        RUN(ipc_spares_a_file_that_is_no_socket),
        RUN(ipc_abstract_names),
        RUN(ipc_wildcards_differ),
        RUN(inproc_names_belong_to_their_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
