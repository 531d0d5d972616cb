/* SPDX-License-Identifier: MIT */
/* SOCKS5 in octets (RFC 1928, RFC 1929): what is asked, what is answered, and every way to fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wire/socks.h"

static const struct socks_text nobody;

static struct socks socks;
static uint8_t said[2 * SOCKS_OUTPUT_MAX];
static size_t said_size;

static struct socks_text text(const char *data)
{
    return (struct socks_text){data, strlen(data)};
}

static void collect(void)
{
    uint8_t out[SOCKS_OUTPUT_MAX];
    size_t size = socks_output(&socks, out);
    assert_true(said_size + size <= sizeof said);
    memcpy(said + said_size, out, size);
    said_size += size;
}

static void begin(struct socks_text user, struct socks_text password)
{
    socks_init(&socks, SOCKS_IPV4, text("\x7f\1\2\3"), 0x1234, user, password);
    said_size = 0;
    collect();
}

/* Gives the proxy's octets, at most `cut` at a time. Returns how many were taken. */
static size_t answer(const char *data, size_t size, size_t cut)
{
    size_t given = 0;
    while (given < size) {
        size_t room, n = size - given;
        uint8_t *at = socks_room(&socks, &room);
        if (!room)
            break;
        n = n < room ? n : room;
        n = n < cut ? n : cut;
        memcpy(at, data + given, n);
        given += n;
        socks_input(&socks, n);
        collect();
    }
    return given;
}

#define assert_said(octets)                              \
    do {                                                 \
        assert_int_equal(said_size, sizeof(octets) - 1); \
        assert_memory_equal(said, octets, said_size);    \
    } while (0)
#define ANSWER(octets) answer(octets, sizeof(octets) - 1, SIZE_MAX)

static void a_proxy_connects(void **state)
{
    (void)state;
    begin(nobody, nobody);
    assert_said("\5\1\0");
    ANSWER("\5\0");
    assert_said("\5\1\0"
                "\5\1\0\1\x7f\1\2\3\x12\x34");
    assert_int_equal(socks.state, SOCKS_REPLY);
    ANSWER("\5\0\0\1\0\0\0\0\0\0");
    assert_int_equal(socks.state, SOCKS_READY);
    assert_int_equal(said_size, 13);
}

static void a_target_is_a_name(void **state)
{
    (void)state;
    socks_init(&socks, SOCKS_NAME, text("broker.example"), 5555, nobody, nobody);
    said_size = 0;
    collect();
    ANSWER("\5\0");
    assert_said("\5\1\0"
                "\5\1\0\3\x0e"
                "broker.example\x15\xb3");
}

static void a_target_is_an_ipv6_address(void **state)
{
    (void)state;
    struct socks_text host = {"\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16};
    socks_init(&socks, SOCKS_IPV6, host, 80, nobody, nobody);
    said_size = 0;
    collect();
    ANSWER("\5\0");
    assert_said("\5\1\0"
                "\5\1\0\4\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\0\x50");
}

static void a_user_logs_in(void **state)
{
    (void)state;
    begin(text("anna"), text("secret"));
    assert_said("\5\1\2");
    ANSWER("\5\2");
    assert_said("\5\1\2"
                "\1\4anna\6secret");
    assert_int_equal(socks.state, SOCKS_AUTH);
    ANSWER("\1\0");
    assert_said("\5\1\2"
                "\1\4anna\6secret"
                "\5\1\0\1\x7f\1\2\3\x12\x34");
    ANSWER("\5\0\0\1\0\0\0\0\0\0");
    assert_int_equal(socks.state, SOCKS_READY);
}

static void a_password_may_be_empty_and_alone_is_nothing(void **state)
{
    (void)state;
    begin(text("anna"), nobody);
    ANSWER("\5\2");
    assert_said("\5\1\2"
                "\1\4anna\0");
    begin(nobody, text("secret"));
    assert_said("\5\1\0");
}

static void the_longest_of_all_fit(void **state)
{
    (void)state;
    char longest[SOCKS_NAME_MAX];
    memset(longest, 'x', sizeof longest);
    struct socks_text all = {longest, sizeof longest};
    socks_init(&socks, SOCKS_NAME, all, 1, all, all);
    said_size = 0;
    collect();
    ANSWER("\5\2");
    assert_int_equal(said_size, 3 + 3 + 2 * 255);
    said_size = 0;
    ANSWER("\1\0");
    assert_int_equal(said_size, 7 + 255);
    assert_int_equal(said[4], 255);
    ANSWER("\5\0\0\3\xff");
    assert_int_equal(answer(longest, 255, SIZE_MAX), 255);
    assert_int_equal(socks.state, SOCKS_REPLY);
    ANSWER("ab");
    assert_int_equal(socks.state, SOCKS_READY);
}

/* Each address has its own length, and nothing behind it is touched. */
static void no_octet_of_the_target_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *octets;
        size_t size;
    } replies[] = {
        {"\5\0\0\1\1\2\3\4\5\6", 10},
        {"\5\0\0\4"
         "0123456789abcdef"
         "\5\6",
         22},
        {"\5\0\0\3\4host\5\6", 11},
        {"\5\0\0\3\0\5\6", 7},
        {"\5\0\x77\1\1\2\3\4\5\6", 10}, /* reserved: ignored */
    };
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        for (size_t cut = 1; cut < 30; cut++) {
            char all[64] = "\5\0";
            memcpy(all + 2, replies[i].octets, replies[i].size);
            memcpy(all + 2 + replies[i].size, "\xff\0", 2);
            begin(nobody, nobody);
            assert_int_equal(answer(all, 4 + replies[i].size, cut), 2 + replies[i].size);
            assert_int_equal(socks.state, SOCKS_READY);
            assert_said("\5\1\0"
                        "\5\1\0\1\x7f\1\2\3\x12\x34");
        }
}

/* The octets fail it, however they are cut, and there is a sentence that says why. */
static void expect_failure(struct socks_text user, const char *octets, size_t size)
{
    const char *error = NULL;
    for (size_t cut = 1; cut <= size; cut++) {
        begin(user, nobody);
        answer(octets, size, cut);
        assert_int_equal(socks.state, SOCKS_FAILED);
        assert_non_null(socks.error);
        assert_true(!error || error == socks.error);
        error = socks.error;
        size_t room;
        socks_room(&socks, &room);
        assert_int_equal(room, 0);
    }
}

#define FAILS(user, octets) expect_failure(user, octets, sizeof(octets) - 1)

static void a_proxy_refuses(void **state)
{
    (void)state;
    FAILS(nobody, "\5\xff");
    FAILS(nobody, "\5\2");
    FAILS(nobody, "\4\0");
    FAILS(nobody, "HTTP/1.0 400");
    FAILS(text("anna"), "\5\0");
    FAILS(text("anna"), "\5\xff");
    FAILS(text("anna"), "\5\2\1\1");
    FAILS(text("anna"), "\5\2\5\0");
    FAILS(nobody, "\5\0\4\0\0\1\0");
    FAILS(nobody, "\5\0\5\0\0\2\0");
    FAILS(nobody, "\5\0\5\0\0\0\0");
}

static void every_failing_reply_fails(void **state)
{
    (void)state;
    for (int reply = 1; reply < 256; reply++) {
        char octets[] = "\5\0\5?\0\1\0\0\0\0\0\0";
        octets[3] = (char)reply;
        expect_failure(nobody, octets, sizeof octets - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_connects),
        cmocka_unit_test(a_target_is_a_name),
        cmocka_unit_test(a_target_is_an_ipv6_address),
        cmocka_unit_test(a_user_logs_in),
        cmocka_unit_test(a_password_may_be_empty_and_alone_is_nothing),
        cmocka_unit_test(the_longest_of_all_fit),
        cmocka_unit_test(no_octet_of_the_target_is_taken),
        cmocka_unit_test(a_proxy_refuses),
        cmocka_unit_test(every_failing_reply_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
