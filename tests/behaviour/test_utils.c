/* SPDX-License-Identifier: MIT */
/* The small things of the API: atomic counters, the stopwatch, sleeping, and threads. */
#include <signal.h>

#include "behaviour/util.h"

TEST(a_counter_counts)
{
    void *counter = zmq_atomic_counter_new();
    assert_int_equal(zmq_atomic_counter_value(counter), 0);
    assert_int_equal(zmq_atomic_counter_inc(counter), 0);
    assert_int_equal(zmq_atomic_counter_inc(counter), 1);
    assert_int_equal(zmq_atomic_counter_inc(counter), 2);
    assert_int_equal(zmq_atomic_counter_value(counter), 3);
    assert_int_equal(zmq_atomic_counter_dec(counter), 1);
    assert_int_equal(zmq_atomic_counter_dec(counter), 1);
    assert_int_equal(zmq_atomic_counter_dec(counter), 0);
    zmq_atomic_counter_set(counter, 2);
    assert_int_equal(zmq_atomic_counter_value(counter), 2);
    assert_int_equal(zmq_atomic_counter_dec(counter), 1);
    assert_int_equal(zmq_atomic_counter_dec(counter), 0);
    zmq_atomic_counter_destroy(&counter);
    assert_null(counter);
    zmq_atomic_counter_destroy(&counter);
}

TEST(a_counter_goes_below_zero_and_around)
{
    void *counter = zmq_atomic_counter_new();
    assert_int_equal(zmq_atomic_counter_dec(counter), 1);
    assert_int_equal(zmq_atomic_counter_value(counter), -1);
    assert_int_equal(zmq_atomic_counter_inc(counter), -1);
    zmq_atomic_counter_set(counter, INT32_MAX);
    assert_int_equal(zmq_atomic_counter_inc(counter), INT32_MAX);
    assert_int_equal(zmq_atomic_counter_value(counter), INT32_MIN);
    zmq_atomic_counter_destroy(&counter);
}

enum { COUNTERS = 4, COUNTS = 20000 };

static void *count(void *counter)
{
    for (int i = 0; i < COUNTS; i++) {
        zmq_atomic_counter_inc(counter);
        zmq_atomic_counter_inc(counter);
        zmq_atomic_counter_dec(counter);
    }
    return NULL;
}

TEST(threads_count_together)
{
    void *counter = zmq_atomic_counter_new();
    pthread_t thread[COUNTERS];
    for (int i = 0; i < COUNTERS; i++)
        thread[i] = start_thread(count, counter);
    for (int i = 0; i < COUNTERS; i++)
        join_thread(thread[i]);
    assert_int_equal(zmq_atomic_counter_value(counter), COUNTERS * COUNTS);
    zmq_atomic_counter_destroy(&counter);
}

TEST(a_stopwatch_counts_microseconds)
{
    int64_t begin = now_ms();
    void *watch = zmq_stopwatch_start();
    assert_non_null(watch);
    unsigned long first = zmq_stopwatch_intermediate(watch);
    nap_ms(20);
    unsigned long second = zmq_stopwatch_intermediate(watch);
    unsigned long third = zmq_stopwatch_stop(watch);
    unsigned long most = (unsigned long)(now_ms() - begin + 1) * 1000;
    assert_true(second >= first + 20000);
    assert_true(third >= second);
    assert_true(third <= most);
}

TEST(sleeping_takes_its_time)
{
    int64_t begin = now_ms();
    zmq_sleep(0);
    zmq_sleep(1);
    assert_true(now_ms() - begin >= 999);
}

static void on_signal(int number)
{
    (void)number;
}

/* The signal comes again and again: one that comes before the sleep begins is lost on it. */
TEST(a_signal_ends_a_sleep)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    assert_int_equal(sigaction(SIGVTALRM, &action, &before), 0);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGVTALRM};
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    const struct itimerspec soon = {{0, 20000000}, {0, 20000000}};
    assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
    zmq_sleep(WATCHDOG_S * 2);
    timer_delete(timer);
    sigaction(SIGVTALRM, &before, NULL);
}

struct started {
    int argument;
    pthread_t self;
    sigset_t blocked;
};

static void run(void *arg)
{
    struct started *started = arg;
    started->argument++;
    started->self = pthread_self();
    pthread_sigmask(SIG_SETMASK, NULL, &started->blocked);
}

TEST(a_thread_runs_and_takes_no_signals)
{
    struct started started = {.argument = 41};
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    void *thread = zmq_threadstart(run, &started);
    assert_non_null(thread);
    zmq_threadclose(thread);
    assert_int_equal(started.argument, 42);
    assert_false(pthread_equal(started.self, pthread_self()));
    assert_true(sigismember(&started.blocked, SIGINT));
    assert_true(sigismember(&started.blocked, SIGALRM));
    assert_true(sigismember(&started.blocked, SIGUSR1));
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGUSR1), sigismember(&before, SIGUSR1));
}

static void answer(void *socket)
{
    char text[8];
    int size = zmq_recv(socket, text, sizeof text, 0);
    if (size >= 0)
        zmq_send(socket, text, (size_t)size, 0);
}

TEST(a_thread_works_with_sockets)
{
    void *here = open_socket(ZMQ_PAIR), *there = open_socket(ZMQ_PAIR);
    bind_to(here, "inproc://thread");
    connect_to(there, "inproc://thread");
    void *thread = zmq_threadstart(answer, there);
    send_parts(here, "hello");
    expect_parts(here, "hello");
    zmq_threadclose(thread);
}

TEST(null_is_nothing)
{
    better_than_libzmq(); /* it crashes */
    assert_int_equal(zmq_atomic_counter_value(NULL), 0);
    assert_int_equal(zmq_atomic_counter_inc(NULL), 0);
    assert_int_equal(zmq_atomic_counter_dec(NULL), 0);
    zmq_atomic_counter_set(NULL, 1);
    zmq_atomic_counter_destroy(NULL);
    assert_int_equal(zmq_stopwatch_intermediate(NULL), 0);
    assert_int_equal(zmq_stopwatch_stop(NULL), 0);
    errno = 0;
    assert_null(zmq_threadstart(NULL, NULL));
    assert_int_equal(errno, EFAULT);
    zmq_threadclose(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(a_counter_counts),
        RUN(a_counter_goes_below_zero_and_around),
        RUN(threads_count_together),
        RUN(a_stopwatch_counts_microseconds),
        RUN(sleeping_takes_its_time),
        RUN(a_signal_ends_a_sleep),
        RUN(a_thread_runs_and_takes_no_signals),
        RUN(a_thread_works_with_sockets),
        RUN(null_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
