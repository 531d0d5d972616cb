/* SPDX-License-Identifier: MIT */
/*
 * Bursts to several peers, as fast as one thread can send: who gets what and in which order, that
 * the high-water marks are exact, and that whatever is called in between finds all that was sent
 * before. None of it may depend on how fast the messages follow each other.
 */
#include <poll.h>
#include <stdatomic.h>

#include "behaviour/util.h"

enum { FAST = 200 /* messages in a burst that is sure to be taken for one */ };

static void send_burst(void *socket, int from, int count)
{
    for (int i = from; i < from + count; i++)
        send_bytes(socket, &i, sizeof i, 0);
}

static void send_burst_to(void *router, const char *id, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        send_bytes(router, id, strlen(id), ZMQ_SNDMORE);
        send_bytes(router, &i, sizeof i, 0);
    }
}

static int recv_int(void *socket, int flags)
{
    int number = -1;
    int size = zmq_recv(socket, &number, sizeof number, flags);
    if (size < 0)
        assert_int_equal(zmq_errno(), EAGAIN);
    return size < 0 ? -1 : number;
}

/* Exactly these are there already. */
static void expect_now(void *socket, int from, int count, int step)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(recv_int(socket, ZMQ_DONTWAIT), from + i * step);
    assert_int_equal(recv_int(socket, ZMQ_DONTWAIT), -1);
}

/* A sender that binds, and receivers that connect to it. */
struct star {
    void *hub, *leaf[3];
};

static struct star star_of(int type, int leaf_type, int hwm, const char *endpoint)
{
    struct star star = {.hub = open_socket(type)};
    set_int(star.hub, ZMQ_SNDHWM, hwm);
    struct endpoint where = bind_to(star.hub, endpoint);
    for (int i = 0; i < 3; i++) {
        star.leaf[i] = open_socket(leaf_type);
        set_int(star.leaf[i], ZMQ_RCVHWM, hwm);
        if (leaf_type == ZMQ_SUB)
            set_text(star.leaf[i], ZMQ_SUBSCRIBE, "");
        else if (type == ZMQ_ROUTER)
            zmq_setsockopt(star.leaf[i], ZMQ_ROUTING_ID, &"abc"[i], 1);
        connect_to(star.leaf[i], where.text);
    }
    nudge(star.hub);
    return star;
}

/* ---- whom it is for ---- */

TEST(push_deals_a_burst_out_in_turn)
{
    void *push = open_socket(ZMQ_PUSH), *pull[3];
    bool taken[3] = {false};
    for (int i = 0; i < 3; i++) {
        char where[32];
        snprintf(where, sizeof where, "inproc://%d", i);
        pull[i] = open_socket(ZMQ_PULL);
        connect_to(push,
                   bind_to(pull[i],
                           i && strcmp(*state, "inproc://here") == 0 ? where : (const char *)*state)
                       .text);
    }
    send_burst(push, 0, 3 * FAST);
    for (int i = 0; i < 3; i++) {
        int first = recv_int(pull[i], 0);
        assert_in_range(first, 0, 2);
        assert_false(taken[first]);
        taken[first] = true;
        for (int n = 1; n < FAST; n++)
            assert_int_equal(recv_int(pull[i], 0), first + 3 * n);
        assert_int_equal(recv_int(pull[i], ZMQ_DONTWAIT), -1);
    }
}

TEST(several_bursts_go_on_where_the_turn_was)
{
    struct star star = star_of(ZMQ_PUSH, ZMQ_PULL, 0, "inproc://here");
    int sent = 0, next[3];
    for (int burst = 1; burst < 60; burst += 7, nap_ms(1)) {
        send_burst(star.hub, sent, burst);
        sent += burst;
    }
    for (int i = 0; i < 3; i++)
        next[i] = i;
    for (int n = 0; n < sent; n++) {
        assert_int_equal(recv_int(star.leaf[n % 3], ZMQ_DONTWAIT), next[n % 3]);
        next[n % 3] += 3;
    }
}

TEST(pub_drops_exactly_what_is_beyond_the_marks)
{
    struct star star = star_of(ZMQ_PUB, ZMQ_SUB, 10, "inproc://here");
    send_burst(star.hub, 0, 100);
    for (int i = 0; i < 3; i++)
        expect_now(star.leaf[i], 0, 20, 1);
    nudge(star.hub);
    send_burst(star.hub, 100, 100);
    for (int i = 0; i < 3; i++)
        expect_now(star.leaf[i], 100, 20, 1);
}

TEST(router_drops_exactly_what_is_beyond_the_marks)
{
    struct star star = star_of(ZMQ_ROUTER, ZMQ_DEALER, 10, "inproc://here");
    send_burst_to(star.hub, "a", 0, 100);
    send_burst_to(star.hub, "b", 1000, 5);
    send_burst_to(star.hub, "nobody", 0, 100);
    expect_now(star.leaf[0], 0, 20, 1);
    expect_now(star.leaf[1], 1000, 5, 1);
    expect_now(star.leaf[2], 0, 0, 1);
}

TEST(push_is_full_exactly_at_the_marks)
{
    struct star star = star_of(ZMQ_PUSH, ZMQ_PULL, 10, "inproc://here");
    send_burst(star.hub, 0, 60);
    expect_error(zmq_send(star.hub, "", 0, ZMQ_DONTWAIT), EAGAIN);
    for (int i = 0; i < 3; i++)
        expect_now(star.leaf[i], i, 20, 3);
}

TEST(a_sender_without_peers_is_full)
{
    void *push = open_socket(ZMQ_PUSH), *pub = open_socket(ZMQ_PUB);
    bind_to(push, "inproc://push");
    send_burst(pub, 0, FAST);
    for (int i = 0; i < 20; i++)
        expect_error(zmq_send(push, "", 0, ZMQ_DONTWAIT), EAGAIN);
}

/* ---- what was sent is there ---- */

static const struct kind {
    int type, leaf_type;
} kinds[] = {{ZMQ_PUSH, ZMQ_PULL},
             {ZMQ_DEALER, ZMQ_DEALER},
             {ZMQ_PUB, ZMQ_SUB},
             {ZMQ_XPUB, ZMQ_SUB},
             {ZMQ_ROUTER, ZMQ_DEALER}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* So that each of the three gets `count`, numbered in a row. */
static void send_each(const struct star *star, const struct kind *kind, int count)
{
    bool copies = kind->leaf_type == ZMQ_SUB;
    for (int i = 0; i < count; i++)
        for (int to = 0; to < (copies ? 1 : 3); to++) {
            if (kind->type == ZMQ_ROUTER)
                send_bytes(star->hub, &"abc"[to], 1, ZMQ_SNDMORE);
            send_bytes(star->hub, &i, sizeof i, 0);
        }
}

static struct star star_of_kind(int kind)
{
    char where[32];
    snprintf(where, sizeof where, "inproc://kind-%d", kind);
    return star_of(kinds[kind].type, kinds[kind].leaf_type, 0, where);
}

TEST(all_is_there_for_who_receives_at_once)
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct star star = star_of_kind(kind);
        for (int round = 0; round < 20; round++) {
            send_each(&star, &kinds[kind], FAST);
            for (int i = 0; i < 3; i++)
                expect_now(star.leaf[i], 0, FAST, 1);
        }
    }
}

TEST(all_is_there_for_who_asks_at_once)
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct star star = star_of_kind(kind);
        for (int round = 0; round < 20; round++) {
            send_each(&star, &kinds[kind], FAST);
            zmq_pollitem_t items[3];
            for (int i = 0; i < 3; i++)
                items[i] = (zmq_pollitem_t){.socket = star.leaf[i], .events = ZMQ_POLLIN};
            if (round % 2)
                assert_int_equal(zmq_poll(items, 3, 0), 3);
            for (int i = 0; i < 3; i++)
                assert_true(get_int(star.leaf[i], ZMQ_EVENTS) & ZMQ_POLLIN);
            for (int i = 0; i < 3; i++)
                expect_now(star.leaf[i], 0, FAST, 1);
        }
    }
}

TEST(all_is_there_for_who_has_the_descriptor)
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct star star = star_of_kind(kind);
        send_each(&star, &kinds[kind], 10);
        struct pollfd fd = {.fd = get_int(star.leaf[0], ZMQ_FD), .events = POLLIN};
        for (int round = 0; round < 20; round++) {
            while (recv_int(star.leaf[0], ZMQ_DONTWAIT) >= 0)
                continue;
            get_int(star.leaf[0], ZMQ_EVENTS);
            send_each(&star, &kinds[kind], FAST);
            assert_int_equal(poll(&fd, 1, 0), 1);
        }
    }
}

/* Another thread is told when a burst was sent, and wants to find all of it. */
struct rendezvous {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    int told, done;
    void *leaf[3];
};
static struct rendezvous meet = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, {0}};

static void tell(int *what, int number)
{
    pthread_mutex_lock(&meet.lock);
    *what = number;
    pthread_cond_broadcast(&meet.cond);
    pthread_mutex_unlock(&meet.lock);
}

static void wait_for(const int *what, int number)
{
    pthread_mutex_lock(&meet.lock);
    while (*what < number)
        pthread_cond_wait(&meet.cond, &meet.lock);
    pthread_mutex_unlock(&meet.lock);
}

enum { MEETINGS = 100 };

static void *receive_when_told(void *unused)
{
    (void)unused;
    intptr_t wrong = 0;
    for (int meeting = 1; meeting <= MEETINGS; meeting++) {
        wait_for(&meet.told, meeting);
        for (int i = 0; i < 3; i++)
            for (int n = 0, number; n < FAST; n++) {
                number = -1;
                zmq_recv(meet.leaf[i], &number, sizeof number, ZMQ_DONTWAIT);
                wrong += number != n;
            }
        tell(&meet.done, meeting);
    }
    return (void *)wrong;
}

TEST(all_is_there_for_another_thread_that_is_told)
{
    for (int kind = 0; kind < KINDS; kind++) {
        struct star star = star_of_kind(kind);
        memcpy(meet.leaf, star.leaf, sizeof meet.leaf);
        meet.told = meet.done = 0;
        pthread_t thread = start_thread(receive_when_told, NULL);
        for (int meeting = 1; meeting <= MEETINGS; meeting++) {
            send_each(&star, &kinds[kind], FAST);
            tell(&meet.told, meeting);
            wait_for(&meet.done, meeting);
        }
        assert_int_equal((intptr_t)join_thread(thread), 0);
    }
}

/* Without any thread of greenmq's own. */
TEST(all_is_there_without_io_threads)
{
    better_than_libzmq(); /* there such a context has no transport but inproc */
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0), 0);
    all_is_there_for_who_receives_at_once(state);
}

/* ---- subscriptions ---- */

TEST(a_later_subscriber_gets_nothing_of_it)
{
    void *pub = open_socket(ZMQ_PUB), *early = open_socket(ZMQ_SUB), *late = open_socket(ZMQ_SUB);
    bind_to(pub, "inproc://here");
    set_text(early, ZMQ_SUBSCRIBE, "");
    connect_to(early, "inproc://here");
    connect_to(late, "inproc://here");
    nudge(pub);
    for (int round = 0; round < 50; round++) {
        send_burst(pub, 0, FAST);
        set_text(late, ZMQ_SUBSCRIBE, "");
        nudge(pub);
        send_burst(pub, FAST, FAST);
        expect_now(late, FAST, FAST, 1);
        expect_now(early, 0, 2 * FAST, 1);
        zmq_setsockopt(late, ZMQ_UNSUBSCRIBE, "", 0);
        nudge(pub);
    }
}

TEST(after_an_unsubscription_nothing_of_it_is_received)
{
    void *pub = open_socket(ZMQ_PUB), *other = open_socket(ZMQ_SUB), *sub = open_socket(ZMQ_SUB);
    bind_to(pub, "inproc://here");
    set_text(other, ZMQ_SUBSCRIBE, "");
    connect_to(other, "inproc://here");
    connect_to(sub, "inproc://here");
    set_text(sub, ZMQ_SUBSCRIBE, "end");
    for (int round = 0; round < 20; round++) {
        set_text(sub, ZMQ_SUBSCRIBE, "a");
        nudge(pub);
        for (int i = 0; i < FAST; i++)
            send_parts(pub, "a", "1");
        zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "a", 1);
        send_parts(pub, "end");
        expect_parts(sub, "end");
        for (int i = 0; i < FAST; i++)
            expect_parts(other, "a", "1");
        expect_parts(other, "end");
    }
}

/* ---- parts ---- */

static void do_nothing_with(void *hub, void *other, int what)
{
    int number = -1, size = sizeof number;
    size_t room = sizeof number;
    zmq_pollitem_t item = {.socket = hub, .events = ZMQ_POLLOUT};
    switch (what) {
    case 0: break;
    case 1: assert_true(get_int(hub, ZMQ_EVENTS) & ZMQ_POLLOUT); break;
    case 2: assert_int_equal(zmq_getsockopt(hub, ZMQ_TYPE, &number, &room), 0); break;
    case 3: set_int(hub, ZMQ_LINGER, -1); break;
    case 4: assert_int_equal(zmq_poll(&item, 1, 0), 1); break;
    case 5: zmq_recv(other, &number, sizeof number, ZMQ_DONTWAIT); break;
    case 6: zmq_send(other, &size, sizeof size, ZMQ_DONTWAIT); break;
    case 7: set_int(hub, ZMQ_SNDHWM, 5000); break;
    case 8: zmq_disconnect(hub, "inproc://nowhere"); break;
    default: zmq_setsockopt(other, ZMQ_SUBSCRIBE, "x", 1);
    }
}

enum { WHATS = 10 };

/* Whatever is called between two parts, the message is received whole and in its place. */
TEST(parts_go_on_after_other_calls)
{
    void *other = open_socket(ZMQ_SUB), *third = open_socket(ZMQ_XSUB);
    connect_to(other, "inproc://kind-2");
    connect_to(third, "inproc://kind-3");
    for (int kind = 0; kind < KINDS; kind++) {
        struct star star = star_of_kind(kind);
        bool copies = kinds[kind].leaf_type == ZMQ_SUB, named = kinds[kind].type == ZMQ_ROUTER;
        for (int round = 0; round < WHATS * 6; round++) {
            send_each(&star, &kinds[kind], 20 + round % 7);
            if (named)
                send_bytes(star.hub, "a", 1, ZMQ_SNDMORE);
            do_nothing_with(star.hub, round % 2 ? other : third, round % WHATS);
            send_bytes(star.hub, "head", 4, ZMQ_SNDMORE);
            do_nothing_with(star.hub, other, round / 6);
            send_bytes(star.hub, "body", 4, ZMQ_SNDMORE);
            send_bytes(star.hub, "tail", 4, 0);
            for (int i = 0; i < 3; i++) {
                for (int n = 0; n < 20 + round % 7; n++)
                    assert_int_equal(recv_int(star.leaf[i], ZMQ_DONTWAIT), n);
                if (copies || i == (named ? 0 : round % 3))
                    expect_parts(star.leaf[i], "head", "body", "tail");
                assert_int_equal(recv_int(star.leaf[i], ZMQ_DONTWAIT), -1);
            }
        }
    }
}

TEST(large_parts_keep_their_place)
{
    static char large[100000];
    static const size_t sizes[] = {0, 1, 255, 256, 2047, 2048, 2049, 3000, 8192, 9000, 100000};
    enum { SIZES = sizeof sizes / sizeof *sizes, MESSAGES = 60 * SIZES };
    struct star star = star_of(ZMQ_PUSH, ZMQ_PULL, 0, *state);
    for (int i = 0; i < 3; i++) /* each has one: they are all connected */
        wait_until(zmq_send(star.hub, "", 0, ZMQ_DONTWAIT) == 0 && can_recv(star.leaf[i], 10));
    for (int i = 0; i < 3; i++)
        while (can_recv(star.leaf[i], 10))
            zmq_recv(star.leaf[i], NULL, 0, 0);
    for (int n = 0; n < MESSAGES; n++) {
        send_bytes(star.hub, &n, sizeof n, ZMQ_SNDMORE);
        send_bytes(star.hub, large, sizes[n / 3 % SIZES], n % 5 ? 0 : ZMQ_SNDMORE);
        if (n % 5 == 0)
            send_bytes(star.hub, large, sizes[n % SIZES], 0);
    }
    for (int i = 0; i < 3; i++) {
        int first = recv_int(star.leaf[i], 0), n = first;
        for (int count = 0; count < MESSAGES / 3; count++, n += 3) {
            if (count)
                assert_int_equal(recv_int(star.leaf[i], 0), n);
            assert_int_equal(zmq_recv(star.leaf[i], large, sizeof large, 0), sizes[n / 3 % SIZES]);
            if (n % 5 == 0)
                assert_int_equal(zmq_recv(star.leaf[i], large, sizeof large, 0), sizes[n % SIZES]);
            assert_false(get_int(star.leaf[i], ZMQ_RCVMORE));
        }
    }
}

/* ---- the end ---- */

TEST(all_of_a_burst_lingers)
{
    for (int kind = 0; kind < 2; kind++) {
        void *hub = open_socket(kinds[kind].type), *leaf[3];
        bool seen[3 * FAST] = {false};
        for (int i = 0; i < 3; i++) {
            char where[64];
            snprintf(where, sizeof where, "inproc://%d-%d", kind, i);
            leaf[i] = open_socket(kinds[kind].leaf_type);
            bool local = strncmp(*state, "inproc", 6) == 0;
            connect_to(hub, bind_to(leaf[i], local ? where : (const char *)*state).text);
        }
        send_burst(hub, 0, 3 * FAST);
        close_socket(hub);
        for (int i = 0; i < 3; i++)
            for (int n = 0, number; n < FAST; n++) {
                number = recv_int(leaf[i], 0);
                assert_in_range(number, 0, 3 * FAST - 1);
                assert_false(seen[number]);
                seen[number] = true;
            }
    }
}

TEST(what_was_sent_before_a_disconnect_arrives)
{
    void *push = open_socket(ZMQ_PUSH), *pull[2];
    struct endpoint where[2];
    for (int i = 0; i < 2; i++) {
        pull[i] = open_socket(ZMQ_PULL);
        bool local = strncmp(*state, "inproc", 6) == 0;
        where[i] = bind_to(pull[i], local && i ? "inproc://there" : (const char *)*state);
        connect_to(push, where[i].text);
    }
    for (int i = 0; i < 2; i++) { /* both are connected */
        send_burst(push, i, 1);
        assert_int_equal(recv_int(pull[i], 0), i);
    }
    send_burst(push, 0, 2 * FAST);
    assert_int_equal(zmq_disconnect(push, where[0].text), 0);
    send_burst(push, 2 * FAST, FAST);
    for (int n = 0; n < FAST; n++) {
        assert_int_equal(recv_int(pull[0], 0), 2 * n);
        assert_int_equal(recv_int(pull[1], 0), 2 * n + 1);
    }
    for (int n = 0; n < FAST; n++)
        assert_int_equal(recv_int(pull[1], 0), 2 * FAST + n);
}

/* ---- waiting ---- */

enum { LONG = 3000 };

static void *send_long(void *push)
{
    intptr_t wrong = 0;
    for (int i = 0; i < LONG; i++)
        wrong += zmq_send(push, &i, sizeof i, 0) != sizeof i;
    return (void *)wrong;
}

TEST(a_burst_waits_at_the_marks_and_goes_on)
{
    struct star star = star_of(ZMQ_PUSH, ZMQ_PULL, 3, *state);
    pthread_t thread = start_thread(send_long, star.hub);
    int last[3] = {-1, -1, -1}, received = 0;
    zmq_pollitem_t items[3];
    while (received < LONG) {
        for (int i = 0; i < 3; i++)
            items[i] = (zmq_pollitem_t){.socket = star.leaf[i], .events = ZMQ_POLLIN};
        assert_true(zmq_poll(items, 3, DEADLINE_MS) > 0);
        for (int i = 0; i < 3; i++) {
            int number = recv_int(star.leaf[i], ZMQ_DONTWAIT);
            if (number < 0)
                continue;
            assert_true(number > last[i]);
            last[i] = number;
            received++;
        }
    }
    assert_int_equal((intptr_t)join_thread(thread), 0);
}

TEST(nodrop_is_full_exactly_at_the_marks)
{
    struct star star = star_of(ZMQ_XPUB, ZMQ_SUB, 10, "inproc://here");
    set_int(star.hub, ZMQ_XPUB_NODROP, 1);
    for (int round = 0; round < 10; round++) {
        send_burst(star.hub, 0, 20);
        expect_error(zmq_send(star.hub, "", 0, ZMQ_DONTWAIT), EAGAIN);
        expect_now(star.leaf[0], 0, 20, 1);
        expect_now(star.leaf[1], 0, 20, 1);
        expect_error(zmq_send(star.hub, "", 0, ZMQ_DONTWAIT), EAGAIN); /* for the third's sake */
        expect_now(star.leaf[2], 0, 20, 1);
    }
}

/* The message that has begun goes, even if there is no room any more. */
TEST(nodrop_keeps_its_promise_to_a_message_that_has_begun)
{
    better_than_libzmq(); /* it gives EAGAIN for the last part */
    struct star star = star_of(ZMQ_XPUB, ZMQ_SUB, 10, "inproc://here");
    set_int(star.hub, ZMQ_XPUB_NODROP, 1);
    send_burst(star.hub, 0, 12);
    send_bytes(star.hub, "head", 4, ZMQ_SNDMORE);
    set_int(star.hub, ZMQ_SNDHWM, 1);
    assert_int_equal(zmq_send(star.hub, "tail", 4, ZMQ_DONTWAIT), 4);
    for (int i = 0; i < 3; i++) {
        for (int n = 0; n < 12; n++)
            assert_int_equal(recv_int(star.leaf[i], ZMQ_DONTWAIT), n);
        expect_parts(star.leaf[i], "head", "tail");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(push_deals_a_burst_out_in_turn),
        RUN(several_bursts_go_on_where_the_turn_was),
        RUN(pub_drops_exactly_what_is_beyond_the_marks),
        RUN(router_drops_exactly_what_is_beyond_the_marks),
        RUN(push_is_full_exactly_at_the_marks),
        RUN(a_sender_without_peers_is_full),
        RUN(all_is_there_for_who_receives_at_once),
        RUN(all_is_there_for_who_asks_at_once),
        RUN(all_is_there_for_who_has_the_descriptor),
        RUN(all_is_there_for_another_thread_that_is_told),
        RUN(all_is_there_without_io_threads),
        RUN(a_later_subscriber_gets_nothing_of_it),
        RUN(after_an_unsubscription_nothing_of_it_is_received),
        RUN(parts_go_on_after_other_calls),
        OVER_ALL(large_parts_keep_their_place),
        OVER_ALL(all_of_a_burst_lingers),
        OVER_ALL(what_was_sent_before_a_disconnect_arrives),
        OVER_ALL(a_burst_waits_at_the_marks_and_goes_on),
        RUN(nodrop_is_full_exactly_at_the_marks),
        RUN(nodrop_keeps_its_promise_to_a_message_that_has_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
