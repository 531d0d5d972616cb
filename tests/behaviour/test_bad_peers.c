/* SPDX-License-Identifier: MIT */
/*
 * Peers that speak something else, or ZMTP badly: each loses its connection, and nobody else
 * notices. RFC 23 and RFC 37.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"

#include <malloc.h>

/* A request of 2^63 bytes must fail as any other too large one; some allocators end the process. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* A PULL with a good PUSH, which must go on whatever the bad peer does. */
struct scene {
    void *push, *pull;
    int port;
    int sent;
};

static struct scene open_scene(void)
{
    struct scene scene = {open_socket(ZMQ_PUSH), open_socket(ZMQ_PULL), 0, 0};
    set_int(scene.pull, ZMQ_HANDSHAKE_IVL, 1000);
    struct endpoint where = bind_to(scene.pull, "tcp://127.0.0.1:*");
    scene.port = port_of(where);
    connect_to(scene.push, where.text);
    return scene;
}

static void expect_undisturbed(struct scene *scene)
{
    for (int i = 0; i < 20; i++) {
        send_number(scene->push, scene->sent, 0);
        assert_int_equal(recv_number(scene->pull), scene->sent++);
    }
}

/* Says the bytes before anything else, and is dropped. */
static void expect_dropped_for(const void *bytes, size_t size)
{
    struct scene scene = open_scene();
    expect_undisturbed(&scene);
    int fd = raw_connect(scene.port);
    raw_send(fd, bytes, size);
    expect_undisturbed(&scene);
    assert_true(raw_closes(fd, DEADLINE_MS));
    close(fd);
    expect_undisturbed(&scene);
}

/* The same after a good handshake. */
static void expect_dropped_after_handshake_for(const void *bytes, size_t size)
{
    struct scene scene = open_scene();
    expect_undisturbed(&scene);
    int fd = raw_connect(scene.port);
    raw_handshake(fd, "PUSH");
    raw_send(fd, bytes, size);
    expect_undisturbed(&scene);
    assert_true(raw_closes(fd, DEADLINE_MS));
    close(fd);
    expect_undisturbed(&scene);
}

TEST(http_client)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost:5555\r\nAccept: */*\r\n\r\n";
    expect_dropped_for(request, strlen(request));
}

TEST(tls_client)
{
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on";
    expect_dropped_for(hello, sizeof hello);
}

/* libzmq takes some of it for ZMTP 1.0, and delivers it. */
TEST(garbage)
{
    better_than_libzmq();
    unsigned char bytes[5000];
    unsigned seed = 12345;
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
        expect_dropped_for(bytes, sizeof bytes);
        while (world.sockets)
            close_socket(world.socket[0]);
    }
}

TEST(unknown_mechanism)
{
    char greeting[64] = {(char)0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'X', 'X', 'X', 'X'};
    expect_dropped_for(greeting, sizeof greeting);
}

TEST(garbage_after_the_greeting)
{
    char bytes[64 + 40] = {(char)0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    memset(bytes + 64, 0x55, 40);
    expect_dropped_for(bytes, sizeof bytes);
}

TEST(message_before_the_handshake)
{
    char bytes[64 + 3] = {(char)0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    memcpy(bytes + 64, "\0\1x", 3);
    expect_dropped_for(bytes, sizeof bytes);
}

TEST(ready_that_lies_about_its_length)
{
    char bytes[64 + 28] = {(char)0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    memcpy(bytes + 64, "\4\32\5READY\13Socket-Type\377\377\377\377PUSH", 28);
    expect_dropped_for(bytes, sizeof bytes);
}

TEST(frame_of_two_to_the_63)
{
    expect_dropped_after_handshake_for("\2\200\0\0\0\0\0\0\0", 9);
}

TEST(frame_of_all_ones)
{
    expect_dropped_after_handshake_for("\2\377\377\377\377\377\377\377\377", 9);
}

/* A promise that is not kept must not cost memory before the bytes come. */
TEST(frame_of_a_tebibyte_that_never_comes)
{
    struct scene scene = open_scene();
    int fd = raw_connect(scene.port);
    raw_handshake(fd, "PUSH");
    raw_send(fd, "\2\0\0\1\0\0\0\0\0 only the beginning", 9 + 19);
    expect_undisturbed(&scene);
    close(fd);
    expect_undisturbed(&scene);
}

TEST(peer_that_leaves_in_the_middle_of_anything)
{
    char bytes[64 + 28 + 2 + 5 + 9 + 300] = {(char)0xff, 0,    0, 0, 0,   0,   0,   0,
                                             1,          0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    memcpy(bytes + 64, "\4\32\5READY\13Socket-Type\0\0\0\4PUSH", 28);
    memcpy(bytes + 92, "\1\5torn.", 7);
    memcpy(bytes + 99, "\2\0\0\0\0\0\0\1\54", 9); /* 300 bytes, the last of which is missing */
    struct scene scene = open_scene();
    for (size_t size = 0; size < sizeof bytes; size += size < 110 ? 1 : 37) {
        int fd = raw_connect(scene.port);
        raw_send(fd, bytes, size);
        close(fd);
    }
    expect_undisturbed(&scene);
    expect_nothing(scene.pull);
}

TEST(peer_that_resets_its_connection)
{
    struct scene scene = open_scene();
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < 20; i++) {
        int fd = raw_connect(scene.port);
        if (i % 2)
            raw_handshake(fd, "PUSH");
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        expect_undisturbed(&scene);
    }
}

TEST(torn_message_is_never_seen)
{
    struct scene scene = open_scene();
    int fd = raw_connect(scene.port);
    raw_handshake(fd, "PUSH");
    raw_send_frame(fd, 0, "whole", 5);
    raw_send_frame(fd, RAW_MORE, "torn", 4);
    expect_parts(scene.pull, "whole");
    close(fd);
    expect_undisturbed(&scene);
    expect_nothing(scene.pull);
}

/* A listener that answers in HTTP: the socket that called it tries again, and its others work. */
TEST(listener_that_speaks_http)
{
    better_than_libzmq(); /* to which an H is the length of a ZMTP 1.0 frame */
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    int port = 0;
    int listener = raw_listen(&port, 5);
    char text[64];
    snprintf(text, sizeof text, "tcp://127.0.0.1:%d", port);
    void *sub = open_socket(ZMQ_SUB);
    void *xpub = open_socket(ZMQ_XPUB);
    set_int(sub, ZMQ_RECONNECT_IVL, 10);
    set_text(sub, ZMQ_SUBSCRIBE, "");
    connect_to(sub, text);
    connect_to(sub, bind_to(xpub, "tcp://127.0.0.1:*").text);
    expect_parts(xpub, "\1");
    for (int i = 0; i < 3; i++) {
        int fd = raw_accept(listener);
        raw_send(fd, answer, strlen(answer));
        assert_true(raw_closes(fd, DEADLINE_MS));
        close(fd);
        send_number(xpub, i, 0);
        assert_int_equal(recv_number(sub), i);
    }
    close(listener);
}

/* Many at once that say nothing: they cost a descriptor each, and nobody's time. */
TEST(silent_crowd)
{
    enum { CROWD = 100 };
    int fd[CROWD];
    struct scene scene = open_scene();
    for (int i = 0; i < CROWD; i++)
        fd[i] = raw_connect(scene.port);
    expect_undisturbed(&scene);
    for (int i = 0; i < CROWD; i++) {
        assert_true(raw_closes(fd[i], DEADLINE_MS));
        close(fd[i]);
    }
    expect_undisturbed(&scene);
}

TEST(malformed_subscriptions_and_requests)
{
    void *router = open_socket(ZMQ_ROUTER);
    void *xpub = open_socket(ZMQ_XPUB);
    void *rep = open_socket(ZMQ_REP);
    int at_xpub = raw_connect(port_of(bind_to(xpub, "tcp://127.0.0.1:*")));
    int at_rep = raw_connect(port_of(bind_to(rep, "tcp://127.0.0.1:*")));
    int at_router = raw_connect(port_of(bind_to(router, "tcp://127.0.0.1:*")));
    raw_handshake(at_xpub, "SUB");
    raw_handshake(at_rep, "REQ");
    raw_handshake(at_router, "DEALER");
    raw_send_frame(at_xpub, 0, "\1A", 2); /* as a message, which is how older peers do it */
    expect_parts(xpub, "\1A");
    raw_send_frame(at_rep, 0, "no delimiter", 12);
    raw_send_frame(at_router, 0, "", 0);
    struct part id = recv_id(router);
    assert_int_equal(id.size, 5);
    expect_parts(router, "");
    void *req = open_socket(ZMQ_REQ);
    connect_to(req, last_endpoint(rep).text);
    send_parts(req, "question");
    expect_parts(rep, "question");
    send_parts(rep, "answer");
    expect_parts(req, "answer");
    close(at_xpub);
    close(at_rep);
    close(at_router);
}

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

/* Bytes on the heap. */
static size_t heap_size(void)
{
#ifdef __SANITIZE_ADDRESS__
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

/* It wants an answer to each PING and reads none of them: they must not pile up. */
TEST(peer_that_pings_without_end_and_reads_nothing)
{
    enum { PING_SIZE = 9, PINGS = 10000, ROUNDS = 200, MOST = 4 << 20 };
    static char pings[PINGS * PING_SIZE];
    struct scene scene = open_scene();
    set_int(scene.pull, ZMQ_SNDBUF, 8192);
    int fd = raw_connect(scene.port);
    raw_handshake(fd, "PUSH");
    for (int i = 0; i < PINGS; i++)
        memcpy(pings + i * PING_SIZE, "\4\7\4PING\0\0", PING_SIZE);
    expect_undisturbed(&scene);
    size_t before = heap_size();
    for (int i = 0; i < ROUNDS; i++)
        raw_send(fd, pings, sizeof pings);
    raw_send(fd, "\0\4over", 6);
    expect_parts(scene.pull, "over");
    assert_in_range(heap_size(), 0, before + MOST);
    expect_undisturbed(&scene);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(http_client),
        RUN(tls_client),
        RUN(garbage),
        RUN(unknown_mechanism),
        RUN(garbage_after_the_greeting),
        RUN(message_before_the_handshake),
        RUN(ready_that_lies_about_its_length),
        RUN(frame_of_two_to_the_63),
        RUN(frame_of_all_ones),
        RUN(frame_of_a_tebibyte_that_never_comes),
        RUN(peer_that_leaves_in_the_middle_of_anything),
        RUN(peer_that_resets_its_connection),
        RUN(torn_message_is_never_seen),
        RUN(listener_that_speaks_http),
        RUN(silent_crowd),
        RUN(peer_that_pings_without_end_and_reads_nothing),
        RUN(malformed_subscriptions_and_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
