/* SPDX-License-Identifier: MIT */
/*
 * zmq_timers_*: a set of timers that the application asks and runs. Nothing here can be late for
 * the machine's sake: a test waits as long as the set says, and then longer if it must.
 */
#include "behaviour/util.h"

enum { CALLS_MAX = 100, SOON_MS = 5, LATER_MS = 60000 };

struct calls {
    void *timers;
    int id[CALLS_MAX];
    int count;
};

static void note(int timer_id, void *arg)
{
    struct calls *calls = arg;
    if (calls->count < CALLS_MAX)
        calls->id[calls->count++] = timer_id;
}

static struct calls new_timers(void)
{
    struct calls calls = {.timers = zmq_timers_new()};
    assert_non_null(calls.timers);
    return calls;
}

static int add(struct calls *calls, size_t interval_ms, zmq_timer_fn *handler)
{
    int id = zmq_timers_add(calls->timers, interval_ms, handler, calls);
    assert_true(id > 0);
    return id;
}

static void destroy(struct calls *calls)
{
    assert_int_equal(zmq_timers_destroy(&calls->timers), 0);
    assert_null(calls->timers);
}

/* Waits as the set says, and runs it once. */
static void wait_and_execute(struct calls *calls)
{
    long timeout_ms = zmq_timers_timeout(calls->timers);
    assert_in_range(timeout_ms, 0, SOON_MS);
    nap_ms(timeout_ms);
    assert_int_equal(zmq_timers_execute(calls->timers), 0);
}

TEST(an_empty_set_has_no_timeout)
{
    struct calls calls = new_timers();
    errno = 0;
    assert_int_equal(zmq_timers_timeout(calls.timers), -1);
    assert_int_equal(errno, 0);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    destroy(&calls);
}

TEST(numbers_count_from_one)
{
    struct calls calls = new_timers();
    assert_int_equal(add(&calls, LATER_MS, note), 1);
    assert_int_equal(add(&calls, LATER_MS, note), 2);
    assert_int_equal(zmq_timers_cancel(calls.timers, 2), 0);
    assert_int_equal(add(&calls, LATER_MS, note), 3);
    destroy(&calls);
}

TEST(a_timer_comes_when_its_interval_is_over_and_again_after)
{
    struct calls calls = new_timers();
    int64_t begin = now_ms();
    int id = add(&calls, SOON_MS, note);
    for (int i = 1; i <= 3; i++) {
        wait_and_execute(&calls);
        assert_int_equal(calls.count, i);
        assert_int_equal(calls.id[i - 1], id);
    }
    assert_true(now_ms() - begin >= 3 * SOON_MS - 1); /* both clocks leave out what is below 1 ms */
    destroy(&calls);
}

TEST(a_timer_does_not_come_before_its_time)
{
    struct calls calls = new_timers();
    add(&calls, LATER_MS, note);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 0);
    assert_in_range(zmq_timers_timeout(calls.timers), LATER_MS / 2, LATER_MS);
    destroy(&calls);
}

TEST(a_timer_that_is_late_comes_once)
{
    struct calls calls = new_timers();
    add(&calls, SOON_MS, note);
    nap_ms(4 * SOON_MS);
    assert_int_equal(zmq_timers_timeout(calls.timers), 0);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 1);
    assert_in_range(zmq_timers_timeout(calls.timers), 0, SOON_MS);
    destroy(&calls);
}

/* Added in another order than they are due, if the machine lets us do it quickly enough. */
static bool add_four(struct calls *calls, int id[4])
{
    int64_t begin = now_ms();
    id[2] = add(calls, 4 * SOON_MS, note);
    id[3] = add(calls, 4 * SOON_MS, note);
    id[0] = add(calls, 1, note);
    id[1] = add(calls, SOON_MS, note);
    return now_ms() - begin < 2 * SOON_MS;
}

TEST(the_earliest_comes_first_and_equals_in_the_order_they_came)
{
    struct calls calls = new_timers();
    int id[4];
    while (!add_four(&calls, id)) {
        destroy(&calls);
        calls = new_timers();
    }
    nap_ms(6 * SOON_MS);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 4);
    assert_memory_equal(calls.id, id, sizeof id);
    destroy(&calls);
}

TEST(the_timeout_is_that_of_the_earliest)
{
    struct calls calls = new_timers();
    int early = add(&calls, LATER_MS, note);
    add(&calls, 10 * LATER_MS, note);
    assert_in_range(zmq_timers_timeout(calls.timers), 1, LATER_MS);
    assert_int_equal(zmq_timers_cancel(calls.timers, early), 0);
    assert_in_range(zmq_timers_timeout(calls.timers), LATER_MS + 1, 10 * LATER_MS);
    destroy(&calls);
}

TEST(a_cancelled_timer_does_not_come)
{
    struct calls calls = new_timers();
    int cancelled = add(&calls, 1, note), other = add(&calls, 1, note);
    assert_int_equal(zmq_timers_cancel(calls.timers, cancelled), 0);
    expect_error(zmq_timers_cancel(calls.timers, cancelled), EINVAL);
    nap_ms(SOON_MS);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 1);
    assert_int_equal(calls.id[0], other);
    expect_error(zmq_timers_reset(calls.timers, cancelled), EINVAL);
    expect_error(zmq_timers_set_interval(calls.timers, cancelled, 1), EINVAL);
    destroy(&calls);
}

TEST(a_reset_lets_the_interval_begin_anew)
{
    struct calls calls = new_timers();
    enum { INTERVAL_MS = 200 };
    int id = add(&calls, INTERVAL_MS, note);
    nap_ms(INTERVAL_MS);
    assert_int_equal(zmq_timers_timeout(calls.timers), 0);
    assert_int_equal(zmq_timers_reset(calls.timers, id), 0);
    int64_t begin = now_ms();
    while (zmq_timers_timeout(calls.timers) > 0)
        nap_ms(zmq_timers_timeout(calls.timers));
    assert_true(now_ms() - begin >= INTERVAL_MS - 1);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 1);
    destroy(&calls);
}

TEST(a_new_interval_begins_at_once)
{
    struct calls calls = new_timers();
    int id = add(&calls, LATER_MS, note);
    assert_int_equal(zmq_timers_set_interval(calls.timers, id, SOON_MS), 0);
    wait_and_execute(&calls);
    wait_and_execute(&calls);
    assert_int_equal(calls.count, 2);
    assert_int_equal(zmq_timers_set_interval(calls.timers, id, 10 * LATER_MS), 0);
    assert_in_range(zmq_timers_timeout(calls.timers), LATER_MS, 10 * LATER_MS);
    destroy(&calls);
}

static void cancel_itself(int timer_id, void *arg)
{
    struct calls *calls = arg;
    note(timer_id, arg);
    if (zmq_timers_cancel(calls->timers, timer_id) < 0)
        calls->count = CALLS_MAX;
}

TEST(a_handler_may_cancel_its_own_timer)
{
    struct calls calls = new_timers();
    int id = add(&calls, 1, cancel_itself);
    nap_ms(SOON_MS);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 1);
    assert_int_equal(zmq_timers_timeout(calls.timers), -1);
    expect_error(zmq_timers_cancel(calls.timers, id), EINVAL);
    destroy(&calls);
}

static void cancel_next(int timer_id, void *arg)
{
    struct calls *calls = arg;
    note(timer_id, arg);
    zmq_timers_cancel(calls->timers, timer_id + 1);
}

TEST(a_handler_may_cancel_the_next_one)
{
    struct calls calls = new_timers();
    add(&calls, 1, cancel_next);
    add(&calls, 2, note);
    int third = add(&calls, 2, note);
    nap_ms(SOON_MS);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 2);
    assert_int_equal(calls.id[1], third);
    destroy(&calls);
}

static void add_another(int timer_id, void *arg)
{
    struct calls *calls = arg;
    note(timer_id, arg);
    add(calls, LATER_MS, note);
}

TEST(a_handler_may_add_timers)
{
    struct calls calls = new_timers();
    int id = add(&calls, 1, add_another);
    nap_ms(SOON_MS);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 1);
    assert_int_equal(zmq_timers_cancel(calls.timers, id), 0);
    assert_in_range(zmq_timers_timeout(calls.timers), LATER_MS / 2, LATER_MS);
    destroy(&calls);
}

static void slow_down(int timer_id, void *arg)
{
    struct calls *calls = arg;
    note(timer_id, arg);
    zmq_timers_set_interval(calls->timers, timer_id, LATER_MS);
}

TEST(a_handler_may_change_its_own_interval)
{
    better_than_libzmq(); /* it comes once more at the time of the old interval, or worse */
    struct calls calls = new_timers();
    add(&calls, 1, slow_down);
    nap_ms(SOON_MS);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 1);
    assert_in_range(zmq_timers_timeout(calls.timers), LATER_MS / 2, LATER_MS);
    destroy(&calls);
}

static void execute_again(int timer_id, void *arg)
{
    struct calls *calls = arg;
    note(timer_id, arg);
    if (calls->count < CALLS_MAX)
        zmq_timers_execute(calls->timers);
}

TEST(a_handler_may_run_the_others)
{
    better_than_libzmq(); /* it calls the handler without end */
    struct calls calls = new_timers();
    add(&calls, SOON_MS, execute_again);
    add(&calls, SOON_MS, note);
    nap_ms(2 * SOON_MS);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_in_range(calls.count, 2, 4);
    destroy(&calls);
}

static void destroy_all(int timer_id, void *arg)
{
    note(timer_id, arg);
    destroy(arg);
}

TEST(a_handler_may_destroy_the_set)
{
    better_than_libzmq(); /* it goes on with what is freed */
    struct calls calls = new_timers();
    add(&calls, 1, destroy_all);
    add(&calls, 1, note);
    nap_ms(SOON_MS);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 1);
    assert_null(calls.timers);
}

TEST(an_interval_of_nothing_comes_once_a_call)
{
    better_than_libzmq(); /* its call never returns */
    struct calls calls = new_timers();
    add(&calls, 0, note);
    add(&calls, 0, note);
    assert_int_equal(zmq_timers_timeout(calls.timers), 0);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 2);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 4);
    destroy(&calls);
}

TEST(an_interval_beyond_all_time_never_comes)
{
    better_than_libzmq(); /* it comes at once, and without end */
    struct calls calls = new_timers();
    add(&calls, SIZE_MAX, note);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 0);
    assert_true(zmq_timers_timeout(calls.timers) > LATER_MS);
    destroy(&calls);
}

TEST(a_thousand_timers)
{
    struct calls calls = new_timers();
    for (size_t i = 1000; i > 0; i--)
        add(&calls, LATER_MS + i, note);
    assert_in_range(zmq_timers_timeout(calls.timers), 1, LATER_MS + 1);
    for (int id = 1; id <= 1000; id += 2)
        assert_int_equal(zmq_timers_set_interval(calls.timers, id, 1), 0);
    for (int id = 101; id <= 1000; id++)
        assert_int_equal(zmq_timers_cancel(calls.timers, id), 0);
    nap_ms(SOON_MS);
    assert_int_equal(zmq_timers_execute(calls.timers), 0);
    assert_int_equal(calls.count, 50);
    for (int i = 0; i < 50; i++)
        assert_int_equal(calls.id[i], 2 * i + 1);
    destroy(&calls);
}

/* What is no set of timers, and what is no timer of a set. */
TEST(wrong_sets_and_wrong_numbers)
{
    struct calls calls = new_timers();
    long zeros[32] = {0};
    void *const wrong[] = {NULL, zeros, (char *)zeros + 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        void *set = wrong[i];
        expect_error(zmq_timers_destroy(&set), EFAULT);
        assert_ptr_equal(set, wrong[i]);
        expect_error(zmq_timers_add(set, 1, note, NULL), EFAULT);
        expect_error(zmq_timers_cancel(set, 1), EFAULT);
        expect_error(zmq_timers_set_interval(set, 1, 1), EFAULT);
        expect_error(zmq_timers_reset(set, 1), EFAULT);
        expect_error((int)zmq_timers_timeout(set), EFAULT);
        expect_error(zmq_timers_execute(set), EFAULT);
    }
    expect_error(zmq_timers_add(calls.timers, 1, NULL, NULL), EFAULT);
    int id = add(&calls, LATER_MS, note);
    for (int wrong_id = id + 1; wrong_id >= -1; wrong_id -= id + 1) {
        expect_error(zmq_timers_cancel(calls.timers, wrong_id), EINVAL);
        expect_error(zmq_timers_set_interval(calls.timers, wrong_id, 1), EINVAL);
        expect_error(zmq_timers_reset(calls.timers, wrong_id), EINVAL);
    }
    destroy(&calls);
    better_than_libzmq(); /* it crashes */
    expect_error(zmq_timers_destroy(NULL), EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(an_empty_set_has_no_timeout),
        RUN(numbers_count_from_one),
        RUN(a_timer_comes_when_its_interval_is_over_and_again_after),
        RUN(a_timer_does_not_come_before_its_time),
        RUN(a_timer_that_is_late_comes_once),
        RUN(the_earliest_comes_first_and_equals_in_the_order_they_came),
        RUN(the_timeout_is_that_of_the_earliest),
        RUN(a_cancelled_timer_does_not_come),
        RUN(a_reset_lets_the_interval_begin_anew),
        RUN(a_new_interval_begins_at_once),
        RUN(a_handler_may_cancel_its_own_timer),
        RUN(a_handler_may_cancel_the_next_one),
        RUN(a_handler_may_add_timers),
        RUN(a_handler_may_change_its_own_interval),
        RUN(a_handler_may_run_the_others),
        RUN(a_handler_may_destroy_the_set),
        RUN(an_interval_of_nothing_comes_once_a_call),
        RUN(an_interval_beyond_all_time_never_comes),
        RUN(a_thousand_timers),
        RUN(wrong_sets_and_wrong_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
