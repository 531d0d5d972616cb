/* SPDX-License-Identifier: MIT */
/*
 * Groups of green threads: spawning into one, its limit, waiting, cancelling, leaving.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>

static int running, most, ended;

static void *work(void *ms)
{
    running++;
    most = running > most ? running : most;
    gmq_sleep((int64_t)(intptr_t)ms);
    running--;
    ended++;
    return NULL;
}

static int setup(void **state)
{
    running = most = ended = 0;
    return world_open(state);
}

TEST(all_members_are_awaited)
{
    struct gmq_group *group = gmq_group_new(0);
    for (int i = 0; i < 10; i++)
        assert_true(gmq_group_spawn(group, work, (void *)5, NULL) > 0);
    assert_int_equal(gmq_group_wait(group, -1), 0);
    assert_int_equal(ended, 10);
    assert_int_equal(most, 10);
    assert_int_equal(gmq_group_wait(group, 0), 0);
    assert_int_equal(gmq_group_close(group), 0);
    expect_error(gmq_group_wait(group, -1), EINVAL);
}

TEST(a_limit_makes_a_pool)
{
    struct gmq_group *group = gmq_group_new(3);
    for (int i = 0; i < 20; i++)
        assert_true(gmq_group_spawn(group, work, (void *)1, NULL) > 0);
    assert_int_equal(gmq_group_wait(group, -1), 0);
    assert_int_equal(ended, 20);
    assert_int_equal(most, 3);
    assert_int_equal(gmq_group_close(group), 0);
}

TEST(a_wait_ends_at_its_deadline)
{
    struct gmq_group *group = gmq_group_new(0);
    assert_true(gmq_group_spawn(group, work, (void *)1000000, NULL) > 0);
    int64_t deadline = gmq_now() + 20;
    expect_error(gmq_group_wait(group, deadline), ETIMEDOUT);
    assert_true(gmq_now() >= deadline);
    expect_error(gmq_group_wait(group, 0), ETIMEDOUT);
    assert_int_equal(gmq_group_cancel(group), 0);
    assert_int_equal(gmq_group_wait(group, -1), 0);
    assert_int_equal(ended, 1);
    expect_error(gmq_group_spawn(group, work, NULL, NULL), ECANCELED);
    assert_int_equal(gmq_group_close(group), 0);
}

TEST(leaving_leaves_nothing_running)
{
    struct gmq_group *group = gmq_group_new(0);
    for (int i = 0; i < 10; i++)
        assert_true(gmq_group_spawn(group, work, (void *)1000000, NULL) > 0);
    gmq_yield();
    assert_int_equal(running, 10);
    assert_int_equal(gmq_group_close(group), 0);
    assert_int_equal(running, 0);
    assert_int_equal(ended, 10);
}

static void *owner(void *arg)
{
    struct gmq_group *group = gmq_group_new(0);
    for (int i = 0; i < 5; i++)
        gmq_group_spawn(group, work, (void *)1000000, NULL);
    gmq_yield();
    return arg;
}

TEST(an_owner_that_ends_closes_its_groups)
{
    assert_int_equal(gmq_join(gmq_spawn(owner, NULL, NULL), NULL, -1), 0);
    assert_int_equal(running, 0);
    assert_int_equal(ended, 5);
}

TEST(a_cancelled_owner_closes_its_groups)
{
    struct gmq_group *outer = gmq_group_new(0);
    assert_true(gmq_group_spawn(outer, owner, NULL, NULL) > 0);
    assert_int_equal(gmq_group_close(outer), 0);
    assert_int_equal(running, 0);
}

static struct gmq_group *shared;
static int seen[3];

static void *inside(void *arg)
{
    seen[0] = gmq_group_wait(shared, -1) < 0 ? errno : 0;
    seen[1] = gmq_group_close(shared) < 0 ? errno : 0;
    return arg;
}

TEST(a_member_cannot_wait_for_its_own_group)
{
    shared = gmq_group_new(0);
    assert_true(gmq_group_spawn(shared, inside, NULL, NULL) > 0);
    assert_int_equal(gmq_group_wait(shared, -1), 0);
    assert_int_equal(seen[0], EDEADLK);
    assert_int_equal(seen[1], EDEADLK);
    assert_int_equal(gmq_group_close(shared), 0);
}

static void *foreign(void *arg)
{
    seen[0] = gmq_group_wait(arg, -1) < 0 ? errno : 0;
    seen[1] = gmq_group_cancel(arg) < 0 ? errno : 0;
    seen[2] = gmq_group_spawn(arg, work, NULL, NULL) < 0 ? errno : 0;
    return NULL;
}

TEST(a_group_belongs_to_its_ordinary_thread)
{
    struct gmq_group *group = gmq_group_new(0);
    join_thread(start_thread(foreign, group));
    for (int i = 0; i < 3; i++)
        assert_int_equal(seen[i], EPERM);
    assert_int_equal(gmq_group_close(group), 0);
}

static void *wait_for_shared(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)gmq_group_wait(shared, -1);
}

TEST(others_that_wait_hear_of_its_end)
{
    void *result = &result;
    shared = gmq_group_new(1);
    assert_true(gmq_group_spawn(shared, work, (void *)1000000, NULL) > 0);
    int64_t waiter = gmq_spawn(wait_for_shared, NULL, NULL);
    gmq_yield();
    assert_int_equal(gmq_group_close(shared), 0);
    assert_int_equal(gmq_join(waiter, &result, -1), 0);
    assert_null(result);
}

TEST(what_is_no_group_is_refused)
{
    char other[512] = {0};
    expect_error(gmq_group_wait(NULL, -1), EINVAL);
    expect_error(gmq_group_close((struct gmq_group *)other), EINVAL);
    struct gmq_group *group = gmq_group_new(0);
    expect_error(gmq_group_spawn(group, NULL, NULL, NULL), EINVAL);
    assert_int_equal(gmq_group_close(group), 0);
    expect_error(gmq_group_close(group), EINVAL);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(all_members_are_awaited),
        CASE(a_limit_makes_a_pool),
        CASE(a_wait_ends_at_its_deadline),
        CASE(leaving_leaves_nothing_running),
        CASE(an_owner_that_ends_closes_its_groups),
        CASE(a_cancelled_owner_closes_its_groups),
        CASE(a_member_cannot_wait_for_its_own_group),
        CASE(a_group_belongs_to_its_ordinary_thread),
        CASE(others_that_wait_hear_of_its_end),
        CASE(what_is_no_group_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
