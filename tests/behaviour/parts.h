/* SPDX-License-Identifier: MIT */
/*
 * Messages as the tests write them: send_parts(s, "a", "", "b") sends three parts,
 * expect_parts(s, "a", "", "b") wants exactly those and no more. Included by util.h.
 */
#ifndef BEHAVIOUR_PARTS_H
#define BEHAVIOUR_PARTS_H

/* One received part; routing ids and other binary content fit as well. */
struct part {
    char data[600];
    size_t size;
    bool more;
};

#define send_parts(socket, ...) \
    send_list(socket, (const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
#define expect_parts(socket, ...) \
    expect_list(socket, (const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)

static inline void send_bytes(void *socket, const void *data, size_t size, int flags)
{
    assert_int_equal(zmq_send(socket, data, size, flags), size);
}

static inline void send_list(void *socket, const char *const *texts, const char *file, int line)
{
    for (; *texts; texts++) {
        int rc = zmq_send(socket, *texts, strlen(*texts), texts[1] ? ZMQ_SNDMORE : 0);
        if (rc != (int)strlen(*texts)) {
            print_error("sending \"%s\": %s\n", *texts, zmq_strerror(zmq_errno()));
            _fail(file, line);
        }
    }
}

static inline struct part recv_part(void *socket)
{
    struct part part;
    int size = zmq_recv(socket, part.data, sizeof part.data, 0);
    if (size < 0)
        print_error("nothing received: %s\n", zmq_strerror(zmq_errno()));
    assert_in_range(size, 0, sizeof part.data);
    part.size = (size_t)size;
    part.more = get_int(socket, ZMQ_RCVMORE);
    return part;
}

static inline bool part_is(const struct part *part, const char *text)
{
    return part->size == strlen(text) && memcmp(part->data, text, part->size) == 0;
}

static inline void expect_list(void *socket, const char *const *texts, const char *file, int line)
{
    for (; *texts; texts++) {
        struct part part = recv_part(socket);
        bool more = texts[1] != NULL;
        if (!part_is(&part, *texts) || part.more != more) {
            print_error("expected \"%s\"%s, received \"%.*s\" (%zu bytes)%s\n", *texts,
                        more ? " and more" : "", (int)part.size, part.data, part.size,
                        part.more ? " and more" : "");
            _fail(file, line);
        }
    }
}

/* Sends a part that was received before, such as a routing id. */
static inline void send_part(void *socket, const struct part *part, int flags)
{
    send_bytes(socket, part->data, part->size, flags);
}

/* The first part of a message that has more: at a ROUTER, the peer's routing id. */
static inline struct part recv_id(void *socket)
{
    struct part id = recv_part(socket);
    assert_true(id.more);
    return id;
}

/* Numbers, as text of their own part, for tests that care about order and count. */
static inline void send_number(void *socket, int number, int flags)
{
    char text[16];
    int size = snprintf(text, sizeof text, "%d", number);
    send_bytes(socket, text, (size_t)size, flags);
}

static inline int recv_number(void *socket)
{
    struct part part = recv_part(socket);
    assert_in_range(part.size, 1, 15);
    part.data[part.size] = 0;
    return atoi(part.data);
}

static inline bool can_recv(void *socket, long within_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    return zmq_poll(&item, 1, within_ms) == 1;
}

static inline bool can_send(void *socket, long within_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLOUT};
    return zmq_poll(&item, 1, within_ms) == 1;
}

/* Nothing is here and nothing comes for a while: only where no marker message can follow. */
static inline void expect_nothing(void *socket)
{
    char unexpected[64];
    if (!can_recv(socket, QUIET_MS))
        return;
    int size = zmq_recv(socket, unexpected, sizeof unexpected, ZMQ_DONTWAIT);
    if (size >= 0)
        print_error("unexpectedly received %d bytes: \"%.*s\"\n", size,
                    size < (int)sizeof unexpected ? size : (int)sizeof unexpected, unexpected);
    assert_int_equal(size, -1);
}

#endif
