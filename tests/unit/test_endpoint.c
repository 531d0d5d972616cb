/* SPDX-License-Identifier: MIT */
/* Endpoints: each answer of the first two tables was read off libzmq 4.3.4's zmq_bind and
 * zmq_connect; the third lists where we refuse what it accepts, and why is in endpoint.h. */
#include "transport/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <greenmq/zmq.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define A16          "aaaaaaaaaaaaaaaa"
#define A96          A16 A16 A16 A16 A16 A16
#define A256         A96 A96 A16 A16 A16 A16

struct answer {
    const char *text;
    int bind, connect;
};

static void assert_answers(const struct answer *answers, size_t count)
{
    struct endpoint endpoint;
    for (size_t i = 0; i < count; i++) {
        const char *text = answers[i].text;
        int bind = endpoint_parse(&endpoint, text, true);
        int connect = endpoint_parse(&endpoint, text, false);
        if (bind != answers[i].bind || connect != answers[i].connect)
            print_error("%s: bind %d, connect %d\n", text, bind, connect);
        assert_int_equal(bind, answers[i].bind);
        assert_int_equal(connect, answers[i].connect);
    }
}

static const struct answer libzmqs[] = {
    {"", -EINVAL, -EINVAL},
    {"tcp", -EINVAL, -EINVAL},
    {"tcp:/x", -EINVAL, -EINVAL},
    {"tcp://", -EINVAL, -EINVAL},
    {"foo://", -EINVAL, -EINVAL},
    {"://x", -EINVAL, -EINVAL},
    {"foo://x", -EPROTONOSUPPORT, -EPROTONOSUPPORT},
    {"TCP://127.0.0.1:5555", -EPROTONOSUPPORT, -EPROTONOSUPPORT},
    {" tcp://127.0.0.1:5555", -EPROTONOSUPPORT, -EPROTONOSUPPORT},
    {"tcp ://127.0.0.1:5555", -EPROTONOSUPPORT, -EPROTONOSUPPORT},
    {"vmci://x", -EPROTONOSUPPORT, -EPROTONOSUPPORT},
    {"inproc://", -EINVAL, -EINVAL},
    {"inproc://a", 0, 0},
    {"inproc://a://b", 0, 0},
    {"inproc://*", 0, 0},
    {"inproc://" A256, 0, 0},
    {"ipc://", -EINVAL, -EINVAL},
    {"ipc://@", -EINVAL, -EINVAL},
    {"ipc://*", 0, 0},
    {"ipc://@a", 0, 0},
    {"ipc://" A96 "aaaaaaaaaaa", 0, 0},
    {"ipc://" A96 "aaaaaaaaaaaa", -ENAMETOOLONG, -ENAMETOOLONG},
    {"ipc://@" A96 "aaaaaaaaaa", 0, 0},
    {"ipc://@" A96 "aaaaaaaaaaa", -ENAMETOOLONG, -ENAMETOOLONG},
    {"tcp://x", -EINVAL, -EINVAL},
    {"tcp://127.0.0.1", -EINVAL, -EINVAL},
    {"tcp://127.0.0.1:", -EINVAL, -EINVAL},
    {"tcp://127.0.0.1:0", 0, 0},
    {"tcp://127.0.0.1:*", 0, -EINVAL},
    {"tcp://127.0.0.1:**", -EINVAL, -EINVAL},
    {"tcp://127.0.0.1:http", -EINVAL, -EINVAL},
    {"tcp://127.0.0.1:05678", 0, 0},
    {"tcp://127.0.0.1:65535", 0, 0},
    {"tcp://127.1:5678", 0, 0},
    {"tcp://*:5678", 0, -EINVAL},
    {"tcp://*:*", 0, -EINVAL},
    {"tcp://*", -EINVAL, -EINVAL},
    {"tcp://[*]:*", 0, -EINVAL},
    {"tcp://lo:5678", 0, 0},
    {"tcp://[lo]:5678", 0, 0},
    {"tcp://localhost:5678", 0, 0},
    {"tcp://x_y:5678", 0, 0},
    {"tcp://a..b:5678", 0, 0},
    {"tcp://-x:5678", 0, -EINVAL},
    {"tcp://.:5678", 0, -EINVAL},
    {"tcp://\xc3\xa9:5678", 0, -EINVAL},
    {"tcp://a@b:5678", 0, -EINVAL},
    {"tcp://a b:5678", 0, -EINVAL},
    {"tcp:// 127.0.0.1:5678", 0, -EINVAL},
    {"tcp://%lo:5678", 0, -EINVAL},
    {"tcp://[::1]:5678", 0, 0},
    {"tcp://::1:5678", 0, 0},
    {"tcp://[::1%lo]:5678", 0, 0},
    {"tcp://[fe80::1%nosuch]:5678", -EINVAL, 0},
    {"tcp://[127.0.0.1]:5678", 0, 0},
    {"tcp://127.0.0.1:0;127.0.0.1:5678", -EINVAL, 0},
    {"tcp://127.0.0.1:*;localhost:5678", -EINVAL, 0},
    {"tcp://[::1]:0;[::1]:5678", -EINVAL, 0},
    {"tcp://lo:0;127.0.0.1:5678", -EINVAL, 0},
    {"tcp://127.0.0.1:0;", -EINVAL, -EINVAL},
    {"tcp://;127.0.0.1:5678", -EINVAL, -EINVAL},
    {"tcp://*:0;127.0.0.1:5678", -EINVAL, -EINVAL},
};

static void answers_as_libzmq(void **state)
{
    (void)state;
    assert_answers(libzmqs, COUNT(libzmqs));
    struct endpoint endpoint;
    assert_int_equal(endpoint_parse(&endpoint, NULL, true), -EINVAL);
}

static void transports_we_lack_are_named_so(void **state)
{
    (void)state;
    static const char *const others[] = {"pgm", "epgm", "norm", "tipc", "ws", "wss", "vsock"};
    for (size_t i = 0; i < COUNT(others); i++) {
        struct endpoint endpoint;
        char text[64];
        snprintf(text, sizeof(text), "%s://127.0.0.1:5555", others[i]);
        assert_int_equal(endpoint_parse(&endpoint, text, true), -EPROTONOSUPPORT);
        assert_int_equal(endpoint_parse(&endpoint, text, false), -EPROTONOSUPPORT);
        assert_int_equal(endpoint_check(text), -EPROTONOSUPPORT);
    }
    assert_int_equal(endpoint_check("udp://127.0.0.1:5555"), -ENOCOMPATPROTO);
}

/* To end something only its transport must be known: the rest is compared. */
static void to_end_something_its_transport_is_enough(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "x", "tcp", "tcp:/", "tcp://", "://x", "inproc://"};
    static const char *const good[] = {"tcp://x", "tcp://*:*", "ipc://*", "inproc://x"};
    assert_int_equal(endpoint_check(NULL), -EINVAL);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(endpoint_check(bad[i]), -EINVAL);
    for (size_t i = 0; i < COUNT(good); i++)
        assert_int_equal(endpoint_check(good[i]), 0);
}

static void refuses_what_could_never_work(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        {"tcp://127.0.0.1:65536", -EINVAL, -EINVAL},
        {"tcp://127.0.0.1:99999", -EINVAL, -EINVAL},
        {"tcp://127.0.0.1:4294972974", -EINVAL, -EINVAL},
        {"tcp://127.0.0.1:18446744073709551617", -EINVAL, -EINVAL},
        {"tcp://127.0.0.1:-1", -EINVAL, -EINVAL},
        {"tcp://127.0.0.1:5x", -EINVAL, -EINVAL},
        {"tcp://127.0.0.1:5678 ", -EINVAL, -EINVAL},
        {"tcp://127.0.0.1:5678/", -EINVAL, -EINVAL},
        {"tcp://127.0.0.1:80:90", 0, -EINVAL},
        {"tcp://:5678", -ENODEV, -EINVAL},
        {"tcp://[]:5678", -ENODEV, -EINVAL},
        {"tcp://[::1:5678", -ENODEV, -EINVAL},
        {"tcp://[::1]x:5678", -ENODEV, -EINVAL},
        {"tcp://[::1%]:5678", -EINVAL, -EINVAL},
        {"tcp://[fe80::1%a:b]:5678", -EINVAL, -EINVAL},
        {"tcp://127.0.0.1%lo:5678", 0, -EINVAL},
        {"tcp://" A256 ":5678", -ENODEV, -EINVAL},
        {"tcp://lo;127.0.0.1:5678", -EINVAL, -EINVAL},
        {"tcp://a:0;b:0;c:1", -EINVAL, -EINVAL},
        {"tcp://127.0.0.1:0;*:5678", -EINVAL, -EINVAL},
    };
    assert_answers(answers, COUNT(answers));
}

static void parse(struct endpoint *endpoint, const char *text, bool bind)
{
    memset(endpoint, 0xaa, sizeof(*endpoint));
    assert_int_equal(endpoint_parse(endpoint, text, bind), 0);
}

static void a_host_is_told_apart(void **state)
{
    (void)state;
    struct endpoint endpoint;
    parse(&endpoint, "tcp://127.0.0.1:5678", false);
    assert_int_equal(endpoint.transport, ENDPOINT_TCP);
    assert_int_equal(endpoint.host.kind, HOST_NUMERIC);
    assert_int_equal(endpoint.source.kind, HOST_NONE);
    assert_int_equal(endpoint.host.port, 5678);
    assert_int_equal(endpoint.host.address.v4.sin_family, AF_INET);
    assert_int_equal(endpoint.host.address.v4.sin_port, htons(5678));
    assert_int_equal(endpoint.host.address.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));

    parse(&endpoint, "tcp://[fe80::1%lo]:1", false);
    assert_int_equal(endpoint.host.kind, HOST_NUMERIC);
    assert_int_equal(endpoint.host.address.v6.sin6_family, AF_INET6);
    assert_int_equal(endpoint.host.address.v6.sin6_port, htons(1));
    assert_int_equal(endpoint.host.address.v6.sin6_scope_id, if_nametoindex("lo"));

    parse(&endpoint, "tcp://[fe80::1%99]:1", false);
    assert_int_equal(endpoint.host.address.v6.sin6_scope_id, 99);

    parse(&endpoint, "tcp://[fe80::1%nosuch]:1", false);
    assert_int_equal(endpoint.host.kind, HOST_NAME);
    assert_string_equal(endpoint.host.name, "fe80::1%nosuch");

    parse(&endpoint, "tcp://localhost:80", false);
    assert_int_equal(endpoint.host.kind, HOST_NAME);
    assert_string_equal(endpoint.host.name, "localhost");

    parse(&endpoint, "tcp://eth0:1:80", true);
    assert_int_equal(endpoint.host.kind, HOST_INTERFACE);
    assert_string_equal(endpoint.host.name, "eth0:1");
    assert_int_equal(endpoint.host.port, 80);

    parse(&endpoint, "tcp://*:*", true);
    assert_int_equal(endpoint.host.kind, HOST_ANY);
    assert_int_equal(endpoint.host.port, 0);

    parse(&endpoint, "tcp://lo:7;example.org:80", false);
    assert_int_equal(endpoint.source.kind, HOST_INTERFACE);
    assert_string_equal(endpoint.source.name, "lo");
    assert_int_equal(endpoint.source.port, 7);
    assert_string_equal(endpoint.host.name, "example.org");
}

static void ipc_and_inproc_have_names(void **state)
{
    (void)state;
    struct endpoint endpoint;
    parse(&endpoint, "ipc:///tmp/a b", true);
    assert_int_equal(endpoint.transport, ENDPOINT_IPC);
    assert_false(endpoint.is_abstract);
    assert_false(endpoint.is_wildcard);
    assert_string_equal(endpoint.name, "/tmp/a b");
    parse(&endpoint, "ipc://@*", true);
    assert_true(endpoint.is_abstract);
    assert_string_equal(endpoint.name, "*");
    parse(&endpoint, "ipc://*", true);
    assert_true(endpoint.is_wildcard);
    parse(&endpoint, "ipc://*", false);
    assert_false(endpoint.is_wildcard);
    assert_string_equal(endpoint.name, "*");
    parse(&endpoint, "inproc://a://b", true);
    assert_int_equal(endpoint.transport, ENDPOINT_INPROC);
    assert_string_equal(endpoint.inproc, "a://b");
}

static void text_becomes_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
        bool bind;
    } pairs[] = {
        {"tcp://127.1:05678", "tcp://127.0.0.1:5678", true},
        {"tcp://*:*", "tcp://*:0", true},
        {"tcp://[lo]:1", "tcp://lo:1", true},
        {"tcp://[0:0:0:0:0:0:0:1]:1", "tcp://[::1]:1", true},
        {"tcp://2001:DB8::1:1", "tcp://[2001:db8::1]:1", true},
        {"tcp://[fe80::1%lo]:1", "tcp://[fe80::1%lo]:1", true},
        {"tcp://[fe80::1%nosuch]:1", "tcp://[fe80::1%nosuch]:1", false},
        {"tcp://[::1]:*;[::1]:1", "tcp://[::1]:0;[::1]:1", false},
        {"ipc://@name", "ipc://@name", false},
        {"ipc:///path", "ipc:///path", false},
        {"ipc://*", "ipc://*", true},
        {"inproc://name", "inproc://name", true},
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct endpoint endpoint;
        char text[ENDPOINT_TEXT_MAX];
        size_t length = strlen(pairs[i].canonical);
        parse(&endpoint, pairs[i].text, pairs[i].bind);
        assert_int_equal(endpoint_format(&endpoint, text, length), -ENAMETOOLONG);
        assert_int_equal(endpoint_format(&endpoint, text, length + 1), 0);
        assert_string_equal(text, pairs[i].canonical);
    }
}

static void the_longest_text_fits(void **state)
{
    (void)state;
    struct endpoint endpoint;
    char long_name[ENDPOINT_HOST_MAX + 1], text[2 * sizeof(long_name) + 64];
    char out[ENDPOINT_TEXT_MAX];
    memset(long_name, 'a', ENDPOINT_HOST_MAX);
    long_name[ENDPOINT_HOST_MAX] = '\0';
    snprintf(text, sizeof(text), "tcp://%s:65535;%s:65535", long_name, long_name);
    parse(&endpoint, text, false);
    assert_int_equal(endpoint_format(&endpoint, out, sizeof(out)), 0);
    assert_string_equal(out, text);
}

static void assert_local(const char *text, bool ipv6, const char *expected)
{
    struct endpoint endpoint;
    union endpoint_address address;
    char out[ENDPOINT_TEXT_MAX];
    parse(&endpoint, text, true);
    assert_int_equal(endpoint_local(&endpoint.host, ipv6, &address), 0);
    assert_int_equal(endpoint_format_address(&address.any, sizeof(address), out, sizeof(out)), 0);
    assert_string_equal(out, expected);
}

static void assert_not_local(const char *text, bool ipv6)
{
    struct endpoint endpoint;
    union endpoint_address address;
    parse(&endpoint, text, true);
    assert_int_equal(endpoint_local(&endpoint.host, ipv6, &address), -ENODEV);
}

static void local_addresses_follow_the_ipv6_option(void **state)
{
    (void)state;
    assert_local("tcp://*:5555", false, "tcp://0.0.0.0:5555");
    assert_local("tcp://*:5555", true, "tcp://[::]:5555");
    assert_local("tcp://127.0.0.1:5555", false, "tcp://127.0.0.1:5555");
    assert_local("tcp://127.0.0.1:5555", true, "tcp://[::ffff:127.0.0.1]:5555");
    assert_local("tcp://[::1]:5555", true, "tcp://[::1]:5555");
    assert_local("tcp://[::ffff:127.0.0.1]:5555", false, "tcp://127.0.0.1:5555");
    assert_local("tcp://[::ffff:127.0.0.1]:5555", true, "tcp://[::ffff:127.0.0.1]:5555");
    assert_local("tcp://lo:5555", false, "tcp://127.0.0.1:5555");
    assert_not_local("tcp://[::1]:5555", false);
    assert_not_local("tcp://localhost:5555", false);
    assert_not_local("tcp://127.0.0.1:80:90", true);
}

static void interfaces_have_addresses(void **state)
{
    (void)state;
    union endpoint_address address;
    assert_int_equal(endpoint_interface("lo", false, &address), 0);
    assert_int_equal(address.v4.sin_family, AF_INET);
    assert_int_equal(address.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(address.v4.sin_port, 0);
    /* ::1, or where the machine has no IPv6 the IPv4 address. */
    assert_int_equal(endpoint_interface("lo", true, &address), 0);
    if (address.any.sa_family == AF_INET6)
        assert_memory_equal(&address.v6.sin6_addr, &in6addr_loopback, 16);
    else
        assert_int_equal(address.v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(endpoint_interface("nosuch0", false, &address), -ENODEV);
    assert_int_equal(endpoint_interface("", true, &address), -ENODEV);
}

/* Binds an ipc endpoint and reads back, as a listener does, what it is bound to. */
static void bound_name(const char *text, char *out, size_t size)
{
    struct endpoint endpoint;
    struct sockaddr_un address;
    parse(&endpoint, text, true);
    socklen_t length = endpoint_unix(&endpoint, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    memset(&address, 0, sizeof(address));
    length = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(endpoint_format_address((struct sockaddr *)&address, length, out, size), 0);
    close(fd);
}

static void bound_ipc_sockets_tell_their_name(void **state)
{
    (void)state;
    char folder[] = "/tmp/greenmq-endpoint-XXXXXX", text[256], out[ENDPOINT_TEXT_MAX];
    assert_non_null(mkdtemp(folder));
    snprintf(text, sizeof(text), "ipc://%s/s", folder);
    bound_name(text, out, sizeof(out));
    assert_string_equal(out, text);
    unlink(text + strlen("ipc://"));

    /* The longest path: 107 octets, so that the kernel keeps no room for a NUL. */
    snprintf(text, sizeof(text), "ipc://%s/%.*s", folder, 107 - (int)strlen(folder) - 1, A256);
    bound_name(text, out, sizeof(out));
    assert_string_equal(out, text);
    unlink(text + strlen("ipc://"));
    rmdir(folder);

    snprintf(text, sizeof(text), "ipc://@greenmq-endpoint-%d", (int)getpid());
    bound_name(text, out, sizeof(out));
    assert_string_equal(out, text);
}

static void other_addresses_have_no_text(void **state)
{
    (void)state;
    char out[ENDPOINT_TEXT_MAX];
    struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
    struct sockaddr other = {.sa_family = AF_UNSPEC};
    socklen_t none = offsetof(struct sockaddr_un, sun_path);
    assert_int_equal(endpoint_format_address((struct sockaddr *)&unnamed, none, out, sizeof(out)),
                     -EINVAL);
    assert_int_equal(endpoint_format_address(&other, sizeof(other), out, sizeof(out)), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_as_libzmq),
        cmocka_unit_test(transports_we_lack_are_named_so),
        cmocka_unit_test(to_end_something_its_transport_is_enough),
        cmocka_unit_test(refuses_what_could_never_work),
        cmocka_unit_test(a_host_is_told_apart),
        cmocka_unit_test(ipc_and_inproc_have_names),
        cmocka_unit_test(text_becomes_canonical),
        cmocka_unit_test(the_longest_text_fits),
        cmocka_unit_test(local_addresses_follow_the_ipv6_option),
        cmocka_unit_test(interfaces_have_addresses),
        cmocka_unit_test(bound_ipc_sockets_tell_their_name),
        cmocka_unit_test(other_addresses_have_no_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
