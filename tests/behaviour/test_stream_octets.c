/* SPDX-License-Identifier: MIT */
/*
 * STREAM: octets in quantity, both ways: their order, the size of pieces, and what happens when one
 * side is faster than the other. zmq_socket(3) "Native Pattern".
 */
#include <stdatomic.h>

#include "behaviour/util.h"
#include "behaviour/raw.h"
#include "behaviour/octets.h"

enum { PIECE_MAX = 8192 /* of what is received at once, as in libzmq */ };

/* Octet `at` of a stream that no shift or gap leaves as it was. */
static unsigned char octet_at(size_t at)
{
    return (unsigned char)(at ^ (at >> 8) * 7 ^ (at >> 16) * 31);
}

static unsigned char *make_octets(size_t from, size_t size)
{
    unsigned char *octets = malloc(size);
    assert_non_null(octets);
    for (size_t i = 0; i < size; i++)
        octets[i] = octet_at(from + i);
    return octets;
}

static bool are_octets(const void *data, size_t from, size_t size)
{
    const unsigned char *octets = data;
    for (size_t i = 0; i < size; i++)
        if (octets[i] != octet_at(from + i))
            return false;
    return true;
}

/* A plain peer in a thread of its own: sends or receives so many octets. */
struct plain {
    int fd;
    size_t size;
    atomic_size_t done; /* the test looks while it runs */
    bool wrong;
};

static void *run_sender(void *argument)
{
    struct plain *plain = argument;
    unsigned char octets[5000];
    while (plain->done < plain->size) {
        size_t size = plain->size - plain->done;
        if (size > sizeof octets)
            size = sizeof octets;
        for (size_t i = 0; i < size; i++)
            octets[i] = octet_at(plain->done + i);
        ssize_t sent = send(plain->fd, octets, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return plain;
        plain->done += (size_t)sent;
    }
    return plain;
}

static void *run_receiver(void *argument)
{
    struct plain *plain = argument;
    unsigned char octets[3000];
    while (plain->done < plain->size) {
        ssize_t got = recv(plain->fd, octets, sizeof octets, 0);
        if (got <= 0)
            break;
        plain->wrong = plain->wrong || !are_octets(octets, plain->done, (size_t)got);
        plain->done += (size_t)got;
    }
    return plain;
}

/* Receives so many octets of one peer in pieces, and looks at each. */
static void receive_all(void *socket, const struct part *id, size_t size)
{
    char piece[PIECE_MAX + 1];
    for (size_t have = 0; have < size;) {
        struct part from = recv_id(socket);
        assert_memory_equal(from.data, id->data, id->size);
        int got = zmq_recv(socket, piece, sizeof piece, 0);
        assert_in_range(got, 1, PIECE_MAX);
        assert_true(are_octets(piece, have, (size_t)got));
        have += (size_t)got;
    }
}

TEST(what_comes_at_once_is_cut_into_pieces)
{
    enum { SIZE = 3 * PIECE_MAX + 100 };
    struct scene scene = bound_scene();
    unsigned char *octets = make_octets(0, SIZE);
    raw_send(scene.peer, octets, SIZE);
    receive_all(scene.socket, &scene.id, SIZE);
    free(octets);
    close(scene.peer);
}

TEST(pieces_of_every_size_come_whole)
{
    static const size_t sizes[] = {1, 2, 254, 255, 256, 257, 4096, 8191, 8192};
    struct scene scene = bound_scene();
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *octets = make_octets(0, sizes[i]);
        raw_send(scene.peer, octets, sizes[i]);
        receive_all(scene.socket, &scene.id, sizes[i]);
        free(octets);
    }
    close(scene.peer);
}

TEST(maxmsgsize_is_about_messages)
{
    struct scene scene = {.socket = open_socket(ZMQ_STREAM)};
    int64_t most = 10;
    assert_int_equal(zmq_setsockopt(scene.socket, ZMQ_MAXMSGSIZE, &most, sizeof most), 0);
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    join(&scene);
    unsigned char *octets = make_octets(0, 1000);
    raw_send(scene.peer, octets, 1000);
    receive_all(scene.socket, &scene.id, 1000);
    free(octets);
    close(scene.peer);
}

TEST(a_fast_sender_waits_for_a_slow_reader)
{
    enum { SIZE = 20 << 20 };
    struct scene scene = {.socket = open_socket(ZMQ_STREAM)};
    set_int(scene.socket, ZMQ_RCVHWM, 3);
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    join(&scene);
    struct plain plain = {.fd = scene.peer, .size = SIZE};
    pthread_t thread = start_thread(run_sender, &plain);
    nap_ms(QUIET_MS);
    assert_true(plain.done < SIZE); /* so much is nowhere but in the sender */
    receive_all(scene.socket, &scene.id, SIZE);
    join_thread(thread);
    close(scene.peer);
    expect_notice(scene.socket, &scene.id);
}

/* A peer that has said all and gone: what was held comes nonetheless, and the notice last. */
TEST(the_last_octets_come_before_the_notice)
{
    enum { SIZE = 200000 };
    better_than_libzmq(); /* it loses what it could not deliver at the end */
    struct scene scene = {.socket = open_socket(ZMQ_STREAM)};
    set_int(scene.socket, ZMQ_RCVHWM, 1);
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    join(&scene);
    unsigned char *octets = make_octets(0, SIZE);
    raw_send(scene.peer, octets, SIZE);
    close(scene.peer);
    nap_ms(QUIET_MS);
    receive_all(scene.socket, &scene.id, SIZE);
    expect_notice(scene.socket, &scene.id);
    free(octets);
}

/* Small, large and shared bodies one behind the other, more than a peer takes at once. */
TEST(all_that_is_sent_arrives_in_order)
{
    static const size_t sizes[] = {1,    255,  256,   7, 1000,    8191,
                                   8192, 8193, 60000, 3, 1000000, 65536};
    enum { COUNT = sizeof sizes / sizeof sizes[0], ROUNDS = 20 };
    struct scene scene = bound_scene();
    struct plain plain = {.fd = scene.peer};
    for (size_t i = 0; i < COUNT * ROUNDS; i++)
        plain.size += sizes[i % COUNT];
    pthread_t thread = start_thread(run_receiver, &plain);
    size_t sent = 0;
    for (size_t i = 0; i < COUNT * ROUNDS; i++) {
        size_t size = sizes[i % COUNT];
        unsigned char *octets = make_octets(sent, size);
        send_octets(scene.socket, &scene.id, octets, size);
        free(octets);
        sent += size;
    }
    join_thread(thread);
    assert_int_equal(plain.done, sent);
    assert_false(plain.wrong);
    close(scene.peer);
}

TEST(many_small_ones_leave_together_in_order)
{
    enum { COUNT = 20000 };
    struct scene scene = bound_scene();
    struct plain plain = {.fd = scene.peer, .size = COUNT};
    pthread_t thread = start_thread(run_receiver, &plain);
    for (size_t i = 0; i < COUNT; i++) {
        unsigned char octet = octet_at(i);
        send_octets(scene.socket, &scene.id, &octet, 1);
    }
    join_thread(thread);
    assert_int_equal(plain.done, COUNT);
    assert_false(plain.wrong);
    close(scene.peer);
}

/* Fills a peer that does not read, until it takes no more. */
static size_t fill(const struct scene *scene)
{
    enum { SIZE = 100000 };
    size_t sent = 0;
    for (int tries = 0; tries < 3;) {
        int rc = zmq_send(scene->socket, scene->id.data, scene->id.size,
                          ZMQ_SNDMORE | ZMQ_DONTWAIT);
        if (rc < 0) {
            assert_int_equal(zmq_errno(), EAGAIN);
            tries++;
            nap_ms(20);
            nudge(scene->socket);
            continue;
        }
        tries = 0;
        unsigned char *octets = make_octets(sent, SIZE);
        send_bytes(scene->socket, octets, SIZE, ZMQ_DONTWAIT);
        free(octets);
        sent += SIZE;
    }
    return sent;
}

TEST(a_full_peer_is_waited_for_and_others_are_not)
{
    struct scene scene = {.socket = open_socket(ZMQ_STREAM)};
    set_int(scene.socket, ZMQ_SNDHWM, 5);
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    join(&scene);
    size_t sent = fill(&scene);
    set_int(scene.socket, ZMQ_SNDTIMEO, 50);
    expect_error(zmq_send(scene.socket, scene.id.data, scene.id.size, ZMQ_SNDMORE), EAGAIN);
    assert_true(get_int(scene.socket, ZMQ_EVENTS) & ZMQ_POLLOUT); /* it is about all of them */
    struct scene other = scene;
    join(&other);
    send_text(other.socket, &other.id, "not me");
    raw_expect(other.peer, "not me");
    close(other.peer);
    expect_notice(other.socket, &other.id);

    set_int(scene.socket, ZMQ_SNDTIMEO, DEADLINE_MS);
    struct plain plain = {.fd = scene.peer, .size = sent + 1000};
    unsigned char *octets = make_octets(sent, 1000);
    pthread_t thread = start_thread(run_receiver, &plain);
    send_octets(scene.socket, &scene.id, octets, 1000);
    join_thread(thread);
    assert_int_equal(plain.done, plain.size);
    assert_false(plain.wrong);
    free(octets);
    close(scene.peer);
}

/* What waited for a peer that goes is gone with it. */
TEST(a_full_peer_that_goes_is_told)
{
    struct scene scene = {.socket = open_socket(ZMQ_STREAM)};
    set_int(scene.socket, ZMQ_SNDHWM, 5);
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    join(&scene);
    fill(&scene);
    raw_reset(scene.peer);
    expect_notice(scene.socket, &scene.id);
    expect_unknown(scene.socket, &scene.id);
}

TEST(both_directions_at_once)
{
    enum { SIZE = 8 << 20 };
    struct scene scene = bound_scene();
    struct plain sender = {.fd = scene.peer, .size = SIZE};
    struct plain receiver = {.fd = scene.peer, .size = SIZE};
    pthread_t sending = start_thread(run_sender, &sender);
    pthread_t receiving = start_thread(run_receiver, &receiver);
    char piece[PIECE_MAX];
    for (size_t have = 0; have < SIZE;) { /* an echo */
        struct part from = recv_id(scene.socket);
        int got = zmq_recv(scene.socket, piece, sizeof piece, 0);
        assert_true(got > 0);
        send_octets(scene.socket, &from, piece, (size_t)got);
        have += (size_t)got;
    }
    join_thread(sending);
    join_thread(receiving);
    assert_int_equal(receiver.done, SIZE);
    assert_false(receiver.wrong);
    close(scene.peer);
}

TEST(what_is_queued_outlives_the_socket)
{
    enum { SIZE = 8 << 20 };
    struct scene scene = bound_scene();
    unsigned char *octets = make_octets(0, SIZE);
    send_octets(scene.socket, &scene.id, octets, SIZE);
    free(octets);
    close_socket(scene.socket);
    struct plain plain = {.fd = scene.peer, .size = SIZE + 1};
    run_receiver(&plain);
    assert_int_equal(plain.done, SIZE); /* and then the end */
    assert_false(plain.wrong);
    close(scene.peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(what_comes_at_once_is_cut_into_pieces),
        RUN(pieces_of_every_size_come_whole),
        RUN(maxmsgsize_is_about_messages),
        RUN(a_fast_sender_waits_for_a_slow_reader),
        RUN(the_last_octets_come_before_the_notice),
        RUN(all_that_is_sent_arrives_in_order),
        RUN(many_small_ones_leave_together_in_order),
        RUN(a_full_peer_is_waited_for_and_others_are_not),
        RUN(a_full_peer_that_goes_is_told),
        RUN(both_directions_at_once),
        RUN(what_is_queued_outlives_the_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
