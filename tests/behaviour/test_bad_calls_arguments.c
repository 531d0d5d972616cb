/* SPDX-License-Identifier: MIT */
/*
 * Every function with good handles and bad arguments: NULL, sizes, flags, numbers of options and
 * types that do not exist, messages that are none. Where libzmq has an errno it is that one, and
 * where libzmq ends the process it is the one that the header names.
 */
#include <limits.h>

#include "behaviour/util.h"

struct two {
    void *here, *there;
};

static struct two pair(void)
{
    struct two two = {open_socket(ZMQ_PAIR), open_socket(ZMQ_PAIR)};
    bind_to(two.here, "inproc://arguments");
    connect_to(two.there, "inproc://arguments");
    return two;
}

TEST(unknown_flags_do_nothing)
{
    struct two two = pair();
    assert_int_equal(zmq_send(two.here, "a", 1, 4), 1);
    assert_int_equal(zmq_send_const(two.here, "b", 1, -1 & ~ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send(two.here, "c", 1, 0x7ffffffc), 1);
    char data[4];
    assert_int_equal(zmq_recv(two.there, data, sizeof data, 64), 1);
    assert_int_equal(zmq_recv(two.there, data, sizeof data, -2), 1);
    assert_int_equal(zmq_recv(two.there, data, sizeof data, -1), 1);
    expect_error(zmq_recv(two.there, data, sizeof data, -1), EAGAIN);
}

TEST(no_data_and_no_room)
{
    struct two two = pair();
    assert_int_equal(zmq_send(two.here, NULL, 0, 0), 0);
    assert_int_equal(zmq_send_const(two.here, NULL, 0, 0), 0);
    assert_int_equal(zmq_recv(two.there, NULL, 0, 0), 0);
    assert_int_equal(zmq_recv(two.there, NULL, 5, 0), 0);
    expect_error(zmq_recv(two.there, NULL, 5, ZMQ_DONTWAIT), EAGAIN);
    send_parts(two.here, "hello");
    assert_int_equal(zmq_recv(two.there, NULL, 0, 0), 5);
    better_than_libzmq(); /* it ends the process */
    expect_error(zmq_send(two.here, NULL, 1, 0), EFAULT);
    expect_error(zmq_send(two.here, NULL, 100000, 0), EFAULT);
    expect_error(zmq_send_const(two.here, NULL, 1, 0), EFAULT);
    expect_error(zmq_send_const(two.here, NULL, 100000, 0), EFAULT);
    send_parts(two.here, "lost");
    expect_error(zmq_recv(two.there, NULL, 5, 0), EFAULT);
    send_parts(two.here, "next");
    expect_parts(two.there, "next");
}

TEST(more_bytes_than_there_can_be)
{
    struct two two = pair();
    zmq_msg_t msg;
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 100, SIZE_MAX / 2, (size_t)1 << 62};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        expect_error(zmq_msg_init_size(&msg, sizes[i]), ENOMEM);
        expect_error(zmq_send(two.here, "a", sizes[i], 0), ENOMEM);
    }
}

TEST(null_for_a_message)
{
    struct two two = pair();
    expect_error(zmq_msg_recv(NULL, two.here, ZMQ_DONTWAIT), EFAULT);
    expect_error(zmq_recvmsg(two.here, NULL, ZMQ_DONTWAIT), EFAULT);
    expect_error(zmq_msg_send(NULL, NULL, 0), ENOTSOCK);
    expect_error(zmq_msg_recv(NULL, NULL, 0), ENOTSOCK);
    expect_error(zmq_msg_set(NULL, ZMQ_MORE, 1), EINVAL);
    better_than_libzmq(); /* it crashes */
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    expect_error(zmq_msg_send(NULL, two.here, 0), EFAULT);
    expect_error(zmq_sendmsg(two.here, NULL, 0), EFAULT);
    expect_error(zmq_msg_init(NULL), EFAULT);
    expect_error(zmq_msg_init_size(NULL, 1), EFAULT);
    expect_error(zmq_msg_init_data(NULL, &msg, 1, NULL, NULL), EFAULT);
    expect_error(zmq_msg_close(NULL), EFAULT);
    expect_error(zmq_msg_move(NULL, NULL), EFAULT);
    expect_error(zmq_msg_move(&msg, NULL), EFAULT);
    expect_error(zmq_msg_move(NULL, &msg), EFAULT);
    expect_error(zmq_msg_copy(NULL, NULL), EFAULT);
    expect_error(zmq_msg_copy(&msg, NULL), EFAULT);
    expect_error(zmq_msg_copy(NULL, &msg), EFAULT);
    expect_error(zmq_msg_get(NULL, ZMQ_MORE), EFAULT);
    assert_null(zmq_msg_gets(NULL, "Socket-Type"));
    assert_null(zmq_msg_data(NULL));
    assert_int_equal(zmq_msg_size(NULL), 0);
    assert_int_equal(zmq_msg_more(NULL), 0);
    assert_int_equal(zmq_msg_close(&msg), 0);
}

/* A message that was never made, if its memory is zero, and one that was closed. */
static void use_closed(struct two two, zmq_msg_t *closed)
{
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init_size(&msg, 100), 0);
    expect_error(zmq_msg_close(closed), EFAULT);
    expect_error(zmq_msg_move(&msg, closed), EFAULT);
    expect_error(zmq_msg_move(closed, &msg), EFAULT);
    expect_error(zmq_msg_copy(&msg, closed), EFAULT);
    expect_error(zmq_msg_copy(closed, &msg), EFAULT);
    expect_error(zmq_msg_recv(closed, two.here, ZMQ_DONTWAIT), EFAULT);
    expect_error(zmq_recvmsg(two.here, closed, ZMQ_DONTWAIT), EFAULT);
    assert_int_equal(zmq_msg_more(closed), 0);
    assert_null(zmq_msg_gets(closed, "Socket-Type"));
    assert_int_equal(zmq_msg_size(&msg), 100);
    assert_int_equal(zmq_msg_close(&msg), 0);
    if (ON_LIBZMQ)
        return; /* it ends the process */
    expect_error(zmq_msg_send(closed, two.here, 0), EFAULT);
    expect_error(zmq_sendmsg(two.here, closed, 0), EFAULT);
    assert_null(zmq_msg_data(closed));
    assert_int_equal(zmq_msg_size(closed), 0);
}

TEST(closed_messages)
{
    struct two two = pair();
    zmq_msg_t closed;
    memset(&closed, 0, sizeof closed);
    use_closed(two, &closed);
    static const size_t sizes[] = {0, 20, 5000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(zmq_msg_init_size(&closed, sizes[i]), 0);
        assert_int_equal(zmq_msg_close(&closed), 0);
        use_closed(two, &closed);
    }
}

TEST(messages_of_nothing)
{
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init_data(&msg, NULL, 0, NULL, NULL), 0);
    assert_int_equal(zmq_msg_size(&msg), 0);
    expect_error(zmq_msg_get(&msg, 99), EINVAL);
    expect_error(zmq_msg_get(&msg, -1), EINVAL);
    expect_error(zmq_msg_set(&msg, ZMQ_MORE, 1), EINVAL);
    errno = 0;
    assert_null(zmq_msg_gets(&msg, ""));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_int_equal(zmq_msg_close(&msg), 0);
    better_than_libzmq(); /* it ends the process */
    expect_error(zmq_msg_init_data(&msg, NULL, 5, NULL, NULL), EFAULT);
    zmq_msg_init(&msg);
    assert_null(zmq_msg_gets(&msg, NULL));
    zmq_msg_close(&msg);
}

TEST(types_that_do_not_exist)
{
    static const int types[] = {-1, 21, 99, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        errno = 0;
        assert_null(zmq_socket(world.ctx, types[i]));
        assert_int_equal(errno, EINVAL);
    }
    better_than_libzmq(); /* Debian's makes the drafts */
    for (int type = 12; type <= 20; type++)
        assert_null(zmq_socket(world.ctx, type));
}

static void with_each_type(void (*act)(void *socket))
{
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = zmq_socket(world.ctx, type);
        assert_non_null(socket);
        set_int(socket, ZMQ_LINGER, 0);
        act(socket);
        assert_int_equal(zmq_close(socket), 0);
    }
}

static void endpoints(void *socket)
{
    static char longest[100000];
    static const char *const starts[] = {"", "tcp://", "ipc://", "inproc://", "tcp://[", "x://"};
    expect_error(zmq_unbind(socket, NULL), EINVAL);
    expect_error(zmq_disconnect(socket, NULL), EINVAL);
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        memset(longest, 'a', sizeof longest - 1);
        memcpy(longest, starts[i], strlen(starts[i]));
        zmq_bind(socket, longest);
        zmq_connect(socket, longest);
        zmq_unbind(socket, longest);
        zmq_disconnect(socket, longest);
    }
    if (ON_LIBZMQ)
        return; /* it ends the process */
    expect_error(zmq_bind(socket, NULL), EINVAL);
    expect_error(zmq_connect(socket, NULL), EINVAL);
}

TEST(endpoints_that_are_null_or_endless)
{
    with_each_type(endpoints);
}

static void option_arguments(void *socket)
{
    int value = 0;
    char room[300] = "";
    size_t size = sizeof value;
    expect_error(zmq_setsockopt(socket, ZMQ_LINGER, NULL, 0), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_LINGER, &value, 0), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_LINGER, &value, 3), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_LINGER, room, 8), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_LINGER, room, SIZE_MAX), EINVAL);
    expect_error(zmq_setsockopt(socket, -1, &value, sizeof value), EINVAL);
    expect_error(zmq_setsockopt(socket, 9999, &value, sizeof value), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_ROUTING_ID, NULL, 0), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_ROUTING_ID, room, 256), EINVAL);
    expect_error(zmq_getsockopt(socket, -1, &value, &size), EINVAL);
    expect_error(zmq_getsockopt(socket, 9999, &value, &size), EINVAL);
    expect_error(zmq_getsockopt(socket, ZMQ_SUBSCRIBE, &value, &size), EINVAL);
    size = 3;
    expect_error(zmq_getsockopt(socket, ZMQ_LINGER, &value, &size), EINVAL);
    size = 0;
    expect_error(zmq_getsockopt(socket, ZMQ_LINGER, NULL, &size), EINVAL);
    if (ON_LIBZMQ)
        return; /* it crashes */
    size = sizeof value;
    expect_error(zmq_setsockopt(socket, ZMQ_LINGER, NULL, sizeof value), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_ROUTING_ID, NULL, 5), EINVAL);
    expect_error(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, NULL, 5), EINVAL);
    expect_error(zmq_getsockopt(socket, ZMQ_LINGER, NULL, NULL), EINVAL);
    expect_error(zmq_getsockopt(socket, ZMQ_LINGER, &value, NULL), EINVAL);
    expect_error(zmq_getsockopt(socket, ZMQ_LINGER, NULL, &size), EINVAL);
}

TEST(options_with_wrong_sizes_and_without_values)
{
    with_each_type(option_arguments);
}

/* Every number, every size up to one that is longer than any value. What comes of each is the
 * business of other tests; here only that it comes to an end, and that the room is kept. */
static void each_option(void *socket)
{
    enum { OPTIONS = 130, SIZES = 70, LONGEST = 257 };
    static const uint8_t fills[] = {0, 1, 'a', 0xFF};
    for (int option = -1; option < OPTIONS; option++) {
        for (size_t size = 0; size <= LONGEST; size = size != SIZES ? size + 1 : LONGEST - 3) {
            char *value = malloc(size ? size : 1);
            for (size_t i = 0; i < sizeof fills; i++) {
                memset(value, fills[i], size);
                zmq_setsockopt(socket, option, value, size);
            }
            size_t got = size;
            if (zmq_getsockopt(socket, option, value, &got) == 0)
                assert_true(got <= size);
            free(value);
        }
    }
    /* Some were taken. The socket must still be one that can be used and closed. */
    zmq_bind(socket, "inproc://each");
    zmq_connect(socket, "tcp://127.0.0.1:1");
    zmq_send(socket, "a", 1, ZMQ_DONTWAIT);
    zmq_recv(socket, NULL, 0, ZMQ_DONTWAIT);
    set_int(socket, ZMQ_LINGER, 0);
}

TEST(every_option_with_every_size)
{
    better_than_libzmq(); /* some of its options end the process */
    with_each_type(each_option);
}

TEST(context_options_that_do_not_exist)
{
    void *ctx = world.ctx;
    static const int unknown[] = {-1, 99, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        expect_error(zmq_ctx_set(ctx, unknown[i], 1), EINVAL);
        expect_error(zmq_ctx_get(ctx, unknown[i]), EINVAL);
    }
    expect_error(zmq_ctx_set(ctx, ZMQ_IO_THREADS, -1), EINVAL);
    expect_error(zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, 0), EINVAL);
    expect_error(zmq_ctx_set(ctx, ZMQ_MAX_SOCKETS, -1), EINVAL);
    expect_error(zmq_ctx_set(ctx, ZMQ_MAX_MSGSZ, -1), EINVAL);
    expect_error(zmq_ctx_set(ctx, ZMQ_MSG_T_SIZE, 1), EINVAL);
    expect_error(zmq_ctx_set(ctx, ZMQ_IPV6, -1), EINVAL);
    errno = 0;
    assert_null(zmq_init(-1));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(zmq_init(INT_MIN));
    assert_int_equal(errno, EINVAL);
}

TEST(polls_of_nothing)
{
    void *socket = open_socket(ZMQ_PAIR);
    zmq_pollitem_t item = {.socket = socket, .events = 0};
    assert_int_equal(zmq_poll(NULL, 0, 0), 0);
    assert_int_equal(zmq_poll(NULL, 0, 1), 0);
    assert_int_equal(zmq_poll(&item, 0, 0), 0);
    expect_error(zmq_poll(NULL, 1, 0), EFAULT);
    expect_error(zmq_poll(&item, -1, 0), EINVAL);
    expect_error(zmq_poll(&item, INT_MIN, 0), EINVAL);
    expect_error(zmq_poll(NULL, -1, 0), EINVAL);
    assert_int_equal(zmq_poll(&item, 1, 1), 0);
    item = (zmq_pollitem_t){.fd = -1, .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, 1), 0);
    item.fd = -77;
    assert_int_equal(zmq_poll(&item, 1, 1), 0);
    item.fd = 9999; /* which is not open */
    assert_int_equal(zmq_poll(&item, 1, 1), 1);
    assert_int_equal(item.revents, ZMQ_POLLERR);
}

TEST(events_that_do_not_exist)
{
    struct two two = pair();
    zmq_pollitem_t item = {.socket = two.here, .events = -1};
    assert_int_equal(zmq_poll(&item, 1, DEADLINE_MS), 1);
    assert_int_equal(item.revents, ZMQ_POLLOUT);
    item.events = 0x7ff0;
    assert_int_equal(zmq_poll(&item, 1, 1), 0);
    assert_int_equal(item.revents, 0);
}

TEST(texts_for_any_number)
{
    static const int numbers[] = {0,       -1,    1,    99999,    INT_MAX,
                                  INT_MIN, ETERM, EFSM, EMTHREAD, ENOCOMPATPROTO};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_non_null(zmq_strerror(numbers[i]));
        assert_true(strlen(zmq_strerror(numbers[i])) > 0);
    }
    assert_int_equal(zmq_has(""), 0);
    assert_int_equal(zmq_has("IPC"), 0);
    assert_int_equal(zmq_has("no such thing"), 0);
    better_than_libzmq(); /* it crashes */
    assert_int_equal(zmq_has(NULL), 0);
    int major = 0;
    zmq_version(NULL, NULL, NULL);
    zmq_version(&major, NULL, NULL);
    assert_int_equal(major, ZMQ_VERSION_MAJOR);
}

TEST(proxies_without_sockets)
{
    void *socket = open_socket(ZMQ_PAIR);
    expect_error(zmq_proxy(NULL, NULL, NULL), EFAULT);
    expect_error(zmq_proxy(NULL, socket, NULL), EFAULT);
    expect_error(zmq_proxy(socket, NULL, NULL), EFAULT);
    expect_error(zmq_proxy_steerable(NULL, NULL, NULL, NULL), EFAULT);
    expect_error(zmq_proxy_steerable(NULL, socket, socket, socket), EFAULT);
    better_than_libzmq(); /* it crashes, or never returns */
    expect_error(zmq_device(ZMQ_QUEUE, NULL, NULL), EFAULT);
    expect_error(zmq_device(-5, socket, NULL), EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(unknown_flags_do_nothing),
        RUN(no_data_and_no_room),
        RUN(more_bytes_than_there_can_be),
        RUN(null_for_a_message),
        RUN(closed_messages),
        RUN(messages_of_nothing),
        RUN(types_that_do_not_exist),
        RUN(endpoints_that_are_null_or_endless),
        RUN(options_with_wrong_sizes_and_without_values),
        RUN(every_option_with_every_size),
        RUN(context_options_that_do_not_exist),
        RUN(polls_of_nothing),
        RUN(events_that_do_not_exist),
        RUN(texts_for_any_number),
        RUN(proxies_without_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
