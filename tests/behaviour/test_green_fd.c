/* SPDX-License-Identifier: MIT */
/*
 * Green threads that wait for descriptors, and green threads inside a loop that is not ours.
 */
#include "behaviour/util.h"

#include <fcntl.h>
#include <greenmq/greenmq.h>
#include <poll.h>
#include <sys/socket.h>

static int ends[2];

static int setup(void **state)
{
    return world_open(state) < 0 ? -1 : socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static int teardown(void **state)
{
    close(ends[0]);
    close(ends[1]);
    return world_close(state);
}

static void *wait_readable(void *fd)
{
    int events = gmq_wait_fd(*(int *)fd, ZMQ_POLLIN, -1);
    return (void *)(intptr_t)(events < 0 ? -errno : events);
}

static intptr_t result_of(int64_t thread)
{
    void *result = NULL;
    assert_int_equal(gmq_join(thread, &result, -1), 0);
    return (intptr_t)result;
}

TEST(a_thread_waits_for_a_descriptor)
{
    int64_t thread = gmq_spawn(wait_readable, &ends[0], NULL);
    expect_error(gmq_join(thread, NULL, gmq_now() + 5), ETIMEDOUT);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(result_of(thread), ZMQ_POLLIN);
    assert_int_equal(gmq_wait_fd(ends[0], ZMQ_POLLIN | ZMQ_POLLOUT, -1), ZMQ_POLLIN | ZMQ_POLLOUT);
    assert_int_equal(gmq_wait_fd(ends[1], ZMQ_POLLOUT, 0), ZMQ_POLLOUT);
}

TEST(several_wait_for_one_descriptor)
{
    int64_t first = gmq_spawn(wait_readable, &ends[0], NULL);
    int64_t second = gmq_spawn(wait_readable, &ends[0], NULL);
    gmq_yield();
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(result_of(first), ZMQ_POLLIN);
    assert_int_equal(result_of(second), ZMQ_POLLIN);
}

TEST(a_descriptor_may_be_given_anew)
{
    int64_t deadline = gmq_now() + 5;
    expect_error(gmq_wait_fd(ends[0], ZMQ_POLLIN, deadline), ETIMEDOUT);
    int old = ends[0], other[2];
    close(ends[0]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    assert_int_equal(other[0], old);
    ends[0] = other[0];
    int64_t thread = gmq_spawn(wait_readable, &other[0], NULL);
    gmq_yield();
    assert_int_equal(write(other[1], "x", 1), 1);
    assert_int_equal(result_of(thread), ZMQ_POLLIN);
    close(other[1]);
}

static void *wait_readable_for_a_moment(void *fd)
{
    int events = gmq_wait_fd(*(int *)fd, ZMQ_POLLIN, gmq_now() + 50);
    return (void *)(intptr_t)(events < 0 ? -errno : events);
}

TEST(a_file_that_had_the_number_before_wakes_nobody)
{
    expect_error(gmq_wait_fd(ends[0], ZMQ_POLLIN, gmq_now() + 5), ETIMEDOUT);
    int old = ends[0], other[2], still_open = dup(ends[0]);
    close(ends[0]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    assert_int_equal(other[0], old);
    ends[0] = still_open;
    int64_t thread = gmq_spawn(wait_readable_for_a_moment, &other[0], NULL);
    gmq_yield();
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(result_of(thread), -ETIMEDOUT);
    close(other[0]);
    close(other[1]);
}

static void fill(int fd)
{
    static const char octets[4096];
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    while (write(fd, octets, sizeof octets) > 0)
        continue;
}

static void *wait_writable_for_a_moment(void *fd)
{
    int events = gmq_wait_fd(*(int *)fd, ZMQ_POLLOUT, gmq_now() + 50);
    return (void *)(intptr_t)(events < 0 ? -errno : events);
}

/* So many that they do not come with one look at the kernel's list. */
TEST(many_are_readable_while_others_wait_to_write_to_them)
{
    enum { PAIRS = 70 };
    int pairs[PAIRS][2];
    int64_t readers[PAIRS], writers[PAIRS];
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
        fill(pairs[i][0]);
        readers[i] = gmq_spawn(wait_readable, &pairs[i][0], NULL);
        writers[i] = gmq_spawn(wait_writable_for_a_moment, &pairs[i][0], NULL);
    }
    gmq_yield();
    for (int i = 0; i < PAIRS; i++)
        assert_int_equal(write(pairs[i][1], "x", 1), 1);
    for (int i = 0; i < PAIRS; i++) {
        assert_int_equal(result_of(readers[i]), ZMQ_POLLIN);
        assert_int_equal(result_of(writers[i]), -ETIMEDOUT);
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}

TEST(a_closed_descriptor_is_told)
{
    int fd = dup(ends[0]);
    int64_t thread = gmq_spawn(wait_readable, &fd, NULL);
    gmq_yield();
    assert_int_equal(gmq_close(fd), 0);
    assert_int_equal(result_of(thread), -EBADF);
    expect_error(gmq_wait_fd(fd, ZMQ_POLLIN, -1), EBADF);
    expect_error(gmq_wait_fd(-1, ZMQ_POLLIN, -1), EBADF);
    expect_error(gmq_wait_fd(ends[0], 0, -1), EINVAL);
    expect_error(gmq_wait_fd(ends[0], ZMQ_POLLERR, -1), EINVAL);
}

TEST(a_hung_up_descriptor_is_ready)
{
    int64_t thread = gmq_spawn(wait_readable, &ends[0], NULL);
    gmq_yield();
    shutdown(ends[1], SHUT_RDWR);
    assert_int_equal(result_of(thread), ZMQ_POLLIN);
}

TEST(a_file_is_always_ready)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(gmq_wait_fd(file, ZMQ_POLLIN, -1), ZMQ_POLLIN);
    close(file);
}

TEST(a_cancelled_thread_waits_for_no_descriptor)
{
    int64_t thread = gmq_spawn(wait_readable, &ends[0], NULL);
    gmq_yield();
    assert_int_equal(gmq_cancel(thread), 0);
    assert_int_equal(result_of(thread), -ECANCELED);
    assert_int_equal(write(ends[1], "x", 1), 1);
    thread = gmq_spawn(wait_readable, &ends[0], NULL);
    assert_int_equal(gmq_cancel(thread), 0);
    assert_int_equal(result_of(thread), -ECANCELED);
}

static void *poll_both(void *socket)
{
    zmq_pollitem_t items[] = {{.socket = socket, .events = ZMQ_POLLIN},
                              {.fd = ends[0], .events = ZMQ_POLLIN}};
    int rc = zmq_poll(items, 2, -1);
    return (void *)(intptr_t)(rc * 100 + items[0].revents * 10 + items[1].revents);
}

TEST(zmq_poll_waits_for_both_kinds)
{
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, "inproc://here").text);
    int64_t thread = gmq_spawn(poll_both, a, NULL);
    gmq_yield();
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(result_of(thread), 101);
    char octet;
    assert_int_equal(read(ends[0], &octet, 1), 1);
    thread = gmq_spawn(poll_both, a, NULL);
    gmq_yield();
    assert_int_equal(zmq_send(b, "x", 1, 0), 1);
    assert_int_equal(result_of(thread), 110);
}

/* ---- embedded ----------------------------------------------------------------------------- */

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    return poll(&look, 1, timeout_ms) == 1;
}

/* A loop of somebody else's. */
static void run_until(const int *done)
{
    while (!*done) {
        assert_true(is_readable(gmq_fd(), DEADLINE_MS));
        assert_int_equal(gmq_run(), 0);
    }
}

static int count;

static void *count_messages(void *socket)
{
    char text[8];
    while (zmq_recv(socket, text, sizeof text, 0) > 0)
        count++;
    return NULL;
}

static void *count_later(void *arg)
{
    gmq_sleep(10);
    count++;
    return arg;
}

static void *send_three(void *endpoint)
{
    void *push = zmq_socket(world.ctx, ZMQ_PUSH);
    zmq_connect(push, endpoint);
    for (int i = 0; i < 3; i++)
        zmq_send(push, "x", 1, 0);
    zmq_close(push);
    return NULL;
}

static void run_until_count(int wanted)
{
    while (count < wanted) {
        assert_true(is_readable(gmq_fd(), DEADLINE_MS));
        assert_int_equal(gmq_run(), 0);
    }
}

TEST(a_foreign_loop_runs_them)
{
    count = 0;
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint bound = bind_to(pull, *state);
    int64_t receiver = gmq_spawn(count_messages, pull, NULL);
    pthread_t sender = start_thread(send_three, bound.text);
    run_until_count(3);
    join_thread(sender);
    while (is_readable(gmq_fd(), 0))
        assert_int_equal(gmq_run(), 0);
    int64_t sleeper = gmq_spawn(count_later, NULL, NULL);
    run_until_count(4);
    assert_int_equal(gmq_cancel(receiver), 0);
    assert_int_equal(gmq_join(receiver, NULL, -1), 0);
    assert_int_equal(gmq_join(sleeper, NULL, -1), 0);
}

TEST(a_foreign_loop_runs_them_without_a_steward)
{
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0), 0);
    a_foreign_loop_runs_them(state);
}

static void *set_done(void *done)
{
    gmq_wait_fd(ends[0], ZMQ_POLLIN, -1);
    *(int *)done = 1;
    return NULL;
}

TEST(a_foreign_loop_hears_of_descriptors_and_of_what_its_callbacks_do)
{
    int done = 0;
    int64_t thread = gmq_spawn(set_done, &done, NULL);
    assert_true(is_readable(gmq_fd(), DEADLINE_MS));
    assert_int_equal(gmq_run(), 0);
    assert_false(is_readable(gmq_fd(), 0));
    assert_int_equal(write(ends[1], "x", 1), 1);
    run_until(&done);
    assert_int_equal(gmq_join(thread, NULL, -1), 0);
    done = 0;
    thread = gmq_spawn(set_done, &done, NULL); /* readable already */
    run_until(&done);
    assert_int_equal(gmq_join(thread, NULL, -1), 0);
}

static void *call_run(void *arg)
{
    (void)arg;
    int first = gmq_run() < 0 ? errno : 0, second = gmq_fd() < 0 ? errno : 0;
    return (void *)(intptr_t)(first == EPERM && second == EPERM);
}

TEST(only_the_ordinary_threads_own_stack_runs_them)
{
    assert_int_equal(result_of(gmq_spawn(call_run, NULL, NULL)), 1);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_thread_waits_for_a_descriptor),
        CASE(several_wait_for_one_descriptor),
        CASE(a_descriptor_may_be_given_anew),
        CASE(a_file_that_had_the_number_before_wakes_nobody),
        CASE(many_are_readable_while_others_wait_to_write_to_them),
        CASE(a_closed_descriptor_is_told),
        CASE(a_hung_up_descriptor_is_ready),
        CASE(a_file_is_always_ready),
        CASE(a_cancelled_thread_waits_for_no_descriptor),
        CASE(zmq_poll_waits_for_both_kinds),
        OVER_ALL(a_foreign_loop_runs_them),
        OVER(a_foreign_loop_runs_them_without_a_steward, "tcp", "tcp://127.0.0.1:*"),
        CASE(a_foreign_loop_hears_of_descriptors_and_of_what_its_callbacks_do),
        CASE(only_the_ordinary_threads_own_stack_runs_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
