/* SPDX-License-Identifier: MIT */
/* zmq_sendiov and zmq_recviov: the parts of a message as an array. */
#include <sys/uio.h>

#include "behaviour/util.h"

enum { ROOM = 4 };

struct two {
    void *here, *there;
};

static struct two pair(void)
{
    struct two two = {open_socket(ZMQ_PAIR), open_socket(ZMQ_PAIR)};
    bind_to(two.here, "inproc://iovec");
    connect_to(two.there, "inproc://iovec");
    return two;
}

static struct iovec element(const char *text)
{
    return (struct iovec){(void *)(uintptr_t)text, strlen(text)};
}

static void expect_element(struct iovec *element, const char *text)
{
    assert_non_null(element->iov_base); /* also for an empty part */
    assert_int_equal(element->iov_len, strlen(text));
    assert_memory_equal(element->iov_base, text, strlen(text));
    free(element->iov_base);
}

TEST(one_message_is_sent)
{
    struct two two = pair();
    struct iovec parts[] = {element("a"), element(""), element("ccc")};
    assert_int_equal(zmq_sendiov(two.here, parts, 3, ZMQ_SNDMORE), 3);
    expect_parts(two.there, "a", "", "ccc");
}

TEST(a_message_for_each_is_sent)
{
    struct two two = pair();
    struct iovec parts[] = {element("a"), element("bb")};
    assert_int_equal(zmq_sendiov(two.here, parts, 2, 0), 2);
    expect_parts(two.there, "a");
    expect_parts(two.there, "bb");
}

TEST(the_last_element_is_the_last_part)
{
    struct two two = pair();
    struct iovec part = element("alone");
    assert_int_equal(zmq_sendiov(two.here, &part, 1, ZMQ_SNDMORE), 5);
    expect_parts(two.there, "alone");
}

TEST(one_message_is_received)
{
    struct two two = pair();
    struct iovec parts[ROOM];
    size_t count = ROOM;
    send_parts(two.here, "first", "", "third");
    send_parts(two.here, "other");
    assert_int_equal(zmq_recviov(two.there, parts, &count, 0), 3);
    assert_int_equal(count, 3);
    assert_int_equal(get_int(two.there, ZMQ_RCVMORE), 0);
    expect_element(&parts[0], "first");
    expect_element(&parts[1], "");
    expect_element(&parts[2], "third");
    expect_parts(two.there, "other");
}

TEST(what_finds_no_room_is_received_later)
{
    struct two two = pair();
    struct iovec parts[ROOM];
    size_t count = 2;
    send_parts(two.here, "1", "2", "3");
    assert_int_equal(zmq_recviov(two.there, parts, &count, 0), 2);
    assert_int_equal(count, 2);
    assert_int_equal(get_int(two.there, ZMQ_RCVMORE), 1);
    expect_element(&parts[0], "1");
    expect_element(&parts[1], "2");
    assert_int_equal(zmq_recviov(two.there, parts, &count, 0), 1);
    assert_int_equal(count, 1);
    expect_element(&parts[0], "3");
}

TEST(large_parts)
{
    enum { LARGE = 100000 };
    struct two two = pair();
    char *large = malloc(LARGE);
    memset(large, 'L', LARGE);
    struct iovec parts[] = {{large, LARGE}, element("small"), {large, LARGE}}, received[ROOM];
    size_t count = ROOM;
    assert_int_equal(zmq_sendiov(two.here, parts, 3, ZMQ_SNDMORE), LARGE);
    assert_int_equal(zmq_recviov(two.there, received, &count, 0), 3);
    assert_int_equal(received[2].iov_len, LARGE);
    assert_memory_equal(received[2].iov_base, large, LARGE);
    for (int i = 0; i < 3; i++)
        free(received[i].iov_base);
    free(large);
}

TEST(nothing_to_receive)
{
    struct two two = pair();
    struct iovec parts[ROOM];
    size_t count = ROOM;
    expect_error(zmq_recviov(two.there, parts, &count, ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(count, 0);
}

TEST(nobody_to_send_to)
{
    void *push = open_socket(ZMQ_PUSH);
    struct iovec parts[] = {element("a"), element("b")};
    expect_error(zmq_sendiov(push, parts, 2, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
}

TEST(bad_calls)
{
    struct two two = pair();
    struct iovec part = element("a"), none = {NULL, 1};
    size_t count = 1, nothing = 0;
    expect_error(zmq_sendiov(NULL, NULL, 0, 0), ENOTSOCK);
    expect_error(zmq_sendiov(two.here, &part, 0, 0), EINVAL);
    expect_error(zmq_sendiov(two.here, NULL, 1, 0), EINVAL);
    expect_error(zmq_recviov(NULL, NULL, NULL, 0), ENOTSOCK);
    expect_error(zmq_recviov(two.here, NULL, &count, ZMQ_DONTWAIT), EINVAL);
    expect_error(zmq_recviov(two.here, &part, NULL, ZMQ_DONTWAIT), EINVAL);
    expect_error(zmq_recviov(two.here, &part, &nothing, ZMQ_DONTWAIT), EINVAL);
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    expect_error(zmq_sendiov(pull, &part, 1, 0), ENOTSUP);
    expect_error(zmq_recviov(push, &part, &count, 0), ENOTSUP);
    count = 1;
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    expect_error(zmq_sendiov(two.here, NULL, 0, 0), EINVAL);
    expect_error(zmq_sendiov(two.here, &part, 1, 0), ETERM);
    expect_error(zmq_recviov(two.here, &part, &nothing, 0), EINVAL);
    expect_error(zmq_recviov(two.here, &part, &count, 0), ETERM);
    better_than_libzmq(); /* it crashes */
    expect_error(zmq_sendiov(two.here, &none, 1, 0), ETERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(one_message_is_sent),
        RUN(a_message_for_each_is_sent),
        RUN(the_last_element_is_the_last_part),
        RUN(one_message_is_received),
        RUN(what_finds_no_room_is_received_later),
        RUN(large_parts),
        RUN(nothing_to_receive),
        RUN(nobody_to_send_to),
        RUN(bad_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
