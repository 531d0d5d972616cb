/* SPDX-License-Identifier: MIT */
/*
 * Socket options as values: what they are before anybody sets them, that they give back what was
 * set, and how zmq_setsockopt and zmq_getsockopt refuse what makes no sense. What an option does
 * is tested where it acts.
 */
#define ZMQ_BUILD_DRAFT_API
#include "behaviour/util.h"

struct int_option {
    const char *name;
    int option;
    int initial;
    int sample; /* a value to set and get back */
    int wrong;  /* one that is refused; NONE where none is documented to be */
};

enum { NONE = -12345 };

#define OPTION(name, initial, sample, wrong) \
    {                                        \
#name, name, initial, sample, wrong  \
    }
static const struct int_option int_options[] = {
    OPTION(ZMQ_LINGER, -1, 500, -2),
    OPTION(ZMQ_SNDHWM, 1000, 5, -1),
    OPTION(ZMQ_RCVHWM, 1000, 0, -1),
    OPTION(ZMQ_SNDBUF, -1, 8192, -2),
    OPTION(ZMQ_RCVBUF, -1, 8192, -2),
    OPTION(ZMQ_RCVTIMEO, -1, 100, -2),
    OPTION(ZMQ_SNDTIMEO, -1, 0, -2),
    OPTION(ZMQ_RECONNECT_IVL, 100, 50, -2),
    OPTION(ZMQ_RECONNECT_IVL_MAX, 0, 1000, -1),
    OPTION(ZMQ_BACKLOG, 100, 10, -1),
    OPTION(ZMQ_IMMEDIATE, 0, 1, 2),
    OPTION(ZMQ_IPV6, 0, 1, 2),
    OPTION(ZMQ_TOS, 0, 0x28, -1),
    OPTION(ZMQ_TCP_KEEPALIVE, -1, 1, 2),
    OPTION(ZMQ_TCP_KEEPALIVE_CNT, -1, 5, NONE),
    OPTION(ZMQ_TCP_KEEPALIVE_IDLE, -1, 60, NONE),
    OPTION(ZMQ_TCP_KEEPALIVE_INTVL, -1, 60, NONE),
    OPTION(ZMQ_TCP_MAXRT, 0, 5000, -1),
    OPTION(ZMQ_HANDSHAKE_IVL, 30000, 1000, -1),
    OPTION(ZMQ_CONNECT_TIMEOUT, 0, 1000, -1),
    OPTION(ZMQ_HEARTBEAT_IVL, 0, 1000, -1),
    OPTION(ZMQ_HEARTBEAT_TTL, 0, 1000, 7000000),
    OPTION(ZMQ_HEARTBEAT_TIMEOUT, -1, 1000, NONE),
    OPTION(ZMQ_CONFLATE, 0, 1, 2),
    OPTION(ZMQ_INVERT_MATCHING, 0, 1, NONE),
    OPTION(ZMQ_RATE, 100, 200, 0),
    OPTION(ZMQ_RECOVERY_IVL, 10000, 500, -1),
    OPTION(ZMQ_MULTICAST_HOPS, 1, 2, 0),
    OPTION(ZMQ_MULTICAST_MAXTPDU, 1500, 1000, 0),
    OPTION(ZMQ_USE_FD, -1, 7, NONE),
    /* Drafts that libzmq answers all the same; pyzmq asks for them. */
    OPTION(ZMQ_ZAP_ENFORCE_DOMAIN, 0, 1, NONE),
    OPTION(ZMQ_LOOPBACK_FASTPATH, 0, 1, NONE),
    OPTION(ZMQ_MULTICAST_LOOP, 1, 0, NONE),
};
enum { INT_OPTIONS = sizeof int_options / sizeof int_options[0] };

static bool is(const struct int_option *option, const char *what, int got, int wanted)
{
    if (got != wanted)
        print_error("%s %s: %d, not %d\n", option->name, what, got, wanted);
    return got == wanted;
}

TEST(options_start_and_change_as_documented)
{
    bool good = true;
    for (int i = 0; i < INT_OPTIONS; i++) {
        const struct int_option *option = &int_options[i];
        void *socket = zmq_socket(world.ctx, ZMQ_DEALER);
        int value = NONE;
        size_t size = sizeof value;
        good &= is(option, "get", zmq_getsockopt(socket, option->option, &value, &size), 0);
        good &= is(option, "initially", value, option->initial);
        value = option->sample;
        good &= is(option, "set", zmq_setsockopt(socket, option->option, &value, sizeof value), 0);
        value = NONE;
        good &= is(option, "get again", zmq_getsockopt(socket, option->option, &value, &size), 0);
        good &= is(option, "afterwards", value, option->sample);
        zmq_close(socket);
    }
    assert_true(good);
}

TEST(impossible_values_are_refused_and_change_nothing)
{
    bool good = true;
    for (int i = 0; i < INT_OPTIONS; i++) {
        const struct int_option *option = &int_options[i];
        if (option->wrong == NONE)
            continue;
        void *socket = zmq_socket(world.ctx, ZMQ_DEALER);
        int value = option->wrong;
        size_t size = sizeof value;
        int rc = zmq_setsockopt(socket, option->option, &value, sizeof value);
        good &= is(option, "set wrongly", rc, -1);
        if (rc == -1)
            good &= is(option, "errno", zmq_errno(), EINVAL);
        zmq_getsockopt(socket, option->option, &value, &size);
        good &= is(option, "unchanged", value, option->initial);
        zmq_close(socket);
    }
    assert_true(good);
}

TEST(values_of_a_wrong_size_are_refused)
{
    char large[64] = {0};
    bool good = true;
    void *socket = open_socket(ZMQ_DEALER);
    for (int i = 0; i < INT_OPTIONS; i++) {
        const struct int_option *option = &int_options[i];
        size_t small = sizeof(int) - 1;
        good &= is(option, "short set", zmq_setsockopt(socket, option->option, large, 3), -1);
        good &= is(option, "errno", zmq_errno(), EINVAL);
        good &= is(option, "short get", zmq_getsockopt(socket, option->option, large, &small), -1);
        good &= is(option, "errno", zmq_errno(), EINVAL);
        good &= is(option, "long set", zmq_setsockopt(socket, option->option, large, 8), -1);
        good &= is(option, "errno", zmq_errno(), EINVAL);
    }
    assert_true(good);
}

TEST(wide_options)
{
    void *socket = open_socket(ZMQ_DEALER);
    uint64_t affinity = 1;
    int64_t limit = -1;
    size_t size = sizeof affinity;
    assert_int_equal(zmq_getsockopt(socket, ZMQ_AFFINITY, &affinity, &size), 0);
    assert_int_equal(affinity, 0);
    affinity = 1;
    assert_int_equal(zmq_setsockopt(socket, ZMQ_AFFINITY, &affinity, sizeof affinity), 0);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &limit, &size), 0);
    assert_int_equal(limit, -1);
    limit = 1000000;
    assert_int_equal(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, sizeof limit), 0);
    limit = 0;
    assert_int_equal(zmq_getsockopt(socket, ZMQ_MAXMSGSIZE, &limit, &size), 0);
    assert_int_equal(limit, 1000000);
    expect_error(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, sizeof(int)), EINVAL);
}

TEST(what_a_socket_is)
{
    static const int types[] = {ZMQ_PAIR,   ZMQ_PUB,  ZMQ_SUB,  ZMQ_REQ,  ZMQ_REP, ZMQ_DEALER,
                                ZMQ_ROUTER, ZMQ_PULL, ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        void *socket = open_socket(types[i]);
        assert_int_equal(get_int(socket, ZMQ_TYPE), types[i]);
        assert_int_equal(get_int(socket, ZMQ_RCVMORE), 0);
        assert_int_equal(get_int(socket, ZMQ_MECHANISM), ZMQ_NULL);
        assert_int_equal(get_int(socket, ZMQ_THREAD_SAFE), 0);
    }
}

TEST(what_can_only_be_read_or_only_be_set)
{
    int value = 1;
    size_t size = sizeof value;
    char text[256];
    size_t length = sizeof text;
    void *socket = open_socket(ZMQ_ROUTER);
    expect_error(zmq_setsockopt(socket, ZMQ_TYPE, &value, sizeof value), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_EVENTS, &value, sizeof value), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_RCVMORE, &value, sizeof value), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_LAST_ENDPOINT, "x", 1), EINVAL);
    expect_error(zmq_getsockopt(socket, ZMQ_ROUTER_MANDATORY, &value, &size), EINVAL);
    expect_error(zmq_getsockopt(socket, ZMQ_ROUTER_HANDOVER, &value, &size), EINVAL);
    expect_error(zmq_getsockopt(socket, ZMQ_PROBE_ROUTER, &value, &size), EINVAL);
    expect_error(zmq_getsockopt(socket, ZMQ_CONNECT_ROUTING_ID, text, &length), EINVAL);
    expect_error(zmq_getsockopt(open_socket(ZMQ_SUB), ZMQ_SUBSCRIBE, text, &length), EINVAL);
}

TEST(options_belong_to_their_socket_types)
{
    int on = 1;
    void *dealer = open_socket(ZMQ_DEALER);
    void *push = open_socket(ZMQ_PUSH);
    expect_error(zmq_setsockopt(dealer, ZMQ_SUBSCRIBE, "x", 1), EINVAL);
    expect_error(zmq_setsockopt(dealer, ZMQ_UNSUBSCRIBE, "x", 1), EINVAL);
    expect_error(zmq_setsockopt(dealer, ZMQ_ROUTER_MANDATORY, &on, sizeof on), EINVAL);
    expect_error(zmq_setsockopt(dealer, ZMQ_ROUTER_HANDOVER, &on, sizeof on), EINVAL);
    expect_error(zmq_setsockopt(dealer, ZMQ_REQ_RELAXED, &on, sizeof on), EINVAL);
    expect_error(zmq_setsockopt(dealer, ZMQ_REQ_CORRELATE, &on, sizeof on), EINVAL);
    expect_error(zmq_setsockopt(dealer, ZMQ_XPUB_VERBOSE, &on, sizeof on), EINVAL);
    expect_error(zmq_setsockopt(push, ZMQ_PROBE_ROUTER, &on, sizeof on), EINVAL);
    expect_error(zmq_setsockopt(push, ZMQ_CONNECT_ROUTING_ID, "x", 1), EINVAL);
}

TEST(unknown_options_are_refused)
{
    static const int unknown[] = {0, 1, 2, 3, 10, 20, 26, 67, 82, 83, 200, 9999, -1};
    int value = 1;
    size_t size = sizeof value;
    void *socket = open_socket(ZMQ_DEALER);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        expect_error(zmq_setsockopt(socket, unknown[i], &value, sizeof value), EINVAL);
        expect_error(zmq_getsockopt(socket, unknown[i], &value, &size), EINVAL);
    }
}

TEST(routing_id_is_empty_at_first)
{
    char id[256];
    size_t size = sizeof id;
    void *socket = open_socket(ZMQ_DEALER);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_ROUTING_ID, id, &size), 0);
    assert_int_equal(size, 0);
    set_text(socket, ZMQ_ROUTING_ID, "me");
    size = 1;
    expect_error(zmq_getsockopt(socket, ZMQ_ROUTING_ID, id, &size), EINVAL);
    size = sizeof id;
    assert_int_equal(zmq_getsockopt(socket, ZMQ_ROUTING_ID, id, &size), 0);
    assert_int_equal(size, 2);
    assert_memory_equal(id, "me", 2);
}

TEST(rcvmore_tells_whether_parts_follow)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, "inproc://more").text);
    send_parts(push, "a", "b", "c");
    send_parts(push, "d");
    assert_int_equal(get_int(pull, ZMQ_RCVMORE), 0);
    for (int i = 0; i < 4; i++) {
        char text[2];
        assert_int_equal(zmq_recv(pull, text, sizeof text, 0), 1);
        assert_int_equal(get_int(pull, ZMQ_RCVMORE), i < 2);
    }
}

/* A connection made with all these options set still carries messages. */
TEST(options_of_tcp_are_accepted_by_the_system)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    void *both[] = {push, pull};
    for (int i = 0; i < 2; i++) {
        set_int(both[i], ZMQ_TCP_KEEPALIVE, 1);
        set_int(both[i], ZMQ_TCP_KEEPALIVE_CNT, 3);
        set_int(both[i], ZMQ_TCP_KEEPALIVE_IDLE, 10);
        set_int(both[i], ZMQ_TCP_KEEPALIVE_INTVL, 5);
        set_int(both[i], ZMQ_TCP_MAXRT, 10000);
        set_int(both[i], ZMQ_TOS, 0x10);
        set_int(both[i], ZMQ_SNDBUF, 65536);
        set_int(both[i], ZMQ_RCVBUF, 65536);
        set_int(both[i], ZMQ_BACKLOG, 5);
        set_int(both[i], ZMQ_CONNECT_TIMEOUT, 5000);
        set_int(both[i], ZMQ_RECONNECT_IVL_MAX, 500);
    }
    connect_to(push, bind_to(pull, "tcp://127.0.0.1:*").text);
    send_parts(push, "through");
    expect_parts(pull, "through");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(options_start_and_change_as_documented),
        RUN(impossible_values_are_refused_and_change_nothing),
        RUN(values_of_a_wrong_size_are_refused),
        RUN(wide_options),
        RUN(what_a_socket_is),
        RUN(what_can_only_be_read_or_only_be_set),
        RUN(options_belong_to_their_socket_types),
        RUN(unknown_options_are_refused),
        RUN(routing_id_is_empty_at_first),
        RUN(rcvmore_tells_whether_parts_follow),
        RUN(options_of_tcp_are_accepted_by_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
