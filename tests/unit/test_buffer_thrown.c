/* SPDX-License-Identifier: MIT */
/* Buffers under thrown traffic: all kinds of appending, leaving and reading in any order, and
 * after every step buffer and model must agree. */
#include "source.h"

/* Whole messages into a buffer, frame by frame; the frames are added to the source. */
static void throw_messages(struct buffer *to, int messages)
{
    for (size_t n = source.count; messages--;) {
        frames_add_message(&source);
        for (; n < source.count; n++) {
            const struct listed *listed = &source.list[n];
            const uint8_t *body = frames_body(&source, listed);
            struct chunk *chunk = chunk_new(listed->size);
            assert_non_null(chunk);
            if (listed->size)
                memcpy(chunk->data, body, listed->size);
            int rc = dice_throw(2) ? buffer_append(to, listed->flags, body, listed->size)
                                   : buffer_append_shared(to, listed->flags, chunk, chunk->data,
                                                          listed->size);
            assert_int_equal(rc, 0);
            chunk_unref(chunk);
            source.list[n].header = listed->size > 255 ? 9 : 2; /* as the buffer writes it */
        }
    }
}

/* Another buffer with some messages, of which some have been taken out; `first` is the number of
 * the source's frame that now stands in front. */
static struct buffer throw_buffer(int messages, size_t *first)
{
    struct buffer other = {0};
    struct frame frame;
    frames_clear(&source);
    throw_messages(&other, messages);
    *first = 0;
    for (int pop = (int)dice_throw((uint32_t)messages); pop; *first += 1) {
        assert_true(buffer_front(&other, &frame, NULL));
        pop -= !(frame.flags & FRAME_MORE);
        buffer_pop(&other, &frame);
    }
    return other;
}

static void throw_run(bool prefixed)
{
    frames_clear(&source);
    for (int messages = 1 + (int)dice_throw(5); messages; messages--)
        frames_add_message(&source);
    struct run run = source_run(dice_throw(2) ? 0 : dice_throw(100000));
    struct chunk *chunk = run.chunk;
    if (dice_throw(2))
        run.chunk = NULL;
    if (prefixed)
        model_source_prefixed();
    else
        model_source(0);
    assert_int_equal(buffer_append_run(&buffer, &run, prefixed ? &prefix : NULL), 0);
    chunk_unref(chunk);
}

/* A run dealt out to several peers, of which the buffer is one: every stride-th message. */
static void throw_slices(bool prefixed)
{
    struct slice slices[8];
    size_t next = 0, stride = 1 + dice_throw(3), used = 0;
    struct tally tally = {0};
    frames_clear(&source);
    for (int messages = 1 + (int)dice_throw(8); messages; messages--)
        frames_add_message(&source);
    struct run run = source_run(0);
    size_t count = run_slices(&run, slices, sizeof slices / sizeof *slices);
    for (size_t i = 0; i < count; i++) {
        bool chosen = i % stride == 0;
        size_t last = next;
        while (source.list[last].flags & FRAME_MORE)
            last++;
        if (chosen && prefixed)
            model_prefix();
        for (; next <= last; next++) {
            const struct listed *listed = &source.list[next];
            if (chosen)
                frames_put(&model.frames, listed->flags, listed->header == 9,
                           frames_body(&source, listed), listed->size);
        }
        used += chosen;
        if (chosen)
            tally_add(&tally, &(struct tally){1, slices[i].parts + (prefixed ? prefix.parts : 0),
                                              slices[i].bytes + (prefixed ? prefix.bytes : 0)});
    }
    assert_int_equal(
        buffer_append_slices(&buffer, slices, used, stride, prefixed ? &prefix : NULL, &tally), 0);
    chunk_unref(run.chunk);
}

static void throw_large(bool prefixed)
{
    size_t first;
    struct buffer other = throw_buffer(1, &first);
    struct run run = {.large = &other, .size = other.bytes, .tally = other.tally};
    if (prefixed)
        model_prefix();
    model_source(first);
    assert_int_equal(buffer_append_run(&buffer, &run, prefixed ? &prefix : NULL), 0);
    buffer_term(&other);
}

static void throw_other(void)
{
    size_t first;
    struct buffer other = throw_buffer(1 + (int)dice_throw(4), &first);
    if (dice_throw(2)) {
        /* All but the first frame: a message of one part is then gone. */
        bool skip = dice_throw(2) && first + 1 < source.count;
        model_source(first + skip);
        assert_int_equal(buffer_append_buffer(&buffer, &other, skip), 0);
    } else {
        model_source(first);
        assert_int_equal(buffer_append_buffer(&buffer, &other, false), 0);
    }
    buffer_term(&other);
}

static void throw_append(void)
{
    frames_clear(&source);
    switch (dice_throw(9)) {
    case 0:
    case 1:
        throw_messages(&buffer, 1 + (int)dice_throw(3));
        model_source(0);
        break;
    case 2: throw_run(false); break;
    case 3: throw_run(true); break;
    case 4: throw_large(dice_throw(2)); break;
    case 5: append(FRAME_COMMAND, dice_throw(40)); break;
    case 6: throw_other(); break;
    case 7: throw_slices(dice_throw(2)); break;
    default: {
        const struct listed *listed = frames_add(&model.frames, FRAME_COMMAND, false,
                                                 dice_throw(300));
        assert_int_equal(buffer_append_raw(&buffer, model.frames.octets + listed->at,
                                           listed->header + listed->size, &(struct tally){0}),
                         0);
    }
    }
}

static void output_agrees_with_the_model(void **state)
{
    FOR_SEEDS(400)
    {
        uint64_t seed = dice.seed;
        fresh(state);
        buffer_term(&buffer);
        dice_seed(seed);
        for (int step = 0; step < 60; step++) {
            uint32_t bytes = (uint32_t)buffer.bytes;
            if (dice_throw(2))
                throw_append();
            else if (bytes && dice_throw(4) == 0)
                advance(bytes);
            else if (bytes && dice_throw(8))
                advance(1 + dice_throw(dice_throw(2) && bytes > 30 ? 30 : bytes));
            else
                drop_open();
            assert_agreed();
        }
    }
}

/* The message in front, wherever it lies, is the model's. */
static void assert_front_run(size_t *n)
{
    struct run run, message;
    struct buffer large = {0};
    assert_int_equal(buffer_front_run(&buffer, &run, &large), 0);
    assert_true(run.tally.messages > 0);
    uint64_t take = 1 + dice_throw((uint32_t)run.tally.messages);
    struct buffer copy = {0}, whole = buffer;
    struct run head = run.large ? run : run_take(&run, take);
    assert_int_equal(buffer_append_run(&copy, &head, NULL), 0);
    struct run rest = run;
    assert_true(run_next(&rest, &message));

    /* The copy holds the same frames. */
    buffer = copy;
    while (!buffer_is_empty(&buffer)) {
        struct listed listed = model.frames.list[(*n)++];
        if (run.large)
            listed.header = listed.size > 255 ? 9 : 2;
        assert_front(&listed);
    }
    buffer_term(&buffer);
    buffer = whole;
    buffer_pop_messages(&buffer, head.tally.messages);
    buffer_term(&large);
}

static void inbox_agrees_with_the_model(void **state)
{
    FOR_SEEDS(400)
    {
        uint64_t seed = dice.seed;
        size_t n = 0; /* the frame in front */
        fresh(state);
        buffer_term(&buffer);
        dice_seed(seed);
        for (int step = 0; step < 60; step++) {
            bool between = n == 0 || !(model.frames.list[n - 1].flags & FRAME_MORE);
            if (dice_throw(5) == 0)
                throw_run(dice_throw(2));
            else if (dice_throw(5) == 0)
                throw_large(dice_throw(2));
            else if (!buffer_is_empty(&buffer) && between && dice_throw(3) == 0)
                assert_front_run(&n);
            else if (!buffer_is_empty(&buffer))
                assert_front(&model.frames.list[n++]);
            assert_agreed();
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, emptied)
    const struct CMUnitTest tests[] = {
        TEST(output_agrees_with_the_model),
        TEST(inbox_agrees_with_the_model),
    };
    return cmocka_run_group_tests_name("buffer_thrown", tests, NULL, NULL);
}
