/* SPDX-License-Identifier: MIT */
/*
 * Ends of a device: drained, with everything let out and the replies that are due, or at a
 * deadline; or stopped, with what waits dropped and counted. Its sockets can be used again.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/device.h"
#include "behaviour/stall.h"

#include <signal.h>

struct drain {
    struct gmq_device *device;
    long deadline_ms;
    int rc, error;
};

static void *drain_in_thread(void *argument)
{
    struct drain *drain = argument;
    drain->rc = gmq_device_drain(drain->device, drain->deadline_ms);
    drain->error = zmq_errno();
    return NULL;
}

TEST(an_idle_device_is_drained_at_once)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    peer_at(ZMQ_DEALER, rig.front_at);
    assert_int_equal(gmq_device_drain(rig.device, -1), 0);
    assert_int_equal(account_of(rig.device).state, GMQ_DEVICE_STOPPED);
    assert_int_equal(gmq_device_wait(rig.device, 0), 0);
    expect_error(gmq_device_drain(rig.device, -1), EINVAL);
}

TEST(a_drain_lets_out_what_is_queued)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    struct gmq_account full = account_of(rig.device);
    struct drain drain = {.device = rig.device, .deadline_ms = -1};
    pthread_t thread = start_thread(drain_in_thread, &drain);
    wait_books(rig.device, books.state == GMQ_DEVICE_DRAINING);
    for (uint64_t n = 0; n < full.forward.received.messages; n++) {
        raw_skip_frame(fd, NULL);
        raw_skip_frame(fd, NULL);
    }
    join_thread(thread);
    assert_int_equal(drain.rc, 0);
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.state, GMQ_DEVICE_STOPPED);
    assert_int_equal(books.forward.received.messages, full.forward.received.messages);
    assert_int_equal(books.forward.forwarded.messages, full.forward.received.messages);
    assert_int_equal(books.forward.queued.messages, 0);
    assert_false(raw_readable(fd, 0)); /* what it had not taken it does not take any more */
    close(fd);
}

TEST(a_drain_ends_at_its_deadline)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    struct gmq_account full = account_of(rig.device);
    int64_t before = now_ms();
    assert_int_equal(gmq_device_drain(rig.device, 100), 1);
    assert_in_range(now_ms() - before, 100, 100 + ANSWER_MS);
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.state, GMQ_DEVICE_STOPPED);
    assert_int_equal(books.forward.received.messages, full.forward.received.messages);
    assert_int_equal(books.forward.forwarded.messages, full.forward.forwarded.messages);
    assert_in_range(books.forward.queued.messages, 0, 1); /* the one that has begun to leave */
    assert_int_equal(books.forward.dropped[GMQ_DROP_STOPPED].messages,
                     full.forward.queued.messages - books.forward.queued.messages);
    close(fd);
}

TEST(a_drain_without_time_stops_at_once)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    assert_int_equal(gmq_device_drain(rig.device, 0), 1);
    assert_true(account_of(rig.device).forward.dropped[GMQ_DROP_STOPPED].messages > 0);
    close(fd);
}

/* The consumer dies, so nothing is left to wait for. */
TEST(a_drain_does_not_wait_for_the_dead)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    struct drain drain = {.device = rig.device, .deadline_ms = -1};
    pthread_t thread = start_thread(drain_in_thread, &drain);
    wait_books(rig.device, books.state == GMQ_DEVICE_DRAINING);
    close(fd);
    join_thread(thread);
    assert_int_equal(drain.rc, 0);
    assert_true(account_of(rig.device).forward.dropped[GMQ_DROP_PEER_LOST].messages > 0);
}

TEST(a_queue_lets_replies_come_back)
{
    enum { REQUESTS = 10 };
    struct rig rig = rig_of(*state, GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *worker = peer_at(ZMQ_DEALER, rig.back_at);
    for (int i = 0; i < REQUESTS; i++)
        send_number(client, i, 0);
    struct part id = recv_id(worker);
    for (int i = 0; i < REQUESTS; i++) {
        if (i)
            recv_id(worker);
        assert_int_equal(recv_number(worker), i);
    }
    struct drain drain = {.device = rig.device, .deadline_ms = DEADLINE_MS};
    pthread_t thread = start_thread(drain_in_thread, &drain);
    wait_books(rig.device, books.state == GMQ_DEVICE_DRAINING);
    send_parts(client, "too late");
    for (int i = 0; i < REQUESTS; i++) {
        send_part(worker, &id, ZMQ_SNDMORE);
        send_number(worker, i, 0);
        assert_int_equal(recv_number(client), i);
    }
    join_thread(thread);
    assert_int_equal(drain.rc, 0);
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.forward.forwarded.messages, REQUESTS);
    assert_int_equal(books.backward.forwarded.messages, REQUESTS);
}

/* The reply comes, and nobody is there to take it: that ends the waiting as well. */
TEST(a_queue_does_not_wait_for_a_client_that_has_gone)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *worker = peer_at(ZMQ_DEALER, rig.back_at);
    send_parts(client, "bye");
    struct part id = recv_id(worker);
    expect_parts(worker, "bye");
    close_socket(client);
    wait_books(rig.device, books.frontend_peers == 0);
    struct drain drain = {.device = rig.device, .deadline_ms = DEADLINE_MS};
    pthread_t thread = start_thread(drain_in_thread, &drain);
    wait_books(rig.device, books.state == GMQ_DEVICE_DRAINING);
    int64_t before = now_ms();
    send_part(worker, &id, ZMQ_SNDMORE);
    send_parts(worker, "reply");
    join_thread(thread);
    assert_int_equal(drain.rc, 0);
    assert_in_range(now_ms() - before, 0, DEADLINE_MS / 2);
    assert_int_equal(account_of(rig.device).backward.dropped[GMQ_DROP_NO_ROUTE].messages, 1);
}

TEST(a_queue_waits_for_replies_until_the_deadline)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *req = peer_at(ZMQ_REQ, rig.front_at), *rep = peer_at(ZMQ_REP, rig.back_at);
    send_parts(req, "ask");
    expect_parts(rep, "ask");
    assert_int_equal(gmq_device_drain(rig.device, 50), 1);
    assert_int_equal(account_of(rig.device).forward.dropped[GMQ_DROP_STOPPED].messages, 0);
}

/* What waits for a worker when there is none is at the clients, and stays there. */
TEST(a_drain_takes_nothing_more)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    for (int i = 0; i < 10; i++)
        send_number(push, i, 0);
    wait_books(rig.device, books.frontend_peers == 1);
    assert_int_equal(gmq_device_drain(rig.device, -1), 0);
    assert_int_equal(account_of(rig.device).forward.received.messages, 0);
    /* Nothing is lost: the socket is the application's again. */
    for (int i = 0; i < 10; i++)
        assert_int_equal(recv_number(rig.front), i);
}

TEST(a_paused_device_can_be_drained)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *req = peer_at(ZMQ_REQ, rig.front_at), *rep = peer_at(ZMQ_REP, rig.back_at);
    send_parts(req, "ask");
    expect_parts(rep, "ask");
    assert_int_equal(gmq_device_pause(rig.device), 0);
    send_parts(rep, "answer");
    expect_nothing(req);
    assert_int_equal(gmq_device_drain(rig.device, DEADLINE_MS), 0);
    expect_parts(req, "answer");
}

TEST(a_draining_device_is_neither_paused_nor_resumed)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *req = peer_at(ZMQ_REQ, rig.front_at), *rep = peer_at(ZMQ_REP, rig.back_at);
    send_parts(req, "ask");
    expect_parts(rep, "ask");
    struct drain drain[2] = {{.device = rig.device, .deadline_ms = -1},
                             {.device = rig.device, .deadline_ms = -1}};
    pthread_t thread[2];
    for (int i = 0; i < 2; i++)
        thread[i] = start_thread(drain_in_thread, &drain[i]);
    wait_books(rig.device, books.state == GMQ_DEVICE_DRAINING);
    expect_error(gmq_device_pause(rig.device), EINVAL);
    expect_error(gmq_device_resume(rig.device), EINVAL);
    send_parts(rep, "answer");
    expect_parts(req, "answer");
    for (int i = 0; i < 2; i++) {
        join_thread(thread[i]);
        assert_true(drain[i].rc == 0 || drain[i].error == EINVAL); /* the second may be late */
    }
}

/* Who stops it ends the drain, and that it was not let out whole is said. */
TEST(a_stop_ends_a_drain)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    struct drain drain = {.device = rig.device, .deadline_ms = -1};
    pthread_t thread = start_thread(drain_in_thread, &drain);
    wait_books(rig.device, books.state == GMQ_DEVICE_DRAINING);
    assert_int_equal(gmq_device_stop(rig.device), 0);
    join_thread(thread);
    assert_int_equal(drain.rc, 1);
    close(fd);
}

TEST(the_end_of_the_context_ends_a_drain)
{
    struct rig rig = rig_of("inproc://new", GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *req = peer_at(ZMQ_REQ, rig.front_at), *rep = peer_at(ZMQ_REP, rig.back_at);
    send_parts(req, "ask");
    expect_parts(rep, "ask");
    struct drain drain = {.device = rig.device, .deadline_ms = -1};
    pthread_t thread = start_thread(drain_in_thread, &drain);
    wait_books(rig.device, books.state == GMQ_DEVICE_DRAINING);
    zmq_ctx_shutdown(world.ctx);
    join_thread(thread);
    assert_int_equal(drain.rc, -1);
    assert_int_equal(drain.error, ETERM);
}

static void on_signal(int number)
{
    (void)number;
}

/* A signal ends the call and not the drain: another call goes on with it. */
TEST(a_signal_does_not_end_a_drain)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    struct rig rig = rig_of(*state, GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *req = peer_at(ZMQ_REQ, rig.front_at), *rep = peer_at(ZMQ_REP, rig.back_at);
    send_parts(req, "ask");
    expect_parts(rep, "ask");
    struct drain drain = {.device = rig.device, .deadline_ms = -1};
    sigaction(SIGUSR1, &action, &before);
    pthread_t thread = start_thread(drain_in_thread, &drain);
    wait_books(rig.device, books.state == GMQ_DEVICE_DRAINING);
    /* Until it comes through: the thread may not wait yet. */
    for (int i = 0; pthread_kill(thread, SIGUSR1) == 0 && pthread_tryjoin_np(thread, NULL); i++) {
        assert_true(i < DEADLINE_MS);
        nap_ms(1);
    }
    world.threads--;
    sigaction(SIGUSR1, &before, NULL);
    assert_int_equal(drain.rc, -1);
    assert_int_equal(drain.error, EINTR);
    assert_int_equal(account_of(rig.device).state, GMQ_DEVICE_DRAINING);
    send_parts(rep, "answer");
    expect_parts(req, "answer");
    assert_int_equal(gmq_device_drain(rig.device, DEADLINE_MS), 0);
}

TEST(a_stop_drops_what_is_queued_and_counts_it)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    struct gmq_account full = account_of(rig.device);
    gmq_device_stop(rig.device);
    struct gmq_account books = account_of(rig.device);
    assert_in_range(books.forward.queued.messages, 0, 1);
    assert_int_equal(books.forward.dropped[GMQ_DROP_STOPPED].messages +
                         books.forward.queued.messages,
                     full.forward.queued.messages);
    uint64_t whole = books.forward.forwarded.messages + books.forward.queued.messages;
    for (uint64_t n = 0; n < whole; n++) {
        assert_int_equal(raw_recv_frame(fd).flags, RAW_MORE);
        assert_int_equal(raw_skip_frame(fd, NULL), RAW_LONG);
    }
    /* The sockets go on as the application's: the next comes whole behind what had begun. */
    free_device(rig.device);
    send_parts(rig.back, "by hand");
    struct raw_frame frame = raw_recv_frame(fd);
    assert_int_equal(frame.flags, 0);
    assert_int_equal(frame.size, 7);
    assert_memory_equal(frame.body, "by hand", 7);
    int next = recv_bulk(rig.front); /* and what the device had not taken is there */
    assert_int_equal(next, books.forward.received.messages);
    close(fd);
}

/* Nobody has bound the name yet: nothing has begun, and all that waits in the device is dropped. */
TEST(a_stop_makes_room_again)
{
    struct rig rig = {.front = open_socket(ZMQ_PULL), .back = open_socket(ZMQ_PUSH)};
    void *pull = open_socket(ZMQ_PULL);
    set_int(rig.back, ZMQ_SNDHWM, 5);
    rig.front_at = bind_anew(rig.front, "inproc://new");
    connect_to(rig.back, "inproc://later");
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    start_rig(&rig, GMQ_DEVICE_STREAMER);
    for (int n = 0; n < 20; n++)
        send_number(push, n, 0);
    wait_books(rig.device, books.forward.received.messages == 5);
    gmq_device_stop(rig.device);
    assert_int_equal(account_of(rig.device).forward.dropped[GMQ_DROP_STOPPED].messages, 5);
    free_device(rig.device);
    assert_true(can_send(rig.back, DEADLINE_MS));
    send_parts(rig.back, "100");
    bind_to(pull, "inproc://later");
    assert_int_equal(recv_number(pull), 100);
    for (int n = 5; n < 20; n++)
        assert_int_equal(recv_number(rig.front), n);
}

struct proxy {
    void *front, *back, *control;
    int rc;
};

static void *proxy_in_thread(void *argument)
{
    struct proxy *proxy = argument;
    proxy->rc = zmq_proxy_steerable(proxy->front, proxy->back, NULL, proxy->control);
    return NULL;
}

/* zmq_proxy() has no word for what it drops: what it has taken stays with its socket, which
 * lingers. */
TEST(a_proxy_leaves_its_queue_to_the_socket)
{
    struct rig rig = {.front = open_socket(ZMQ_PULL), .back = open_socket(ZMQ_PUSH)};
    rig.control = open_socket(ZMQ_REP);
    keep_little(rig.back);
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    rig.back_at = bind_to(rig.back, "tcp://127.0.0.1:*");
    void *req = peer_at(ZMQ_REQ, bind_anew(rig.control, "inproc://new"));
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    struct proxy proxy = {.front = rig.front, .back = rig.back, .control = rig.control};
    pthread_t thread = start_thread(proxy_in_thread, &proxy);
    int sent = send_until_full(push, 0);
    send_parts(req, "TERMINATE");
    join_thread(thread);
    assert_int_equal(proxy.rc, 0);
    int left = recv_bulk(rig.front); /* the first that it has not taken */
    assert_in_range(left, STALL_HWM / 2, sent);
    close_socket(rig.back);
    for (int n = 0; n < left; n++) {
        assert_int_equal(raw_recv_frame(fd).flags, RAW_MORE);
        assert_int_equal(raw_skip_frame(fd, NULL), RAW_LONG);
    }
    assert_true(raw_closes(fd, DEADLINE_MS));
    close(fd);
}

#define DRAIN_OVER_TCP_AND_INPROC(test)                        \
    device_case(#test "_over_tcp", test, "tcp://127.0.0.1:*"), \
        device_case(#test "_over_inproc", test, "inproc://new")

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAIN_OVER_TCP_AND_INPROC(an_idle_device_is_drained_at_once),
        RUN_DEVICE(a_drain_lets_out_what_is_queued),
        RUN_DEVICE(a_drain_ends_at_its_deadline),
        RUN_DEVICE(a_drain_without_time_stops_at_once),
        RUN_DEVICE(a_drain_does_not_wait_for_the_dead),
        DRAIN_OVER_TCP_AND_INPROC(a_queue_lets_replies_come_back),
        DRAIN_OVER_TCP_AND_INPROC(a_queue_does_not_wait_for_a_client_that_has_gone),
        DRAIN_OVER_TCP_AND_INPROC(a_queue_waits_for_replies_until_the_deadline),
        DRAIN_OVER_TCP_AND_INPROC(a_drain_takes_nothing_more),
        DRAIN_OVER_TCP_AND_INPROC(a_paused_device_can_be_drained),
        DRAIN_OVER_TCP_AND_INPROC(a_draining_device_is_neither_paused_nor_resumed),
        RUN_DEVICE(a_stop_ends_a_drain),
        RUN_DEVICE(the_end_of_the_context_ends_a_drain),
        DRAIN_OVER_TCP_AND_INPROC(a_signal_does_not_end_a_drain),
        RUN_DEVICE(a_stop_drops_what_is_queued_and_counts_it),
        RUN_DEVICE(a_stop_makes_room_again),
        RUN_DEVICE(a_proxy_leaves_its_queue_to_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
