/* SPDX-License-Identifier: MIT */
/* The options of the security mechanisms: which one they choose, and the forms of keys. As in
 * test_option.c, all was read off libzmq 4.3.4. */
#include "core/option.h"

#include <greenmq/zmq.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "unit/setting.h"

static void plain_options_choose_the_mechanism(void **state)
{
    (void)state;
    struct options options;
    options_init(&options, ZMQ_REQ);
    assert_int_equal(set_text(&options, ZMQ_PLAIN_USERNAME, "user"), 0);
    assert_int_equal(get_int(&options, ZMQ_MECHANISM), ZMQ_PLAIN);
    assert_int_equal(get_int(&options, ZMQ_PLAIN_SERVER), 0);
    assert_int_equal(set_text(&options, ZMQ_PLAIN_PASSWORD, "secret"), 0);
    assert_int_equal(set_int(&options, ZMQ_PLAIN_SERVER, 1), 0);
    assert_int_equal(get_int(&options, ZMQ_PLAIN_SERVER), 1);
    assert_int_equal(set_text(&options, ZMQ_PLAIN_PASSWORD, ""), -EINVAL);
    assert_int_equal(get_int(&options, ZMQ_PLAIN_SERVER), 1);
    assert_int_equal(set_text(&options, ZMQ_PLAIN_USERNAME, "again"), 0);
    assert_int_equal(get_int(&options, ZMQ_PLAIN_SERVER), 0);

    assert_int_equal(option_set(&options, ZMQ_PLAIN_USERNAME, NULL, 0), 0);
    assert_int_equal(get_int(&options, ZMQ_MECHANISM), ZMQ_NULL);
    assert_text(&options, ZMQ_PLAIN_USERNAME, "again", 5);
    assert_text(&options, ZMQ_PLAIN_PASSWORD, "secret", 6);
    assert_int_equal(set_int(&options, ZMQ_PLAIN_SERVER, 1), 0);
    assert_int_equal(get_int(&options, ZMQ_MECHANISM), ZMQ_PLAIN);
    assert_int_equal(option_set(&options, ZMQ_PLAIN_PASSWORD, NULL, 0), 0);
    assert_int_equal(get_int(&options, ZMQ_MECHANISM), ZMQ_NULL);
    assert_int_equal(get_int(&options, ZMQ_PLAIN_SERVER), 0);
    assert_int_equal(set_int(&options, ZMQ_MECHANISM, ZMQ_NULL), -EINVAL);
    options_term(&options);
}

/* What the options say of the mechanism: its number, and who is its server. */
static void expect_mechanism(const struct options *options, int mechanism, int plain, int curve)
{
    assert_int_equal(get_int(options, ZMQ_MECHANISM), mechanism);
    assert_int_equal(get_int(options, ZMQ_PLAIN_SERVER), plain);
    assert_int_equal(get_int(options, ZMQ_CURVE_SERVER), curve);
}

static void curve_options_choose_the_mechanism(void **state)
{
    (void)state;
    static const char key[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    struct options options;
    options_init(&options, ZMQ_DEALER);
    assert_int_equal(set_int(&options, ZMQ_CURVE_SERVER, 1), 0);
    expect_mechanism(&options, ZMQ_CURVE, 0, 1);
    assert_int_equal(set_int(&options, ZMQ_CURVE_SERVER, 0), 0);
    expect_mechanism(&options, ZMQ_NULL, 0, 0);
    assert_int_equal(set_int(&options, ZMQ_PLAIN_SERVER, 1), 0);
    assert_int_equal(set_text(&options, ZMQ_CURVE_SECRETKEY, key), 0);
    expect_mechanism(&options, ZMQ_CURVE, 0, 1); /* the server's role is one for both */
    assert_int_equal(set_text(&options, ZMQ_CURVE_SERVERKEY, key), 0);
    expect_mechanism(&options, ZMQ_CURVE, 0, 0);
    assert_int_equal(set_text(&options, ZMQ_PLAIN_USERNAME, "u"), 0);
    expect_mechanism(&options, ZMQ_PLAIN, 0, 0);
    assert_int_equal(set_text(&options, ZMQ_CURVE_PUBLICKEY, key), 0);
    expect_mechanism(&options, ZMQ_CURVE, 0, 0);
    options_term(&options);
}

static void keys_are_octets_or_text(void **state)
{
    (void)state;
    static const int keys[] = {ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY, ZMQ_CURVE_SERVERKEY};
    static const char key[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct options options;
        char text[64] = "", octets[32];
        size_t sizes[] = {0, 1, 31, 33, 39, 42, 64}, text_size = 41, octets_size = 32;
        options_init(&options, ZMQ_DEALER);
        assert_int_equal(option_get(&options, keys[i], text, &text_size), 0);
        assert_string_equal(text, "0000000000000000000000000000000000000000");
        assert_int_equal(option_set(&options, keys[i], key, 40), 0);
        assert_int_equal(option_get(&options, keys[i], octets, &octets_size), 0);
        assert_int_equal(octets_size, 32);
        assert_int_equal(option_set(&options, keys[i], octets, 32), 0);
        assert_int_equal(option_set(&options, keys[i], key, 41), 0);
        assert_int_equal(option_get(&options, keys[i], text, &text_size), 0);
        assert_int_equal(text_size, 41);
        assert_string_equal(text, key);
        for (size_t j = 0; j < COUNT(sizes); j++) {
            memcpy(text, key, 41);
            assert_int_equal(option_set(&options, keys[i], text, sizes[j]), -EINVAL);
            assert_int_equal(option_get(&options, keys[i], text, &sizes[j]), -EINVAL);
        }
        assert_int_equal(option_set(&options, keys[i], key, 32 + 8 + 2), -EINVAL);
        text[40] = 'x'; /* no NUL at the end */
        assert_int_equal(option_set(&options, keys[i], text, 41), -EINVAL);
        text[39] = ' ';
        assert_int_equal(option_set(&options, keys[i], text, 40), -EINVAL);
        assert_int_equal(option_set(&options, keys[i], NULL, 0), -EINVAL);
        options_term(&options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_options_choose_the_mechanism),
        cmocka_unit_test(curve_options_choose_the_mechanism),
        cmocka_unit_test(keys_are_octets_or_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
