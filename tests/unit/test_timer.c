/* SPDX-License-Identifier: MIT */
/* Timers of a poller: their order, those that start, stop and end within others' callbacks, and
 * that a wait lasts as long as the next one needs. */
#include "loop/timer.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct poller poller;
static char fired[64]; /* the names of those that have, in order */
static size_t fired_count;

struct named {
    struct timer timer;
    char name;
    int again; /* so often it starts itself again at once */
    struct named *stops, *ends;
};

static int begin(void **state)
{
    (void)state;
    fired_count = 0;
    return poller_init(&poller);
}

static int end(void **state)
{
    (void)state;
    poller_term(&poller);
    return 0;
}

static struct named *named_new(char name)
{
    struct named *named = calloc(1, sizeof *named);
    assert_non_null(named);
    named->name = name;
    assert_int_equal(timer_init(&named->timer, &poller), 0);
    return named;
}

static void named_free(struct named *named)
{
    timer_term(&named->timer);
    free(named);
}

static void on_due(struct timer *timer)
{
    struct named *named = (struct named *)timer;
    fired[fired_count++] = named->name;
    assert_false(timer_runs(timer));
    if (named->again-- > 0)
        timer_start(timer, on_due, 0);
    if (named->stops)
        timer_stop(&named->stops->timer);
    if (named->ends)
        named_free(named->ends);
}

static void turn(void)
{
    struct poller_events events;
    poller_look(&poller, &events);
    poller_dispatch(&poller, &events);
}

static void assert_fired(const char *names)
{
    fired[fired_count] = '\0';
    assert_string_equal(fired, names);
}

static void pass_ms(unsigned ms)
{
    uint64_t until = clock_ns() + (uint64_t)ms * 1000000;
    while (clock_ns() <= until)
        continue;
}

static void test_they_fire_by_their_time(void **state)
{
    (void)state;
    static const char names[] = "edcbaj";
    static const unsigned ms[] = {5, 4, 3, 2, 1, 100000};
    struct named *named[6];
    for (int i = 0; i < 6; i++) {
        named[i] = named_new(names[i]);
        timer_start(&named[i]->timer, on_due, ms[i]);
    }
    turn();
    assert_fired("");
    pass_ms(6);
    turn();
    assert_fired("abcde");
    assert_true(timer_runs(&named[5]->timer));
    for (int i = 0; i < 6; i++)
        named_free(named[i]);
    assert_int_equal(poller_due_ns(&poller), UINT64_MAX);
}

/* It fires once in a turn: there is an end to it. */
static void test_one_starts_itself_again(void **state)
{
    (void)state;
    struct named *named = named_new('a');
    named->again = 2;
    timer_start(&named->timer, on_due, 0);
    pass_ms(1);
    for (int i = 1; i <= 5; i++) {
        turn();
        assert_int_equal(fired_count, i < 3 ? i : 3);
    }
    assert_false(poller_is_busy(&poller));
    named_free(named);
}

static void test_one_stops_another_that_is_due(void **state)
{
    (void)state;
    struct named *first = named_new('a'), *second = named_new('b');
    first->stops = second;
    timer_start(&first->timer, on_due, 0);
    timer_start(&second->timer, on_due, 1);
    pass_ms(2);
    turn();
    assert_fired("a");
    named_free(first);
    named_free(second);
}

static void test_one_ends_another_that_is_due(void **state)
{
    (void)state;
    struct named *first = named_new('a');
    first->ends = named_new('b');
    timer_start(&first->timer, on_due, 0);
    timer_start(&first->ends->timer, on_due, 1);
    pass_ms(2);
    turn();
    assert_fired("a");
    named_free(first);
}

static void test_one_ends_itself(void **state)
{
    (void)state;
    struct named *named = named_new('a');
    named->ends = named;
    timer_start(&named->timer, on_due, 0);
    pass_ms(1);
    turn();
    turn();
    assert_fired("a");
}

/* What starts anew is due by its new time alone. */
static void test_one_starts_anew(void **state)
{
    (void)state;
    struct named *named = named_new('a');
    timer_start(&named->timer, on_due, 0);
    timer_start(&named->timer, on_due, 100000);
    pass_ms(1);
    turn();
    assert_fired("");
    timer_start(&named->timer, on_due, 0);
    pass_ms(1);
    turn();
    assert_fired("a");
    named_free(named);
}

static void test_the_longest_time(void **state)
{
    (void)state;
    struct named *named = named_new('a');
    struct poller_events events;
    timer_start(&named->timer, on_due, UINT64_MAX);
    turn();
    assert_fired("");
    assert_true(poller_begin_wait(&poller, &events, UINT64_MAX) > 0);
    poller_end_wait(&poller);
    named_free(named);
}

static void test_a_wait_is_as_long_as_the_next_needs(void **state)
{
    (void)state;
    struct named *named = named_new('a');
    struct poller_events events;
    timer_start(&named->timer, on_due, 20);
    uint64_t due_ns = poller_due_ns(&poller);
    int timeout_ms = poller_begin_wait(&poller, &events, UINT64_MAX);
    assert_true(timeout_ms > 0 && timeout_ms <= 20);
    poller_wait(&poller, &events, timeout_ms, NULL);
    poller_end_wait(&poller);
    assert_true(clock_ns() >= due_ns);
    poller_dispatch(&poller, &events);
    assert_fired("a");
    named_free(named);
}

/* ---- another thread waits ----------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *wait_until_fired(void *arg)
{
    struct poller_events events;
    pthread_mutex_lock(&lock);
    while (!fired_count) {
        int timeout_ms = poller_begin_wait(&poller, &events, UINT64_MAX);
        pthread_mutex_unlock(&lock);
        poller_wait(&poller, &events, timeout_ms, NULL);
        pthread_mutex_lock(&lock);
        poller_end_wait(&poller);
        poller_dispatch(&poller, &events);
    }
    pthread_mutex_unlock(&lock);
    return arg;
}

static void test_one_that_is_due_sooner_shortens_the_wait(void **state)
{
    (void)state;
    struct named *late = named_new('z'), *soon = named_new('a');
    pthread_t thread;
    timer_start(&late->timer, on_due, 1000000);
    pthread_create(&thread, NULL, wait_until_fired, NULL);
    pthread_mutex_lock(&lock);
    while (!poller_is_waited_in(&poller)) {
        pthread_mutex_unlock(&lock);
        sched_yield();
        pthread_mutex_lock(&lock);
    }
    timer_start(&soon->timer, on_due, 5);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    assert_fired("a");
    named_free(late);
    named_free(soon);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_they_fire_by_their_time),
        TEST(test_one_starts_itself_again),
        TEST(test_one_stops_another_that_is_due),
        TEST(test_one_ends_another_that_is_due),
        TEST(test_one_ends_itself),
        TEST(test_one_starts_anew),
        TEST(test_the_longest_time),
        TEST(test_a_wait_is_as_long_as_the_next_needs),
        TEST(test_one_that_is_due_sooner_shortens_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
