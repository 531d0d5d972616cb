/* SPDX-License-Identifier: MIT */
/*
 * Green threads as people see them: the list of them, stack overflows; and work done elsewhere.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

static char *read_all(int fd)
{
    static char text[65536];
    size_t size = 0;
    ssize_t got;
    while (size < sizeof text - 1 && (got = read(fd, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)got;
    text[size] = '\0';
    return text;
}

static void *sleep_long(void *arg)
{
    gmq_sleep(100000);
    return arg;
}

static void *receive(void *socket)
{
    char text[8];
    zmq_recv(socket, text, sizeof text, 0);
    return NULL;
}

TEST(the_list_names_each_thread_and_what_it_waits_for)
{
    struct gmq_thread_options options = {.size = sizeof options, .name = "sleeper"};
    int ends[2];
    int64_t sleeper = gmq_spawn(sleep_long, NULL, &options);
    options.name = "receiver";
    options.stack_bytes = 1024 * 1024;
    int64_t receiver = gmq_spawn(receive, open_socket(ZMQ_PULL), &options);
    gmq_yield();
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(gmq_dump(ends[1]), 0);
    close(ends[1]);
    const char *text = read_all(ends[0]);
    close(ends[0]);
    const char *sleeps = strstr(text, "sleeper"), *receives = strstr(text, "receiver");
    assert_non_null(strstr(text, "main"));
    assert_non_null(sleeps);
    assert_non_null(receives);
    assert_non_null(strstr(sleeps, "gmq_sleep"));
    assert_non_null(strstr(receives, "zmq_recv PULL"));
    assert_non_null(strstr(receives, "of 1024 KiB"));
    assert_non_null(strstr(text, "3 green threads"));
    expect_error(gmq_dump(-1), EBADF);
    gmq_cancel(sleeper);
    gmq_cancel(receiver);
    gmq_join(sleeper, NULL, -1);
    gmq_join(receiver, NULL, -1);
}

static int depth(int n)
{
    volatile char room[1024];
    room[0] = (char)n;
    return n == 0 ? room[0] : depth(n - 1) + room[0];
}

static void *overflow(void *arg)
{
    return depth(1000000) ? arg : NULL;
}

/* In a process of its own, which ends by it, and the first to have green threads: with these
 * the handler comes. */
TEST(an_overflow_names_the_thread)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct gmq_thread_options options = {.size = sizeof options, .name = "too deep"};
        dup2(ends[1], STDERR_FILENO);
        signal(SIGSEGV, SIG_DFL); /* cmocka has its own */
        gmq_join(gmq_spawn(overflow, NULL, &options), NULL, -1);
        _exit(0);
    }
    close(ends[1]);
    const char *text = read_all(ends[0]);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    /* A sanitizer makes an exit of the signal. */
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WEXITSTATUS(status) != 0);
    assert_non_null(strstr(text, "green thread \"too deep\" has overflowed its stack of 256 KiB"));
}

static void *block(void *gate)
{
    char octet;
    return read(*(int *)gate, &octet, 1) == 1 ? gate : NULL;
}

static void *offload(void *gate)
{
    void *result = NULL;
    return gmq_offload(block, gate, &result) == 0 ? result : NULL;
}

TEST(blocking_work_blocks_only_its_thread)
{
    enum { JOBS = 20 };
    int gate[2];
    int64_t threads[JOBS];
    assert_int_equal(pipe(gate), 0);
    expect_error(gmq_offload_limit(0), EINVAL);
    assert_int_equal(gmq_offload_limit(4), 0);
    for (int i = 0; i < JOBS; i++)
        threads[i] = gmq_spawn(offload, &gate[0], NULL);
    gmq_sleep(5);
    void *result = &result;
    assert_int_equal(gmq_cancel(threads[JOBS - 1]), 0); /* still in the line, and then out of it */
    assert_int_equal(gmq_join(threads[JOBS - 1], &result, -1), 0);
    assert_null(result);
    for (int i = 0; i < JOBS - 1; i++)
        assert_int_equal(write(gate[1], "x", 1), 1);
    for (int i = 0; i < JOBS - 1; i++) {
        assert_int_equal(gmq_join(threads[i], &result, -1), 0);
        assert_ptr_equal(result, &gate[0]);
    }
    expect_error(gmq_offload(NULL, NULL, NULL), EINVAL);
    close(gate[0]);
    close(gate[1]);
}

static char reported[8192];
static atomic_bool has_report;

static void keep_report(const char *text, void *arg)
{
    (void)arg;
    strncpy(reported, text, sizeof reported - 1);
    atomic_store(&has_report, true);
}

static void *hog(void *arg)
{
    (void)arg;
    while (!atomic_load(&has_report))
        continue;
    return NULL;
}

TEST(the_watchdog_names_who_keeps_the_processor)
{
    struct gmq_thread_options options = {.size = sizeof options, .name = "a hog"};
    expect_error(gmq_watchdog(-1, NULL, NULL), EINVAL);
    assert_int_equal(gmq_watchdog(50, keep_report, NULL), 0);
    assert_int_equal(gmq_join(gmq_spawn(hog, NULL, &options), NULL, -1), 0);
    assert_non_null(strstr(reported, "green thread \"a hog\" has let no other run for "));
    assert_non_null(strchr(reported, '[')); /* an address */
    assert_int_equal(gmq_watchdog(0, NULL, NULL), 0);
}

#if defined __x86_64__ && defined __linux__
/* Spins until *flag, with a number on its stack of which it says nothing for unwinding: who goes
 * back through the calls takes that for the place that it was called from. */
void spin_untrue(const void *flag);
__asm__(".text\n"
        ".type spin_untrue, %function\n"
        "spin_untrue:\n"
        "    .cfi_startproc\n"
        "    pushq $0x302\n"
        "1:  pause\n"
        "    cmpb $0, (%rdi)\n"
        "    je 1b\n"
        "    addq $8, %rsp\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size spin_untrue, . - spin_untrue\n");

static void *hog_untruly(void *arg)
{
    spin_untrue(&has_report);
    return arg;
}

static int watch_untrue_code(void)
{
    struct gmq_thread_options options = {.size = sizeof options, .name = "untrue"};
    signal(SIGSEGV, SIG_DFL); /* cmocka has its own */
    if (gmq_watchdog(50, keep_report, NULL) < 0 ||
        gmq_join(gmq_spawn(hog_untruly, NULL, &options), NULL, -1) < 0)
        return 1;
    return strstr(reported, "green thread \"untrue\" has let no other run for ") ? 0 : 2;
}

/* In a process of its own, as above. */
TEST(the_watchdog_survives_code_that_cannot_be_unwound)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        _exit(watch_untrue_code());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
#else
TEST(the_watchdog_survives_code_that_cannot_be_unwound)
{
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(an_overflow_names_the_thread),
        RUN(the_watchdog_survives_code_that_cannot_be_unwound),
        RUN(the_list_names_each_thread_and_what_it_waits_for),
        RUN(blocking_work_blocks_only_its_thread),
        RUN(the_watchdog_names_who_keeps_the_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
