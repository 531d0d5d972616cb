/* SPDX-License-Identifier: MIT */
/*
 * A device of the C API running in a thread of its own: its sockets, how it is steered, and how it
 * ended. Included by the tests of devices, after util.h.
 *
 * The two faces, the capture and the control belong to the device's thread while it runs; the test
 * talks to the capture and the control through their other ends.
 */
#ifndef BEHAVIOUR_RELAY_H
#define BEHAVIOUR_RELAY_H

#include <stdatomic.h>

enum { RELAYS_MAX = 8, DEFAULT_HWM = 1000 };
enum { STATISTICS = 8 }; /* messages and bytes in and out of the frontend, then of the backend */

struct relay {
    void *front, *back;        /* the same socket for a relay that answers itself */
    void *capture, *control;   /* or NULL */
    void *captured, *steering; /* the test's ends of these two */
    struct endpoint at_front, at_back;
    pthread_t thread;
    struct outcome *outcome;
};

/* How a device returned. It outlives the test, which may fail before the device's thread ends. */
struct outcome {
    void *front, *back, *capture, *control;
    int rc, error;
    atomic_bool ended;
};
static struct outcome outcomes[RELAYS_MAX];

/* A face of the device: bound, and with nothing to wait for when it closes. */
static inline void *open_face(int type, int hwm, const char *endpoint, struct endpoint *where)
{
    void *face = open_socket(type);
    set_int(face, ZMQ_LINGER, 0);
    set_int(face, ZMQ_SNDHWM, hwm);
    set_int(face, ZMQ_RCVHWM, hwm);
    set_int(face, ZMQ_SNDTIMEO, -1);
    *where = bind_to(face, endpoint);
    return face;
}

static inline struct relay open_relay_of(int front, int back, int hwm, const char *transport)
{
    struct relay relay = {0};
    bool inproc = strcmp(transport, "inproc://here") == 0;
    relay.front = open_face(front, hwm, inproc ? "inproc://front" : transport, &relay.at_front);
    relay.back = open_face(back, hwm, inproc ? "inproc://back" : transport, &relay.at_back);
    return relay;
}

static inline struct relay open_relay(int front, int back, const char *transport)
{
    return open_relay_of(front, back, DEFAULT_HWM, transport);
}

static inline void add_capture(struct relay *relay, int type, int reader)
{
    relay->capture = open_socket(type);
    relay->captured = open_socket(reader);
    set_int(relay->capture, ZMQ_LINGER, 0);
    set_int(relay->capture, ZMQ_SNDTIMEO, -1);
    bind_to(relay->captured, "inproc://capture");
    connect_to(relay->capture, "inproc://capture");
}

static inline void add_control(struct relay *relay)
{
    relay->control = open_socket(ZMQ_PAIR);
    relay->steering = open_socket(ZMQ_PAIR);
    set_int(relay->control, ZMQ_LINGER, 0);
    bind_to(relay->control, "inproc://control");
    connect_to(relay->steering, "inproc://control");
}

static inline void *run_relay(void *argument)
{
    struct outcome *run = argument;
    run->rc = run->control ? zmq_proxy_steerable(run->front, run->back, run->capture, run->control)
                           : zmq_proxy(run->front, run->back, run->capture);
    run->error = run->rc == -1 ? zmq_errno() : 0;
    atomic_store(&run->ended, true);
    return NULL;
}

/* A place for the outcome: the next one, in turn. */
static inline struct outcome *next_outcome(struct relay *relay)
{
    static size_t used;
    struct outcome *outcome = &outcomes[used++ % RELAYS_MAX];
    outcome->front = relay->front;
    outcome->back = relay->back;
    outcome->capture = relay->capture;
    outcome->control = relay->control;
    outcome->rc = outcome->error = 0;
    atomic_store(&outcome->ended, false);
    return relay->outcome = outcome;
}

static inline void start_relay(struct relay *relay)
{
    relay->thread = start_thread(run_relay, next_outcome(relay));
}

/* Ends it the only way there is without control: by shutting its context down. */
static inline void end_relay(struct relay *relay)
{
    assert_false(atomic_load(&relay->outcome->ended));
    assert_int_equal(zmq_ctx_shutdown(world.ctx), 0);
    join_thread(relay->thread);
    assert_int_equal(relay->outcome->rc, -1);
    assert_string_equal(zmq_strerror(relay->outcome->error), zmq_strerror(ETERM));
}

static inline void ask_statistics(struct relay *relay, uint64_t count[STATISTICS])
{
    send_parts(relay->steering, "STATISTICS");
    for (int i = 0; i < STATISTICS; i++) {
        assert_int_equal(zmq_recv(relay->steering, &count[i], sizeof *count, 0), sizeof *count);
        assert_int_equal(get_int(relay->steering, ZMQ_RCVMORE), i < STATISTICS - 1);
    }
}

/* PAUSE or RESUME, carried out when this returns: a PAIR is answered to STATISTICS only, after. */
static inline void steer(struct relay *relay, const char *command)
{
    uint64_t ignored[STATISTICS];
    send_parts(relay->steering, command);
    ask_statistics(relay, ignored);
}

static inline void terminate_relay(struct relay *relay)
{
    send_parts(relay->steering, "TERMINATE");
    join_thread(relay->thread);
    assert_int_equal(relay->outcome->rc, 0);
}

static inline void *open_client(int type, struct endpoint where)
{
    void *client = open_socket(type);
    set_int(client, ZMQ_LINGER, 0);
    connect_to(client, where.text);
    return client;
}

#endif
