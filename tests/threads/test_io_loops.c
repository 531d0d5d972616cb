/* SPDX-License-Identifier: MIT */
/*
 * Contexts with several I/O threads: connections are shared out among loops, and a device's
 * messages go from one to another. Between two ends the order stays, nothing is lost or doubled,
 * and the books balance whenever they are read.
 */
#include <stdatomic.h>

#include <greenmq/greenmq.h>

#include "behaviour/util.h"
#include "support/balance.h"

enum { SENDERS = 4, RECEIVERS = 4, MESSAGES = 2000, TICK = -1, WINDOW = 10, LIVES = 50 };

struct scene {
    const char *name, *at_front, *at_back;
    int io_threads;
};

static struct gmq_device *device;
static struct endpoint front, back;
static atomic_int ready, received, over;

struct number {
    int sender, number;
};

static void *open_end(int type, const struct endpoint *to)
{
    void *socket = open_socket(type);
    set_int(socket, ZMQ_SNDHWM, 0);
    set_int(socket, ZMQ_RCVHWM, 0);
    set_int(socket, ZMQ_LINGER, -1);
    if (type == ZMQ_SUB)
        assert_int_equal(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0), 0);
    connect_to(socket, to->text);
    return socket;
}

static void start_device(const struct scene *scene, int front_type, int back_type)
{
    struct gmq_device_options options = {.size = sizeof options};
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, scene->io_threads), 0);
    void *faces[2] = {open_socket(front_type), open_socket(back_type)};
    for (int i = 0; i < 2; i++) {
        set_int(faces[i], ZMQ_SNDHWM, 0);
        set_int(faces[i], ZMQ_RCVHWM, 0);
    }
    front = bind_to(faces[0], scene->at_front);
    back = bind_to(faces[1], scene->at_back);
    device = gmq_device_new(faces[0], faces[1], &options);
    assert_non_null(device);
    assert_int_equal(gmq_device_start(device), 0);
    atomic_store(&ready, 0);
    atomic_store(&received, 0);
    atomic_store(&over, 0);
}

/* Reads the books again and again. */
static void *audit(void *unused)
{
    intptr_t wrong = 0;
    (void)unused;
    while (!atomic_load(&over)) {
        struct gmq_account account = {.size = sizeof account};
        struct gmq_peer peers[3];
        wrong += gmq_device_account(device, &account) != 0 || books_error(&account);
        wrong += gmq_device_peers(device, peers, 3) < 0;
    }
    return (void *)wrong;
}

/* Until all who receive have heard of all who send, ticks; then numbers. */
static void *send_numbers(void *socket)
{
    static atomic_int senders;
    struct number number = {.sender = atomic_fetch_add(&senders, 1) % SENDERS, .number = TICK};
    intptr_t wrong = 0;
    for (; atomic_load(&ready) < RECEIVERS; nap_ms(1))
        wrong += zmq_send(socket, &number, sizeof number, 0) != sizeof number;
    for (number.number = 0; number.number < MESSAGES; number.number++)
        wrong += zmq_send(socket, &number, sizeof number, 0) != sizeof number;
    return (void *)wrong;
}

/* What a receiver has got: the last number of each sender, and how many. */
struct got {
    int last[SENDERS];
    unsigned heard; /* a bit for each sender */
    intptr_t count, wrong;
};

static void receive_number(void *socket, struct got *got)
{
    struct number number;
    if (zmq_recv(socket, &number, sizeof number, 0) != sizeof number)
        return;
    got->heard |= 1u << number.sender;
    if (number.number == TICK)
        return;
    got->wrong += number.number <= got->last[number.sender];
    got->last[number.sender] = number.number;
    got->count++;
    atomic_fetch_add(&received, 1);
}

/* Receives numbers, in the order of each sender, until it has got `own`, or all together `all`. */
static void *receive_numbers(void *socket, int own, int all)
{
    struct got got = {.last = {TICK, TICK, TICK, TICK}};
    bool seen = false;
    int64_t give_up = now_ms() + DEADLINE_MS;
    set_int(socket, ZMQ_RCVTIMEO, 50);
    while ((own ? got.count < own : atomic_load(&received) < all) && now_ms() < give_up) {
        receive_number(socket, &got);
        if (!seen && got.heard == (1u << SENDERS) - 1)
            atomic_fetch_add(&ready, seen = true);
    }
    return (void *)(got.wrong + (own && got.count != own));
}

static void *subscribe_and_count(void *socket)
{
    return receive_numbers(socket, SENDERS * MESSAGES, 0);
}

static void *pull_and_count(void *socket)
{
    return receive_numbers(socket, 0, SENDERS * MESSAGES);
}

static void run_flow(int sender, int receiver, void *(*receive)(void *))
{
    pthread_t threads[SENDERS + RECEIVERS], auditor = start_thread(audit, NULL);
    for (int i = 0; i < RECEIVERS; i++)
        threads[i] = start_thread(receive, open_end(receiver, &back));
    for (int i = 0; i < SENDERS; i++)
        threads[RECEIVERS + i] = start_thread(send_numbers, open_end(sender, &front));
    for (int i = 0; i < SENDERS + RECEIVERS; i++)
        assert_null(join_thread(threads[i]));
    atomic_store(&over, 1);
    assert_null(join_thread(auditor));
    gmq_device_free(device);
}

static void a_forwarder_gives_all_to_each_in_order(void **state)
{
    start_device(*state, ZMQ_XSUB, ZMQ_XPUB);
    run_flow(ZMQ_PUB, ZMQ_SUB, subscribe_and_count);
}

static void a_streamer_gives_each_once_in_order(void **state)
{
    start_device(*state, ZMQ_PULL, ZMQ_PUSH);
    run_flow(ZMQ_PUSH, ZMQ_PULL, pull_and_count);
    assert_int_equal(atomic_load(&received), SENDERS * MESSAGES);
}

static void *echo(void *socket)
{
    struct number number;
    set_int(socket, ZMQ_RCVTIMEO, 50);
    intptr_t wrong = 0;
    while (!atomic_load(&over)) {
        if (zmq_recv(socket, &number, sizeof number, 0) != sizeof number)
            continue;
        wrong += zmq_send(socket, &number, sizeof number, 0) != sizeof number;
    }
    return (void *)wrong;
}

/* As a REQ, but with several requests under way: each gets one answer. */
static void *ask(void *socket)
{
    static atomic_int askers;
    struct number number = {.sender = atomic_fetch_add(&askers, 1)}, answer;
    char answered[MESSAGES] = {0};
    intptr_t wrong = 0;
    for (int sent = 0, got = 0; got < MESSAGES && !wrong;) {
        for (; sent < MESSAGES && sent < got + WINDOW; sent++) {
            number.number = sent;
            wrong += zmq_send(socket, "", 0, ZMQ_SNDMORE) != 0;
            wrong += zmq_send(socket, &number, sizeof number, 0) != sizeof number;
        }
        wrong += zmq_recv(socket, &answer, sizeof answer, 0) != 0;
        wrong += zmq_recv(socket, &answer, sizeof answer, 0) != sizeof answer;
        wrong += answer.sender != number.sender || answered[answer.number]++;
        got++;
    }
    return (void *)wrong;
}

static void a_queue_answers_each_once(void **state)
{
    pthread_t askers[SENDERS], workers[RECEIVERS], auditor;
    start_device(*state, ZMQ_ROUTER, ZMQ_DEALER);
    auditor = start_thread(audit, NULL);
    for (int i = 0; i < RECEIVERS; i++)
        workers[i] = start_thread(echo, open_end(ZMQ_REP, &back));
    for (int i = 0; i < SENDERS; i++)
        askers[i] = start_thread(ask, open_end(ZMQ_DEALER, &front));
    for (int i = 0; i < SENDERS; i++)
        assert_null(join_thread(askers[i]));
    atomic_store(&over, 1);
    for (int i = 0; i < RECEIVERS; i++)
        assert_null(join_thread(workers[i]));
    assert_null(join_thread(auditor));
    gmq_device_free(device);
}

/* Many short lives of connections, each with something to say. */
static void *come_and_go(void *unused)
{
    intptr_t wrong = 0;
    (void)unused;
    for (int i = 0; i < LIVES; i++) {
        int linger = -1;
        void *socket = zmq_socket(world.ctx, ZMQ_PUSH);
        wrong += zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger) != 0;
        wrong += zmq_connect(socket, back.text) != 0;
        wrong += zmq_send(socket, &i, sizeof i, 0) != sizeof i;
        wrong += zmq_close(socket) != 0;
    }
    return (void *)wrong;
}

static void what_those_say_who_come_and_go_arrives(void **state)
{
    const struct scene *scene = *state;
    pthread_t threads[SENDERS];
    int number;
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, scene->io_threads), 0);
    void *pull = open_socket(ZMQ_PULL);
    back = bind_to(pull, scene->at_back);
    for (int i = 0; i < SENDERS; i++)
        threads[i] = start_thread(come_and_go, NULL);
    for (int i = 0; i < SENDERS * LIVES; i++)
        assert_int_equal(zmq_recv(pull, &number, sizeof number, 0), sizeof number);
    for (int i = 0; i < SENDERS; i++)
        assert_null(join_thread(threads[i]));
}

static void affinity_is_taken_for_any_mask(void **state)
{
    const struct scene *scene = *state;
    static const uint64_t masks[] = {0, 1, 2, 3, 8, UINT64_C(1) << 63, UINT64_MAX};
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, scene->io_threads), 0);
    void *pull = open_socket(ZMQ_PULL);
    back = bind_to(pull, scene->at_back);
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        int number = -1, sent = (int)i;
        void *push = open_socket(ZMQ_PUSH);
        assert_int_equal(zmq_setsockopt(push, ZMQ_AFFINITY, &masks[i], sizeof masks[i]), 0);
        connect_to(push, back.text);
        assert_int_equal(zmq_send(push, &sent, sizeof sent, 0), sizeof sent);
        assert_int_equal(zmq_recv(pull, &number, sizeof number, 0), sizeof number);
        assert_int_equal(number, sent);
    }
}

static const struct scene SCENES[] = {{"tcp_2", "tcp://127.0.0.1:*", "tcp://127.0.0.1:*", 2},
                                      {"tcp_4", "tcp://127.0.0.1:*", "tcp://127.0.0.1:*", 4},
                                      {"ipc_2", "ipc://*", "ipc://*", 2},
                                      {"mixed_4", "inproc://front", "tcp://127.0.0.1:*", 4}};

enum { SCENE_COUNT = sizeof SCENES / sizeof SCENES[0] };

int main(void)
{
#define CASE(test)                    \
    {                                 \
#test, test, NULL, NULL, NULL \
    }
    static const struct CMUnitTest kinds[] = {
        CASE(a_forwarder_gives_all_to_each_in_order), CASE(a_streamer_gives_each_once_in_order),
        CASE(a_queue_answers_each_once), CASE(what_those_say_who_come_and_go_arrives),
        CASE(affinity_is_taken_for_any_mask)};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    struct CMUnitTest tests[KINDS * SCENE_COUNT];
    static char names[KINDS * SCENE_COUNT][100];
    for (int i = 0; i < KINDS * SCENE_COUNT; i++) {
        const struct scene *scene = &SCENES[i % SCENE_COUNT];
        snprintf(names[i], sizeof names[i], "%s_over_%s", kinds[i / SCENE_COUNT].name, scene->name);
        tests[i] = (struct CMUnitTest){names[i], kinds[i / SCENE_COUNT].test_func, world_open,
                                       world_close, (void *)(uintptr_t)scene};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
