/* SPDX-License-Identifier: MIT */
/* The greeting (37/ZMTP 3.1 "Version Negotiation" and "Backwards Interoperability"; 13/ZMTP 1.0).
 *
 *      octets     0     1..8      9     10      11     12..31     32         33..63
 *      3.x        FF    padding   7F    major   minor  mechanism  as-server  filler
 *      2.0        FF    padding   7F    1       socket type, identity frame
 *      betas      FF    padding   7F    0       socket type, identity frame of 1.0
 *      1.0        an identity frame, whose length is 01 ... FE, or FF and eight octets
 *
 *   SIGNATURE ──> VERSION ──> REST ─────────────────> handshake
 *       │            └──────> TYPE ──> V2_IDENTITY ──> ready
 *       └──────> V1_IDENTITY <──┘           └───────────^
 *
 * Happy path: we send ten octets at once, our major version when the peer's ten are there, and the
 * rest when its eleventh has told its version. So no peer is sent what it cannot read, and two
 * peers that both wait for the other go on. To a peer of 1.0 our ten octets are the header of an
 * identity, which then must follow, of whatever type the socket is.
 * Failures: no signature, a version before 3.0 where security is asked for (a downgrade would be a
 * way around it), another mechanism, a bad identity or socket type. */
#include "wire/greeting.h"

#include "base/check.h"
#include "base/frame1.h"
#include "wire/mechanism.h"

#include <greenmq/zmq.h>

enum step { SIGNATURE, VERSION, REST, TYPE, V2_IDENTITY, V1_IDENTITY };

enum {
    SIGNATURE_SIZE = 10,
    MECHANISM_SIZE = 20,
    FILLER_SIZE = 31,
    REST_SIZE = 1 + MECHANISM_SIZE + 1 + FILLER_SIZE,
    OUR_MAJOR = 3,
    OUR_MINOR = 1,
    V2_MAJOR = 1,  /* what stands in a 2.0 greeting: 15/ZMTP 2.0, "revision" */
    BETA_MAJOR = 0 /* in one of libzmq 3.1.0, which greeted and went on as in 1.0 */
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

/* What the first octets are. The padding has no meaning (37: MUST NOT). */
enum opening { TOO_SHORT, SIGNED, ZMTP_1, STRANGE };

/* Judges as much of the signature as is there, octet by octet, so that a wrong peer is told at the
 * first octet that cannot be right. A peer of 1.0 begins with the frame of its identity: length
 * (not 0), flags. These say nothing, but are one of two numbers: other protocols have others. */
static enum opening opening_judge(const uint8_t *data, size_t size)
{
    size_t flags = size && data[0] == FRAME1_LONG ? FRAME1_LONG_HEADER - 1 : 1;
    if (size && data[0] == 0)
        return STRANGE;
    if (size <= flags)
        return TOO_SHORT;
    if (data[flags] == 0 || data[flags] == FRAME1_UNUSED)
        return ZMTP_1;
    return data[0] == FRAME1_LONG && data[flags] & 1 ? SIGNED : STRANGE;
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

static void beta_send(struct session *session)
{
    const struct session_config *config = session->config;
    size_t size = metadata_own_identity(config);
    uint8_t head[1 + FRAME1_LONG_HEADER] = {v2_type(config->socket_type)};
    session_send(session, head, 1 + frame1_header_write(head + 1, 0, size));
    session_send(session, config->routing_id, size);
}

/* Nothing that is older than mechanisms will do where one is asked for. */
static bool refuses_old(struct session *session)
{
    if (session->config->mechanism == &mechanism_null)
        return false;
    session_fail(session, SESSION_OLD_VERSION);
    return true;
}

static void v1_begin(struct session *session)
{
    if (refuses_old(session))
        return;
    session->major = 1;
    session->peer_socket_type = -1; /* it does not say */
    session->greeting_step = V1_IDENTITY;
    session_send(session, session->config->routing_id, session->config->routing_id_size);
}

static size_t v1_identity_input(struct session *session, const uint8_t *data, size_t size)
{
    struct frame1_reader reader = {0};
    uint8_t ignored[FRAME1_LONG_HEADER];
    enum session_error error = SESSION_OK;
    size_t header = size && data[0] == FRAME1_LONG ? FRAME1_LONG_HEADER : FRAME1_SHORT_HEADER;
    if (size < header)
        return 0;
    frame1_read(&reader, ignored, data, header);
    size_t id_size = reader.left;
    if (reader.is_broken)
        error = SESSION_BAD_FRAME;
    else if (reader.left > SESSION_ROUTING_ID_MAX)
        error = SESSION_BAD_METADATA;
    else if (id_size > size - header)
        return 0;
    else
        error = metadata_take_identity(session, data + header, id_size);
    if (error) {
        session_fail(session, error);
        return 0;
    }
    session_ready(session);
    return header + id_size;
}

static size_t signature_input(struct session *session, const uint8_t *data, size_t size)
{
    static const uint8_t major = OUR_MAJOR;
    switch (opening_judge(data, size)) {
    case TOO_SHORT: return 0;
    case STRANGE: session_fail(session, SESSION_NOT_ZMTP); return 0;
    case ZMTP_1:
        v1_begin(session);
        return session->state == SESSION_FAILED ? 0 : v1_identity_input(session, data, size);
    case SIGNED: break;
    }
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
    if (refuses_old(session))
        return 0;
    /* 2 was never given to a version. */
    if (major != V2_MAJOR && major != BETA_MAJOR) {
        session_fail(session, SESSION_OLD_VERSION);
        return 0;
    }
    session->major = major == V2_MAJOR ? 2 : 1;
    session->greeting_step = TYPE;
    if (major == V2_MAJOR)
        v2_send(session);
    else
        beta_send(session);
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

static size_t type_input(struct session *session, const uint8_t *data, size_t size)
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
    session->greeting_step = session->major == 2 ? V2_IDENTITY : V1_IDENTITY;
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
    case TYPE: return type_input(session, data, size);
    case V2_IDENTITY: return v2_identity_input(session, data, size);
    case V1_IDENTITY: return v1_identity_input(session, data, size);
    }
    return 0;
}
