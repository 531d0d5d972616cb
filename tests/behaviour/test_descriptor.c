/* SPDX-License-Identifier: MIT */
/*
 * ZMQ_FD and ZMQ_EVENTS: the descriptor of a socket in an event loop that is not ours. Users of
 * two kinds: those who do as libzmq's manual says (wait, then look at the events until none is
 * left), and those who take the descriptor for what poll(2) says about it.
 * zmq_getsockopt(3). What greenmq does better: nobody has to ask for the events, see
 * src/core/lamp.h. What asking for them does is in test_descriptor_asked.c.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "behaviour/util.h"
#include "behaviour/descriptor.h"

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

TEST(descriptor_is_the_same_each_time)
{
    void *pull = open_socket(ZMQ_PULL);
    int fd = descriptor_of(pull);
    assert_int_equal(descriptor_of(pull), fd);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_not_equal(descriptor_of(open_socket(ZMQ_PULL)), fd);
}

TEST(descriptor_option_has_its_size)
{
    void *pull = open_socket(ZMQ_PULL);
    int room[2];
    for (size_t size = 0; size < sizeof(int); size++) {
        size_t given = size;
        expect_error(zmq_getsockopt(pull, ZMQ_FD, room, &given), EINVAL);
        given = size;
        expect_error(zmq_getsockopt(pull, ZMQ_EVENTS, room, &given), EINVAL);
    }
    size_t more = sizeof room;
    assert_int_equal(zmq_getsockopt(pull, ZMQ_FD, room, &more), 0);
    assert_int_equal(more, sizeof(int));
    expect_error(zmq_setsockopt(pull, ZMQ_FD, room, sizeof(int)), EINVAL);
    expect_error(zmq_setsockopt(pull, ZMQ_EVENTS, room, sizeof(int)), EINVAL);
}

TEST(sockets_that_nobody_asks_own_none)
{
    better_than_libzmq(); /* there each socket has one */
    enum { SOCKETS = 20 };
    void *socket[SOCKETS];
    unsigned few = count_descriptors() + SOCKETS / 2; /* the context may take some */
    for (int i = 0; i < SOCKETS; i++)
        socket[i] = open_socket(i % 2 ? ZMQ_PULL : ZMQ_DEALER);
    assert_true(count_descriptors() < few);
    for (int i = 0; i < SOCKETS; i++)
        descriptor_of(socket[i]);
    assert_true(count_descriptors() > few);
    for (int i = 0; i < SOCKETS; i++)
        close_socket(socket[i]);
    assert_true(count_descriptors() < few);
}

TEST(descriptor_closes_with_its_socket)
{
    void *pull = open_socket(ZMQ_PULL);
    int fd = descriptor_of(pull);
    close_socket(pull);
    wait_until(fcntl(fd, F_GETFD) < 0); /* libzmq closes it a little later */
}

/* Each burst is announced, as long as the events are looked at until none is left. */
TEST(every_burst_is_announced)
{
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull);
    for (int burst = 1; burst < 30; burst++) {
        for (int i = 0; i < burst; i++)
            send_number(push, i, 0);
        for (int i = 0; i < burst; i++) {
            await_events(pull, fd, ZMQ_POLLIN);
            while (events_of(pull) & ZMQ_POLLIN && i < burst)
                assert_int_equal(recv_number(pull), i++);
            i--;
        }
        assert_false(events_of(pull) & ZMQ_POLLIN);
    }
}

TEST(every_burst_is_an_edge)
{
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull), epoll = epoll_create1(0);
    struct epoll_event item = {.events = EPOLLIN | EPOLLET};
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &item), 0);
    for (int i = 0; i < 50; i++) {
        send_number(push, i, 0);
        while (!(events_of(pull) & ZMQ_POLLIN))
            assert_int_equal(epoll_wait(epoll, &item, 1, DEADLINE_MS), 1);
        while (events_of(pull) & ZMQ_POLLIN)
            assert_int_equal(recv_number(pull), i);
    }
    close(epoll);
}

/* One message is left each time: what comes is an edge all the same. */
TEST(what_comes_after_a_look_is_an_edge_though_something_is_left)
{
    better_than_libzmq();
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    send_number(push, 0, 0);
    await_events(pull, descriptor_of(pull), ZMQ_POLLIN);
    int epoll = epoll_create1(0);
    struct epoll_event item = {.events = EPOLLIN | EPOLLET};
    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor_of(pull), &item), 0);
    while (epoll_wait(epoll, &item, 1, 0) == 1)
        continue;
    for (int i = 1; i < 20; i++) {
        assert_true(events_of(pull) & ZMQ_POLLIN);
        send_number(push, i, 0);
        assert_int_equal(epoll_wait(epoll, &item, 1, DEADLINE_MS), 1);
        assert_int_equal(recv_number(pull), i - 1);
    }
    assert_int_equal(recv_number(pull), 19);
    close(epoll);
}

/* Takes one message each time the descriptor is readable, and never asks for the events. */
TEST(naive_user_misses_nothing)
{
    better_than_libzmq(); /* the descriptor is an edge there */
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull);
    for (int i = 0; i < 100; i++)
        send_number(push, i, 0);
    for (int i = 0; i < 100; i++) {
        char text[16] = "";
        int size;
        do {
            assert_true(is_readable(fd, DEADLINE_MS));
            size = zmq_recv(pull, text, sizeof text - 1, ZMQ_DONTWAIT);
        } while (size < 0 && zmq_errno() == EAGAIN);
        assert_int_equal(atoi(text), i);
    }
    assert_false(is_readable(fd, 0));
}

TEST(level_holds_until_the_last_part_is_read)
{
    better_than_libzmq();
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull);
    send_parts(push, "a", "b");
    send_parts(push, "c");
    static const char *const texts[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++) {
        for (int again = 0; again < 3; again++)
            assert_true(is_readable(fd, DEADLINE_MS));
        struct part part = recv_part(pull);
        assert_true(part_is(&part, texts[i]));
    }
    assert_false(is_readable(fd, 0));
}

TEST(message_from_before_the_descriptor_is_announced)
{
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    send_parts(push, "early");
    assert_true(can_recv(pull, DEADLINE_MS));
    int fd = descriptor_of(pull);
    if (!ON_LIBZMQ)
        assert_true(is_readable(fd, 0));
    await_events(pull, fd, ZMQ_POLLIN);
    expect_parts(pull, "early");
}

TEST(traffic_of_others_is_none_of_its_business)
{
    void *push, *pull, *idle = open_socket(ZMQ_PULL), *pair = open_socket(ZMQ_PAIR);
    void *other = open_socket(ZMQ_PAIR);
    open_pipeline(&push, &pull, *state);
    bind_to(idle, "tcp://127.0.0.1:*");
    connect_to(other, bind_to(pair, "inproc://idle").text);
    int fds[] = {descriptor_of(idle), descriptor_of(pair), descriptor_of(push)};
    events_of(idle);
    assert_int_equal(events_of(pair), ZMQ_POLLOUT);
    await_events(push, fds[2], ZMQ_POLLOUT);
    int fd = descriptor_of(pull);
    for (int i = 0; i < 20; i++) {
        send_number(push, i, 0);
        await_events(pull, fd, ZMQ_POLLIN);
        assert_false(is_readable(fds[0], 0));
        assert_false(is_readable(fds[1], 0));
        assert_int_equal(recv_number(pull), i);
    }
}

TEST(room_to_send_is_told_once)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDHWM, 1);
    set_int(pull, ZMQ_RCVHWM, 1);
    bind_to(push, "inproc://room");
    int fd = descriptor_of(push);
    assert_false(events_of(push) & ZMQ_POLLOUT);
    assert_false(is_readable(fd, 0));
    connect_to(pull, "inproc://room");
    assert_true(is_readable(fd, DEADLINE_MS));
    assert_true(events_of(push) & ZMQ_POLLOUT);
    assert_false(is_readable(fd, 0)); /* or an event loop would spin */
    int sent = 0;
    while (zmq_send(push, "x", 1, ZMQ_DONTWAIT) == 1)
        sent++;
    assert_int_equal(sent, 2);
    assert_int_equal(events_of(push), 0);
    assert_false(is_readable(fd, 0));
    for (int i = 0; i < sent; i++)
        expect_parts(pull, "x");
    events_of(pull);
    assert_true(is_readable(fd, DEADLINE_MS));
    assert_int_equal(events_of(push), ZMQ_POLLOUT);
    assert_false(is_readable(fd, 0));
}

TEST(requests_and_replies_by_descriptor)
{
    void *req = open_socket(ZMQ_REQ), *rep = open_socket(ZMQ_REP);
    connect_to(req, bind_to(rep, *state).text);
    int req_fd = descriptor_of(req), rep_fd = descriptor_of(rep);
    for (int i = 0; i < 20; i++) {
        await_events(req, req_fd, ZMQ_POLLOUT);
        assert_int_equal(events_of(rep), 0);
        send_number(req, i, 0);
        assert_int_equal(events_of(req), 0);
        await_events(rep, rep_fd, ZMQ_POLLIN);
        assert_int_equal(events_of(rep), ZMQ_POLLIN);
        assert_int_equal(recv_number(rep), i);
        assert_int_equal(events_of(rep), ZMQ_POLLOUT);
        assert_false(is_readable(rep_fd, 0));
        send_number(rep, -i, 0);
        await_events(req, req_fd, ZMQ_POLLIN);
        assert_int_equal(recv_number(req), -i);
    }
}

/* The second request waits while the first is answered: nothing to do until then. */
TEST(reply_makes_the_next_request_readable)
{
    better_than_libzmq(); /* there the send takes the edge away */
    void *rep = open_socket(ZMQ_REP), *req[2];
    struct endpoint bound = bind_to(rep, *state);
    for (int i = 0; i < 2; i++) {
        req[i] = open_socket(ZMQ_REQ);
        connect_to(req[i], bound.text);
    }
    int fd = descriptor_of(rep);
    send_parts(req[0], "first");
    expect_parts(rep, "first");
    events_of(rep);
    assert_false(is_readable(fd, 0));
    send_parts(req[1], "second");
    assert_true(is_readable(fd, DEADLINE_MS)); /* something came, but nothing to be received: */
    assert_int_equal(events_of(rep), ZMQ_POLLOUT);
    assert_false(is_readable(fd, 0));
    send_parts(rep, "reply");
    assert_true(is_readable(fd, 0));
    expect_parts(rep, "second");
    assert_false(is_readable(fd, 0));
    send_parts(rep, "reply");
    for (int i = 0; i < 2; i++)
        expect_parts(req[i], "reply");
}

TEST(subscriptions_by_descriptor)
{
    void *xpub = open_socket(ZMQ_XPUB), *sub = open_socket(ZMQ_SUB);
    connect_to(sub, bind_to(xpub, *state).text);
    int xpub_fd = descriptor_of(xpub), sub_fd = descriptor_of(sub);
    for (int i = 0; i < 10; i++) {
        char topic[8], note[16];
        int size = snprintf(topic, sizeof topic, "t%d", i);
        set_text(sub, ZMQ_SUBSCRIBE, topic);
        nudge(sub);
        await_events(xpub, xpub_fd, ZMQ_POLLIN);
        assert_int_equal(zmq_recv(xpub, note, sizeof note, ZMQ_DONTWAIT), size + 1);
        send_parts(xpub, "nobody's");
        send_parts(xpub, topic);
        await_events(sub, sub_fd, ZMQ_POLLIN);
        expect_parts(sub, topic);
        assert_false(events_of(sub) & ZMQ_POLLIN);
        assert_false(is_readable(sub_fd, 0));
    }
}

enum { FROM_THREAD = 500 };

static void *send_numbers(void *socket)
{
    intptr_t wrong = 0;
    for (int i = 0; i < FROM_THREAD; i++)
        wrong += zmq_send(socket, &i, sizeof i, 0) != sizeof i;
    return (void *)wrong;
}

TEST(sender_in_another_thread)
{
    void *pair = open_socket(ZMQ_PAIR), *other = open_socket(ZMQ_PAIR);
    connect_to(other, bind_to(pair, *state).text);
    int fd = descriptor_of(pair), number;
    pthread_t thread = start_thread(send_numbers, other);
    for (int i = 0; i < FROM_THREAD;) {
        assert_true(is_readable(fd, DEADLINE_MS));
        while (events_of(pair) & ZMQ_POLLIN) {
            assert_int_equal(zmq_recv(pair, &number, sizeof number, 0), sizeof number);
            assert_int_equal(number, i++);
        }
    }
    assert_int_equal((intptr_t)join_thread(thread), 0);
}

TEST(poll_and_descriptor_agree)
{
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull);
    for (int i = 0; i < 10; i++) {
        send_number(push, i, 0);
        while (!can_recv(pull, 0))
            assert_true(is_readable(fd, DEADLINE_MS));
        assert_int_equal(recv_number(pull), i);
        assert_false(can_recv(pull, 0));
        assert_false(is_readable(fd, 0));
    }
}

TEST(shutdown_makes_it_readable)
{
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull);
    events_of(pull);
    assert_false(is_readable(fd, 0));
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    assert_true(is_readable(fd, DEADLINE_MS));
    int events;
    size_t size = sizeof events;
    expect_error(zmq_getsockopt(pull, ZMQ_EVENTS, &events, &size), ETERM);
    expect_error(zmq_getsockopt(pull, ZMQ_FD, &events, &size), ETERM);
    assert_false(is_readable(fd, 0)); /* the application knows */
}

static int ask_in_child(void *socket)
{
    int value;
    size_t size = sizeof value;
    bool good = zmq_getsockopt(socket, ZMQ_FD, &value, &size) < 0 && zmq_errno() == ETERM;
    return good && zmq_getsockopt(socket, ZMQ_EVENTS, &value, &size) < 0 && zmq_errno() == ETERM;
}

/* The child leaves the parent's descriptor alone, though it has a copy of it. */
TEST(child_of_a_fork_does_not_disturb_it)
{
    better_than_libzmq(); /* undefined there */
    void *push, *pull;
    open_pipeline(&push, &pull, *state);
    int fd = descriptor_of(pull);
    events_of(pull);
    send_parts(push, "x");
    assert_true(is_readable(fd, DEADLINE_MS));
    pid_t child = fork();
    if (child == 0)
        _exit(ask_in_child(pull) ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(is_readable(fd, 0));
    expect_parts(pull, "x");
    assert_false(is_readable(fd, 0));
}

/* Without I/O threads nobody but the application runs anything: waiting for the descriptor and
 * looking at the events must be enough. */
TEST(no_io_thread_but_the_one_who_waits)
{
    better_than_libzmq(); /* it offers inproc only then */
    void *ctx = zmq_ctx_new();
    assert_int_equal(zmq_ctx_set(ctx, ZMQ_IO_THREADS, 0), 0);
    void *rep = open_socket_in(ctx, ZMQ_REP), *req = open_socket(ZMQ_REQ);
    int fd = descriptor_of(rep), req_fd = descriptor_of(req);
    connect_to(req, bind_to(rep, *state).text);
    for (int i = 0; i < 20; i++) {
        send_number(req, i, 0);
        await_events(rep, fd, ZMQ_POLLIN);
        assert_int_equal(recv_number(rep), i);
        events_of(rep);
        assert_false(is_readable(fd, 0));
        send_number(rep, i, 0);
        await_events(req, req_fd, ZMQ_POLLIN);
        assert_int_equal(recv_number(req), i);
    }
    close_socket(rep);
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

/* The naive one again: receives whenever the descriptor is readable, and never spins for long. */
TEST(no_io_thread_and_no_look_at_the_events)
{
    better_than_libzmq();
    void *ctx = zmq_ctx_new();
    assert_int_equal(zmq_ctx_set(ctx, ZMQ_IO_THREADS, 0), 0);
    void *pull = open_socket_in(ctx, ZMQ_PULL), *push = open_socket(ZMQ_PUSH);
    connect_to(push, bind_to(pull, *state).text);
    int fd = descriptor_of(pull), wakes = 0;
    for (int i = 0; i < 20; i++) {
        char text[16] = "";
        send_number(push, i, 0);
        while (zmq_recv(pull, text, sizeof text - 1, ZMQ_DONTWAIT) < 0) {
            assert_int_equal(zmq_errno(), EAGAIN);
            assert_true(is_readable(fd, DEADLINE_MS));
            wakes++;
        }
        assert_int_equal(atoi(text), i);
    }
    assert_in_range(wakes, 0, 200);
    close_socket(pull);
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

/* Timers have no descriptor of their own: a connect that is tried again must wake the waiter. */
TEST(no_io_thread_and_a_peer_that_comes_late)
{
    better_than_libzmq();
    void *early = open_socket(ZMQ_PULL);
    struct endpoint endpoint = bind_to(early, "tcp://127.0.0.1:*");
    close_socket(early);
    void *ctx = zmq_ctx_new();
    assert_int_equal(zmq_ctx_set(ctx, ZMQ_IO_THREADS, 0), 0);
    void *push = open_socket_in(ctx, ZMQ_PUSH);
    set_int(push, ZMQ_IMMEDIATE, 1);
    set_int(push, ZMQ_RECONNECT_IVL, 20);
    connect_to(push, endpoint.text);
    int fd = descriptor_of(push);
    for (int i = 0; i < 3; i++) {
        assert_true(is_readable(fd, DEADLINE_MS));
        assert_int_equal(events_of(push), 0);
    }
    void *late = open_socket(ZMQ_PULL);
    wait_until(zmq_bind(late, endpoint.text) == 0);
    await_events(push, fd, ZMQ_POLLOUT);
    send_parts(push, "x");
    expect_parts(late, "x");
    close_socket(push);
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(descriptor_is_the_same_each_time),
        RUN(descriptor_option_has_its_size),
        RUN(sockets_that_nobody_asks_own_none),
        RUN(descriptor_closes_with_its_socket),
        OVER_ALL(every_burst_is_announced),
        OVER_ALL(every_burst_is_an_edge),
        OVER_ALL(what_comes_after_a_look_is_an_edge_though_something_is_left),
        OVER_ALL(naive_user_misses_nothing),
        OVER_ALL(level_holds_until_the_last_part_is_read),
        OVER_ALL(message_from_before_the_descriptor_is_announced),
        OVER_ALL(traffic_of_others_is_none_of_its_business),
        RUN(room_to_send_is_told_once),
        OVER_ALL(requests_and_replies_by_descriptor),
        OVER_ALL(reply_makes_the_next_request_readable),
        OVER_ALL(subscriptions_by_descriptor),
        OVER_ALL(sender_in_another_thread),
        OVER_ALL(poll_and_descriptor_agree),
        OVER_ALL(shutdown_makes_it_readable),
        OVER_ALL(child_of_a_fork_does_not_disturb_it),
        OVER(no_io_thread_but_the_one_who_waits, "tcp", "tcp://127.0.0.1:*"),
        OVER(no_io_thread_but_the_one_who_waits, "ipc", "ipc://*"),
        OVER(no_io_thread_and_no_look_at_the_events, "tcp", "tcp://127.0.0.1:*"),
        OVER(no_io_thread_and_no_look_at_the_events, "ipc", "ipc://*"),
        RUN(no_io_thread_and_a_peer_that_comes_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
