/* SPDX-License-Identifier: MIT */
/* The greeting (37/ZMTP 3.1 "Version Negotiation" and "Backwards Interoperability").
 *
 *      octets     0     1..8      9     10      11     12..31     32         33..63
 *      3.x        FF    padding   7F    major   minor  mechanism  as-server  filler
 *      2.0        FF    padding   7F    1       socket type, identity frame
 *
 *   SIGNATURE ──> VERSION ──> REST ─────────────────> handshake
 *                    └──────> V2_TYPE ──> V2_IDENTITY ──> ready
 *
 * Happy path: we send ten octets at once, our major version when the peer's ten are there, and the
 * rest when its eleventh has told its version. So no peer is sent what it cannot read, and two
 * peers that both wait for the other go on.
 * Failures: no signature, a version before 2.0 (or 2.0 where security is asked for, because a
 * downgrade would be a way around it), another mechanism, a bad identity or socket type. */
#include "wire/greeting.h"

#include "base/check.h"
#include "base/frame.h"
#include "wire/mechanism.h"

#include <greenmq/zmq.h>

enum step { SIGNATURE, VERSION, REST, V2_TYPE, V2_IDENTITY };

enum {
    SIGNATURE_SIZE = 10,
    MECHANISM_SIZE = 20,
    FILLER_SIZE = 31,
    REST_SIZE = 1 + MECHANISM_SIZE + 1 + FILLER_SIZE,
    OUR_MAJOR = 3,
    OUR_MINOR = 1,
    V2_MAJOR = 1 /* what stands in a 2.0 greeting: 15/ZMTP 2.0, "revision" */
};

void greeting_start(struct session *session)
{
    /* To a ZMTP 1.0 peer it is the header of our identity: escape, length, flags. */
    uint8_t signature[SIGNATURE_SIZE] = {[0] = 0xFF, [9] = 0x7F};
    uint64_t length = htobe64(session->config->routing_id_size + 1);
    memcpy(signature + 1, &length, sizeof length);
    session->greeting_step = SIGNATURE;
    session_send(session, signature, sizeof signature);
}

/* Judges as much of the signature as is there, octet by octet, so that a wrong peer is told at
 * the first octet that cannot be right. The padding has no meaning (37: MUST NOT). */
static enum session_error signature_judge(const uint8_t *data, size_t size)
{
    if (size >= 1 && data[0] != 0xFF) {
        /* A ZMTP 1.0 peer begins with the frame of its identity: length (not 0), flags (0). */
        if (data[0] == 0)
            return SESSION_NOT_ZMTP;
        if (size == 1)
            return SESSION_OK;
        return data[1] == 0 ? SESSION_OLD_VERSION : SESSION_NOT_ZMTP;
    }
    /* Or, with a long identity, FF, eight octets of length, and flags: there bit 0 is clear. */
    if (size >= 10 && !(data[9] & 1))
        return data[9] == 0 ? SESSION_OLD_VERSION : SESSION_NOT_ZMTP;
    return SESSION_OK;
}

static void mechanism_pad(const struct session *session, uint8_t padded[MECHANISM_SIZE])
{
    const char *name = session->config->mechanism->name;
    size_t length = strlen(name);
    check(length <= MECHANISM_SIZE);
    memset(padded, 0, MECHANISM_SIZE);
    memcpy(padded, name, length);
}

static void rest_send(struct session *session)
{
    uint8_t rest[REST_SIZE] = {OUR_MINOR};
    mechanism_pad(session, rest + 1);
    rest[1 + MECHANISM_SIZE] = session->config->as_server;
    session_send(session, rest, sizeof rest);
}

/* 15/ZMTP 2.0 has no numbers for XPUB and XSUB, which speak as PUB and SUB there. */
static uint8_t v2_type(int socket_type)
{
    if (socket_type == ZMQ_XPUB)
        return ZMQ_PUB;
    if (socket_type == ZMQ_XSUB)
        return ZMQ_SUB;
    return (uint8_t)socket_type;
}

static void v2_send(struct session *session)
{
    const struct session_config *config = session->config;
    size_t size = metadata_own_identity(config);
    const uint8_t head[] = {v2_type(config->socket_type), 0, (uint8_t)size};
    session_send(session, head, sizeof head);
    session_send(session, config->routing_id, size);
}

static size_t signature_input(struct session *session, const uint8_t *data, size_t size)
{
    enum session_error error = signature_judge(data, size);
    if (error) {
        session_fail(session, error);
        return 0;
    }
    if (size < SIGNATURE_SIZE)
        return 0;
    static const uint8_t major = OUR_MAJOR;
    session->greeting_step = VERSION;
    session_send(session, &major, sizeof major);
    return SIGNATURE_SIZE;
}

static size_t version_input(struct session *session, const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint8_t major = data[0];
    if (major >= OUR_MAJOR) {
        session->major = OUR_MAJOR;
        /* A later version is to speak ours (37: MUST accept): it will say what minor it likes. */
        session->minor = major > OUR_MAJOR ? OUR_MINOR : 0;
        session->greeting_step = REST;
        rest_send(session);
        return 1;
    }
    /* 2 was never given to a version. */
    if (major != V2_MAJOR || session->config->mechanism != &mechanism_null) {
        session_fail(session, SESSION_OLD_VERSION);
        return 0;
    }
    session->major = 2;
    session->greeting_step = V2_TYPE;
    v2_send(session);
    return 1;
}

/* The as-server octet is not looked at: libzmq sends 0 whatever it is. Nor is the filler. */
static size_t rest_input(struct session *session, const uint8_t *data, size_t size)
{
    if (size < REST_SIZE)
        return 0;
    if (data[0] >= OUR_MINOR)
        session->minor = OUR_MINOR;
    uint8_t ours[MECHANISM_SIZE];
    mechanism_pad(session, ours);
    if (memcmp(data + 1, ours, MECHANISM_SIZE) != 0) {
        session_fail(session, SESSION_MECHANISM);
        return 0;
    }
    session_handshake(session);
    return REST_SIZE;
}

static size_t v2_type_input(struct session *session, const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] > ZMQ_XSUB) {
        session_fail(session, SESSION_NO_SOCKET_TYPE);
        return 0;
    }
    if (!session_types_match(session->config->socket_type, data[0])) {
        session_fail(session, SESSION_WRONG_SOCKET_TYPE);
        return 0;
    }
    session->peer_socket_type = data[0];
    session->greeting_step = V2_IDENTITY;
    return 1;
}

static size_t v2_identity_input(struct session *session, const uint8_t *data, size_t size)
{
    struct frame frame;
    enum session_error error = SESSION_OK;
    if (size >= 1 && (data[0] & ~FRAME_LONG))
        error = SESSION_BAD_FRAME;
    else if (!frame_header_read(data, size, &frame))
        return 0;
    else if (frame.size > SESSION_ROUTING_ID_MAX)
        error = SESSION_BAD_METADATA;
    else if (frame.size > size - frame.header)
        return 0;
    else
        error = metadata_take_identity(session, frame.body, frame.size);
    if (error) {
        session_fail(session, error);
        return 0;
    }
    session_ready(session);
    return frame.header + frame.size;
}

size_t greeting_input(struct session *session, const uint8_t *data, size_t size)
{
    switch ((enum step)session->greeting_step) {
    case SIGNATURE: return signature_input(session, data, size);
    case VERSION: return version_input(session, data, size);
    case REST: return rest_input(session, data, size);
    case V2_TYPE: return v2_type_input(session, data, size);
    case V2_IDENTITY: return v2_identity_input(session, data, size);
    }
    return 0;
}
