/* SPDX-License-Identifier: MIT */
/*
 * zmq_proxy and zmq_device: the three devices, other pairs of sockets, one socket as both sides,
 * devices in a row, capture, and how they end. zmq_proxy(3) and RFC 28 to 31.
 */
#include "behaviour/util.h"
#include "behaviour/relay.h"

/* Two workers, three clients, each with its own requests; every reply finds its client. */
static void use_queue(const struct relay *relay)
{
    void *worker[2], *client[3];
    for (int i = 0; i < 2; i++)
        worker[i] = open_client(ZMQ_REP, relay->at_back);
    for (int i = 0; i < 3; i++)
        client[i] = open_client(ZMQ_REQ, relay->at_front);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 3; i++) {
            send_number(client[i], i, ZMQ_SNDMORE);
            send_number(client[i], round, 0);
        }
        for (int served = 0; served < 3;) {
            zmq_pollitem_t items[] = {{.socket = worker[0], .events = ZMQ_POLLIN},
                                      {.socket = worker[1], .events = ZMQ_POLLIN}};
            assert_true(zmq_poll(items, 2, DEADLINE_MS) > 0);
            for (int i = 0; i < 2; i++) {
                if (!items[i].revents)
                    continue;
                int from = recv_number(worker[i]);
                int number = recv_number(worker[i]);
                send_number(worker[i], from, ZMQ_SNDMORE);
                send_number(worker[i], number, 0);
                served++;
            }
        }
        for (int i = 0; i < 3; i++) {
            assert_int_equal(recv_number(client[i]), i);
            assert_int_equal(recv_number(client[i]), round);
        }
    }
}

TEST(queue_answers_every_client)
{
    struct relay relay = open_relay(ZMQ_ROUTER, ZMQ_DEALER, *state);
    start_relay(&relay);
    use_queue(&relay);
    end_relay(&relay);
}

TEST(queue_holds_many_requests_in_flight)
{
    enum { REQUESTS = 500 };
    struct relay relay = open_relay(ZMQ_ROUTER, ZMQ_DEALER, *state);
    start_relay(&relay);
    void *client = open_client(ZMQ_DEALER, relay.at_front);
    void *worker = open_client(ZMQ_DEALER, relay.at_back);
    for (int i = 0; i < REQUESTS; i++) {
        send_bytes(client, "", 0, ZMQ_SNDMORE);
        send_bytes(client, "a", 1, ZMQ_SNDMORE);
        send_number(client, i, 0);
    }
    for (int i = 0; i < REQUESTS; i++) {
        for (struct part part = {.more = true}; part.more;) {
            part = recv_part(worker);
            send_part(worker, &part, part.more ? ZMQ_SNDMORE : 0);
        }
    }
    for (int i = 0; i < REQUESTS; i++) {
        assert_int_equal(recv_id(client).size, 0);
        assert_int_equal(recv_id(client).size, 1);
        assert_int_equal(recv_number(client), i);
    }
    end_relay(&relay);
}

TEST(queues_in_a_row)
{
    struct relay first = open_relay(ZMQ_ROUTER, ZMQ_DEALER, *state);
    struct relay second = {0};
    second.front = open_socket(ZMQ_ROUTER);
    set_int(second.front, ZMQ_LINGER, 0);
    connect_to(second.front, first.at_back.text);
    second.back = open_face(ZMQ_DEALER, DEFAULT_HWM, "inproc://third", &second.at_back);
    start_relay(&first);
    start_relay(&second);
    struct relay both = {.at_front = first.at_front, .at_back = second.at_back};
    use_queue(&both);
    end_relay(&first);
    join_thread(second.thread);
    assert_int_equal(second.outcome->error, ETERM);
}

TEST(forwarder_sends_subscriptions_up_and_messages_down)
{
    struct relay relay = open_relay(ZMQ_XSUB, ZMQ_XPUB, *state);
    start_relay(&relay);
    void *pub = open_client(ZMQ_XPUB, relay.at_front);
    void *sub[2] = {open_client(ZMQ_SUB, relay.at_back), open_client(ZMQ_SUB, relay.at_back)};
    set_text(sub[0], ZMQ_SUBSCRIBE, "a");
    expect_parts(pub, "\1a");
    set_text(sub[1], ZMQ_SUBSCRIBE, "b");
    expect_parts(pub, "\1b");
    send_parts(pub, "c", "for nobody");
    send_parts(pub, "b", "for the second");
    send_parts(pub, "a", "for the first");
    expect_parts(sub[0], "a", "for the first");
    expect_parts(sub[1], "b", "for the second");
    set_text(sub[0], ZMQ_UNSUBSCRIBE, "a");
    struct part end = recv_part(pub);
    assert_int_equal(end.size, 2);
    assert_memory_equal(end.data, "\0a", 2);
    close_socket(sub[1]);
    end = recv_part(pub);
    assert_memory_equal(end.data, "\0b", 2);
    end_relay(&relay);
}

TEST(forwarder_of_all)
{
    struct relay relay = open_relay(ZMQ_SUB, ZMQ_PUB, *state);
    set_text(relay.front, ZMQ_SUBSCRIBE, "");
    start_relay(&relay);
    void *pub = open_client(ZMQ_XPUB, relay.at_front);
    void *sub = open_client(ZMQ_SUB, relay.at_back);
    expect_parts(pub, "\1");
    set_text(sub, ZMQ_SUBSCRIBE, "news");
    do
        send_parts(pub, "news", "x");
    while (!can_recv(sub, 5));
    expect_parts(sub, "news", "x");
    end_relay(&relay);
}

TEST(streamer_shares_work_out)
{
    enum { WORKERS = 3, MESSAGES = 600 };
    struct relay relay = open_relay(ZMQ_PULL, ZMQ_PUSH, *state);
    start_relay(&relay);
    void *worker[WORKERS];
    void *source = open_client(ZMQ_PUSH, relay.at_front);
    int last[WORKERS], count[WORKERS] = {0}, sum = 0;
    for (int i = 0; i < WORKERS; i++) {
        worker[i] = open_client(ZMQ_PULL, relay.at_back);
        last[i] = -1;
        do
            send_parts(source, "-1");
        while (!can_recv(worker[i], 5)); /* so all of them are there before it counts */
    }
    for (int i = 0; i < MESSAGES; i++) {
        send_number(source, i, ZMQ_SNDMORE);
        send_parts(source, "body");
    }
    while (sum < MESSAGES) {
        for (int i = 0; i < WORKERS; i++) {
            if (!can_recv(worker[i], 1))
                continue;
            int number = recv_number(worker[i]);
            if (number == -1)
                continue;
            expect_parts(worker[i], "body");
            assert_true(number > last[i]);
            last[i] = number;
            count[i]++;
            sum++;
        }
    }
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(count[i], MESSAGES / WORKERS);
    end_relay(&relay);
}

TEST(long_stream_keeps_its_order)
{
    enum { MESSAGES = 20000 };
    struct relay relay = open_relay(ZMQ_PULL, ZMQ_PUSH, *state);
    start_relay(&relay);
    void *source = open_client(ZMQ_PUSH, relay.at_front);
    void *sink = open_client(ZMQ_PULL, relay.at_back);
    for (int sent = 0, received = 0; received < MESSAGES;) {
        for (int i = 0; i < 500; i++)
            send_number(source, sent++, 0);
        while (received < sent)
            assert_int_equal(recv_number(sink), received++);
    }
    end_relay(&relay);
}

TEST(pairs_of_any_kind)
{
    static const int kinds[][4] = {/* client, front, back, other client */
                                   {ZMQ_PAIR, ZMQ_PAIR, ZMQ_PAIR, ZMQ_PAIR},
                                   {ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_DEALER},
                                   {ZMQ_PAIR, ZMQ_PAIR, ZMQ_DEALER, ZMQ_DEALER}};
    for (int i = 0; i < 3; i++) {
        struct relay relay = open_relay(kinds[i][1], kinds[i][2], *state);
        start_relay(&relay);
        void *left = open_client(kinds[i][0], relay.at_front);
        void *right = open_client(kinds[i][3], relay.at_back);
        send_parts(left, "to the right", "", "!");
        expect_parts(right, "to the right", "", "!");
        send_parts(right, "to the left");
        expect_parts(left, "to the left");
        end_relay(&relay);
        while (world.sockets)
            close_socket(world.socket[0]);
        term_world();
        world.ctx = zmq_ctx_new();
    }
}

static void answers_itself(const char *where, int type)
{
    struct relay relay = {0};
    relay.front = relay.back = open_face(type, DEFAULT_HWM, where, &relay.at_front);
    start_relay(&relay);
    void *client[3];
    for (int i = 0; i < 3; i++) {
        client[i] = open_client(ZMQ_REQ, relay.at_front);
        send_number(client[i], i, 0);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(recv_number(client[i]), i);
    end_relay(&relay);
}

TEST(a_router_as_both_sides_answers_itself)
{
    answers_itself(*state, ZMQ_ROUTER);
}

TEST(a_rep_as_both_sides_answers_itself)
{
    answers_itself(*state, ZMQ_REP);
}

TEST(capture_sees_both_directions_whole)
{
    struct relay relay = open_relay(ZMQ_ROUTER, ZMQ_DEALER, *state);
    add_capture(&relay, ZMQ_PUSH, ZMQ_PULL);
    start_relay(&relay);
    void *client = open_socket(ZMQ_REQ);
    set_text(client, ZMQ_ROUTING_ID, "client");
    connect_to(client, relay.at_front.text);
    void *worker = open_client(ZMQ_REP, relay.at_back);
    send_parts(client, "question", "of two");
    expect_parts(worker, "question", "of two");
    send_parts(worker, "answer");
    expect_parts(client, "answer");
    expect_parts(relay.captured, "client", "", "question", "of two");
    expect_parts(relay.captured, "client", "", "answer");
    end_relay(&relay);
}

TEST(capture_may_publish)
{
    struct relay relay = open_relay(ZMQ_PULL, ZMQ_PUSH, *state);
    add_capture(&relay, ZMQ_PUB, ZMQ_SUB);
    set_text(relay.captured, ZMQ_SUBSCRIBE, "seen");
    start_relay(&relay);
    void *source = open_client(ZMQ_PUSH, relay.at_front);
    void *sink = open_client(ZMQ_PULL, relay.at_back);
    do {
        send_parts(source, "seen");
        expect_parts(sink, "seen");
    } while (!can_recv(relay.captured, 5));
    expect_parts(relay.captured, "seen");
    end_relay(&relay);
}

TEST(vanished_client_does_not_end_a_queue)
{
    struct relay relay = open_relay(ZMQ_ROUTER, ZMQ_DEALER, *state);
    start_relay(&relay);
    void *worker = open_client(ZMQ_REP, relay.at_back);
    for (int i = 0; i < 5; i++) {
        void *gone = open_client(ZMQ_REQ, relay.at_front);
        send_parts(gone, "question");
        expect_parts(worker, "question");
        close_socket(gone);
        send_parts(worker, "for nobody");
    }
    void *client = open_client(ZMQ_REQ, relay.at_front);
    send_parts(client, "question");
    expect_parts(worker, "question");
    send_parts(worker, "answer");
    expect_parts(client, "answer");
    end_relay(&relay);
}

static void *end_context(void *ctx)
{
    return (void *)(intptr_t)zmq_ctx_term(ctx);
}

TEST(end_of_the_context_ends_the_device)
{
    struct relay relay = open_relay(ZMQ_PULL, ZMQ_PUSH, *state);
    start_relay(&relay);
    void *ctx = world.ctx;
    world.ctx = NULL;
    pthread_t ending = start_thread(end_context, ctx);
    join_thread(relay.thread);
    assert_int_equal(relay.outcome->rc, -1);
    assert_int_equal(relay.outcome->error, ETERM);
    close_socket(relay.front);
    close_socket(relay.back);
    assert_int_equal((intptr_t)join_thread(ending), 0);
}

static int device_type; /* of the one that run_device is about to run */

static void *run_device(void *argument)
{
    struct outcome *run = argument;
    run->rc = zmq_device(device_type, run->front, run->back);
    run->error = run->rc == -1 ? zmq_errno() : 0;
    return NULL;
}

TEST(older_name_and_its_types)
{
    static const int types[][5] = {{ZMQ_STREAMER, ZMQ_PUSH, ZMQ_PULL, ZMQ_PUSH, ZMQ_PULL},
                                   {ZMQ_QUEUE, ZMQ_REQ, ZMQ_ROUTER, ZMQ_DEALER, ZMQ_REP},
                                   {ZMQ_FORWARDER, ZMQ_XPUB, ZMQ_XSUB, ZMQ_XPUB, ZMQ_XSUB}};
    for (int i = 0; i < 3; i++) {
        struct relay relay = open_relay(types[i][2], types[i][3], *state);
        device_type = types[i][0];
        relay.thread = start_thread(run_device, next_outcome(&relay));
        void *client = open_client(types[i][1], relay.at_front);
        void *server = open_client(types[i][4], relay.at_back);
        if (device_type == ZMQ_FORWARDER) {
            send_bytes(server, "\1", 1, 0);
            expect_parts(client, "\1");
        }
        send_parts(client, "through", "it");
        expect_parts(server, "through", "it");
        end_relay(&relay);
        while (world.sockets)
            close_socket(world.socket[0]);
        term_world();
        world.ctx = zmq_ctx_new();
    }
}

TEST(sides_that_are_missing_are_refused)
{
    void *pull = open_socket(ZMQ_PULL);
    expect_error(zmq_proxy(NULL, pull, NULL), EFAULT);
    expect_error(zmq_proxy(pull, NULL, NULL), EFAULT);
    better_than_libzmq(); /* which checks no further */
    expect_error(zmq_proxy_steerable(NULL, pull, NULL, NULL), EFAULT);
    expect_error(zmq_device(ZMQ_STREAMER, pull, NULL), EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(queue_answers_every_client),
        OVER_ALL(queue_holds_many_requests_in_flight),
        OVER_ALL(queues_in_a_row),
        OVER_ALL(forwarder_sends_subscriptions_up_and_messages_down),
        OVER_ALL(forwarder_of_all),
        OVER_ALL(streamer_shares_work_out),
        OVER_ALL(long_stream_keeps_its_order),
        OVER_ALL(pairs_of_any_kind),
        OVER_ALL(a_router_as_both_sides_answers_itself),
        OVER_ALL(a_rep_as_both_sides_answers_itself),
        OVER_ALL(capture_sees_both_directions_whole),
        OVER_ALL(capture_may_publish),
        OVER_ALL(vanished_client_does_not_end_a_queue),
        OVER_ALL(end_of_the_context_ends_the_device),
        OVER_ALL(older_name_and_its_types),
        RUN(sides_that_are_missing_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
