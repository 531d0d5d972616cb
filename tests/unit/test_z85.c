/* SPDX-License-Identifier: MIT */
/* Z85, with the vectors of 32/Z85. */
#include "base/z85.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const uint8_t hello[8] = {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};
static const uint8_t key[32] = {0x8E, 0x0B, 0xDD, 0x69, 0x76, 0x28, 0xB9, 0x1D, 0x8F, 0x24, 0x55,
                                0x87, 0xEE, 0x95, 0xC5, 0xB0, 0x4D, 0x48, 0x96, 0x3F, 0x79, 0x25,
                                0x98, 0x77, 0xB4, 0x9C, 0xD9, 0x06, 0x3A, 0xEA, 0xD3, 0xB7};
static const char key_text[] = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";

static void vectors_of_the_specification(void **state)
{
    (void)state;
    char text[41];
    uint8_t data[32];
    assert_int_equal(z85_encode(text, hello, sizeof hello), 0);
    assert_string_equal(text, "HelloWorld");
    assert_int_equal(z85_decode(data, "HelloWorld", 10), 0);
    assert_memory_equal(data, hello, sizeof hello);
    assert_int_equal(z85_encode(text, key, sizeof key), 0);
    assert_string_equal(text, key_text);
    assert_int_equal(z85_decode(data, key_text, 40), 0);
    assert_memory_equal(data, key, sizeof key);
}

static void extremes(void **state)
{
    (void)state;
    static const uint8_t ones[4] = {255, 255, 255, 255}, zeros[4] = {0};
    char text[6];
    uint8_t data[4];
    assert_int_equal(z85_encode(text, ones, 4), 0);
    assert_string_equal(text, "%nSc0");
    assert_int_equal(z85_decode(data, text, 5), 0);
    assert_memory_equal(data, ones, 4);
    assert_int_equal(z85_encode(text, zeros, 4), 0);
    assert_string_equal(text, "00000");
    assert_int_equal(z85_encode(text, zeros, 0), 0);
    assert_string_equal(text, "");
    assert_int_equal(z85_decode(data, "", 0), 0);
}

static void what_is_no_z85_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"%nSc1",    "#####",    "0000 ", "0000\"", "0000~",
                                      "0000\x80", "0000\x1f", "0000",  "000000"};
    char text[8];
    uint8_t data[8];
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(z85_decode(data, bad[i], strlen(bad[i])), -EINVAL);
    assert_int_equal(z85_decode(data, "000\0000", 5), -EINVAL);
    for (size_t size = 1; size < 4; size++)
        assert_int_equal(z85_encode(text, hello, size), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_the_specification),
        cmocka_unit_test(extremes),
        cmocka_unit_test(what_is_no_z85_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
