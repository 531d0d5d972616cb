/* SPDX-License-Identifier: MIT */
/*
 * Limits of green threads: the sizes of stacks, very many of them, and what happens when there is
 * no memory and when the kernel gives no more mappings: the spawn says so, and the program goes on.
 * What spoils a process is done in a child of its own.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#if defined __SANITIZE_ADDRESS__
#define UNDER_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef UNDER_ASAN
enum { WITH_ASAN = true, MANY = 5000 };
#else
enum { WITH_ASAN = false, MANY = 100000 };
#endif

enum { KIB = 1024, MIB = 1024 * 1024, THREAD_BYTES_MAX = 8 * 1024 };

static void *wait_for_ever(void *arg)
{
    gmq_sleep(1000000);
    return arg;
}

static void *same(void *arg)
{
    return arg;
}

static int64_t spawn_with(void *(*run)(void *arg), void *arg, size_t stack_bytes)
{
    const struct gmq_thread_options options = {.size = sizeof options, .stack_bytes = stack_bytes};
    return gmq_spawn(run, arg, &options);
}

/* Goes so deep that `size` octets lie between here and `top`. */
static size_t go_down(uintptr_t top, size_t size)
{
    volatile char room[512];
    room[0] = 1;
    size_t used = top - (uintptr_t)&room[0];
    return used >= size ? used : go_down(top, size) * (size_t)room[0];
}

/* Uses a stack of this size, but for what the last calls may need. */
static void *use_stack(void *arg)
{
    volatile char top = 0;
    size_t size = *(size_t *)arg - 16 * KIB;
    return go_down((uintptr_t)&top, size) >= size ? arg : NULL;
}

TEST(stacks_have_the_size_that_was_asked_for)
{
    size_t sizes[] = {64 * KIB, 100 * KIB, 256 * KIB, 1 * MIB, 40 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *result = NULL;
        int64_t thread = spawn_with(use_stack, &sizes[i], sizes[i]);
        assert_true(thread > 0);
        assert_int_equal(gmq_join(thread, &result, -1), 0);
        assert_non_null(result);
    }
    int64_t thread = spawn_with(same, NULL, (size_t)1 << 30);
    assert_true(thread > 0);
    assert_int_equal(gmq_join(thread, NULL, -1), 0);
    thread = spawn_with(same, NULL, 32 * KIB);
    assert_true(thread > 0);
    assert_int_equal(gmq_join(thread, NULL, -1), 0);
    expect_error(spawn_with(same, NULL, 32 * KIB - 1), EINVAL);
    expect_error(spawn_with(same, NULL, 1), EINVAL);
    expect_error(spawn_with(same, NULL, ((size_t)1 << 30) + 1), EINVAL);
    expect_error(spawn_with(same, NULL, SIZE_MAX), EINVAL);
}

/* ---- very many ---- */

static long resident_bytes(void)
{
    long pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &ignored, &pages), 2);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

TEST(a_hundred_thousand_are_alive)
{
    static int64_t threads[MANY];
    int64_t first = gmq_spawn(same, NULL, NULL);
    assert_int_equal(gmq_join(first, NULL, -1), 0);
    long before = resident_bytes();
    for (int i = 0; i < MANY; i++) {
        threads[i] = gmq_spawn(wait_for_ever, &threads[i], NULL);
        if (threads[i] < 0 && errno == EAGAIN) { /* an older kernel: two mappings a stack */
            print_message("%d green threads, then no more mappings\n", i);
            while (i > 0) {
                gmq_cancel(threads[--i]);
                gmq_join(threads[i], NULL, -1);
            }
            skip();
        }
        assert_true(threads[i] > 0);
    }
    assert_int_equal(gmq_sleep(1), 0);
    long each = (resident_bytes() - before) / MANY;
    print_message("%d green threads: %ld bytes each\n", MANY, each);
    if (!WITH_ASAN)
        assert_true(each < THREAD_BYTES_MAX);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(gmq_cancel(threads[i]), 0);
    for (int i = 0; i < MANY; i++) {
        void *result = NULL;
        assert_int_equal(gmq_join(threads[i], &result, -1), 0);
        assert_ptr_equal(result, &threads[i]);
    }
}

/* ---- out of memory, out of mappings ---- */

enum { LIMIT_THREADS = 200000, NO_SECCOMP = 99 };

/* Spawns until it fails, then ends half of them, and spawns again. 0: all as it must be. */
static int spawn_until(int expected, size_t stack_bytes)
{
    static int64_t threads[LIMIT_THREADS];
    int count = 0, ended = 0;
    while (count < LIMIT_THREADS &&
           (threads[count] = spawn_with(wait_for_ever, NULL, stack_bytes)) > 0)
        count++;
    if (count == LIMIT_THREADS || count == 0 || errno != expected)
        return 1;
    if (gmq_sleep(1) < 0)
        return 2;
    for (; ended < (count + 1) / 2; ended++)
        if (gmq_cancel(threads[ended]) < 0 || gmq_join(threads[ended], NULL, -1) < 0)
            return 3;
    for (int i = 0; i < ended; i++)
        if ((threads[i] = spawn_with(same, &threads[i], stack_bytes)) < 0)
            return 4;
    for (int i = 0; i < ended; i++) {
        void *result = NULL;
        if (gmq_join(threads[i], &result, -1) < 0 || result != &threads[i])
            return 5;
    }
    return 0;
}

/* Lets the process map so much more, and no more. */
static int limit_memory(size_t more_bytes)
{
    struct rlimit limit;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%lu", &pages) != 1 || getrlimit(RLIMIT_AS, &limit) < 0)
        return -1;
    fclose(file);
    limit.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + more_bytes;
    return setrlimit(RLIMIT_AS, &limit);
}

static int without_memory(void)
{
    return limit_memory(512 * (size_t)MIB) < 0 ? 10 : spawn_until(ENOMEM, 256 * KIB);
}

static int without_memory_for_large_stacks(void)
{
    return limit_memory(2048 * (size_t)MIB) < 0 ? 10 : spawn_until(ENOMEM, 512 * MIB);
}

/* The low half of a system call's argument. */
#define LOAD(offset)            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define SKIP_UNLESS(value, how) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, how)
#define ARGUMENT(n)             (offsetof(struct seccomp_data, args) + (n) * sizeof(uint64_t))
#define ANSWER(error)           BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW                   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

enum { MARK_GUARD = 102 }; /* MADV_GUARD_INSTALL, which older headers do not name */

/* From here on the kernel knows no pages that are guards, as those before Linux 6.13; and if
 * `no_mappings`, it is as if the limit of mappings had been reached too. */
static int forget_guards(bool no_mappings)
{
    struct sock_filter filter[] = {
        LOAD(offsetof(struct seccomp_data, nr)),
        SKIP_UNLESS(SYS_madvise, 3),
        LOAD(ARGUMENT(2)),
        SKIP_UNLESS(MARK_GUARD, 5),
        ANSWER(EINVAL),
        SKIP_UNLESS(no_mappings ? SYS_mprotect : UINT32_MAX, 3),
        LOAD(ARGUMENT(2)),
        SKIP_UNLESS(PROT_NONE, 1),
        ANSWER(ENOMEM),
        ALLOW,
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int without_mappings(void)
{
    return forget_guards(true) < 0 ? NO_SECCOMP : spawn_until(EAGAIN, 1 * MIB);
}

/* Two mappings a stack: vm.max_map_count comes first. */
static int on_an_older_kernel(void)
{
    return forget_guards(false) < 0 ? NO_SECCOMP : spawn_until(EAGAIN, 32 * KIB);
}

/* Runs it in a child with the signals as a program has them. */
static void expect_fine(int (*run)(void))
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(WATCHDOG_S);
        _exit(run());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_SECCOMP) {
        print_message("system calls cannot be filtered here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

TEST(without_memory_a_spawn_fails_and_the_program_goes_on)
{
    expect_fine(without_memory);
    expect_fine(without_memory_for_large_stacks);
}

/* Some stacks have their guards already: those can still be used. */
TEST(without_mappings_a_spawn_fails_and_the_program_goes_on)
{
    enum { SOME = 10 };
    int64_t threads[SOME];
    for (int i = 0; i < SOME; i++)
        assert_true((threads[i] = spawn_with(same, NULL, 1 * MIB)) > 0);
    for (int i = 0; i < SOME; i++)
        assert_int_equal(gmq_join(threads[i], NULL, -1), 0);
    expect_fine(without_mappings);
}

TEST(an_older_kernel_ends_it_at_its_limit_of_mappings)
{
    if (WITH_ASAN) {
        print_message("AddressSanitizer ends the process when it gets no mapping itself\n");
        skip();
    }
    expect_fine(on_an_older_kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(without_memory_a_spawn_fails_and_the_program_goes_on),
        RUN(without_mappings_a_spawn_fails_and_the_program_goes_on),
        RUN(an_older_kernel_ends_it_at_its_limit_of_mappings),
        RUN(stacks_have_the_size_that_was_asked_for),
        RUN(a_hundred_thousand_are_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
