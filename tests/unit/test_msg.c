/* SPDX-License-Identifier: MIT */
/* Message parts: where bodies lie, who shares them, and that each is given back once. */
#include "base/msg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { SHARE_MIN = 4096, LARGE = 10000 };

static int frees;

static void on_free(void *data, void *hint)
{
    (void)data;
    (void)hint;
    frees++;
}

static int nothing_freed(void **state)
{
    (void)state;
    frees = 0;
    return 0;
}

static char memory[LARGE];

/* One whose end is counted. */
static struct msg counted(void)
{
    struct msg msg;
    assert_int_equal(msg_init_data(&msg, memory, sizeof memory, on_free, NULL), 0);
    return msg;
}

static void assert_is_empty(struct msg *msg)
{
    assert_true(msg_is_valid(msg));
    assert_int_equal(msg_size(msg), 0);
    assert_null(msg_chunk(msg));
    assert_false(msg->more);
    assert_false(msg->shared);
    assert_non_null(msg_data(msg));
}

static void an_empty_one_is_valid(void **state)
{
    (void)state;
    struct msg msg;
    memset(&msg, 0xFF, sizeof msg);
    msg_init(&msg);
    assert_is_empty(&msg);
    assert_int_equal(msg_close(&msg), 0);
}

static void what_was_never_made_or_is_closed_is_told(void **state)
{
    (void)state;
    struct msg closed, good;
    msg_init(&closed);
    msg_init(&good);
    assert_int_equal(msg_close(&closed), 0);
    assert_false(msg_is_valid(&closed));
    assert_int_equal(msg_close(&closed), -EFAULT);
    assert_int_equal(msg_move(&closed, &good), -EFAULT);
    assert_int_equal(msg_move(&good, &closed), -EFAULT);
    assert_int_equal(msg_copy(&closed, &good), -EFAULT);
    assert_int_equal(msg_copy(&good, &closed), -EFAULT);
    assert_int_equal(msg_move(&closed, &closed), -EFAULT);
    assert_is_empty(&good);
    for (int octet = 0; octet < 256; octet++) {
        memset(&closed, octet, sizeof closed);
        if (octet == MSG_INLINE || octet == MSG_CHUNK)
            continue;
        assert_false(msg_is_valid(&closed));
        assert_int_equal(msg_close(&closed), -EFAULT);
    }
}

static void small_bodies_lie_inside(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, MSG_INLINE_MAX, MSG_INLINE_MAX + 1, 255, LARGE};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct msg msg;
        assert_int_equal(msg_init_size(&msg, sizes[i]), 0);
        assert_int_equal(msg_size(&msg), sizes[i]);
        assert_int_equal(msg_chunk(&msg) != NULL, sizes[i] > MSG_INLINE_MAX);
        assert_int_equal(msg_data(&msg) == (void *)msg.body.bytes, sizes[i] <= MSG_INLINE_MAX);
        memset(msg_data(&msg), 'x', sizes[i]);
        assert_int_equal(msg_size(&msg), sizes[i]);
        assert_false(msg.more);
        assert_int_equal(msg_close(&msg), 0);

        assert_int_equal(msg_init_copy(&msg, memory, sizes[i]), 0);
        assert_memory_equal(msg_data(&msg), memory, sizes[i]);
        assert_int_equal(msg_close(&msg), 0);
    }
    struct msg msg;
    assert_int_equal(msg_init_copy(&msg, NULL, 0), 0);
    assert_is_empty(&msg);
}

static void without_memory_it_is_empty(void **state)
{
    (void)state;
    struct msg msg;
    assert_int_equal(msg_init_size(&msg, SIZE_MAX), -ENOMEM);
    assert_is_empty(&msg);
    assert_int_equal(msg_init_copy(&msg, NULL, SIZE_MAX), -ENOMEM);
    assert_is_empty(&msg);
}

static void given_memory_is_used_and_given_back(void **state)
{
    (void)state;
    struct msg msg = counted();
    assert_ptr_equal(msg_data(&msg), memory);
    assert_int_equal(msg_size(&msg), sizeof memory);
    assert_int_equal(frees, 0);
    assert_int_equal(msg_close(&msg), 0);
    assert_int_equal(frees, 1);
    assert_int_equal(msg_close(&msg), -EFAULT);
    assert_int_equal(frees, 1);

    assert_int_equal(msg_init_data(&msg, memory, 1, on_free, NULL), 0); /* however small */
    assert_ptr_equal(msg_data(&msg), memory);
    assert_int_equal(msg_close(&msg), 0);
    assert_int_equal(frees, 2);
    assert_int_equal(msg_init_data(&msg, NULL, 0, on_free, NULL), 0);
    assert_int_equal(msg_size(&msg), 0);
    assert_int_equal(msg_close(&msg), 0);
    assert_int_equal(frees, 3);
    assert_int_equal(msg_init_data(&msg, memory, 5, NULL, NULL), 0); /* for ever */
    assert_int_equal(msg_close(&msg), 0);
    assert_int_equal(frees, 3);
}

static void a_received_body_is_shared_from_4096_octets_on(void **state)
{
    (void)state;
    struct chunk *chunk = chunk_new(LARGE);
    struct msg msg;
    memset(chunk->data, 'x', LARGE);
    assert_int_equal(msg_init_shared(&msg, chunk, chunk->data + 3, SHARE_MIN - 1), 0);
    assert_int_equal(chunk_refs(chunk), 1);
    assert_memory_equal(msg_data(&msg), chunk->data, SHARE_MIN - 1);
    assert_int_equal(msg_close(&msg), 0);

    assert_int_equal(msg_init_shared(&msg, chunk, chunk->data + 3, SHARE_MIN), 0);
    assert_int_equal(chunk_refs(chunk), 2);
    assert_ptr_equal(msg_data(&msg), chunk->data + 3);
    assert_int_equal(msg_size(&msg), SHARE_MIN);
    chunk_unref(chunk); /* it lives on in the message */
    memset(msg_data(&msg), 'y', SHARE_MIN);
    assert_int_equal(msg_close(&msg), 0);
}

static void a_move_leaves_an_empty_one(void **state)
{
    (void)state;
    struct msg from = counted(), to = counted();
    from.more = true;
    assert_int_equal(msg_move(&to, &from), 0);
    assert_int_equal(frees, 1); /* what `to` held */
    assert_is_empty(&from);
    assert_int_equal(msg_size(&to), sizeof memory);
    assert_true(to.more);
    assert_int_equal(msg_move(&to, &to), 0);
    assert_int_equal(msg_size(&to), sizeof memory);
    assert_int_equal(frees, 1);
    assert_int_equal(msg_move(&to, &from), 0);
    assert_int_equal(frees, 2);
    assert_int_equal(msg_close(&from), 0);
    assert_int_equal(msg_close(&to), 0);
    assert_int_equal(frees, 2);

    assert_int_equal(msg_init_copy(&from, "abc", 3), 0);
    msg_init(&to);
    assert_int_equal(msg_move(&to, &from), 0);
    assert_int_equal(msg_size(&to), 3);
    assert_memory_equal(msg_data(&to), "abc", 3);
    assert_is_empty(&from);
}

static void a_large_copy_shares(void **state)
{
    (void)state;
    struct msg from = counted(), to = counted(), third;
    msg_init(&third);
    from.more = true;
    assert_int_equal(msg_copy(&to, &from), 0);
    assert_int_equal(frees, 1);
    assert_ptr_equal(msg_data(&to), msg_data(&from));
    assert_true(to.shared && from.shared && to.more);
    assert_int_equal(msg_copy(&third, &to), 0);
    assert_int_equal(msg_copy(&third, &third), 0);
    assert_int_equal(msg_close(&from), 0);
    assert_int_equal(msg_close(&third), 0);
    assert_int_equal(frees, 1);
    assert_int_equal(msg_size(&to), sizeof memory);
    assert_int_equal(msg_close(&to), 0);
    assert_int_equal(frees, 2);
}

static void a_small_copy_is_its_own(void **state)
{
    (void)state;
    struct msg from, to;
    msg_init(&to);
    assert_int_equal(msg_init_copy(&from, "abc", 3), 0);
    assert_int_equal(msg_copy(&to, &from), 0);
    assert_false(to.shared || from.shared);
    memcpy(msg_data(&from), "xyz", 3);
    assert_memory_equal(msg_data(&to), "abc", 3);
    assert_int_equal(msg_close(&from), 0);
    assert_int_equal(msg_size(&to), 3);
    assert_int_equal(msg_close(&to), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, nothing_freed)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_one_is_valid),
        TEST(what_was_never_made_or_is_closed_is_told),
        TEST(small_bodies_lie_inside),
        TEST(without_memory_it_is_empty),
        TEST(given_memory_is_used_and_given_back),
        TEST(a_received_body_is_shared_from_4096_octets_on),
        TEST(a_move_leaves_an_empty_one),
        TEST(a_large_copy_shares),
        TEST(a_small_copy_is_its_own),
    };
    return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
