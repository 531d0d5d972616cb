/* SPDX-License-Identifier: MIT */
/* Properties of messages: what they hold, and that messages keep them alive; leaks are found by
 * the sanitizer. */
#include "base/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct properties *some(void)
{
    struct properties *made = properties_new(7, "DEALER", (const uint8_t *)"me\0x", 2, "::1");
    assert_non_null(made);
    return made;
}

static void texts_are_found_by_name(void **state)
{
    (void)state;
    struct properties *made = some();
    assert_int_equal(made->fd, 7);
    assert_string_equal(properties_find(made, "Socket-Type"), "DEALER");
    assert_string_equal(properties_find(made, "Routing-Id"), "me");
    assert_string_equal(properties_find(made, "Identity"), "me");
    assert_string_equal(properties_find(made, "Peer-Address"), "::1");
    assert_null(properties_find(made, "User-Id"));
    assert_null(properties_find(made, "socket-type"));
    assert_null(properties_find(made, ""));
    properties_unref(made);
}

static void what_is_not_known_is_not_found(void **state)
{
    (void)state;
    struct properties *made = properties_new(7, "PUSH", NULL, 0, NULL);
    assert_null(properties_find(made, "Routing-Id"));
    assert_null(properties_find(made, "Peer-Address"));
    properties_unref(made);
    made = properties_new(7, "REQ", (const uint8_t *)"", 0, NULL);
    assert_string_equal(properties_find(made, "Routing-Id"), "");
    properties_unref(made);
    properties_unref(NULL);
}

static unsigned refs(const struct msg *msg)
{
    return atomic_load(&msg->properties->refs);
}

static void messages_share_them(void **state)
{
    (void)state;
    struct msg first, copy, moved;
    msg_init(&copy);
    msg_init(&moved);
    assert_int_equal(msg_init_size(&first, 3), 0);
    first.properties = some();
    assert_int_equal(msg_copy(&copy, &first), 0);
    assert_ptr_equal(copy.properties, first.properties);
    assert_int_equal(refs(&first), 2);
    assert_int_equal(msg_copy(&copy, &first), 0);
    assert_int_equal(msg_copy(&copy, &copy), 0);
    assert_int_equal(refs(&first), 2);
    assert_int_equal(msg_move(&moved, &first), 0);
    assert_null(first.properties);
    assert_int_equal(refs(&moved), 2);
    assert_int_equal(msg_close(&moved), 0);
    assert_null(moved.properties);
    assert_int_equal(refs(&copy), 1);
    assert_int_equal(msg_move(&copy, &first), 0);
    assert_null(copy.properties);
    assert_int_equal(msg_close(&copy), 0);
    assert_int_equal(msg_close(&first), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_found_by_name),
        cmocka_unit_test(what_is_not_known_is_not_found),
        cmocka_unit_test(messages_share_them),
    };
    return cmocka_run_group_tests_name("properties", tests, NULL, NULL);
}
