/* SPDX-License-Identifier: MIT */
/*
 * conn: one ZMTP connection of the load generator, from connect() to the end of the handshake.
 *
 * After conns_open() the descriptor stands exactly behind the peer's READY and belongs to the
 * caller, who reads and writes it directly. Failure ends the process with a sentence.
 */
#ifndef BENCH_CONN_H
#define BENCH_CONN_H

#include "zmtp.h"

#include <netinet/in.h>
#include <stdbool.h>

enum conn_state {
    CONN_CONNECTING,
    CONN_GREETING,
    CONN_READY,
    CONN_OPEN,
};

struct conn {
    int fd;
    enum conn_state state;
    const struct sockaddr_in *peer;
    const char *socket_type;
    uint8_t in[2 + ZMTP_SHORT_LIMIT_BYTES]; /* what has come of the greeting or of READY */
    size_t in_bytes;
};

/* Names the peer; nothing happens yet. */
void conn_init(struct conn *conn, const struct sockaddr_in *peer, const char *socket_type);

/* Connects all of them and shakes hands, some dozens at a time; see tcp_connect() for the rest. */
void conns_open(struct conn **conns, size_t count, unsigned buffer_kib);

/* One recv: the bytes, 0 when none are there now. A peer that left ends the process. */
size_t conn_recv(const struct conn *conn, void *buffer, size_t size_bytes);

/* One send: the bytes taken, 0 when there is no room now. */
size_t conn_send(const struct conn *conn, const void *bytes, size_t size_bytes);

#endif
