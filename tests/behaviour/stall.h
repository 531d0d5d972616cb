/* SPDX-License-Identifier: MIT */
/*
 * Peers that stall: they shake hands and read nothing more, until the test does it for them. Their
 * systems keep little for them, so that it shows soon. Included after raw.h and device.h.
 */
#ifndef BEHAVIOUR_STALL_H
#define BEHAVIOUR_STALL_H

enum { STALL_BUFFER = 8192, STALL_BODY = 4000, STALL_HWM = 10 };

/* For a socket, before it binds: little is kept on the way to its peers. */
static inline void keep_little(void *socket)
{
    set_int(socket, ZMQ_SNDBUF, STALL_BUFFER);
    set_int(socket, ZMQ_SNDHWM, STALL_HWM);
}

/* A rig whose sockets keep little. */
static inline struct rig small_rig(enum gmq_device_type type, int front, int back)
{
    struct rig rig = {.front = open_socket(front), .back = open_socket(back)};
    keep_little(rig.front);
    keep_little(rig.back);
    rig.front_at = bind_to(rig.front, "tcp://127.0.0.1:*");
    rig.back_at = bind_to(rig.back, "tcp://127.0.0.1:*");
    start_rig(&rig, type);
    return rig;
}

static inline int stalled_at(struct endpoint where, const char *type)
{
    struct sockaddr_in address = raw_address(port_of(where));
    int small = STALL_BUFFER, on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    raw_handshake(fd, type);
    return fd;
}

/* A message as the stall tests send it: a number, and a body that fills buffers. */
static inline bool try_send_bulk(void *socket, int number)
{
    static char body[STALL_BODY];
    char text[16];
    int size = snprintf(text, sizeof text, "%d", number);
    if (zmq_send(socket, text, (size_t)size, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return false;
    assert_int_equal(zmq_send(socket, body, sizeof body, 0), sizeof body);
    return true;
}

static inline void send_bulk(void *socket, int number)
{
    int64_t give_up = now_ms() + DEADLINE_MS;
    while (!try_send_bulk(socket, number)) {
        assert_true(now_ms() < give_up);
        can_send(socket, 10);
    }
}

static inline int recv_bulk(void *socket)
{
    char body[STALL_BODY + 1];
    int number = recv_number(socket);
    assert_int_equal(zmq_recv(socket, body, sizeof body, 0), STALL_BODY);
    assert_false(get_int(socket, ZMQ_RCVMORE));
    return number;
}

/* Sends until nothing more goes for a while; returns how many messages went. */
static inline int send_until_full(void *socket, int number)
{
    int first = number;
    do {
        while (try_send_bulk(socket, number))
            number++;
    } while (can_send(socket, QUIET_MS));
    return number - first;
}

/* Reads until the other side closes; returns how many octets came. */
static inline size_t raw_drain(int fd)
{
    char ignored[65536];
    size_t size = 0;
    for (;;) {
        assert_true(raw_readable(fd, DEADLINE_MS));
        ssize_t got = recv(fd, ignored, sizeof ignored, 0);
        if (got <= 0)
            return size;
        size += (size_t)got;
    }
}

/* One frame of any size; its body is not kept. Returns its flags, and its size if asked for. */
static inline unsigned raw_skip_frame(int fd, size_t *size)
{
    unsigned char head[9] = {0}, ignored[4096];
    size_t left = 0;
    raw_recv(fd, head, 1);
    size_t octets = head[0] & RAW_LONG ? 8 : 1;
    raw_recv(fd, head + 1, octets);
    for (size_t i = 1; i <= octets; i++)
        left = left << 8 | head[i];
    if (size)
        *size = left;
    while (left) {
        size_t piece = left < sizeof ignored ? left : sizeof ignored;
        raw_recv(fd, ignored, piece);
        left -= piece;
    }
    return head[0];
}

#endif
