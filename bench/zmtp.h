/* SPDX-License-Identifier: MIT */
/*
 * zmtp: as much of ZMTP 3.0 (RFC 23) as the load generator speaks, written for this bench alone
 * so that the library under test does not check itself. NULL mechanism, no state, no I/O.
 */
#ifndef BENCH_ZMTP_H
#define BENCH_ZMTP_H

#include <stddef.h>
#include <stdint.h>

enum {
    ZMTP_GREETING_BYTES = 64,
    ZMTP_READY_LIMIT_BYTES = 64,
    ZMTP_HEADER_LIMIT_BYTES = 9,
    ZMTP_SHORT_LIMIT_BYTES = 255,
};

enum {
    ZMTP_MORE = 1,
    ZMTP_LONG = 2,
    ZMTP_COMMAND = 4,
};

/* A frame's header as it came from the wire. */
struct zmtp_frame {
    uint8_t flags;
    size_t header_bytes;
    uint64_t body_bytes;
};

void zmtp_put_greeting(uint8_t out[ZMTP_GREETING_BYTES]);

/* 0, or -1 when it is not a NULL greeting of version 3 or later. */
int zmtp_check_greeting(const uint8_t in[ZMTP_GREETING_BYTES]);

/* Writes a READY command frame; returns its bytes. */
size_t zmtp_put_ready(uint8_t out[ZMTP_READY_LIMIT_BYTES], const char *socket_type);

/* Writes the header of a message frame; returns its bytes (2 or 9). */
size_t zmtp_put_header(uint8_t out[ZMTP_HEADER_LIMIT_BYTES], uint8_t flags, uint64_t body_bytes);

/* Reads a header: 1, or 0 when `size` bytes are too few for it. */
int zmtp_get_header(const uint8_t *in, size_t size, struct zmtp_frame *frame);

#endif
