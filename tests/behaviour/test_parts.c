/* SPDX-License-Identifier: MIT */
/*
 * Messages of several parts between two sockets, while all kinds of other calls come between two
 * of the parts, on either side: each message arrives once, whole and in order, and ZMQ_RCVMORE
 * says after each part whether another follows.
 */
#include "behaviour/util.h"

enum { ROUNDS = 3000, WAITING_MAX = 40, PARTS_MAX = 6, ID_SIZE = 3 };

static const size_t sizes[] = {0, 1, 16, 40, 41, 255, 256, 1000, 2048, 2049, 9000};

/* What is done with a pair of sockets, as numbers from a seed. */
struct scene {
    void *from, *to;
    bool names_to;   /* `from` is a ROUTER: a message begins with the id of `to` */
    bool shows_from; /* `to` is a ROUTER: a message arrives behind the id of `from` */
    uint32_t seed;
    unsigned sent, sent_parts, received,
        received_parts; /* messages, and parts of the present one */
};

static unsigned dice(struct scene *scene, unsigned sides)
{
    scene->seed = scene->seed * 1664525 + 1013904223;
    return (scene->seed >> 8) % sides;
}

static unsigned parts_of(unsigned n)
{
    return 1 + n * 7 % PARTS_MAX;
}

static size_t size_of(unsigned n, unsigned part)
{
    return sizes[(n * 31 + part * 17) % (sizeof sizes / sizeof sizes[0])];
}

static void fill(uint8_t *body, unsigned n, unsigned part)
{
    memset(body, (int)((n * 5 + part) & 0xff), size_of(n, part));
}

static void send_by_message(void *socket, const uint8_t *body, size_t size, int flags)
{
    zmq_msg_t msg;
    assert_int_equal(zmq_msg_init_size(&msg, size), 0);
    memcpy(zmq_msg_data(&msg), body, size);
    assert_int_equal(zmq_msg_send(&msg, socket, flags), size);
}

static void send_next_part(struct scene *scene)
{
    uint8_t body[9000];
    unsigned n = scene->sent, part = scene->sent_parts;
    if (part == 0 && scene->names_to)
        send_bytes(scene->from, "to!", ID_SIZE, ZMQ_SNDMORE);
    int flags = part + 1 < parts_of(n) ? ZMQ_SNDMORE : 0;
    fill(body, n, part);
    if (dice(scene, 3))
        send_bytes(scene->from, body, size_of(n, part), flags);
    else
        send_by_message(scene->from, body, size_of(n, part), flags);
    scene->sent_parts++;
    if (flags)
        return;
    scene->sent++;
    scene->sent_parts = 0;
}

static bool receive_part(struct scene *scene, const uint8_t *expected, size_t size, bool more)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    assert_int_equal(zmq_msg_recv(&msg, scene->to, 0), size);
    assert_memory_equal(zmq_msg_data(&msg), expected, size);
    assert_int_equal(zmq_msg_more(&msg), more);
    assert_int_equal(zmq_msg_close(&msg), 0);
    if (dice(scene, 2))
        assert_int_equal(get_int(scene->to, ZMQ_RCVMORE), more);
    return more;
}

static void receive_next_part(struct scene *scene)
{
    uint8_t body[9000];
    unsigned n = scene->received, part = scene->received_parts;
    if (part == 0 && scene->shows_from)
        receive_part(scene, (const uint8_t *)"me!", ID_SIZE, true);
    fill(body, n, part);
    scene->received_parts++;
    if (receive_part(scene, body, size_of(n, part), part + 1 < parts_of(n)))
        return;
    scene->received++;
    scene->received_parts = 0;
}

/* What makes greenmq look at a socket as a whole. */
static void disturb(struct scene *scene)
{
    void *socket = dice(scene, 2) ? scene->from : scene->to;
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN | ZMQ_POLLOUT};
    switch (dice(scene, 4)) {
    case 0: get_int(socket, ZMQ_EVENTS); break;
    case 1: assert_return_code(zmq_poll(&item, 1, 0), 0); break;
    case 2: set_int(socket, ZMQ_RCVTIMEO, DEADLINE_MS); break;
    default:
        assert_int_equal(zmq_connect(socket, "inproc://nobody"), 0);
        assert_int_equal(zmq_disconnect(socket, "inproc://nobody"), 0);
    }
}

/* May another part be sent? At the end what was begun is ended, and no more. */
static bool may_send(const struct scene *scene)
{
    if (scene->sent_parts)
        return true;
    return scene->sent < ROUNDS && scene->sent - scene->received < WAITING_MAX;
}

static void run_scene(struct scene *scene)
{
    while (scene->received < ROUNDS) {
        if (dice(scene, 2) && may_send(scene))
            send_next_part(scene);
        else if (scene->received < scene->sent)
            receive_next_part(scene);
        if (dice(scene, 6))
            continue;
        disturb(scene);
        if (scene->received)
            assert_int_equal(get_int(scene->to, ZMQ_RCVMORE), scene->received_parts > 0);
    }
    assert_int_equal(scene->sent, ROUNDS);
}

static void pass_parts(const char *endpoint, int from, int to)
{
    char bound[256];
    size_t size = sizeof bound;
    struct scene scene = {.from = open_socket(from),
                          .to = open_socket(to),
                          .names_to = from == ZMQ_ROUTER,
                          .shows_from = to == ZMQ_ROUTER,
                          .seed = (uint32_t)(from * 16 + to)};
    set_text(scene.from, ZMQ_ROUTING_ID, "me!");
    set_text(scene.to, ZMQ_ROUTING_ID, "to!");
    if (from == ZMQ_ROUTER)
        set_int(scene.from, ZMQ_ROUTER_MANDATORY, 1);
    assert_int_equal(zmq_bind(scene.from, endpoint), 0);
    assert_int_equal(zmq_getsockopt(scene.from, ZMQ_LAST_ENDPOINT, bound, &size), 0);
    assert_int_equal(zmq_connect(scene.to, bound), 0);
    zmq_pollitem_t item = {.socket = scene.from, .events = ZMQ_POLLOUT};
    assert_int_equal(zmq_poll(&item, 1, DEADLINE_MS), 1);
    run_scene(&scene);
}

TEST(push_to_pull)
{
    pass_parts(*state, ZMQ_PUSH, ZMQ_PULL);
}

TEST(pair_to_pair)
{
    pass_parts(*state, ZMQ_PAIR, ZMQ_PAIR);
}

TEST(dealer_to_dealer)
{
    pass_parts(*state, ZMQ_DEALER, ZMQ_DEALER);
}

TEST(dealer_to_router)
{
    pass_parts(*state, ZMQ_DEALER, ZMQ_ROUTER);
}

TEST(router_to_dealer)
{
    pass_parts(*state, ZMQ_ROUTER, ZMQ_DEALER);
}

TEST(router_to_router)
{
    pass_parts(*state, ZMQ_ROUTER, ZMQ_ROUTER);
}

/* Between two messages to one peer: one to nobody, one for another peer, and one of only an id. */
TEST(a_router_sends_each_message_where_its_id_says)
{
    void *router = open_socket(ZMQ_ROUTER), *one = open_socket(ZMQ_DEALER), *two;
    set_text(one, ZMQ_ROUTING_ID, "one");
    assert_int_equal(zmq_bind(router, "inproc://router"), 0);
    assert_int_equal(zmq_connect(one, "inproc://router"), 0);
    for (int i = 0; i < 20; i++) {
        send_parts(router, "one", "a", "b");
        send_parts(router, "nobody", "c", "d");
        send_parts(router, "one");
        send_parts(router, "one", "");
        expect_parts(one, "a", "b");
        expect_parts(one, "");
    }
    two = open_socket(ZMQ_DEALER);
    set_text(two, ZMQ_ROUTING_ID, "two");
    send_bytes(router, "one", 3, ZMQ_SNDMORE);
    send_bytes(router, "e", 1, ZMQ_SNDMORE);
    assert_int_equal(zmq_connect(two, "inproc://router"), 0); /* in the middle of a message */
    send_bytes(router, "f", 1, 0);
    send_parts(router, "two", "g");
    expect_parts(one, "e", "f");
    expect_parts(two, "g");
}

/* The rest of a message that is being received when its sender has gone. */
TEST(a_message_is_received_whole_after_its_sender_has_closed)
{
    void *from = open_socket(ZMQ_DEALER), *to = open_socket(ZMQ_ROUTER);
    set_text(from, ZMQ_ROUTING_ID, "me!");
    assert_int_equal(zmq_bind(to, "inproc://to"), 0);
    assert_int_equal(zmq_connect(from, "inproc://to"), 0);
    send_parts(from, "first");
    expect_parts(to, "me!", "first");
    send_parts(from, "a", "b", "c");
    struct part id = recv_part(to), a = recv_part(to);
    assert_true(part_is(&id, "me!") && id.more && part_is(&a, "a") && a.more);
    close_socket(from);
    expect_parts(to, "b", "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(push_to_pull),
        OVER_ALL(pair_to_pair),
        OVER_ALL(dealer_to_dealer),
        OVER_ALL(dealer_to_router),
        OVER_ALL(router_to_dealer),
        OVER_ALL(router_to_router),
        RUN(a_router_sends_each_message_where_its_id_says),
        RUN(a_message_is_received_whole_after_its_sender_has_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
