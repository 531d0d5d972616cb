/* SPDX-License-Identifier: MIT */
/* Runs: run_scan() against a plain reading of the same octets, by vectors and thrown; and the
 * cuts that are made of a run afterwards. */
#include "base/run.h"

#include "base/buffer.h"

#include "frames.h"

static struct frames frames;
static const struct scan_limits no_limits = {.body_max = UINT64_MAX, .large_min = UINT64_MAX};

static int fresh(void **state)
{
    (void)state;
    dice_seed(0);
    frames_clear(&frames);
    return 0;
}

/* A scan of a copy that ends where the octets end, so that reading on shows. */
static uint8_t *copy;

static struct scan scan_octets(const uint8_t *octets, size_t size, const struct scan_limits *limits)
{
    struct scan scan;
    free(copy);
    copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size)
        memcpy(copy, octets, size);
    run_scan(&scan, copy, size, limits);
    return scan;
}

static int forget(void **state)
{
    free(copy);
    copy = NULL;
    return tell_seed(state);
}

static struct scan scan_all(void)
{
    return scan_octets(frames.octets, frames.size, &no_limits);
}

static struct run all_as_run(void)
{
    struct scan scan;
    run_scan(&scan, frames.octets, frames.size, &no_limits);
    assert_int_equal(scan.run.size, frames.size);
    return scan.run;
}

static void nothing_is_an_empty_run(void **state)
{
    (void)state;
    struct scan scan = scan_all();
    assert_int_equal(scan.run.size, 0);
    assert_int_equal(scan.parsed, 0);
    assert_int_equal(scan.stop, SCAN_END);
    assert_tally(scan.run.tally, (struct tally){0});
}

static void the_border_of_headers_is_255(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 254, 255, 256, 257, 65535};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        frames_clear(&frames);
        frames_add(&frames, 0, false, sizes[i]);
        assert_int_equal(frames.size, sizes[i] + (sizes[i] <= 255 ? 2 : 9));
        for (size_t cut = 0; cut <= frames.size; cut += cut < 12 ? 1 : frames.size - cut + !cut) {
            struct scan scan = scan_octets(frames.octets, cut, &no_limits);
            assert_int_equal(scan.run.size, cut == frames.size ? cut : 0);
            assert_int_equal(scan.stop, SCAN_END);
            if (cut == frames.size)
                break;
        }
        struct scan scan = scan_octets(frames.octets, frames.size - 1, &no_limits);
        assert_int_equal(scan.run.size, 0);
        scan = scan_all();
        assert_int_equal(scan.run.size, frames.size);
        assert_tally(scan.run.tally,
                     ((struct tally){.messages = 1, .parts = 1, .bytes = sizes[i]}));
    }
}

static void an_unfinished_message_is_told_apart(void **state)
{
    (void)state;
    frames_add(&frames, 0, false, 5);
    frames_add(&frames, FRAME_MORE, false, 3);
    frames_add(&frames, FRAME_MORE, false, 300);
    size_t whole = frames.size;
    frames_add(&frames, 0, false, 10);
    struct scan scan = scan_octets(frames.octets, frames.size - 1, &no_limits);
    assert_int_equal(scan.stop, SCAN_END);
    assert_int_equal(scan.run.size, 7);
    assert_int_equal(scan.parsed, whole);
    assert_tally(scan.run.tally, ((struct tally){1, 1, 5}));
    assert_tally(scan.open, ((struct tally){0, 2, 303}));
}

static void a_run_ends_where_it_is_long_enough(void **state)
{
    (void)state;
    struct scan_limits limits = no_limits;
    frames_add(&frames, 0, false, 5);
    frames_add(&frames, FRAME_MORE, false, 3);
    frames_add(&frames, FRAME_MORE, false, 300);
    frames_add(&frames, 0, false, 10);
    size_t two = frames.size;
    frames_add(&frames, 0, false, 400);
    size_t three = frames.size;
    frames_add(&frames, 0, false, 1);
    for (limits.run_max = 1; limits.run_max <= three + 8; limits.run_max++) {
        struct scan scan = scan_octets(frames.octets, frames.size, &limits);
        size_t max = limits.run_max;
        uint64_t messages = max <= 7 ? 1 : max <= two ? 2 : max <= three ? 3 : 4;
        assert_int_equal(scan.run.tally.messages, messages);
        assert_int_equal(scan.run.tally.parts, messages == 1 ? 1 : messages + 2);
        assert_int_equal(scan.parsed, scan.run.size);
        assert_int_equal(scan.stop, SCAN_END);
    }
}

static void the_rest_of_a_message_ends_with_it(void **state)
{
    (void)state;
    struct scan scan;
    frames_add(&frames, FRAME_MORE, false, 3);
    frames_add(&frames, FRAME_MORE, false, 0);
    size_t two = frames.size;
    frames_add(&frames, 0, false, 300);
    size_t three = frames.size;
    frames_add(&frames, 0, false, 1);
    run_scan_rest(&scan, frames.octets, frames.size, &no_limits);
    assert_int_equal(scan.parsed, three);
    assert_tally(scan.open, ((struct tally){1, 3, 303}));
    assert_int_equal(scan.run.size, 0);
    run_scan_rest(&scan, frames.octets, three - 1, &no_limits);
    assert_int_equal(scan.parsed, two);
    assert_tally(scan.open, ((struct tally){0, 2, 3}));
    assert_int_equal(scan.stop, SCAN_END);
    frames_clear(&frames);
    frames_add(&frames, FRAME_COMMAND, false, 5);
    run_scan_rest(&scan, frames.octets, frames.size, &no_limits);
    assert_int_equal(scan.parsed, 0);
    assert_int_equal(scan.stop, SCAN_INSIDE);
}

static void commands_stop_it_between_and_inside_messages(void **state)
{
    (void)state;
    frames_add(&frames, 0, false, 5);
    size_t at = frames.size;
    frames_add(&frames, FRAME_COMMAND, false, 20);
    size_t behind = frames.size;
    frames_add(&frames, 0, false, 6);
    struct scan scan = scan_all();
    assert_int_equal(scan.stop, SCAN_COMMAND);
    assert_int_equal(scan.run.size, at);
    assert_int_equal(scan.parsed, at);
    assert_int_equal(scan.frame.size, 20);
    assert_int_equal(scan.frame.header, 2);
    assert_ptr_equal(scan.frame.body, copy + at + 2);

    scan = scan_octets(frames.octets, behind - 1, &no_limits); /* it has not come whole */
    assert_int_equal(scan.stop, SCAN_END);
    assert_int_equal(scan.parsed, at);

    frames_clear(&frames);
    frames_add(&frames, FRAME_MORE, false, 4);
    frames_add(&frames, FRAME_COMMAND, true, 20);
    frames_add(&frames, 0, false, 4);
    scan = scan_all();
    assert_int_equal(scan.stop, SCAN_INSIDE);
    assert_int_equal(scan.run.size, 0);
    assert_int_equal(scan.parsed, 6);
    assert_int_equal(scan.frame.size, 20);
    assert_tally(scan.open, ((struct tally){0, 1, 4}));
}

static void what_is_forbidden_is_told_at_once(void **state)
{
    (void)state;
    for (unsigned flags = 8; flags < 256; flags += 8) {
        uint8_t octet = (uint8_t)flags;
        struct scan scan = scan_octets(&octet, 1, &no_limits);
        assert_int_equal(scan.stop, SCAN_RESERVED);
        assert_int_equal(scan.parsed, 0);
    }
    static const uint8_t behind_one[] = {0, 1, 'a', 8};
    struct scan scan = scan_octets(behind_one, sizeof behind_one, &no_limits);
    assert_int_equal(scan.stop, SCAN_RESERVED);
    assert_int_equal(scan.run.size, 3);

    static const uint8_t command_more[] = {FRAME_COMMAND | FRAME_MORE, 200};
    scan = scan_octets(command_more, sizeof command_more, &no_limits);
    assert_int_equal(scan.stop, SCAN_COMMAND_MORE);
}

static void sizes_have_their_limits(void **state)
{
    (void)state;
    struct scan_limits limits = {.body_max = 300, .large_min = 100};
    static const uint8_t two_to_63[] = {FRAME_LONG, 0x80, 0, 0, 0, 0, 0, 0, 0, 'x'};
    struct scan scan = scan_octets(two_to_63, sizeof two_to_63, &limits);
    assert_int_equal(scan.stop, SCAN_TOO_LARGE);
    scan = scan_octets(two_to_63, sizeof two_to_63, &no_limits);
    assert_int_equal(scan.stop, SCAN_END);

    frames_add(&frames, 0, false, 300);
    scan = scan_octets(frames.octets, frames.size, &limits);
    assert_int_equal(scan.run.size, frames.size); /* whole: it need not go apart */
    scan = scan_octets(frames.octets, frames.size - 1, &limits);
    assert_int_equal(scan.stop, SCAN_LARGE);
    assert_int_equal(scan.frame.size, 300);
    assert_ptr_equal(scan.frame.body, copy + 9);

    frames_clear(&frames);
    frames_add(&frames, 0, false, 301);
    scan = scan_octets(frames.octets, 9, &limits);
    assert_int_equal(scan.stop, SCAN_TOO_LARGE);

    limits = (struct scan_limits){.body_max = 10, .large_min = 100}; /* less than a short header */
    frames_clear(&frames);
    frames_add(&frames, 0, false, 10);
    frames_add(&frames, 0, false, 11);
    scan = scan_octets(frames.octets, frames.size, &limits);
    assert_int_equal(scan.stop, SCAN_TOO_LARGE);
    assert_int_equal(scan.run.size, 12);

    frames_clear(&frames);
    frames_add(&frames, FRAME_COMMAND, false, 100);
    scan = scan_octets(frames.octets, frames.size, &limits);
    assert_int_equal(scan.stop, SCAN_COMMAND); /* the limit of bodies is not for commands */
    frames_clear(&frames);
    frames_add(&frames, FRAME_COMMAND, false, 101);
    scan = scan_octets(frames.octets, 2, &limits);
    assert_int_equal(scan.stop, SCAN_LARGE); /* a long subscription, read apart */
}

/* The plain reading: one frame after the other, nothing clever. */
static void read_plainly(struct scan *scan, const uint8_t *data, size_t size,
                         const struct scan_limits *limits)
{
    *scan = (struct scan){.run.data = data, .stop = SCAN_END};
    for (;;) {
        struct frame *frame = &scan->frame;
        const uint8_t *at = data + scan->parsed;
        size_t left = size - scan->parsed;
        if (left && at[0] > 7)
            scan->stop = SCAN_RESERVED;
        if (left && at[0] > 7)
            return;
        if (left < 2 || (at[0] & FRAME_LONG && left < 9))
            return;
        *frame = (struct frame){.flags = at[0], .header = at[0] & FRAME_LONG ? 9 : 2};
        frame->body = at + frame->header;
        for (int i = 1; i < frame->header; i++)
            frame->size = frame->size << 8 | at[i];
        bool whole = frame->size <= left - frame->header;
        bool command = frame->flags & FRAME_COMMAND, more = frame->flags & FRAME_MORE;
        if (command && more)
            scan->stop = SCAN_COMMAND_MORE;
        else if (frame->size > (command ? 1u << 24 : limits->body_max))
            scan->stop = SCAN_TOO_LARGE;
        else if (command && whole)
            scan->stop = scan->open.parts ? SCAN_INSIDE : SCAN_COMMAND;
        else if (whole ? frame->header == 9 && frame->size <= 255 : frame->size > limits->large_min)
            scan->stop = SCAN_LARGE;
        if (scan->stop != SCAN_END || !whole)
            return;
        scan->parsed += frame->header + frame->size;
        tally_add(&scan->open, &(struct tally){.messages = !more, 1, frame->size});
        if (!more) {
            tally_add(&scan->run.tally, &scan->open);
            scan->open = (struct tally){0};
            scan->run.size = scan->parsed;
        }
    }
}

static void compare_with_plain(const uint8_t *octets, size_t size, const struct scan_limits *limits)
{
    struct scan is = scan_octets(octets, size, limits), should;
    read_plainly(&should, copy, size, limits);
    assert_int_equal(is.stop, should.stop);
    assert_int_equal(is.parsed, should.parsed);
    assert_ptr_equal(is.run.data, should.run.data);
    assert_int_equal(is.run.size, should.run.size);
    assert_tally(is.run.tally, should.run.tally);
    assert_tally(is.open, should.open);
    assert_null(is.run.large);
    if (is.stop == SCAN_COMMAND || is.stop == SCAN_INSIDE || is.stop == SCAN_LARGE) {
        assert_int_equal(is.frame.flags, should.frame.flags);
        assert_int_equal(is.frame.size, should.frame.size);
        assert_ptr_equal(is.frame.body, should.frame.body);
    }
}

static void thrown_octets_are_read_as_plainly(void **state)
{
    (void)state;
    FOR_SEEDS(3000)
    {
        struct scan_limits limits = no_limits;
        if (dice_throw(2))
            limits.body_max = dice_throw(2) ? dice_throw(400) : dice_throw(20000);
        if (dice_throw(2))
            limits.large_min = dice_throw(2) ? dice_throw(400) : dice_throw(20000);
        frames_clear(&frames);
        for (int n = (int)dice_throw(12); n >= 0; n--) {
            if (dice_throw(8) == 0)
                frames_add(&frames, (uint8_t)(dice_throw(20) ? FRAME_COMMAND : dice_throw(256)),
                           dice_throw(4) == 0, dice_throw(300));
            else if (dice_throw(8))
                frames_add(&frames, 0, false, dice_throw(40)); /* what the inner loop is for */
            else
                frames_add(&frames, dice_throw(2) ? FRAME_MORE : 0, dice_throw(8) == 0,
                           dice_size());
        }
        compare_with_plain(frames.octets, frames.size, &limits);
        for (int i = 0; i < 20; i++)
            compare_with_plain(frames.octets, dice_throw((uint32_t)frames.size + 1), &limits);
    }
}

/* The runs of `messages` messages from message `first` on. */
static struct run message_run(size_t first, size_t messages)
{
    struct run run = {.data = frames.octets};
    size_t from = 0, to = frames.size, seen = 0;
    for (size_t i = 0; i < frames.count; i++) {
        if (frames.list[i].flags & FRAME_MORE)
            continue;
        if (++seen == first)
            from = frames_end(&frames.list[i]);
        if (seen == first + messages)
            to = frames_end(&frames.list[i]);
    }
    run.data += from;
    run.size = messages ? to - from : 0;
    run.tally = messages ? frames_tally(&frames, from, to) : (struct tally){0};
    return run;
}

static void assert_run(const struct run *run, const struct run *expected)
{
    assert_int_equal(run->size, expected->size);
    assert_tally(run->tally, expected->tally);
    if (run->size)
        assert_ptr_equal(run->data, expected->data);
}

static void a_run_is_cut_between_messages(void **state)
{
    (void)state;
    struct chunk *chunk = chunk_new(1);
    FOR_SEEDS(300)
    {
        uint32_t count = 1 + dice_throw(10);
        frames_clear(&frames);
        for (uint32_t i = 0; i < count; i++)
            frames_add_message(&frames);
        struct run run = all_as_run();
        run.chunk = chunk;
        for (uint32_t n = 0; n <= count + 1; n++) {
            struct run head = run_take(&run, n), within;
            struct run expected = message_run(0, n < count ? n : count);
            assert_run(&head, &expected);
            assert_ptr_equal(head.chunk, chunk);
            struct run rest = run_after(&run, &head);
            expected = message_run(n < count ? n : count, n < count ? count - n : 0);
            assert_run(&rest, &expected);
            if (rest.size)
                assert_ptr_equal(rest.chunk, chunk);
            within = run_within(&run, head.size);
            assert_run(&within, &head);
            within = run_within(&run, head.size + rest.size / 2);
            assert_true(within.size >= head.size && within.size <= head.size + rest.size / 2);
            if (head.size) {
                struct run less = run_take(&run, n - 1);
                within = run_within(&run, head.size - 1);
                if (n <= count)
                    assert_run(&within, &less);
            }
        }
    }
    chunk_unref(chunk);
}

static void a_run_is_walked_message_by_message(void **state)
{
    (void)state;
    FOR_SEEDS(300)
    {
        uint32_t count = 1 + dice_throw(10);
        frames_clear(&frames);
        for (uint32_t i = 0; i < count; i++)
            frames_add_message(&frames);
        struct run rest = all_as_run(), message, expected;
        for (uint32_t i = 0; i < count; i++) {
            struct frame first;
            run_first_frame(&rest, &first);
            assert_true(run_next(&rest, &message));
            expected = message_run(i, 1);
            assert_run(&message, &expected);
            assert_ptr_equal(first.body, message.data + first.header);
            expected = message_run(i + 1, count - i - 1);
            assert_run(&rest, &expected);
        }
        assert_false(run_next(&rest, &message));
    }
}

static void a_run_is_sliced_into_messages(void **state)
{
    (void)state;
    FOR_SEEDS(300)
    {
        uint32_t count = 1 + dice_throw(10), max = 1 + dice_throw(12);
        struct slice slices[12];
        frames_clear(&frames);
        for (uint32_t i = 0; i < count; i++)
            frames_add_message(&frames);
        struct run run = all_as_run();
        assert_int_equal(run_slices(&run, slices, max), max < count ? max : count);
        for (uint32_t i = 0; i < count && i < max; i++) {
            struct run expected = message_run(i, 1);
            struct run sliced = {.data = slices[i].data,
                                 .size = slices[i].size,
                                 .tally = {1, slices[i].parts, slices[i].bytes}};
            assert_run(&sliced, &expected);
        }
    }
    struct run nothing = {0};
    struct slice slice;
    assert_int_equal(run_slices(&nothing, &slice, 1), 0);
}

static void a_large_run_is_one_message(void **state)
{
    (void)state;
    struct buffer buffer = {0};
    struct chunk *chunk = chunk_new(20000);
    assert_int_equal(buffer_append(&buffer, FRAME_MORE, "id", 2), 0);
    assert_int_equal(buffer_append_shared(&buffer, 0, chunk, chunk->data, 20000), 0);
    struct run run = {.large = &buffer, .size = buffer.bytes, .tally = buffer.tally};
    struct run message, rest = run;
    struct frame first;

    run_first_frame(&run, &first);
    assert_int_equal(first.size, 2);
    assert_memory_equal(first.body, "id", 2);
    assert_true(run_next(&rest, &message));
    assert_ptr_equal(message.large, &buffer);
    assert_tally(message.tally, ((struct tally){1, 2, 20002}));
    assert_false(run_next(&rest, &message));
    rest = run_after(&run, &run);
    assert_int_equal(rest.size, 0);

    /* It is taken whole or not at all. */
    message = run_within(&run, run.size);
    assert_ptr_equal(message.large, &buffer);
    static const size_t less[] = {0, 1, 4, 20000};
    for (size_t i = 0; i < sizeof less / sizeof *less; i++) {
        message = run_within(&run, less[i]);
        assert_int_equal(message.size, 0);
        assert_null(message.large);
        assert_tally(message.tally, (struct tally){0});
    }
    buffer_term(&buffer);
    chunk_unref(chunk);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, forget)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_an_empty_run),
        TEST(the_border_of_headers_is_255),
        TEST(an_unfinished_message_is_told_apart),
        TEST(a_run_ends_where_it_is_long_enough),
        TEST(the_rest_of_a_message_ends_with_it),
        TEST(commands_stop_it_between_and_inside_messages),
        TEST(what_is_forbidden_is_told_at_once),
        TEST(sizes_have_their_limits),
        TEST(thrown_octets_are_read_as_plainly),
        TEST(a_run_is_cut_between_messages),
        TEST(a_run_is_walked_message_by_message),
        TEST(a_run_is_sliced_into_messages),
        TEST(a_large_run_is_one_message),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
