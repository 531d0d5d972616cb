/* SPDX-License-Identifier: MIT */
/*
 * inproc: messages are shared and not copied, the marks of both ends are one limit and the sender
 * learns by halves that there is room again, and connections wait for the name to be bound with
 * what was sent on them.
 */
#include "behaviour/util.h"

enum { BODY = 64, SUBSCRIBERS = 3, EARLY = 3 };

struct ends {
    void *push, *pull;
};

static struct ends join_ends(int sndhwm, int rcvhwm)
{
    struct ends ends = {open_socket(ZMQ_PUSH), open_socket(ZMQ_PULL)};
    set_int(ends.push, ZMQ_SNDHWM, sndhwm);
    set_int(ends.pull, ZMQ_RCVHWM, rcvhwm);
    bind_to(ends.push, "inproc://ends");
    connect_to(ends.pull, "inproc://ends");
    nudge(ends.push);
    nudge(ends.pull);
    return ends;
}

static void count_free(void *data, void *hint)
{
    (void)data;
    ++*(int *)hint;
}

static void send_lent(void *socket, void *data, size_t size, int *freed, int flags)
{
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init_data(&msg, data, size, freed ? count_free : NULL, freed), 0);
    assert_int_equal(zmq_msg_send(&msg, socket, flags), size);
}

static zmq_msg_t recv_msg(void *socket)
{
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init(&msg), 0);
    assert_true(zmq_msg_recv(&msg, socket, 0) >= 0);
    return msg;
}

TEST(lent_memory_arrives_itself)
{
    static char body[70000];
    static const size_t sizes[] = {1, 10, 33, 41, 255, 256, 1024, 1025, 8192, sizeof body};
    struct ends ends = join_ends(10, 10);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int freed = 0;
        send_lent(ends.push, body, sizes[i], &freed, 0);
        zmq_msg_t msg = recv_msg(ends.pull);
        assert_ptr_equal(zmq_msg_data(&msg), body);
        assert_int_equal(zmq_msg_size(&msg), sizes[i]);
        assert_int_equal(freed, 0);
        zmq_msg_close(&msg);
        assert_int_equal(freed, 1);
    }
}

TEST(memory_of_a_message_arrives_itself)
{
    struct ends ends = join_ends(10, 10);
    zmq_msg_t msg;
    for (size_t size = BODY; size < 70000; size *= 2) {
        assert_int_equal(zmq_msg_init_size(&msg, size), 0);
        void *data = zmq_msg_data(&msg);
        memset(data, 'x', size);
        assert_int_equal(zmq_msg_send(&msg, ends.push, 0), size);
        msg = recv_msg(ends.pull);
        assert_ptr_equal(zmq_msg_data(&msg), data);
        assert_int_equal(zmq_msg_get(&msg, ZMQ_SHARED), 0);
        zmq_msg_close(&msg);
    }
}

TEST(every_part_arrives_itself_behind_a_routing_id)
{
    static char bodies[3][BODY];
    int freed = 0;
    void *router = open_socket(ZMQ_ROUTER), *dealer = open_socket(ZMQ_DEALER);
    bind_to(router, "inproc://router");
    connect_to(dealer, "inproc://router");
    for (int i = 0; i < 3; i++)
        send_lent(dealer, bodies[i], BODY, &freed, i < 2 ? ZMQ_SNDMORE : 0);
    struct part id = recv_id(router);
    send_part(router, &id, ZMQ_SNDMORE);
    for (int i = 0; i < 3; i++) { /* and back again */
        zmq_msg_t msg = recv_msg(router);
        assert_ptr_equal(zmq_msg_data(&msg), bodies[i]);
        assert_int_equal(zmq_msg_send(&msg, router, i < 2 ? ZMQ_SNDMORE : 0), BODY);
    }
    for (int i = 0; i < 3; i++) {
        zmq_msg_t msg = recv_msg(dealer);
        assert_ptr_equal(zmq_msg_data(&msg), bodies[i]);
        zmq_msg_close(&msg);
    }
    assert_int_equal(freed, 3);
}

TEST(subscribers_share_one_memory)
{
    static char body[BODY];
    int freed = 0;
    void *xpub = open_socket(ZMQ_XPUB), *sub[SUBSCRIBERS];
    bind_to(xpub, "inproc://shared");
    for (int i = 0; i < SUBSCRIBERS; i++) {
        sub[i] = open_socket(ZMQ_SUB);
        assert_int_equal(zmq_setsockopt(sub[i], ZMQ_SUBSCRIBE, "", 0), 0);
        connect_to(sub[i], "inproc://shared");
        nudge(xpub);
    }
    send_lent(xpub, body, BODY, &freed, 0);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        zmq_msg_t msg = recv_msg(sub[i]);
        assert_ptr_equal(zmq_msg_data(&msg), body);
        if (i + 1 < SUBSCRIBERS)
            assert_int_equal(zmq_msg_get(&msg, ZMQ_SHARED), 1);
        assert_int_equal(freed, 0);
        zmq_msg_close(&msg);
    }
    assert_int_equal(freed, 1);
}

TEST(constants_arrive_themselves)
{
    static const char constant[] = "constant";
    struct ends ends = join_ends(10, 10);
    assert_int_equal(zmq_send_const(ends.push, constant, 8, ZMQ_SNDMORE), 8);
    assert_int_equal(zmq_send_const(ends.push, constant, 8, 0), 8);
    for (int i = 0; i < 2; i++) {
        zmq_msg_t msg = recv_msg(ends.pull);
        assert_ptr_equal(zmq_msg_data(&msg), constant);
        assert_int_equal(zmq_msg_get(&msg, ZMQ_SHARED), 1);
        assert_int_equal(zmq_msg_more(&msg), i == 0);
        zmq_msg_close(&msg);
    }
}

TEST(lent_memory_is_freed_when_the_receiver_goes)
{
    static char body[BODY];
    int freed = 0;
    struct ends ends = join_ends(10, 10);
    send_lent(ends.push, body, BODY, &freed, 0);
    send_lent(ends.push, body, BODY, &freed, 0);
    close_socket(ends.pull);
    close_socket(ends.push);
    term_world();
    assert_int_equal(freed, 2);
}

TEST(lent_subscriptions_work)
{
    static char wish[] = "\1A", cancel[] = "\0A";
    int freed = 0;
    void *xpub = open_socket(ZMQ_XPUB), *xsub = open_socket(ZMQ_XSUB);
    bind_to(xpub, "inproc://wishes");
    connect_to(xsub, "inproc://wishes");
    send_lent(xsub, wish, 2, &freed, 0);
    expect_parts(xpub, "\1A");
    send_parts(xpub, "A1");
    expect_parts(xsub, "A1");
    send_lent(xsub, cancel, 2, &freed, 0);
    struct part note = recv_part(xpub);
    assert_int_equal(note.size, 2);
    assert_memory_equal(note.data, cancel, 2);
    close_socket(xsub);
    close_socket(xpub);
    term_world();
    assert_int_equal(freed, 2);
}

/* Sends as many as go. */
static int fill(void *socket)
{
    int sent = 0;
    nudge(socket);
    while (zmq_send(socket, "m", 1, ZMQ_DONTWAIT) == 1)
        sent++;
    assert_int_equal(zmq_errno(), EAGAIN);
    return sent;
}

static void receive(void *socket, int count)
{
    while (count--)
        expect_parts(socket, "m");
}

TEST(room_comes_back_when_half_has_been_read)
{
    struct ends ends = join_ends(10, 10);
    assert_int_equal(fill(ends.push), 20);
    receive(ends.pull, 9);
    assert_int_equal(fill(ends.push), 0);
    receive(ends.pull, 1);
    assert_int_equal(fill(ends.push), 10);
    receive(ends.pull, 20);
    assert_int_equal(fill(ends.push), 20);
}

TEST(mark_raised_later_counts_at_once)
{
    struct ends ends = join_ends(2, 1);
    set_int(ends.push, ZMQ_SNDHWM, 5);
    assert_int_equal(fill(ends.push), 6);
}

TEST(mark_lowered_over_a_full_queue)
{
    struct ends ends = join_ends(100, 1);
    assert_int_equal(fill(ends.push), 101);
    set_int(ends.push, ZMQ_SNDHWM, 70);
    assert_int_equal(fill(ends.push), 0);
    receive(ends.pull, 101);
    int more = fill(ends.push); /* as many as the sender knows to have been read */
    assert_in_range(more, 1, 71);
    receive(ends.pull, more);
    expect_error(zmq_recv(ends.pull, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

TEST(mark_lowered_far_does_not_end_the_traffic)
{
    better_than_libzmq(); /* its sender waits for ever */
    struct ends ends = join_ends(100, 1);
    assert_int_equal(fill(ends.push), 101);
    set_int(ends.push, ZMQ_SNDHWM, 5);
    receive(ends.pull, 101);
    assert_int_equal(fill(ends.push), 6);
}

TEST(early_connections_get_the_whole_limit_with_the_bind)
{
    void *early[EARLY], *pull = open_socket(ZMQ_PULL);
    for (int i = 0; i < EARLY; i++) {
        early[i] = open_socket(ZMQ_PUSH);
        set_int(early[i], ZMQ_SNDHWM, 2);
        connect_to(early[i], "inproc://late");
        assert_int_equal(fill(early[i]), 2);
    }
    set_int(pull, ZMQ_RCVHWM, 1);
    bind_to(pull, "inproc://late");
    for (int i = 0; i < EARLY; i++)
        assert_int_equal(fill(early[i]), 1);
    receive(pull, 3 * EARLY);
    for (int i = 0; i < EARLY; i++)
        assert_int_equal(fill(early[i]), 2);
}

TEST(what_was_sent_before_the_bind_outlives_its_sender)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    connect_to(push, "inproc://late");
    send_parts(push, "one", "message");
    send_parts(push, "two");
    set_int(push, ZMQ_LINGER, -1);
    close_socket(push);
    bind_to(pull, "inproc://late");
    expect_parts(pull, "one", "message");
    expect_parts(pull, "two");
}

/* ZMQ_LINGER is about what must still leave the process. */
TEST(what_was_sent_outlives_a_sender_that_does_not_linger)
{
    struct ends ends = join_ends(10, 5);
    assert_int_equal(fill(ends.push), 15);
    set_int(ends.push, ZMQ_LINGER, 0);
    close_socket(ends.push);
    receive(ends.pull, 15);
    expect_nothing(ends.pull);
}

TEST(early_publisher_keeps_nothing_for_later)
{
    void *pub = open_socket(ZMQ_PUB), *sub = open_socket(ZMQ_SUB);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0), 0);
    connect_to(pub, "inproc://late");
    send_parts(pub, "before");
    bind_to(sub, "inproc://late");
    nudge(pub);
    send_parts(pub, "after");
    expect_parts(sub, "after");
}

TEST(names_are_taken_once_and_free_again)
{
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR), *c = open_socket(ZMQ_PAIR);
    bind_to(a, "inproc://name");
    expect_error(zmq_bind(b, "inproc://name"), EADDRINUSE);
    expect_error(zmq_bind(a, "inproc://name"), EADDRINUSE);
    expect_error(zmq_unbind(b, "inproc://name"), ENOENT);
    expect_error(zmq_disconnect(b, "inproc://other"), ENOENT);
    assert_int_equal(zmq_unbind(a, "inproc://name"), 0);
    bind_to(b, "inproc://name");
    connect_to(c, "inproc://name");
    send_parts(c, "hi");
    expect_parts(b, "hi");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(lent_memory_arrives_itself),
        RUN(memory_of_a_message_arrives_itself),
        RUN(every_part_arrives_itself_behind_a_routing_id),
        RUN(subscribers_share_one_memory),
        RUN(constants_arrive_themselves),
        RUN(lent_memory_is_freed_when_the_receiver_goes),
        RUN(lent_subscriptions_work),
        RUN(room_comes_back_when_half_has_been_read),
        RUN(mark_raised_later_counts_at_once),
        RUN(mark_lowered_over_a_full_queue),
        RUN(mark_lowered_far_does_not_end_the_traffic),
        RUN(early_connections_get_the_whole_limit_with_the_bind),
        RUN(what_was_sent_before_the_bind_outlives_its_sender),
        RUN(what_was_sent_outlives_a_sender_that_does_not_linger),
        RUN(early_publisher_keeps_nothing_for_later),
        RUN(names_are_taken_once_and_free_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
