/* SPDX-License-Identifier: MIT */
/* Socket options, held against what libzmq 4.3.4 was seen to do: every default, range, size and
 * error below was read off it, not off its manual. */
#include "core/option.h"

#include <greenmq/zmq.h>

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/setting.h"

/* The options that are an int, readable, and settable on every type of socket. */
static const struct range {
    int option, initial, least, most;
} ranges[] = {
    {ZMQ_RATE, 100, 1, INT_MAX},
    {ZMQ_RECOVERY_IVL, 10000, 0, INT_MAX},
    {ZMQ_SNDBUF, -1, -1, INT_MAX},
    {ZMQ_RCVBUF, -1, -1, INT_MAX},
    {ZMQ_LINGER, -1, -1, INT_MAX},
    {ZMQ_RECONNECT_IVL, 100, -1, INT_MAX},
    {ZMQ_BACKLOG, 100, 0, INT_MAX},
    {ZMQ_RECONNECT_IVL_MAX, 0, 0, INT_MAX},
    {ZMQ_SNDHWM, 1000, 0, INT_MAX},
    {ZMQ_RCVHWM, 1000, 0, INT_MAX},
    {ZMQ_MULTICAST_HOPS, 1, 1, INT_MAX},
    {ZMQ_RCVTIMEO, -1, -1, INT_MAX},
    {ZMQ_SNDTIMEO, -1, -1, INT_MAX},
    {ZMQ_IPV4ONLY, 1, 0, 1},
    {ZMQ_TCP_KEEPALIVE, -1, -1, 1},
    {ZMQ_TCP_KEEPALIVE_CNT, -1, -1, INT_MAX},
    {ZMQ_TCP_KEEPALIVE_IDLE, -1, -1, INT_MAX},
    {ZMQ_TCP_KEEPALIVE_INTVL, -1, -1, INT_MAX},
    {ZMQ_IMMEDIATE, 0, 0, 1},
    {ZMQ_IPV6, 0, 0, 1},
    {ZMQ_PLAIN_SERVER, 0, 0, 1},
    {ZMQ_CURVE_SERVER, 0, 0, 1},
    {ZMQ_CONFLATE, 0, 0, 1},
    {ZMQ_TOS, 0, 0, INT_MAX},
    {ZMQ_HANDSHAKE_IVL, 30000, 0, INT_MAX},
    {ZMQ_HEARTBEAT_IVL, 0, 0, INT_MAX},
    {ZMQ_CONNECT_TIMEOUT, 0, 0, INT_MAX},
    {ZMQ_TCP_MAXRT, 0, 0, INT_MAX},
    {ZMQ_MULTICAST_MAXTPDU, 1500, 1, INT_MAX},
    {ZMQ_USE_FD, -1, -1, INT_MAX},
};

static void numbers_have_libzmqs_defaults(void **state)
{
    (void)state;
    struct options options;
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        options_init(&options, type);
        assert_int_equal(get_int(&options, ZMQ_TYPE), type);
        assert_int_equal(get_int(&options, ZMQ_MECHANISM), ZMQ_NULL);
        assert_int_equal(get_int(&options, ZMQ_HEARTBEAT_TTL), 0);
        assert_int_equal(get_int(&options, ZMQ_HEARTBEAT_TIMEOUT), -1);
        assert_int_equal(get_int(&options, ZMQ_INVERT_MATCHING), 0);
        assert_int_equal(options.stream_notify, 1);
        for (size_t i = 0; i < COUNT(ranges); i++) {
            bool subscriber = type == ZMQ_SUB || type == ZMQ_XSUB;
            if (ranges[i].option == ZMQ_LINGER && subscriber)
                assert_int_equal(get_int(&options, ZMQ_LINGER), 0);
            else
                assert_int_equal(get_int(&options, ranges[i].option), ranges[i].initial);
        }
        options_term(&options);
    }
}

static void numbers_keep_to_their_range(void **state)
{
    (void)state;
    struct options options;
    options_init(&options, ZMQ_PAIR);
    for (size_t i = 0; i < COUNT(ranges); i++) {
        const struct range *range = &ranges[i];
        assert_int_equal(set_int(&options, range->option, range->least), 0);
        assert_int_equal(get_int(&options, range->option), range->least);
        assert_int_equal(set_int(&options, range->option, range->most), 0);
        assert_int_equal(get_int(&options, range->option), range->most);
        assert_int_equal(set_int(&options, range->option, range->least - 1), -EINVAL);
        assert_int_equal(set_int(&options, range->option, INT_MIN), -EINVAL);
        if (range->most < INT_MAX)
            assert_int_equal(set_int(&options, range->option, range->most + 1), -EINVAL);
        assert_int_equal(get_int(&options, range->option), range->most);
    }
    assert_int_equal(set_int(&options, ZMQ_HEARTBEAT_TIMEOUT, 0), 0);
    assert_int_equal(set_int(&options, ZMQ_HEARTBEAT_TIMEOUT, -1), -EINVAL);
    assert_int_equal(get_int(&options, ZMQ_HEARTBEAT_TIMEOUT), 0);
    options_term(&options);
}

static void numbers_need_their_exact_size(void **state)
{
    (void)state;
    struct options options;
    options_init(&options, ZMQ_PAIR);
    for (size_t i = 0; i < COUNT(ranges); i++)
        for (size_t size = 0; size <= 16; size++) {
            unsigned char value[16] = {0}, out[16];
            size_t out_size = size;
            value[0] = 1;
            int expected = size == sizeof(int) ? 0 : -EINVAL;
            assert_int_equal(option_set(&options, ranges[i].option, value, size), expected);
            assert_int_equal(option_get(&options, ranges[i].option, out, &out_size), expected);
            assert_int_equal(out_size, size);
        }
    assert_int_equal(option_set(&options, ZMQ_LINGER, NULL, 0), -EINVAL);
    assert_int_equal(option_set(&options, ZMQ_LINGER, NULL, sizeof(int)), -EINVAL);
    options_term(&options);
}

static void eight_octets_take_any_number(void **state)
{
    (void)state;
    static const int64_t values[] = {INT64_MIN, -2, -1, 0, 1, INT64_MAX};
    static const int names[] = {ZMQ_MAXMSGSIZE, ZMQ_AFFINITY};
    struct options options;
    options_init(&options, ZMQ_PAIR);
    assert_int_equal(options.maxmsgsize_bytes, -1);
    assert_int_equal(options.affinity, 0);
    for (size_t i = 0; i < COUNT(names); i++) {
        for (size_t j = 0; j < COUNT(values); j++) {
            int64_t out;
            size_t size = sizeof(out);
            assert_int_equal(option_set(&options, names[i], &values[j], sizeof(values[j])), 0);
            assert_int_equal(option_get(&options, names[i], &out, &size), 0);
            assert_int_equal(out, values[j]);
        }
        size_t four = 4, nine = 9;
        char out[16];
        assert_int_equal(option_get(&options, names[i], out, &four), -EINVAL);
        assert_int_equal(option_get(&options, names[i], out, &nine), -EINVAL);
        assert_int_equal(set_int(&options, names[i], 1), -EINVAL);
    }
    options_term(&options);
}

/* Which types of socket take an option of a pattern; none of these can be read. */
static const struct owner {
    int option;
    unsigned types;
} owners[] = {
    {ZMQ_ROUTER_MANDATORY, 1 << ZMQ_ROUTER | 1 << ZMQ_REP},
    {ZMQ_ROUTER_HANDOVER, 1 << ZMQ_ROUTER | 1 << ZMQ_REP},
    {ZMQ_ROUTER_RAW, 1 << ZMQ_ROUTER | 1 << ZMQ_REP},
    {ZMQ_PROBE_ROUTER, 1 << ZMQ_ROUTER | 1 << ZMQ_REP | 1 << ZMQ_DEALER | 1 << ZMQ_REQ},
    {ZMQ_REQ_CORRELATE, 1 << ZMQ_REQ},
    {ZMQ_REQ_RELAXED, 1 << ZMQ_REQ},
    {ZMQ_XPUB_VERBOSE, 1 << ZMQ_XPUB | 1 << ZMQ_PUB},
    {ZMQ_XPUB_VERBOSER, 1 << ZMQ_XPUB | 1 << ZMQ_PUB},
    {ZMQ_XPUB_NODROP, 1 << ZMQ_XPUB | 1 << ZMQ_PUB},
    {ZMQ_XPUB_MANUAL, 1 << ZMQ_XPUB | 1 << ZMQ_PUB},
    {ZMQ_XPUB_WELCOME_MSG, 1 << ZMQ_XPUB | 1 << ZMQ_PUB},
    {ZMQ_STREAM_NOTIFY, 1 << ZMQ_STREAM},
};

static void patterns_have_their_own_options(void **state)
{
    (void)state;
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++)
        for (size_t i = 0; i < COUNT(owners); i++) {
            struct options options;
            char out[16];
            size_t size = sizeof(int);
            options_init(&options, type);
            int expected = owners[i].types >> type & 1 ? 0 : -EINVAL;
            assert_int_equal(set_int(&options, owners[i].option, 1), expected);
            assert_int_equal(option_get(&options, owners[i].option, out, &size), -EINVAL);
            options_term(&options);
        }
}

static void flags_are_kept_as_0_or_1(void **state)
{
    (void)state;
    struct options options;
    options_init(&options, ZMQ_ROUTER);
    assert_int_equal(set_int(&options, ZMQ_ROUTER_MANDATORY, INT_MAX), 0);
    assert_int_equal(options.router_mandatory, 1);
    assert_int_equal(set_int(&options, ZMQ_ROUTER_MANDATORY, -1), -EINVAL);
    assert_int_equal(options.router_mandatory, 1);
    assert_int_equal(set_int(&options, ZMQ_ROUTER_MANDATORY, 0), 0);
    assert_int_equal(options.router_mandatory, 0);
    assert_int_equal(option_set(&options, ZMQ_ROUTER_MANDATORY, "12345678", 8), -EINVAL);
    assert_int_equal(set_int(&options, ZMQ_INVERT_MATCHING, -7), 0);
    assert_int_equal(get_int(&options, ZMQ_INVERT_MATCHING), 1);
    options_term(&options);

    options_init(&options, ZMQ_STREAM);
    assert_int_equal(set_int(&options, ZMQ_STREAM_NOTIFY, 2), -EINVAL);
    assert_int_equal(set_int(&options, ZMQ_STREAM_NOTIFY, 0), 0);
    assert_int_equal(options.stream_notify, 0);
    options_term(&options);
}

static void each_verbose_replaces_the_other(void **state)
{
    (void)state;
    struct options options;
    options_init(&options, ZMQ_XPUB);
    assert_int_equal(set_int(&options, ZMQ_XPUB_VERBOSE, 5), 0);
    assert_int_equal(options.xpub_verbose, 1);
    assert_int_equal(set_int(&options, ZMQ_XPUB_VERBOSER, 1), 0);
    assert_int_equal(options.xpub_verbose, 2);
    assert_int_equal(set_int(&options, ZMQ_XPUB_VERBOSE, 1), 0);
    assert_int_equal(options.xpub_verbose, 1);
    assert_int_equal(set_int(&options, ZMQ_XPUB_VERBOSER, 0), 0);
    assert_int_equal(options.xpub_verbose, 0);
    options_term(&options);
}

static void heartbeat_ttl_goes_in_steps(void **state)
{
    (void)state;
    static const int seen[][2] = {
        {0, 0}, {99, 0}, {100, 100}, {255, 200}, {65535, 65500}, {6553599, 6553500}, {-99, 0}};
    struct options options;
    options_init(&options, ZMQ_DEALER);
    for (size_t i = 0; i < COUNT(seen); i++) {
        assert_int_equal(set_int(&options, ZMQ_HEARTBEAT_TTL, seen[i][0]), 0);
        assert_int_equal(get_int(&options, ZMQ_HEARTBEAT_TTL), seen[i][1]);
    }
    assert_int_equal(set_int(&options, ZMQ_HEARTBEAT_TTL, 6553600), -EINVAL);
    assert_int_equal(set_int(&options, ZMQ_HEARTBEAT_TTL, -100), -EINVAL);
    options_term(&options);
}

static void ipv4only_is_ipv6_the_other_way_round(void **state)
{
    (void)state;
    struct options options;
    options_init(&options, ZMQ_PAIR);
    assert_int_equal(set_int(&options, ZMQ_IPV4ONLY, 0), 0);
    assert_int_equal(get_int(&options, ZMQ_IPV6), 1);
    assert_int_equal(get_int(&options, ZMQ_IPV4ONLY), 0);
    assert_int_equal(set_int(&options, ZMQ_IPV6, 0), 0);
    assert_int_equal(get_int(&options, ZMQ_IPV4ONLY), 1);
    options_term(&options);
}

static void routing_id_has_1_to_255_octets(void **state)
{
    (void)state;
    struct options options;
    unsigned char octets[256], out[300];
    memset(octets, 'x', sizeof(octets));
    options_init(&options, ZMQ_DEALER);
    size_t size = 0;
    assert_int_equal(option_get(&options, ZMQ_ROUTING_ID, out, &size), 0);
    assert_int_equal(size, 0);
    assert_int_equal(option_set(&options, ZMQ_ROUTING_ID, octets, 0), -EINVAL);
    assert_int_equal(option_set(&options, ZMQ_ROUTING_ID, NULL, 0), -EINVAL);
    assert_int_equal(option_set(&options, ZMQ_ROUTING_ID, octets, 256), -EINVAL);
    assert_int_equal(option_set(&options, ZMQ_ROUTING_ID, octets, 255), 0);
    assert_int_equal(option_set(&options, ZMQ_ROUTING_ID, "\0ab", 3), 0);
    size = 2;
    assert_int_equal(option_get(&options, ZMQ_ROUTING_ID, out, &size), -EINVAL);
    size = sizeof(out);
    memset(out, 0xaa, sizeof(out));
    assert_int_equal(option_get(&options, ZMQ_ROUTING_ID, out, &size), 0);
    assert_int_equal(size, 3);
    assert_memory_equal(out, "\0ab\0\0\0", 6);
    assert_int_equal(out[299], 0);
    options_term(&options);
}

static void texts_have_their_limits(void **state)
{
    (void)state;
    static const struct {
        int option;
        size_t most;
        int unset; /* what NULL, 0 answers */
    } texts[] = {
        {ZMQ_ZAP_DOMAIN, 255, -EINVAL}, {ZMQ_SOCKS_PROXY, 399, 0}, {ZMQ_BINDTODEVICE, 16, 0}};
    char longest[400];
    memset(longest, 'x', sizeof(longest));
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct options options;
        int option = texts[i].option;
        options_init(&options, ZMQ_SUB);
        assert_text(&options, option, "", 0);
        assert_int_equal(option_set(&options, option, "", 0), -EINVAL);
        assert_int_equal(option_set(&options, option, longest, texts[i].most), 0);
        if (option != ZMQ_SOCKS_PROXY)
            assert_int_equal(option_set(&options, option, longest, texts[i].most + 1), -EINVAL);
        assert_text(&options, option, longest, texts[i].most);
        assert_int_equal(option_set(&options, option, "a\0b", 3), 0);
        assert_text(&options, option, "a\0b", 3);
        assert_int_equal(option_set(&options, option, NULL, 3), -EINVAL);
        assert_int_equal(option_set(&options, option, NULL, 0), texts[i].unset);
        if (texts[i].unset == 0)
            assert_text(&options, option, "", 0);
        else
            assert_text(&options, option, "a\0b", 3);
        options_term(&options);
    }
}

static void frozen_options_stay_as_they_were(void **state)
{
    (void)state;
    struct options options;
    options_init(&options, ZMQ_DEALER);
    set_text(&options, ZMQ_ZAP_DOMAIN, "one");
    set_int(&options, ZMQ_SNDHWM, 1);
    set_int(&options, ZMQ_IPC_FILTER_UID, 7);
    struct options *frozen = options_freeze(&options);
    assert_non_null(frozen);
    set_text(&options, ZMQ_ZAP_DOMAIN, "two");
    set_int(&options, ZMQ_SNDHWM, 2);
    set_int(&options, ZMQ_IPC_FILTER_UID, 8);
    options_term(&options);
    assert_string_equal(frozen->zap_domain.data, "one");
    assert_int_equal(frozen->sndhwm, 1);
    assert_true(option_accepts_ipc(frozen, 1, 7, 1));
    assert_false(option_accepts_ipc(frozen, 1, 8, 1));
    assert_ptr_equal(options_ref(frozen), frozen);
    options_unref(frozen);
    assert_string_equal(frozen->zap_domain.data, "one");
    options_unref(frozen);
    options_unref(NULL);
}

static void welcome_message_takes_anything(void **state)
{
    (void)state;
    struct options options;
    options_init(&options, ZMQ_XPUB);
    assert_int_equal(option_set(&options, ZMQ_XPUB_WELCOME_MSG, "a\0b", 3), 0);
    assert_int_equal(options.xpub_welcome_msg.size, 3);
    assert_memory_equal(options.xpub_welcome_msg.data, "a\0b", 3);
    assert_int_equal(option_set(&options, ZMQ_XPUB_WELCOME_MSG, NULL, 0), 0);
    assert_int_equal(options.xpub_welcome_msg.size, 0);
    options_term(&options);
}

static void others_are_not_in_the_table(void **state)
{
    (void)state;
    static const int others[] = {0,
                                 1,
                                 ZMQ_SUBSCRIBE,
                                 ZMQ_UNSUBSCRIBE,
                                 10,
                                 ZMQ_RCVMORE,
                                 ZMQ_FD,
                                 ZMQ_EVENTS,
                                 20,
                                 26,
                                 29,
                                 30,
                                 ZMQ_LAST_ENDPOINT,
                                 ZMQ_CONNECT_ROUTING_ID,
                                 ZMQ_GSSAPI_SERVER,
                                 ZMQ_GSSAPI_PRINCIPAL,
                                 ZMQ_GSSAPI_SERVICE_PRINCIPAL,
                                 ZMQ_GSSAPI_PLAINTEXT,
                                 67,
                                 ZMQ_BLOCKY,
                                 ZMQ_THREAD_SAFE,
                                 82,
                                 ZMQ_VMCI_BUFFER_SIZE,
                                 ZMQ_VMCI_BUFFER_MIN_SIZE,
                                 ZMQ_VMCI_BUFFER_MAX_SIZE,
                                 ZMQ_VMCI_CONNECT_TIMEOUT,
                                 ZMQ_GSSAPI_PRINCIPAL_NAMETYPE,
                                 ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE,
                                 95,
                                 1000,
                                 -1,
                                 INT_MIN,
                                 INT_MAX};
    struct options options;
    options_init(&options, ZMQ_ROUTER);
    for (size_t i = 0; i < COUNT(others); i++) {
        char out[16];
        size_t size = sizeof(int);
        assert_int_equal(set_int(&options, others[i], 1), -EINVAL);
        assert_int_equal(option_get(&options, others[i], out, &size), -EINVAL);
    }
    options_term(&options);
}

static bool accepts(const struct options *options, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return option_accepts_tcp(options, (struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return option_accepts_tcp(options, (struct sockaddr *)&v6);
}

static void accept_filter_lets_in_its_networks(void **state)
{
    (void)state;
    struct options options;
    options_init(&options, ZMQ_ROUTER);
    assert_true(accepts(&options, "8.8.8.8"));
    assert_int_equal(set_text(&options, ZMQ_TCP_ACCEPT_FILTER, "10.1.0.0/12"), 0);
    assert_int_equal(set_text(&options, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.1"), 0);
    assert_true(accepts(&options, "10.15.255.255"));
    assert_true(accepts(&options, "::ffff:10.15.255.255"));
    assert_false(accepts(&options, "10.16.0.0"));
    assert_true(accepts(&options, "127.0.0.1"));
    assert_false(accepts(&options, "127.0.0.2"));
    assert_false(accepts(&options, "::1"));
    assert_int_equal(set_text(&options, ZMQ_TCP_ACCEPT_FILTER, "::1"), -EINVAL);
    assert_int_equal(set_int(&options, ZMQ_IPV6, 1), 0);
    assert_int_equal(set_text(&options, ZMQ_TCP_ACCEPT_FILTER, "[fe80::]/10"), 0);
    assert_true(accepts(&options, "febf::1"));
    assert_false(accepts(&options, "fec0::1"));
    assert_int_equal(set_text(&options, ZMQ_TCP_ACCEPT_FILTER, "0.0.0.0/0"), 0);
    assert_true(accepts(&options, "8.8.8.8"));
    assert_false(accepts(&options, "::1"));
    assert_int_equal(option_set(&options, ZMQ_TCP_ACCEPT_FILTER, NULL, 0), 0);
    assert_true(accepts(&options, "::1"));
    options_term(&options);
}

static void accept_filter_refuses_what_is_no_network(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "localhost",
                                      "lo",
                                      "*",
                                      "/8",
                                      "127.0.0.1/",
                                      "127.0.0.1/x",
                                      "127.0.0.1/33",
                                      "127.0.0.1/-1",
                                      "127.0.0.1/00",
                                      "::1/128",
                                      "127.0.0.1/8/9",
                                      " 127.0.0.1",
                                      "127.0.0.1 "};
    static const char *const good[] = {"127.1", "127.0.0.1/+8", "127.0.0.1/8x", "0.0.0.0/0"};
    char endless[300] = "127.0.0.1/8";
    struct options options;
    options_init(&options, ZMQ_ROUTER);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(set_text(&options, ZMQ_TCP_ACCEPT_FILTER, bad[i]), -EINVAL);
    assert_int_equal(options.tcp_accept_filter.size, 0);
    assert_int_equal(option_set(&options, ZMQ_TCP_ACCEPT_FILTER, endless, 256), -EINVAL);
    for (size_t i = 0; i < COUNT(good); i++)
        assert_int_equal(set_text(&options, ZMQ_TCP_ACCEPT_FILTER, good[i]), 0);
    assert_int_equal(set_int(&options, ZMQ_IPV6, 1), 0);
    assert_int_equal(set_text(&options, ZMQ_TCP_ACCEPT_FILTER, "::1/129"), -EINVAL);
    assert_int_equal(set_text(&options, ZMQ_TCP_ACCEPT_FILTER, "::1/128"), 0);
    options_term(&options);
}

static void ipc_filters_let_in_their_ids(void **state)
{
    (void)state;
    struct options options;
    options_init(&options, ZMQ_ROUTER);
    assert_true(option_accepts_ipc(&options, 1, 2, 3));
    assert_int_equal(set_int(&options, ZMQ_IPC_FILTER_UID, 1000), 0);
    assert_int_equal(set_int(&options, ZMQ_IPC_FILTER_UID, 1001), 0);
    assert_int_equal(set_int(&options, ZMQ_IPC_FILTER_GID, -1), 0);
    assert_true(option_accepts_ipc(&options, 1, 1001, 3));
    assert_true(option_accepts_ipc(&options, 1, 2, UINT32_MAX));
    assert_false(option_accepts_ipc(&options, 1000, 2, 1001));
    assert_int_equal(option_set(&options, ZMQ_IPC_FILTER_UID, "12345678", 8), -EINVAL);
    assert_int_equal(option_set(&options, ZMQ_IPC_FILTER_UID, NULL, 0), 0);
    assert_false(option_accepts_ipc(&options, 1, 1001, 3));
    assert_int_equal(set_int(&options, ZMQ_IPC_FILTER_PID, 42), 0);
    assert_true(option_accepts_ipc(&options, 42, 1001, 3));
    options_term(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_libzmqs_defaults),
        cmocka_unit_test(numbers_keep_to_their_range),
        cmocka_unit_test(numbers_need_their_exact_size),
        cmocka_unit_test(eight_octets_take_any_number),
        cmocka_unit_test(patterns_have_their_own_options),
        cmocka_unit_test(flags_are_kept_as_0_or_1),
        cmocka_unit_test(each_verbose_replaces_the_other),
        cmocka_unit_test(heartbeat_ttl_goes_in_steps),
        cmocka_unit_test(ipv4only_is_ipv6_the_other_way_round),
        cmocka_unit_test(routing_id_has_1_to_255_octets),
        cmocka_unit_test(texts_have_their_limits),
        cmocka_unit_test(frozen_options_stay_as_they_were),
        cmocka_unit_test(welcome_message_takes_anything),
        cmocka_unit_test(others_are_not_in_the_table),
        cmocka_unit_test(accept_filter_lets_in_its_networks),
        cmocka_unit_test(accept_filter_refuses_what_is_no_network),
        cmocka_unit_test(ipc_filters_let_in_their_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
