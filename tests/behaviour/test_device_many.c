/* SPDX-License-Identifier: MIT */
/*
 * Any number of devices in one process: 2,000 of them cost no thread and no descriptor each, and
 * little memory; a message goes through each, and through all of them in a row.
 */
#include "behaviour/util.h"
#include "behaviour/device.h"

#include <dirent.h>

enum {
    DEVICES = 2000,
    DEVICE_BYTES_MAX = 16384,
    SPARE = 4 /* the context's own, which it may open when it first needs them */
};

struct many {
    void *front, *back;
    struct gmq_device *device;
};
static struct many many[DEVICES];

/* What stands in a directory of /proc, without . and .. */
static int count_entries(const char *path)
{
    int count = -2;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static int count_threads(void)
{
    return count_entries("/proc/self/task");
}

static int count_descriptors(void)
{
    return count_entries("/proc/self/fd");
}

/* Resident, in octets. */
static long resident(void)
{
    long pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &ignored, &pages), 2);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
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

static void *connected(int type, const char *side, int number)
{
    char where[64];
    void *socket = open_socket(type);
    snprintf(where, sizeof where, "inproc://%s-%d", side, number);
    connect_to(socket, where);
    return socket;
}

static void start_all(int front, int back)
{
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_MAX_SOCKETS, 2 * DEVICES + 4), 0);
    for (int i = 0; i < DEVICES; i++) {
        many[i].front = bound(front, "front", i);
        many[i].back = bound(back, "back", i);
        many[i].device = gmq_device_new(many[i].front, many[i].back, NULL);
        assert_non_null(many[i].device);
        assert_int_equal(gmq_device_start(many[i].device), 0);
    }
}

static int close_all(void **state)
{
    for (int i = 0; i < DEVICES; i++) {
        gmq_device_free(many[i].device);
        if (many[i].front)
            zmq_close(many[i].front);
        if (many[i].back)
            zmq_close(many[i].back);
        many[i] = (struct many){0};
    }
    return devices_close(state);
}

TEST(devices_cost_no_threads_and_descriptors)
{
    int threads = count_threads(), descriptors = count_descriptors();
    long before = resident();
    start_all(ZMQ_ROUTER, ZMQ_DEALER);
    long each = (resident() - before) / DEVICES;
    print_message("%ld octets a device with its sockets\n", each);
    assert_in_range(count_threads(), 1, threads + SPARE);
    assert_in_range(count_descriptors(), 1, descriptors + SPARE);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    assert_in_range(each, 0, DEVICE_BYTES_MAX);
#endif
    for (int i = 0; i < DEVICES; i++) {
        void *req = connected(ZMQ_REQ, "front", i), *rep = connected(ZMQ_REP, "back", i);
        send_number(req, i, 0);
        assert_int_equal(recv_number(rep), i);
        send_number(rep, -i, 0);
        assert_int_equal(recv_number(req), -i);
        close_socket(req);
        close_socket(rep);
    }
    for (int i = 0; i < DEVICES; i++) {
        struct gmq_account books = account_of(many[i].device);
        assert_int_equal(books.forward.forwarded.messages, 1);
        assert_int_equal(books.backward.forwarded.messages, 1);
        assert_int_equal(books.frontend_left[GMQ_LEAVE_CLOSED], 1);
    }
    assert_in_range(count_threads(), 1, threads + SPARE);
    assert_in_range(count_descriptors(), 1, descriptors + SPARE);
}

/* Each hands on to the next: what goes in at the first comes out at the last. */
TEST(devices_in_a_long_row)
{
    char where[64];
    start_all(ZMQ_PULL, ZMQ_PUSH);
    for (int i = 1; i < DEVICES; i++) {
        snprintf(where, sizeof where, "inproc://front-%d", i);
        connect_to(many[i - 1].back, where);
    }
    void *push = connected(ZMQ_PUSH, "front", 0), *pull = connected(ZMQ_PULL, "back", DEVICES - 1);
    for (int n = 0; n < 20; n++) {
        send_number(push, n, ZMQ_SNDMORE);
        send_parts(push, "and more");
    }
    for (int n = 0; n < 20; n++) {
        assert_int_equal(recv_number(pull), n);
        expect_parts(pull, "and more");
    }
    for (int i = 0; i < DEVICES; i++) {
        struct gmq_account books = account_of(many[i].device);
        assert_int_equal(books.forward.forwarded.messages, 20);
        assert_int_equal(books.forward.forwarded.parts, 40);
    }
}

/* All have work at the same time, and all are idle in the end. */
TEST(all_devices_at_once)
{
    start_all(ZMQ_PULL, ZMQ_PUSH);
    void *push = open_socket(ZMQ_PUSH), *pull = open_socket(ZMQ_PULL);
    char where[64];
    for (int i = 0; i < DEVICES; i++) {
        snprintf(where, sizeof where, "inproc://front-%d", i);
        connect_to(push, where);
        snprintf(where, sizeof where, "inproc://back-%d", i);
        connect_to(pull, where);
    }
    for (int n = 0; n < 3 * DEVICES; n++)
        send_parts(push, "one each");
    for (int n = 0; n < 3 * DEVICES; n++)
        expect_parts(pull, "one each");
    for (int i = 0; i < DEVICES; i++)
        assert_int_equal(account_of(many[i].device).forward.forwarded.messages, 3);
    for (int i = 0; i < DEVICES; i++)
        assert_int_equal(gmq_device_drain(many[i].device, DEADLINE_MS), 0);
}

TEST(all_devices_end_with_the_context)
{
    start_all(ZMQ_PAIR, ZMQ_PAIR);
    zmq_ctx_shutdown(world.ctx);
    for (int i = 0; i < DEVICES; i++)
        expect_error(gmq_device_wait(many[i].device, -1), ETERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(devices_cost_no_threads_and_descriptors, world_open,
                                        close_all),
        cmocka_unit_test_setup_teardown(devices_in_a_long_row, world_open, close_all),
        cmocka_unit_test_setup_teardown(all_devices_at_once, world_open, close_all),
        cmocka_unit_test_setup_teardown(all_devices_end_with_the_context, world_open, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
