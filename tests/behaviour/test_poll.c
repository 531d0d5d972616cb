/* SPDX-License-Identifier: MIT */
/*
 * zmq_poll: how long it waits, sockets and descriptors together, what it reports and what not, and
 * ZMQ_FD with ZMQ_EVENTS, which event loops use instead. zmq_poll(3), zmq_getsockopt(3). And
 * zmq_ppoll, a draft that Debian's libzmq does not have.
 */
#define ZMQ_BUILD_DRAFT_API /* zmq_ppoll() is one */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>

#include "behaviour/util.h"

#define expect_took(started, least_ms) \
    assert_in_range(now_ms() - (started), (least_ms)-1, (least_ms) + DEADLINE_MS / 2)

static zmq_pollitem_t socket_item(void *socket, short events)
{
    return (zmq_pollitem_t){.socket = socket, .events = events};
}

static zmq_pollitem_t fd_item(int fd, short events)
{
    return (zmq_pollitem_t){.fd = fd, .events = events};
}

TEST(nothing_to_poll_is_a_wait)
{
    int64_t started = now_ms();
    assert_int_equal(zmq_poll(NULL, 0, 80), 0);
    expect_took(started, 80);
    assert_int_equal(zmq_poll(NULL, 0, 0), 0);
    zmq_pollitem_t item = {0};
    started = now_ms();
    assert_int_equal(zmq_poll(&item, 0, 80), 0);
    expect_took(started, 80);
}

TEST(impossible_calls_are_refused)
{
    zmq_pollitem_t item = {0};
    expect_error(zmq_poll(&item, -1, 0), EINVAL);
    expect_error(zmq_poll(NULL, 1, 0), EFAULT);
}

TEST(time_runs_out)
{
    void *pull = open_socket(ZMQ_PULL);
    bind_to(pull, *state);
    zmq_pollitem_t item = socket_item(pull, ZMQ_POLLIN);
    item.revents = ZMQ_POLLIN;
    int64_t started = now_ms();
    assert_int_equal(zmq_poll(&item, 1, 80), 0);
    expect_took(started, 80);
    assert_int_equal(item.revents, 0);
    started = now_ms();
    assert_int_equal(zmq_poll(&item, 1, 0), 0);
    assert_in_range(now_ms() - started, 0, DEADLINE_MS / 4);
}

TEST(message_is_reported_until_it_is_read)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    send_parts(push, "a", "b");
    zmq_pollitem_t item = socket_item(pull, ZMQ_POLLIN);
    for (int i = 0; i < 5; i++) {
        item.revents = 0;
        assert_int_equal(zmq_poll(&item, 1, -1), 1);
        assert_int_equal(item.revents, ZMQ_POLLIN);
    }
    struct part first = recv_part(pull);
    assert_true(first.more);
    assert_int_equal(zmq_poll(&item, 1, 0), 1); /* the second part */
    expect_parts(pull, "b");
    assert_int_equal(zmq_poll(&item, 1, 0), 0);
    assert_int_equal(item.revents, 0);
}

TEST(only_what_was_asked_is_reported)
{
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, *state).text);
    send_parts(b, "x");
    assert_true(can_recv(a, DEADLINE_MS));
    static const short asked[] = {ZMQ_POLLIN, ZMQ_POLLOUT, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    for (int i = 0; i < 4; i++) {
        zmq_pollitem_t item = socket_item(a, asked[i]);
        assert_int_equal(zmq_poll(&item, 1, 0), asked[i] ? 1 : 0);
        assert_int_equal(item.revents, asked[i]);
    }
}

TEST(room_to_send_is_reported)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDHWM, 1);
    set_int(pull, ZMQ_RCVHWM, 1);
    bind_to(push, "inproc://room");
    assert_false(can_send(push, 0));
    connect_to(pull, "inproc://room");
    assert_true(can_send(push, DEADLINE_MS));
    send_parts(push, "1");
    send_parts(push, "2");
    assert_false(can_send(push, 20));
    expect_parts(pull, "1");
    expect_parts(pull, "2");
    assert_true(can_send(push, DEADLINE_MS));
}

TEST(several_sockets_at_once)
{
    enum { SOCKETS = 10 };
    void *pull[SOCKETS], *push[SOCKETS];
    zmq_pollitem_t items[SOCKETS];
    for (int i = 0; i < SOCKETS; i++) {
        pull[i] = open_socket(ZMQ_PULL);
        push[i] = open_socket(ZMQ_PUSH);
        connect_to(push[i], bind_to(pull[i], i % 2 ? "tcp://127.0.0.1:*" : "ipc://*").text);
        items[i] = socket_item(pull[i], ZMQ_POLLIN);
    }
    assert_int_equal(zmq_poll(items, SOCKETS, 0), 0);
    for (int i = 0; i < SOCKETS; i += 3) {
        send_parts(push[i], "x");
        assert_true(can_recv(pull[i], DEADLINE_MS));
    }
    assert_int_equal(zmq_poll(items, SOCKETS, -1), 4);
    for (int i = 0; i < SOCKETS; i++)
        assert_int_equal(items[i].revents, i % 3 ? 0 : ZMQ_POLLIN);
}

TEST(socket_may_be_polled_twice_in_one_call)
{
    void *a = open_socket(ZMQ_PAIR);
    void *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, *state).text);
    send_parts(b, "x");
    assert_true(can_recv(a, DEADLINE_MS));
    zmq_pollitem_t items[] = {socket_item(a, ZMQ_POLLIN), socket_item(a, ZMQ_POLLOUT),
                              socket_item(b, ZMQ_POLLIN)};
    assert_int_equal(zmq_poll(items, 3, -1), 2);
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    assert_int_equal(items[1].revents, ZMQ_POLLOUT);
    assert_int_equal(items[2].revents, 0);
}

TEST(descriptors_alone)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    zmq_pollitem_t items[] = {fd_item(ends[0], ZMQ_POLLIN), fd_item(ends[1], ZMQ_POLLOUT)};
    assert_int_equal(zmq_poll(items, 1, 0), 0);
    assert_int_equal(zmq_poll(items, 2, -1), 1);
    assert_int_equal(items[0].revents, 0);
    assert_int_equal(items[1].revents, ZMQ_POLLOUT);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(zmq_poll(items, 2, -1), 2);
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    close(ends[0]);
    assert_int_equal(zmq_poll(items + 1, 1, -1), 1);
    assert_true(items[1].revents & ZMQ_POLLERR);
    close(ends[1]);
}

TEST(descriptors_and_sockets_together)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    zmq_pollitem_t items[] = {socket_item(pull, ZMQ_POLLIN), fd_item(ends[0], ZMQ_POLLIN)};
    int64_t started = now_ms();
    assert_int_equal(zmq_poll(items, 2, 50), 0);
    expect_took(started, 50);
    send_parts(push, "x");
    assert_int_equal(zmq_poll(items, 2, -1), 1);
    assert_int_equal(items[0].revents, ZMQ_POLLIN);
    assert_int_equal(items[1].revents, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(zmq_poll(items, 2, -1), 2);
    expect_parts(pull, "x");
    assert_int_equal(zmq_poll(items, 2, -1), 1);
    assert_int_equal(items[0].revents, 0);
    assert_int_equal(items[1].revents, ZMQ_POLLIN);
    close(ends[0]);
    close(ends[1]);
}

struct later {
    void *socket; /* or */
    int fd;
};

static void *act_later(void *argument)
{
    const struct later *later = argument;
    nap_ms(30); /* so that the poll is likely to wait already; it must report either way */
    ssize_t rc = later->socket ? zmq_send(later->socket, "x", 1, 0) : write(later->fd, "x", 1);
    return (void *)(intptr_t)rc;
}

TEST(waiting_poll_is_woken_by_either)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    for (int i = 0; i < 2; i++) {
        zmq_pollitem_t items[] = {fd_item(ends[0], ZMQ_POLLIN), socket_item(pull, ZMQ_POLLIN)};
        static struct later later;
        later = (struct later){.socket = i ? push : NULL, .fd = ends[1]};
        pthread_t thread = start_thread(act_later, &later);
        assert_int_equal(zmq_poll(items, 2, i ? DEADLINE_MS : -1), 1);
        assert_int_equal(items[i].revents, ZMQ_POLLIN);
        assert_int_equal((intptr_t)join_thread(thread), 1);
        char x;
        assert_int_equal(i ? zmq_recv(pull, &x, 1, 0) : read(ends[0], &x, 1), 1);
    }
    close(ends[0]);
    close(ends[1]);
}

TEST(broken_descriptors_are_errors)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]); /* the reading end: nobody reads what is written */
    zmq_pollitem_t items[] = {fd_item(ends[0], ZMQ_POLLIN), fd_item(ends[1], 0), fd_item(-1, 1)};
    items[2].revents = ZMQ_POLLIN;
    assert_int_equal(zmq_poll(items, 3, -1), 2);
    assert_int_equal(items[0].revents, ZMQ_POLLERR);
    assert_int_equal(items[1].revents, ZMQ_POLLERR);
    assert_int_equal(items[2].revents, 0);
    assert_int_equal(zmq_poll(items + 2, 1, 20), 0); /* a negative one never has events */
    close(ends[1]);
}

TEST(broken_descriptor_beside_a_socket)
{
    void *pull = open_socket(ZMQ_PULL);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    close(ends[1]);
    zmq_pollitem_t items[] = {socket_item(pull, ZMQ_POLLIN), fd_item(ends[0], ZMQ_POLLIN)};
    assert_int_equal(zmq_poll(items, 2, -1), 1);
    assert_int_equal(items[0].revents, 0);
    assert_int_equal(items[1].revents, ZMQ_POLLERR);
}

TEST(socket_takes_precedence_over_the_descriptor_beside_it)
{
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR);
    connect_to(b, bind_to(a, "inproc://beside").text);
    zmq_pollitem_t item = {.socket = a, .fd = 12345, .events = ZMQ_POLLIN};
    assert_int_equal(zmq_poll(&item, 1, 20), 0);
    item.events = ZMQ_POLLIN | ZMQ_POLLOUT | ZMQ_POLLERR | ZMQ_POLLPRI;
    assert_int_equal(zmq_poll(&item, 1, -1), 1);
    assert_int_equal(item.revents, ZMQ_POLLOUT); /* a socket knows of no other */
}

TEST(what_is_no_socket_is_refused)
{
    static char foreign[4096];
    void *pull = open_socket(ZMQ_PULL), *closed = open_socket(ZMQ_PULL);
    close_socket(closed);
    void *const wrong[] = {foreign, world.ctx, closed};
    for (int i = 0; i < 3; i++) {
        zmq_pollitem_t items[] = {socket_item(pull, ZMQ_POLLIN), socket_item(wrong[i], ZMQ_POLLIN)};
        expect_error(zmq_poll(items, 2, 0), ENOTSOCK);
        expect_error(zmq_poll(items, 2, 1000), ENOTSOCK);
        expect_error(zmq_poll(items, 2, -1), ENOTSOCK);
    }
}

TEST(poll_ends_with_the_context)
{
    void *pull = open_socket(ZMQ_PULL);
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    zmq_pollitem_t item = socket_item(pull, 0);
    expect_error(zmq_poll(&item, 1, 0), ETERM);
    expect_error(zmq_poll(&item, 1, -1), ETERM);
}

TEST(sockets_of_two_contexts)
{
    void *ctx = zmq_ctx_new();
    void *push[2] = {open_socket_in(ctx, ZMQ_PUSH), open_socket(ZMQ_PUSH)};
    void *pull[2] = {open_socket_in(ctx, ZMQ_PULL), open_socket(ZMQ_PULL)};
    zmq_pollitem_t items[2];
    for (int i = 0; i < 2; i++) {
        connect_to(push[i], bind_to(pull[i], *state).text);
        items[i] = socket_item(pull[i], ZMQ_POLLIN);
    }
    assert_int_equal(zmq_poll(items, 2, 20), 0);
    for (int i = 0; i < 2; i++) {
        static struct later later;
        later = (struct later){.socket = push[i]};
        pthread_t thread = start_thread(act_later, &later);
        assert_int_equal(zmq_poll(items, 2, -1), 1);
        assert_int_equal(items[i].revents, ZMQ_POLLIN);
        assert_int_equal(items[!i].revents, 0);
        assert_int_equal((intptr_t)join_thread(thread), 1);
        expect_parts(pull[i], "x");
    }
    close_socket(push[0]);
    close_socket(pull[0]);
    assert_int_equal(zmq_ctx_term(ctx), 0);
}

TEST(hundreds_of_sockets)
{
    enum { SOCKETS = 400 };
    static void *pull[SOCKETS];
    static zmq_pollitem_t items[SOCKETS];
    void *push = open_socket(ZMQ_PUSH);
    for (int i = 0; i < SOCKETS; i++) {
        char endpoint[32];
        snprintf(endpoint, sizeof endpoint, "inproc://many/%d", i);
        pull[i] = zmq_socket(world.ctx, ZMQ_PULL);
        assert_non_null(pull[i]);
        assert_int_equal(zmq_bind(pull[i], endpoint), 0);
        connect_to(push, endpoint);
        items[i] = socket_item(pull[i], ZMQ_POLLIN);
    }
    assert_int_equal(zmq_poll(items, SOCKETS, 0), 0);
    assert_int_equal(zmq_poll(items, SOCKETS, 5), 0);
    for (int sent = 0; sent < 3; sent++) {
        static struct later later;
        later = (struct later){.socket = push};
        pthread_t thread = start_thread(act_later, &later);
        assert_int_equal(zmq_poll(items, SOCKETS, -1), 1);
        assert_int_equal((intptr_t)join_thread(thread), 1);
        for (int i = 0; i < SOCKETS; i++)
            if (items[i].revents)
                expect_parts(pull[i], "x");
    }
    for (int i = 0; i < SOCKETS; i++)
        assert_int_equal(zmq_close(pull[i]), 0);
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals = signals + 1;
}

/* SIGUSR1 is counted, and interrupts what waits. */
static void catch_signal(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    signals = 0;
}

static atomic_bool heard;

static void *signal_again_and_again(void *target)
{
    while (!atomic_load(&heard)) {
        pthread_kill(*(pthread_t *)target, SIGUSR1);
        nap_ms(5);
    }
    return NULL;
}

TEST(signal_interrupts_the_wait)
{
    catch_signal();
    void *pull = open_socket(ZMQ_PULL);
    bind_to(pull, *state);
    static pthread_t self;
    self = pthread_self();
    zmq_pollitem_t item = socket_item(pull, ZMQ_POLLIN);
    atomic_store(&heard, false);
    pthread_t thread = start_thread(signal_again_and_again, &self);
    expect_error(zmq_poll(&item, 1, -1), EINTR);
    expect_error(zmq_poll(NULL, 0, -1), EINTR);
    expect_error(zmq_poll(&item, 1, DEADLINE_MS), EINTR);
    atomic_store(&heard, true);
    join_thread(thread);
    assert_true(signals > 0);
}

#ifndef TEST_ON_LIBZMQ

/* The signal is blocked but during the call: it waits there for us. */
static void raise_blocked(sigset_t *open)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &blocked, open), 0);
    sigdelset(open, SIGUSR1);
    raise(SIGUSR1);
    assert_int_equal(signals, 0);
}

TEST(blocked_signal_comes_in_during_the_call)
{
    static const long timeouts_ms[] = {-1, DEADLINE_MS, 0};
    void *pull = open_socket(ZMQ_PULL);
    bind_to(pull, *state);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    zmq_pollitem_t items[] = {socket_item(pull, ZMQ_POLLIN), fd_item(ends[0], ZMQ_POLLIN)};
    for (int count = 0; count < 3; count++) {
        for (int i = 0; i < 3; i++) {
            sigset_t open;
            catch_signal();
            raise_blocked(&open);
            expect_error(zmq_ppoll(items + count % 2, count, timeouts_ms[i], &open), EINTR);
            assert_int_equal(signals, 1);
        }
    }
    close(ends[0]);
    close(ends[1]);
}

TEST(events_come_before_signals)
{
    sigset_t open;
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    send_parts(push, "x");
    assert_true(can_recv(pull, DEADLINE_MS));
    catch_signal();
    raise_blocked(&open);
    zmq_pollitem_t item = socket_item(pull, ZMQ_POLLIN);
    assert_int_equal(zmq_ppoll(&item, 1, -1, &open), 1);
    assert_int_equal(item.revents, ZMQ_POLLIN);
    assert_int_equal(zmq_ppoll(&item, 1, -1, NULL), 1);
    expect_error(zmq_ppoll(NULL, 0, 0, &open), EINTR); /* and takes it off our hands */
}

TEST(poll_with_a_mask_is_refused_as_without)
{
    sigset_t none;
    sigemptyset(&none);
    zmq_pollitem_t item = {0};
    expect_error(zmq_ppoll(&item, -1, 0, &none), EINVAL);
    expect_error(zmq_ppoll(NULL, 1, 0, &none), EFAULT);
    assert_int_equal(zmq_ppoll(NULL, 0, 30, &none), 0);
    assert_int_equal(zmq_ppoll(NULL, 0, 0, NULL), 0);
    assert_int_equal(zmq_has("draft"), 0);
}

#endif

/* As an event loop does it: wait for the descriptor, then look at the events until none is left. */
TEST(descriptor_of_a_socket_tells_of_events)
{
    void *push = open_socket(ZMQ_PUSH);
    void *pull = open_socket(ZMQ_PULL);
    connect_to(push, bind_to(pull, *state).text);
    int fd = -1;
    size_t size = sizeof fd;
    assert_int_equal(zmq_getsockopt(pull, ZMQ_FD, &fd, &size), 0);
    struct pollfd item = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 20; i++) {
        send_number(push, i, 0);
        while (!(get_int(pull, ZMQ_EVENTS) & ZMQ_POLLIN))
            assert_int_equal(poll(&item, 1, DEADLINE_MS), 1);
        while (get_int(pull, ZMQ_EVENTS) & ZMQ_POLLIN)
            assert_int_equal(recv_number(pull), i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(nothing_to_poll_is_a_wait),
        RUN(impossible_calls_are_refused),
        OVER_ALL(time_runs_out),
        OVER_ALL(message_is_reported_until_it_is_read),
        OVER_ALL(only_what_was_asked_is_reported),
        RUN(room_to_send_is_reported),
        RUN(several_sockets_at_once),
        OVER_ALL(socket_may_be_polled_twice_in_one_call),
        RUN(descriptors_alone),
        OVER_ALL(descriptors_and_sockets_together),
        OVER_ALL(waiting_poll_is_woken_by_either),
        RUN(broken_descriptors_are_errors),
        RUN(broken_descriptor_beside_a_socket),
        RUN(socket_takes_precedence_over_the_descriptor_beside_it),
        RUN(what_is_no_socket_is_refused),
        RUN(poll_ends_with_the_context),
        OVER_ALL(sockets_of_two_contexts),
        RUN(hundreds_of_sockets),
        OVER_ALL(signal_interrupts_the_wait),
#ifndef TEST_ON_LIBZMQ
        OVER_ALL(blocked_signal_comes_in_during_the_call),
        OVER_ALL(events_come_before_signals),
        RUN(poll_with_a_mask_is_refused_as_without),
#endif
        OVER_ALL(descriptor_of_a_socket_tells_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
