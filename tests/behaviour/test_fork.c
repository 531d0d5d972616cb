/* SPDX-License-Identifier: MIT */
/*
 * fork(): what is the parent's gives clean errors in the child and waits for nothing there, the
 * child makes a context of its own and talks to the parent, and the parent goes on as if nothing
 * had been. A child cannot assert; it ends with 0 when all was well.
 *
 * Only the thread that forks works here, so the parent's context has no thread of its own. Threads
 * in the middle of their work are in tests/interop/test_forks.py, without sanitizers: these have
 * locks that a fork can leave locked.
 */
#include <sys/wait.h>

#include "behaviour/util.h"
#include "support/calls.h"

static int fork_world_open(void **state)
{
    int rc = world_open(state);
    return rc < 0 || ON_LIBZMQ ? rc : zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0);
}

/* Runs it in a child, which ends with what it returns. */
static pid_t start_child(int (*run)(void *argument), void *argument)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(WATCHDOG_S / 2);
        _exit(run(argument));
    }
    return child;
}

static void expect_success_of(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int use_what_is_the_parents(void *socket)
{
    static const char what[] = "the parent's";
    bool good = calls_give(socket_calls, SOCKET_CALLS, socket, what, ETERM);
    good &= calls_give(context_calls, CONTEXT_CALLS, world.ctx, what, ETERM);
    return good ? 0 : 1;
}

static int end_what_is_the_parents(void *socket)
{
    static const char what[] = "the parent's";
    void *second = good_socket, *ctx = zmq_ctx_new();
    good_socket = zmq_socket(ctx, ZMQ_PAIR);
    bool good = call_gives(&close_call, socket, what, 0);
    good &= call_gives(&close_call, socket, "what was forgotten", ENOTSOCK);
    good &= calls_give(socket_calls, SOCKET_CALLS, socket, "what was forgotten", ENOTSOCK);
    good &= call_gives(&ending_calls[0], world.ctx, what, 0);
    good &= call_gives(&ending_calls[1], world.ctx, what, 0);
    good &= calls_give(context_calls, CONTEXT_CALLS, world.ctx, "what has ended", EFAULT);
    good &= calls_give(ending_calls, ENDING_CALLS, world.ctx, "what has ended", EFAULT);
    good &= call_gives(&close_call, second, "of what has ended", ENOTSOCK);
    good &= zmq_close(good_socket) == 0 && zmq_ctx_term(ctx) == 0;
    return good ? 0 : 1;
}

/* A connection of the parent's with something on its way in either direction. */
static void *busy_socket(const char *endpoint, void **far)
{
    void *near = open_socket(ZMQ_DEALER);
    *far = open_socket(ZMQ_DEALER);
    connect_to(*far, bind_to(near, endpoint).text);
    send_parts(near, "to and");
    send_parts(*far, "fro");
    expect_parts(*far, "to and");
    expect_parts(near, "fro");
    send_parts(near, "before the fork");
    return near;
}

static void the_child_leaves_it_alone(int (*run)(void *socket), const char *endpoint)
{
    void *far, *near = busy_socket(endpoint, &far);
    good_socket = open_socket(ZMQ_PAIR);
    expect_success_of(start_child(run, near));
    send_parts(near, "after", "the fork");
    expect_parts(far, "before the fork");
    expect_parts(far, "after", "the fork");
    send_parts(far, "back");
    expect_parts(near, "back");
}

TEST(what_is_the_parents_gives_eterm)
{
    better_than_libzmq(); /* it waits for threads that are not there */
    the_child_leaves_it_alone(use_what_is_the_parents, *state);
}

TEST(what_is_the_parents_can_be_closed_and_forgotten)
{
    better_than_libzmq();
    the_child_leaves_it_alone(end_what_is_the_parents, *state);
}

/* Asks the parent a few questions from a context of the child's own. */
static int ask(void *endpoint)
{
    enum { QUESTIONS = 20 };
    void *ctx = zmq_ctx_new(), *req = zmq_socket(ctx, ZMQ_REQ);
    if (!req || zmq_connect(req, endpoint) != 0)
        return 1;
    for (int i = 0; i < QUESTIONS; i++) {
        char answer[8];
        if (zmq_send(req, "question", 8, 0) != 8)
            return 2;
        if (zmq_recv(req, answer, sizeof answer, 0) != 6 || memcmp(answer, "answer", 6) != 0)
            return 3;
    }
    return zmq_send(req, "enough", 6, 0) == 6 && zmq_recv(req, NULL, 0, 0) == 6 &&
                   zmq_close(req) == 0 && zmq_ctx_term(ctx) == 0
               ? 0
               : 4;
}

static int close_all_and_ask(void *endpoint)
{
    for (size_t i = 0; i < world.sockets; i++) {
        if (zmq_close(world.socket[i]) != 0)
            return 5;
    }
    return zmq_ctx_term(world.ctx) == 0 ? ask(endpoint) : 6;
}

static void answer_questions(void *rep)
{
    struct part part;
    do {
        part = recv_part(rep);
        send_parts(rep, "answer");
    } while (!part_is(&part, "enough"));
}

static void children_ask(int (*run)(void *endpoint), const char *endpoint)
{
    enum { CHILDREN = 3 };
    void *rep = open_socket(ZMQ_REP);
    struct endpoint bound = bind_to(rep, endpoint);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = start_child(run, bound.text);
        answer_questions(rep);
        expect_success_of(child);
    }
}

TEST(a_child_talks_to_its_parent)
{
    children_ask(ask, *state);
}

TEST(a_child_closes_all_and_talks_to_its_parent)
{
    better_than_libzmq(); /* it closes the socket of the parent, too */
    children_ask(close_all_and_ask, *state);
}

enum { MESSAGES = 50 };

static int push_many(void *endpoint)
{
    void *ctx = zmq_ctx_new(), *push = zmq_socket(ctx, ZMQ_PUSH);
    if (!push || zmq_connect(push, endpoint) != 0)
        return 1;
    for (int i = 0; i < MESSAGES; i++) {
        if (zmq_send(push, "message", 7, 0) != 7)
            return 2;
    }
    return zmq_close(push) == 0 && zmq_ctx_term(ctx) == 0 ? 0 : 3;
}

TEST(children_talk_at_the_same_time)
{
    enum { CHILDREN = 4 };
    void *pull = open_socket(ZMQ_PULL);
    struct endpoint bound = bind_to(pull, *state);
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++)
        children[i] = start_child(push_many, bound.text);
    for (int i = 0; i < CHILDREN * MESSAGES; i++)
        expect_parts(pull, "message");
    for (int i = 0; i < CHILDREN; i++)
        expect_success_of(children[i]);
}

static int ask_from_a_grandchild(void *endpoint)
{
    /* Without a thread, which a sanitizer might be about to start, with its allocator locked. */
    void *ctx = zmq_ctx_new();
    zmq_ctx_set(ctx, ZMQ_IO_THREADS, 0);
    void *unused = zmq_socket(ctx, ZMQ_PAIR);
    pid_t grandchild = fork();
    if (grandchild == 0) {
        alarm(WATCHDOG_S / 2);
        char text[4];
        bool refused = zmq_recv(unused, text, 4, 0) == -1 && zmq_errno() == ETERM;
        _exit(ON_LIBZMQ || refused ? ask(endpoint) : 7);
    }
    int status = -1;
    if (waitpid(grandchild, &status, 0) != grandchild || status != 0)
        return 8;
    return zmq_close(unused) == 0 && zmq_ctx_term(ctx) == 0 ? 0 : 9;
}

TEST(a_grandchild_talks_to_its_grandparent)
{
    better_than_libzmq();
    void *rep = open_socket(ZMQ_REP);
    struct endpoint bound = bind_to(rep, *state);
    pid_t child = start_child(ask_from_a_grandchild, bound.text);
    answer_questions(rep);
    expect_success_of(child);
}

static void *receive_one(void *socket)
{
    static struct part part;
    part.size = 0;
    int size = zmq_recv(socket, part.data, sizeof part.data, 0);
    if (size > 0)
        part.size = (size_t)size;
    return &part;
}

static int nothing(void *argument)
{
    (void)argument;
    return 0;
}

/* A thread of the parent's waits in a call while the other one forks. */
TEST(a_call_that_waits_goes_on_after_a_fork)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    send_parts(push, "connected");
    expect_parts(pull, "connected");
    for (int i = 0; i < 3; i++) {
        pthread_t thread = start_thread(receive_one, pull);
        expect_success_of(start_child(nothing, NULL));
        send_parts(push, "woken");
        assert_true(part_is(join_thread(thread), "woken"));
    }
}

static int use_what_has_no_context(void *timers)
{
    zmq_msg_t *msg = good_socket;
    bool good = zmq_msg_size(msg) == 200000 && ((char *)zmq_msg_data(msg))[199999] == 'm';
    good &= zmq_msg_close(msg) == 0 && zmq_msg_init_size(msg, 200000) == 0;
    good &= zmq_msg_close(msg) == 0;
    good &= zmq_timers_timeout(timers) >= 0 && zmq_timers_destroy(&timers) == 0;
    char public_key[41], secret_key[41];
    good &= zmq_curve_keypair(public_key, secret_key) == 0;
    return good ? 0 : 1;
}

static void never(int timer_id, void *arg)
{
    (void)timer_id;
    (void)arg;
}

TEST(what_has_no_context_is_the_childs_too)
{
    zmq_msg_t msg;
    void *timers = zmq_timers_new();
    assert_true(zmq_timers_add(timers, DEADLINE_MS, never, NULL) > 0);
    assert_int_equal(zmq_msg_init_size(&msg, 200000), 0);
    memset(zmq_msg_data(&msg), 'm', 200000);
    good_socket = &msg;
    expect_success_of(start_child(use_what_has_no_context, timers));
    assert_int_equal(((char *)zmq_msg_data(&msg))[0], 'm');
    assert_int_equal(zmq_msg_close(&msg), 0);
    assert_int_equal(zmq_timers_destroy(&timers), 0);
}

#define FORKED(test, transport, endpoint)                                                         \
    {                                                                                             \
#test "_over_" transport, test, fork_world_open, world_close, (void *)(uintptr_t)endpoint \
    }
#define OVER_TWO(test)   FORKED(test, "tcp", "tcp://127.0.0.1:*"), FORKED(test, "ipc", "ipc://*")
#define OVER_THREE(test) OVER_TWO(test), FORKED(test, "inproc", "inproc://here")

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_THREE(what_is_the_parents_gives_eterm),
        OVER_THREE(what_is_the_parents_can_be_closed_and_forgotten),
        OVER_TWO(a_child_talks_to_its_parent),
        OVER_TWO(a_child_closes_all_and_talks_to_its_parent),
        OVER_TWO(children_talk_at_the_same_time),
        OVER_TWO(a_grandchild_talks_to_its_grandparent),
        OVER_THREE(a_call_that_waits_goes_on_after_a_fork),
        RUN(what_has_no_context_is_the_childs_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
