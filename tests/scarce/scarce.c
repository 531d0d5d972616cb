/* SPDX-License-Identifier: MIT */
/* Refusing one thing at a time: see scarce.h. */
#include "scarce/scarce.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 12, RUN_S = 60, FAILED = 3, FRAMES_MAX = 24, WORDS = 4096 };

static atomic_long asked;           /* how often the system was asked for something */
static atomic_long refused_at = -1; /* this time it says no */
static atomic_bool watching;        /* we are within the scene */
static bool shows_where;
static atomic_int problems;

static void show_where(const char *what)
{
    void *frames[FRAMES_MAX];
    atomic_store(&watching, false);
    fprintf(stderr, "refused: %s\n", what);
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES_MAX), STDERR_FILENO);
    atomic_store(&watching, true);
}

static bool refuse(const char *what, int error)
{
    if (!atomic_load(&watching) || atomic_fetch_add(&asked, 1) != atomic_load(&refused_at))
        return false;
    if (shows_where)
        show_where(what);
    errno = error;
    return true;
}

/* ---- what the linker leads here ----------------------------------------------------------- */

/* The two names that the linker gives to a function, and the one in front of the system's. */
#define LED(result, name, parameters, arguments, none, error)         \
    result __real_##name parameters;                                  \
    result __wrap_##name parameters;                                  \
    result __wrap_##name parameters                                   \
    {                                                                 \
        return refuse(#name, error) ? none : __real_##name arguments; \
    }

LED(void *, malloc, (size_t size), (size), NULL, ENOMEM)
LED(void *, calloc, (size_t count, size_t size), (count, size), NULL, ENOMEM)
LED(void *, realloc, (void *old, size_t size), (old, size), NULL, ENOMEM)
LED(char *, strdup, (const char *text), (text), NULL, ENOMEM)
LED(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
    (at, size, protection, flags, fd, offset), MAP_FAILED, ENOMEM)
LED(int, eventfd, (unsigned value, int flags), (value, flags), -1, EMFILE)
LED(int, epoll_create1, (int flags), (flags), -1, EMFILE)
LED(int, epoll_ctl, (int set, int how, int fd, struct epoll_event *event), (set, how, fd, event),
    -1, ENOMEM)
LED(int, timerfd_create, (clockid_t clock, int flags), (clock, flags), -1, EMFILE)
LED(int, socket, (int family, int type, int protocol), (family, type, protocol), -1, EMFILE)
LED(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),
    (fd, address, size, flags), -1, EMFILE)
LED(int, pthread_create,
    (pthread_t * thread, const pthread_attr_t *how, void *(*run)(void *), void *arg),
    (thread, how, run, arg), EAGAIN, EAGAIN)

/* ---- runs --------------------------------------------------------------------------------- */

void scarce_problem(const char *format, ...)
{
    va_list words;
    bool was_watching = atomic_exchange(&watching, false);
    char text[512];
    va_start(words, format);
    vsnprintf(text, sizeof text, format, words);
    va_end(words);
    fprintf(stderr, "    %s\n", text);
    atomic_fetch_add(&problems, 1);
    atomic_store(&watching, was_watching);
}

/* In the child: how often the scene has asked goes to `told`. */
static void play(const struct scene *scene, long refused, int told)
{
    alarm(RUN_S);
    atomic_store(&refused_at, refused);
    atomic_store(&watching, true);
    scene->run();
    atomic_store(&watching, false);
    long count = atomic_load(&asked);
    if (write(told, &count, sizeof count) != sizeof count)
        scarce_problem("cannot tell: %s", strerror(errno));
    exit(atomic_load(&problems) ? FAILED : 0);
}

/* Plays a scene in a child. Returns whether all was well, and how often it has asked. */
static bool run(const struct scene *scene, long refused, long *count)
{
    int fds[2], status = 0;
    if (pipe(fds) < 0)
        return false;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        play(scene, refused, fds[1]);
    close(fds[1]);
    long asked_there = 0;
    if (read(fds[0], &asked_there, sizeof asked_there) != sizeof asked_there)
        asked_there = 0;
    close(fds[0]);
    waitpid(child, &status, 0);
    if (count)
        *count = asked_there;
    if (status == 0)
        return true;
    fprintf(stderr, "%s:%ld %s %d\n", scene->name, refused,
            WIFSIGNALED(status) ? "ended by signal" : "failed with",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return false;
}

/* Plays some of a scene's runs, or all of them. Returns how many failed. */
static int play_all(const struct scene *scene)
{
    long count = 0;
    if (!run(scene, -1, &count))
        return 1;
    bool all = getenv("SCARCE_SWEEP") != NULL;
    long stride = all || count < RUNS ? 1 : count / RUNS;
    long start = all ? 0 : (long)time(NULL) % stride;
    int failures = 0;
    for (long n = start; n < count; n += stride)
        failures += !run(scene, n, NULL);
    printf("%s: asks %ld times; from the %ldth in steps of %ld: %d failed\n", scene->name, count,
           start, stride, failures);
    return failures;
}

/* SCENE:N alone, and where it is refused. */
static int play_only(const struct scene *scenes, size_t count, const char *only)
{
    const char *colon = strchr(only, ':');
    size_t size = colon ? (size_t)(colon - only) : strlen(only);
    shows_where = true;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(scenes[i].name, only, size) || scenes[i].name[size])
            continue;
        return colon ? !run(&scenes[i], atol(colon + 1), NULL) : play_all(&scenes[i]) != 0;
    }
    return 0;
}

int scarce_main(const struct scene *scenes, size_t count)
{
    const char *only = getenv("SCARCE_ONLY");
    int failures = 0;
    void *warm[1];
    backtrace(warm, 1); /* it allocates the first time */
    if (only)
        return play_only(scenes, count, only);
    for (size_t i = 0; i < count; i++)
        failures += play_all(&scenes[i]);
    return failures != 0;
}

/* ---- what scenes are made of -------------------------------------------------------------- */

void *ctx;

void scene_begin(void)
{
    ctx = must_have(zmq_ctx_new());
}

void scene_end(void)
{
    must(zmq_ctx_term(ctx));
}

void set_option(void *socket, int option, int value)
{
    must(zmq_setsockopt(socket, option, &value, sizeof value));
}

void *open_socket(int type)
{
    void *socket = must_have(zmq_socket(ctx, type));
    set_option(socket, ZMQ_RCVTIMEO, SHORT_MS);
    set_option(socket, ZMQ_SNDTIMEO, SHORT_MS);
    set_option(socket, ZMQ_RECONNECT_IVL, 1);
    set_option(socket, ZMQ_LINGER, 0);
    return socket;
}

const char *bind_to(void *socket, const char *endpoint)
{
    static char texts[8][256];
    static int next;
    char *text = texts[next++ % 8];
    size_t size = sizeof texts[0];
    must(zmq_bind(socket, endpoint));
    must(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, text, &size));
    if (!text[0])
        scarce_problem("bound to %s, and nobody says where", endpoint);
    return text;
}

void cuts_watch(struct cuts *cuts, void *socket, const char *endpoint)
{
    must(zmq_socket_monitor(socket, endpoint, ZMQ_EVENT_DISCONNECTED));
    cuts->monitor = open_socket(ZMQ_PAIR);
    must(zmq_connect(cuts->monitor, endpoint));
}

int cuts_count(struct cuts *cuts)
{
    char frame[256];
    while (zmq_recv(cuts->monitor, frame, sizeof frame, ZMQ_DONTWAIT) > 0)
        if (zmq_recv(cuts->monitor, frame, sizeof frame, ZMQ_DONTWAIT) >= 0)
            cuts->count++;
    return cuts->count;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Small, those about the bounds of chunks and headers, and large. */
static const size_t sizes[] = {1,    4,    10,   33,   100,   255,   256,
                               1000, 5000, 8192, 9000, 65000, 70000, 200000};
enum { SIZES = sizeof sizes / sizeof *sizes, BURST = 30, MARKER = IDS_MAX - 1 };
static uint8_t content[ROOM];

/* A part that finds no memory is sent again. */
static bool send_part(void *socket, size_t size, int flags)
{
    int rc = zmq_send(socket, content, size, flags);
    if (rc < 0 && errno == ENOMEM)
        rc = zmq_send(socket, content, size, flags);
    if (rc < 0 && errno != EAGAIN && errno != EFSM)
        scarce_problem("cannot send: %s", zmq_strerror(zmq_errno()));
    return rc >= 0;
}

/* A message is its number, and for some another part. True: it was accepted. */
static bool send_number(void *socket, int number)
{
    size_t size = number < SIZES ? sizes[number] : 1 + (size_t)number * 7;
    content[0] = (uint8_t)number;
    bool parts = number % 3 == 2;
    return send_part(socket, size, parts ? ZMQ_SNDMORE : 0) &&
           (!parts || send_part(socket, size / 2, 0));
}

static bool is_number(int number)
{
    return number < SIZES + BURST || number == MARKER;
}

/* Receives a message that is whole. Its number, or -1. Words that were published before it, more
 * than once perhaps, are passed over. */
static int receive_number(void *socket)
{
    static uint8_t room[ROOM];
    int more = 0, rest = 0;
    size_t size = sizeof more;
    int rc;
    do
        rc = zmq_recv(socket, room, sizeof room, 0);
    while ((rc < 0 && errno == ENOMEM) || (rc > 0 && !is_number(room[0])));
    if (rc < 1)
        return -1;
    int number = room[0];
    size_t wanted = number < SIZES ? sizes[number] : 1 + (size_t)number * 7;
    if ((size_t)rc != wanted)
        scarce_problem("message %d has %d bytes, not %zu", number, rc, wanted);
    must(zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size));
    for (; more; rest++) {
        must(zmq_recv(socket, room, sizeof room, 0));
        must(zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size));
    }
    if (rest != (number % 3 == 2))
        scarce_problem("message %d has %d parts", number, rest + 1);
    return number;
}

int carry(void *from, void *to)
{
    bool accepted[IDS_MAX] = {false}, came[IDS_MAX] = {false};
    int number, lost = 0;
    for (int i = 0; i < SIZES + BURST; i++) {
        accepted[i] = send_number(from, i);
        if (i < SIZES && (number = receive_number(to)) >= 0)
            came[number] = true;
    }
    /* What is sent after it comes after it, or it does not come. */
    int64_t end = now_ms() + DEADLINE_MS;
    while (!came[MARKER] && now_ms() < end) {
        send_number(from, MARKER);
        while (!came[MARKER] && (number = receive_number(to)) >= 0)
            came[number] = true;
    }
    for (int i = 0; i < SIZES + BURST; i++)
        lost += accepted[i] && !came[i];
    if (!came[MARKER])
        scarce_problem("nothing comes any more");
    while (receive_number(to) == MARKER)
        continue;
    return lost;
}

/* One question and its answer; and those to questions that were thought lost. */
static bool ask_once(void *client, void *server, int number)
{
    int question;
    if (!send_number(client, number))
        return false;
    while ((question = receive_number(server)) >= 0) {
        send_number(server, question);
        if (receive_number(client) == number)
            return true;
    }
    return false;
}

void ask(void *client, void *server)
{
    for (int i = 0; i < SIZES; i++) {
        int64_t end = now_ms() + DEADLINE_MS;
        while (!ask_once(client, server, i)) {
            if (now_ms() > end) {
                scarce_problem("question %d gets no answer", i);
                return;
            }
        }
    }
}

/* The same through a ROUTER, which gives and takes the client's id. */
static bool ask_router_once(void *client, void *server, int number)
{
    uint8_t id[256];
    if (!send_number(client, number))
        return false;
    int size = zmq_recv(server, id, sizeof id, 0);
    if (size < 0 && errno == ENOMEM)
        size = zmq_recv(server, id, sizeof id, 0);
    if (size < 0)
        return false;
    int question = receive_number(server);
    must(zmq_send(server, id, (size_t)size, ZMQ_SNDMORE));
    send_number(server, question);
    return receive_number(client) == number;
}

void ask_routed(void *client, void *server)
{
    static int number;
    int64_t end = now_ms() + DEADLINE_MS;
    number = (number + 1) % SIZES;
    while (!ask_router_once(client, server, number)) {
        if (now_ms() > end) {
            scarce_problem("question %d gets no answer", number);
            return;
        }
    }
}

void await_published(void *publisher, void *subscriber, const char *text)
{
    char room[64];
    int64_t end = now_ms() + DEADLINE_MS;
    set_option(subscriber, ZMQ_RCVTIMEO, SHORT_MS / 10);
    do {
        if (now_ms() > end) {
            scarce_problem("%s does not reach its subscriber", text);
            break;
        }
        (void)zmq_send(publisher, text, strlen(text), 0);
        while (zmq_recv(publisher, room, sizeof room, ZMQ_DONTWAIT) > 0)
            continue;
    } while (zmq_recv(subscriber, room, sizeof room, 0) != (int)strlen(text) ||
             memcmp(room, text, strlen(text)) != 0);
    set_option(subscriber, ZMQ_RCVTIMEO, SHORT_MS);
}

/* Receives octets that are no notice of a connection: two parts, the second not empty. */
static bool receive_octets(void *socket, char *octet)
{
    uint8_t id[256];
    while (zmq_recv(socket, id, sizeof id, 0) >= 0)
        if (zmq_recv(socket, octet, 1, 0) == 1)
            return true;
    return false;
}

void await_octets(void *client, void *server, const char *endpoint)
{
    uint8_t id[256];
    char octet = 0;
    int64_t end = now_ms() + DEADLINE_MS;
    must(zmq_connect(client, endpoint));
    while (now_ms() < end) {
        size_t size = sizeof id;
        must(zmq_getsockopt(client, ZMQ_ROUTING_ID, id, &size));
        if (zmq_send(client, id, size, ZMQ_SNDMORE) < 0)
            continue; /* it is not connected yet */
        must(zmq_send(client, "!", 1, 0));
        if (receive_octets(server, &octet) && octet == '!')
            return;
    }
    scarce_problem("no octets arrive");
}
