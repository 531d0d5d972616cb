/* SPDX-License-Identifier: MIT */
/*
 * ZMQ_SOCKS_PROXY: connections through a SOCKS5 proxy (RFC 1928), what it is asked, and what
 * happens when it refuses, errs, or dies. zmq_setsockopt(3).
 */
#define ZMQ_BUILD_DRAFT_API
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/octets.h"
#include "behaviour/proxy.h"

/* A PULL, and a PUSH that reaches it by way of a proxy. */
struct way {
    struct proxy proxy;
    pthread_t thread;
    void *pull, *push;
    int port;
};

static void open_way(struct way *way)
{
    way->pull = open_socket(ZMQ_PULL);
    way->push = open_socket(ZMQ_PUSH);
    way->port = port_of(bind_to(way->pull, "tcp://127.0.0.1:*"));
    proxy_init(&way->proxy, way->port);
}

static void set_proxy(void *socket, const char *host, int port)
{
    char text[64];
    snprintf(text, sizeof text, "%s:%d", host, port);
    set_text(socket, ZMQ_SOCKS_PROXY, text);
}

/* Starts the proxy and connects to the port of the PULL under any name. */
static struct endpoint go(struct way *way, const char *host)
{
    struct endpoint target;
    way->thread = start_thread(proxy_run, &way->proxy);
    set_proxy(way->push, "127.0.0.1", way->proxy.port);
    snprintf(target.text, sizeof target.text, "tcp://%s:%d", host, way->port);
    connect_to(way->push, target.text);
    assert_string_equal(last_endpoint(way->push).text, target.text);
    return target;
}

static void end_way(struct way *way)
{
    set_int(way->push, ZMQ_LINGER, 0);
    close_socket(way->push);
    proxy_end(&way->proxy, way->thread);
}

/* All that it was asked: a method, and the target that stands here without its port. */
static void expect_target(struct way *way, const char *target, size_t size)
{
    char all[300] = "\5\1\0\5\1\0";
    memcpy(all + 6, target, size);
    all[6 + size] = (char)(way->port >> 8);
    all[7 + size] = (char)way->port;
    expect_asked(&way->proxy, all, size + 8);
}

#define EXPECT_TARGET(way, octets) expect_target(way, octets, sizeof(octets) - 1)

TEST(an_address_is_asked_for)
{
    struct way way;
    open_way(&way);
    go(&way, "127.0.0.1");
    send_parts(way.push, "one", "way");
    expect_parts(way.pull, "one", "way");
    EXPECT_TARGET(&way, "\1\x7f\0\0\1");
    end_way(&way);
}

TEST(a_name_is_the_proxys_to_resolve)
{
    struct way way;
    open_way(&way);
    go(&way, "nobody.knows.invalid");
    send_parts(way.push, "hello");
    expect_parts(way.pull, "hello");
    EXPECT_TARGET(&way, "\3\x14nobody.knows.invalid");
    end_way(&way);
}

/* Whatever this side speaks itself. */
TEST(an_ipv6_address_is_asked_for)
{
    struct way way;
    open_way(&way);
    go(&way, "[2001:db8::1]");
    send_parts(way.push, "hello");
    expect_parts(way.pull, "hello");
    EXPECT_TARGET(&way, "\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1");
    end_way(&way);
}

/* By a proxy that only listens: where the connection comes from. */
static void expect_from(const char *source, const char *endpoint, const char *expected)
{
    int port = 0, listener = raw_listen(&port, 5);
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    char text[64], host[INET_ADDRSTRLEN];
    void *push = open_socket(ZMQ_PUSH);
    set_int(push, ZMQ_LINGER, 0);
    snprintf(text, sizeof text, "%s127.0.0.1:%d", source, port);
    set_text(push, ZMQ_SOCKS_PROXY, text);
    connect_to(push, endpoint);
    int fd = raw_accept(listener);
    assert_int_equal(getpeername(fd, (struct sockaddr *)&from, &size), 0);
    assert_string_equal(inet_ntop(AF_INET, &from.sin_addr, host, sizeof host), expected);
    raw_recv(fd, text, 3);
    assert_memory_equal(text, "\5\1\0", 3);
    close_socket(push);
    close(fd);
    close(listener);
}

/* That of the proxy's text goes before that of the endpoint. libzmq asks for a host that has the
 * name SOURCE;HOST, and aborts when it is closed before the proxy has answered. */
TEST(a_proxy_is_dialed_from_a_source)
{
    better_than_libzmq();
    expect_from("127.0.0.2:0;", "tcp://127.0.0.1:5555", "127.0.0.2");
    expect_from("", "tcp://127.0.0.3:0;127.0.0.1:5555", "127.0.0.3");
    expect_from("127.0.0.2:0;", "tcp://127.0.0.3:0;127.0.0.1:5555", "127.0.0.2");
}

TEST(a_proxy_has_a_name)
{
    struct way way;
    open_way(&way);
    way.thread = start_thread(proxy_run, &way.proxy);
    set_proxy(way.push, "localhost", way.proxy.port);
    connect_to(way.push, endpoint_of(way.port).text);
    send_parts(way.push, "hello");
    expect_parts(way.pull, "hello");
    end_way(&way);
}

TEST(answers_come_in_drops)
{
    struct way way;
    open_way(&way);
    way.proxy.in_drops = true;
    PROXY_TELLS(&way.proxy, reply, "\5\0\0\3\4host\x12\x34");
    go(&way, "127.0.0.1");
    send_parts(way.push, "hello");
    expect_parts(way.pull, "hello");
    end_way(&way);
}

TEST(an_answer_tells_an_ipv6_address)
{
    struct way way;
    open_way(&way);
    PROXY_TELLS(&way.proxy, reply, "\5\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0");
    go(&way, "127.0.0.1");
    send_parts(way.push, "hello");
    expect_parts(way.pull, "hello");
    end_way(&way);
}

TEST(a_connection_comes_back_through_the_proxy)
{
    struct way way;
    open_way(&way);
    go(&way, "127.0.0.1");
    send_parts(way.push, "first");
    expect_parts(way.pull, "first");
    assert_true(proxy_cut(&way.proxy));
    wait_until(proxy_count(&way.proxy) == 2);
    send_parts(way.push, "second");
    expect_parts(way.pull, "second");
    assert_int_equal(proxy_count(&way.proxy), 2);
    end_way(&way);
}

TEST(a_proxy_may_start_late)
{
    struct way way;
    open_way(&way);
    close(way.proxy.listener);
    way.proxy.port = 0;
    way.proxy.listener = raw_bind(&way.proxy.port);
    set_proxy(way.push, "127.0.0.1", way.proxy.port);
    connect_to(way.push, endpoint_of(way.port).text);
    send_parts(way.push, "patient");
    expect_nothing(way.pull);
    assert_int_equal(listen(way.proxy.listener, 8), 0);
    way.thread = start_thread(proxy_run, &way.proxy);
    expect_parts(way.pull, "patient");
    end_way(&way);
}

/* It is asked again and again, and no faster than ZMQ_RECONNECT_IVL allows. */
static void expect_retries(struct way *way)
{
    better_than_libzmq(); /* it aborts, or waits for ever */
    way->proxy.target = 0;
    set_int(way->push, ZMQ_RECONNECT_IVL, 40);
    int64_t since = now_ms();
    go(way, "127.0.0.1");
    wait_until(proxy_count(&way->proxy) >= 4);
    assert_true(now_ms() - since >= 60);
    end_way(way);
}

TEST(a_proxy_that_cannot_is_asked_again)
{
    struct way way;
    open_way(&way);
    PROXY_TELLS(&way.proxy, reply, "\5\5\0\1\0\0\0\0\0\0");
    expect_retries(&way);
}

TEST(a_proxy_that_refuses_our_method_is_asked_again)
{
    struct way way;
    open_way(&way);
    PROXY_TELLS(&way.proxy, method, "\5\xff");
    expect_retries(&way);
}

TEST(a_proxy_that_wants_a_login_is_asked_again)
{
    struct way way;
    open_way(&way);
    PROXY_TELLS(&way.proxy, method, "\5\2");
    expect_retries(&way);
}

TEST(a_proxy_that_speaks_something_else_is_asked_again)
{
    struct way way;
    open_way(&way);
    PROXY_TELLS(&way.proxy, method, "HTTP/1.0 400 Bad Request\r\n\r\n");
    expect_retries(&way);
}

TEST(a_reply_of_nonsense_is_asked_again)
{
    struct way way;
    open_way(&way);
    PROXY_TELLS(&way.proxy, reply, "\5\0\0\7nonsense");
    expect_retries(&way);
}

TEST(a_proxy_that_hangs_up_is_asked_again)
{
    struct way way;
    open_way(&way);
    PROXY_TELLS(&way.proxy, reply, "\5\0\0\1");
    expect_retries(&way);
}

TEST(a_proxy_that_says_nothing_is_given_up)
{
    struct way way;
    open_way(&way);
    way.proxy.method_size = 0;
    set_int(way.push, ZMQ_HANDSHAKE_IVL, 50);
    expect_retries(&way);
}

TEST(a_user_logs_in)
{
    struct way way;
    open_way(&way);
    set_text(way.push, ZMQ_SOCKS_USERNAME, "anna");
    set_text(way.push, ZMQ_SOCKS_PASSWORD, "secret");
    PROXY_TELLS(&way.proxy, method, "\5\2");
    PROXY_TELLS(&way.proxy, login, "\1\0");
    go(&way, "127.0.0.1");
    send_parts(way.push, "hello");
    expect_parts(way.pull, "hello");
    char all[] = "\5\1\2\1\4anna\6secret\5\1\0\1\x7f\0\0\1??";
    all[sizeof all - 3] = (char)(way.port >> 8);
    all[sizeof all - 2] = (char)way.port;
    expect_asked(&way.proxy, all, sizeof all - 1);
    end_way(&way);
}

TEST(a_wrong_password_is_tried_again)
{
    struct way way;
    open_way(&way);
    set_text(way.push, ZMQ_SOCKS_USERNAME, "anna");
    PROXY_TELLS(&way.proxy, method, "\5\2");
    PROXY_TELLS(&way.proxy, login, "\1\1");
    expect_retries(&way);
}

/* What is no HOST:PORT is dialed by nobody, and nobody is told. */
TEST(a_proxy_that_is_no_address_is_never_reached)
{
    static const char *const proxies[] = {"nonsense", "127.0.0.1", "127.0.0.1:"};
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint at = bind_to(pull, "tcp://127.0.0.1:*");
    for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) {
        void *push = open_socket(ZMQ_PUSH);
        set_text(push, ZMQ_SOCKS_PROXY, proxies[i]);
        connect_to(push, at.text);
        assert_int_equal(zmq_disconnect(push, at.text), 0);
        connect_to(push, at.text);
    }
    expect_nothing(pull);
}

TEST(a_proxy_can_be_unset)
{
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    char text[64];
    size_t size = sizeof text;
    set_text(push, ZMQ_SOCKS_PROXY, "127.0.0.1:1");
    assert_int_equal(zmq_getsockopt(push, ZMQ_SOCKS_PROXY, text, &size), 0);
    assert_string_equal(text, "127.0.0.1:1");
    assert_int_equal(zmq_setsockopt(push, ZMQ_SOCKS_PROXY, NULL, 0), 0);
    size = sizeof text;
    assert_int_equal(zmq_getsockopt(push, ZMQ_SOCKS_PROXY, text, &size), 0);
    assert_string_equal(text, "");
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
    send_parts(push, "direct");
    expect_parts(pull, "direct");
}

TEST(only_tcp_goes_through_a_proxy)
{
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    set_text(push, ZMQ_SOCKS_PROXY, "127.0.0.1:1");
    set_text(pull, ZMQ_SOCKS_PROXY, "127.0.0.1:1");
    connect_to(push, bind_to(pull, *state).text);
    send_parts(push, "direct");
    expect_parts(pull, "direct");
}

TEST(octets_go_through_a_proxy)
{
    struct proxy proxy;
    int port = 0, listener = raw_listen(&port, 8);
    proxy_init(&proxy, port);
    pthread_t thread = start_thread(proxy_run, &proxy);
    void *stream = open_socket(ZMQ_STREAM);
    set_proxy(stream, "127.0.0.1", proxy.port);
    connect_to(stream, endpoint_of(port).text);
    struct part id = made_id(stream);
    int peer = raw_accept(listener);
    raw_send(peer, "welcome", 7); /* comes right behind the proxy's answer */
    expect_notice(stream, &id);
    expect_octets(stream, &id, "welcome");
    send_text(stream, &id, "hello");
    raw_expect(peer, "hello");
    close(peer);
    expect_notice(stream, &id);
    close(listener);
    close_socket(stream);
    proxy_end(&proxy, thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(an_address_is_asked_for),
        RUN(a_name_is_the_proxys_to_resolve),
        RUN(an_ipv6_address_is_asked_for),
        RUN(a_proxy_is_dialed_from_a_source),
        RUN(a_proxy_has_a_name),
        RUN(answers_come_in_drops),
        RUN(an_answer_tells_an_ipv6_address),
        RUN(a_connection_comes_back_through_the_proxy),
        RUN(a_proxy_may_start_late),
        RUN(a_proxy_that_cannot_is_asked_again),
        RUN(a_proxy_that_refuses_our_method_is_asked_again),
        RUN(a_proxy_that_wants_a_login_is_asked_again),
        RUN(a_proxy_that_speaks_something_else_is_asked_again),
        RUN(a_reply_of_nonsense_is_asked_again),
        RUN(a_proxy_that_hangs_up_is_asked_again),
        RUN(a_proxy_that_says_nothing_is_given_up),
        RUN(a_user_logs_in),
        RUN(a_wrong_password_is_tried_again),
        RUN(a_proxy_that_is_no_address_is_never_reached),
        RUN(a_proxy_can_be_unset),
        OVER(only_tcp_goes_through_a_proxy, "ipc", "ipc://*"),
        OVER(only_tcp_goes_through_a_proxy, "inproc", "inproc://here"),
        RUN(octets_go_through_a_proxy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
