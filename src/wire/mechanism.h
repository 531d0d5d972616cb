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

    /* A handshake command has come; its name fits its frame. ERROR never comes here: the session
     * itself ends at one. Calls session_ready() when the handshake is done, session_fail() when
     * it cannot be; else waits for the next one. */
    void (*command)(struct session *session, const uint8_t *body, size_t size);
};

extern const struct mechanism mechanism_null; /* 37/ZMTP 3.1, "The NULL Security Mechanism" */

/* For mechanisms and the greeting, in session.c: */
void session_send(struct session *session, const void *data, size_t size);
void session_send_command(struct session *session, const char *name, const uint8_t *data,
                          size_t size);
void session_handshake(struct session *session); /* the greetings are exchanged */
void session_ready(struct session *session);
void session_fail(struct session *session, enum session_error error);

enum { METADATA_ROOM = 512 };

/* Our own properties (Socket-Type, Identity) into `at`, room for METADATA_ROOM; returns octets. */
size_t metadata_write(const struct session *session, uint8_t *at);

/* Reads the peer's; SESSION_OK, or why they are refused. */
enum session_error metadata_read(struct session *session, const uint8_t *data, size_t size);

/* The routing id that a socket of this type announces; 0 octets when it announces none. */
size_t metadata_own_identity(const struct session_config *config);

/* The peer, whose socket type is known, has announced this routing id. */
enum session_error metadata_take_identity(struct session *session, const uint8_t *id, size_t size);

#endif
