/* SPDX-License-Identifier: MIT */
/*
 * Who does not read holds up nobody else: with a stalled consumer, control and account answer at
 * once, other peers are served, the other direction goes on, and nothing counts as sent that was
 * not. Other brokers wait inside a send here, and then for everything.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/device.h"
#include "behaviour/stall.h"

/* A device with a control socket of this type and something at the other end to ask it with. */
static struct rig controlled(enum gmq_device_type type, int front, int back, int control, int asks,
                             void **asker)
{
    struct rig rig = {.front = open_socket(front), .back = open_socket(back)};
    keep_little(rig.front);
    keep_little(rig.back);
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    rig.back_at = bind_to(rig.back, "tcp://127.0.0.1:*");
    rig.control = open_socket(control);
    *asker = peer_at(asks, bind_to(rig.control, "tcp://127.0.0.1:*"));
    start_rig(&rig, type);
    return rig;
}

/* How often an answer was waited for, and came late. One that waits for a stalled peer is always
 * late; one is, now and then, where the machine has other work. */
static struct {
    int waited, late;
} answers;

static void note_answer(int64_t asked_ms)
{
    answers.waited++;
    answers.late += now_ms() - asked_ms > ANSWER_MS;
}

static void expect_answers_in_time(void)
{
    assert_in_range(answers.late, 0, answers.waited / 4);
    answers.waited = answers.late = 0;
}

/* Eight numbers: frontend received and sent, backend received and sent, each messages and
 * bytes. */
static void ask(void *asker, uint64_t statistics[8])
{
    int64_t before = now_ms();
    send_parts(asker, "STATISTICS");
    for (int i = 0; i < 8; i++) {
        assert_int_equal(zmq_recv(asker, &statistics[i], 8, 0), 8);
        assert_int_equal(get_int(asker, ZMQ_RCVMORE), i < 7);
    }
    note_answer(before);
}

static void tell(void *asker, const char *command)
{
    int64_t before = now_ms();
    send_parts(asker, command);
    expect_parts(asker, "");
    note_answer(before);
}

static struct gmq_account account_in_time(struct gmq_device *device)
{
    int64_t before = now_ms();
    struct gmq_account books = account_of(device);
    note_answer(before);
    return books;
}

/* What the control says lies between the books before and after: a peer that stalls may still take
 * a few bytes, as its system likes. Returns whether they were the same. */
static bool ask_between(struct rig *rig, void *asker)
{
    uint64_t said[8];
    struct gmq_flow before = account_in_time(rig->device).forward;
    ask(asker, said);
    struct gmq_flow after = account_in_time(rig->device).forward;
    assert_in_range(said[0], before.received.messages, after.received.messages);
    assert_in_range(said[1], before.received.bytes, after.received.bytes);
    assert_in_range(said[6], before.forwarded.messages, after.forwarded.messages);
    assert_in_range(said[7], before.forwarded.bytes, after.forwarded.bytes);
    assert_true(said[6] < said[0] && said[7] < said[1]);
    return memcmp(&before, &after, sizeof before) == 0;
}

/* One peer's queue has been full and has not emptied: at a half it is filled again. */
static void assert_queue_stands(const struct gmq_flow *flow)
{
    assert_in_range(flow->queued.messages, STALL_HWM / 2, STALL_HWM);
}

static void control_answers(int control, int asks)
{
    void *asker;
    struct rig rig = controlled(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH, control, asks, &asker);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    struct gmq_account books = account_of(rig.device);
    assert_queue_stands(&books.forward);
    int stood = 0;
    for (int i = 0; i < 20; i++) {
        stood += ask_between(&rig, asker); /* nothing moves, so nothing counts */
        assert_int_equal(gmq_device_pause(rig.device), 0);
        assert_int_equal(account_in_time(rig.device).state, GMQ_DEVICE_PAUSED);
        assert_int_equal(gmq_device_resume(rig.device), 0);
    }
    assert_true(stood > 0);
    expect_answers_in_time();
    close(fd);
}

TEST(control_answers_on_a_rep)
{
    control_answers(ZMQ_REP, ZMQ_REQ);
}

TEST(control_answers_on_a_pair)
{
    control_answers(ZMQ_PAIR, ZMQ_PAIR);
}

TEST(control_obeys)
{
    void *asker;
    struct rig rig = controlled(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH, ZMQ_REP, ZMQ_REQ, &asker);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    for (int i = 0; i < 5; i++) {
        tell(asker, "PAUSE");
        assert_int_equal(account_of(rig.device).state, GMQ_DEVICE_PAUSED);
        tell(asker, "RESUME");
        assert_int_equal(account_of(rig.device).state, GMQ_DEVICE_RUNNING);
    }
    expect_answers_in_time();
    tell(asker, "TERMINATE");
    assert_int_equal(gmq_device_wait(rig.device, DEADLINE_MS), 0);
    close(fd);
}

static void *flood(void *push)
{
    for (int n = 0; zmq_send(push, "0123456789012345", 16, 0) == 16; n++)
        continue;
    return NULL; /* the context has ended */
}

static void *swallow(void *pull)
{
    char body[32];
    while (zmq_recv(pull, body, sizeof body, 0) >= 0)
        continue;
    return NULL;
}

/* As busy as it can be: senders and receivers use the same context, so all share one lock. */
TEST(control_answers_in_a_flood)
{
    uint64_t before[8], after[8];
    void *asker;
    struct rig rig = controlled(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH, ZMQ_REP, ZMQ_REQ, &asker);
    for (int i = 0; i < 2; i++) {
        start_thread(swallow, peer_at(ZMQ_PULL, rig.back_at));
        start_thread(flood, peer_at(ZMQ_PUSH, rig.front_at));
    }
    wait_books(rig.device, books.forward.forwarded.messages > 1000);
    ask(asker, before);
    int64_t end = now_ms() + 300;
    for (int i = 0; i < 10 || now_ms() < end; i++) {
        ask(asker, after);
        account_in_time(rig.device);
    }
    expect_answers_in_time();
    assert_true(after[6] > before[6]);
}

/* What counts as sent did leave, and what is queued did not: the consumer counts too. */
TEST(sent_is_what_has_left)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    struct gmq_account stalled = account_of(rig.device);
    gmq_device_stop(rig.device);
    struct gmq_account books = account_of(rig.device);
    int none = 0;
    zmq_setsockopt(rig.back, ZMQ_LINGER, &none, sizeof none);
    free_device(rig.device);
    close_socket(rig.back);
    /* The rest of a message that had begun to leave may be cut off: it is not whole. */
    size_t octets = raw_drain(fd), parts = books.forward.forwarded.parts;
    size_t headers = parts / 2 * (2 + 9);
    assert_int_equal(stalled.forward.forwarded.messages, books.forward.forwarded.messages);
    assert_in_range(octets, books.forward.forwarded.bytes + headers,
                    books.forward.forwarded.bytes + headers + STALL_BODY + 32);
    close(fd);
}

TEST(streamer_goes_on_with_other_consumers)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    int next = send_until_full(push, 0);
    void *pull = peer_at(ZMQ_PULL, rig.back_at);
    int last = recv_bulk(pull); /* the first that had to wait */
    assert_true(last <= next);
    for (int n = 0; n < 500; n++) {
        send_bulk(push, next++);
        int number = recv_bulk(pull);
        assert_true(number > last);
        last = number;
    }
    assert_true(account_of(rig.device).forward.queued.messages >= STALL_HWM / 2);
    close(fd);
}

/* Producers that all have more than there is room for get their shares of it. */
TEST(producers_share_a_slow_consumer)
{
    enum { PRODUCERS = 3, COUNT = 600, APART = 1000000 };
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push[PRODUCERS], *pull = open_socket(ZMQ_PULL);
    int seen[PRODUCERS] = {0};
    set_int(pull, ZMQ_RCVHWM, 5);
    connect_to(pull, rig.back_at.text);
    for (int i = 0; i < PRODUCERS; i++) {
        push[i] = peer_at(ZMQ_PUSH, rig.front_at);
        send_until_full(push[i], i * APART);
    }
    for (int n = 0; n < COUNT; n++) {
        for (int i = 0; i < PRODUCERS; i++)
            try_send_bulk(push[i], i * APART);
        int from = recv_bulk(pull) / APART;
        assert_in_range(from, 0, PRODUCERS - 1);
        if (n >= COUNT / 2)
            seen[from]++;
    }
    for (int i = 0; i < PRODUCERS; i++)
        assert_in_range(seen[i], COUNT / 2 / PRODUCERS / 2, COUNT / 2);
}

static void *flood_with(void *socket)
{
    while (zmq_send(socket, "flood", 5, 0) == 5)
        continue;
    return NULL;
}

/* One client sends as much as it can; the lone requests of another are answered in time. */
TEST(a_flood_does_not_keep_others_out)
{
    struct rig rig = queue_at("tcp://127.0.0.1:*");
    void *ctx = zmq_ctx_new();
    void *client = open_socket_in(ctx, ZMQ_REQ), *floods = peer_at(ZMQ_DEALER, rig.front_at);
    void *worker = peer_at(ZMQ_DEALER, rig.back_at);
    connect_to(client, rig.front_at.text);
    start_thread(flood_with, floods);
    for (int n = 0; n < 20; n++) {
        send_parts(client, "ask");
        for (bool mine = false; !mine;) {
            struct part id = recv_id(worker), part = recv_part(worker);
            mine = part.more; /* the flood has no delimiter */
            if (mine) {
                expect_parts(worker, "ask");
                send_part(worker, &id, ZMQ_SNDMORE);
                send_parts(worker, "", "answer");
            }
        }
        expect_parts(client, "answer");
    }
    close_socket(client);
    zmq_ctx_term(ctx);
}

/* When the stalled consumer reads again it gets all that was kept for it. */
TEST(streamer_loses_nothing_when_the_consumer_reads_again)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    int sent = send_until_full(push, 0);
    for (int n = 0; n < sent; n++) {
        char text[16];
        size_t size;
        struct raw_frame number = raw_recv_frame(fd);
        assert_int_equal(number.flags, RAW_MORE);
        snprintf(text, sizeof text, "%d", n);
        assert_int_equal(number.size, strlen(text));
        assert_memory_equal(number.body, text, number.size);
        assert_int_equal(raw_skip_frame(fd, &size), RAW_LONG);
        assert_int_equal(size, STALL_BODY);
    }
    wait_books(rig.device, books.forward.forwarded.messages == (uint64_t)sent);
    close(fd);
}

/* Messages of any size, in parts of that size, through queues that are always full: what a queue
 * refuses waits, and is not lost. */
static void loses_nothing(const char *where, size_t size)
{
    static char body[200000], back[200000];
    struct rig rig = {.front = open_socket(ZMQ_PULL), .back = open_socket(ZMQ_PUSH)};
    int count = size < 10000 ? 2000 : 200;
    set_int(rig.front, ZMQ_RCVHWM, 3);
    set_int(rig.back, ZMQ_SNDHWM, 3);
    rig.front_at = bind_anew(rig.front, where);
    rig.back_at = bind_anew(rig.back, where);
    start_rig(&rig, GMQ_DEVICE_STREAMER);
    void *push = peer_at(ZMQ_PUSH, rig.front_at), *pull = open_socket(ZMQ_PULL);
    set_int(push, ZMQ_SNDHWM, 3);
    set_int(pull, ZMQ_RCVHWM, 3);
    connect_to(pull, rig.back_at.text);
    for (int sent = 0, seen = 0; seen < count;) {
        while (sent < count && can_send(push, 0)) {
            send_number(push, sent++, ZMQ_SNDMORE);
            send_bytes(push, body, size, ZMQ_SNDMORE);
            send_bytes(push, body, size, 0);
        }
        for (int n = 0; n < 5 && seen < sent; n++) {
            assert_int_equal(recv_number(pull), seen++);
            assert_int_equal(zmq_recv(pull, back, sizeof back, 0), size);
            assert_int_equal(zmq_recv(pull, back, sizeof back, 0), size);
            assert_false(get_int(pull, ZMQ_RCVMORE));
        }
    }
    wait_books(rig.device, books.forward.forwarded.messages == (uint64_t)count);
}

TEST(full_queues_lose_nothing)
{
    static const size_t sizes[] = {0, 100, 600, 4000, 9000, 40000, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        loses_nothing(*state, sizes[i]);
}

TEST(what_waits_for_a_lost_consumer_is_counted)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    int sent = send_until_full(push, 0);
    uint64_t queued = account_of(rig.device).forward.queued.messages;
    close(fd);
    wait_books(rig.device, books.backend_peers == 0);
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.forward.dropped[GMQ_DROP_PEER_LOST].messages, queued);
    assert_int_equal(books.forward.queued.messages, 0);
    void *pull = peer_at(ZMQ_PULL, rig.back_at);
    for (uint64_t n = books.forward.received.messages; n < (uint64_t)sent; n++)
        assert_int_equal(recv_bulk(pull), n);
}

/* Workers that read no requests but still reply. */
TEST(replies_pass_a_stalled_worker)
{
    struct rig rig = small_rig(GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *client = peer_at(ZMQ_DEALER, rig.front_at);
    int fd = stalled_at(rig.back_at, "DEALER");
    send_parts(client, "first");
    struct raw_frame id = raw_recv_frame(fd), first = raw_recv_frame(fd);
    assert_int_equal(id.flags, RAW_MORE);
    assert_int_equal(first.size, 5);
    send_until_full(client, 0);
    for (int n = 0; n < 100; n++) {
        raw_send_frame(fd, RAW_MORE, id.body, id.size);
        raw_send_frame(fd, 0, "reply", 5);
        expect_parts(client, "reply");
    }
    struct gmq_account books = account_of(rig.device);
    assert_queue_stands(&books.forward);
    close(fd);
}

/* A client that does not read its replies loses some; the others get theirs. */
TEST(clients_do_not_wait_for_a_stalled_client)
{
    struct rig rig = small_rig(GMQ_DEVICE_QUEUE, ZMQ_ROUTER, ZMQ_DEALER);
    void *worker = peer_at(ZMQ_DEALER, rig.back_at), *client = peer_at(ZMQ_DEALER, rig.front_at);
    int fd = stalled_at(rig.front_at, "DEALER");
    raw_send_frame(fd, 0, "stalls", 6);
    struct part stalls = recv_id(worker);
    expect_parts(worker, "stalls");
    send_parts(client, "reads");
    struct part reads = recv_id(worker);
    expect_parts(worker, "reads");
    for (int n = 0; n < 200; n++) {
        send_part(worker, &stalls, ZMQ_SNDMORE);
        send_bulk(worker, n);
        send_part(worker, &reads, ZMQ_SNDMORE);
        send_bulk(worker, n);
        assert_int_equal(recv_bulk(client), n);
    }
    struct gmq_account books = account_of(rig.device);
    assert_queue_stands(&books.backward);
    assert_true(books.backward.dropped[GMQ_DROP_FULL].messages > 100);
    close(fd);
}

TEST(subscribers_do_not_wait_for_a_stalled_subscriber)
{
    struct rig rig = small_rig(GMQ_DEVICE_FORWARDER, ZMQ_XSUB, ZMQ_XPUB);
    void *xpub = peer_at(ZMQ_XPUB, rig.front_at), *sub = open_socket(ZMQ_SUB);
    int fd = stalled_at(rig.back_at, "SUB");
    raw_send_frame(fd, RAW_COMMAND, "\11SUBSCRIBE", 10);
    assert_int_equal(recv_part(xpub).size, 1);
    set_text(sub, ZMQ_SUBSCRIBE, "1");
    connect_to(sub, rig.back_at.text);
    assert_int_equal(recv_part(xpub).size, 2);
    for (int n = 0; n < 300; n++) {
        send_bulk(xpub, 1000 + n);
        assert_int_equal(recv_bulk(sub), 1000 + n);
    }
    struct gmq_account books = account_of(rig.device);
    assert_int_equal(books.forward.received.messages, 300);
    assert_int_equal(books.forward.copied.messages, 300);
    assert_queue_stands(&books.forward);
    assert_true(books.forward.dropped[GMQ_DROP_FULL].messages > 100);
    close(fd);
}

/* The other way round in a device of two equal sides. */
TEST(the_other_direction_goes_on)
{
    struct rig rig = small_rig(GMQ_DEVICE_ANY, ZMQ_PAIR, ZMQ_PAIR);
    void *left = peer_at(ZMQ_PAIR, rig.front_at);
    int fd = stalled_at(rig.back_at, "PAIR");
    send_until_full(left, 0);
    for (int n = 0; n < 100; n++) {
        raw_send_frame(fd, 0, "to the left", 11);
        expect_parts(left, "to the left");
    }
    struct gmq_account books = account_of(rig.device);
    assert_queue_stands(&books.forward);
    close(fd);
}

/* Paused it still lets out what it has queued, and takes in no more. */
TEST(paused_it_lets_out_what_is_queued)
{
    struct rig rig = small_rig(GMQ_DEVICE_STREAMER, ZMQ_PULL, ZMQ_PUSH);
    void *push = peer_at(ZMQ_PUSH, rig.front_at);
    int fd = stalled_at(rig.back_at, "PULL");
    send_until_full(push, 0);
    assert_int_equal(gmq_device_pause(rig.device), 0);
    uint64_t received = account_of(rig.device).forward.received.messages;
    for (uint64_t n = 0; n < received; n++) {
        raw_skip_frame(fd, NULL);
        raw_skip_frame(fd, NULL);
    }
    wait_books(rig.device, books.forward.forwarded.messages == received);
    assert_false(raw_readable(fd, QUIET_MS));
    assert_int_equal(account_of(rig.device).forward.received.messages, received);
    assert_int_equal(gmq_device_resume(rig.device), 0);
    assert_true(raw_readable(fd, DEADLINE_MS));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_DEVICE(control_answers_on_a_rep),
        RUN_DEVICE(control_answers_on_a_pair),
        RUN_DEVICE(control_obeys),
        RUN_DEVICE(control_answers_in_a_flood),
        RUN_DEVICE(sent_is_what_has_left),
        RUN_DEVICE(streamer_goes_on_with_other_consumers),
        RUN_DEVICE(producers_share_a_slow_consumer),
        RUN_DEVICE(a_flood_does_not_keep_others_out),
        RUN_DEVICE(streamer_loses_nothing_when_the_consumer_reads_again),
        RUN_DEVICE_OVER_ALL(full_queues_lose_nothing),
        RUN_DEVICE(what_waits_for_a_lost_consumer_is_counted),
        RUN_DEVICE(replies_pass_a_stalled_worker),
        RUN_DEVICE(clients_do_not_wait_for_a_stalled_client),
        RUN_DEVICE(subscribers_do_not_wait_for_a_stalled_subscriber),
        RUN_DEVICE(the_other_direction_goes_on),
        RUN_DEVICE(paused_it_lets_out_what_is_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
