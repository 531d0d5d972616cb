/* SPDX-License-Identifier: MIT */
/*
 * What the workers behind a device owe: one reply a request, each of them for itself. A drain waits
 * for that and for nothing else, and the account tells it.
 */
#include "behaviour/util.h"
#include "behaviour/device.h"

struct drain {
    struct gmq_device *device;
    int rc;
};

static void *drain_in_thread(void *argument)
{
    struct drain *drain = argument;
    drain->rc = gmq_device_drain(drain->device, -1);
    return NULL;
}

static pthread_t start_drain(struct drain *drain)
{
    pthread_t thread = start_thread(drain_in_thread, drain);
    wait_books(drain->device, books.state == GMQ_DEVICE_DRAINING);
    return thread;
}

/* Receives a request and says who has sent it. */
static struct part take_request(void *worker, const char *text)
{
    struct part id = recv_id(worker);
    expect_parts(worker, text);
    return id;
}

static void reply(void *worker, const struct part *id, const char *text)
{
    send_part(worker, id, ZMQ_SNDMORE);
    send_parts(worker, text);
}

static struct rig queue_over(void **state)
{
    return rig_of(*state, GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
}

TEST(a_worker_that_has_died_owes_nothing)
{
    struct rig rig = queue_over(state);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *worker = peer_at(ZMQ_DEALER, rig.back_at);
    send_parts(client, "lost");
    take_request(worker, "lost");
    wait_books(rig.device, books.owed == 1);
    close_socket(worker);
    wait_books(rig.device, books.backend_peers == 0);
    void *other = peer_at(ZMQ_DEALER, rig.back_at);
    send_parts(client, "served");
    struct part id = take_request(other, "served");
    reply(other, &id, "done");
    expect_parts(client, "done");
    struct gmq_account seen = account_of(rig.device);
    assert_int_equal(seen.owed, 0);
    assert_int_equal(seen.unanswered, 1);
    assert_int_equal(gmq_device_drain(rig.device, -1), 0);
    assert_int_equal(account_of(rig.device).unanswered, 1);
}

TEST(the_death_of_the_last_debtor_ends_a_drain)
{
    struct rig rig = queue_over(state);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *worker = peer_at(ZMQ_DEALER, rig.back_at);
    send_parts(client, "lost");
    take_request(worker, "lost");
    struct drain drain = {.device = rig.device};
    pthread_t thread = start_drain(&drain);
    close_socket(worker);
    join_thread(thread);
    assert_int_equal(drain.rc, 0);
    assert_int_equal(account_of(rig.device).unanswered, 1);
}

TEST(a_second_reply_settles_no_other_request)
{
    struct rig rig = queue_over(state);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *worker = peer_at(ZMQ_DEALER, rig.back_at);
    send_parts(client, "one");
    struct part id = take_request(worker, "one");
    reply(worker, &id, "first");
    reply(worker, &id, "second");
    expect_parts(client, "first");
    expect_parts(client, "second");
    send_parts(client, "two");
    take_request(worker, "two");
    wait_books(rig.device, books.owed == 1);
    struct drain drain = {.device = rig.device};
    pthread_t thread = start_drain(&drain);
    reply(worker, &id, "last");
    expect_parts(client, "last");
    join_thread(thread);
    assert_int_equal(drain.rc, 0);
    struct gmq_account seen = account_of(rig.device);
    assert_int_equal(seen.backward.forwarded.messages, 3);
    assert_int_equal(seen.unanswered, 0);
}

/* What the device has not read of it yet when it goes is a reply all the same. */
TEST(a_worker_may_reply_and_go)
{
    enum { REQUESTS = 3 };
    struct rig rig = queue_over(state);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *worker = peer_at(ZMQ_DEALER, rig.back_at);
    struct part id = {0};
    for (int i = 0; i < REQUESTS; i++) {
        send_parts(client, "ask");
        id = take_request(worker, "ask");
    }
    wait_books(rig.device, books.owed == REQUESTS);
    assert_int_equal(gmq_device_pause(rig.device), 0);
    for (int i = 0; i < REQUESTS - 1; i++)
        reply(worker, &id, "answer");
    close_socket(worker);
    wait_books(rig.device, books.backend_peers == 0);
    assert_int_equal(gmq_device_drain(rig.device, -1), 0);
    for (int i = 0; i < REQUESTS - 1; i++)
        expect_parts(client, "answer");
    struct gmq_account seen = account_of(rig.device);
    assert_int_equal(seen.backward.received.messages, REQUESTS - 1);
    assert_int_equal(seen.unanswered, 1);
}

static uint64_t owed_by(struct gmq_device *device, uint64_t owed[3])
{
    struct gmq_peer peers[8];
    long count = gmq_device_peers(device, peers, 8);
    uint64_t sum = 0;
    int n = 0;
    for (long i = 0; i < count; i++) {
        if (peers[i].backend)
            owed[n++] = peers[i].owed;
        sum += peers[i].owed;
    }
    return sum;
}

TEST(each_owes_for_itself)
{
    struct rig rig = queue_over(state);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *workers[3];
    struct part id = {0};
    for (int i = 0; i < 3; i++) {
        workers[i] = peer_at(ZMQ_DEALER, rig.back_at);
        wait_books(rig.device, books.backend_peers == (uint64_t)i + 1);
    }
    for (int i = 0; i < 3; i++)
        send_parts(client, "ask");
    for (int i = 0; i < 3; i++)
        id = take_request(workers[i], "ask");
    for (int i = 0; i < 5; i++) {
        reply(workers[1], &id, "eager");
        expect_parts(client, "eager");
    }
    uint64_t owed[3];
    wait_until(owed_by(rig.device, owed) == 2);
    assert_int_equal(owed[0], 1);
    assert_int_equal(owed[1], 0);
    assert_int_equal(owed[2], 1);
    assert_int_equal(account_of(rig.device).owed, 2);
    assert_int_equal(gmq_device_drain(rig.device, 0), 1);
    assert_int_equal(account_of(rig.device).owed, 2);
}

/* A worker that answers within the very call in which it is handed its requests. */
TEST(an_echo_in_the_engine_owes_nothing)
{
    enum { REQUESTS = 500 };
    struct rig rig = queue_over(state), echo = {.front = open_socket(ZMQ_DEALER)};
    echo.back = echo.front;
    connect_to(echo.front, rig.back_at.text);
    start_rig(&echo, GMQ_DEVICE_ANY);
    void *client = peer_at(ZMQ_DEALER, rig.front_at);
    for (int i = 0; i < REQUESTS; i++)
        send_number(client, i, 0);
    for (int i = 0; i < REQUESTS; i++)
        assert_int_equal(recv_number(client), i);
    wait_books(rig.device, books.owed == 0);
    assert_int_equal(gmq_device_drain(rig.device, -1), 0);
    assert_int_equal(account_of(rig.device).unanswered, 0);
}

/* The device has connected to its worker, whose peer stays when the connection is lost. */
TEST(a_worker_that_comes_back_owes_nothing_of_before)
{
    struct rig rig = bound_rig("tcp://127.0.0.1:*", ZMQ_ROUTER, ZMQ_DEALER);
    void *worker = open_socket(ZMQ_ROUTER), *client = peer_at(ZMQ_DEALER, rig.front_at);
    struct endpoint at = bind_to(worker, "tcp://127.0.0.1:*");
    set_int(rig.back, ZMQ_RECONNECT_IVL, 10);
    connect_to(rig.back, at.text);
    start_rig(&rig, GMQ_DEVICE_QUEUE);
    send_parts(client, "lost");
    recv_id(worker);
    take_request(worker, "lost");
    close_socket(worker);
    wait_books(rig.device, books.unanswered == 1 && books.owed == 0);
    worker = open_socket(ZMQ_ROUTER);
    wait_until(zmq_bind(worker, at.text) == 0);
    send_parts(client, "served");
    struct part device = recv_id(worker), id = take_request(worker, "served");
    assert_int_equal(account_of(rig.device).owed, 1);
    send_part(worker, &device, ZMQ_SNDMORE);
    reply(worker, &id, "done");
    expect_parts(client, "done");
    assert_int_equal(gmq_device_drain(rig.device, -1), 0);
}

TEST(a_req_at_the_back_awaits_its_reply)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_REP, ZMQ_REQ);
    void *client = peer_at(ZMQ_REQ, rig.front_at), *worker = peer_at(ZMQ_REP, rig.back_at);
    send_parts(client, "ask");
    expect_parts(worker, "ask");
    wait_books(rig.device, books.owed == 1);
    struct drain drain = {.device = rig.device};
    pthread_t thread = start_drain(&drain);
    send_parts(worker, "answer");
    expect_parts(client, "answer");
    join_thread(thread);
    assert_int_equal(drain.rc, 0);
}

/* The worker goes with a request that it has not answered. Its client waits in vain, the next one
 * does not. */
TEST(a_rep_at_the_front_takes_requests_after_a_reply_was_lost)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_REP, ZMQ_REQ);
    void *client = peer_at(ZMQ_REQ, rig.front_at), *worker = peer_at(ZMQ_REP, rig.back_at);
    send_parts(client, "lost");
    expect_parts(worker, "lost");
    close_socket(worker);
    wait_books(rig.device, books.backend_peers == 0);
    worker = peer_at(ZMQ_REP, rig.back_at);
    void *other = peer_at(ZMQ_REQ, rig.front_at);
    send_parts(other, "served");
    expect_parts(worker, "served");
    send_parts(worker, "done");
    expect_parts(other, "done");
    close_socket(client);
}

/* Who takes requests there may have nothing to say: no pattern promises a reply. */
TEST(other_devices_await_none)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_DEALER, ZMQ_DEALER);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *worker = peer_at(ZMQ_DEALER, rig.back_at);
    send_parts(client, "news");
    expect_parts(worker, "news");
    wait_books(rig.device, books.forward.forwarded.messages == 1);
    assert_int_equal(account_of(rig.device).owed, 0);
    assert_int_equal(gmq_device_drain(rig.device, -1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE_OVER_ALL(a_worker_that_has_died_owes_nothing),
        RUN_DEVICE_OVER_ALL(the_death_of_the_last_debtor_ends_a_drain),
        RUN_DEVICE_OVER_ALL(a_second_reply_settles_no_other_request),
        device_case("a_worker_may_reply_and_go_over_tcp", a_worker_may_reply_and_go,
                    "tcp://127.0.0.1:*"),
        device_case("a_worker_may_reply_and_go_over_ipc", a_worker_may_reply_and_go, "ipc://*"),
        RUN_DEVICE_OVER_ALL(each_owes_for_itself),
        RUN_DEVICE_OVER_ALL(an_echo_in_the_engine_owes_nothing),
        RUN_DEVICE(a_worker_that_comes_back_owes_nothing_of_before),
        RUN_DEVICE_OVER_ALL(a_req_at_the_back_awaits_its_reply),
        RUN_DEVICE_OVER_ALL(a_rep_at_the_front_takes_requests_after_a_reply_was_lost),
        RUN_DEVICE_OVER_ALL(other_devices_await_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
