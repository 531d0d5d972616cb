/* SPDX-License-Identifier: MIT */
/* Buffers, in single cases: what is copied and what is shared, leaving in cuts, dropping what is
 * open, reading as an inbox. test_buffer_thrown.c does all of it in any order. */
#include "source.h"

/* ---- appending ---- */

static void an_empty_buffer_has_nothing(void **state)
{
    (void)state;
    struct frame frame;
    assert_agreed();
    assert_false(buffer_front(&buffer, &frame, NULL));
    buffer_drop_open(&buffer, &(struct tally){0});
    assert_agreed();
}

static void bodies_are_shared_from_8192_octets_on(void **state)
{
    (void)state;
    append_shared(FRAME_MORE, BUFFER_SHARE_MIN - 1);
    append_shared(FRAME_MORE, BUFFER_SHARE_MIN);
    append_shared(0, 0);
    append(0, 65536); /* copied, however large */
    assert_agreed();
    struct chunk *none = NULL;
    const struct listed *listed = frames_add(&model.frames, 0, false, 20000);
    assert_int_equal(
        buffer_append_shared(&buffer, 0, none, frames_body(&model.frames, listed), 20000), 0);
    assert_agreed();
}

static void commands_do_not_count(void **state)
{
    (void)state;
    append(FRAME_COMMAND, 10);
    assert_tally(buffer.tally, (struct tally){0});
    append(0, 10);
    append(FRAME_COMMAND, 300);
    assert_tally(buffer.tally, ((struct tally){1, 1, 10}));
    assert_agreed();
    for (size_t size = model.frames.size; size; size--) {
        advance(1);
        assert_agreed();
    }
}

static void a_run_is_shared_if_large_and_a_good_part(void **state)
{
    (void)state;
    static const struct {
        size_t body, slack;
        bool shared;
    } cases[] = {
        {8192 - 10, 0, false},           /* with its header one octet less than enough */
        {8192 - 9, 0, true},             /* just enough */
        {8192 - 9, 8192 * 3, true},      /* a quarter of its chunk */
        {8192 - 9, 8192 * 3 + 4, false}, /* and less than one */
        {65536, 0, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        frames_clear(&source);
        frames_add(&source, 0, false, cases[i].body);
        struct run run = source_run(cases[i].slack);
        model_source(0);
        assert_int_equal(buffer_append_run(&buffer, &run, NULL), 0);
        assert_int_equal(chunk_refs(run.chunk), cases[i].shared ? 2 : 1);
        struct chunk *chunk = run.chunk;
        run.chunk = NULL; /* may not be shared */
        model_source(0);
        assert_int_equal(buffer_append_run(&buffer, &run, NULL), 0);
        assert_int_equal(chunk_refs(chunk), cases[i].shared ? 2 : 1);
        chunk_unref(chunk);
        assert_agreed();
    }
}

static void a_prefix_goes_before_each_message(void **state)
{
    (void)state;
    frames_clear(&source);
    frames_add(&source, 0, false, 5);
    frames_add(&source, FRAME_MORE, false, 0);
    frames_add(&source, 0, false, 300);
    frames_add(&source, 0, false, 0);
    struct run run = source_run(0);
    model_source_prefixed();
    assert_int_equal(buffer_append_run(&buffer, &run, &prefix), 0);
    assert_tally(buffer.tally, ((struct tally){3, 10, 305 + 3 * 2}));
    assert_agreed();
    chunk_unref(run.chunk);
}

static void octets_may_come_in_two_halves(void **state)
{
    (void)state;
    const struct listed *listed = frames_add(&model.frames, 0, false, 20);
    const uint8_t *octets = model.frames.octets;
    struct tally tally = {1, 1, 20};
    assert_int_equal(
        buffer_append_two(&buffer, octets, 5, octets + 5, frames_end(listed) - 5, &tally), 0);
    assert_agreed();
    listed = frames_add(&model.frames, 0, false, 0);
    tally = (struct tally){1, 1, 0};
    assert_int_equal(
        buffer_append_two(&buffer, octets + listed->at, listed->header, NULL, 0, &tally), 0);
    assert_agreed();
}

static void what_is_shared_is_given_back(void **state)
{
    (void)state;
    struct chunk *chunk = chunk_new(30000);
    memset(chunk->data, 'x', 30000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(buffer_append_shared(&buffer, 0, chunk, chunk->data, 30000), 0);
    assert_int_equal(chunk_refs(chunk), 4);
    struct tally left = {0};
    buffer_advance(&buffer, 9 + 29999, &left);
    assert_int_equal(chunk_refs(chunk), 4);
    assert_int_equal(left.messages, 0);
    buffer_advance(&buffer, 1, &left);
    assert_int_equal(chunk_refs(chunk), 3);
    assert_tally(left, ((struct tally){1, 1, 30000}));
    buffer_advance(&buffer, 1, &left);
    buffer_drop_open(&buffer, &left);
    assert_int_equal(chunk_refs(chunk), 2);
    buffer_term(&buffer);
    assert_int_equal(chunk_refs(chunk), 1);
    chunk_unref(chunk);
}

/* ---- leaving ---- */

static void fill_for_cuts(void)
{
    fresh(NULL);
    buffer_term(&buffer);
    append(FRAME_COMMAND, 3);
    append(0, 4);
    append(FRAME_MORE, 2);
    append_shared(FRAME_MORE, BUFFER_SHARE_MIN);
    append(0, 0);
    append(FRAME_COMMAND, 3);
    append_shared(0, BUFFER_SHARE_MIN);
    append(0, 300);
    append(FRAME_COMMAND, 0);
    append(0, 1);
}

/* The octets near which something changes, of the row above. */
static bool is_near_a_border(size_t at)
{
    for (size_t i = 0; i < model.frames.count; i++) {
        size_t begin = model.frames.list[i].at, end = frames_end(&model.frames.list[i]);
        if ((at + 2 >= begin && at <= begin + 11) || (at + 2 >= end && at <= end + 2))
            return true;
    }
    return false;
}

static void it_leaves_in_any_two_cuts(void **state)
{
    (void)state;
    fill_for_cuts();
    size_t size = model.frames.size;
    for (size_t first = 1; first < size; first++) {
        for (size_t second = first; second <= size && is_near_a_border(first); second++) {
            if (!is_near_a_border(second))
                continue;
            fill_for_cuts();
            advance(first);
            assert_agreed();
            advance(second - first);
            assert_agreed();
        }
    }
}

static void the_rest_of_an_open_message_is_dropped(void **state)
{
    (void)state;
    fill_for_cuts();
    size_t size = model.frames.size;
    for (size_t cut = 1; cut <= size; cut++) {
        if (!is_near_a_border(cut))
            continue;
        for (size_t before = 0; before < cut; before += before + 8 < cut ? cut - before - 8 : 1) {
            fill_for_cuts();
            advance(before);
            advance(cut - before);
            drop_open();
            assert_agreed();
            assert_false(buffer.inside);
            append(FRAME_MORE, 7);
            append(0, 1);
            assert_agreed();
            advance(model.frames.size - model.gone);
            assert_agreed();
        }
    }
}

/* ---- as inbox ---- */

static void frames_are_taken_out_one_by_one(void **state)
{
    (void)state;
    fill_for_cuts();
    for (size_t i = 0; i < model.frames.count; i++) {
        assert_front(&model.frames.list[i]);
        assert_agreed();
    }
    assert_true(buffer_is_empty(&buffer));
}

static void the_run_in_front_is_one_piece_or_one_large_message(void **state)
{
    (void)state;
    struct run run;
    struct buffer large = {0};
    append(0, 4);
    append(FRAME_MORE, 5);
    append(0, 6);
    append(FRAME_MORE, 7);
    append_shared(FRAME_MORE, BUFFER_SHARE_MIN);
    append(0, 8);
    append(0, 9);

    assert_int_equal(buffer_front_run(&buffer, &run, &large), 0);
    assert_null(run.large);
    assert_non_null(run.chunk);
    assert_tally(run.tally, ((struct tally){2, 3, 15}));
    assert_memory_equal(run.data, model.frames.octets, run.size);
    assert_int_equal(run.size, model.frames.list[3].at);
    buffer_pop_messages(&buffer, 1);
    assert_int_equal(buffer_front_run(&buffer, &run, &large), 0);
    assert_tally(run.tally, ((struct tally){1, 2, 11}));
    buffer_pop_messages(&buffer, 1);

    assert_int_equal(buffer_front_run(&buffer, &run, &large), 0);
    assert_ptr_equal(run.large, &large);
    assert_tally(run.tally, ((struct tally){1, 3, 15 + BUFFER_SHARE_MIN}));
    assert_int_equal(run.size, large.bytes);
    assert_int_equal(run.size, model.frames.list[6].at - model.frames.list[3].at);
    buffer_pop_messages(&buffer, 1);
    buffer_term(&large);

    assert_int_equal(buffer_front_run(&buffer, &run, &large), 0);
    assert_null(run.large);
    assert_tally(run.tally, ((struct tally){1, 1, 9}));
    buffer_pop_messages(&buffer, 1);
    assert_true(buffer_is_empty(&buffer));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, emptied)
    const struct CMUnitTest tests[] = {
        TEST(an_empty_buffer_has_nothing),
        TEST(bodies_are_shared_from_8192_octets_on),
        TEST(commands_do_not_count),
        TEST(a_run_is_shared_if_large_and_a_good_part),
        TEST(a_prefix_goes_before_each_message),
        TEST(octets_may_come_in_two_halves),
        TEST(what_is_shared_is_given_back),
        TEST(it_leaves_in_any_two_cuts),
        TEST(the_rest_of_an_open_message_is_dropped),
        TEST(frames_are_taken_out_one_by_one),
        TEST(the_run_in_front_is_one_piece_or_one_large_message),
    };
    return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
