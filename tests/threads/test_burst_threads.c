/* SPDX-License-Identifier: MIT */
/*
 * Bursts between threads that each have a socket of their own, where a sender has several peers or
 * a receiver has: nothing is lost, nothing comes twice, and what each sends to each stays in order.
 * Meanwhile others poll, ask for and set options, open and close sockets of the same context, and
 * connect more peers to the same sockets.
 */
#include <stdatomic.h>

#include "behaviour/util.h"

enum { LEAVES = 6, MESSAGES = 12000, PAUSE_EVERY = 500 };

/* What one thread does; static, for it may outlive a test that fails. */
static struct job {
    void *socket;
    int number, count; /* its own; messages to send or to receive */
    atomic_int done;
} hub, leaf[LEAVES];

struct content {
    int from, number;
};

static atomic_bool over;

/* ---- who disturbs ---- */

static void disturb_socket(void *socket, int what)
{
    int value = 1;
    size_t size = sizeof value;
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN | ZMQ_POLLOUT};
    switch (what % 5) {
    case 0: zmq_getsockopt(socket, ZMQ_EVENTS, &value, &size); break;
    case 1: zmq_setsockopt(socket, ZMQ_LINGER, &(int){-1}, sizeof(int)); break;
    case 2: zmq_getsockopt(socket, ZMQ_TYPE, &value, &size); break;
    case 3: zmq_poll(&item, 1, 0); break;
    default: zmq_poll(&item, 1, 1);
    }
}

/* Another socket of the context comes and goes, with a burst of its own. False: the context ends,
 * for the test has failed. */
static bool come_and_go(void)
{
    void *push = zmq_socket(world.ctx, ZMQ_PUSH), *pull[2];
    if (!push)
        return false;
    for (int i = 0; i < 2; i++) {
        pull[i] = zmq_socket(world.ctx, ZMQ_PULL);
        zmq_bind(pull[i], i ? "inproc://other" : "inproc://one");
        zmq_connect(push, i ? "inproc://other" : "inproc://one");
    }
    for (int i = 0; i < 100; i++)
        zmq_send(push, &i, sizeof i, ZMQ_DONTWAIT);
    zmq_close(push);
    for (int i = 0; i < 2; i++) {
        zmq_recv(pull[i], NULL, 0, ZMQ_DONTWAIT);
        zmq_close(pull[i]);
    }
    return true;
}

static void *disturb(void *unused)
{
    (void)unused;
    for (int n = 0; !atomic_load(&over); n++) {
        disturb_socket(n % 2 ? hub.socket : leaf[n / 2 % LEAVES].socket, n / 2);
        if (n % 16 == 0 && !come_and_go())
            break;
        nap_ms(n % 3 == 0);
    }
    return NULL;
}

/* A peer that comes to the hub and goes, without a message. */
static void *come_to_hub(void *where)
{
    static const int others[] = {[ZMQ_PULL] = ZMQ_PUSH,
                                 [ZMQ_ROUTER] = ZMQ_DEALER,
                                 [ZMQ_XPUB] = ZMQ_SUB,
                                 [ZMQ_PUB] = ZMQ_SUB};
    int type = 0;
    size_t size = sizeof type;
    zmq_getsockopt(hub.socket, ZMQ_TYPE, &type, &size);
    while (!atomic_load(&over)) {
        void *socket = zmq_socket(world.ctx, others[type]);
        if (!socket)
            break;
        zmq_connect(socket, where);
        if (others[type] == ZMQ_SUB)
            zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "never", 5);
        nap_ms(2);
        zmq_close(socket);
    }
    return NULL;
}

/* ---- who sends and receives ---- */

static void *send_many(void *arg)
{
    struct job *job = arg;
    intptr_t wrong = 0;
    for (int i = 0; i < job->count; i++) {
        struct content content = {job->number, i};
        if (i % 7 == 0) {
            wrong += zmq_send(job->socket, &content, sizeof content, ZMQ_SNDMORE) < 0;
            wrong += zmq_send(job->socket, "tail", 4, 0) < 0;
        } else {
            wrong += zmq_send(job->socket, &content, sizeof content, 0) < 0;
        }
        if (i % PAUSE_EVERY == 0)
            nap_ms(1);
    }
    return (void *)wrong;
}

/* Receives a message and says whether it is one, and whole. */
static bool receive(void *socket, struct content *content)
{
    char tail[8];
    int more = 0;
    size_t size = sizeof more;
    if (zmq_recv(socket, content, sizeof *content, 0) != sizeof *content)
        return false;
    if (content->number % 7)
        return true;
    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more &&
           zmq_recv(socket, tail, sizeof tail, 0) == 4 && memcmp(tail, "tail", 4) == 0;
}

/* Of those that are dealt out: each greater than the one before. */
static void *receive_share(void *arg)
{
    struct job *job = arg;
    struct content content;
    intptr_t wrong = 0;
    for (int last = -1; atomic_load(&job->done) < job->count; last = content.number) {
        wrong += !receive(job->socket, &content) || content.number <= last;
        if (wrong)
            break;
        atomic_fetch_add(&job->done, 1);
    }
    return (void *)wrong;
}

/* Of those that are copied: all. */
static void *receive_all(void *arg)
{
    struct job *job = arg;
    struct content content;
    intptr_t wrong = 0;
    for (int n = 0; n < job->count && !wrong; n++)
        wrong += !receive(job->socket, &content) || content.number != n;
    return (void *)wrong;
}

/* From several: each sender's own in order. */
static void *receive_from_all(void *arg)
{
    struct job *job = arg;
    struct content content;
    int next[LEAVES] = {0};
    intptr_t wrong = 0;
    for (int n = 0; n < job->count && !wrong; n++)
        wrong += !receive(job->socket, &content) || content.from < 0 || content.from >= LEAVES ||
                 content.number != next[content.from]++;
    return (void *)wrong;
}

static void open_star(int type, int leaf_type, const char *endpoint, struct endpoint *where)
{
    atomic_store(&over, false);
    hub.socket = open_socket(type);
    hub.number = 0;
    if (type == ZMQ_XPUB) { /* it waits rather than drops, so that nothing may be missing */
        set_int(hub.socket, ZMQ_XPUB_NODROP, 1);
        set_int(hub.socket, ZMQ_XPUB_VERBOSE, 1);
    }
    *where = bind_to(hub.socket, endpoint);
    for (int i = 0; i < LEAVES; i++) {
        leaf[i].socket = open_socket(leaf_type);
        leaf[i].number = i;
        atomic_store(&leaf[i].done, 0);
        if (leaf_type == ZMQ_SUB)
            set_text(leaf[i].socket, ZMQ_SUBSCRIBE, "");
        connect_to(leaf[i].socket, where->text);
    }
}

/* All at once, with those who disturb; the peers that come to the hub only if nothing is dealt out
 * to them. */
static void run_star(void *(*at_hub)(void *), void *(*at_leaf)(void *), struct endpoint *where)
{
    pthread_t thread[LEAVES], disturber = start_thread(disturb, NULL), comer = 0;
    if (where)
        comer = start_thread(come_to_hub, where->text);
    for (int i = 0; i < LEAVES; i++)
        thread[i] = start_thread(at_leaf, &leaf[i]);
    assert_int_equal((intptr_t)at_hub(&hub), 0);
    for (int i = 0; i < LEAVES; i++)
        assert_int_equal((intptr_t)join_thread(thread[i]), 0);
    atomic_store(&over, true);
    join_thread(disturber);
    if (where)
        join_thread(comer);
}

TEST(push_to_many)
{
    struct endpoint where;
    better_than_libzmq(); /* a socket is asked by other threads */
    open_star(ZMQ_PUSH, ZMQ_PULL, *state, &where);
    set_int(hub.socket, ZMQ_SNDHWM, 0); /* who is full would leave its share to others */
    for (int i = 0; i < LEAVES; i++)
        wait_until(zmq_send(hub.socket, "", 0, ZMQ_DONTWAIT) == 0);
    int hellos = 0;
    while (hellos < LEAVES) /* until all have one: they are connected */
        for (int i = 0; i < LEAVES; i++)
            while (can_recv(leaf[i].socket, 1)) {
                zmq_recv(leaf[i].socket, NULL, 0, 0);
                if (atomic_fetch_add(&leaf[i].done, 1) == 0)
                    hellos++;
                else
                    zmq_send(hub.socket, "", 0, 0); /* somebody was not there yet */
            }
    hub.count = MESSAGES;
    for (int i = 0; i < LEAVES; i++) {
        leaf[i].count = MESSAGES / LEAVES;
        atomic_store(&leaf[i].done, 0);
    }
    run_star(send_many, receive_share, NULL);
}

TEST(many_to_pull)
{
    struct endpoint where;
    better_than_libzmq();
    open_star(ZMQ_PULL, ZMQ_PUSH, *state, &where);
    hub.count = LEAVES * (MESSAGES / LEAVES);
    for (int i = 0; i < LEAVES; i++)
        leaf[i].count = MESSAGES / LEAVES;
    run_star(receive_from_all, send_many, &where);
}

TEST(xpub_without_drops_to_many)
{
    struct endpoint where;
    better_than_libzmq();
    open_star(ZMQ_XPUB, ZMQ_SUB, *state, &where);
    for (int i = 0; i < LEAVES; i++)
        assert_int_equal(zmq_recv(hub.socket, NULL, 0, 0), 1);
    set_int(hub.socket, ZMQ_XPUB_VERBOSE, 0);
    hub.count = MESSAGES / 2;
    for (int i = 0; i < LEAVES; i++)
        leaf[i].count = MESSAGES / 2;
    run_star(send_many, receive_all, &where);
}

/* A PUB drops what is beyond the marks: there are none here. */
TEST(pub_to_many)
{
    struct endpoint where;
    better_than_libzmq();
    atomic_store(&over, false);
    hub.socket = open_socket(ZMQ_PUB);
    hub.count = MESSAGES / 2;
    set_int(hub.socket, ZMQ_SNDHWM, 0);
    where = bind_to(hub.socket, "inproc://here");
    for (int i = 0; i < LEAVES; i++) {
        leaf[i].socket = open_socket(ZMQ_SUB);
        leaf[i].count = MESSAGES / 2;
        set_int(leaf[i].socket, ZMQ_RCVHWM, 0);
        set_text(leaf[i].socket, ZMQ_SUBSCRIBE, "");
        connect_to(leaf[i].socket, where.text);
    }
    run_star(send_many, receive_all, &where);
}

/* ---- there and back ---- */

enum { WINDOW = 100 };

/* Sends some, receives the answers, and again. */
static void *ask_and_hear(void *arg)
{
    struct job *job = arg;
    intptr_t wrong = 0;
    for (int n = 0; n < job->count && !wrong; n += WINDOW) {
        for (int i = n; i < n + WINDOW; i++)
            wrong += zmq_send(job->socket, &(struct content){job->number, i},
                              sizeof(struct content), 0) < 0;
        for (int i = n; i < n + WINDOW; i++) {
            struct content content = {-1, -1};
            wrong += zmq_recv(job->socket, &content, sizeof content, 0) != sizeof content ||
                     content.from != job->number || content.number != i;
        }
    }
    return (void *)wrong;
}

/* Receives all that there is, and sends it back as a burst. */
static void *echo(void *arg)
{
    struct job *job = arg;
    struct {
        char id[8];
        int id_size;
        struct content content;
    } held[WINDOW];
    intptr_t wrong = 0;
    for (int done = 0, count = 0; done < job->count && !wrong; done += count) {
        for (count = 0; count < WINDOW; count++) {
            int flags = count ? ZMQ_DONTWAIT : 0;
            held[count].id_size = zmq_recv(job->socket, held[count].id, 8, flags);
            if (held[count].id_size < 0)
                break;
            wrong += zmq_recv(job->socket, &held[count].content, sizeof(struct content), 0) !=
                     sizeof(struct content);
        }
        for (int i = 0; i < count; i++) {
            wrong += zmq_send(job->socket, held[i].id, (size_t)held[i].id_size, ZMQ_SNDMORE) < 0;
            wrong += zmq_send(job->socket, &held[i].content, sizeof(struct content), 0) < 0;
        }
        wrong += count == 0;
    }
    return (void *)wrong;
}

TEST(dealers_and_a_router_that_answers)
{
    struct endpoint where;
    better_than_libzmq();
    open_star(ZMQ_ROUTER, ZMQ_DEALER, *state, &where);
    hub.count = LEAVES * 20 * WINDOW;
    for (int i = 0; i < LEAVES; i++)
        leaf[i].count = 20 * WINDOW;
    run_star(echo, ask_and_hear, &where);
}

/* ---- peers that come and go ---- */

/* While a PUSH sends in bursts it is connected to another PULL and disconnected again and again;
 * what went to that one is received there. */
static void *attach_and_part(void *other)
{
    for (int n = 0; !atomic_load(&over); n++) {
        char text[16];
        if (zmq_connect(hub.socket, "inproc://comes") < 0)
            break;
        for (int i = 0; i < 50; i++)
            if (zmq_recv(other, text, sizeof text, ZMQ_DONTWAIT) > 0)
                atomic_fetch_add(&hub.done, 1);
        zmq_disconnect(hub.socket, "inproc://comes");
    }
    return NULL;
}

TEST(push_whose_peers_come_and_go)
{
    better_than_libzmq();
    void *pull = open_socket(ZMQ_PULL), *other = open_socket(ZMQ_PULL);
    hub.socket = open_socket(ZMQ_PUSH);
    atomic_store(&hub.done, 0);
    atomic_store(&over, false);
    bind_to(other, "inproc://comes");
    connect_to(hub.socket, bind_to(pull, *state).text);
    for (int i = 0; i < LEAVES; i++)
        leaf[i].socket = pull;
    pthread_t thread = start_thread(attach_and_part, other),
              disturber = start_thread(disturb, NULL);
    char text[16];
    int received = 0;
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(zmq_send(hub.socket, "message", 7, 0), 7);
        if (i % 100 == 99)
            while (zmq_recv(pull, text, sizeof text, ZMQ_DONTWAIT) > 0)
                received++;
    }
    atomic_store(&over, true);
    join_thread(thread);
    join_thread(disturber);
    while (zmq_recv(other, text, sizeof text, ZMQ_DONTWAIT) > 0)
        received++;
    while (received + atomic_load(&hub.done) < MESSAGES) {
        assert_int_equal(zmq_recv(pull, text, sizeof text, 0), 7);
        received++;
    }
    expect_error(zmq_recv(pull, text, sizeof text, ZMQ_DONTWAIT), EAGAIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER(push_to_many, "inproc", "inproc://here"),
        OVER(push_to_many, "tcp", "tcp://127.0.0.1:*"),
        OVER(many_to_pull, "inproc", "inproc://here"),
        OVER(many_to_pull, "tcp", "tcp://127.0.0.1:*"),
        OVER(xpub_without_drops_to_many, "inproc", "inproc://here"),
        OVER(xpub_without_drops_to_many, "tcp", "tcp://127.0.0.1:*"),
        RUN(pub_to_many),
        OVER(dealers_and_a_router_that_answers, "inproc", "inproc://here"),
        OVER(dealers_and_a_router_that_answers, "tcp", "tcp://127.0.0.1:*"),
        OVER(push_whose_peers_come_and_go, "inproc", "inproc://here"),
        OVER(push_whose_peers_come_and_go, "tcp", "tcp://127.0.0.1:*"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
