/* SPDX-License-Identifier: MIT */
/*
 * fork() in a green thread: the child has that one and no other. In a program of its own, because
 * with further ordinary threads a sanitizer's allocator may be locked for ever in the child.
 */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>
#include <sys/wait.h>

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

static void *fork_and_go_on(void *other)
{
    int status = 0;
    pid_t child = fork();
    if (child != 0)
        return (void *)(intptr_t)(waitpid(child, &status, 0) == child && status == 0);
    bool fine = gmq_join(*(int64_t *)other, NULL, -1) < 0 && errno == ESRCH;
    void *result = NULL, *ctx = zmq_ctx_new();
    void *pull = zmq_socket(ctx, ZMQ_PULL);
    int64_t thread = gmq_spawn(receive, pull, NULL);
    fine = fine && gmq_sleep(1) == 0 && gmq_cancel(thread) == 0 &&
           gmq_join(thread, &result, -1) == 0;
    zmq_close(pull);
    zmq_ctx_term(ctx);
    if (!fine)
        _exit(1);
    return NULL; /* the last one of the child: it ends the process */
}

TEST(a_forked_child_goes_on_with_one_green_thread)
{
    void *result = NULL;
    int64_t other = gmq_spawn(sleep_long, NULL, NULL);
    fflush(NULL);
    int64_t forker = gmq_spawn(fork_and_go_on, &other, NULL);
    assert_int_equal(gmq_join(forker, &result, -1), 0);
    assert_non_null(result);
    gmq_cancel(other);
    assert_int_equal(gmq_join(other, NULL, -1), 0);
}

static bool child_was_fine;

static void *fork_and_end(void *arg)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        return NULL; /* with that the child ends */
    child_was_fine = waitpid(child, &status, 0) == child && status == 0;
    return arg;
}

/* Who awaits a group's member in the parent is not woken by the end of its copy in the child. */
TEST(in_a_forked_child_a_groups_owner_does_not_go_on)
{
    pid_t parent = getpid();
    fflush(NULL);
    struct gmq_group *group = gmq_group_new(0);
    assert_true(gmq_group_spawn(group, fork_and_end, NULL, NULL) > 0);
    int rc = gmq_group_wait(group, -1);
    if (getpid() != parent)
        _exit(1);
    assert_int_equal(rc, 0);
    assert_true(child_was_fine);
    assert_int_equal(gmq_group_close(group), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(a_forked_child_goes_on_with_one_green_thread),
        RUN(in_a_forked_child_a_groups_owner_does_not_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
