/* SPDX-License-Identifier: MIT */
/*
 * What green threads are asked wrongly, and what each call answers: joining in circles, groups of
 * others, scopes out of order, limits of signals, keys and descriptors. test_green.c and its
 * neighbours have the errors that belong to what they test.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

static void *sleep_long(void *arg)
{
    gmq_sleep(1000000);
    return arg;
}

static void *same(void *arg)
{
    return arg;
}

/* The errno of a call that failed, or 0. */
static void *outcome(int64_t rc)
{
    return (void *)(intptr_t)(rc < 0 ? errno : 0);
}

static intptr_t result_of(int64_t thread)
{
    void *result = NULL;
    assert_int_equal(gmq_join(thread, &result, gmq_now() + DEADLINE_MS), 0);
    return (intptr_t)result;
}

static int64_t spawn(void *(*run)(void *arg), void *arg)
{
    int64_t thread = gmq_spawn(run, arg, NULL);
    assert_true(thread > 0);
    return thread;
}

static void end(int64_t thread)
{
    assert_int_equal(gmq_cancel(thread), 0);
    assert_int_equal(gmq_join(thread, NULL, -1), 0);
}

/* ---- joining ---- */

static int64_t ring[4];

static void *join_it(void *thread)
{
    return outcome(gmq_join(*(int64_t *)thread, NULL, -1));
}

TEST(nobody_joins_in_a_circle)
{
    for (int i = 0; i < 4; i++)
        ring[i] = spawn(join_it, &ring[(i + 1) % 4]);
    assert_int_equal(result_of(ring[0]), 0); /* the last that joined was refused, so all ended */
    for (int i = 1; i < 4; i++)
        expect_error(gmq_join(ring[i], NULL, -1), ESRCH);
}

TEST(an_ordinary_thread_is_not_joined)
{
    int64_t self = gmq_self();
    assert_int_equal((intptr_t)join_it(&self), EDEADLK); /* it is the caller */
    int64_t thread = spawn(join_it, &self);
    assert_int_equal(gmq_yield(), 0); /* or else it waits for the caller */
    assert_int_equal(result_of(thread), EINVAL);
}

TEST(who_gave_up_joining_may_join_again)
{
    int64_t sleeper = spawn(sleep_long, NULL), joiner = spawn(join_it, &sleeper);
    expect_error(gmq_join(joiner, NULL, gmq_now() + 1), ETIMEDOUT);
    assert_int_equal(gmq_cancel(joiner), 0);
    assert_int_equal(result_of(joiner), ECANCELED);
    expect_error(gmq_join(sleeper, NULL, 0), ETIMEDOUT);
    end(sleeper);
    expect_error(gmq_cancel(sleeper), ESRCH);
}

static void on_alarm(int number)
{
    (void)number;
}

TEST(the_ordinary_threads_own_stack_hears_of_signals)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    struct sigaction caught = {.sa_handler = on_alarm}, before;
    int64_t sleeper = spawn(sleep_long, NULL);
    assert_int_equal(sigaction(SIGALRM, &caught, &before), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    expect_error(gmq_sleep(DEADLINE_MS), EINTR);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    expect_error(gmq_join(sleeper, NULL, -1), EINTR);
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    end(sleeper);
}

/* ---- calls out of place ---- */

static void nothing(void *arg)
{
    (void)arg;
}

static void *defer_nothing(void *arg)
{
    (void)arg;
    return outcome(gmq_defer(NULL, NULL));
}

TEST(defers_and_shields_that_are_none)
{
    assert_int_equal(result_of(spawn(defer_nothing, NULL)), EINVAL);
    expect_error(gmq_defer(nothing, NULL), EPERM);
    expect_error(gmq_shield(0), EINVAL);
    assert_int_equal(gmq_shield(1), 0);
    assert_int_equal(gmq_shield(0), 0);
    expect_error(gmq_shield(0), EINVAL);
}

static void *leave_scope(void *scope)
{
    return outcome(gmq_scope_leave(scope));
}

TEST(a_scope_is_left_by_who_entered_it)
{
    struct gmq_scope scope, other = {0};
    expect_error(gmq_scope_leave(NULL), EINVAL);
    expect_error(gmq_scope_leave(&other), EINVAL);
    assert_int_equal(gmq_scope_enter(&scope, -1), 0);
    assert_int_equal(result_of(spawn(leave_scope, &scope)), EINVAL);
    assert_int_equal(gmq_scope_leave(&scope), 0);
    expect_error(gmq_scope_leave(&scope), EINVAL);
}

TEST(keys_come_to_an_end)
{
    int last = -1, key;
    while ((key = gmq_key(NULL)) >= 0)
        last = key;
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(last, 63);
    assert_int_equal(gmq_set(last, &last), 0);
    assert_ptr_equal(gmq_get(last), &last);
    assert_int_equal(gmq_set(last, NULL), 0);
    expect_error(gmq_set(last + 1, &last), EINVAL);
    expect_error(gmq_set(-1, &last), EINVAL);
    assert_null(gmq_get(last + 1));
}

/* ---- groups ---- */

static struct gmq_group *group;
static int running;

static void *count_and_sleep(void *arg)
{
    running++;
    gmq_sleep(1000000);
    running--;
    return arg;
}

TEST(no_group_at_all)
{
    expect_error(gmq_group_spawn(NULL, same, NULL, NULL), EINVAL);
    expect_error(gmq_group_wait(NULL, -1), EINVAL);
    expect_error(gmq_group_cancel(NULL), EINVAL);
    expect_error(gmq_group_close(NULL), EINVAL);
}

static void *close_foreign(void *arg)
{
    return outcome(gmq_group_close(arg));
}

TEST(no_other_ordinary_thread_closes_a_group)
{
    group = gmq_group_new(0);
    assert_true(gmq_group_spawn(group, count_and_sleep, NULL, NULL) > 0);
    assert_int_equal((intptr_t)join_thread(start_thread(close_foreign, group)), EPERM);
    assert_int_equal(gmq_group_close(group), 0);
}

static void *wait_for_grand_parent(void *arg)
{
    int first = gmq_group_wait(group, -1) < 0 ? errno : 0;
    int second = gmq_group_close(group) < 0 ? errno : 0;
    *(bool *)arg = first == EDEADLK && second == EDEADLK;
    return NULL;
}

static void *member_with_a_group(void *arg)
{
    struct gmq_group *inner = gmq_group_new(0);
    gmq_group_spawn(inner, wait_for_grand_parent, arg, NULL);
    gmq_group_wait(inner, -1);
    gmq_group_close(inner);
    return NULL;
}

TEST(who_works_for_a_member_cannot_wait_for_its_group)
{
    bool refused = false;
    group = gmq_group_new(0);
    assert_true(gmq_group_spawn(group, member_with_a_group, &refused, NULL) > 0);
    assert_int_equal(gmq_group_wait(group, gmq_now() + DEADLINE_MS), 0);
    assert_true(refused);
    assert_int_equal(gmq_group_close(group), 0);
}

static void *spawn_one_more(void *arg)
{
    (void)arg;
    return outcome(gmq_group_spawn(group, count_and_sleep, NULL, NULL));
}

TEST(waiting_for_room_in_a_group_can_be_cut_short)
{
    struct gmq_scope scope;
    group = gmq_group_new(1);
    assert_true(gmq_group_spawn(group, count_and_sleep, NULL, NULL) > 0);
    assert_int_equal(gmq_scope_enter(&scope, gmq_now() + 1), 0);
    expect_error(gmq_group_spawn(group, same, NULL, NULL), ETIMEDOUT);
    expect_error(gmq_group_wait(group, -1), ETIMEDOUT);
    assert_int_equal(gmq_scope_leave(&scope), 1);
    int64_t cancelled = spawn(spawn_one_more, NULL), other = spawn(spawn_one_more, NULL);
    expect_error(gmq_join(cancelled, NULL, gmq_now() + 1), ETIMEDOUT);
    assert_int_equal(gmq_cancel(cancelled), 0);
    assert_int_equal(result_of(cancelled), ECANCELED);
    assert_int_equal(gmq_group_cancel(group), 0);
    assert_int_equal(result_of(other), ECANCELED);
    assert_int_equal(gmq_group_close(group), 0);
    assert_int_equal(running, 0);
}

static void *own_and_exit(void *arg)
{
    struct gmq_group *mine = gmq_group_new(0);
    gmq_group_spawn(mine, count_and_sleep, NULL, NULL);
    gmq_yield();
    assert_int_equal(running, 1);
    gmq_exit(arg);
    return NULL;
}

TEST(an_owner_that_exits_closes_its_group)
{
    assert_int_equal(result_of(spawn(own_and_exit, &running)), (intptr_t)&running);
    assert_int_equal(running, 0);
}

static void *own_and_return(void *arg)
{
    struct gmq_group *mine = gmq_group_new(0);
    bool fine = gmq_group_spawn(mine, count_and_sleep, NULL, NULL) > 0 && gmq_yield() == 0 &&
                running == 1 && gmq_exit(NULL) < 0 && errno == EPERM;
    return fine ? arg : NULL;
}

TEST(an_ordinary_thread_that_ends_closes_its_groups)
{
    assert_ptr_equal(join_thread(start_thread(own_and_return, &running)), &running);
    assert_int_equal(running, 0);
}

/* ---- descriptors and signals ---- */

TEST(a_closed_descriptor_is_not_closed_again)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(gmq_close(ends[0]), 0);
    expect_error(gmq_close(ends[0]), EBADF);
    expect_error(gmq_wait_fd(ends[0], ZMQ_POLLIN, 0), EBADF);
    expect_error(gmq_close(-1), EBADF);
    assert_int_equal(gmq_close(ends[1]), 0);
    expect_error(gmq_dump(ends[1]), EBADF);
}

/* From here on the process gets no descriptor more. Returns what to give allow_descriptors(). */
static rlim_t deny_descriptors(void)
{
    struct rlimit limit;
    int next = dup(STDERR_FILENO);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

static void allow_descriptors(rlim_t count)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* An ordinary thread that has no green threads, and can have none. */
static void *begin_in_vain(void *arg)
{
    struct gmq_scope scope;
    int failed = 0;
    failed += gmq_self() < 0 && errno == ENOMEM;
    failed += gmq_spawn(same, NULL, NULL) < 0 && errno == ENOMEM;
    failed += gmq_yield() < 0 && errno == ENOMEM;
    failed += gmq_sleep(1) < 0 && errno == ENOMEM;
    failed += gmq_group_new(0) == NULL && errno == ENOMEM;
    failed += gmq_scope_enter(&scope, -1) < 0 && errno == ENOMEM;
    failed += gmq_offload(same, NULL, NULL) < 0 && errno == ENOMEM;
    failed += gmq_run() < 0 && errno == ENOMEM;
    return failed == 8 ? arg : NULL;
}

/* What needs its first descriptor, in an ordinary thread that has green threads. */
static void *wait_in_vain(void *arg)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    if (gmq_self() < 0)
        return NULL;
    rlim_t before = deny_descriptors();
    bool fine = gmq_wait_fd(*(int *)arg, ZMQ_POLLIN, -1) < 0 && errno == EMFILE;
    fine = gmq_wait_signal(&set, -1) < 0 && errno == EMFILE && fine;
    fine = gmq_fd() < 0 && errno == EMFILE && fine;
    allow_descriptors(before);
    fine = gmq_fd() >= 0 && fine;
    return fine && gmq_wait_fd(*(int *)arg, ZMQ_POLLIN, 0) < 0 && errno == ETIMEDOUT ? arg : NULL;
}

TEST(without_descriptors)
{
    int mark, ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_ptr_equal(join_thread(start_thread(wait_in_vain, &ends[0])), &ends[0]);
    rlim_t before = deny_descriptors();
    void *result = join_thread(start_thread(begin_in_vain, &mark));
    allow_descriptors(before);
    assert_ptr_equal(result, &mark);
    close(ends[0]);
    close(ends[1]);
}

static void *wait_for_signal(void *arg)
{
    sigset_t set;
    (void)arg;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return outcome(gmq_wait_signal(&set, -1));
}

TEST(as_many_wait_for_signals_as_can)
{
    enum { ALL = 64 };
    int64_t threads[ALL];
    for (int i = 0; i < ALL; i++)
        threads[i] = spawn(wait_for_signal, NULL);
    assert_int_equal(gmq_yield(), 0);
    assert_int_equal((intptr_t)wait_for_signal(NULL), EAGAIN);
    for (int i = 0; i < ALL; i++) {
        assert_int_equal(gmq_cancel(threads[i]), 0);
        assert_int_equal(result_of(threads[i]), ECANCELED);
    }
}

/* ---- work elsewhere ---- */

TEST(limits_of_offloading)
{
    expect_error(gmq_offload_limit(-1), EINVAL);
    expect_error(gmq_offload_limit(0), EINVAL);
    expect_error(gmq_offload_limit(1025), EINVAL);
    assert_int_equal(gmq_offload_limit(1024), 0);
    assert_int_equal(gmq_offload_limit(8), 0);
}

/* No thread can be made with stacks of this size. */
static void set_thread_stacks(size_t bytes)
{
    pthread_attr_t attr;
    assert_int_equal(pthread_getattr_default_np(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, bytes), 0);
    assert_int_equal(pthread_setattr_default_np(&attr), 0);
    pthread_attr_destroy(&attr);
}

static size_t thread_stacks(void)
{
    pthread_attr_t attr;
    size_t bytes = 0;
    assert_int_equal(pthread_getattr_default_np(&attr), 0);
    assert_int_equal(pthread_attr_getstacksize(&attr, &bytes), 0);
    pthread_attr_destroy(&attr);
    return bytes;
}

TEST(without_ordinary_threads)
{
    size_t before = thread_stacks();
    void *result = NULL;
    set_thread_stacks((size_t)1 << 50);
    int offloaded = gmq_offload(same, &before, NULL), error = errno;
    int watched = gmq_watchdog(100, NULL, NULL), other = errno;
    set_thread_stacks(before);
    assert_int_equal(offloaded, -1);
    assert_int_equal(error, EAGAIN);
    assert_int_equal(watched, -1);
    assert_int_equal(other, EAGAIN);
    assert_int_equal(gmq_offload(same, &before, &result), 0);
    assert_ptr_equal(result, &before);
}

static void *offload_same(void *arg)
{
    return outcome(gmq_offload(same, arg, NULL));
}

TEST(who_is_cancelled_offloads_nothing)
{
    struct gmq_scope scope;
    int64_t thread = spawn(offload_same, NULL);
    assert_int_equal(gmq_cancel(thread), 0);
    assert_int_equal(result_of(thread), ECANCELED);
    assert_int_equal(gmq_scope_enter(&scope, 0), 0);
    expect_error(gmq_offload(same, NULL, NULL), ETIMEDOUT);
    assert_int_equal(gmq_scope_leave(&scope), 1);
}

/* ---- ordinary threads that have no green threads ---- */

static void *call_others(void *thread)
{
    char name[32];
    bool fine = gmq_name(*(int64_t *)thread, name, sizeof name) == 0 && !strcmp(name, "thread");
    fine = gmq_cancel(0) < 0 && errno == ESRCH && fine;
    fine = gmq_join(0, NULL, -1) < 0 && errno == ESRCH && fine;
    fine = gmq_cancel(*(int64_t *)thread) == 0 && fine;
    fine = gmq_get(0) == NULL && fine;
    fine = gmq_shield(0) < 0 && errno == EINVAL && fine;
    fine = gmq_defer(nothing, NULL) < 0 && errno == EPERM && fine;
    fine = gmq_exit(NULL) < 0 && errno == EPERM && fine;
    return fine ? thread : NULL;
}

static void *wait_somehow(void *fd)
{
    struct gmq_scope scope;
    void *result = NULL;
    bool fine = gmq_scope_enter(&scope, 0) == 0 && gmq_sleep(1000) < 0 && errno == ETIMEDOUT;
    fine = gmq_scope_leave(&scope) == 1 && fine;
    fine = gmq_wait_fd(*(int *)fd, ZMQ_POLLOUT, -1) == ZMQ_POLLOUT && fine;
    fine = gmq_offload(same, fd, &result) == 0 && result == fd && fine;
    return fine && gmq_run() == 0 && gmq_fd() >= 0 ? fd : NULL;
}

TEST(ordinary_threads_without_green_ones_may_call)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int64_t thread = spawn(sleep_long, NULL);
    assert_ptr_equal(join_thread(start_thread(call_others, &thread)), &thread);
    assert_int_equal(gmq_join(thread, NULL, -1), 0);
    assert_ptr_equal(join_thread(start_thread(wait_somehow, &ends[1])), &ends[1]);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(without_ordinary_threads), /* before there are any */
        RUN(nobody_joins_in_a_circle),
        RUN(an_ordinary_thread_is_not_joined),
        RUN(who_gave_up_joining_may_join_again),
        RUN(the_ordinary_threads_own_stack_hears_of_signals),
        RUN(defers_and_shields_that_are_none),
        RUN(a_scope_is_left_by_who_entered_it),
        RUN(keys_come_to_an_end),
        RUN(no_group_at_all),
        RUN(no_other_ordinary_thread_closes_a_group),
        RUN(who_works_for_a_member_cannot_wait_for_its_group),
        RUN(waiting_for_room_in_a_group_can_be_cut_short),
        RUN(an_owner_that_exits_closes_its_group),
        RUN(an_ordinary_thread_that_ends_closes_its_groups),
        RUN(a_closed_descriptor_is_not_closed_again),
        RUN(without_descriptors),
        RUN(as_many_wait_for_signals_as_can),
        RUN(limits_of_offloading),
        RUN(who_is_cancelled_offloads_nothing),
        RUN(ordinary_threads_without_green_ones_may_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
