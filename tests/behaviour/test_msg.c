/* SPDX-License-Identifier: MIT */
/*
 * zmq_msg_t: making, copying, moving and ending messages of every size, the free function of
 * lent memory, and what a message tells about itself. The manual pages zmq_msg_*(3).
 */
#include <stdatomic.h>

#include "behaviour/util.h"

/* Around every size at which a message may be kept in another way. */
static const size_t border_sizes[] = {0,   1,   2,   28,   29,   30,   31,    32,    33,    34,
                                      47,  48,  55,  56,   63,   64,   65,    127,   128,   255,
                                      256, 257, 511, 8191, 8192, 8193, 65535, 65536, 262145};
enum { BORDER_SIZES = sizeof border_sizes / sizeof border_sizes[0] };

static atomic_int freed;
static void *freed_data, *freed_hint;

static void count_free(void *data, void *hint)
{
    freed_data = data;
    freed_hint = hint;
    atomic_fetch_add(&freed, 1);
}

/* Memory that is to be freed by count_free, exactly once. */
static void lend(zmq_msg_t *msg, char *memory, size_t size, void *hint)
{
    atomic_store(&freed, 0);
    freed_data = freed_hint = NULL;
    assert_int_equal(zmq_msg_init_data(msg, memory, size, count_free, hint), 0);
}

static void fill(zmq_msg_t *msg)
{
    unsigned char *data = zmq_msg_data(msg);
    for (size_t i = 0; i < zmq_msg_size(msg); i++)
        data[i] = (unsigned char)(i * 7 + 3);
}

static void expect_filled(zmq_msg_t *msg, size_t size)
{
    const unsigned char *data = zmq_msg_data(msg);
    assert_int_equal(zmq_msg_size(msg), size);
    for (size_t i = 0; i < size; i++)
        if (data[i] != (unsigned char)(i * 7 + 3))
            fail_msg("byte %zu of %zu is wrong", i, size);
}

TEST(new_message_is_empty)
{
    zmq_msg_t msg;
    assert_int_equal(sizeof msg, 64);
    assert_int_equal(zmq_msg_init(&msg), 0);
    assert_int_equal(zmq_msg_size(&msg), 0);
    assert_int_equal(zmq_msg_more(&msg), 0);
    assert_int_equal(zmq_msg_get(&msg, ZMQ_MORE), 0);
    assert_int_equal(zmq_msg_get(&msg, ZMQ_SHARED), 0);
    assert_int_equal(zmq_msg_close(&msg), 0);
}

TEST(every_size_is_made_copied_and_moved)
{
    for (int i = 0; i < BORDER_SIZES; i++) {
        size_t size = border_sizes[i];
        zmq_msg_t msg, copy, moved;
        assert_int_equal(zmq_msg_init_size(&msg, size), 0);
        fill(&msg);
        zmq_msg_init(&copy);
        zmq_msg_init(&moved);
        assert_int_equal(zmq_msg_copy(&copy, &msg), 0);
        expect_filled(&msg, size);
        expect_filled(&copy, size);
        assert_int_equal(zmq_msg_move(&moved, &msg), 0);
        expect_filled(&moved, size);
        assert_int_equal(zmq_msg_size(&msg), 0);
        assert_int_equal(zmq_msg_close(&msg), 0);
        assert_int_equal(zmq_msg_close(&moved), 0);
        expect_filled(&copy, size);
        assert_int_equal(zmq_msg_close(&copy), 0);
    }
}

TEST(every_size_travels)
{
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, *state).text);
    for (int i = 0; i < BORDER_SIZES; i++) {
        zmq_msg_t msg;
        zmq_msg_init_size(&msg, border_sizes[i]);
        fill(&msg);
        assert_int_equal(zmq_msg_send(&msg, b, 0), border_sizes[i]);
        assert_int_equal(zmq_msg_size(&msg), 0); /* its content is the socket's now */
        assert_int_equal(zmq_msg_recv(&msg, a, 0), border_sizes[i]);
        expect_filled(&msg, border_sizes[i]);
        assert_int_equal(zmq_msg_more(&msg), 0);
        zmq_msg_close(&msg);
    }
}

TEST(every_size_travels_as_part_of_one_message)
{
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, *state).text);
    zmq_msg_t msg;
    for (int i = 0; i < BORDER_SIZES; i++) {
        zmq_msg_init_size(&msg, border_sizes[i]);
        fill(&msg);
        int flags = i < BORDER_SIZES - 1 ? ZMQ_SNDMORE : 0;
        assert_int_equal(zmq_msg_send(&msg, b, flags), border_sizes[i]);
    }
    zmq_msg_init(&msg);
    for (int i = 0; i < BORDER_SIZES; i++) {
        assert_int_equal(zmq_msg_recv(&msg, a, 0), border_sizes[i]);
        expect_filled(&msg, border_sizes[i]);
        assert_int_equal(zmq_msg_more(&msg), i < BORDER_SIZES - 1);
        assert_int_equal(zmq_msg_get(&msg, ZMQ_MORE), i < BORDER_SIZES - 1);
    }
    zmq_msg_close(&msg);
}

TEST(sixteen_mebibytes_travel)
{
    enum { LARGE = 16 << 20 };
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, *state).text);
    for (int i = 0; i < 2; i++) {
        zmq_msg_t msg;
        zmq_msg_init_size(&msg, LARGE);
        fill(&msg);
        assert_int_equal(zmq_msg_send(&msg, i ? a : b, ZMQ_SNDMORE), LARGE);
        send_parts(i ? a : b, "tail");
        zmq_msg_init(&msg);
        assert_int_equal(zmq_msg_recv(&msg, i ? b : a, 0), LARGE);
        expect_filled(&msg, LARGE);
        assert_int_equal(zmq_msg_more(&msg), 1);
        zmq_msg_close(&msg);
        expect_parts(i ? b : a, "tail");
    }
}

TEST(lent_memory_is_freed_once_by_close)
{
    static char memory[100];
    int hint;
    zmq_msg_t msg;
    lend(&msg, memory, sizeof memory, &hint);
    assert_ptr_equal(zmq_msg_data(&msg), memory);
    assert_int_equal(zmq_msg_size(&msg), sizeof memory);
    assert_int_equal(atomic_load(&freed), 0);
    assert_int_equal(zmq_msg_close(&msg), 0);
    assert_int_equal(atomic_load(&freed), 1);
    assert_ptr_equal(freed_data, memory);
    assert_ptr_equal(freed_hint, &hint);
}

/* Whatever the order in which the copies end, the last one frees. */
TEST(lent_memory_is_freed_by_its_last_copy)
{
    static char memory[100];
    for (int last = 0; last < 3; last++) {
        zmq_msg_t msg[3];
        lend(&msg[0], memory, sizeof memory, NULL);
        for (int i = 1; i < 3; i++) {
            zmq_msg_init(&msg[i]);
            assert_int_equal(zmq_msg_copy(&msg[i], &msg[0]), 0);
            assert_ptr_equal(zmq_msg_data(&msg[i]), memory);
        }
        assert_int_equal(zmq_msg_get(&msg[0], ZMQ_SHARED), 1);
        assert_int_equal(zmq_msg_get(&msg[2], ZMQ_SHARED), 1);
        for (int i = 0; i < 3; i++)
            if (i != last)
                zmq_msg_close(&msg[i]);
        assert_int_equal(atomic_load(&freed), 0);
        zmq_msg_close(&msg[last]);
        assert_int_equal(atomic_load(&freed), 1);
    }
}

TEST(lent_memory_is_freed_when_something_else_takes_its_place)
{
    static char memory[100];
    zmq_msg_t msg, other;
    lend(&msg, memory, sizeof memory, NULL);
    zmq_msg_init_size(&other, 5);
    assert_int_equal(zmq_msg_move(&msg, &other), 0);
    assert_int_equal(atomic_load(&freed), 1);
    assert_int_equal(zmq_msg_size(&msg), 5);
    zmq_msg_close(&msg);
    lend(&msg, memory, sizeof memory, NULL);
    zmq_msg_init_size(&other, 200);
    assert_int_equal(zmq_msg_copy(&msg, &other), 0);
    assert_int_equal(atomic_load(&freed), 1);
    assert_int_equal(zmq_msg_size(&msg), 200);
    zmq_msg_close(&msg);
    zmq_msg_close(&other);
    assert_int_equal(atomic_load(&freed), 1);
}

TEST(lent_memory_is_freed_once_after_sending)
{
    static const size_t sizes[] = {1, 10, 100, 1000, 100000};
    static char memory[100000];
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    memset(memory, 'm', sizeof memory);
    for (int i = 0; i < 5; i++) {
        zmq_msg_t msg;
        lend(&msg, memory, sizes[i], NULL);
        assert_int_equal(zmq_msg_send(&msg, push, 0), sizes[i]);
        zmq_msg_close(&msg);
        zmq_msg_init(&msg);
        assert_int_equal(zmq_msg_recv(&msg, pull, 0), sizes[i]);
        assert_memory_equal(zmq_msg_data(&msg), memory, sizes[i]);
        zmq_msg_close(&msg);
        wait_until(atomic_load(&freed) == 1);
    }
    send_parts(push, "end");
    expect_parts(pull, "end");
    assert_int_equal(atomic_load(&freed), 1);
}

TEST(lent_memory_is_freed_once_for_many_receivers)
{
    static char memory[5000];
    void *xpub = open_socket(ZMQ_XPUB);
    void *sub[4];
    struct endpoint where = bind_to(xpub, *state);
    set_int(xpub, ZMQ_XPUB_VERBOSE, 1);
    memset(memory, 'm', sizeof memory);
    for (int i = 0; i < 4; i++) {
        sub[i] = open_socket(ZMQ_SUB);
        connect_to(sub[i], where.text);
        set_text(sub[i], ZMQ_SUBSCRIBE, "");
        recv_part(xpub);
    }
    zmq_msg_t msg;
    lend(&msg, memory, sizeof memory, NULL);
    assert_int_equal(zmq_msg_send(&msg, xpub, 0), sizeof memory);
    for (int i = 0; i < 4; i++) {
        zmq_msg_init(&msg);
        assert_int_equal(zmq_msg_recv(&msg, sub[i], 0), sizeof memory);
        assert_memory_equal(zmq_msg_data(&msg), memory, sizeof memory);
        zmq_msg_close(&msg);
    }
    wait_until(atomic_load(&freed) == 1);
}

TEST(lent_memory_is_freed_when_it_never_leaves)
{
    static char memory[100];
    void *push = open_socket(ZMQ_PUSH);
    zmq_msg_t msg;
    lend(&msg, memory, sizeof memory, NULL);
    expect_error(zmq_msg_send(&msg, push, ZMQ_DONTWAIT), EAGAIN);
    assert_int_equal(atomic_load(&freed), 0);
    assert_int_equal(zmq_msg_size(&msg), sizeof memory);
    connect_to(push, "inproc://nobody");
    assert_int_equal(zmq_msg_send(&msg, push, ZMQ_DONTWAIT), sizeof memory);
    set_int(push, ZMQ_LINGER, 0);
    close_socket(push);
    term_world();
    assert_int_equal(atomic_load(&freed), 1);
}

/* However small, it is given back when the message has left and not before. */
TEST(lent_memory_waits_as_long_as_its_message)
{
    static char memory[2][9];
    void *pull = open_socket(ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    struct endpoint where = bind_to(pull, "tcp://127.0.0.1:*");
    close_socket(pull);
    for (int parts = 1; parts <= 2; parts++) {
        zmq_msg_t first, last;
        lend(&last, memory[1], sizeof memory[1], NULL);
        lend(&first, memory[0], sizeof memory[0], NULL);
        connect_to(push, where.text);
        if (parts == 2)
            assert_int_equal(zmq_msg_send(&first, push, ZMQ_SNDMORE), 9);
        else
            zmq_msg_close(&first);
        int before = atomic_load(&freed);
        assert_int_equal(zmq_msg_send(&last, push, 0), 9);
        assert_int_equal(atomic_load(&freed), before);
        pull = open_socket(ZMQ_PULL);
        do
            nap_ms(1);
        while (zmq_bind(pull, where.text) == -1 && zmq_errno() == EADDRINUSE);
        for (int i = 0; i < parts; i++)
            assert_int_equal(zmq_recv(pull, NULL, 0, 0), 9);
        wait_until(atomic_load(&freed) == 2);
        zmq_disconnect(push, where.text);
        close_socket(pull);
    }
}

TEST(memory_without_a_free_function_stays_the_callers)
{
    static char memory[100] = "kept";
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init_data(&msg, memory, sizeof memory, NULL, NULL), 0);
    assert_ptr_equal(zmq_msg_data(&msg), memory);
    assert_int_equal(zmq_msg_close(&msg), 0);
    assert_string_equal(memory, "kept");
}

TEST(receiving_replaces_what_was_there)
{
    static char memory[100];
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, "inproc://replace").text);
    send_parts(push, "new");
    zmq_msg_t msg;
    lend(&msg, memory, sizeof memory, NULL);
    assert_int_equal(zmq_msg_recv(&msg, pull, 0), 3);
    assert_int_equal(atomic_load(&freed), 1);
    assert_memory_equal(zmq_msg_data(&msg), "new", 3);
    zmq_msg_close(&msg);
}

TEST(copies_of_large_messages_share)
{
    zmq_msg_t msg, copy;
    zmq_msg_init_size(&msg, 100000);
    zmq_msg_init(&copy);
    assert_int_equal(zmq_msg_get(&msg, ZMQ_SHARED), 0);
    assert_int_equal(zmq_msg_copy(&copy, &msg), 0);
    assert_int_equal(zmq_msg_get(&msg, ZMQ_SHARED), 1);
    assert_int_equal(zmq_msg_get(&copy, ZMQ_SHARED), 1);
    assert_ptr_equal(zmq_msg_data(&msg), zmq_msg_data(&copy));
    zmq_msg_close(&msg);
    zmq_msg_close(&copy);
}

TEST(message_sent_as_a_copy_can_be_sent_again)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    zmq_msg_t msg, copy;
    zmq_msg_init_size(&msg, 10000);
    fill(&msg);
    for (int i = 0; i < 20; i++) {
        zmq_msg_init(&copy);
        zmq_msg_copy(&copy, &msg);
        assert_int_equal(zmq_msg_send(&copy, push, 0), 10000);
    }
    zmq_msg_close(&msg);
    for (int i = 0; i < 20; i++) {
        zmq_msg_init(&msg);
        assert_int_equal(zmq_msg_recv(&msg, pull, 0), 10000);
        expect_filled(&msg, 10000);
        zmq_msg_close(&msg);
    }
}

static void expect_property(zmq_msg_t *msg, const char *name, const char *value)
{
    const char *got = zmq_msg_gets(msg, name);
    if (!got || strcmp(got, value) != 0)
        fail_msg("%s is %s, not %s", name, got ? got : "not there", value);
}

TEST(properties_tell_about_the_sender)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = open_socket(ZMQ_DEALER);
    set_text(dealer, ZMQ_ROUTING_ID, "me");
    connect_to(dealer, bind_to(router, "tcp://127.0.0.1:*").text);
    send_parts(dealer, "x");
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    for (int i = 0; i < 2; i++)
        assert_true(zmq_msg_recv(&msg, router, 0) >= 0);
    expect_property(&msg, "Socket-Type", "DEALER");
    expect_property(&msg, "Peer-Address", "127.0.0.1");
    errno = 0;
    assert_null(zmq_msg_gets(&msg, "No-Such-Thing"));
    assert_int_equal(zmq_errno(), EINVAL);
    assert_true(zmq_msg_get(&msg, ZMQ_SRCFD) >= 0);
    zmq_msg_close(&msg);
}

/* Documented, but libzmq's ROUTER does not tell. */
TEST(routing_id_is_a_property)
{
    better_than_libzmq();
    void *router = open_socket(ZMQ_ROUTER);
    void *dealer = open_socket(ZMQ_DEALER);
    set_text(dealer, ZMQ_ROUTING_ID, "me");
    connect_to(dealer, bind_to(router, "tcp://127.0.0.1:*").text);
    send_parts(dealer, "x");
    recv_id(router);
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    assert_int_equal(zmq_msg_recv(&msg, router, 0), 1);
    expect_property(&msg, "Routing-Id", "me");
    expect_property(&msg, "Identity", "me");
    zmq_msg_close(&msg);
}

TEST(older_names_of_send_and_recv)
{
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, "inproc://older").text);
    zmq_msg_t msg;
    zmq_msg_init_size(&msg, 7);
    fill(&msg);
    assert_int_equal(zmq_sendmsg(b, &msg, 0), 7);
    assert_int_equal(zmq_recvmsg(a, &msg, 0), 7);
    expect_filled(&msg, 7);
    zmq_msg_close(&msg);
}

TEST(what_makes_no_sense_is_refused)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    expect_error(zmq_msg_get(&msg, 9999), EINVAL);
    expect_error(zmq_msg_set(&msg, ZMQ_MORE, 1), EINVAL);
    assert_null(zmq_msg_gets(&msg, "Socket-Type"));
    assert_int_equal(zmq_msg_close(&msg), 0);
    expect_error(zmq_msg_close(&msg), EFAULT);
    zmq_msg_t other;
    zmq_msg_init(&other);
    expect_error(zmq_msg_copy(&other, &msg), EFAULT);
    expect_error(zmq_msg_move(&other, &msg), EFAULT);
    zmq_msg_close(&other);
    better_than_libzmq(); /* which ends the process over it */
    expect_error(zmq_msg_send(&msg, open_socket(ZMQ_PUSH), ZMQ_DONTWAIT), EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(new_message_is_empty),
        RUN(every_size_is_made_copied_and_moved),
        OVER_ALL(every_size_travels),
        OVER_ALL(every_size_travels_as_part_of_one_message),
        OVER_ALL(sixteen_mebibytes_travel),
        RUN(lent_memory_is_freed_once_by_close),
        RUN(lent_memory_is_freed_by_its_last_copy),
        RUN(lent_memory_is_freed_when_something_else_takes_its_place),
        OVER_ALL(lent_memory_is_freed_once_after_sending),
        OVER_ALL(lent_memory_is_freed_once_for_many_receivers),
        RUN(lent_memory_is_freed_when_it_never_leaves),
        RUN(lent_memory_waits_as_long_as_its_message),
        RUN(memory_without_a_free_function_stays_the_callers),
        RUN(receiving_replaces_what_was_there),
        RUN(copies_of_large_messages_share),
        OVER_ALL(message_sent_as_a_copy_can_be_sent_again),
        RUN(properties_tell_about_the_sender),
        RUN(routing_id_is_a_property),
        RUN(older_names_of_send_and_recv),
        RUN(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
