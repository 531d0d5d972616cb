/* SPDX-License-Identifier: MIT */
/* Frames of 13/ZMTP 1.0 in both directions: base/frame1.h. */
#include "model.h"

#include "base/frame1.h"
#include "base/run.h"

enum { MOST_OCTETS = FRAMES_OCTETS + 10 * FRAMES_MAX };

/* The model's frames as ZMTP 1.0 has them, without its commands. */
static struct {
    uint8_t octets[MOST_OCTETS];
    size_t size, gone;
    size_t head_gone;
} old;

/* Written from the RFC, not from the code: a length of 1 to 254, or FF and eight octets. */
static void put_old(uint8_t flags, const void *body, size_t size, bool as_long)
{
    uint8_t *at = old.octets + old.size;
    uint64_t length = size + 1;
    if (length < 255 && !as_long) {
        *at++ = (uint8_t)length;
    } else {
        *at++ = 0xFF;
        for (int shift = 56; shift >= 0; shift -= 8)
            *at++ = (uint8_t)(length >> shift);
    }
    *at++ = flags;
    if (size)
        memcpy(at, body, size);
    old.size = (size_t)(at - old.octets) + size;
}

static void refill(void)
{
    buffer_term(&buffer);
    frames_clear(&model.frames);
    model.gone = old.size = old.gone = old.head_gone = 0;
    for (uint32_t count = 2 + dice_throw(20); count; count--) {
        uint8_t flags = dice_throw(4) || count == 1 ? 0 : FRAME_MORE;
        if (dice_throw(2))
            append_shared(flags, dice_size());
        else
            append(flags, dice_size());
        const struct listed *last = &model.frames.list[model.frames.count - 1];
        put_old(flags, frames_body(&model.frames, last), last->size, false);
    }
}

/* ---- input -------------------------------------------------------------------------------- */

/* Feeds old.octets in pieces, each where it may lie: as many octets behind the result as there are
 * in an incomplete header. */
static size_t read_in_cuts(uint8_t *result, uint32_t most)
{
    static uint8_t room[MOST_OCTETS + FRAME1_LONG_HEADER];
    struct frame1_reader reader = {0};
    size_t size = 0;
    for (size_t at = 0; at < old.size;) {
        size_t cut = 1 + dice_throw(most);
        if (cut > old.size - at)
            cut = old.size - at;
        size_t gap = reader.have;
        memcpy(room + gap, old.octets + at, cut);
        size_t got = frame1_read(&reader, room, room + gap, cut);
        assert_in_range(got, 0, gap + cut);
        memcpy(result + size, room, got);
        size += got;
        at += cut;
    }
    return size;
}

static void input_becomes_frames(void **state)
{
    static uint8_t result[MOST_OCTETS];
    (void)state;
    FOR_SEEDS(200)
    {
        static const uint32_t cuts[] = {1, 2, 11, 300, MOST_OCTETS};
        refill();
        for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
            assert_int_equal(read_in_cuts(result, cuts[i]), model.frames.size);
            assert_memory_equal(result, model.frames.octets, model.frames.size);
        }
    }
}

static size_t read_old(uint8_t *result)
{
    struct frame1_reader reader = {0};
    return frame1_read(&reader, result, old.octets, old.size);
}

/* libzmq before 2.1.10 sets all flags that mean nothing. */
static void only_one_flag_means_anything(void **state)
{
    (void)state;
    uint8_t result[3];
    for (int flags = 0; flags < 256; flags++) {
        old.size = 0;
        put_old((uint8_t)flags, "x", 1, false);
        assert_int_equal(read_old(result), 3);
        assert_int_equal(result[0], flags & 1);
    }
}

static void long_lengths_of_short_bodies_are_read(void **state)
{
    (void)state;
    uint8_t result[300], body[255] = "body";
    for (size_t size = 0; size <= 255; size++) {
        old.size = 0;
        put_old(1, body, size, true);
        assert_int_equal(read_old(result), 2 + size);
        assert_int_equal(result[0], FRAME_MORE);
        assert_int_equal(result[1], size);
        assert_memory_equal(result + 2, body, size);
    }
}

/* What the cutter of runs makes of these octets, between two good messages. */
static enum scan_stop stop_at(const char *octets, size_t size)
{
    static const struct scan_limits limits = {.body_max = INT64_MAX / 2, .large_min = 65536};
    uint8_t result[64];
    struct scan scan;
    old.size = 0;
    put_old(0, "before", 6, false);
    memcpy(old.octets + old.size, octets, size);
    old.size += size;
    put_old(0, "after", 5, false);
    run_scan(&scan, result, read_old(result), &limits);
    assert_int_equal(scan.run.tally.messages, 1);
    return scan.stop;
}

static void broken_frames_become_broken_frames(void **state)
{
    (void)state;
    assert_int_equal(stop_at("\0", 1), SCAN_RESERVED);
    assert_int_equal(stop_at("\xFF\0\0\0\0\0\0\0\0\0", 10), SCAN_RESERVED);
    assert_int_equal(stop_at("\xFF\x7F\0\0\0\0\0\0\0\0", 10), SCAN_TOO_LARGE);
    assert_int_equal(stop_at("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0", 10), SCAN_TOO_LARGE);
}

/* ---- output ------------------------------------------------------------------------------- */

static void assert_old_vectors(int max)
{
    static struct iovec vectors[4096];
    static uint8_t heads[4096][FRAME1_LONG_HEADER];
    int count = frame1_vectors(&buffer, old.head_gone, heads, vectors, max);
    size_t at = old.gone;
    assert_in_range(count, at < old.size ? 1 : 0, max);
    for (int i = 0; i < count; i++) {
        assert_in_range(vectors[i].iov_len, 1, old.size - at);
        assert_memory_equal(vectors[i].iov_base, old.octets + at, vectors[i].iov_len);
        at += vectors[i].iov_len;
    }
    if (count < max - 1)
        assert_int_equal(at, old.size);
}

static struct tally leave(size_t size)
{
    struct tally left = {0};
    frame1_advance(&buffer, size, &old.head_gone, &left);
    old.gone += size;
    assert_old_vectors(2);
    assert_old_vectors(5);
    assert_old_vectors(4096);
    return left;
}

/* The tally of the frames of which the last octet has left. */
static struct tally tally_of_gone(void)
{
    struct tally tally = {0};
    size_t at = 0;
    for (size_t i = 0; i < model.frames.count; i++) {
        const struct listed *listed = &model.frames.list[i];
        at += (listed->size < 254 ? 2 : 10) + listed->size;
        if (at <= old.gone)
            tally_add(&tally, &(struct tally){.messages = !(listed->flags & FRAME_MORE),
                                              .parts = 1,
                                              .bytes = listed->size});
    }
    return tally;
}

static void output_leaves_in_any_pieces(void **state)
{
    (void)state;
    FOR_SEEDS(300)
    {
        struct tally all = {0};
        refill();
        assert_tally(leave(0), all);
        while (old.gone < old.size) {
            size_t waits = old.size - old.gone, most = dice_throw(3) ? 12 : waits;
            if (dice_throw(3) == 0)
                most = 300;
            struct tally left = leave(1 + dice_throw((uint32_t)(most < waits ? most : waits)));
            tally_add(&all, &left);
            assert_tally(all, tally_of_gone());
        }
        assert_true(buffer_is_empty(&buffer));
    }
}

/* A message of which one octet of the first header has left has begun: it stays when the rest is
 * dropped, and goes when its connection is lost. */
static void what_has_begun_is_known(void **state)
{
    (void)state;
    for (size_t begun = 0; begun < 14; begun++) {
        struct tally dropped = {0};
        buffer_term(&buffer);
        old.head_gone = 0;
        assert_int_equal(buffer_append(&buffer, FRAME_MORE, "aa", 2), 0);
        assert_int_equal(buffer_append(&buffer, 0, "bbb", 3), 0);
        assert_int_equal(buffer_append(&buffer, 0, "next", 4), 0);
        frame1_advance(&buffer, begun, &old.head_gone, &dropped);
        bool inside = begun % 9 > 0; /* the first message is 9 octets long */
        assert_int_equal(buffer.inside, inside);
        buffer_drop_open(&buffer, &dropped);
        assert_int_equal(buffer.tally.messages, begun == 0 ? 2 : begun <= 9 ? 1 : 0);
    }
}

/* A connection of 3.1 has left a PONG behind; the next one at this endpoint is of 1.0. */
static void commands_are_not_sent(void **state)
{
    (void)state;
    static const uint8_t pong[] = {FRAME_COMMAND, 5, 4, 'P', 'O', 'N', 'G'};
    struct tally none = {0};
    buffer_term(&buffer);
    old.size = old.gone = old.head_gone = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(buffer_append_raw(&buffer, pong, sizeof pong, &none), 0);
        if (i < 2)
            assert_int_equal(buffer_append(&buffer, 0, "x", 1), 0);
        if (i < 2)
            put_old(0, "x", 1, false);
    }
    assert_int_equal(leave(0).messages, 0);
    assert_int_equal(leave(1).messages, 0);
    assert_int_equal(leave(old.size - 1).messages, 2);
    assert_true(buffer_is_empty(&buffer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(input_becomes_frames, fresh, emptied),
        cmocka_unit_test(only_one_flag_means_anything),
        cmocka_unit_test(long_lengths_of_short_bodies_are_read),
        cmocka_unit_test(broken_frames_become_broken_frames),
        cmocka_unit_test_setup_teardown(output_leaves_in_any_pieces, fresh, emptied),
        cmocka_unit_test_setup_teardown(what_has_begun_is_known, fresh, emptied),
        cmocka_unit_test_setup_teardown(commands_are_not_sent, fresh, emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
