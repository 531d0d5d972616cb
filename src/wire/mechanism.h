/* SPDX-License-Identifier: MIT */
/* What a security mechanism must provide: how its handshake goes, between greeting and traffic.
 * One of the three tables of functions in greenmq. NULL is a file; PLAIN and CURVE will be. */
#ifndef GREENMQ_WIRE_MECHANISM_H
#define GREENMQ_WIRE_MECHANISM_H

#include "wire/session.h"

struct mechanism {
    const char *name; /* as in the greeting, at most 20 octets */

    /* The greetings are exchanged: queue the first command with session_send_command(), or
     * wait for the peer's. */
    void (*start)(struct session *session);

    /* A handshake command has come. Calls session_ready() when the handshake is done,
     * session_fail() when it cannot be; else waits for the next one. */
    void (*command)(struct session *session, const uint8_t *body, size_t size);
};

extern const struct mechanism mechanism_null; /* 37/ZMTP 3.1, "The NULL Security Mechanism" */

/* For mechanisms, in session.c and metadata.c: */
void session_send_command(struct session *session, const char *name, const uint8_t *data,
                          size_t size);
void session_ready(struct session *session);
void session_fail(struct session *session, enum session_error error);

/* Our own properties (Socket-Type, Identity) into `at`, room for 512; returns octets. */
size_t metadata_write(const struct session *session, uint8_t *at);

/* Reads the peer's; SESSION_OK, or why they are refused. */
enum session_error metadata_read(struct session *session, const uint8_t *data, size_t size);

#endif
