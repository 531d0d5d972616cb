/* SPDX-License-Identifier: MIT */
/*
 * QUEUE and STREAMER, the other pairs of sockets that a device takes, one socket as both sides,
 * and that the sockets are the application's again when the device has ended. FORWARDER has a
 * file of its own.
 */
#include "behaviour/util.h"
#include "behaviour/device.h"

/* A worker's part, in the thread of the test: each request comes back with a word before it. */
static void echo_one(void *rep)
{
    struct part request = recv_part(rep);
    send_bytes(rep, "re: ", 4, ZMQ_SNDMORE);
    send_part(rep, &request, 0);
}

TEST(queue_passes_requests_and_replies)
{
    struct rig rig = queue_at(*state);
    void *req = peer_at(ZMQ_REQ, rig.front_at), *rep = peer_at(ZMQ_REP, rig.back_at);
    for (int i = 0; i < 100; i++) {
        send_number(req, i, 0);
        echo_one(rep);
        struct part word = recv_part(req);
        assert_true(part_is(&word, "re: ") && word.more);
        assert_int_equal(recv_number(req), i);
    }
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.forward.forwarded.messages, 100);
    assert_int_equal(books.forward.forwarded.parts, 300); /* client, delimiter, request */
    assert_int_equal(books.backward.forwarded.messages, 100);
    assert_int_equal(books.backward.forwarded.parts, 400);
    assert_int_equal(books.frontend_peers, 1);
    assert_int_equal(books.backend_peers, 1);
}

/* Many in flight, answered in another order: each reply finds its client. */
TEST(queue_keeps_clients_apart)
{
    enum { CLIENTS = 5, REQUESTS = 20 };
    struct rig rig = queue_at(*state);
    void *client[CLIENTS], *worker = peer_at(ZMQ_ROUTER, rig.back_at);
    struct part id[CLIENTS * REQUESTS], number[CLIENTS * REQUESTS];
    for (int i = 0; i < CLIENTS; i++)
        client[i] = peer_at(ZMQ_DEALER, rig.front_at);
    for (int n = 0; n < CLIENTS * REQUESTS; n++)
        send_number(client[n % CLIENTS], n, 0);
    struct part queue = {0};
    for (int n = 0; n < CLIENTS * REQUESTS; n++) {
        queue = recv_id(worker);
        id[n] = recv_id(worker);
        number[n] = recv_part(worker);
        assert_false(number[n].more);
    }
    for (int n = CLIENTS * REQUESTS - 1; n >= 0; n--) {
        send_part(worker, &queue, ZMQ_SNDMORE);
        send_part(worker, &id[n], ZMQ_SNDMORE);
        send_part(worker, &number[n], 0);
    }
    for (int i = 0; i < CLIENTS; i++)
        for (int last = CLIENTS * REQUESTS, k = 0; k < REQUESTS; k++) {
            int n = recv_number(client[i]);
            assert_int_equal(n % CLIENTS, i);
            assert_true(n < last);
            last = n;
        }
}

TEST(queue_deals_requests_out_in_turn)
{
    enum { WORKERS = 4 };
    struct rig rig = queue_at(*state);
    void *worker[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        worker[i] = peer_at(ZMQ_DEALER, rig.back_at);
    wait_books(rig.device, books.backend_peers == WORKERS);
    void *client = peer_at(ZMQ_DEALER, rig.front_at);
    for (int n = 0; n < WORKERS * 10; n++)
        send_number(client, n, 0);
    for (int i = 0; i < WORKERS; i++)
        for (int k = 0; k < 10; k++) {
            recv_id(worker[i]);
            int n = recv_number(worker[i]);
            assert_int_equal(n / WORKERS, k);
        }
}

/* An envelope as deep as it likes passes as it is. */
TEST(queue_does_not_look_into_envelopes)
{
    struct rig rig = queue_at(*state);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *worker = peer_at(ZMQ_DEALER, rig.back_at);
    send_parts(client, "a", "b", "", "", "c", "");
    struct part id = recv_id(worker);
    expect_parts(worker, "a", "b", "", "", "c", "");
    send_part(worker, &id, ZMQ_SNDMORE);
    send_parts(worker, "", "x", "", "y");
    expect_parts(client, "", "x", "", "y");
}

/* Devices in a row: the frontend of each is where the backend of the one before connects. */
TEST(queues_in_a_row)
{
    enum { QUEUES = 6 };
    struct endpoint entry, next = {""};
    void *rep = open_socket(ZMQ_REP);
    struct rig rig[QUEUES];
    for (int i = 0; i < QUEUES; i++) {
        rig[i] = (struct rig){.front = open_socket(ZMQ_ROUTER), .back = open_socket(ZMQ_DEALER)};
        rig[i].front_at = bind_anew(rig[i].front, *state);
        if (i == 0)
            entry = rig[i].front_at;
        else
            connect_to(rig[i - 1].back, rig[i].front_at.text);
        start_rig(&rig[i], GMQ_DEVICE_QUEUE);
    }
    next = bind_anew(rep, *state);
    connect_to(rig[QUEUES - 1].back, next.text);
    void *req[3];
    for (int i = 0; i < 3; i++)
        req[i] = peer_at(ZMQ_REQ, entry);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 3; i++)
            send_number(req[i], i, 0);
        for (int i = 0; i < 3; i++)
            echo_one(rep);
        for (int i = 0; i < 3; i++) {
            recv_id(req[i]);
            assert_int_equal(recv_number(req[i]), i);
        }
    }
    struct gmq_account books = account_of(rig[QUEUES - 1].device);
    assert_int_equal(books.forward.received.messages, 60);
    assert_int_equal(books.forward.received.parts, 60 * (QUEUES + 2));
}

TEST(streamer_passes_all_in_order)
{
    enum { COUNT = 5000 };
    struct rig rig = streamer_at(*state);
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = peer_at(ZMQ_PULL, rig.back_at);
    for (int n = 0, seen = 0; seen < COUNT;) {
        while (n < COUNT && n < seen + 500)
            send_number(push, n++, 0);
        while (seen < n)
            assert_int_equal(recv_number(pull), seen++);
    }
    wait_books(rig.device, books.forward.forwarded.messages == COUNT);
    assert_int_equal(account_of(rig.device).backward.received.messages, 0);
}

TEST(streamer_collects_and_deals_out)
{
    struct rig rig = streamer_at(*state);
    void *pull[3], *push[4];
    for (int i = 0; i < 3; i++)
        pull[i] = peer_at(ZMQ_PULL, rig.back_at);
    wait_books(rig.device, books.backend_peers == 3);
    for (int i = 0; i < 4; i++)
        push[i] = peer_at(ZMQ_PUSH, rig.front_at);
    for (int n = 0; n < 30; n++)
        for (int i = 0; i < 4; i++)
            send_parts(push[i], "work", "", "more");
    for (int i = 0; i < 3; i++)
        for (int n = 0; n < 40; n++)
            expect_parts(pull[i], "work", "", "more");
}

/* What waits at the device when it has no consumer is not lost, and comes when there is one. */
TEST(streamer_waits_for_a_consumer)
{
    struct rig rig = streamer_at(*state);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    for (int n = 0; n < 100; n++)
        send_number(push, n, 0);
    void *pull = peer_at(ZMQ_PULL, rig.back_at);
    for (int n = 0; n < 100; n++)
        assert_int_equal(recv_number(pull), n);
}

/* Sent both ways through a device between these sockets; what comes is what was sent. */
static void both_ways(const char *where, int front, int back, int left_type, int right_type)
{
    struct rig rig = rig_of(where, GMQ_DEVICE_ANY, front, back);
    void *left = peer_at(left_type, rig.front_at), *right = peer_at(right_type, rig.back_at);
    for (int n = 0; n < 50; n++) {
        send_parts(left, "there", "");
        expect_parts(right, "there", "");
        send_parts(right, "", "and", "back");
        expect_parts(left, "", "and", "back");
    }
    wait_books(rig.device, books.backward.forwarded.messages == 50);
    assert_int_equal(account_of(rig.device).forward.forwarded.parts, 100);
}

TEST(pair_to_pair)
{
    both_ways(*state, ZMQ_PAIR, ZMQ_PAIR, ZMQ_PAIR, ZMQ_PAIR);
}

TEST(dealer_to_dealer)
{
    both_ways(*state, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER);
}

TEST(pair_to_dealer)
{
    both_ways(*state, ZMQ_PAIR, ZMQ_DEALER, ZMQ_PAIR, ZMQ_DEALER);
}

/* Lock step: a REP and a REQ between, so a request at a time. */
TEST(rep_to_req)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_REP, ZMQ_REQ);
    void *req[2] = {peer_at(ZMQ_REQ, rig.front_at), peer_at(ZMQ_REQ, rig.front_at)};
    void *rep = peer_at(ZMQ_REP, rig.back_at);
    for (int round = 0; round < 20; round++) {
        send_parts(req[0], "ask", "0");
        send_parts(req[1], "ask", "1");
        for (int i = 0; i < 2; i++) {
            struct part first = recv_part(rep), second = recv_part(rep);
            assert_true(part_is(&first, "ask") && !second.more);
            send_part(rep, &second, 0);
        }
        expect_parts(req[0], "0");
        expect_parts(req[1], "1");
    }
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.forward.forwarded.messages, 40);
    assert_int_equal(books.backward.forwarded.messages, 40);
}

/* A client behind a ROUTER, served by a REQ to one worker: as libzmq's proxy does it. */
TEST(router_to_req)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_ROUTER, ZMQ_REQ);
    void *client = peer_at(ZMQ_DEALER, rig.front_at), *rep = peer_at(ZMQ_REP, rig.back_at);
    for (int i = 0; i < 3; i++)
        send_number(client, i, 0);
    for (int i = 0; i < 3; i++) {
        struct part id = recv_id(rep), number = recv_part(rep);
        send_part(rep, &id, ZMQ_SNDMORE);
        send_part(rep, &number, 0);
        assert_int_equal(recv_number(client), i);
    }
}

/* Two ROUTERs: who has the same routing id at both finds itself at the other side. */
TEST(router_to_router)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_ROUTER, ZMQ_ROUTER);
    void *left[2], *right[2];
    const char *name[] = {"A", "Bee"};
    for (int i = 0; i < 2; i++) {
        left[i] = open_socket(ZMQ_DEALER);
        right[i] = open_socket(ZMQ_DEALER);
        set_text(left[i], ZMQ_ROUTING_ID, name[i]);
        set_text(right[i], ZMQ_ROUTING_ID, name[i]);
        connect_to(left[i], rig.front_at.text);
        connect_to(right[i], rig.back_at.text);
    }
    wait_books(rig.device, books.frontend_peers == 2 && books.backend_peers == 2);
    for (int n = 0; n < 10; n++)
        for (int i = 0; i < 2; i++) {
            send_parts(left[i], "to", name[i]);
            expect_parts(right[i], "to", name[i]);
            send_parts(right[i], "back to", name[i]);
            expect_parts(left[i], "back to", name[i]);
        }
    void *stranger = peer_at(ZMQ_DEALER, rig.front_at);
    send_parts(stranger, "nobody has my name");
    wait_books(rig.device, books.forward.dropped[GMQ_DROP_NO_ROUTE].messages == 1);
}

/* In one direction only; at the other end of it are `from` and `to`. */
static void one_way(const char *where, int front, int back, int from, int to)
{
    struct rig rig = rig_of(where, GMQ_DEVICE_ANY, front, back);
    void *source = peer_at(from, rig.front_at), *sink = open_socket(to);
    if (to == ZMQ_SUB)
        assert_int_equal(zmq_setsockopt(sink, ZMQ_SUBSCRIBE, "", 0), 0);
    connect_to(sink, rig.back_at.text);
    if (front == ZMQ_SUB)
        assert_int_equal(zmq_setsockopt(rig.front, ZMQ_SUBSCRIBE, "", 0), 0);
    wait_books(rig.device, books.frontend_peers == 1 && books.backend_peers == 1);
    do { /* subscriptions are on their way */
        send_parts(source, "try", "again");
    } while (!can_recv(sink, 1));
    send_parts(source, "last");
    for (;;) {
        struct part part = recv_part(sink);
        if (part_is(&part, "last"))
            break;
        assert_true(part_is(&part, "try") && part.more);
        expect_parts(sink, "again");
    }
}

TEST(pull_to_pub)
{
    one_way(*state, ZMQ_PULL, ZMQ_PUB, ZMQ_PUSH, ZMQ_SUB);
}

TEST(sub_to_push)
{
    one_way(*state, ZMQ_SUB, ZMQ_PUSH, ZMQ_PUB, ZMQ_PULL);
}

TEST(xsub_to_pub)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_XSUB, ZMQ_PUB);
    void *pub = peer_at(ZMQ_XPUB, rig.front_at), *sub = open_socket(ZMQ_SUB);
    set_text(sub, ZMQ_SUBSCRIBE, "");
    connect_to(sub, rig.back_at.text);
    wait_books(rig.device, books.frontend_peers == 1 && books.backend_peers == 1);
    /* A PUB keeps subscriptions to itself, so the publisher hears of none. */
    send_parts(pub, "unheard of");
    expect_nothing(pub);
    assert_int_equal(account_of(rig.device).forward.received.messages, 0);
    assert_false(can_recv(sub, 0));
}

TEST(dealer_to_push_and_pull_to_dealer)
{
    one_way(*state, ZMQ_DEALER, ZMQ_PUSH, ZMQ_DEALER, ZMQ_PULL);
    one_way(*state, ZMQ_PULL, ZMQ_DEALER, ZMQ_PUSH, ZMQ_DEALER);
}

/* What comes in where nothing can go out is counted as such, and holds nobody up. */
TEST(what_has_no_way_out_is_dropped)
{
    struct rig rig = rig_of(*state, GMQ_DEVICE_ANY, ZMQ_PULL, ZMQ_DEALER);
    void *dealer = peer_at(ZMQ_DEALER, rig.back_at);
    for (int i = 0; i < 10; i++)
        send_parts(dealer, "to", "whom?");
    wait_books(rig.device, books.backward.dropped[GMQ_DROP_NO_ROUTE].messages == 10);
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.backward.received.parts, 20);
    assert_int_equal(books.backward.received.bytes, 70);
}

TEST(reflector)
{
    void *socket = open_socket(ZMQ_DEALER);
    struct endpoint where = bind_anew(socket, *state);
    struct gmq_device *device = keep_device(gmq_device_new(socket, socket, NULL));
    assert_int_equal(gmq_device_start(device), 0);
    void *peer = peer_at(ZMQ_DEALER, where);
    for (int i = 0; i < 50; i++)
        send_number(peer, i, 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(recv_number(peer), i);
    assert_int_equal(gmq_device_pause(device), 0);
    assert_int_equal(gmq_device_resume(device), 0);
    send_parts(peer, "once", "more");
    expect_parts(peer, "once", "more");
    wait_books(device, books.forward.forwarded.messages == 51);
    assert_int_equal(account_of(device).backward.received.messages, 0);
    assert_int_equal(gmq_device_peers(device, NULL, 0), 1);
    assert_int_equal(gmq_device_drain(device, DEADLINE_MS), 0);
}

/* Two reflected peers: a DEALER gives to each in turn, a ROUTER to each its own. */
TEST(reflector_of_a_router)
{
    void *socket = open_socket(ZMQ_ROUTER);
    struct endpoint where = bind_anew(socket, *state);
    struct gmq_device *device = keep_device(gmq_device_new(socket, socket, NULL));
    gmq_device_start(device);
    void *req[2] = {peer_at(ZMQ_REQ, where), peer_at(ZMQ_REQ, where)};
    for (int round = 0; round < 10; round++) {
        send_parts(req[0], "one");
        send_parts(req[1], "two");
        expect_parts(req[0], "one");
        expect_parts(req[1], "two");
    }
}

/* Before and after, the sockets are ordinary ones: what waits in them moves with them. */
TEST(sockets_are_the_applications_before_and_after)
{
    struct rig rig = bound_rig(*state, ZMQ_ROUTER, ZMQ_DEALER);
    void *req = peer_at(ZMQ_REQ, rig.front_at), *rep = peer_at(ZMQ_REP, rig.back_at);
    for (int round = 0; round < 3; round++) {
        send_parts(req, "by hand");
        struct part id = recv_id(rig.front);
        expect_parts(rig.front, "", "by hand");
        send_part(rig.front, &id, ZMQ_SNDMORE);
        send_parts(rig.front, "", "answered");
        expect_parts(req, "answered");
        send_parts(req, "waits for the device");
        await_message(rig.front, req);
        start_rig(&rig, GMQ_DEVICE_QUEUE);
        echo_one(rep);
        expect_parts(req, "re: ", "waits for the device");
        send_parts(req, "passes");
        echo_one(rep);
        expect_parts(req, "re: ", "passes");
        wait_books(rig.device, books.backward.forwarded.messages == 2);
        free_device(rig.device);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE_OVER_ALL(queue_passes_requests_and_replies),
        RUN_DEVICE_OVER_ALL(queue_keeps_clients_apart),
        RUN_DEVICE_OVER_ALL(queue_deals_requests_out_in_turn),
        RUN_DEVICE_OVER_ALL(queue_does_not_look_into_envelopes),
        RUN_DEVICE_OVER_ALL(queues_in_a_row),
        RUN_DEVICE_OVER_ALL(streamer_passes_all_in_order),
        RUN_DEVICE_OVER_ALL(streamer_collects_and_deals_out),
        RUN_DEVICE_OVER_ALL(streamer_waits_for_a_consumer),
        RUN_DEVICE_OVER_ALL(pair_to_pair),
        RUN_DEVICE_OVER_ALL(dealer_to_dealer),
        RUN_DEVICE_OVER_ALL(pair_to_dealer),
        RUN_DEVICE_OVER_ALL(rep_to_req),
        RUN_DEVICE_OVER_ALL(router_to_req),
        RUN_DEVICE_OVER_ALL(router_to_router),
        RUN_DEVICE_OVER_ALL(pull_to_pub),
        RUN_DEVICE_OVER_ALL(sub_to_push),
        RUN_DEVICE_OVER_ALL(xsub_to_pub),
        RUN_DEVICE_OVER_ALL(dealer_to_push_and_pull_to_dealer),
        RUN_DEVICE_OVER_ALL(what_has_no_way_out_is_dropped),
        RUN_DEVICE_OVER_ALL(reflector),
        RUN_DEVICE_OVER_ALL(reflector_of_a_router),
        RUN_DEVICE_OVER_ALL(sockets_are_the_applications_before_and_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
