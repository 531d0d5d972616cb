/* SPDX-License-Identifier: MIT */
/* A session: one connection's side of ZMTP as pure code. Octets in, octets and facts out; no
 * socket, no clock, no lock, no allocation after session_init().
 *
 *   GREETING ──> HANDSHAKE ──> READY          37/ZMTP 3.1, 23/ZMTP 3.0
 *       └───> (15/ZMTP 2.0, 13/ZMTP 1.0: no mechanism) ──┘
 *       any ──> FAILED, with `error` saying why
 *
 * The caller sends what session_output() gives, feeds what arrives to session_input() until the
 * state is READY, and from then on cuts the octets itself (base/run.h; with 1.0 they go through
 * base/frame1.h first); commands that it meets go through command_read() of wire/command.h. */
#ifndef GREENMQ_WIRE_SESSION_H
#define GREENMQ_WIRE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SESSION_OUTPUT_MAX = 1024,  /* room that session_output() may need */
    SESSION_COMMAND_MAX = 8192, /* a longer handshake command is refused */
    SESSION_ROUTING_ID_MAX = 255
};

enum session_state { SESSION_GREETING, SESSION_HANDSHAKE, SESSION_READY, SESSION_FAILED };

/* Why a session failed. session_error_text() has a sentence for each. */
enum session_error {
    SESSION_OK,
    SESSION_NOT_ZMTP,          /* the first octets are no ZMTP signature */
    SESSION_OLD_VERSION,       /* none that exists, or before 3.0 where a mechanism is required */
    SESSION_MECHANISM,         /* the peer's mechanism is not ours */
    SESSION_BAD_FRAME,         /* reserved flag bits, MORE on a command, a message in a handshake */
    SESSION_TOO_LARGE,         /* a handshake command beyond SESSION_COMMAND_MAX */
    SESSION_BAD_COMMAND,       /* a command that breaks its own grammar, or is out of turn */
    SESSION_BAD_ERROR,         /* an ERROR command that breaks its grammar */
    SESSION_BAD_METADATA,      /* properties that break their grammar, or a bad Identity */
    SESSION_NO_SOCKET_TYPE,    /* READY names no socket type, or an unknown one */
    SESSION_WRONG_SOCKET_TYPE, /* the two socket types do not go together */
    SESSION_REFUSED            /* the peer sent ERROR; its reason is in `peer_reason` */
};

struct mechanism;

struct session_config {
    int socket_type; /* ZMQ_PAIR ... (the public numbers) */
    const uint8_t *routing_id;
    size_t routing_id_size;            /* 0 to SESSION_ROUTING_ID_MAX */
    const struct mechanism *mechanism; /* &mechanism_null */
    bool as_server;
};

struct session {
    const struct session_config *config; /* lives as long as the session */
    enum session_state state;
    enum session_error error;
    uint8_t major, minor; /* of the protocol spoken: 3.1, 3.0, 2.0, 1.0; 0.0 until it is known */
    int peer_socket_type; /* the public number; -1 when it does not say (1.0) */
    uint8_t peer_routing_id[SESSION_ROUTING_ID_MAX];
    uint8_t peer_routing_id_size;
    char peer_reason[256]; /* with SESSION_REFUSED, printable, ends in NUL */
    /* Inside: how far we are. */
    uint8_t greeting_step;               /* see greeting.c */
    uint8_t mechanism_step;              /* the mechanism's own; 0 at its start */
    uint8_t pending[SESSION_OUTPUT_MAX]; /* encoded octets that wait for session_output() */
    uint16_t pending_size;
};

void session_init(struct session *session, const struct session_config *config);

/* Moves the octets that are to be sent now into `out` (room for SESSION_OUTPUT_MAX); returns how
 * many, 0 when there are none. Also after FAILED: an ERROR command for the peer may be there. */
size_t session_output(struct session *session, uint8_t *out);

/* Feeds what has arrived. Returns how many octets were used; the rest is to be given again with
 * more behind it. Uses nothing any more once the state is READY or FAILED. */
size_t session_input(struct session *session, const uint8_t *data, size_t size);

/* One plain sentence (no full stop) for operators. */
const char *session_error_text(enum session_error error);

/* What a monitor is told of it: ZMQ_PROTOCOL_ERROR_ZMTP_..., or 0 for nothing, as libzmq has it. */
uint32_t session_protocol_error(enum session_error error);

/* The status that the authenticator of a peer has given (27/ZAP: 300, 400 or 500), if that is why
 * it refused us; else 0. */
uint32_t session_auth_status(const struct session *session);

/* The name of a socket type (a public number) as the wire has it. */
const char *session_type_name(int type);

/* Only some socket types have a routing id to announce (37: ignored from all others). */
bool session_type_has_id(int type);

/* Do these two socket types go together (public numbers)? */
bool session_types_match(int ours, int peers);

#endif
