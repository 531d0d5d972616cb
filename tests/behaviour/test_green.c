/* SPDX-License-Identifier: MIT */
/*
 * Green threads: their life, joining and cancelling, their storage and their times.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>

static void *same(void *arg)
{
    return arg;
}

TEST(a_thread_runs_and_gives_its_result)
{
    int mark;
    void *result = NULL;
    int64_t thread = gmq_spawn(same, &mark, NULL);
    assert_true(thread > 0);
    assert_int_equal(gmq_join(thread, &result, -1), 0);
    assert_ptr_equal(result, &mark);
    expect_error(gmq_join(thread, &result, -1), ESRCH);
}

static char order[32];

static char letter_a[] = "a", letter_b[] = "b";

static void *note(void *arg)
{
    for (int i = 0; i < 3; i++) {
        strncat(order, arg, sizeof order - strlen(order) - 1);
        gmq_yield();
    }
    return NULL;
}

TEST(threads_take_turns)
{
    order[0] = '\0';
    int64_t a = gmq_spawn(note, letter_a, NULL), b = gmq_spawn(note, letter_b, NULL);
    assert_int_equal(gmq_join(a, NULL, -1), 0);
    assert_int_equal(gmq_join(b, NULL, -1), 0);
    assert_string_equal(order, "ababab");
}

static void *sleeps(void *arg)
{
    gmq_sleep((int64_t)(intptr_t)arg);
    strncat(order, (intptr_t)arg == 60 ? "60 " : (intptr_t)arg == 30 ? "30 " : "5 ", 4);
    return NULL;
}

TEST(sleepers_wake_in_order)
{
    int64_t threads[3];
    order[0] = '\0';
    threads[0] = gmq_spawn(sleeps, (void *)60, NULL);
    threads[1] = gmq_spawn(sleeps, (void *)5, NULL);
    threads[2] = gmq_spawn(sleeps, (void *)30, NULL);
    int64_t start = gmq_now();
    for (int i = 0; i < 3; i++)
        assert_int_equal(gmq_join(threads[i], NULL, -1), 0);
    assert_true(gmq_now() - start >= 59);
    assert_string_equal(order, "5 30 60 ");
}

static void *echo(void *arg)
{
    char text[16];
    int size;
    while ((size = zmq_recv(arg, text, sizeof text, 0)) > 0)
        zmq_send(arg, text, (size_t)size, 0);
    return (void *)(intptr_t)zmq_errno();
}

TEST(a_receive_blocks_only_its_thread)
{
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, *state).text);
    int64_t thread = gmq_spawn(echo, b, NULL);
    for (int i = 0; i < 1000; i++) {
        char text[16];
        assert_int_equal(zmq_send(a, "hello", 5, 0), 5);
        assert_int_equal(zmq_recv(a, text, sizeof text, 0), 5);
    }
    void *result;
    assert_int_equal(gmq_cancel(thread), 0);
    assert_int_equal(gmq_join(thread, &result, -1), 0);
    assert_int_equal((intptr_t)result, ECANCELED);
}

static void *join_arg(void *thread)
{
    return (void *)(intptr_t)(gmq_join(*(int64_t *)thread, NULL, -1) < 0 ? errno : 0);
}

static intptr_t result_of(int64_t thread)
{
    void *result = NULL;
    assert_int_equal(gmq_join(thread, &result, -1), 0);
    return (intptr_t)result;
}

TEST(nobody_joins_itself)
{
    static int64_t thread;
    expect_error(gmq_join(gmq_self(), NULL, -1), EDEADLK);
    thread = gmq_spawn(join_arg, &thread, NULL);
    assert_int_equal(result_of(thread), EDEADLK);
}

TEST(two_cannot_join_each_other)
{
    static int64_t first, second;
    first = gmq_spawn(join_arg, &second, NULL);
    second = gmq_spawn(join_arg, &first, NULL);
    assert_int_equal(gmq_yield(), 0);
    assert_int_equal(result_of(first), 0);
    expect_error(gmq_join(second, NULL, -1), ESRCH);
}

TEST(a_second_join_is_refused)
{
    static int64_t thread;
    thread = gmq_spawn(sleeps, (void *)5, NULL);
    int64_t joiner = gmq_spawn(join_arg, &thread, NULL);
    gmq_yield();
    expect_error(gmq_join(thread, NULL, -1), EINVAL);
    assert_int_equal(result_of(joiner), 0);
    expect_error(gmq_join(thread, NULL, -1), ESRCH);
    expect_error(gmq_join(0, NULL, -1), ESRCH);
    expect_error(gmq_join(-1, NULL, -1), ESRCH);
    expect_error(gmq_join(INT64_MAX, NULL, -1), ESRCH);
}

TEST(a_join_has_a_deadline)
{
    int64_t thread = gmq_spawn(sleeps, (void *)100000, NULL);
    expect_error(gmq_join(thread, NULL, 0), ETIMEDOUT);
    int64_t deadline = gmq_now() + 20;
    expect_error(gmq_join(thread, NULL, deadline), ETIMEDOUT);
    assert_true(gmq_now() >= deadline);
    assert_int_equal(gmq_cancel(thread), 0);
    assert_int_equal(gmq_join(thread, NULL, -1), 0);
}

TEST(detached_threads_leave_nothing)
{
    struct gmq_thread_options options = {.size = sizeof options, .detached = 1};
    int64_t thread = gmq_spawn(same, NULL, &options);
    expect_error(gmq_join(thread, NULL, -1), EINVAL);
    gmq_yield();
    expect_error(gmq_join(thread, NULL, -1), ESRCH);
    expect_error(gmq_cancel(thread), ESRCH);
}

TEST(a_finished_thread_can_be_cancelled_in_vain)
{
    int64_t thread = gmq_spawn(same, &thread, NULL);
    gmq_yield();
    assert_int_equal(gmq_cancel(thread), 0);
    assert_int_equal(result_of(thread), (intptr_t)&thread);
    expect_error(gmq_cancel(thread), ESRCH);
    expect_error(gmq_cancel(0), ESRCH);
}

static int errors[4];

static void *call_all(void *socket)
{
    char text[8];
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    gmq_sleep(100000);
    errors[0] = gmq_yield() < 0 ? errno : 0;
    errors[1] = zmq_recv(socket, text, sizeof text, 0) < 0 ? errno : 0;
    errors[2] = zmq_poll(&item, 1, -1) < 0 ? errno : 0;
    errors[3] = zmq_recv(socket, text, sizeof text, ZMQ_DONTWAIT) < 0 ? errno : 0;
    return NULL;
}

TEST(a_cancelled_thread_waits_no_more)
{
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, "inproc://here").text);
    int64_t thread = gmq_spawn(call_all, b, NULL);
    gmq_yield();
    assert_int_equal(zmq_send(a, "kept", 4, 0), 4);
    assert_int_equal(gmq_cancel(thread), 0);
    assert_int_equal(gmq_join(thread, NULL, -1), 0);
    assert_int_equal(errors[0], ECANCELED);
    assert_int_equal(errors[1], ECANCELED);
    assert_int_equal(errors[3], 0);
}

static void *receive_one(void *socket)
{
    char text[8];
    return (void *)(intptr_t)zmq_recv(socket, text, sizeof text, 0);
}

/* In either order: who is cancelled has the message, or has left it. */
TEST(a_cancelled_call_leaves_the_message)
{
    char text[8];
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, "inproc://here").text);
    for (int message_first = 0; message_first < 2; message_first++) {
        int64_t thread = gmq_spawn(receive_one, b, NULL);
        gmq_yield();
        if (message_first)
            assert_int_equal(zmq_send(a, "kept", 4, 0), 4);
        assert_int_equal(gmq_cancel(thread), 0);
        if (!message_first)
            assert_int_equal(zmq_send(a, "kept", 4, 0), 4);
        if (result_of(thread) < 0)
            assert_int_equal(zmq_recv(b, text, sizeof text, ZMQ_DONTWAIT), 4);
        else
            expect_error(zmq_recv(b, text, sizeof text, ZMQ_DONTWAIT), EAGAIN);
    }
}

static void *take_leave(void *arg)
{
    gmq_sleep(100000);
    gmq_shield(1);
    errors[0] = gmq_sleep(1) < 0 ? errno : 0;
    gmq_shield(0);
    errors[1] = gmq_sleep(1) < 0 ? errno : 0;
    errors[2] = gmq_shield(0) < 0 ? errno : 0;
    return arg;
}

TEST(a_shield_holds_cancelling_back)
{
    int64_t thread = gmq_spawn(take_leave, NULL, NULL);
    gmq_yield();
    gmq_cancel(thread);
    assert_int_equal(gmq_join(thread, NULL, -1), 0);
    assert_int_equal(errors[0], 0);
    assert_int_equal(errors[1], ECANCELED);
    assert_int_equal(errors[2], EINVAL);
}

static void add(void *letter)
{
    gmq_sleep(1);
    strncat(order, letter, 1);
}

static void *defers(void *arg)
{
    gmq_defer(add, letter_a);
    gmq_defer(add, letter_b);
    gmq_exit(arg);
    strncat(order, "no", 3);
    return NULL;
}

TEST(what_is_deferred_runs_at_the_end)
{
    order[0] = '\0';
    int64_t thread = gmq_spawn(defers, order, NULL);
    gmq_cancel(thread);
    assert_int_equal(result_of(thread), (intptr_t)order);
    assert_string_equal(order, "ba");
    expect_error(gmq_defer(add, letter_a), EPERM);
    expect_error(gmq_exit(NULL), EPERM);
}

static int key;

static void *keep(void *value)
{
    assert_null(gmq_get(key));
    assert_int_equal(gmq_set(key, value), 0);
    gmq_yield();
    return gmq_get(key);
}

static void forget(void *value)
{
    ++*(int *)value;
}

TEST(each_thread_has_its_own_values)
{
    int first = 0, second = 0;
    key = gmq_key(forget);
    assert_true(key >= 0);
    int64_t a = gmq_spawn(keep, &first, NULL), b = gmq_spawn(keep, &second, NULL);
    assert_int_equal(result_of(a), (intptr_t)&first);
    assert_int_equal(result_of(b), (intptr_t)&second);
    assert_int_equal(first + second, 2);
    assert_null(gmq_get(key));
    expect_error(gmq_set(key + 1000, &first), EINVAL);
    assert_null(gmq_get(-1));
}

static void *sets_errno(void *arg)
{
    errno = (int)(intptr_t)arg;
    gmq_yield();
    return (void *)(intptr_t)errno;
}

TEST(errno_survives_switches)
{
    int64_t a = gmq_spawn(sets_errno, (void *)EPERM, NULL);
    int64_t b = gmq_spawn(sets_errno, (void *)ENOENT, NULL);
    errno = EBADF;
    gmq_yield();
    assert_int_equal(errno, EBADF);
    assert_int_equal(result_of(a), EPERM);
    assert_int_equal(result_of(b), ENOENT);
}

TEST(a_scope_bounds_what_is_inside)
{
    char text[8];
    struct gmq_scope outer, inner;
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    zmq_pollitem_t item = {.socket = a, .events = ZMQ_POLLIN};
    connect_to(b, bind_to(a, "inproc://here").text);
    int64_t deadline = gmq_now() + 30;
    assert_int_equal(gmq_scope_enter(&outer, deadline), 0);
    assert_int_equal(gmq_scope_enter(&inner, gmq_now() + 100000), 0);
    expect_error(zmq_recv(a, text, sizeof text, 0), ETIMEDOUT);
    assert_true(gmq_now() >= deadline);
    expect_error(zmq_poll(&item, 1, -1), ETIMEDOUT);
    expect_error(gmq_sleep(100000), ETIMEDOUT);
    expect_error(gmq_scope_leave(&outer), EINVAL);
    assert_int_equal(zmq_send(b, "here", 4, 0), 4);
    assert_int_equal(zmq_recv(a, text, sizeof text, 0), 4);
    assert_int_equal(gmq_scope_leave(&inner), 1);
    assert_int_equal(gmq_scope_leave(&outer), 1);
    set_int(a, ZMQ_RCVTIMEO, 10);
    assert_int_equal(gmq_scope_enter(&outer, gmq_now() + 100000), 0);
    expect_error(zmq_recv(a, text, sizeof text, 0), EAGAIN);
    assert_int_equal(gmq_scope_leave(&outer), 0);
    expect_error(gmq_scope_leave(&outer), EINVAL);
    expect_error(gmq_scope_enter(NULL, -1), EINVAL);
}

static void *flood(void *socket)
{
    while (zmq_send(socket, "more", 4, 0) > 0)
        continue;
    return NULL;
}

/* The receiver never has to wait, and yet the others get their turn. */
TEST(a_busy_thread_lets_others_in)
{
    char text[8];
    void *a = open_socket(ZMQ_PUSH), *b = open_socket(ZMQ_PULL);
    connect_to(a, bind_to(b, "inproc://here").text);
    pthread_t sender = start_thread(flood, a);
    order[0] = '\0';
    int64_t other = gmq_spawn(sleeps, (void *)5, NULL);
    while (!order[0])
        assert_int_equal(zmq_recv(b, text, sizeof text, 0), 4);
    assert_int_equal(gmq_join(other, NULL, -1), 0);
    zmq_ctx_shutdown(world.ctx);
    join_thread(sender);
}

TEST(names_and_wrong_options)
{
    char name[64];
    struct gmq_thread_options options = {.size = sizeof options, .name = "a name of its own"};
    int64_t thread = gmq_spawn(same, NULL, &options);
    assert_int_equal(gmq_name(thread, name, sizeof name), 0);
    assert_string_equal(name, "a name of its own");
    assert_int_equal(gmq_name(gmq_self(), name, 3), 0);
    assert_string_equal(name, "ma");
    assert_int_equal(gmq_join(thread, NULL, -1), 0);
    expect_error(gmq_name(thread, name, sizeof name), ESRCH);
    expect_error(gmq_name(thread, NULL, 0), EINVAL);
    expect_error(gmq_spawn(NULL, NULL, NULL), EINVAL);
    options.stack_bytes = 1;
    expect_error(gmq_spawn(same, NULL, &options), EINVAL);
    options.stack_bytes = SIZE_MAX;
    expect_error(gmq_spawn(same, NULL, &options), EINVAL);
    options.size = 1;
    expect_error(gmq_spawn(same, NULL, &options), EINVAL);
}

static void *call_plainly(void *arg)
{
    char name[8];
    int64_t self = gmq_self();
    bool fine = gmq_yield() == 0 && gmq_sleep(1) == 0 && self > 0 &&
                gmq_name(self, name, sizeof name) == 0 && gmq_cancel(self) == 0 &&
                gmq_yield() < 0 && errno == ECANCELED && gmq_exit(NULL) < 0 && errno == EPERM;
    return fine ? arg : NULL;
}

TEST(an_ordinary_thread_without_green_ones_may_call)
{
    int mark;
    assert_ptr_equal(join_thread(start_thread(call_plainly, &mark)), &mark);
}

static void *use_stack(void *arg)
{
    volatile char room[200 * 1024];
    for (size_t i = 0; i < sizeof room; i += 4096)
        room[i] = 1;
    gmq_yield();
    return room[0] ? arg : NULL;
}

TEST(many_come_and_go)
{
    int64_t threads[200];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 200; i++)
            assert_true((threads[i] = gmq_spawn(use_stack, &threads[i], NULL)) > 0);
        for (int i = 0; i < 200; i++)
            assert_int_equal(result_of(threads[i]), (intptr_t)&threads[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(a_thread_runs_and_gives_its_result),
        RUN(threads_take_turns),
        RUN(sleepers_wake_in_order),
        OVER_ALL(a_receive_blocks_only_its_thread),
        RUN(nobody_joins_itself),
        RUN(two_cannot_join_each_other),
        RUN(a_second_join_is_refused),
        RUN(a_join_has_a_deadline),
        RUN(detached_threads_leave_nothing),
        RUN(a_finished_thread_can_be_cancelled_in_vain),
        RUN(a_cancelled_thread_waits_no_more),
        RUN(a_cancelled_call_leaves_the_message),
        RUN(a_shield_holds_cancelling_back),
        RUN(what_is_deferred_runs_at_the_end),
        RUN(each_thread_has_its_own_values),
        RUN(errno_survives_switches),
        RUN(a_scope_bounds_what_is_inside),
        RUN(a_busy_thread_lets_others_in),
        RUN(names_and_wrong_options),
        RUN(an_ordinary_thread_without_green_ones_may_call),
        RUN(many_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
