/* SPDX-License-Identifier: MIT */
/*
 * A peer in C on our library, with the words and the output of peers.py:
 *
 *      client ROLE ENDPOINT [NAME [COUNT]]
 *
 * rep, req, push, pull, pub and sub do what their names say; sizes asks for echoes of 0 octets to
 * 64 MiB. ENDPOINT is connected to, or bound with '@' in front; "ready ENDPOINT" says which it
 * became. "done COUNT" says that it is through. Without a COUNT it goes on until it is killed.
 * Anything unexpected ends it with 1 and a sentence. Started by test_c_clients.py.
 */
#include <greenmq/zmq.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 30000, RETRY_MS = 1000, TEXT_MAX = 512 };

static void *context, *sock;
static const char *endpoint, *name;
static long count;

static void fail(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static void set(int option, int value)
{
    if (zmq_setsockopt(sock, option, &value, sizeof value))
        fail("zmq_setsockopt");
}

static void open_socket(int type)
{
    char actual[256] = "";
    size_t size = sizeof actual;
    sock = zmq_socket(context, type);
    if (!sock)
        fail("zmq_socket");
    set(ZMQ_SNDTIMEO, PATIENCE_MS);
    set(ZMQ_RCVTIMEO, count ? PATIENCE_MS : -1);
    if (*endpoint == '@' ? zmq_bind(sock, endpoint + 1) : zmq_connect(sock, endpoint))
        fail(endpoint);
    if (zmq_getsockopt(sock, ZMQ_LAST_ENDPOINT, actual, &size))
        fail("ZMQ_LAST_ENDPOINT");
    printf("ready %s\n", actual);
}

static void send_text(const char *text, int flags)
{
    if (zmq_send(sock, text, strlen(text), flags) != (int)strlen(text))
        fail("zmq_send");
}

/* Receives one part as a string; false when the time is over. */
static bool recv_text(char text[TEXT_MAX])
{
    int size = zmq_recv(sock, text, TEXT_MAX - 1, 0);
    if (size < 0 && zmq_errno() == EAGAIN)
        return false;
    if (size < 0 || size >= TEXT_MAX)
        fail("zmq_recv");
    text[size] = '\0';
    return true;
}

static void must_recv(char text[TEXT_MAX])
{
    if (!recv_text(text))
        fail("nothing came");
}

static bool has_more(void)
{
    int more = 0;
    size_t size = sizeof more;
    if (zmq_getsockopt(sock, ZMQ_RCVMORE, &more, &size))
        fail("ZMQ_RCVMORE");
    return more;
}

static void rep(void)
{
    open_socket(ZMQ_REP);
    for (long i = 0; !count || i < count; i++) {
        char request[TEXT_MAX], reply[2 * TEXT_MAX];
        must_recv(request);
        snprintf(reply, sizeof reply, "%s:%s", name, request);
        send_text(reply, 0);
        printf("served %s\n", request);
    }
}

/* One question, asked again until its answer comes, which is "NAME:question". */
static void ask(const char *question)
{
    char answer[TEXT_MAX];
    send_text(question, 0);
    while (!recv_text(answer)) {
        printf("again %s\n", question);
        send_text(question, 0);
    }
    const char *colon = strchr(answer, ':');
    if (!colon || strcmp(colon + 1, question) != 0) {
        fprintf(stderr, "client: asked %s and got %s\n", question, answer);
        exit(1);
    }
}

static void req(void)
{
    open_socket(ZMQ_REQ);
    set(ZMQ_RCVTIMEO, RETRY_MS);
    set(ZMQ_REQ_RELAXED, 1);
    set(ZMQ_REQ_CORRELATE, 1);
    for (long i = 0; !count || i < count; i++) {
        char question[TEXT_MAX];
        snprintf(question, sizeof question, "%s-%ld", name, i);
        ask(question);
        if (i % 50 == 0)
            printf("asked %ld\n", i);
    }
}

static void send_numbers(void)
{
    for (long i = 0; !count || i < count; i++) {
        char number[32];
        snprintf(number, sizeof number, "%ld", i);
        send_text(name, ZMQ_SNDMORE);
        send_text(number, 0);
    }
}

static void recv_numbers(void)
{
    for (long i = 0; !count || i < count; i++) {
        char first[TEXT_MAX], second[TEXT_MAX] = "";
        must_recv(first);
        if (has_more())
            must_recv(second);
        printf("got %s %s\n", first, second);
    }
}

static void push(void)
{
    open_socket(ZMQ_PUSH);
    send_numbers();
}

static void pull(void)
{
    open_socket(ZMQ_PULL);
    recv_numbers();
}

/* Waits for somebody to want the topic before it publishes. */
static void pub(void)
{
    char news[TEXT_MAX];
    open_socket(ZMQ_XPUB);
    set(ZMQ_XPUB_NODROP, 1);
    do
        must_recv(news);
    while (news[0] != 1 || strcmp(news + 1, name) != 0);
    printf("wanted %s\n", name);
    send_numbers();
}

static void sub(void)
{
    open_socket(ZMQ_SUB);
    if (zmq_setsockopt(sock, ZMQ_SUBSCRIBE, name, strlen(name)))
        fail("ZMQ_SUBSCRIBE");
    recv_numbers();
}

static unsigned char pattern(size_t at, size_t size)
{
    return (unsigned char)(at * 31 + (at >> 8) * 17 + size);
}

static void echo(size_t size)
{
    zmq_msg_t message;
    if (zmq_msg_init_size(&message, size))
        fail("zmq_msg_init_size");
    unsigned char *data = zmq_msg_data(&message);
    for (size_t i = 0; i < size; i++)
        data[i] = pattern(i, size);
    if (zmq_msg_send(&message, sock, 0) < 0 || zmq_msg_init(&message) ||
        zmq_msg_recv(&message, sock, 0) < 0)
        fail("echo");
    data = zmq_msg_data(&message);
    bool is_same = zmq_msg_size(&message) == size;
    for (size_t i = 0; is_same && i < size; i++)
        is_same = data[i] == pattern(i, size);
    zmq_msg_close(&message);
    if (!is_same) {
        fprintf(stderr, "client: %zu octets came back changed\n", size);
        exit(1);
    }
    printf("echoed %zu\n", size);
}

static void sizes(void)
{
    static const size_t all[] = {0,   1,   29,   30,   33,    34,    254,     255,
                                 256, 257, 4095, 8192, 65535, 65536, 1 << 20, 64 << 20};
    open_socket(ZMQ_REQ);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        echo(all[i]);
}

static const struct {
    const char *word;
    void (*run)(void);
} roles[] = {
    {"rep", rep}, {"req", req}, {"push", push},   {"pull", pull},
    {"pub", pub}, {"sub", sub}, {"sizes", sizes},
};

int main(int argc, char **argv)
{
    endpoint = argc > 2 ? argv[2] : "";
    name = argc > 3 ? argv[3] : "";
    count = argc > 4 ? strtol(argv[4], NULL, 10) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    context = zmq_ctx_new();
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (argc > 2 && strcmp(argv[1], roles[i].word) == 0) {
            roles[i].run();
            if (zmq_close(sock) || zmq_ctx_term(context))
                fail("at the end");
            printf("done %ld\n", count);
            return 0;
        }
    }
    fputs("usage: client ROLE ENDPOINT [NAME [COUNT]]\n", stderr);
    return 2;
}
