/* SPDX-License-Identifier: MIT */
/* Buffers whose message has begun to leave: what waits behind it is dropped, its rest is not. */
#include "model.h"

/* Small frames in one piece, large bodies in their own, commands; also behind each other. */
static void fill(void)
{
    fresh(NULL);
    buffer_term(&buffer);
    append(FRAME_COMMAND, 3);
    append(0, 4);
    append(FRAME_MORE, 2);
    append_shared(FRAME_MORE, BUFFER_SHARE_MIN);
    append(0, 0);
    append(FRAME_MORE, 300);
    append_shared(0, BUFFER_SHARE_MIN);
    append_shared(0, BUFFER_SHARE_MIN);
    append(FRAME_COMMAND, 0);
    append(FRAME_MORE, 1);
    append(0, 5);
    append(0, 6);
}

/* Where the message or command ends that has begun to leave, or is being sent just now; where
 * nothing has, right here. */
static size_t end_of_begun(void)
{
    size_t end = model.gone;
    bool more = model_inside();
    for (size_t i = 0; i < model.frames.count && (more || end < model.gone + buffer.lent); i++) {
        const struct listed *listed = &model.frames.list[i];
        if (frames_end(listed) <= model.gone)
            continue;
        end = frames_end(listed);
        more = listed->flags & FRAME_MORE;
    }
    return end;
}

static void drop_behind(void)
{
    struct tally dropped = {0};
    size_t end = end_of_begun();
    buffer_drop_rest(&buffer, &dropped);
    assert_tally(dropped, frames_tally(&model.frames, end, model.frames.size));
    model.frames.size = end;
    while (model.frames.count && model.frames.list[model.frames.count - 1].at >= end)
        model.frames.count--;
    assert_agreed();
}

static void go_on(void)
{
    append(FRAME_MORE, 7);
    append_shared(0, BUFFER_SHARE_MIN);
    assert_agreed();
    advance(model.frames.size - model.gone);
    assert_agreed();
    assert_true(buffer_is_empty(&buffer));
}

static void an_empty_buffer_stays_so(void **state)
{
    (void)state;
    drop_behind();
    go_on();
}

static void what_has_not_begun_is_dropped(void **state)
{
    (void)state;
    fill();
    drop_behind();
    assert_true(buffer_is_empty(&buffer));
    go_on();
}

static bool is_near_a_border(size_t at)
{
    for (size_t i = 0; i < model.frames.count; i++) {
        size_t begin = model.frames.list[i].at, end = frames_end(&model.frames.list[i]);
        if ((at + 2 >= begin && at <= begin + 11) || (at + 2 >= end && at <= end + 2))
            return true;
    }
    return false;
}

static void what_has_begun_leaves_whole(void **state)
{
    (void)state;
    fill();
    size_t size = model.frames.size;
    for (size_t cut = 1; cut <= size; cut++) {
        if (!is_near_a_border(cut))
            continue;
        for (size_t last = 1; last < 10; last++) { /* in one go, or a few octets apart */
            size_t second = last == 9 || last > cut ? cut : last;
            fill();
            advance(cut - second);
            advance(second);
            drop_behind();
            drop_behind();
            if (model.frames.size > model.gone)
                advance(1);
            assert_agreed();
            go_on();
        }
        fill(); /* is_near_a_border() looks at it */
    }
}

static void what_is_being_sent_stays(void **state)
{
    (void)state;
    fill();
    size_t size = model.frames.size;
    for (size_t begin = 0; begin < size; begin += begin < 40 ? 1 : 2999) {
        for (size_t end = begin + 1; end <= size; end += end - begin < 40 ? 1 : 3001) {
            fill();
            if (begin)
                advance(begin);
            buffer.lent = end - begin;
            drop_behind();
            assert_true(model.frames.size >= end);
            buffer.lent = 0;
            advance(end - begin);
            drop_behind();
            go_on();
        }
    }
}

static void chunks_are_given_back(void **state)
{
    (void)state;
    struct chunk *chunk = chunk_new(20000);
    memset(chunk->data, 'x', 20000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(buffer_append_shared(&buffer, 0, chunk, chunk->data, 20000), 0);
    struct tally left = {0}, dropped = {0};
    buffer_advance(&buffer, 100, &left);
    buffer_drop_rest(&buffer, &dropped);
    assert_int_equal(chunk_refs(chunk), 2);
    assert_tally(dropped, ((struct tally){2, 2, 40000}));
    assert_tally(buffer.tally, ((struct tally){1, 1, 20000}));
    buffer_advance(&buffer, 20000 + 9 - 100, &left);
    assert_int_equal(chunk_refs(chunk), 1);
    chunk_unref(chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_buffer_stays_so, fresh, emptied),
        cmocka_unit_test_setup_teardown(what_has_not_begun_is_dropped, fresh, emptied),
        cmocka_unit_test_setup_teardown(what_has_begun_leaves_whole, fresh, emptied),
        cmocka_unit_test_setup_teardown(what_is_being_sent_stays, fresh, emptied),
        cmocka_unit_test_setup_teardown(chunks_are_given_back, fresh, emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
