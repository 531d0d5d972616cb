/* SPDX-License-Identifier: MIT */
/* The thread that a context starts is as zmq_ctx_set(3) says: its name, processors and how it is
 * scheduled. There is none before the first socket, and none with ZMQ_IO_THREADS 0. */
#include "behaviour/util.h"

#include <dirent.h>
#include <sched.h>
#include <sys/resource.h>

/* The thread of this process that has this name, or 0. */
static pid_t find_thread(const char *name)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    pid_t found = 0;
    assert_non_null(tasks);
    while (!found && (entry = readdir(tasks))) {
        char path[300], text[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        if (fgets(text, sizeof text, file)) {
            text[strcspn(text, "\n")] = '\0';
            if (strcmp(text, name) == 0)
                found = (pid_t)atoi(entry->d_name);
        }
        fclose(file);
    }
    closedir(tasks);
    return found;
}

static void set_context(int option, int value)
{
    assert_int_equal(zmq_ctx_set(world.ctx, option, value), 0);
}

/* Opens the first socket, and finds the thread that comes with it. */
static pid_t start_thread_named(const char *name)
{
    pid_t found = 0;
    assert_int_equal(find_thread(name), 0);
    open_socket(ZMQ_PAIR);
    wait_until((found = find_thread(name)) != 0);
    return found;
}

TEST(thread_has_a_name)
{
    start_thread_named("ZMQbg/IO/0");
}

TEST(name_has_a_prefix)
{
    set_context(ZMQ_THREAD_NAME_PREFIX, 42);
    assert_int_equal(zmq_ctx_get(world.ctx, ZMQ_THREAD_NAME_PREFIX), 42);
    start_thread_named("42/ZMQbg/IO/0");
}

TEST(prefix_is_any_number)
{
    set_context(ZMQ_THREAD_NAME_PREFIX, -1);
    assert_int_equal(zmq_ctx_get(world.ctx, ZMQ_THREAD_NAME_PREFIX), -1);
    start_thread_named("-1/ZMQbg/IO/0");
}

/* One of the processors that this process may use. */
static int some_cpu(void)
{
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int cpu = CPU_SETSIZE - 1;
    while (cpu && !CPU_ISSET(cpu, &allowed))
        cpu--;
    return cpu;
}

TEST(thread_runs_on_the_processors_chosen)
{
    cpu_set_t cpus;
    int cpu = some_cpu();
    set_context(ZMQ_THREAD_AFFINITY_CPU_ADD, cpu);
    pid_t thread = start_thread_named("ZMQbg/IO/0");
    wait_until(sched_getaffinity(thread, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) == 1);
    assert_true(CPU_ISSET(cpu, &cpus));
}

TEST(processors_may_be_taken_back)
{
    cpu_set_t cpus, own;
    expect_error(zmq_ctx_set(world.ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0), EINVAL);
    expect_error(zmq_ctx_set(world.ctx, ZMQ_THREAD_AFFINITY_CPU_ADD, -1), EINVAL);
    expect_error(zmq_ctx_set(world.ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, -1), EINVAL);
    set_context(ZMQ_THREAD_AFFINITY_CPU_ADD, 0);
    set_context(ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0);
    expect_error(zmq_ctx_set(world.ctx, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0), EINVAL);
    expect_error(zmq_ctx_get(world.ctx, ZMQ_THREAD_AFFINITY_CPU_ADD), EINVAL);
    pid_t thread = start_thread_named("ZMQbg/IO/0");
    assert_int_equal(sched_getaffinity(thread, sizeof cpus, &cpus), 0);
    assert_int_equal(sched_getaffinity(0, sizeof own, &own), 0);
    assert_int_equal(CPU_COUNT(&cpus), CPU_COUNT(&own));
}

TEST(thread_is_scheduled_as_asked)
{
    set_context(ZMQ_THREAD_SCHED_POLICY, SCHED_BATCH);
    assert_int_equal(zmq_ctx_get(world.ctx, ZMQ_THREAD_SCHED_POLICY), SCHED_BATCH);
    pid_t thread = start_thread_named("ZMQbg/IO/0");
    wait_until(sched_getscheduler(thread) == SCHED_BATCH);
}

/* Is this process allowed to? */
static bool may_be_preferred(void)
{
    struct sched_param param = {.sched_priority = 1}, none = {0};
    if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
        return false;
    return sched_setscheduler(0, SCHED_OTHER, &none) == 0;
}

TEST(thread_has_the_priority_asked_for)
{
    struct sched_param param = {0};
    if (!may_be_preferred())
        skip();
    set_context(ZMQ_THREAD_SCHED_POLICY, SCHED_RR);
    set_context(ZMQ_THREAD_PRIORITY, 5);
    pid_t thread = start_thread_named("ZMQbg/IO/0");
    wait_until(sched_getscheduler(thread) == SCHED_RR);
    wait_until(sched_getparam(thread, &param) == 0 && param.sched_priority == 5);
}

TEST(priority_without_a_policy_is_the_best_there_is)
{
    if (!may_be_preferred())
        skip();
    set_context(ZMQ_THREAD_PRIORITY, 5);
    pid_t thread = start_thread_named("ZMQbg/IO/0");
    wait_until(getpriority(PRIO_PROCESS, (id_t)thread) == -20);
}

/* libzmq ends the process. */
TEST(what_the_system_refuses_is_left)
{
    better_than_libzmq();
    set_context(ZMQ_THREAD_SCHED_POLICY, 99);
    set_context(ZMQ_THREAD_AFFINITY_CPU_ADD, CPU_SETSIZE - 1);
    set_context(ZMQ_THREAD_AFFINITY_CPU_ADD, 1000000);
    pid_t thread = start_thread_named("ZMQbg/IO/0");
    assert_int_equal(sched_getscheduler(thread), SCHED_OTHER);
}

TEST(without_threads_there_is_none)
{
    better_than_libzmq(); /* it has the other one always */
    set_context(ZMQ_IO_THREADS, 0);
    void *one = open_socket(ZMQ_PAIR), *two = open_socket(ZMQ_PAIR);
    connect_to(two, bind_to(one, "tcp://127.0.0.1:*").text);
    send_parts(one, "through");
    expect_parts(two, "through");
    assert_int_equal(find_thread("ZMQbg/IO/0"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(thread_has_a_name),
        RUN(name_has_a_prefix),
        RUN(prefix_is_any_number),
        RUN(thread_runs_on_the_processors_chosen),
        RUN(processors_may_be_taken_back),
        RUN(thread_is_scheduled_as_asked),
        RUN(thread_has_the_priority_asked_for),
        RUN(priority_without_a_policy_is_the_best_there_is),
        RUN(what_the_system_refuses_is_left),
        RUN(without_threads_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
