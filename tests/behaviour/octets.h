/* SPDX-License-Identifier: MIT */
/*
 * What the tests of raw peers share: a socket that speaks in octets with plain TCP peers (raw.h).
 * Its messages have two parts, id and octets. Included after util.h and raw.h.
 */
#ifndef BEHAVIOUR_OCTETS_H
#define BEHAVIOUR_OCTETS_H

/* Octets from one peer. */
static inline struct part recv_octets(void *socket, const struct part *id)
{
    struct part from = recv_id(socket), octets = recv_part(socket);
    assert_false(octets.more);
    assert_int_equal(from.size, id->size);
    assert_memory_equal(from.data, id->data, id->size);
    return octets;
}

static inline void expect_octets(void *socket, const struct part *id, const char *text)
{
    struct part octets = recv_octets(socket, id);
    if (!part_is(&octets, text))
        fail_msg("expected \"%s\", received \"%.*s\"", text, (int)octets.size, octets.data);
}

/* A connection has come or gone. */
static inline void expect_notice(void *socket, const struct part *id)
{
    expect_octets(socket, id, "");
}

/* The first that is heard of a peer. */
static inline struct part recv_notice(void *socket)
{
    struct part id = recv_id(socket), octets = recv_part(socket);
    assert_int_equal(octets.size, 0);
    assert_false(octets.more);
    return id;
}

static inline void send_octets(void *socket, const struct part *id, const void *data, size_t size)
{
    send_part(socket, id, ZMQ_SNDMORE);
    send_bytes(socket, data, size, 0);
}

static inline void send_text(void *socket, const struct part *id, const char *text)
{
    send_octets(socket, id, text, strlen(text));
}

/* Ends its connection once what is queued has left. */
static inline void send_away(void *socket, const struct part *id)
{
    send_octets(socket, id, "", 0);
    nudge(socket);
}

/* libzmq may need some time to see that a peer has gone: until then it takes messages. */
static inline void expect_unknown(void *socket, const struct part *id)
{
    bool taken = ON_LIBZMQ;
    while (taken) {
        taken = zmq_send(socket, id->data, id->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0;
        if (taken)
            zmq_send(socket, "?", 1, 0);
        taken = taken || zmq_errno() == EAGAIN;
        nudge(socket);
    }
    expect_error(zmq_send(socket, id->data, id->size, ZMQ_SNDMORE), EHOSTUNREACH);
}

/* ZMQ_ROUTING_ID, as it is now: of a STREAM the id that was made last. */
static inline struct part made_id(void *socket)
{
    struct part id = {.size = sizeof id.data};
    assert_int_equal(zmq_getsockopt(socket, ZMQ_ROUTING_ID, id.data, &id.size), 0);
    return id;
}

static inline void raw_expect(int fd, const char *text)
{
    char got[256] = "";
    raw_recv(fd, got, strlen(text));
    assert_string_equal(got, text);
}

/* The socket closes this connection in good order, and says nothing more. */
static inline void raw_expect_end(int fd, void *socket)
{
    char octet;
    wait_until((nudge(socket), raw_readable(fd, 1)));
    assert_int_equal(recv(fd, &octet, 1, 0), 0);
}

static inline void raw_reset(int fd)
{
    struct linger hard = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
}

/* A bound STREAM and a peer that it has heard of. */
struct scene {
    void *socket;
    struct endpoint at;
    struct part id;
    int peer;
};

static inline void join(struct scene *scene)
{
    scene->peer = raw_connect(port_of(scene->at));
    scene->id = recv_notice(scene->socket);
}

static inline struct scene bound_scene(void)
{
    struct scene scene = {.socket = open_socket(ZMQ_STREAM)};
    scene.at = bind_to(scene.socket, "tcp://127.0.0.1:*");
    join(&scene);
    return scene;
}

/* The endpoint of a port on the loopback. */
static inline struct endpoint endpoint_of(int port)
{
    struct endpoint endpoint;
    snprintf(endpoint.text, sizeof endpoint.text, "tcp://127.0.0.1:%d", port);
    return endpoint;
}

/* A STREAM that has connected to a plain listener. */
static inline struct scene connected_scene(int *listener)
{
    int port = 0;
    *listener = raw_listen(&port, 8);
    struct scene scene = {.socket = open_socket(ZMQ_STREAM), .at = endpoint_of(port)};
    connect_to(scene.socket, scene.at.text);
    scene.id = made_id(scene.socket);
    scene.peer = raw_accept(*listener);
    expect_notice(scene.socket, &scene.id);
    return scene;
}

#endif
