/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand idle devices in green threads of one ordinary thread: they cost no thread, no
 * descriptor, little memory and no processor time; a message goes through each; all start and end
 * within seconds. AddressSanitizer's build has two thousand: with it each costs far more. What they
 * cost in a release build is measured by the bench.
 */
#include "behaviour/util.h"

#include <dirent.h>
#include <greenmq/greenmq.h>
#include <sys/resource.h>

#if defined __SANITIZE_ADDRESS__
#define UNDER_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifdef UNDER_ASAN
enum { DEVICES = 2000, BYTES_MAX = 256 * 1024 };
#else
enum { DEVICES = 10000, BYTES_MAX = 16 * 1024 };
#endif

enum { STACK_BYTES = 64 * 1024, SECONDS_MAX = 20, IDLE_MS = 1000, IDLE_US_MAX = 20000 };

struct device {
    void *in, *out;
    int64_t thread;
};
static struct device devices[DEVICES];

/* What stands in a directory of /proc. */
static int count_entries(const char *path)
{
    int count = -2; /* . and .. */
    DIR *directory = opendir(path);
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static long resident_bytes(void)
{
    long pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &ignored, &pages), 2);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static long processor_us(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static void *run(void *arg)
{
    struct device *device = arg;
    bool fine = zmq_proxy(device->in, device->out, NULL) == -1 && errno == ETERM;
    fine = zmq_close(device->in) == 0 && fine;
    fine = zmq_close(device->out) == 0 && fine;
    return fine ? device : NULL;
}

static void *bound(int type, const char *side, int number)
{
    char where[64];
    void *socket = zmq_socket(world.ctx, type);
    assert_non_null(socket);
    snprintf(where, sizeof where, "inproc://%s-%d", side, number);
    assert_int_equal(zmq_bind(socket, where), 0);
    return socket;
}

static void start_all(void)
{
    const struct gmq_thread_options options = {
        .size = sizeof options, .name = "device", .stack_bytes = STACK_BYTES};
    for (int i = 0; i < DEVICES; i++) {
        devices[i].in = bound(ZMQ_PULL, "in", i);
        devices[i].out = bound(ZMQ_PUSH, "out", i);
        devices[i].thread = gmq_spawn(run, &devices[i], &options);
        assert_true(devices[i].thread > 0);
    }
}

static void send_through_each(void)
{
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    for (int i = 0; i < DEVICES; i++) {
        char in[64], out[64];
        int got = -1;
        snprintf(in, sizeof in, "inproc://in-%d", i);
        snprintf(out, sizeof out, "inproc://out-%d", i);
        connect_to(push, in);
        connect_to(pull, out);
        assert_int_equal(zmq_send(push, &i, sizeof i, 0), sizeof i);
        assert_int_equal(zmq_recv(pull, &got, sizeof got, 0), sizeof got);
        assert_int_equal(got, i);
        assert_int_equal(zmq_disconnect(push, in), 0);
        assert_int_equal(zmq_disconnect(pull, out), 0);
    }
    close_socket(push);
    close_socket(pull);
}

static void end_all(void)
{
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    for (int i = 0; i < DEVICES; i++) {
        void *result = NULL;
        assert_int_equal(gmq_join(devices[i].thread, &result, -1), 0);
        assert_ptr_equal(result, &devices[i]);
    }
    term_world();
}

TEST(thousands_of_devices_live_in_one_thread)
{
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0), 0);
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_MAX_SOCKETS, 4 * DEVICES + 4), 0);
    close_socket(open_socket(ZMQ_PAIR)); /* what the context needs once is there */
    assert_int_equal(gmq_sleep(1), 0);
    int threads = count_entries("/proc/self/task"), files = count_entries("/proc/self/fd");
    long before = resident_bytes();
    int64_t start = gmq_now();
    start_all();
    assert_int_equal(gmq_sleep(1), 0); /* every one has had its turn, and waits */
    assert_true(gmq_now() - start < SECONDS_MAX * 1000);
    long each = (resident_bytes() - before) / DEVICES;
    print_message("%d devices: %ld bytes each\n", DEVICES, each);
    assert_true(each < BYTES_MAX);
    assert_int_equal(count_entries("/proc/self/task"), threads);
    assert_int_equal(count_entries("/proc/self/fd"), files);

    long used = processor_us();
    assert_int_equal(gmq_sleep(IDLE_MS), 0);
    used = processor_us() - used;
    assert_true(used < IDLE_US_MAX);

    start = gmq_now();
    send_through_each();
    end_all();
    assert_true(gmq_now() - start < SECONDS_MAX * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(thousands_of_devices_live_in_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
