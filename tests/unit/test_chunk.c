/* SPDX-License-Identifier: MIT */
/* Chunks: who refers to them, when they go, and the cache of large ones. */
#include "base/chunk.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

enum { MIB = 1 << 20 };

/* What the chunks of a test gave back. */
static struct {
    atomic_int calls;
    void *data, *hint;
} freed;

static void on_free(void *data, void *hint)
{
    freed.data = data;
    freed.hint = hint;
    atomic_fetch_add(&freed.calls, 1);
}

static int nothing_freed(void **state)
{
    (void)state;
    atomic_store(&freed.calls, 0);
    freed.data = freed.hint = NULL;
    return 0;
}

static void a_chunk_has_the_room_asked_for(void **state)
{
    (void)state;
    const size_t head = sizeof(struct chunk);
    const size_t sizes[] = {0,
                            1,
                            1000,
                            32767,
                            32768,
                            32769,
                            65535,
                            65536 - head,
                            65536,
                            65537,
                            131072 - head,
                            131072,
                            8 * MIB - head,
                            8 * MIB - head + 1,
                            8 * MIB,
                            8 * MIB + 1,
                            9 * MIB};
    for (int again = 0; again < 2; again++) { /* from the cache the second time */
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct chunk *chunk = chunk_new(sizes[i]);
            assert_non_null(chunk);
            assert_int_equal(chunk->size, sizes[i]);
            assert_int_equal(chunk_refs(chunk), 1);
            memset(chunk->data, 0xAA, sizes[i]);
            chunk_unref(chunk);
        }
    }
}

static void too_much_is_refused(void **state)
{
    (void)state;
    assert_null(chunk_new(SIZE_MAX));
    assert_null(chunk_new(SIZE_MAX - sizeof(struct chunk)));
    assert_null(chunk_new(SIZE_MAX / 2 + 1));
}

static void it_lives_as_long_as_it_is_referred_to(void **state)
{
    (void)state;
    struct chunk *chunk = chunk_new(100);
    assert_ptr_equal(chunk_ref(chunk), chunk);
    assert_int_equal(chunk_refs(chunk), 2);
    chunk_unref(chunk);
    assert_int_equal(chunk_refs(chunk), 1);
    memset(chunk->data, 1, 100);
    chunk_unref(chunk);
}

static void wrapped_memory_is_given_back_once(void **state)
{
    (void)state;
    char memory[10];
    int hint;
    struct chunk *chunk = chunk_wrap(memory, sizeof memory, on_free, &hint);
    assert_ptr_equal(chunk->data, memory);
    assert_int_equal(chunk->size, sizeof memory);
    chunk_unref(chunk_ref(chunk));
    assert_int_equal(freed.calls, 0);
    chunk_unref(chunk);
    assert_int_equal(freed.calls, 1);
    assert_ptr_equal(freed.data, memory);
    assert_ptr_equal(freed.hint, &hint);

    chunk_unref(chunk_wrap(NULL, 0, on_free, NULL));
    assert_int_equal(freed.calls, 2);
    assert_null(freed.data);
    chunk_unref(chunk_wrap(memory, sizeof memory, NULL, NULL)); /* kept by its owner */
}

static void *refer_often(void *arg)
{
    struct chunk *chunk = arg;
    for (int i = 0; i < 20000; i++)
        chunk_unref(chunk_ref(chunk));
    chunk_unref(chunk);
    return NULL;
}

static void threads_may_share_it(void **state)
{
    (void)state;
    pthread_t threads[4];
    struct chunk *chunk = chunk_wrap(NULL, 0, on_free, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, refer_often, chunk_ref(chunk)), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(chunk_refs(chunk), 1);
    assert_int_equal(freed.calls, 0);
    chunk_unref(chunk);
    assert_int_equal(freed.calls, 1);
}

static void *make_often(void *arg)
{
    for (size_t i = 0; i < 2000; i++) {
        struct chunk *one = chunk_new(40000), *two = chunk_new(100000);
        one->data[0] = two->data[i] = 1;
        chunk_unref(one);
        chunk_unref(two);
    }
    return arg;
}

static void threads_may_share_the_cache(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_often, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void a_large_block_comes_again(void **state)
{
    (void)state;
    static const size_t sizes[] = {40000, 65536, 200000, 4 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct chunk *chunk = chunk_new(sizes[i]);
        uintptr_t first = (uintptr_t)chunk;
        chunk_unref(chunk);
        chunk = chunk_new(sizes[i] - 1);
        assert_int_equal((uintptr_t)chunk, first);
        chunk_unref(chunk);
    }
}

/* How many blocks that were given back come again. The system's allocator may give the same ones
 * by itself, except under AddressSanitizer, which delays that. */
static void the_cache_keeps_96_mib_at_most(void **state)
{
    (void)state;
#ifndef __SANITIZE_ADDRESS__
    skip();
#endif
    enum { COUNT = 14 };
    struct chunk *chunks[COUNT];
    uintptr_t before[COUNT];
    int again = 0;
    chunk_trim();
    for (int i = 0; i < COUNT; i++) {
        chunks[i] = chunk_new(7 * MIB + MIB / 2);
        before[i] = (uintptr_t)chunks[i];
    }
    for (int i = 0; i < COUNT; i++)
        chunk_unref(chunks[i]);
    for (int i = 0; i < COUNT; i++) {
        chunks[i] = chunk_new(7 * MIB + MIB / 2);
        for (int j = 0; j < COUNT; j++)
            again += (uintptr_t)chunks[i] == before[j];
    }
    assert_int_equal(again, 12); /* they are blocks of 8 MiB */
    for (int i = 0; i < COUNT; i++)
        chunk_unref(chunks[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, nothing_freed)
    const struct CMUnitTest tests[] = {
        TEST(a_chunk_has_the_room_asked_for),
        TEST(too_much_is_refused),
        TEST(it_lives_as_long_as_it_is_referred_to),
        TEST(wrapped_memory_is_given_back_once),
        TEST(threads_may_share_it),
        TEST(threads_may_share_the_cache),
        TEST(a_large_block_comes_again),
        TEST(the_cache_keeps_96_mib_at_most),
    };
    return cmocka_run_group_tests_name("chunk", tests, NULL, NULL);
}
