/* SPDX-License-Identifier: MIT */
/* The poller: watched descriptors that are added, changed and ended, also by each other's
 * callbacks and between a wait and its turn; and the system's refusals, for which epoll_ctl() is
 * led here. */
#include "loop/fdwatch.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static int refusal; /* the errno with which the next calls of epoll_ctl() fail; 0: they do not */

int epoll_ctl(int set, int how, int fd, struct epoll_event *event)
{
    if (!refusal)
        return (int)syscall(SYS_epoll_ctl, set, how, fd, event);
    errno = refusal;
    return -1;
}

/* A watched eventfd that counts what it is told. */
struct seen {
    struct fdwatch watch;
    int count;
    uint32_t events;
    struct seen *ends; /* its callback ends and frees this one */
};

static struct poller poller;

static void seen_free(struct seen *seen)
{
    fdwatch_term(&seen->watch);
    close(seen->watch.fd);
    free(seen);
}

static void on_ready(struct fdwatch *watch, uint32_t events)
{
    struct seen *seen = (struct seen *)watch, *ended = seen->ends;
    seen->count++;
    seen->events = events;
    seen->ends = NULL;
    if (ended)
        seen_free(ended);
}

static struct seen *seen_new(unsigned value)
{
    struct seen *seen = calloc(1, sizeof *seen);
    assert_non_null(seen);
    assert_int_equal(fdwatch_init(&seen->watch, &poller, eventfd(value, EFD_NONBLOCK), on_ready),
                     0);
    return seen;
}

static struct seen *seen_watched(unsigned value)
{
    struct seen *seen = seen_new(value);
    assert_int_equal(fdwatch_set(&seen->watch, EPOLLIN), 0);
    return seen;
}

static void turn(void)
{
    struct poller_events events;
    poller_look(&poller, &events);
    poller_dispatch(&poller, &events);
}

static int begin(void **state)
{
    (void)state;
    return poller_init(&poller);
}

static int end(void **state)
{
    (void)state;
    poller_term(&poller);
    return 0;
}

static void test_what_is_ready_is_told_each_turn(void **state)
{
    (void)state;
    struct seen *ready = seen_watched(1), *silent = seen_watched(0);
    turn();
    turn();
    assert_int_equal(ready->count, 2);
    assert_int_equal(ready->events, EPOLLIN);
    assert_int_equal(silent->count, 0);
    seen_free(ready);
    seen_free(silent);
}

static void test_interest_changes(void **state)
{
    (void)state;
    struct seen *seen = seen_new(0);
    turn();
    assert_int_equal(seen->count, 0);
    assert_false(poller_is_busy(&poller));
    assert_int_equal(fdwatch_set(&seen->watch, EPOLLIN | EPOLLOUT), 0);
    assert_true(poller_is_busy(&poller));
    turn();
    assert_int_equal(seen->events, EPOLLOUT);
    assert_int_equal(fdwatch_set(&seen->watch, EPOLLIN), 0);
    turn();
    assert_int_equal(seen->count, 1);
    assert_int_equal(fdwatch_set(&seen->watch, 0), 0);
    assert_false(poller_is_busy(&poller));
    seen_free(seen);
}

/* Of two that are ready, whichever is told first ends the other, whose memory is gone at once. */
static void test_a_callback_ends_another_watch(void **state)
{
    (void)state;
    struct seen *one = seen_watched(1), *other = seen_watched(1);
    one->ends = other;
    other->ends = one;
    turn();
    struct seen *left = poller.slots[0].watch ? one : other;
    assert_int_equal(left->count, 1);
    assert_int_equal(poller.watched, 1);
    seen_free(left);
}

static void test_a_callback_ends_its_own_watch(void **state)
{
    (void)state;
    struct seen *seen = seen_watched(1);
    struct seen *other = seen_watched(1);
    seen->ends = seen;
    turn();
    turn();
    assert_int_equal(other->count, 2);
    seen_free(other);
}

/* Between the wait and its turn a watch ends, and another takes its place and its descriptor. */
static void test_what_was_found_of_another_is_not_told(void **state)
{
    (void)state;
    struct poller_events events;
    struct seen *old = seen_watched(1);
    int fd = old->watch.fd;
    poller_begin_wait(&poller, &events, 0);
    assert_int_equal(poller_wait(&poller, &events, 0, NULL), 0);
    poller_end_wait(&poller);
    assert_int_equal(events.count, 1);
    seen_free(old);
    struct seen *new = seen_watched(0);
    assert_int_equal(new->watch.fd, fd);
    assert_int_equal(new->watch.slot, 0);
    poller_dispatch(&poller, &events);
    assert_int_equal(new->count, 0);
    seen_free(new);
}

/* Another turn has read what the wait had found: it is not told twice. */
static void test_what_another_turn_has_handled_is_not_told(void **state)
{
    (void)state;
    struct poller_events events;
    struct seen *seen = seen_watched(1);
    uint64_t value;
    poller_begin_wait(&poller, &events, 0);
    poller_wait(&poller, &events, 0, NULL);
    poller_end_wait(&poller);
    turn();
    assert_int_equal(read(seen->watch.fd, &value, sizeof value), sizeof value);
    poller_dispatch(&poller, &events);
    assert_int_equal(seen->count, 1);
    seen_free(seen);
}

static void test_what_breaks_is_ready_for_all(void **state)
{
    (void)state;
    struct seen seen = {.count = 0};
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(fdwatch_init(&seen.watch, &poller, fds[0], on_ready), 0);
    assert_int_equal(fdwatch_set(&seen.watch, EPOLLIN), 0);
    close(fds[1]);
    turn();
    assert_int_equal(seen.events, EPOLLIN | EPOLLHUP);
    fdwatch_term(&seen.watch);
    close(fds[0]);
}

static void test_the_system_refuses(void **state)
{
    (void)state;
    struct seen *seen = seen_new(1);
    refusal = ENOMEM;
    assert_int_equal(fdwatch_set(&seen->watch, EPOLLIN), -ENOMEM);
    refusal = ENOSPC;
    assert_int_equal(fdwatch_set(&seen->watch, EPOLLIN), -ENOSPC);
    refusal = 0;
    assert_false(poller_is_busy(&poller));
    turn();
    assert_int_equal(seen->count, 0);
    assert_int_equal(fdwatch_set(&seen->watch, EPOLLIN), 0);
    turn();
    assert_int_equal(seen->count, 1);
    seen_free(seen);
}

static void test_a_poller_that_cannot_be(void **state)
{
    (void)state;
    struct poller other;
    int before = eventfd(0, 0);
    close(before);
    refusal = ENOMEM;
    assert_int_equal(poller_init(&other), -ENOMEM);
    refusal = 0;
    int after = eventfd(0, 0);
    close(after);
    assert_int_equal(after, before);
}

static void test_a_descriptor_is_watched_once(void **state)
{
    (void)state;
    struct seen *seen = seen_watched(0), other = {.count = 0};
    assert_int_equal(fdwatch_init(&other.watch, &poller, seen->watch.fd, on_ready), 0);
    assert_int_equal(fdwatch_set(&other.watch, EPOLLIN), -EEXIST);
    fdwatch_term(&other.watch);
    assert_int_equal(fdwatch_set(&seen->watch, EPOLLIN), 0);
    seen_free(seen);
}

/* Somebody has closed it behind our back: nothing is left of it, and nothing fails. */
static void test_a_descriptor_that_is_gone(void **state)
{
    (void)state;
    struct seen *seen = seen_watched(1);
    close(seen->watch.fd);
    turn();
    assert_int_equal(seen->count, 0);
    assert_int_equal(fdwatch_set(&seen->watch, EPOLLIN | EPOLLOUT), -EBADF);
    fdwatch_term(&seen->watch);
    assert_false(poller_is_busy(&poller));
    free(seen);
}

static void test_more_than_are_told_at_a_time(void **state)
{
    (void)state;
    enum { MANY = POLLER_EVENTS_MAX * 2 + 1 };
    static struct seen *many[MANY];
    int told = 0;
    for (int i = 0; i < MANY; i++)
        many[i] = seen_watched(1);
    for (int i = 0; i < 3; i++)
        turn();
    for (int i = 0; i < MANY; i++) {
        told += many[i]->count > 0;
        seen_free(many[i]);
    }
    assert_int_equal(told, MANY);
}

/* ---- waiting ------------------------------------------------------------------------------ */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct seen *added;

/* Waits as its owner does, until something was told. */
static void *wait_for_it(void *arg)
{
    struct poller_events events;
    pthread_mutex_lock(&lock);
    while (!added || !added->count) {
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

static void await_waiter(void)
{
    pthread_mutex_lock(&lock);
    while (!poller_is_waited_in(&poller)) {
        pthread_mutex_unlock(&lock);
        sched_yield();
        pthread_mutex_lock(&lock);
    }
}

static void test_what_is_added_ends_the_wait_of_another_thread(void **state)
{
    (void)state;
    pthread_t thread;
    added = NULL;
    pthread_create(&thread, NULL, wait_for_it, NULL);
    await_waiter();
    added = seen_watched(1);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    seen_free(added);
}

static void *wait_once(void *arg)
{
    struct poller_events events;
    pthread_mutex_lock(&lock);
    int timeout_ms = poller_begin_wait(&poller, &events, UINT64_MAX);
    pthread_mutex_unlock(&lock);
    poller_wait(&poller, &events, timeout_ms, NULL);
    pthread_mutex_lock(&lock);
    poller_end_wait(&poller);
    pthread_mutex_unlock(&lock);
    return arg;
}

static void test_a_wait_is_woken(void **state)
{
    (void)state;
    struct poller_events events;
    pthread_t thread;
    poller_wake(&poller); /* nobody waits: nothing is left of it */
    pthread_create(&thread, NULL, wait_once, NULL);
    await_waiter();
    poller_wake(&poller);
    poller_wake(&poller);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    poller_look(&poller, &events);
    assert_int_equal(events.count, 0);
}

static void test_a_wait_ends_at_its_deadline(void **state)
{
    (void)state;
    struct poller_events events;
    uint64_t deadline = clock_ns() + 20000000;
    assert_int_equal(poller_begin_wait(&poller, &events, UINT64_MAX), -1);
    int timeout_ms = poller_begin_wait(&poller, &events, deadline);
    assert_true(timeout_ms > 0 && timeout_ms <= 20);
    poller_wait(&poller, &events, timeout_ms, NULL);
    poller_end_wait(&poller);
    assert_true(clock_ns() >= deadline);
    assert_int_equal(poller_begin_wait(&poller, &events, 0), 0);
    poller_end_wait(&poller);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_ready_is_told_each_turn),
        TEST(test_interest_changes),
        TEST(test_a_callback_ends_another_watch),
        TEST(test_a_callback_ends_its_own_watch),
        TEST(test_what_was_found_of_another_is_not_told),
        TEST(test_what_another_turn_has_handled_is_not_told),
        TEST(test_what_breaks_is_ready_for_all),
        TEST(test_the_system_refuses),
        TEST(test_a_poller_that_cannot_be),
        TEST(test_a_descriptor_is_watched_once),
        TEST(test_a_descriptor_that_is_gone),
        TEST(test_more_than_are_told_at_a_time),
        TEST(test_what_is_added_ends_the_wait_of_another_thread),
        TEST(test_a_wait_is_woken),
        TEST(test_a_wait_ends_at_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
