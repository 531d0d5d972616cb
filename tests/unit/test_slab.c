/* SPDX-License-Identifier: MIT */
/* Slabs: blocks through many random changes, each filled with octets of its own. */
#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"

enum { BLOCKS = 5000, STEPS = 100000 };

struct block {
    uint32_t number;
    size_t size;
    uint8_t octet;
};

static struct slabs slabs;
static struct block blocks[BLOCKS];

static int fresh(void **state)
{
    (void)state;
    dice_seed(0);
    return 0;
}

static void make(struct block *block, size_t size)
{
    block->size = size;
    block->octet = (uint8_t)dice_throw(256);
    block->number = slab_new(&slabs, size);
    assert_int_not_equal(block->number, 0);
    assert_int_equal((uintptr_t)slab_at(&slabs, block->number) % 4, 0);
    assert_true(slab_size(&slabs, block->number) >= size);
    assert_int_equal(slab_size(&slabs, block->number), slab_unit(size));
    memset(slab_at(&slabs, block->number), block->octet, size);
}

static void end(struct block *block)
{
    const uint8_t *at = slab_at(&slabs, block->number);
    for (size_t i = 0; i < block->size; i++)
        assert_int_equal(at[i], block->octet);
    slab_free(&slabs, block->number);
    block->number = 0;
}

static void end_all(void)
{
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].number)
            end(&blocks[i]);
}

static size_t slabs_in_use(void)
{
    size_t count = 0;
    for (uint32_t i = 1; i < slabs.count; i++)
        count += slabs.table[i].base != NULL;
    return count;
}

static void every_size_has_a_block(void **state)
{
    (void)state;
    size_t last = 0;
    for (size_t size = 1; size <= SLAB_SIZE_MAX; size++) {
        struct block block;
        make(&block, size);
        assert_true(slab_unit(size) >= last && slab_unit(size) <= size + size / 4 + 8);
        last = slab_unit(size);
        end(&block);
        assert_int_equal(slabs_in_use(), 0);
    }
    slab_term(&slabs);
}

static void blocks_keep_what_is_in_them(void **state)
{
    (void)state;
    for (int step = 0; step < STEPS; step++) {
        struct block *block = &blocks[dice_throw(BLOCKS)];
        if (block->number)
            end(block);
        else
            make(block, 1 + dice_throw(dice_throw(4) ? 60 : SLAB_SIZE_MAX));
    }
    assert_true(slabs_in_use() > 0);
    end_all();
    assert_int_equal(slabs_in_use(), 0); /* all have gone back */
    slab_term(&slabs);
    assert_null(slabs.table);
}

/* What the blocks are gone from goes back while others stay. */
static void slabs_go_back_one_by_one(void **state)
{
    (void)state;
    for (int i = 0; i < BLOCKS; i++)
        make(&blocks[i], 100);
    size_t most = slabs_in_use();
    for (int i = 0; i < BLOCKS - 1; i++)
        end(&blocks[i]);
    assert_int_equal(slabs_in_use(), 1);
    for (int i = 0; i < BLOCKS - 1; i++)
        make(&blocks[i], 100);
    assert_in_range(slabs_in_use(), 1, most + 1);
    end_all();
    slab_term(&slabs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_size_has_a_block, fresh, tell_seed),
        cmocka_unit_test_setup_teardown(blocks_keep_what_is_in_them, fresh, tell_seed),
        cmocka_unit_test_setup_teardown(slabs_go_back_one_by_one, fresh, tell_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
