/* SPDX-License-Identifier: MIT */
/*
 * Peers in C on our library, with the roles, words and output of peers.py. It reads what to play,
 * one part a line, its words parted by tabs:
 *
 *      NUMBER ROLE ENDPOINT NAME COUNT
 *      NUMBER leave
 *
 * Each is played in a thread and a context of its own, and says its lines after its number. rep,
 * req, push, pull, pub and sub do what their names say; sizes asks for echoes of 0 to COUNT bytes.
 * ENDPOINT is connected to, or bound with '@' in front; "ready ENDPOINT" says which it became.
 * "done COUNT" says that it is through. Where COUNT is 0 it goes on until it shall leave; "left"
 * says that its context has ended. Anything unexpected ends the process with 1 and a sentence. It
 * ends with its input. Started by parts.py.
 */
#include <greenmq/zmq.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 30000, RETRY_MS = 1000, TEXT_MAX = 512, PARTS_MAX = 1000 };

static struct part {
    char *line; /* which the words point into; NULL: nobody has it */
    char *role, *endpoint, *name;
    long count;
    void *context;
    pthread_t thread;
} parts[PARTS_MAX];

/* Of the part that the thread plays. */
static _Thread_local const struct part *self;
static _Thread_local const char *endpoint, *name;
static _Thread_local long count;
static _Thread_local void *sock;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char text[2 * TEXT_MAX];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    printf("%td %s\n", self - parts, text);
}

/* Does not return. Who is told to leave learns it from its next call. */
static void fail(const char *what)
{
    int error = zmq_errno();
    if (error == ETERM) {
        zmq_close(sock);
        pthread_exit(NULL);
    }
    fprintf(stderr, "client: %s %s %s: %s: %s\n", self->role, endpoint, name, what,
            zmq_strerror(error));
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
    sock = zmq_socket(self->context, type);
    if (!sock)
        fail("zmq_socket");
    set(ZMQ_SNDTIMEO, PATIENCE_MS);
    set(ZMQ_RCVTIMEO, count ? PATIENCE_MS : -1);
    set(ZMQ_LINGER, count ? -1 : 0);
    if (*endpoint == '@' ? zmq_bind(sock, endpoint + 1) : zmq_connect(sock, endpoint))
        fail(endpoint);
    if (zmq_getsockopt(sock, ZMQ_LAST_ENDPOINT, actual, &size))
        fail("ZMQ_LAST_ENDPOINT");
    say("ready %s", actual);
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
        say("served %s", request);
    }
}

/* One question, asked again until its answer comes, which is "NAME:question". */
static void ask(const char *question)
{
    char answer[TEXT_MAX];
    send_text(question, 0);
    while (!recv_text(answer)) {
        say("again %s", question);
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
            say("asked %ld", i);
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
        say("got %s %s", first, second);
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
    say("wanted %s", name);
    send_numbers();
}

static void sub(void)
{
    open_socket(ZMQ_SUB);
    if (zmq_setsockopt(sock, ZMQ_SUBSCRIBE, name, strlen(name)))
        fail("ZMQ_SUBSCRIBE");
    recv_numbers();
}

/* What is drawn depends on the size, and repeats itself after a prime, so that no two pieces of a
 * message that begin at round numbers look the same. */
enum { PERIOD = 65521 };

static unsigned char pattern(size_t at, size_t size)
{
    return (unsigned char)(at * 31 + (at >> 8) * 17 + size);
}

static void draw(unsigned char *data, size_t size)
{
    size_t drawn = size < PERIOD ? size : PERIOD;
    for (size_t i = 0; i < drawn; i++)
        data[i] = pattern(i, size);
    for (size_t piece; drawn < size; drawn += piece) {
        piece = drawn < size - drawn ? drawn : size - drawn;
        memcpy(data + drawn, data, piece);
    }
}

static bool is_drawn(const unsigned char *data, size_t size)
{
    for (size_t i = 0; i < size && i < PERIOD; i++)
        if (data[i] != pattern(i, size))
            return false;
    return size <= PERIOD || memcmp(data + PERIOD, data, size - PERIOD) == 0;
}

static void echo(size_t size)
{
    zmq_msg_t message;
    if (zmq_msg_init_size(&message, size))
        fail("zmq_msg_init_size");
    draw(zmq_msg_data(&message), size);
    if (zmq_msg_send(&message, sock, 0) < 0 || zmq_msg_init(&message) ||
        zmq_msg_recv(&message, sock, 0) < 0)
        fail("echo");
    bool is_same = zmq_msg_size(&message) == size && is_drawn(zmq_msg_data(&message), size);
    zmq_msg_close(&message);
    if (!is_same) {
        fprintf(stderr, "client: %zu octets came back changed\n", size);
        exit(1);
    }
    say("echoed %zu", size);
}

static void sizes(void)
{
    static const size_t all[] = {0,   1,    29,   30,    33,    34,      254,      255,     256,
                                 257, 4095, 8192, 65535, 65536, 1 << 20, 16 << 20, 64 << 20};
    open_socket(ZMQ_REQ);
    for (size_t i = 0; i < sizeof all / sizeof *all && all[i] <= (size_t)count; i++)
        echo(all[i]);
}

static const struct {
    const char *word;
    void (*run)(void);
} roles[] = {
    {"rep", rep}, {"req", req}, {"push", push},   {"pull", pull},
    {"pub", pub}, {"sub", sub}, {"sizes", sizes},
};

static void *play(void *part)
{
    size_t role = 0;
    self = part;
    endpoint = self->endpoint;
    name = self->name;
    count = self->count;
    while (role < sizeof roles / sizeof *roles && strcmp(self->role, roles[role].word) != 0)
        role++;
    if (role == sizeof roles / sizeof *roles)
        fail("no such role");
    roles[role].run();
    if (zmq_close(sock))
        fail("zmq_close");
    say("done %ld", count);
    return NULL;
}

static void begin(struct part *part, char *line, char *words)
{
    part->line = line;
    part->role = strsep(&words, "\t");
    part->endpoint = strsep(&words, "\t");
    part->name = strsep(&words, "\t");
    part->count = words ? strtol(words, NULL, 10) : 0;
    part->context = zmq_ctx_new();
    if (!words || !part->context || pthread_create(&part->thread, NULL, play, part)) {
        fputs("client: a part cannot begin\n", stderr);
        exit(1);
    }
}

/* One that is through leaves when all that it sent is on its way. */
static void leave(struct part *part)
{
    zmq_ctx_shutdown(part->context);
    pthread_join(part->thread, NULL);
    if (zmq_ctx_term(part->context)) {
        fprintf(stderr, "client: zmq_ctx_term: %s\n", zmq_strerror(zmq_errno()));
        exit(1);
    }
    printf("%td left\n", part - parts);
    free(part->line);
    part->line = NULL;
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (getline(&line, &room, stdin) > 0) {
        char *words = line;
        line[strcspn(line, "\n")] = '\0';
        unsigned long number = strtoul(strsep(&words, "\t"), NULL, 10);
        struct part *part = &parts[number % PARTS_MAX];
        if (words && strcmp(words, "leave") == 0 && part->line) {
            leave(part);
        } else if (words && !part->line) {
            begin(part, line, words);
            line = NULL;
            room = 0;
        } else {
            fprintf(stderr, "client: no such part: %lu\n", number);
            return 1;
        }
    }
    free(line);
    for (size_t i = 0; i < PARTS_MAX; i++)
        if (parts[i].line)
            leave(&parts[i]);
    return 0;
}
