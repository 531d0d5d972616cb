/* SPDX-License-Identifier: MIT */
/* Buffers whose bodies leave without headers: the octets of the bodies, in order, and the books. */
#include "model.h"

/* The bodies that wait, as the model has them; `from` octets of bodies have left. */
static struct {
    uint8_t octets[FRAMES_OCTETS];
    size_t size, from;
} bodies;

static void list_bodies(void)
{
    bodies.size = bodies.from = 0;
    for (size_t i = 0; i < model.frames.count; i++) {
        const struct listed *listed = &model.frames.list[i];
        memcpy(bodies.octets + bodies.size, frames_body(&model.frames, listed), listed->size);
        bodies.size += listed->size;
    }
}

/* Where the buffer must stand when so many octets of bodies have left: behind all whole frames,
 * empty ones included; inside a body that has begun; in front of one that has not. */
static size_t place_of(size_t left)
{
    for (size_t i = 0; i < model.frames.count; i++) {
        const struct listed *listed = &model.frames.list[i];
        if (listed->size > left)
            return left ? listed->body + left : listed->at;
        left -= listed->size;
    }
    return model.frames.size;
}

static void assert_bodies(int max)
{
    static struct iovec vectors[4096];
    int count = buffer_bodies(&buffer, vectors, max);
    size_t at = bodies.from;
    assert_in_range(count, at < bodies.size ? 1 : 0, max);
    for (int i = 0; i < count; i++) {
        assert_in_range(vectors[i].iov_len, 1, bodies.size - at);
        assert_memory_equal(vectors[i].iov_base, bodies.octets + at, vectors[i].iov_len);
        at += vectors[i].iov_len;
    }
    if (count < max)
        assert_int_equal(at, bodies.size);
}

static void leave(size_t size)
{
    struct tally left = {0};
    size_t to = place_of(bodies.from + size);
    buffer_advance_bodies(&buffer, size, &left);
    bodies.from += size;
    assert_tally(left, frames_tally(&model.frames, model.gone, to));
    model.gone = to;
    assert_agreed();
    assert_bodies(1);
    assert_bodies(3);
    assert_bodies(4096);
}

static void fresh_frames(void)
{
    buffer_term(&buffer);
    frames_clear(&model.frames);
    model.gone = 0;
}

static void refill(void)
{
    fresh_frames();
    uint32_t count = 1 + dice_throw(20);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t flags = dice_throw(4) ? 0 : FRAME_MORE;
        size_t size = dice_size();
        if (dice_throw(2))
            append_shared(flags, size);
        else
            append(flags, size);
    }
    append(0, dice_size());
    list_bodies();
}

static void bodies_leave_in_any_pieces(void **state)
{
    (void)state;
    FOR_SEEDS(300)
    {
        refill();
        leave(0);
        while (!buffer_is_empty(&buffer)) {
            size_t waits = bodies.size - bodies.from;
            size_t most = dice_throw(3) ? 300 : waits;
            leave(1 + dice_throw((uint32_t)(most < waits ? most : waits)));
        }
        assert_int_equal(bodies.from, bodies.size);
    }
}

static void empty_ones_leave_by_themselves(void **state)
{
    (void)state;
    fresh_frames();
    for (int i = 0; i < 5; i++)
        append(i % 2 ? FRAME_MORE : 0, 0);
    append(0, 0);
    list_bodies();
    leave(0);
    assert_true(buffer_is_empty(&buffer));
}

/* What has begun is dropped when its connection is lost, the rest goes by the next one. */
static void a_body_that_has_begun_can_be_dropped(void **state)
{
    (void)state;
    FOR_SEEDS(100)
    {
        refill();
        if (bodies.size == 0)
            continue;
        leave(0);
        leave(1 + dice_throw((uint32_t)bodies.size));
        drop_open();
        assert_agreed();
        if (!buffer_is_empty(&buffer))
            advance(model.frames.size - model.gone);
        assert_true(buffer_is_empty(&buffer));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bodies_leave_in_any_pieces, fresh, emptied),
        cmocka_unit_test_setup_teardown(empty_ones_leave_by_themselves, fresh, emptied),
        cmocka_unit_test_setup_teardown(a_body_that_has_begun_can_be_dropped, fresh, emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
