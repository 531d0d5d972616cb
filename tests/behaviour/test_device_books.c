/* SPDX-License-Identifier: MIT */
/*
 * The books balance at every reading: several devices at once, with peers that join, talk, listen,
 * stall and die at random, also in the middle of a message; multipart messages from nothing to
 * 200 KB; pauses; and a thread that does nothing but read the accounts. GREENMQ_SEED chooses
 * another run than that of seed 1, GREENMQ_STEPS a longer one.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/device.h"

#include "unit/dice.h"

#include <stdatomic.h>

enum {
    PATTERNS = 8,
    PEERS_MAX = 10,   /* of one device */
    LINES_MAX = 1000, /* more than there can be */
    BODY_MAX = 200000,
    HWM = 20,
    STEPS = 6000
};

/* Who may come: a socket type at one of the sides; by which name a raw one shakes hands. */
struct guest {
    int backend, type;
    const char *raw; /* or NULL */
};

struct pattern {
    const char *name, *where;
    enum gmq_device_type type;
    int front, back, capture; /* -1: no capture */
    struct guest guest[6];
    size_t guests;
};

static const struct pattern patterns[PATTERNS] = {
    {"queue",
     "tcp://127.0.0.1:*",
     GMQ_DEVICE_QUEUE,
     ZMQ_ROUTER,
     ZMQ_DEALER,
     ZMQ_PUB,
     {{0, ZMQ_DEALER, "DEALER"},
      {0, ZMQ_REQ, "REQ"},
      {1, ZMQ_DEALER, "DEALER"},
      {1, ZMQ_REP, "REP"}},
     4},
    {"queue in process",
     "inproc://new",
     GMQ_DEVICE_QUEUE,
     ZMQ_ROUTER,
     ZMQ_DEALER,
     ZMQ_PUSH,
     {{0, ZMQ_DEALER, NULL}, {0, ZMQ_REQ, NULL}, {1, ZMQ_DEALER, NULL}, {1, ZMQ_REP, NULL}},
     4},
    {"streamer",
     "tcp://127.0.0.1:*",
     GMQ_DEVICE_STREAMER,
     ZMQ_PULL,
     ZMQ_PUSH,
     ZMQ_PAIR,
     {{0, ZMQ_PUSH, "PUSH"}, {1, ZMQ_PULL, "PULL"}},
     2},
    {"forwarder",
     "tcp://127.0.0.1:*",
     GMQ_DEVICE_FORWARDER,
     ZMQ_XSUB,
     ZMQ_XPUB,
     -1,
     {{0, ZMQ_PUB, "PUB"}, {0, ZMQ_XPUB, "XPUB"}, {1, ZMQ_SUB, "SUB"}, {1, ZMQ_XSUB, "XSUB"}},
     4},
    {"own subscriptions",
     "ipc://*",
     GMQ_DEVICE_FORWARDER,
     ZMQ_SUB,
     ZMQ_PUB,
     ZMQ_DEALER,
     {{0, ZMQ_XPUB, NULL}, {1, ZMQ_SUB, NULL}},
     2},
    {"lock step",
     "tcp://127.0.0.1:*",
     GMQ_DEVICE_ANY,
     ZMQ_REP,
     ZMQ_REQ,
     ZMQ_PUB,
     {{0, ZMQ_REQ, "REQ"}, {1, ZMQ_REP, "REP"}, {0, ZMQ_DEALER, "DEALER"}},
     3},
    {"dealers",
     "inproc://new",
     GMQ_DEVICE_ANY,
     ZMQ_DEALER,
     ZMQ_DEALER,
     -1,
     {{0, ZMQ_DEALER, NULL}, {1, ZMQ_DEALER, NULL}, {0, ZMQ_ROUTER, NULL}},
     3},
    {"pairs",
     "tcp://127.0.0.1:*",
     GMQ_DEVICE_ANY,
     ZMQ_PAIR,
     ZMQ_PAIR,
     ZMQ_PUSH,
     {{0, ZMQ_PAIR, "PAIR"}, {1, ZMQ_PAIR, "PAIR"}},
     2},
};

struct peer {
    const struct guest *guest;
    void *socket; /* or NULL: then it is raw */
    int fd;
};

static struct farm {
    const struct pattern *pattern;
    struct rig rig;
    struct peer peer[PEERS_MAX];
    size_t peers;
    bool paused;
} farms[PATTERNS];

static void *far_ctx; /* tcp and ipc peers live in a context of their own */
static char body[BODY_MAX];

static size_t throw_size(void)
{
    switch (dice_throw(20)) {
    case 0: return 0;
    case 1: return dice_throw(BODY_MAX + 1);
    case 2: return 8180 + dice_throw(30);
    case 3: return dice_throw(20000);
    case 4:
    case 5: return dice_throw(2000);
    default: return dice_throw(100);
    }
}

static void open_farm(struct farm *farm, const struct pattern *pattern)
{
    farm->pattern = pattern;
    farm->rig = (struct rig){.front = open_socket(pattern->front),
                             .back = open_socket(pattern->back)};
    struct rig *rig = &farm->rig;
    if (pattern->capture >= 0)
        rig->capture = open_socket(pattern->capture);
    void *sockets[] = {rig->front, rig->back, rig->capture};
    for (int i = 0; i < 3 && sockets[i]; i++) {
        set_int(sockets[i], ZMQ_SNDHWM, HWM);
        set_int(sockets[i], ZMQ_RCVHWM, HWM);
        set_int(sockets[i], ZMQ_SNDBUF, 16384);
        set_int(sockets[i], ZMQ_RCVBUF, 16384);
    }
    rig->front_at = bind_anew(rig->front, pattern->where);
    rig->back_at = bind_anew(rig->back, pattern->where);
    start_rig(rig, pattern->type);
}

/* A body that begins with one of a few letters, so that it may be a topic. */
static const char *throw_body(void)
{
    body[0] = (char)('a' + dice_throw(4));
    return body;
}

static void join_socket(struct farm *farm, struct peer *peer)
{
    bool near = strncmp(farm->pattern->where, "inproc", 6) == 0;
    peer->socket = zmq_socket(near ? world.ctx : far_ctx, peer->guest->type);
    assert_non_null(peer->socket);
    set_int(peer->socket, ZMQ_LINGER, 0);
    set_int(peer->socket, ZMQ_SNDHWM, 1 + (int)dice_throw(HWM));
    set_int(peer->socket, ZMQ_RCVHWM, 1 + (int)dice_throw(HWM));
    if (peer->guest->type == ZMQ_SUB)
        zmq_setsockopt(peer->socket, ZMQ_SUBSCRIBE, throw_body(), dice_throw(2));
    const struct rig *rig = &farm->rig;
    connect_to(peer->socket, peer->guest->backend ? rig->back_at.text : rig->front_at.text);
}

static void join_raw(struct farm *farm, struct peer *peer)
{
    const struct rig *rig = &farm->rig;
    peer->fd = raw_connect(port_of(peer->guest->backend ? rig->back_at : rig->front_at));
    if (farm->pattern->front == ZMQ_PAIR)
        return; /* it may be refused, so it is one that never says a word */
    raw_handshake(peer->fd, peer->guest->raw);
    if (strstr(peer->guest->raw, "SUB"))
        raw_send_frame(peer->fd, RAW_COMMAND, "\11SUBSCRIBEa", 10 + dice_throw(2));
}

static void join(struct farm *farm)
{
    if (farm->peers == PEERS_MAX)
        return;
    struct peer *peer = &farm->peer[farm->peers++];
    *peer = (struct peer){
        .guest = &farm->pattern->guest[dice_throw((uint32_t)farm->pattern->guests)], .fd = -1};
    if (peer->guest->raw && dice_throw(3) == 0)
        join_raw(farm, peer);
    else
        join_socket(farm, peer);
}

/* Sends what it can without waiting. Who has sent a part of a frame cannot go on. */
static bool say_raw(struct peer *peer, const void *octets, size_t size)
{
    return send(peer->fd, octets, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
}

static bool say_frame(struct peer *peer, unsigned flags, size_t size)
{
    char head[9] = {(char)(flags | (size > 255 ? RAW_LONG : 0)), (char)size};
    for (int i = 0; size > 255 && i < 8; i++)
        head[1 + i] = (char)((uint64_t)size >> (56 - 8 * i));
    return say_raw(peer, head, size > 255 ? 9 : 2) && say_raw(peer, throw_body(), size);
}

static void leave(struct farm *farm, struct peer *peer)
{
    if (peer->socket) {
        zmq_close(peer->socket);
    } else {
        struct linger now = {.l_onoff = (int)dice_throw(2)};
        if (dice_throw(2)) /* dies within a message */
            (void)(say_frame(peer, RAW_MORE, throw_size()) && say_raw(peer, "\2\0\0\0", 4));
        setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(peer->fd);
    }
    *peer = farm->peer[--farm->peers];
}

static void talk_raw(struct farm *farm, struct peer *peer)
{
    for (uint32_t n = dice_throw(10); n; n--)
        for (uint32_t parts = 1 + dice_throw(4); parts; parts--)
            if (!say_frame(peer, parts > 1 ? RAW_MORE : 0, throw_size())) {
                leave(farm, peer);
                return;
            }
}

static void talk(struct farm *farm, struct peer *peer)
{
    if (!peer->socket) {
        talk_raw(farm, peer);
        return;
    }
    for (uint32_t n = 1 + dice_throw(10); n; n--) {
        uint32_t parts = 1 + dice_throw(4);
        if (zmq_send(peer->socket, throw_body(), throw_size(),
                     ZMQ_DONTWAIT | (parts > 1 ? ZMQ_SNDMORE : 0)) < 0)
            return; /* no room, not its turn, or it cannot send at all */
        while (--parts)
            assert_true(zmq_send(peer->socket, throw_body(), throw_size(),
                                 parts > 1 ? ZMQ_SNDMORE : 0) >= 0);
    }
}

/* Receives, and now and then sends back what came, so that replies find their way. */
static void listen_to(struct peer *peer)
{
    static char octets[BODY_MAX + 1];
    bool answers = peer->guest->backend && dice_throw(4);
    if (!peer->socket) {
        while (recv(peer->fd, octets, sizeof octets, MSG_DONTWAIT) > 0)
            continue;
        return;
    }
    for (uint32_t n = dice_throw(20); n; n--) {
        bool more = true, begun = false, refused = !answers;
        while (more) {
            int size = zmq_recv(peer->socket, octets, sizeof octets, ZMQ_DONTWAIT);
            if (size < 0)
                return;
            more = get_int(peer->socket, ZMQ_RCVMORE);
            if (refused)
                continue;
            int flags = (more ? ZMQ_SNDMORE : 0) | (begun ? 0 : ZMQ_DONTWAIT);
            if (size > BODY_MAX)
                size = BODY_MAX;
            refused = zmq_send(peer->socket, octets, (size_t)size, flags) < 0;
            begun = true;
        }
    }
}

static void check_lines(struct farm *farm, const struct gmq_account *before)
{
    static struct gmq_peer lines[LINES_MAX];
    long count = gmq_device_peers(farm->rig.device, lines, LINES_MAX);
    struct gmq_account after = account_of(farm->rig.device);
    assert_in_range(count, 0, LINES_MAX);
    if (memcmp(before, &after, sizeof after) != 0)
        return; /* they are not of one instant */
    struct gmq_tally queued[2] = {{0}};
    for (long i = 0; i < count; i++)
        add_tally(&queued[lines[i].backend], &lines[i].flow.queued);
    assert_true(same_tally(&queued[0], &after.backward.queued));
    assert_true(same_tally(&queued[1], &after.forward.queued));
}

static void turn_device(struct farm *farm)
{
    farm->paused = !farm->paused;
    if (farm->paused)
        assert_int_equal(gmq_device_pause(farm->rig.device), 0);
    else
        assert_int_equal(gmq_device_resume(farm->rig.device), 0);
}

static void step(struct farm *farm)
{
    uint32_t what = dice_throw(100);
    if (farm->peers == 0 || what < 5) {
        join(farm);
    } else if (what < 10) {
        leave(farm, &farm->peer[dice_throw((uint32_t)farm->peers)]);
    } else if (what < (farm->paused ? 20 : 12)) {
        turn_device(farm);
    } else {
        struct peer *peer = &farm->peer[dice_throw((uint32_t)farm->peers)];
        if (what < 60)
            talk(farm, peer);
        else
            listen_to(peer);
    }
    struct gmq_account books = account_of(farm->rig.device);
    check_lines(farm, &books);
}

/* The thread that only reads. It ends when the devices do. */
static struct {
    unsigned long readings;
    struct gmq_account books; /* those that did not balance */
    const char *error, *name;
} auditor;

static void *audit(void *argument)
{
    (void)argument;
    for (int running = 1; running;) {
        running = 0;
        for (int i = 0; i < PATTERNS; i++) {
            struct gmq_account books = {.size = sizeof books};
            gmq_device_account(farms[i].rig.device, &books);
            const char *error = books_error(&books);
            if (error && !auditor.error) {
                auditor.books = books;
                auditor.error = error;
                auditor.name = farms[i].pattern->name;
            }
            running += books.state != GMQ_DEVICE_STOPPED;
            auditor.readings++;
        }
    }
    return NULL;
}

static void close_farm(struct farm *farm)
{
    if (dice_throw(2))
        assert_in_range(gmq_device_drain(farm->rig.device, dice_throw(50)), 0, 1);
    else
        assert_int_equal(gmq_device_stop(farm->rig.device), 0);
    struct gmq_account books = account_of(farm->rig.device);
    assert_int_equal(books.state, GMQ_DEVICE_STOPPED);
    print_message("%-18s", farm->pattern->name);
    print_message("%7" PRIu64 " and %7" PRIu64 " messages, %4" PRIu64 " peers, dropped:",
                  books.forward.received.messages, books.backward.received.messages,
                  books.frontend_joined + books.backend_joined);
    for (int i = 0; i < GMQ_DROP_REASONS; i++)
        if (books.forward.dropped[i].messages + books.backward.dropped[i].messages)
            print_message(" %" PRIu64 " %s",
                          books.forward.dropped[i].messages + books.backward.dropped[i].messages,
                          gmq_drop_name((enum gmq_drop)i));
    print_message("\n");
}

TEST(books_balance_at_every_reading)
{
    const char *seed = getenv("GREENMQ_SEED"), *longer = getenv("GREENMQ_STEPS");
    long steps = longer ? strtol(longer, NULL, 10) : STEPS;
    dice_seed(seed ? strtoull(seed, NULL, 10) : 1);
    print_message("seed %lu\n", (unsigned long)dice.seed);
    for (int i = 0; i < PATTERNS; i++)
        open_farm(&farms[i], &patterns[i]);
    pthread_t reads = start_thread(audit, NULL);
    for (long n = 0; n < steps; n++)
        step(&farms[dice_throw(PATTERNS)]);
    for (int i = 0; i < PATTERNS; i++)
        close_farm(&farms[i]);
    join_thread(reads);
    print_message("%lu readings besides\n", auditor.readings);
    if (auditor.error) {
        print_books(&auditor.books);
        fail_msg("%s: %s", auditor.name, auditor.error);
    }
    assert_true(auditor.readings > 1000);
}

static int open_farms(void **state)
{
    far_ctx = zmq_ctx_new();
    return far_ctx ? world_open(state) : -1;
}

static int close_farms(void **state)
{
    for (int i = 0; i < PATTERNS; i++)
        while (farms[i].peers)
            leave(&farms[i], &farms[i].peer[0]);
    zmq_ctx_term(far_ctx);
    tell_seed(state);
    return devices_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(books_balance_at_every_reading, open_farms, close_farms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
