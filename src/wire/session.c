/* SPDX-License-Identifier: MIT */
/* Sessions: see session.h. Here are the states and the framing of the handshake; the greeting
 * is greeting.c, what a handshake says is its mechanism's file.
 *
 * Happy path: session_init() queues a signature; greetings cross; the mechanism is started and
 * is handed the peer's commands until it calls session_ready().
 * Failures: whoever finds one calls session_fail(), and nothing is read any more. Each octet is
 * judged as soon as it is there and in the order of the wire, so how the octets are cut never
 * changes the result.
 * Called by the transports' stream. */
#include "wire/session.h"

#include "base/check.h"
#include "base/frame.h"
#include "wire/command.h"
#include "wire/greeting.h"
#include "wire/mechanism.h"

#include <greenmq/zmq.h>

#define BIT(type) (1u << (type))

/* Who speaks with whom (37/ZMTP 3.1, "Socket-Type"; 28, 29, 30, 31). */
static const unsigned partners[] = {
    [ZMQ_PAIR] = BIT(ZMQ_PAIR),
    [ZMQ_PUB] = BIT(ZMQ_SUB) | BIT(ZMQ_XSUB),
    [ZMQ_SUB] = BIT(ZMQ_PUB) | BIT(ZMQ_XPUB),
    [ZMQ_REQ] = BIT(ZMQ_REP) | BIT(ZMQ_ROUTER),
    [ZMQ_REP] = BIT(ZMQ_REQ) | BIT(ZMQ_DEALER),
    [ZMQ_DEALER] = BIT(ZMQ_REP) | BIT(ZMQ_DEALER) | BIT(ZMQ_ROUTER),
    [ZMQ_ROUTER] = BIT(ZMQ_REQ) | BIT(ZMQ_DEALER) | BIT(ZMQ_ROUTER),
    [ZMQ_PULL] = BIT(ZMQ_PUSH),
    [ZMQ_PUSH] = BIT(ZMQ_PULL),
    [ZMQ_XPUB] = BIT(ZMQ_SUB) | BIT(ZMQ_XSUB),
    [ZMQ_XSUB] = BIT(ZMQ_PUB) | BIT(ZMQ_XPUB),
};

static const char *const error_texts[] = {
    [SESSION_OK] = "no error",
    [SESSION_NOT_ZMTP] = "the peer does not speak ZMTP",
    [SESSION_OLD_VERSION] = "the peer speaks a version of ZMTP that is too old",
    [SESSION_MECHANISM] = "the peer uses another security mechanism",
    [SESSION_BAD_FRAME] = "the peer sent a frame that is not allowed in a handshake",
    [SESSION_TOO_LARGE] = "the peer sent a handshake command that is too large",
    [SESSION_BAD_COMMAND] = "the peer sent a handshake command that is malformed or out of turn",
    [SESSION_BAD_ERROR] = "the peer sent a malformed ERROR command",
    [SESSION_BAD_METADATA] = "the peer sent malformed properties or a bad routing id",
    [SESSION_NO_SOCKET_TYPE] = "the peer named no socket type, or an unknown one",
    [SESSION_WRONG_SOCKET_TYPE] = "the peer's socket type does not go with ours",
    [SESSION_REFUSED] = "the peer refused the connection",
};

/* What is not here breaks the connection without a word to the monitor. */
static const uint32_t protocol_errors[] = {
    [SESSION_MECHANISM] = ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH,
    [SESSION_BAD_FRAME] = ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND,
    [SESSION_TOO_LARGE] = ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED,
    [SESSION_BAD_COMMAND] = ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND,
    [SESSION_BAD_ERROR] = ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR,
    [SESSION_REFUSED] = 0,
};

bool session_types_match(int ours, int peers)
{
    int types = sizeof partners / sizeof *partners;
    if (ours < 0 || ours >= types || peers < 0 || peers >= types)
        return false;
    return partners[ours] & BIT(peers);
}

const char *session_error_text(enum session_error error)
{
    return error_texts[error];
}

uint32_t session_protocol_error(enum session_error error)
{
    return protocol_errors[error];
}

uint32_t session_auth_status(const struct session *session)
{
    const char *reason = session->peer_reason;
    if (session->error != SESSION_REFUSED || reason[0] < '3' || reason[0] > '5' ||
        reason[1] != '0' || reason[2] != '0')
        return 0;
    return (uint32_t)(reason[0] - '0') * 100;
}

void session_init(struct session *session, const struct session_config *config)
{
    check(config->socket_type >= ZMQ_PAIR && config->socket_type <= ZMQ_XSUB);
    check(config->routing_id_size <= SESSION_ROUTING_ID_MAX);
    *session = (struct session){.config = config, .state = SESSION_GREETING};
    greeting_start(session);
}

size_t session_output(struct session *session, uint8_t *out)
{
    size_t size = session->pending_size;
    memcpy(out, session->pending, size);
    session->pending_size = 0;
    return size;
}

/* Room is certain: between two calls of session_output() a session sends at most its greeting,
 * what its mechanism answers, and an ERROR. */
void session_send(struct session *session, const void *data, size_t size)
{
    check(size <= SESSION_OUTPUT_MAX - (size_t)session->pending_size);
    if (size)
        memcpy(session->pending + session->pending_size, data, size);
    session->pending_size += (uint16_t)size;
}

void session_send_command(struct session *session, const char *name, const uint8_t *data,
                          size_t size)
{
    uint8_t head[FRAME_LONG_HEADER + 1];
    size_t length = strlen(name);
    size_t header = frame_header_write(head, FRAME_COMMAND, 1 + length + size);
    head[header] = (uint8_t)length;
    session_send(session, head, header + 1);
    session_send(session, name, length);
    session_send(session, data, size);
}

void session_handshake(struct session *session)
{
    check(session->state == SESSION_GREETING);
    session->state = SESSION_HANDSHAKE;
    session->config->mechanism->start(session);
}

void session_ready(struct session *session)
{
    check(session->state == SESSION_GREETING || session->state == SESSION_HANDSHAKE);
    session->state = SESSION_READY;
}

void session_fail(struct session *session, enum session_error error)
{
    check(session->state == SESSION_GREETING || session->state == SESSION_HANDSHAKE);
    bool in_handshake = session->state == SESSION_HANDSHAKE;
    session->state = SESSION_FAILED;
    session->error = error;
    /* A peer that is told so does not come again (37, "ERROR"); one just cut off would. */
    static const char reason[] = "\x13Invalid socket type";
    bool of_type = error == SESSION_WRONG_SOCKET_TYPE || error == SESSION_NO_SOCKET_TYPE;
    if (in_handshake && of_type)
        session_send_command(session, "ERROR", (const uint8_t *)reason, sizeof reason - 1);
}

/* The reason goes to people's terminals and logs, so nothing in it may be more than text. */
static void refused(struct session *session, const struct command *error)
{
    size_t size = error->size;
    for (size_t i = 0; i < size; i++) {
        uint8_t octet = error->data[i];
        session->peer_reason[i] = octet >= ' ' && octet <= '~' ? (char)octet : '?';
    }
    session->peer_reason[size] = '\0';
    session_fail(session, SESSION_REFUSED);
}

static void on_command(struct session *session, const uint8_t *body, size_t size)
{
    struct command command;
    size_t rest;
    command_read(&command, body, size);
    if (command.name == COMMAND_BAD)
        session_fail(session, command_data(body, size, "ERROR", &rest) ? SESSION_BAD_ERROR
                                                                       : SESSION_BAD_COMMAND);
    else if (command.name == COMMAND_ERROR)
        refused(session, &command);
    else
        session->config->mechanism->command(session, body, size);
}

static size_t handshake_input(struct session *session, const uint8_t *data, size_t size)
{
    struct frame frame;
    if (size >= 1 && (data[0] & ~FRAME_LONG) != FRAME_COMMAND) {
        session_fail(session, SESSION_BAD_FRAME);
        return 0;
    }
    if (!frame_header_read(data, size, &frame))
        return 0;
    if (frame.size > SESSION_COMMAND_MAX) {
        session_fail(session, SESSION_TOO_LARGE);
        return 0;
    }
    if (frame.size > size - frame.header)
        return 0;
    on_command(session, frame.body, frame.size);
    return frame.header + frame.size;
}

size_t session_input(struct session *session, const uint8_t *data, size_t size)
{
    size_t left = size;
    while (session->state == SESSION_GREETING || session->state == SESSION_HANDSHAKE) {
        size_t used = session->state == SESSION_GREETING ? greeting_input(session, data, left)
                                                         : handshake_input(session, data, left);
        if (!used)
            break;
        data += used;
        left -= used;
    }
    return size - left;
}
