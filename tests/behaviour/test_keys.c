/* SPDX-License-Identifier: MIT */
/*
 * Z85 (32/Z85) and the keys of CURVE. The examples are those of the RFC and of zmq_curve(7); that
 * a pair fits is shown by deriving the one key from the other.
 */
#include "behaviour/util.h"

struct example {
    const char *text;
    uint8_t data[32];
    size_t size;
};

static const struct example examples[] = {
    {"HelloWorld", {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B}, 8},
    {"00000", {0, 0, 0, 0}, 4},
    {"00001", {0, 0, 0, 1}, 4},
    {"%nSc0", {0xFF, 0xFF, 0xFF, 0xFF}, 4},
    {"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
     {0x54, 0xFC, 0xBA, 0x24, 0xE9, 0x32, 0x49, 0x96, 0x93, 0x16, 0xFB,
      0x61, 0x7C, 0x87, 0x2B, 0xB0, 0xC1, 0xD1, 0xFF, 0x14, 0x80, 0x04,
      0x27, 0xC5, 0x94, 0xCB, 0xFA, 0xCF, 0x1B, 0xC2, 0xD6, 0x52},
     32},
};
enum { EXAMPLES = sizeof examples / sizeof examples[0] };

static const char public_example[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
static const char secret_example[] = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";

TEST(examples_are_encoded)
{
    for (int i = 0; i < EXAMPLES; i++) {
        char text[64];
        memset(text, 'x', sizeof text);
        assert_ptr_equal(zmq_z85_encode(text, examples[i].data, examples[i].size), text);
        assert_string_equal(text, examples[i].text);
    }
}

TEST(examples_are_decoded)
{
    for (int i = 0; i < EXAMPLES; i++) {
        uint8_t data[40];
        memset(data, 0xEE, sizeof data);
        assert_ptr_equal(zmq_z85_decode(data, examples[i].text), data);
        assert_memory_equal(data, examples[i].data, examples[i].size);
        assert_int_equal(data[examples[i].size], 0xEE);
    }
}

TEST(each_byte_in_each_place_comes_back)
{
    for (int place = 0; place < 4; place++) {
        for (int byte = 0; byte < 256; byte++) {
            uint8_t data[4] = {0x12, 0x34, 0x56, 0x78}, back[4];
            char text[6];
            data[place] = (uint8_t)byte;
            assert_non_null(zmq_z85_encode(text, data, sizeof data));
            assert_non_null(zmq_z85_decode(back, text));
            assert_memory_equal(back, data, sizeof data);
        }
    }
}

TEST(nothing_is_encoded_as_nothing)
{
    char text[2] = "x";
    assert_ptr_equal(zmq_z85_encode(text, (const uint8_t *)"", 0), text);
    assert_string_equal(text, "");
    memcpy(text, "x", 2);
    assert_ptr_equal(zmq_z85_encode(text, NULL, 0), text);
    assert_string_equal(text, "");
}

TEST(sizes_that_are_not_encoded)
{
    const uint8_t data[8] = {0};
    char text[16] = "as before";
    for (size_t size = 1; size < 8; size++) {
        if (size == 4)
            continue;
        errno = 0;
        assert_null(zmq_z85_encode(text, data, size));
        assert_int_equal(errno, EINVAL);
    }
    assert_string_equal(text, "as before");
}

TEST(texts_that_are_not_decoded)
{
    static const char *const wrong[] = {
        "",      "0",        "0000",   "000000",     "00000000", "00000\n",
        "0000 ", "0000\"",   "0000~",  "0000\x7f",   "0000\x80", "0000\xff",
        "0000,", "0000\x1f", "0000\'", "Hello0000;", "%nSc1",    "#####",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t data[16];
        errno = 0;
        if (zmq_z85_decode(data, wrong[i]))
            print_error("\"%s\" was decoded\n", wrong[i]);
        assert_int_equal(errno, EINVAL);
    }
}

TEST(the_digits_are_those_of_the_rfc)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    uint8_t data[4];
    for (int c = 1; c < 256; c++) {
        const char text[] = {'0', '0', '0', '0', (char)c, 0};
        const char *digit = strchr(digits, c);
        uint8_t *decoded = zmq_z85_decode(data, text);
        assert_true((decoded != NULL) == (digit != NULL));
        if (digit)
            assert_int_equal(data[3], digit - digits);
    }
}

TEST(a_pair_of_keys_fits)
{
    char public_key[42], secret_key[42], derived[42];
    memset(public_key, 'x', sizeof public_key);
    memset(secret_key, 'x', sizeof secret_key);
    memset(derived, 'x', sizeof derived);
    assert_int_equal(zmq_curve_keypair(public_key, secret_key), 0);
    assert_int_equal(strlen(public_key), 40);
    assert_int_equal(strlen(secret_key), 40);
    assert_int_equal(public_key[41], 'x');
    assert_int_equal(zmq_curve_public(derived, secret_key), 0);
    assert_string_equal(derived, public_key);
    assert_int_equal(derived[41], 'x');
}

TEST(no_two_pairs_are_alike)
{
    char public_key[2][41], secret_key[2][41];
    for (int i = 0; i < 2; i++)
        assert_int_equal(zmq_curve_keypair(public_key[i], secret_key[i]), 0);
    assert_string_not_equal(public_key[0], public_key[1]);
    assert_string_not_equal(secret_key[0], secret_key[1]);
}

TEST(the_public_key_of_the_example)
{
    char public_key[41];
    assert_int_equal(zmq_curve_public(public_key, secret_example), 0);
    assert_string_equal(public_key, public_example);
}

TEST(secret_keys_that_are_none)
{
    char public_key[41];
    expect_error(zmq_curve_public(public_key, ""), EINVAL);
    expect_error(zmq_curve_public(public_key, "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh"), EINVAL);
    expect_error(zmq_curve_public(public_key, "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh~"), EINVAL);
    better_than_libzmq(); /* it reads, or writes, beyond the key */
    expect_error(zmq_curve_public(public_key, "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!N"), EINVAL);
    expect_error(zmq_curve_public(public_key, "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh600000"),
                 EINVAL);
}

TEST(null_gives_an_error)
{
    char text[41];
    uint8_t data[32] = {0};
    errno = 0;
    assert_null(zmq_z85_encode(text, NULL, 3));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(zmq_z85_decode(NULL, ""));
    assert_int_equal(errno, EINVAL);
    better_than_libzmq(); /* it crashes */
    assert_null(zmq_z85_encode(NULL, data, 4));
    assert_null(zmq_z85_encode(NULL, NULL, 0));
    assert_null(zmq_z85_encode(text, NULL, 4));
    assert_null(zmq_z85_decode(NULL, "00000"));
    assert_null(zmq_z85_decode(data, NULL));
    expect_error(zmq_curve_keypair(NULL, text), EINVAL);
    expect_error(zmq_curve_keypair(text, NULL), EINVAL);
    expect_error(zmq_curve_public(NULL, secret_example), EINVAL);
    expect_error(zmq_curve_public(text, NULL), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(examples_are_encoded),
        RUN(examples_are_decoded),
        RUN(each_byte_in_each_place_comes_back),
        RUN(nothing_is_encoded_as_nothing),
        RUN(sizes_that_are_not_encoded),
        RUN(texts_that_are_not_decoded),
        RUN(the_digits_are_those_of_the_rfc),
        RUN(a_pair_of_keys_fits),
        RUN(no_two_pairs_are_alike),
        RUN(the_public_key_of_the_example),
        RUN(secret_keys_that_are_none),
        RUN(null_gives_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
