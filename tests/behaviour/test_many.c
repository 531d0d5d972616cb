/* SPDX-License-Identifier: MIT */
/* Many contexts, and many sockets: what they take they give back, and what needs no descriptor has
 * none. */
#include "behaviour/util.h"

#include <dirent.h>

enum { CONTEXTS = 1000, SOCKETS = 5000 };

static int open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Two sockets, one message. */
static void use(void *ctx, const char *endpoint)
{
    char where[256], octet = 0;
    size_t size = sizeof where;
    void *pull = zmq_socket(ctx, ZMQ_PULL), *push = zmq_socket(ctx, ZMQ_PUSH);
    assert_int_equal(zmq_bind(pull, endpoint), 0);
    assert_int_equal(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, where, &size), 0);
    assert_int_equal(zmq_connect(push, where), 0);
    assert_int_equal(zmq_send(push, "m", 1, 0), 1);
    assert_int_equal(zmq_recv(pull, &octet, 1, 0), 1);
    assert_int_equal(zmq_close(push), 0);
    assert_int_equal(zmq_close(pull), 0);
}

static void come_and_go(const char *endpoint, int count)
{
    int before = open_descriptors();
    for (int i = 0; i < count; i++) {
        void *ctx = zmq_ctx_new();
        assert_non_null(ctx);
        use(ctx, endpoint);
        assert_int_equal(zmq_ctx_term(ctx), 0);
    }
    assert_int_equal(open_descriptors(), before);
}

TEST(contexts_give_their_descriptors_back)
{
    come_and_go("inproc://here", CONTEXTS);
    come_and_go("tcp://127.0.0.1:*", CONTEXTS / 4);
    come_and_go("ipc://*", CONTEXTS / 4);
}

TEST(contexts_are_there_at_the_same_time)
{
    enum { AT_ONCE = 40 };
    void *contexts[AT_ONCE];
    int before = open_descriptors();
    for (int i = 0; i < AT_ONCE; i++) {
        contexts[i] = zmq_ctx_new();
        use(contexts[i], "inproc://here");
    }
    for (int i = 0; i < AT_ONCE; i++)
        use(contexts[i], "tcp://127.0.0.1:*");
    for (int i = 0; i < AT_ONCE; i++)
        assert_int_equal(zmq_ctx_term(contexts[i]), 0);
    assert_int_equal(open_descriptors(), before);
}

TEST(sockets_within_the_process_need_no_descriptors)
{
    better_than_libzmq(); /* it has one for each */
    static void *sockets[SOCKETS];
    void *ctx = zmq_ctx_new();
    assert_int_equal(zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, SOCKETS + 1), 0);
    void *pull = zmq_socket(ctx, ZMQ_PULL);
    set_int(pull, ZMQ_RCVHWM, 0);
    bind_to(pull, "inproc://all");
    int before = open_descriptors();
    for (int i = 0; i < SOCKETS; i++) {
        sockets[i] = zmq_socket(ctx, ZMQ_PUSH);
        assert_non_null(sockets[i]);
        connect_to(sockets[i], "inproc://all");
    }
    for (int i = 0; i < SOCKETS; i++)
        send_number(sockets[i], i, 0);
    for (int i = 0; i < SOCKETS; i++)
        assert_int_equal(recv_number(pull), i);
    assert_in_range(open_descriptors() - before, 0,
                    8); /* the context has some, for those who wait */
    for (int i = 0; i < SOCKETS; i++)
        assert_int_equal(zmq_close(sockets[i]), 0);
    assert_int_equal(zmq_close(pull), 0);
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(contexts_give_their_descriptors_back),
        RUN(contexts_are_there_at_the_same_time),
        RUN(sockets_within_the_process_need_no_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
