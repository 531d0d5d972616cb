/* SPDX-License-Identifier: MIT */
/*
 * Programs that have closed their standard streams, some or all: everything works, no descriptor of
 * the library takes their numbers, and the end is a good one. Each runs in a process of its own:
 * this program starts itself with the descriptors to close as its argument.
 */
#include "behaviour/util.h"
#include "behaviour/monitor.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <greenmq/green.h>

enum { STREAMS = 3 };

static const char *wrong; /* the first thing that went wrong, in the process of its own */

static void want(bool holds, const char *what)
{
    if (!holds && !wrong)
        wrong = what;
}

static void *answer(void *socket)
{
    char text[8];
    want(zmq_recv(socket, text, sizeof text, 0) == 5, "a green thread receives");
    return NULL;
}

/* Some of all that makes descriptors: listeners, connections, bells, ZMQ_FD, green threads. */
static void work(const char *endpoint)
{
    void *ctx = zmq_ctx_new(), *push = zmq_socket(ctx, ZMQ_PUSH), *pull = zmq_socket(ctx, ZMQ_PULL);
    char where[256], text[8];
    size_t size = sizeof where;
    int fd = -1;
    want(zmq_bind(pull, endpoint) == 0, "bind");
    want(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, where, &size) == 0, "endpoint");
    want(zmq_connect(push, where) == 0, "connect");
    size = sizeof fd;
    want(zmq_getsockopt(push, ZMQ_FD, &fd, &size) == 0 && fd >= STREAMS, "ZMQ_FD");
    want(zmq_send(push, "hello", 5, 0) == 5, "send");
    want(zmq_recv(pull, text, sizeof text, 0) == 5, "receive");
    zmq_pollitem_t item = {.socket = pull, .events = ZMQ_POLLIN};
    want(zmq_poll(&item, 1, 1) == 0, "poll");
    int64_t thread = gmq_spawn(answer, pull, NULL);
    want(thread > 0, "spawn");
    want(zmq_send(push, "green", 5, 0) == 5, "send again");
    want(gmq_join(thread, NULL, -1) == 0, "join");
    zmq_close(push);
    zmq_close(pull);
    want(zmq_ctx_term(ctx) == 0, "term");
}

/* In a process of its own: 0, or 1 when something went wrong. */
static int run_closed(const char *closed)
{
    for (const char *digit = closed; *digit; digit++)
        close(*digit - '0');
    work("tcp://127.0.0.1:*");
    work("ipc://*");
    work("inproc://here");
    for (const char *digit = closed; *digit; digit++)
        want(fcntl(*digit - '0', F_GETFD) < 0 && errno == EBADF, "they stay closed");
    pid_t child = fork();
    if (child == 0)
        exit(wrong != NULL);
    int status = -1;
    waitpid(child, &status, 0);
    want(status == 0, "a forked child ends well");
    if (wrong && !strchr(closed, '2'))
        fprintf(stderr, "with %s closed: %s\n", closed, wrong);
    return wrong != NULL;
}

static void expect_works_without(const char *closed)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "closed_streams", closed, (char *)NULL);
        _exit(2);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

TEST(all_works_without_input)
{
    expect_works_without("0");
}

TEST(all_works_without_output)
{
    expect_works_without("1");
}

TEST(all_works_without_errors)
{
    expect_works_without("2");
}

TEST(all_works_without_any)
{
    expect_works_without("012");
    expect_works_without("02");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return run_closed(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_works_without_input),
        cmocka_unit_test(all_works_without_output),
        cmocka_unit_test(all_works_without_errors),
        cmocka_unit_test(all_works_without_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
