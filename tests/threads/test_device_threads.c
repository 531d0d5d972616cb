/* SPDX-License-Identifier: MIT */
/*
 * A device handle in several threads at once: everybody may read, pause, resume, wait, drain and
 * stop it while traffic of other threads passes, its sockets are closed or the context ends.
 * Assertions are the main thread's; others return what they saw.
 */
#include "behaviour/util.h"
#include "behaviour/device.h"

#include <stdatomic.h>

enum { READERS = 3, CLIENTS = 3, WORKERS = 2, REQUESTS = 200, ROUNDS = 8 };

static atomic_bool go_on;

/* What a thread found wrong, or NULL. */
static void *verdict(const char *wrong)
{
    return (void *)(uintptr_t)wrong;
}

#define expect_fine(thread)                       \
    do {                                          \
        const char *wrong_ = join_thread(thread); \
        if (wrong_)                               \
            fail_msg("%s: %s", #thread, wrong_);  \
    } while (0)

/* Reads all that can be read, again and again. */
static void *read_all(void *argument)
{
    struct gmq_device *device = argument;
    struct gmq_peer peers[8];
    struct gmq_event event;
    uint64_t lost, received = 0;
    while (atomic_load(&go_on)) {
        struct gmq_account books = {.size = sizeof books};
        if (gmq_device_account(device, &books) < 0)
            return verdict("no account");
        if (books_error(&books))
            return verdict(books_error(&books));
        if (books.forward.received.messages < received)
            return verdict("the books go backwards");
        received = books.forward.received.messages;
        if (gmq_device_peers(device, peers, 8) < 0)
            return verdict("no peers");
        if (gmq_device_event(device, &event, &lost) < 0)
            return verdict("no events");
    }
    return NULL;
}

static void *pause_and_resume(void *argument)
{
    struct gmq_device *device = argument;
    while (atomic_load(&go_on)) {
        if (gmq_device_pause(device) < 0 && errno != EINVAL)
            return verdict("cannot pause");
        if (gmq_device_resume(device) < 0 && errno != EINVAL)
            return verdict("cannot resume");
    }
    return NULL;
}

static void *wait_for_end(void *argument)
{
    struct gmq_device *device = argument;
    for (;;) {
        if (gmq_device_wait(device, 5) == 0 || errno == ETERM)
            return NULL;
        if (errno != EAGAIN)
            return verdict(zmq_strerror(errno));
    }
}

static void *drain_it(void *argument)
{
    int rc = gmq_device_drain(argument, 100);
    if (rc < 0 && errno != EINVAL && errno != ETERM)
        return verdict(zmq_strerror(errno));
    return NULL;
}

static void *stop_it(void *argument)
{
    return gmq_device_stop(argument) == 0 ? NULL : verdict("cannot stop");
}

/* Asks and checks its own answers. The socket is its own to close. */
static void *ask(void *req)
{
    const char *wrong = NULL;
    for (int i = 0; i < REQUESTS && !wrong; i++) {
        int answer = -1;
        if (zmq_send(req, &i, sizeof i, 0) < 0 || zmq_recv(req, &answer, sizeof answer, 0) < 0)
            wrong = zmq_strerror(errno);
        else if (answer != i)
            wrong = "somebody else's answer";
    }
    zmq_close(req);
    return verdict(wrong);
}

static void *answer(void *rep)
{
    int number, size;
    while ((size = zmq_recv(rep, &number, sizeof number, 0)) >= 0)
        zmq_send(rep, &number, (size_t)size, 0);
    zmq_close(rep);
    return NULL; /* its context has ended, or nothing comes any more */
}

/* A thread with a socket of its own, connected there, which gives up waiting after the time. */
static pthread_t start_with(void *(*run)(void *), int type, struct endpoint where, int timeout_ms)
{
    void *socket = peer_at(type, where);
    set_int(socket, ZMQ_RCVTIMEO, timeout_ms);
    set_int(socket, ZMQ_SNDTIMEO, timeout_ms);
    set_int(socket, ZMQ_LINGER, 0);
    give_away(socket);
    return start_thread(run, socket);
}

/* Everything at once, and each client gets its answers. */
static void all_at_once(const char *where)
{
    struct rig rig = queue_at(where);
    pthread_t reads[READERS], asks[CLIENTS], answers[WORKERS];
    atomic_store(&go_on, true);
    for (int i = 0; i < READERS; i++)
        reads[i] = start_thread(read_all, rig.device);
    pthread_t turns = start_thread(pause_and_resume, rig.device);
    pthread_t waits = start_thread(wait_for_end, rig.device);
    for (int i = 0; i < WORKERS; i++)
        answers[i] = start_with(answer, ZMQ_REP, rig.back_at, DEADLINE_MS);
    for (int i = 0; i < CLIENTS; i++)
        asks[i] = start_with(ask, ZMQ_REQ, rig.front_at, DEADLINE_MS);
    for (int i = 0; i < CLIENTS; i++)
        expect_fine(asks[i]);
    atomic_store(&go_on, false);
    for (int i = 0; i < READERS; i++)
        expect_fine(reads[i]);
    expect_fine(turns);
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.forward.received.messages, CLIENTS * REQUESTS);
    assert_int_equal(gmq_device_drain(rig.device, DEADLINE_MS), 0);
    expect_fine(waits);
    zmq_ctx_shutdown(world.ctx);
    for (int i = 0; i < WORKERS; i++)
        expect_fine(answers[i]);
}

TEST(everything_at_once)
{
    all_at_once(*state);
}

/* Where nobody runs the context in the background, those who wait do. */
TEST(everything_at_once_without_background)
{
    zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0);
    all_at_once("tcp://127.0.0.1:*");
}

/* Their sockets wait for a short time only, so that they see the end. */
static void *push_until_end(void *push)
{
    while (atomic_load(&go_on) && (zmq_send(push, "0123456789", 10, 0) >= 0 || errno == EAGAIN))
        continue;
    zmq_close(push);
    return NULL;
}

static void *pull_until_end(void *pull)
{
    char octets[16];
    while (atomic_load(&go_on) && (zmq_recv(pull, octets, 16, 0) >= 0 || errno == EAGAIN))
        continue;
    zmq_close(pull);
    return NULL;
}

/* Ends a device in full flow in this way, with readers at it. */
static void end_in_flow(const char *where, void *(*end)(void *), int enders)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct rig rig = streamer_at(where);
        pthread_t reads[READERS], ends[3];
        atomic_store(&go_on, true);
        pthread_t pulls = start_with(pull_until_end, ZMQ_PULL, rig.back_at, 20);
        pthread_t pushes = start_with(push_until_end, ZMQ_PUSH, rig.front_at, 20);
        for (int i = 0; i < READERS; i++)
            reads[i] = start_thread(i ? read_all : wait_for_end, rig.device);
        wait_books(rig.device, books.forward.forwarded.messages > 100);
        for (int i = 0; i < enders; i++)
            ends[i] = start_thread(i == 1 ? drain_it : end, rig.device);
        for (int i = 0; i < enders; i++)
            expect_fine(ends[i]);
        assert_int_equal(gmq_device_wait(rig.device, DEADLINE_MS), 0);
        atomic_store(&go_on, false);
        for (int i = 0; i < READERS; i++)
            expect_fine(reads[i]);
        expect_fine(pulls);
        expect_fine(pushes);
        assert_int_equal(account_of(rig.device).state, GMQ_DEVICE_STOPPED);
        free_device(rig.device);
        close_socket(rig.front);
        close_socket(rig.back);
    }
}

TEST(stopped_in_full_flow)
{
    end_in_flow(*state, stop_it, 1);
}

TEST(drained_in_full_flow)
{
    end_in_flow(*state, drain_it, 2);
}

TEST(stopped_and_drained_by_many_at_once)
{
    end_in_flow(*state, stop_it, 3);
}

static void *start_it(void *device)
{
    return gmq_device_start(device) == 0 ? verdict("started") : NULL;
}

TEST(one_of_many_starts_it)
{
    for (int round = 0; round < ROUNDS; round++) {
        void *front = open_socket(ZMQ_PULL), *back = open_socket(ZMQ_PUSH);
        struct gmq_device *device = gmq_device_new(front, back, NULL);
        pthread_t starts[4];
        int started = 0;
        for (int i = 0; i < 4; i++)
            starts[i] = start_thread(start_it, device);
        for (int i = 0; i < 4; i++)
            started += join_thread(starts[i]) != NULL;
        gmq_device_free(device);
        assert_int_equal(started, 1);
        close_socket(front);
        close_socket(back);
    }
}

TEST(the_context_ends_in_full_flow)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct rig rig = streamer_at(*state);
        pthread_t reads[READERS];
        atomic_store(&go_on, true);
        pthread_t pulls = start_with(pull_until_end, ZMQ_PULL, rig.back_at, -1);
        pthread_t pushes = start_with(push_until_end, ZMQ_PUSH, rig.front_at, -1);
        for (int i = 0; i < READERS; i++)
            reads[i] = start_thread(i ? read_all : wait_for_end, rig.device);
        wait_books(rig.device, books.forward.forwarded.messages > 100);
        zmq_ctx_shutdown(world.ctx); /* and the readers read on */
        expect_fine(pulls);
        expect_fine(pushes);
        expect_error(gmq_device_wait(rig.device, -1), ETERM);
        atomic_store(&go_on, false);
        for (int i = 0; i < READERS; i++)
            expect_fine(reads[i]);
        free_device(rig.device);
        close_socket(rig.front);
        close_socket(rig.back);
        term_world();
        world.ctx = zmq_ctx_new();
    }
}

static void *close_it(void *socket)
{
    zmq_close(socket);
    return NULL;
}

TEST(a_socket_is_closed_in_full_flow)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct rig rig = streamer_at(*state);
        atomic_store(&go_on, true);
        pthread_t pulls = start_with(pull_until_end, ZMQ_PULL, rig.back_at, 20);
        pthread_t pushes = start_with(push_until_end, ZMQ_PUSH, rig.front_at, 20);
        pthread_t reads = start_thread(read_all, rig.device);
        wait_books(rig.device, books.forward.forwarded.messages > 100);
        void *goes = round % 2 ? rig.front : rig.back;
        give_away(goes);
        pthread_t closes = start_thread(close_it, goes);
        expect_error(gmq_device_wait(rig.device, DEADLINE_MS), ETERM);
        expect_fine(closes);
        atomic_store(&go_on, false);
        expect_fine(reads);
        expect_fine(pulls);
        expect_fine(pushes);
        free_device(rig.device);
        close_socket(round % 2 ? rig.back : rig.front);
    }
}

/* Devices in two contexts that feed each other, so that two locks are taken in both orders. */
TEST(two_contexts_feed_each_other)
{
    void *other = zmq_ctx_new();
    void *front[2] = {open_socket(ZMQ_PULL), open_socket_in(other, ZMQ_PULL)};
    void *back[2] = {open_socket(ZMQ_PUSH), open_socket_in(other, ZMQ_PUSH)};
    struct endpoint at[2];
    struct gmq_device *device[2];
    for (int i = 0; i < 2; i++)
        at[i] = bind_to(front[i], "tcp://127.0.0.1:*");
    for (int i = 0; i < 2; i++) {
        connect_to(back[i], at[1 - i].text);
        device[i] = keep_device(gmq_device_new(front[i], back[i], NULL));
        assert_int_equal(gmq_device_start(device[i]), 0);
    }
    void *push = peer_at(ZMQ_PUSH, at[0]);
    for (int i = 0; i < 10; i++)
        send_parts(push, "round", "and round");
    wait_books(device[1], books.forward.forwarded.messages > 2000);
    for (int i = 0; i < 2; i++) {
        gmq_device_stop(device[i]);
        account_of(device[i]);
        free_device(device[i]);
    }
    int none = 0;
    for (int i = 0; i < 2; i++) {
        zmq_setsockopt(back[i], ZMQ_LINGER, &none, sizeof none);
        close_socket(front[i]);
        close_socket(back[i]);
    }
    zmq_ctx_term(other);
}

#define THREADS_OVER_TCP_AND_INPROC(test)                      \
    device_case(#test "_over_tcp", test, "tcp://127.0.0.1:*"), \
        device_case(#test "_over_inproc", test, "inproc://new")

int main(void)
{
    const struct CMUnitTest tests[] = {
        THREADS_OVER_TCP_AND_INPROC(everything_at_once),
        RUN_DEVICE(everything_at_once_without_background),
        THREADS_OVER_TCP_AND_INPROC(stopped_in_full_flow),
        THREADS_OVER_TCP_AND_INPROC(drained_in_full_flow),
        THREADS_OVER_TCP_AND_INPROC(stopped_and_drained_by_many_at_once),
        RUN_DEVICE(one_of_many_starts_it),
        THREADS_OVER_TCP_AND_INPROC(the_context_ends_in_full_flow),
        THREADS_OVER_TCP_AND_INPROC(a_socket_is_closed_in_full_flow),
        RUN_DEVICE(two_contexts_feed_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
