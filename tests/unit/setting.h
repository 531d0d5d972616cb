/* SPDX-License-Identifier: MIT */
/* Short ways to set and get options in the tests of core/option.h. */
#ifndef UNIT_SETTING_H
#define UNIT_SETTING_H

#include "core/option.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline int set_int(struct options *options, int option, int value)
{
    return option_set(options, option, &value, sizeof(value));
}

static inline int get_int(const struct options *options, int option)
{
    int value;
    size_t size = sizeof(value);
    assert_int_equal(option_get(options, option, &value, &size), 0);
    assert_int_equal(size, sizeof(value));
    return value;
}

static inline int set_text(struct options *options, int option, const char *text)
{
    return option_set(options, option, text, strlen(text));
}

static inline void assert_text(const struct options *options, int option, const char *text,
                               size_t length)
{
    char out[400];
    size_t size = length;
    assert_int_equal(option_get(options, option, out, &size), -EINVAL);
    assert_int_equal(size, length);
    size = sizeof(out);
    assert_int_equal(option_get(options, option, out, &size), 0);
    assert_int_equal(size, length + 1);
    assert_memory_equal(out, text, length);
    assert_int_equal(out[length], '\0');
}

#endif
