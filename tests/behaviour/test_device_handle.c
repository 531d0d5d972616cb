/* SPDX-License-Identifier: MIT */
/*
 * The handle of a device: what can be made, in which states it goes through its life, and every
 * error that greenmq.h names. What a device does with messages is in the other test_device files.
 */
#include "behaviour/util.h"
#include "behaviour/device.h"

#include <signal.h>

static const struct gmq_device_options no_options = {.size = sizeof no_options};

#define expect_no_device(front, back, options, expected)                        \
    do {                                                                        \
        errno = 0;                                                              \
        assert_null(gmq_device_new(front, back, options));                      \
        assert_string_equal(zmq_strerror(zmq_errno()), zmq_strerror(expected)); \
    } while (0)

static struct gmq_device *new_device(void *front, void *back)
{
    return keep_device(gmq_device_new(front, back, NULL));
}

static struct gmq_device_options of_type(enum gmq_device_type type)
{
    return (struct gmq_device_options){.size = sizeof no_options, .type = type};
}

static int state_of(struct gmq_device *device)
{
    return account_of(device).state;
}

TEST(states_from_new_to_stopped)
{
    struct gmq_device *device = new_device(open_socket(ZMQ_PULL), open_socket(ZMQ_PUSH));
    assert_int_equal(state_of(device), GMQ_DEVICE_NEW);
    assert_int_equal(gmq_device_start(device), 0);
    assert_int_equal(state_of(device), GMQ_DEVICE_RUNNING);
    assert_int_equal(gmq_device_pause(device), 0);
    assert_int_equal(state_of(device), GMQ_DEVICE_PAUSED);
    assert_int_equal(gmq_device_resume(device), 0);
    assert_int_equal(state_of(device), GMQ_DEVICE_RUNNING);
    assert_int_equal(gmq_device_stop(device), 0);
    assert_int_equal(state_of(device), GMQ_DEVICE_STOPPED);
}

TEST(what_is_so_already_is_no_error)
{
    struct gmq_device *device = new_device(open_socket(ZMQ_PULL), open_socket(ZMQ_PUSH));
    gmq_device_start(device);
    assert_int_equal(gmq_device_resume(device), 0);
    assert_int_equal(gmq_device_pause(device), 0);
    assert_int_equal(gmq_device_pause(device), 0);
    assert_int_equal(state_of(device), GMQ_DEVICE_PAUSED);
    assert_int_equal(gmq_device_stop(device), 0);
    assert_int_equal(gmq_device_stop(device), 0);
}

TEST(starts_once)
{
    struct gmq_device *device = new_device(open_socket(ZMQ_PULL), open_socket(ZMQ_PUSH));
    assert_int_equal(gmq_device_start(device), 0);
    expect_error(gmq_device_start(device), EALREADY);
    gmq_device_stop(device);
    expect_error(gmq_device_start(device), EALREADY);
    struct gmq_device *never = new_device(open_socket(ZMQ_PULL), open_socket(ZMQ_PUSH));
    assert_int_equal(gmq_device_stop(never), 0);
    assert_int_equal(state_of(never), GMQ_DEVICE_STOPPED);
    expect_error(gmq_device_start(never), EALREADY);
}

TEST(what_does_not_run_cannot_be_paused_resumed_or_drained)
{
    struct gmq_device *device = new_device(open_socket(ZMQ_PULL), open_socket(ZMQ_PUSH));
    for (int round = 0; round < 2; round++) {
        expect_error(gmq_device_pause(device), EINVAL);
        expect_error(gmq_device_resume(device), EINVAL);
        expect_error(gmq_device_drain(device, 1000), EINVAL);
        gmq_device_stop(device);
    }
}

TEST(every_call_refuses_no_handle)
{
    struct gmq_account books = {.size = sizeof books};
    struct gmq_event event;
    expect_error(gmq_device_start(NULL), EINVAL);
    expect_error(gmq_device_pause(NULL), EINVAL);
    expect_error(gmq_device_resume(NULL), EINVAL);
    expect_error(gmq_device_drain(NULL, 0), EINVAL);
    expect_error(gmq_device_stop(NULL), EINVAL);
    expect_error(gmq_device_wait(NULL, 0), EINVAL);
    expect_error(gmq_device_account(NULL, &books), EINVAL);
    expect_error((int)gmq_device_peers(NULL, NULL, 0), EINVAL);
    expect_error(gmq_device_event(NULL, &event, NULL), EINVAL);
    gmq_device_free(NULL);
}

TEST(size_must_be_known)
{
    void *front = open_socket(ZMQ_PULL), *back = open_socket(ZMQ_PUSH);
    struct gmq_device_options options = no_options;
    options.size = 0;
    expect_no_device(front, back, &options, EINVAL);
    options.size = sizeof options + 8;
    expect_no_device(front, back, &options, EINVAL);
    struct gmq_device *device = new_device(front, back);
    struct gmq_account books = {.size = 0};
    expect_error(gmq_device_account(device, &books), EINVAL);
    books.size = sizeof books - 1;
    expect_error(gmq_device_account(device, &books), EINVAL);
    expect_error(gmq_device_account(device, NULL), EINVAL);
}

TEST(needs_sockets)
{
    void *front = open_socket(ZMQ_PULL), *back = open_socket(ZMQ_PUSH);
    long long no_socket[64] = {0};
    struct gmq_device_options options = no_options;
    expect_no_device(NULL, back, NULL, ENOTSOCK);
    expect_no_device(front, NULL, NULL, ENOTSOCK);
    expect_no_device(no_socket, back, NULL, ENOTSOCK);
    expect_no_device(front, no_socket, NULL, ENOTSOCK);
    options.capture = no_socket;
    expect_no_device(front, back, &options, ENOTSOCK);
    options = no_options;
    options.control = no_socket;
    expect_no_device(front, back, &options, ENOTSOCK);
    void *gone = open_socket(ZMQ_PUSH);
    close_socket(gone);
    expect_no_device(front, gone, NULL, ENOTSOCK);
}

TEST(sockets_must_be_of_one_context)
{
    void *front = open_socket(ZMQ_PULL), *back = open_socket(ZMQ_PUSH);
    struct gmq_device_options options = no_options;
    void *elsewhere = zmq_ctx_new();
    void *other = zmq_socket(elsewhere, ZMQ_PUSH), *rep = zmq_socket(elsewhere, ZMQ_REP);
    expect_no_device(front, other, NULL, EXDEV);
    options.capture = other;
    expect_no_device(front, back, &options, EXDEV);
    options = no_options;
    options.control = rep;
    expect_no_device(front, back, &options, EXDEV);
    zmq_close(other);
    zmq_close(rep);
    zmq_ctx_term(elsewhere);
}

TEST(type_is_checked_against_the_sockets)
{
    static const int fit[][3] = {
        {GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH}, {GMQ_DEVICE_FORWARDER, ZMQ_XSUB, ZMQ_XPUB},
        {GMQ_DEVICE_FORWARDER, ZMQ_XSUB, ZMQ_PUB}, {GMQ_DEVICE_FORWARDER, ZMQ_SUB, ZMQ_XPUB},
        {GMQ_DEVICE_FORWARDER, ZMQ_SUB, ZMQ_PUB},  {GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER}};
    for (int type = GMQ_DEVICE_STREAMER; type <= GMQ_DEVICE_QUEUE; type++) {
        for (int front = ZMQ_PAIR; front <= ZMQ_XSUB; front++) {
            for (int back = ZMQ_PAIR; back <= ZMQ_XSUB; back++) {
                struct gmq_device_options options = of_type((enum gmq_device_type)type);
                bool fits = false;
                for (size_t i = 0; i < sizeof fit / sizeof *fit; i++)
                    fits |= fit[i][0] == type && fit[i][1] == front && fit[i][2] == back;
                void *a = open_socket(front), *b = open_socket(back);
                struct gmq_device *device = gmq_device_new(a, b, &options);
                int error = zmq_errno();
                assert_int_equal(device != NULL, fits);
                if (!device)
                    assert_int_equal(error, EINVAL);
                gmq_device_free(device);
                close_socket(a);
                close_socket(b);
            }
        }
    }
    struct gmq_device_options options = of_type((enum gmq_device_type)4);
    expect_no_device(open_socket(ZMQ_PULL), open_socket(ZMQ_PUSH), &options, EINVAL);
}

/* Any two sockets, also such that nothing can pass between. */
TEST(without_a_type_any_sockets_fit)
{
    for (int front = ZMQ_PAIR; front <= ZMQ_XSUB; front++) {
        for (int back = ZMQ_PAIR; back <= ZMQ_XSUB; back++) {
            void *a = open_socket(front), *b = open_socket(back);
            struct gmq_device *device = gmq_device_new(a, b, NULL);
            assert_non_null(device);
            assert_int_equal(gmq_device_start(device), 0);
            assert_int_equal(gmq_device_pause(device), 0);
            assert_int_equal(gmq_device_resume(device), 0);
            assert_int_equal(gmq_device_drain(device, 1000), 0);
            gmq_device_free(device);
            close_socket(a);
            close_socket(b);
        }
    }
}

/* Capture must be able to send whenever there is something, control to receive. */
TEST(capture_and_control_must_be_able_to)
{
    static const int no_capture[] = {ZMQ_SUB, ZMQ_PULL, ZMQ_REQ, ZMQ_REP};
    static const int no_control[] = {ZMQ_PUB, ZMQ_PUSH};
    void *front = open_socket(ZMQ_PULL), *back = open_socket(ZMQ_PUSH);
    for (size_t i = 0; i < sizeof no_capture / sizeof *no_capture; i++) {
        struct gmq_device_options options = no_options;
        options.capture = open_socket(no_capture[i]);
        expect_no_device(front, back, &options, EINVAL);
    }
    for (size_t i = 0; i < sizeof no_control / sizeof *no_control; i++) {
        struct gmq_device_options options = no_options;
        options.control = open_socket(no_control[i]);
        expect_no_device(front, back, &options, EINVAL);
    }
}

TEST(a_socket_belongs_to_one_running_device)
{
    struct rig rig = bound_rig("inproc://new", ZMQ_PAIR, ZMQ_PAIR);
    rig.capture = open_socket(ZMQ_PUB);
    rig.control = open_socket(ZMQ_PAIR);
    start_rig(&rig, GMQ_DEVICE_ANY);
    void *other = open_socket(ZMQ_PAIR);
    void *taken[] = {rig.front, rig.back, rig.capture, rig.control};
    for (int i = 0; i < 4; i++) {
        struct gmq_device_options capture = {.size = sizeof capture, .capture = taken[i]};
        struct gmq_device_options control = {.size = sizeof control, .control = taken[i]};
        expect_no_device(taken[i], other, NULL, EBUSY);
        expect_no_device(other, taken[i], NULL, EBUSY);
        expect_no_device(other, other, &capture, EBUSY);
        if (taken[i] != rig.capture)
            expect_no_device(other, other, &control, EBUSY);
    }
    free_device(rig.device);
    struct gmq_device *next = new_device(rig.front, rig.back);
    assert_int_equal(gmq_device_start(next), 0);
}

/* One socket cannot be two things at once, but for frontend and backend. */
TEST(capture_and_control_are_sockets_of_their_own)
{
    void *a = open_socket(ZMQ_PAIR), *b = open_socket(ZMQ_PAIR), *c = open_socket(ZMQ_PAIR);
    struct gmq_device_options options = no_options;
    options.capture = a;
    expect_no_device(a, b, &options, EBUSY);
    expect_no_device(b, a, &options, EBUSY);
    options = no_options;
    options.control = a;
    expect_no_device(a, b, &options, EBUSY);
    expect_no_device(b, a, &options, EBUSY);
    options.capture = a;
    expect_no_device(b, c, &options, EBUSY);
}

/* Two may be made over the same sockets; it is the start that takes them. */
TEST(busy_is_found_at_the_start_too)
{
    void *front = open_socket(ZMQ_PULL), *back = open_socket(ZMQ_PUSH);
    struct gmq_device *first = new_device(front, back), *second = new_device(front, back);
    assert_int_equal(gmq_device_start(first), 0);
    expect_error(gmq_device_start(second), EBUSY);
    gmq_device_stop(first);
    assert_int_equal(gmq_device_start(second), 0);
}

TEST(a_context_that_ends_refuses_and_stops)
{
    void *front = open_socket(ZMQ_PULL), *back = open_socket(ZMQ_PUSH);
    struct gmq_device *early = new_device(front, back), *running = new_device(front, back);
    struct gmq_account books = {.size = sizeof books};
    gmq_device_start(running);
    zmq_ctx_shutdown(world.ctx);
    expect_no_device(front, back, NULL, ETERM);
    expect_error(gmq_device_start(early), ETERM);
    expect_error(gmq_device_wait(running, -1), ETERM);
    close_socket(front);
    close_socket(back);
    term_world();
    expect_error(gmq_device_start(early), ETERM);
    expect_error(gmq_device_wait(running, -1), ETERM);
    expect_error(gmq_device_drain(running, -1), ETERM);
    assert_int_equal(gmq_device_account(running, &books), 0);
    assert_int_equal(books.state, GMQ_DEVICE_STOPPED);
    assert_int_equal(gmq_device_peers(running, NULL, 0), 0);
    assert_int_equal(gmq_device_stop(running), 0);
}

/* Contexts lie where earlier ones lay; a handle must not take one for its own. */
TEST(a_handle_does_not_follow_into_another_context)
{
    void *front = open_socket(ZMQ_PULL), *back = open_socket(ZMQ_PUSH);
    struct gmq_device *device = new_device(front, back);
    gmq_device_start(device);
    close_socket(front);
    close_socket(back);
    term_world();
    world.ctx = zmq_ctx_new();
    struct gmq_device *own = new_device(open_socket(ZMQ_PULL), open_socket(ZMQ_PUSH));
    assert_int_equal(gmq_device_start(own), 0);
    expect_error(gmq_device_wait(device, 0), ETERM);
    assert_int_equal(gmq_device_stop(device), 0);
    assert_int_equal(state_of(own), GMQ_DEVICE_RUNNING);
}

TEST(what_was_closed_before_the_start_is_noticed)
{
    for (int which = 0; which < 4; which++) {
        void *sockets[] = {open_socket(ZMQ_PULL), open_socket(ZMQ_PUSH), open_socket(ZMQ_PUB),
                           open_socket(ZMQ_REP)};
        struct gmq_device_options options = {
            .size = sizeof options, .capture = sockets[2], .control = sockets[3]};
        struct gmq_device *device = keep_device(gmq_device_new(sockets[0], sockets[1], &options));
        close_socket(sockets[which]);
        expect_error(gmq_device_start(device), ENOTSOCK);
    }
}

/* Who closes a socket under a device stops it. */
TEST(a_socket_closed_under_a_device_stops_it)
{
    for (int which = 0; which < 4; which++) {
        struct rig rig = bound_rig("inproc://new", ZMQ_PULL, ZMQ_PUSH);
        rig.capture = open_socket(ZMQ_PUSH);
        rig.control = open_socket(ZMQ_REP);
        start_rig(&rig, GMQ_DEVICE_STREAMER);
        void *closes[] = {rig.front, rig.back, rig.capture, rig.control};
        void *push = peer_at(ZMQ_PUSH, rig.front_at);
        close_socket(closes[which]);
        expect_error(gmq_device_wait(rig.device, DEADLINE_MS), ETERM);
        if (which > 0)
            send_parts(push, "nobody forwards this");
        assert_int_equal(account_of(rig.device).state, GMQ_DEVICE_STOPPED);
        free_device(rig.device);
    }
}

TEST(wait_ends_with_the_time_or_the_device)
{
    struct rig rig = streamer_at("inproc://new");
    expect_error(gmq_device_wait(rig.device, 0), EAGAIN);
    int64_t before = now_ms();
    expect_error(gmq_device_wait(rig.device, 50), EAGAIN);
    assert_true(now_ms() - before >= 50);
    gmq_device_stop(rig.device);
    assert_int_equal(gmq_device_wait(rig.device, 0), 0);
    assert_int_equal(gmq_device_wait(rig.device, -1), 0);
}

static void *wait_in_thread(void *device)
{
    return gmq_device_wait(device, -1) == 0 ? NULL : (void *)(uintptr_t)zmq_errno();
}

TEST(wait_wakes_when_another_thread_stops_it)
{
    struct rig rig = streamer_at("inproc://new");
    pthread_t waiting[3];
    for (int i = 0; i < 3; i++)
        waiting[i] = start_thread(wait_in_thread, rig.device);
    nap_ms(10); /* most likely they wait now; if not, the test is weaker and not wrong */
    gmq_device_stop(rig.device);
    for (int i = 0; i < 3; i++)
        assert_null(join_thread(waiting[i]));
}

static void on_signal(int number)
{
    (void)number;
}

TEST(wait_ends_with_a_signal)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    struct rig rig = streamer_at("inproc://new");
    sigaction(SIGUSR1, &action, &before);
    pthread_t waiting = start_thread(wait_in_thread, rig.device);
    void *error = NULL;
    for (int i = 0; pthread_tryjoin_np(waiting, &error) == EBUSY; i++) {
        pthread_kill(waiting, SIGUSR1); /* until it waits, and hears it */
        assert_true(i < DEADLINE_MS);
        nap_ms(1);
    }
    world.threads--;
    sigaction(SIGUSR1, &before, NULL);
    assert_int_equal((uintptr_t)error, EINTR);
    assert_int_equal(state_of(rig.device), GMQ_DEVICE_RUNNING);
}

TEST(wait_wakes_when_the_context_ends)
{
    struct rig rig = streamer_at("inproc://new");
    pthread_t waiting = start_thread(wait_in_thread, rig.device);
    nap_ms(10);
    zmq_ctx_shutdown(world.ctx);
    assert_int_equal((uintptr_t)join_thread(waiting), ETERM);
}

/* A device runs in whoever waits: also where there is no thread in the background. */
TEST(wait_runs_the_device_without_background)
{
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0), 0);
    struct rig rig = streamer_at("tcp://127.0.0.1:*");
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = peer_at(ZMQ_PULL, rig.back_at);
    send_parts(push, "through");
    while (account_of(rig.device).forward.forwarded.messages == 0)
        expect_error(gmq_device_wait(rig.device, 1), EAGAIN);
    expect_parts(pull, "through");
}

TEST(reasons_have_names)
{
    assert_string_equal(gmq_drop_name(GMQ_DROP_NO_ROUTE), "no route");
    assert_string_equal(gmq_drop_name(GMQ_DROP_REASONS), "unknown");
    assert_string_equal(gmq_drop_name((enum gmq_drop) - 1), "unknown");
    assert_string_equal(gmq_leave_name(GMQ_LEAVE_PROTOCOL), "protocol");
    assert_string_equal(gmq_leave_name(GMQ_LEAVE_REASONS), "unknown");
    for (int i = 0; i < GMQ_DROP_REASONS; i++)
        assert_string_not_equal(gmq_drop_name((enum gmq_drop)i), "unknown");
    for (int i = 0; i < GMQ_LEAVE_REASONS; i++)
        assert_string_not_equal(gmq_leave_name((enum gmq_leave)i), "unknown");
}

/* Of two parts the application has taken the first: the second is no message. */
TEST(a_message_received_in_part_keeps_it_from_starting)
{
    struct rig rig = bound_rig("tcp://127.0.0.1:*", ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = peer_at(ZMQ_PULL, rig.back_at);
    rig.device = keep_device(gmq_device_new(rig.front, rig.back, NULL));
    send_parts(push, "first", "second");
    send_parts(push, "next");
    assert_true(recv_part(rig.front).more);
    expect_error(gmq_device_start(rig.device), EFSM);
    expect_parts(rig.front, "second");
    assert_int_equal(gmq_device_start(rig.device), 0);
    expect_parts(pull, "next");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE(states_from_new_to_stopped),
        RUN_DEVICE(what_is_so_already_is_no_error),
        RUN_DEVICE(starts_once),
        RUN_DEVICE(what_does_not_run_cannot_be_paused_resumed_or_drained),
        RUN_DEVICE(every_call_refuses_no_handle),
        RUN_DEVICE(size_must_be_known),
        RUN_DEVICE(needs_sockets),
        RUN_DEVICE(sockets_must_be_of_one_context),
        RUN_DEVICE(type_is_checked_against_the_sockets),
        RUN_DEVICE(without_a_type_any_sockets_fit),
        RUN_DEVICE(capture_and_control_must_be_able_to),
        RUN_DEVICE(a_socket_belongs_to_one_running_device),
        RUN_DEVICE(capture_and_control_are_sockets_of_their_own),
        RUN_DEVICE(busy_is_found_at_the_start_too),
        RUN_DEVICE(a_context_that_ends_refuses_and_stops),
        RUN_DEVICE(a_handle_does_not_follow_into_another_context),
        RUN_DEVICE(what_was_closed_before_the_start_is_noticed),
        RUN_DEVICE(a_message_received_in_part_keeps_it_from_starting),
        RUN_DEVICE(a_socket_closed_under_a_device_stops_it),
        RUN_DEVICE(wait_ends_with_the_time_or_the_device),
        RUN_DEVICE(wait_wakes_when_another_thread_stops_it),
        RUN_DEVICE(wait_ends_with_a_signal),
        RUN_DEVICE(wait_wakes_when_the_context_ends),
        RUN_DEVICE(wait_runs_the_device_without_background),
        RUN_DEVICE(reasons_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
