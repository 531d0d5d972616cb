/* SPDX-License-Identifier: MIT */
/*
 * Everything that blocks is green: each call that may wait is made in a green thread, while another
 * one goes on. It is cancelled there, bounded by a deadline scope, and neither takes anything with
 * it. The whole list runs in a context with a thread of its own and in one without.
 */
#include <poll.h>
#include <signal.h>
#include <sys/uio.h>

#define ZMQ_BUILD_DRAFT_API /* zmq_ppoll() is one */
#include "behaviour/util.h"

#include <greenmq/greenmq.h>

/* What a call may need; it is made anew for each. */
struct scene {
    const struct blocking *blocking;
    void *ctx, *other; /* two contexts */
    void *socket, *second, *abroad;
    struct gmq_device *device;
    int ends[2]; /* a pipe */
    int64_t sleeper;
    struct gmq_group *group;
    int64_t scope_ms; /* 0: without */
};

/* A call that waits until it is cancelled. */
struct blocking {
    const char *name;
    int type;        /* of scene->socket */
    int second_type; /* of scene->second and scene->abroad; 0: PULL */
    int (*call)(struct scene *scene);
};

/* ---- the calls ---------------------------------------------------------------------------- */

static int call_recv(struct scene *scene)
{
    char text[8];
    return zmq_recv(scene->socket, text, sizeof text, 0);
}

static int call_msg_recv(struct scene *scene)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    int rc = zmq_msg_recv(&msg, scene->socket, 0), error = errno;
    zmq_msg_close(&msg);
    errno = error;
    return rc;
}

static int call_recviov(struct scene *scene)
{
    struct iovec parts[2];
    size_t count = 2;
    return zmq_recviov(scene->socket, parts, &count, 0);
}

/* A REQ that has asked. Its answer would come from a socket that is not read. */
static void ask(struct scene *scene)
{
    struct endpoint where = last_endpoint(scene->second);
    assert_int_equal(zmq_connect(scene->socket, where.text), 0);
    assert_int_equal(zmq_send(scene->socket, "?", 1, 0), 1);
}

static int call_recv_reply(struct scene *scene)
{
    return call_recv(scene);
}

/* With nobody there, or nobody who reads. */
static int call_send(struct scene *scene)
{
    return zmq_send(scene->socket, "x", 1, 0);
}

static int call_send_const(struct scene *scene)
{
    return zmq_send_const(scene->socket, "x", 1, 0);
}

static int call_send_full(struct scene *scene)
{
    static char large[100000];
    int one = 1, rc;
    struct endpoint where = last_endpoint(scene->second);
    zmq_setsockopt(scene->socket, ZMQ_SNDHWM, &one, sizeof one);
    if (zmq_connect(scene->socket, where.text) < 0)
        return 0;
    do
        rc = zmq_send(scene->socket, large, sizeof large, 0);
    while (rc > 0);
    return rc;
}

static int call_msg_send(struct scene *scene)
{
    zmq_msg_t msg;
    zmq_msg_init_size(&msg, 100);
    int rc = zmq_msg_send(&msg, scene->socket, 0), error = errno;
    rc = zmq_msg_size(&msg) == 100 ? rc : 0; /* it is the caller's still */
    zmq_msg_close(&msg);
    errno = error;
    return rc;
}

static int call_sendiov(struct scene *scene)
{
    char text[] = "ab";
    struct iovec parts[2] = {{text, 1}, {text + 1, 1}};
    return zmq_sendiov(scene->socket, parts, 2, ZMQ_SNDMORE);
}

static int call_poll_nothing(struct scene *scene)
{
    (void)scene;
    return zmq_poll(NULL, 0, -1);
}

static int call_poll(struct scene *scene)
{
    zmq_pollitem_t items[] = {{.socket = scene->socket, .events = ZMQ_POLLIN},
                              {.socket = scene->second, .events = ZMQ_POLLIN}};
    return zmq_poll(items, 2, -1);
}

static int call_poll_abroad(struct scene *scene)
{
    zmq_pollitem_t items[] = {{.socket = scene->socket, .events = ZMQ_POLLIN},
                              {.socket = scene->abroad, .events = ZMQ_POLLIN}};
    return zmq_poll(items, 2, -1);
}

static int call_poll_mixed(struct scene *scene)
{
    zmq_pollitem_t items[] = {{.socket = scene->socket, .events = ZMQ_POLLIN},
                              {.fd = scene->ends[0], .events = ZMQ_POLLIN},
                              {.socket = scene->abroad, .events = ZMQ_POLLIN}};
    return zmq_poll(items, 3, -1);
}

static int call_poll_descriptor(struct scene *scene)
{
    zmq_pollitem_t items[] = {{.fd = scene->ends[0], .events = ZMQ_POLLIN}};
    return zmq_poll(items, 1, 100000);
}

static int call_ppoll(struct scene *scene)
{
    sigset_t none;
    zmq_pollitem_t items[] = {{.socket = scene->socket, .events = ZMQ_POLLIN}};
    sigemptyset(&none);
    return zmq_ppoll(items, 1, -1, &none);
}

static int call_proxy(struct scene *scene)
{
    return zmq_proxy(scene->socket, scene->second, NULL);
}

static int call_proxy_abroad(struct scene *scene)
{
    return zmq_proxy(scene->socket, scene->abroad, NULL);
}

static int call_steerable(struct scene *scene)
{
    void *control = zmq_socket(scene->ctx, ZMQ_PAIR);
    int rc = zmq_proxy_steerable(scene->socket, scene->second, NULL, control), error = errno;
    zmq_close(control);
    errno = error;
    return rc;
}

static int call_steerable_abroad(struct scene *scene)
{
    void *control = zmq_socket(scene->ctx, ZMQ_PAIR);
    int rc = zmq_proxy_steerable(scene->socket, scene->abroad, NULL, control), error = errno;
    zmq_close(control);
    errno = error;
    return rc;
}

static int call_device(struct scene *scene)
{
    return zmq_device(ZMQ_QUEUE, scene->socket, scene->second);
}

static int start_device(struct scene *scene)
{
    if (!scene->device)
        scene->device = gmq_device_new(scene->socket, scene->second, NULL);
    return scene->device ? gmq_device_start(scene->device) : 0;
}

static int call_device_wait(struct scene *scene)
{
    return start_device(scene) < 0 ? 0 : gmq_device_wait(scene->device, -1);
}

/* A device that holds a message and has nobody to give it to. */
static void load_device(struct scene *scene)
{
    struct endpoint where = last_endpoint(scene->socket);
    struct gmq_account account = {.size = sizeof account};
    void *source = zmq_socket(scene->ctx, ZMQ_DEALER);
    assert_int_equal(zmq_connect(scene->second, "tcp://127.0.0.1:9"), 0);
    assert_int_equal(zmq_connect(source, where.text), 0);
    assert_int_equal(zmq_send(source, "x", 1, 0), 1);
    assert_int_equal(start_device(scene), 0);
    for (;;) {
        assert_int_equal(gmq_device_account(scene->device, &account), 0);
        if (account.forward.queued.messages)
            break;
        expect_error(gmq_device_wait(scene->device, 1), EAGAIN);
    }
    assert_int_equal(zmq_close(source), 0);
}

/* The device is still there afterwards, and draining. */
static int call_device_drain(struct scene *scene)
{
    struct gmq_account account = {.size = sizeof account};
    int rc = gmq_device_drain(scene->device, 100000), error = errno;
    gmq_device_account(scene->device, &account);
    errno = error;
    return account.state == GMQ_DEVICE_DRAINING ? rc : 0;
}

/* A socket lingers, and its message cannot leave. The context can be ended later. */
static int call_ctx_term(struct scene *scene)
{
    void *ctx = zmq_ctx_new(), *socket = zmq_socket(ctx, ZMQ_PUSH);
    int linger = 1000; /* longer than any machine takes to come to the wait */
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_connect(socket, "tcp://127.0.0.1:9");
    zmq_send(socket, "x", 1, ZMQ_DONTWAIT);
    zmq_close(socket);
    (void)scene;
    int rc = zmq_ctx_term(ctx), error = errno;
    gmq_shield(1);
    while (rc < 0 && zmq_ctx_term(ctx) < 0 && zmq_errno() == ETIMEDOUT)
        nap_ms(20);
    gmq_shield(0);
    errno = error;
    return rc;
}

static int call_sleep(struct scene *scene)
{
    (void)scene;
    int64_t started = now_ms();
    zmq_sleep(50); /* it gives no result, but the next call does */
    return now_ms() - started < 25000 ? gmq_sleep(1) : 0;
}

static int call_gmq_sleep(struct scene *scene)
{
    (void)scene;
    return gmq_sleep(100000);
}

static int call_wait_fd(struct scene *scene)
{
    return gmq_wait_fd(scene->ends[0], ZMQ_POLLIN, -1);
}

static int call_wait_signal(struct scene *scene)
{
    sigset_t signals;
    (void)scene;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    return gmq_wait_signal(&signals, -1);
}

static void *sleep_long(void *arg)
{
    gmq_sleep(100000);
    return arg;
}

static int call_join(struct scene *scene)
{
    scene->sleeper = gmq_spawn(sleep_long, NULL, NULL);
    return gmq_join(scene->sleeper, NULL, -1);
}

static int call_group_wait(struct scene *scene)
{
    struct gmq_group *group = gmq_group_new(0);
    (void)scene;
    gmq_group_spawn(group, sleep_long, NULL, NULL);
    int rc = gmq_group_wait(group, -1), error = errno;
    gmq_group_close(group);
    errno = error;
    return rc;
}

static int call_group_spawn(struct scene *scene)
{
    struct gmq_group *group = gmq_group_new(1);
    (void)scene;
    gmq_group_spawn(group, sleep_long, NULL, NULL);
    int rc = gmq_group_spawn(group, sleep_long, NULL, NULL) < 0 ? -1 : 0, error = errno;
    gmq_group_close(group);
    errno = error;
    return rc;
}

static const struct blocking CALLS[] = {
    {"recv on PAIR", ZMQ_PAIR, 0, call_recv},
    {"recv on PULL", ZMQ_PULL, 0, call_recv},
    {"recv on SUB", ZMQ_SUB, 0, call_recv},
    {"recv on XSUB", ZMQ_XSUB, 0, call_recv},
    {"recv on XPUB", ZMQ_XPUB, 0, call_recv},
    {"recv on DEALER", ZMQ_DEALER, 0, call_recv},
    {"recv on ROUTER", ZMQ_ROUTER, 0, call_recv},
    {"recv on REP", ZMQ_REP, 0, call_recv},
    {"recv on REQ", ZMQ_REQ, ZMQ_ROUTER, call_recv_reply},
    {"recv on STREAM", ZMQ_STREAM, 0, call_recv},
    {"msg_recv", ZMQ_PULL, 0, call_msg_recv},
    {"recviov", ZMQ_PULL, 0, call_recviov},
    {"send on PAIR", ZMQ_PAIR, 0, call_send},
    {"send on PUSH", ZMQ_PUSH, 0, call_send},
    {"send on DEALER", ZMQ_DEALER, 0, call_send},
    {"send on REQ", ZMQ_REQ, 0, call_send},
    {"send on a full PUSH", ZMQ_PUSH, 0, call_send_full},
    {"send on a full DEALER", ZMQ_DEALER, ZMQ_DEALER, call_send_full},
    {"send_const", ZMQ_PUSH, 0, call_send_const},
    {"msg_send", ZMQ_PUSH, 0, call_msg_send},
    {"sendiov", ZMQ_PUSH, 0, call_sendiov},
    {"poll for nothing", ZMQ_PULL, 0, call_poll_nothing},
    {"poll", ZMQ_PULL, 0, call_poll},
    {"poll in two contexts", ZMQ_PULL, 0, call_poll_abroad},
    {"poll for both", ZMQ_PULL, 0, call_poll_mixed},
    {"poll for a descriptor", ZMQ_PULL, 0, call_poll_descriptor},
    {"ppoll", ZMQ_PULL, 0, call_ppoll},
    {"proxy", ZMQ_PULL, ZMQ_PUSH, call_proxy},
    {"proxy in lock step", ZMQ_REP, ZMQ_REQ, call_proxy},
    {"proxy between contexts", ZMQ_PULL, ZMQ_PUSH, call_proxy_abroad},
    {"proxy_steerable", ZMQ_ROUTER, ZMQ_DEALER, call_steerable},
    {"proxy_steerable between contexts", ZMQ_ROUTER, ZMQ_DEALER, call_steerable_abroad},
    {"device", ZMQ_ROUTER, ZMQ_DEALER, call_device},
    {"device_wait", ZMQ_ROUTER, ZMQ_DEALER, call_device_wait},
    {"device_drain", ZMQ_DEALER, ZMQ_DEALER, call_device_drain},
    {"ctx_term", ZMQ_PULL, 0, call_ctx_term},
    {"zmq_sleep", ZMQ_PULL, 0, call_sleep},
    {"gmq_sleep", ZMQ_PULL, 0, call_gmq_sleep},
    {"wait_fd", ZMQ_PULL, 0, call_wait_fd},
    {"wait_signal", ZMQ_PULL, 0, call_wait_signal},
    {"join", ZMQ_PULL, 0, call_join},
    {"group_wait", ZMQ_PULL, 0, call_group_wait},
    {"group_spawn", ZMQ_PULL, 0, call_group_spawn},
};

enum { CALL_COUNT = sizeof CALLS / sizeof CALLS[0] };

/* ---- how each is tried -------------------------------------------------------------------- */

/* The sockets are opened without the timeouts that the world gives: they wait for ever. */
static void *open_plain(void *ctx, int type, const char *endpoint)
{
    int none = 0;
    void *socket = zmq_socket(ctx, type);
    assert_non_null(socket);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    if (endpoint)
        assert_int_equal(zmq_bind(socket, endpoint), 0);
    return socket;
}

static void open_scene(struct scene *scene, const struct blocking *blocking, int io_threads)
{
    int second = blocking->second_type ? blocking->second_type : ZMQ_PULL;
    *scene = (struct scene){.blocking = blocking, .ctx = zmq_ctx_new(), .other = zmq_ctx_new()};
    assert_int_equal(zmq_ctx_set(scene->ctx, ZMQ_IO_THREADS, io_threads), 0);
    assert_int_equal(zmq_ctx_set(scene->other, ZMQ_IO_THREADS, io_threads), 0);
    scene->socket = open_plain(scene->ctx, blocking->type, "tcp://127.0.0.1:*");
    scene->second = open_plain(scene->ctx, second, "tcp://127.0.0.1:*");
    scene->abroad = open_plain(scene->other, second, "tcp://127.0.0.1:*");
    assert_int_equal(pipe(scene->ends), 0);
    /* What must be there before the call, and before any deadline counts. */
    if (blocking->call == call_recv_reply)
        ask(scene);
    if (blocking->call == call_device_drain)
        load_device(scene);
}

static void close_scene(struct scene *scene)
{
    if (scene->sleeper) {
        gmq_cancel(scene->sleeper);
        assert_int_equal(gmq_join(scene->sleeper, NULL, -1), 0);
    }
    gmq_device_free(scene->device);
    zmq_close(scene->socket);
    zmq_close(scene->second);
    zmq_close(scene->abroad);
    assert_int_equal(zmq_ctx_term(scene->ctx), 0);
    assert_int_equal(zmq_ctx_term(scene->other), 0);
    close(scene->ends[0]);
    close(scene->ends[1]);
}

/* The errno with which it ended, or 0. */
static void *make_call(void *arg)
{
    struct scene *scene = arg;
    struct gmq_scope scope;
    if (scene->scope_ms)
        gmq_scope_enter(&scope, gmq_now() + scene->scope_ms);
    errno = 0;
    intptr_t error = scene->blocking->call(scene) < 0 ? zmq_errno() : 0;
    if (scene->scope_ms && gmq_scope_leave(&scope) != 1 && error == ETIMEDOUT)
        error = 0;
    return (void *)error;
}

static void expect_result(int64_t thread, const char *name, int expected)
{
    void *result = NULL;
    if (gmq_join(thread, &result, gmq_now() + DEADLINE_MS) < 0)
        fail_msg("%s: does not end: %s", name, zmq_strerror(errno));
    if ((intptr_t)result != expected)
        fail_msg("%s: %s", name, zmq_strerror((int)(intptr_t)result));
}

static int ticks;

static void *tick(void *arg)
{
    while (gmq_sleep(1) == 0)
        ticks++;
    return arg;
}

static int io_threads(void **state)
{
    return *state ? 1 : 0;
}

/* Waits until another thread has had so many turns. */
static void await_ticks(int count)
{
    int until = ticks + count;
    while (ticks < until)
        assert_int_equal(gmq_sleep(1), 0);
}

TEST(each_call_stops_its_thread_only_and_is_cancelled)
{
    int64_t ticker = gmq_spawn(tick, NULL, NULL);
    for (int i = 0; i < CALL_COUNT; i++) {
        struct scene scene;
        open_scene(&scene, &CALLS[i], io_threads(state));
        int64_t thread = gmq_spawn(make_call, &scene, NULL);
        await_ticks(5);
        if (gmq_join(thread, NULL, 0) == 0)
            fail_msg("%s does not wait", CALLS[i].name);
        assert_int_equal(gmq_cancel(thread), 0);
        expect_result(thread, CALLS[i].name, ECANCELED);
        close_scene(&scene);
    }
    gmq_cancel(ticker);
    gmq_join(ticker, NULL, -1);
}

/* In a green thread, or on the ordinary thread's own stack, which is one like the others. Where the
 * machine is so slow that the time is over before the call waits, it gets more of it. */
static void expect_bounded(const struct blocking *blocking, int threads, bool spawned)
{
    ticks = 0;
    for (int64_t scope_ms = 15; !ticks; scope_ms *= 4) {
        struct scene scene;
        if (scope_ms > DEADLINE_MS)
            fail_msg("%s stops others", blocking->name);
        open_scene(&scene, blocking, threads);
        scene.scope_ms = scope_ms;
        if (spawned)
            expect_result(gmq_spawn(make_call, &scene, NULL), blocking->name, ETIMEDOUT);
        else if ((intptr_t)make_call(&scene) != ETIMEDOUT)
            fail_msg("%s is not bounded", blocking->name);
        close_scene(&scene);
    }
}

static void expect_all_bounded(void **state, bool spawned)
{
    int64_t ticker = gmq_spawn(tick, NULL, NULL);
    for (int i = 0; i < CALL_COUNT; i++)
        expect_bounded(&CALLS[i], io_threads(state), spawned);
    gmq_cancel(ticker);
    gmq_join(ticker, NULL, -1);
}

TEST(each_call_is_bounded_by_a_scope)
{
    expect_all_bounded(state, true);
}

TEST(each_call_is_bounded_on_the_own_stack)
{
    expect_all_bounded(state, false);
}

/* A thread that was cancelled before makes no call that may wait. */
TEST(who_is_cancelled_begins_nothing)
{
    for (int i = 0; i < CALL_COUNT; i++) {
        struct scene scene;
        open_scene(&scene, &CALLS[i], io_threads(state));
        int64_t thread = gmq_spawn(make_call, &scene, NULL);
        assert_int_equal(gmq_cancel(thread), 0);
        expect_result(thread, CALLS[i].name, ECANCELED);
        close_scene(&scene);
    }
}

/* ---- signals ------------------------------------------------------------------------------ */

static void on_signal(int number)
{
    (void)number;
}

static void *interrupt(void *thread)
{
    for (int i = 0; i < 5; i++) {
        nap_ms(5);
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
    }
    return NULL;
}

/* Signals come while green threads wait, and the own stack too: only that one hears of them. */
TEST(only_the_own_stack_is_interrupted)
{
    struct sigaction action = {.sa_handler = on_signal};
    pthread_t self = pthread_self();
    sigaction(SIGUSR1, &action, NULL);
    struct scene scene[3];
    int64_t threads[3];
    static int (*const calls[])(struct scene *) = {call_recv, call_poll_abroad, call_wait_fd};
    for (int i = 0; i < 3; i++) {
        static struct blocking blocking[3];
        blocking[i] = (struct blocking){"a call", ZMQ_PULL, 0, calls[i]};
        open_scene(&scene[i], &blocking[i], io_threads(state));
        threads[i] = gmq_spawn(make_call, &scene[i], NULL);
    }
    pthread_t interrupter = start_thread(interrupt, &self);
    int interrupted = 0;
    while (interrupted < 1)
        interrupted += gmq_sleep(100000) < 0 && errno == EINTR;
    struct gmq_scope scope;
    gmq_scope_enter(&scope, gmq_now() + 50);
    while (gmq_sleep(100000) < 0 && errno == EINTR)
        continue;
    gmq_scope_leave(&scope);
    join_thread(interrupter);
    for (int i = 0; i < 3; i++) {
        expect_error(gmq_join(threads[i], NULL, 0), ETIMEDOUT);
        gmq_cancel(threads[i]);
        expect_result(threads[i], "a call", ECANCELED);
        close_scene(&scene[i]);
    }
}

#define BOTH(test)                                                                     \
    {#test "_with_io_thread", test, world_open, world_close, (void *)(uintptr_t) "1"}, \
    {                                                                                  \
#test "_without_io_thread", test, world_open, world_close, NULL                \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(each_call_stops_its_thread_only_and_is_cancelled),
        BOTH(each_call_is_bounded_by_a_scope),
        BOTH(each_call_is_bounded_on_the_own_stack),
        BOTH(who_is_cancelled_begins_nothing),
        BOTH(only_the_own_stack_is_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
