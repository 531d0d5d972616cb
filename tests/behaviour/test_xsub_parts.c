/* SPDX-License-Identifier: MIT */
/*
 * Messages of several parts that an XSUB sends: each part is looked at for itself, and subscribes,
 * cancels, or is the user's own. As libzmq 4.3.4 does; in bytes as well, either way.
 *
 * Messages are written as text here: parts with + between, messages with | between, and the octets
 * 1 and 0 that a subscription begins with as digits.
 */
#include "behaviour/util.h"
#include "behaviour/raw.h"

static void send_text(void *xsub, const char *text)
{
    for (const char *at = text; at;) {
        const char *plus = strchr(at, '+');
        char part[64];
        size_t size = plus ? (size_t)(plus - at) : strlen(at);
        memcpy(part, at, size);
        if (size && (part[0] == '0' || part[0] == '1'))
            part[0] = (char)(part[0] - '0');
        send_bytes(xsub, part, size, plus ? ZMQ_SNDMORE : 0);
        at = plus ? plus + 1 : NULL;
    }
}

struct text {
    char at[512];
};

/* What is received up to the message "end". */
static struct text recv_text(void *xpub)
{
    struct text text = {""};
    for (;;) {
        struct part part = recv_part(xpub);
        if (part_is(&part, "end"))
            return text;
        size_t have = strlen(text.at);
        if (part.size && (part.data[0] == 0 || part.data[0] == 1))
            part.data[0] = (char)(part.data[0] + '0');
        snprintf(text.at + have, sizeof text.at - have, "%.*s%s", (int)part.size, part.data,
                 part.more ? "+" : "|");
    }
}

static void expect_text(void *xpub, const char *expected)
{
    struct text text = recv_text(xpub);
    assert_string_equal(text.at, expected);
}

struct mixture {
    const char *sent, *seen;
};

static void try_mixtures(void *xsub, void *xpub, const struct mixture *mixture, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        send_text(xsub, mixture[i].sent);
        send_text(xsub, "end");
        expect_text(xpub, mixture[i].seen);
    }
}

#define TRY(xsub, xpub, ...)                                        \
    try_mixtures(xsub, xpub, (const struct mixture[]){__VA_ARGS__}, \
                 sizeof((const struct mixture[]){__VA_ARGS__}) / sizeof(struct mixture))

/* An XSUB that is known to an XPUB. */
static void *xsub_at(void *xpub, struct endpoint where)
{
    void *xsub = open_socket(ZMQ_XSUB);
    connect_to(xsub, where.text);
    send_text(xsub, "1here");
    struct part part = recv_part(xpub);
    assert_true(part_is(&part, "\1here"));
    return xsub;
}

static void expect_published(void *xpub, void *xsub, const char *topic)
{
    send_parts(xpub, "unwanted");
    send_parts(xpub, topic);
    expect_parts(xsub, topic);
}

TEST(first_part_subscribes)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *xsub = xsub_at(xpub, bind_to(xpub, *state));
    TRY(xsub, xpub, {"1A+more", "1A|more|"});
    expect_published(xpub, xsub, "A");
}

TEST(each_part_counts_for_itself)
{
    void *xpub = open_socket(ZMQ_XPUB);
    void *xsub = xsub_at(xpub, bind_to(xpub, *state));
    TRY(xsub, xpub, {"1A+1B", "1A|1B|"}, {"1A", ""}, {"0A+0B", "0B|"}, {"0A+x", "0A|x|"},
        {"u+1A", "u+1A|"}, {"u+1A+v", "u+v|"}, {"u+1B+1C+w", "u+1B|1C|w|"}, {"+1D", "+1D|"},
        {"1D+", "|"}, {"1+u", "1|u|"}, {"x+0B+y", "x+0B|y|"}, {"0Z+u", "u|"},
        {"1E+0E+u", "1E|0E|u|"}, {"1E+u+0E+v", "1E|u+0E|v|"}, {"0Z+0Z+x", "x|"}, {"", "|"},
        {"+", "+|"}, {"0", "0|"}, {"a+b+c", "a+b+c|"});
    expect_published(xpub, xsub, "C");
    expect_published(xpub, xsub, "D");
}

TEST(verbose_shows_each_part)
{
    void *xpub = open_socket(ZMQ_XPUB);
    set_int(xpub, ZMQ_XPUB_VERBOSE, 1);
    void *xsub = xsub_at(xpub, bind_to(xpub, *state));
    TRY(xsub, xpub, {"1A+more", "1A|more|"}, {"1A+1A", "1A|1A|"}, {"u+1A+v", "u+1A|v|"},
        {"0A+x", "x|"});
}

/* The answer goes to whose note was received last, also when parts stand before it. */
TEST(manual_answers_to_each_part)
{
    void *xpub = open_socket(ZMQ_XPUB);
    set_int(xpub, ZMQ_XPUB_MANUAL, 1);
    struct endpoint where = bind_to(xpub, *state);
    void *a = xsub_at(xpub, where), *b = xsub_at(xpub, where);
    TRY(a, xpub, {"u+1A", "u+1A|"});
    set_text(xpub, ZMQ_SUBSCRIBE, "for a");
    TRY(b, xpub, {"1B+v", "1B|v|"});
    if (!ON_LIBZMQ) { /* which takes the second message for the answer's cause */
        set_text(xpub, ZMQ_SUBSCRIBE, "for b");
        send_parts(xpub, "for b");
        expect_parts(b, "for b");
    }
    send_parts(xpub, "for a");
    expect_parts(a, "for a");
}

/* libzmq leaves the message open, and takes the next for its end. */
TEST(cancel_of_nothing_as_last_part_ends_the_message)
{
    better_than_libzmq();
    void *xpub = open_socket(ZMQ_XPUB);
    void *xsub = xsub_at(xpub, bind_to(xpub, *state));
    TRY(xsub, xpub, {"u+0Z", "u|"}, {"u+v+0Z+0Y", "u+v|"});
}

TEST(parts_of_many_sizes)
{
    enum { SIZE = 100000 };
    static char large[SIZE], topic[SIZE];
    void *xpub = open_socket(ZMQ_XPUB);
    void *xsub = xsub_at(xpub, bind_to(xpub, *state));
    memset(large, 'x', SIZE);
    memset(topic, 'T', SIZE);
    topic[0] = 1;
    send_bytes(xsub, large, SIZE, ZMQ_SNDMORE);
    send_bytes(xsub, topic, SIZE, ZMQ_SNDMORE);
    send_bytes(xsub, "last", 4, 0);
    static char got[SIZE + 1];
    assert_int_equal(zmq_recv(xpub, got, sizeof got, 0), SIZE);
    assert_memory_equal(got, large, SIZE);
    assert_int_equal(get_int(xpub, ZMQ_RCVMORE), 1);
    assert_int_equal(zmq_recv(xpub, got, sizeof got, 0), SIZE);
    assert_memory_equal(got, topic, SIZE);
    assert_int_equal(get_int(xpub, ZMQ_RCVMORE), 0);
    expect_parts(xpub, "last");
    send_bytes(xpub, topic + 1, SIZE - 1, 0);
    assert_int_equal(zmq_recv(xsub, got, sizeof got, 0), SIZE - 1);
}

/* A publisher that comes later is told the subscription once, and so hears its end. */
TEST(subscription_among_parts_for_one_who_is_not_there_yet)
{
    better_than_libzmq(); /* it has the subscription in the message and by itself */
    int port = 0;
    close(raw_bind(&port));
    char where[64];
    snprintf(where, sizeof where, "tcp://127.0.0.1:%d", port);
    void *xpub = open_socket(ZMQ_XPUB), *xsub = open_socket(ZMQ_XSUB);
    set_int(xsub, ZMQ_RECONNECT_IVL, 10);
    connect_to(xsub, where);
    send_text(xsub, "u+1A+v");
    assert_int_equal(zmq_bind(xpub, where), 0);
    send_text(xsub, "end");
    expect_text(xpub, "1A|u+v|");
    TRY(xsub, xpub, {"0A", "0A|"});
}

/* Subscriptions are state: no high-water mark holds them up, in whatever message they come. */
TEST(subscription_among_parts_above_the_high_water_mark)
{
    better_than_libzmq();
    void *xpub = open_socket(ZMQ_XPUB), *xsub = open_socket(ZMQ_XSUB);
    set_int(xpub, ZMQ_RCVHWM, 1);
    set_int(xsub, ZMQ_SNDHWM, 1);
    connect_to(xsub, bind_to(xpub, "inproc://full").text);
    send_parts(xsub, "1");
    send_parts(xsub, "2");
    send_text(xsub, "u+1A");
    expect_parts(xpub, "\1A");
    expect_parts(xpub, "1");
    expect_parts(xpub, "2");
    expect_published(xpub, xsub, "A");
}

static void raw_expect_frame(int fd, unsigned flags, const char *body)
{
    struct raw_frame frame = raw_recv_frame(fd);
    assert_int_equal(frame.flags, flags);
    assert_int_equal(frame.size, strlen(body));
    assert_memory_equal(frame.body, body, frame.size);
}

/* What is not in front of all others goes as it was sent, a command before it. */
TEST(bytes_to_a_publisher)
{
    better_than_libzmq(); /* which tells in messages what is sent in messages */
    int port = 0, listener = raw_listen(&port, 1);
    char where[64];
    snprintf(where, sizeof where, "tcp://127.0.0.1:%d", port);
    void *xsub = open_socket(ZMQ_XSUB);
    connect_to(xsub, where);
    int fd = raw_accept(listener);
    raw_handshake(fd, "XPUB");
    send_text(xsub, "1here");
    raw_expect_frame(fd, RAW_COMMAND, "\11SUBSCRIBEhere");
    send_text(xsub, "1A+more");
    raw_expect_frame(fd, RAW_COMMAND, "\11SUBSCRIBEA");
    raw_expect_frame(fd, 0, "more");
    send_text(xsub, "u+1B+v");
    raw_expect_frame(fd, RAW_MORE, "u");
    raw_expect_frame(fd, RAW_MORE, "\1B");
    raw_expect_frame(fd, 0, "v");
    send_text(xsub, "u+0Z");
    raw_expect_frame(fd, 0, "u");
    close(fd);
    close(listener);
}

TEST(bytes_from_a_subscriber)
{
    void *xpub = open_socket(ZMQ_XPUB), *pub = open_socket(ZMQ_PUB);
    int at_xpub = raw_connect(port_of(bind_to(xpub, "tcp://127.0.0.1:*")));
    int at_pub = raw_connect(port_of(bind_to(pub, "tcp://127.0.0.1:*")));
    raw_handshake(at_xpub, "XSUB");
    raw_handshake(at_pub, "XSUB");
    static const char said[] = "\1\1u\1\2\1A\1\2\1B\1\1v\1\2\1C\0\1w\0\3end";
    raw_send(at_xpub, said, sizeof said - 1);
    expect_text(xpub, "u+1A|1B|v+1C|w|");
    raw_send(at_pub, said, sizeof said - 1);
    while (!raw_readable(at_pub, 1)) /* until it has heard of the last */
        send_parts(pub, "C");
    raw_expect_frame(at_pub, 0, "C");
    send_parts(pub, "A");
    send_parts(pub, "B");
    struct raw_frame frame = raw_recv_frame(at_pub);
    while (frame.body[0] == 'C')
        frame = raw_recv_frame(at_pub);
    assert_int_equal(frame.body[0], 'A');
    raw_expect_frame(at_pub, 0, "B");
    close(at_xpub);
    close(at_pub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_ALL(first_part_subscribes),
        OVER_ALL(each_part_counts_for_itself),
        OVER_ALL(verbose_shows_each_part),
        OVER_ALL(manual_answers_to_each_part),
        OVER_ALL(cancel_of_nothing_as_last_part_ends_the_message),
        OVER_ALL(parts_of_many_sizes),
        RUN(subscription_among_parts_for_one_who_is_not_there_yet),
        RUN(subscription_among_parts_above_the_high_water_mark),
        RUN(bytes_to_a_publisher),
        RUN(bytes_from_a_subscriber),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
