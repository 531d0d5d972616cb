/* SPDX-License-Identifier: MIT */
/*
 * devices: very many idle devices in one process.
 *
 *     devices idle [--count N] [--idle MS]
 *
 * Each is a zmq_proxy() of a PULL and a PUSH, bound over inproc. For greenmq they are green threads
 * of one ordinary thread; with libzmq (BENCH_ON_LIBZMQ), whose proxy blocks, each has a thread.
 * They are started, left alone, used once each, and ended. What that took goes to the standard
 * output as JSON. Ends with 1 and one sentence when a call fails. Started by run.py.
 */
#include "tool.h"

#include <dirent.h>
#include <unistd.h>

enum { STACK_BYTES = 32 * 1024 };

#ifdef BENCH_ON_LIBZMQ
#include <pthread.h>
#include <zmq.h>

typedef pthread_t thread_id;

static bool start(thread_id *thread, void *(*run)(void *arg), void *arg)
{
    return pthread_create(thread, NULL, run, arg) == 0;
}

static bool join(thread_id thread)
{
    return pthread_join(thread, NULL) == 0;
}

static void rest(unsigned ms)
{
    usleep(ms * 1000);
}
#else
#include <greenmq/greenmq.h>
#include <greenmq/zmq.h>

typedef int64_t thread_id;

static bool start(thread_id *thread, void *(*run)(void *arg), void *arg)
{
    static const struct gmq_thread_options options = {
        .size = sizeof options, .name = "device", .stack_bytes = STACK_BYTES};
    *thread = gmq_spawn(run, arg, &options);
    return *thread > 0;
}

static bool join(thread_id thread)
{
    return gmq_join(thread, NULL, -1) == 0;
}

static void rest(unsigned ms)
{
    must(gmq_sleep(ms) == 0, "gmq_sleep");
}
#endif

struct device {
    void *in, *out;
    thread_id thread;
};

static void *run(void *arg)
{
    struct device *device = arg;
    must(zmq_proxy(device->in, device->out, NULL) == -1 && errno == ETERM, "zmq_proxy");
    must(zmq_close(device->in) == 0 && zmq_close(device->out) == 0, "zmq_close");
    return NULL;
}

static void *bound(void *context, int type, const char *what, unsigned number)
{
    char endpoint[64];
    void *socket = zmq_socket(context, type);
    snprintf(endpoint, sizeof endpoint, "inproc://%s-%u", what, number);
    must(socket && zmq_bind(socket, endpoint) == 0, endpoint);
    return socket;
}

static void open_all(void *context, struct device *devices, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        devices[i].in = bound(context, ZMQ_PULL, "in", i);
        devices[i].out = bound(context, ZMQ_PUSH, "out", i);
        must(start(&devices[i].thread, run, &devices[i]), "a thread");
    }
}

/* Connects to each in turn, and sends one message through it. */
static void use_all(void *context, unsigned count)
{
    void *push = zmq_socket(context, ZMQ_PUSH), *pull = zmq_socket(context, ZMQ_PULL);
    must(push && pull, "zmq_socket");
    for (unsigned i = 0; i < count; i++) {
        char in[64], out[64];
        unsigned got = count;
        snprintf(in, sizeof in, "inproc://in-%u", i);
        snprintf(out, sizeof out, "inproc://out-%u", i);
        must(zmq_connect(push, in) == 0 && zmq_connect(pull, out) == 0, in);
        must(zmq_send(push, &i, sizeof i, 0) == sizeof i, "zmq_send");
        must(zmq_recv(pull, &got, sizeof got, 0) == sizeof got && got == i, "zmq_recv");
        must(zmq_disconnect(push, in) == 0 && zmq_disconnect(pull, out) == 0, in);
    }
    must(zmq_close(push) == 0 && zmq_close(pull) == 0, "zmq_close");
}

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    must(folder != NULL, "/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 3; /* ".", ".." and its own */
}

static double ms_since(uint64_t ns)
{
    return (double)(clock_ns() - ns) / 1e6;
}

int main(int argc, char **argv)
{
    unsigned count = option(argc, argv, "--count", 1000);
    unsigned idle_ms = option(argc, argv, "--idle", 1000);
    struct device *devices = calloc(count, sizeof *devices);
    void *context = zmq_ctx_new();
    must(devices && context, "zmq_ctx_new");
    must(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, (int)(2 * count + 3)) == 0, "ZMQ_MAX_SOCKETS");
    must(zmq_ctx_set(context, ZMQ_IO_THREADS, 0) == 0, "ZMQ_IO_THREADS");
    must(bound(context, ZMQ_PAIR, "first", 0) != NULL, "zmq_socket");
    uint64_t before = status_of("VmRSS:"), from = clock_ns();
    open_all(context, devices, count);
    double start_ms = ms_since(from);
    rest(idle_ms); /* until all have settled */
    uint64_t after = status_of("VmRSS:"), threads = status_of("Threads:"), used = processor_us();
    unsigned files = descriptors();
    rest(idle_ms);
    used = processor_us() - used;
    from = clock_ns();
    use_all(context, count);
    double use_ms = ms_since(from);
    from = clock_ns();
    must(zmq_ctx_shutdown(context) == 0, "zmq_ctx_shutdown");
    for (unsigned i = 0; i < count; i++)
        must(join(devices[i].thread), "a thread");
    printf("{\"bytes_each\": %.1f, \"idle_us\": %" PRIu64 ", \"start_ms\": %.1f, "
           "\"use_ms\": %.1f, \"stop_ms\": %.1f, \"threads\": %" PRIu64 ", "
           "\"descriptors\": %u, \"devices\": %u}\n",
           (double)(after - before) * 1024 / count, used, start_ms, use_ms, ms_since(from), threads,
           files, count);
    fflush(stdout);
    _exit(0);
}
