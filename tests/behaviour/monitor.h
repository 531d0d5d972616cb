/* SPDX-License-Identifier: MIT */
/*
 * Reading what a monitor tells: watch(socket, events) gives the socket to read from, expect(reader,
 * CONNECTED, endpoint) wants this event next and gives its value. Included after util.h.
 *
 * On libzmq a monitor that nobody reads blocks whoever has something to tell, for ever: so the
 * tests that close a reader early mask MONITOR_STOPPED there.
 */
#ifndef BEHAVIOUR_MONITOR_H
#define BEHAVIOUR_MONITOR_H

struct event {
    uint16_t number;
    uint32_t value;
    char endpoint[400];
};

static inline void *watch(void *socket, int events)
{
    static int count;
    char endpoint[40];
    snprintf(endpoint, sizeof endpoint, "inproc://monitor-%d", count++);
    assert_int_equal(zmq_socket_monitor(socket, endpoint, events), 0);
    void *reader = open_socket(ZMQ_PAIR);
    connect_to(reader, endpoint);
    return reader;
}

static inline void *watch_all(void *socket)
{
    return watch(socket, ZMQ_EVENT_ALL);
}

static inline struct event next_event(void *reader)
{
    struct event event = {0};
    struct part part = recv_part(reader);
    assert_int_equal(part.size, 6);
    assert_true(part.more);
    memcpy(&event.number, part.data, 2);
    memcpy(&event.value, part.data + 2, 4);
    part = recv_part(reader);
    assert_false(part.more);
    assert_true(part.size < sizeof event.endpoint);
    memcpy(event.endpoint, part.data, part.size);
    return event;
}

#define expect(reader, event, endpoint) \
    expect_event(reader, ZMQ_EVENT_##event, #event, endpoint, __FILE__, __LINE__)

static inline uint32_t expect_event(void *reader, int number, const char *name,
                                    const char *endpoint, const char *file, int line)
{
    struct event event = next_event(reader);
    if (event.number == number && strcmp(event.endpoint, endpoint) == 0)
        return event.value;
    print_error("expected %s of \"%s\", told 0x%x, value %u, of \"%s\"\n", name, endpoint,
                event.number, event.value, event.endpoint);
    _fail(file, line);
    return 0;
}

static inline void expect_stopped(void *reader)
{
    assert_int_equal(expect(reader, MONITOR_STOPPED, ""), 0);
}

/* Nothing more is told for a while. */
static inline void expect_silence(void *reader)
{
    if (!can_recv(reader, QUIET_MS))
        return;
    struct event event = next_event(reader);
    fail_msg("told 0x%x, value %u, of \"%s\"", event.number, event.value, event.endpoint);
}

/* Two connected sockets, each watched; the server's LISTENING has been read. */
struct watched {
    void *server, *server_events;
    void *client, *client_events;
    struct endpoint bound;
};

static inline struct watched watched_pair(const char *endpoint)
{
    struct watched pair;
    pair.server = open_socket(ZMQ_DEALER);
    pair.client = open_socket(ZMQ_DEALER);
    pair.server_events = watch_all(pair.server);
    pair.client_events = watch_all(pair.client);
    pair.bound = bind_to(pair.server, endpoint);
    expect(pair.server_events, LISTENING, pair.bound.text);
    return pair;
}

#endif
