/* SPDX-License-Identifier: MIT */
/*
 * library: two sockets of one library joined, and how fast messages pass between them.
 *
 *     library flow   one PUSH to one PULL; the receiver counts
 *     library trips  one REQ to one REP and back; each trip is timed
 *     library poll   one zmq_poll() of many sockets, of which one can be read; each call is timed
 *
 * Over tcp and ipc the far end is a process, over inproc a thread, or the same thread with
 * --one-thread. With --green, which greenmq alone knows, both ends are green threads of one thread.
 * What is measured goes to the standard output as JSON. A process that was started
 * is ended before that.
 *
 * Ends with 2 for wrong usage and with 1 and one sentence when a call fails. Started by run.py.
 */
#include "library.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t child; /* the far end, if it is a process */
static char folder[] = "/tmp/greenmq-bench-XXXXXX";
static char path[sizeof folder + 8];

static void clean_up(void)
{
    if (child) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    if (path[0]) {
        unlink(path);
        rmdir(folder);
    }
}

void must(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "library: %s: %s\n", what, zmq_strerror(zmq_errno()));
    clean_up();
    _exit(1);
}

uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void *bound_socket(struct far_end *far, int type)
{
    size_t room = sizeof far->endpoint;
    const char *transport = far->job->transport;
    if (strcmp(transport, "ipc") == 0) {
        must(mkdtemp(folder) != NULL, "mkdtemp");
        snprintf(path, sizeof path, "%s/socket", folder);
        snprintf(far->endpoint, room, "ipc://%s", path);
    } else {
        snprintf(far->endpoint, room, "%s",
                 strcmp(transport, "tcp") == 0 ? "tcp://127.0.0.1:*" : "inproc://bench");
    }
    void *socket = zmq_socket(far->context, type);
    must(socket != NULL, "zmq_socket");
    must(zmq_bind(socket, far->endpoint) == 0, far->endpoint);
    must(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, far->endpoint, &room) == 0, "zmq_getsockopt");
    return socket;
}

#ifdef BENCH_ON_LIBZMQ
static int64_t start_green(void *(*run)(void *arg), void *arg)
{
    (void)run, (void)arg;
    errno = ENOTSUP;
    return -1;
}

static int join_green(int64_t thread)
{
    (void)thread;
    return -1;
}
#else
static int64_t start_green(void *(*run)(void *arg), void *arg)
{
    return gmq_spawn(run, arg, NULL);
}

static int join_green(int64_t thread)
{
    return gmq_join(thread, NULL, -1);
}
#endif

static void *far_run(void *arg)
{
    struct far_end *far = arg;
    void *socket = zmq_socket(far->context, far->socket_type);
    must(socket != NULL, "zmq_socket");
    must(zmq_connect(socket, far->endpoint) == 0, "zmq_connect");
    far->run(far->job, socket);
    return NULL;
}

void far_start(struct far_end *far)
{
    pthread_t thread;
    if (far->job->green) {
        must(start_green(far_run, far) > 0, "gmq_spawn");
        return;
    }
    if (strcmp(far->job->transport, "inproc") == 0) {
        must(pthread_create(&thread, NULL, far_run, far) == 0, "pthread_create");
        return;
    }
    pid_t parent = getpid();
    child = fork();
    must(child >= 0, "fork");
    if (child)
        return;
    path[0] = '\0'; /* the parent's to remove */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    far->context = zmq_ctx_new();
    must(far->context != NULL, "zmq_ctx_new");
    far_run(far);
    _exit(0);
}

void send_one(const struct job *job, void *socket, const void *body)
{
    if (!job->as_msg) {
        must(zmq_send(socket, body, job->size_bytes, 0) == (int)job->size_bytes, "zmq_send");
        return;
    }
    zmq_msg_t msg;
    must(zmq_msg_init_size(&msg, job->size_bytes) == 0, "zmq_msg_init_size");
    memcpy(zmq_msg_data(&msg), body, job->size_bytes);
    must(zmq_msg_send(&msg, socket, 0) == (int)job->size_bytes, "zmq_msg_send");
}

void receive_one(const struct job *job, void *socket, void *body)
{
    if (!job->as_msg) {
        must(zmq_recv(socket, body, job->size_bytes, 0) == (int)job->size_bytes, "zmq_recv");
        return;
    }
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    must(zmq_msg_recv(&msg, socket, 0) == (int)job->size_bytes, "zmq_msg_recv");
    memcpy(body, zmq_msg_data(&msg), job->size_bytes);
    zmq_msg_close(&msg);
}

static bool read_number(const char *text, unsigned *number)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *number = (unsigned)value;
    return *text && !*end && value <= SIZE_LIMIT_BYTES;
}

static bool read_option(struct job *job, const char *name, const char *value)
{
    unsigned number;
    if (strcmp(name, "--transport") == 0) {
        job->transport = value;
        return strcmp(value, "tcp") == 0 || strcmp(value, "ipc") == 0 ||
               strcmp(value, "inproc") == 0;
    }
    if (!read_number(value, &number))
        return false;
    if (strcmp(name, "--size") == 0)
        job->size_bytes = number;
    else if (strcmp(name, "--burst") == 0)
        job->burst = number;
    else if (strcmp(name, "--sockets") == 0)
        job->sockets = number;
    else if (strcmp(name, "--warmup") == 0)
        job->warmup_ms = number;
    else if (strcmp(name, "--window") == 0)
        job->window_ms = number;
    else if (strcmp(name, "--one-thread") == 0)
        job->one_thread = number;
    else if (strcmp(name, "--green") == 0)
        job->green = number;
    else if (strcmp(name, "--msg") == 0)
        job->as_msg = number;
    else
        return false;
    return true;
}

struct measurement {
    const struct job *job;
    void (*measure)(const struct job *job);
};

static void *measure(void *arg)
{
    const struct measurement *measurement = arg;
    measurement->measure(measurement->job);
    return NULL;
}

static bool run(const char *what, const struct job *job)
{
    static const struct {
        const char *name;
        void (*measure)(const struct job *job);
    } known[] = {{"flow", measure_flow}, {"trips", measure_trips}, {"poll", measure_poll}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(what, known[i].name) != 0)
            continue;
        struct measurement measurement = {.job = job, .measure = known[i].measure};
        if (!job->green)
            measure(&measurement);
        else
            must(join_green(start_green(measure, &measurement)) == 0, "gmq_spawn");
        return true;
    }
    return false;
}

static void print_version(void)
{
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("zmq.h %d.%d.%d\n", major, minor, patch);
}

int main(int argc, char **argv)
{
    struct job job = {.transport = "inproc",
                      .size_bytes = 16,
                      .burst = 1,
                      .sockets = 1000,
                      .warmup_ms = 100,
                      .window_ms = 500};
    const char *what = argc > 1 ? argv[1] : "";
    bool fine = argc % 2 == 0;
    if (strcmp(what, "--version") == 0) {
        print_version();
        return 0;
    }
    for (int i = 2; fine && i < argc; i += 2)
        fine = read_option(&job, argv[i], argv[i + 1]);
    fine = fine && run(what, &job);
    fflush(stdout);
    clean_up();
    if (fine)
        _exit(0); /* the far end may be anywhere in a call */
    fprintf(stderr,
            "usage: library flow|trips|poll [--transport tcp|ipc|inproc] [--size BYTES]\n"
            "               [--one-thread 1] [--green 1] [--burst N] [--msg 1] [--sockets N]\n"
            "               [--warmup MS] [--window MS]\n");
    return 2;
}
