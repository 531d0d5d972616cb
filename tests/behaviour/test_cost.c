/* SPDX-License-Identifier: MIT */
/*
 * What the bytes of one peer cost, however they are cut: the processor's time for input that is
 * made to be expensive, beside that for as many bytes of the plain kind. The bounds are generous:
 * what they are to find is work that grows with the square of the input.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"

enum { SMALL = 2 /* bytes of an empty frame */ };

static double processor_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void assert_alike(const char *what, double dear, double plain, double times)
{
    print_message("%s: %.4f s beside %.4f s\n", what, dear, plain);
    assert_true(dear < times * plain + 0.05);
}

struct flood {
    int fd;
    char *bytes;
    size_t size;
};

static void *pour(void *of)
{
    struct flood *flood = of;
    raw_send(flood->fd, flood->bytes, flood->size);
    return NULL;
}

/* Empty frames, of which each `whole`th ends a message. */
static struct flood flood_of(int fd, size_t frames, size_t whole)
{
    struct flood flood = {.fd = fd, .bytes = calloc(frames, SMALL), .size = frames * SMALL};
    assert_non_null(flood.bytes);
    for (size_t i = 0; i < frames; i++)
        flood.bytes[i * SMALL] = (i + 1) % whole ? RAW_MORE : 0;
    return flood;
}

/* What it costs to receive empty frames, with a mark of so many messages. */
static double cost_to_receive(size_t frames, size_t whole, int mark)
{
    void *pull = open_socket(ZMQ_PULL);
    set_int(pull, ZMQ_RCVHWM, mark);
    int fd = raw_connect(port_of(bind_to(pull, "tcp://127.0.0.1:*")));
    raw_handshake(fd, "PUSH");
    struct flood flood = flood_of(fd, frames, whole);
    double before = processor_s();
    pthread_t thread = start_thread(pour, &flood);
    for (size_t i = 0; i < frames; i++)
        assert_int_equal(zmq_recv(pull, NULL, 0, 0), 0);
    double cost = processor_s() - before;
    join_thread(thread);
    free(flood.bytes);
    close(fd);
    close_socket(pull);
    return cost;
}

TEST(message_of_many_parts)
{
    enum { FRAMES = 400000 };
    double plain = cost_to_receive(FRAMES, 1, 1000);
    assert_alike("one message", cost_to_receive(FRAMES, FRAMES, 1000), plain, 5);
    assert_alike("two messages", cost_to_receive(FRAMES, FRAMES / 2, 1000), plain, 5);
}

/* What waits must not be looked at again for each message that is received: twenty times as many
 * cost twenty times as much. */
TEST(messages_that_are_received_one_by_one)
{
    enum { FRAMES = 5000, TIMES = 20 };
    for (int mark = 1; mark <= 2; mark++) {
        double few = cost_to_receive(FRAMES, 1, mark);
        assert_alike("messages", cost_to_receive(TIMES * FRAMES, 1, mark), TIMES * few, 3);
    }
}

struct arrival {
    int port, fd;
};

static void *arrive(void *to)
{
    struct arrival *arrival = to;
    arrival->fd = raw_connect(arrival->port);
    raw_handshake(arrival->fd, "PUSH");
    return arrival;
}

/* What it costs when a message of so many bytes has come but for its end, and goes on byte by byte.
 * Without a thread of the context's own each byte is read by itself. */
static double cost_to_trickle(const char *begun, size_t size)
{
    enum { BYTES = 1000 };
    void *pull = open_socket(ZMQ_PULL);
    struct arrival arrival = {port_of(bind_to(pull, "tcp://127.0.0.1:*")), -1};
    pthread_t thread = start_thread(arrive, &arrival);
    while (pthread_tryjoin_np(thread, NULL) != 0)
        get_int(pull, ZMQ_EVENTS);
    world.threads--;
    raw_send(arrival.fd, begun, size);
    for (int i = 0; i < 1000; i++)
        get_int(pull, ZMQ_EVENTS);
    double before = processor_s();
    for (int i = 0; i < BYTES; i++) {
        raw_send(arrival.fd, i % 2 ? "" : "\1", 1);
        get_int(pull, ZMQ_EVENTS);
    }
    double cost = processor_s() - before;
    close(arrival.fd);
    close_socket(pull);
    return cost;
}

TEST(message_that_comes_byte_by_byte)
{
    enum { FRAMES = 60000 };
    static char body[9 + SMALL * FRAMES] = {RAW_LONG, 0, 0, 0, 0, 0, 0, 0xff, 0xf0};
    better_than_libzmq(); /* it needs its thread */
    assert_int_equal(zmq_ctx_set(world.ctx, ZMQ_IO_THREADS, 0), 0);
    struct flood parts = flood_of(-1, FRAMES, FRAMES + 1);
    double plain = cost_to_trickle("\1", 2);
    assert_alike("parts", cost_to_trickle(parts.bytes, parts.size), plain, 4);
    assert_alike("body", cost_to_trickle(body, 64000), plain, 4);
    free(parts.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(message_of_many_parts),
        RUN(messages_that_are_received_one_by_one),
        RUN(message_that_comes_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
