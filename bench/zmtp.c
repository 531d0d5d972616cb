/* SPDX-License-Identifier: MIT */
/*
 * zmtp: greeting, READY and frame headers of ZMTP 3.0 as pure functions.
 *
 * Version 3.0 is announced and not 3.1, so that subscriptions travel as messages. Callers:
 * conn.c for the handshake, flow.c and trips.c for frames.
 */
#include "zmtp.h"

#include <string.h>

static const char ready_name[] = "\5READY";
static const char type_name[] = "\13Socket-Type";

void zmtp_put_greeting(uint8_t out[ZMTP_GREETING_BYTES])
{
    memset(out, 0, ZMTP_GREETING_BYTES);
    out[0] = 0xff;
    out[9] = 0x7f;
    out[10] = 3;
    memcpy(out + 12, "NULL", 4);
}

int zmtp_check_greeting(const uint8_t in[ZMTP_GREETING_BYTES])
{
    static const uint8_t mechanism[20] = "NULL";
    if (in[0] != 0xff || in[9] != 0x7f || in[10] < 3)
        return -1;
    return memcmp(in + 12, mechanism, sizeof mechanism) == 0 ? 0 : -1;
}

size_t zmtp_put_ready(uint8_t out[ZMTP_READY_LIMIT_BYTES], const char *socket_type)
{
    size_t type_bytes = strlen(socket_type);
    uint8_t *p = out + 2;
    memcpy(p, ready_name, sizeof ready_name - 1);
    p += sizeof ready_name - 1;
    memcpy(p, type_name, sizeof type_name - 1);
    p += sizeof type_name - 1;
    memset(p, 0, 3);
    p[3] = (uint8_t)type_bytes;
    memcpy(p + 4, socket_type, type_bytes);
    p += 4 + type_bytes;
    out[0] = ZMTP_COMMAND;
    out[1] = (uint8_t)(p - out - 2);
    return (size_t)(p - out);
}

size_t zmtp_put_header(uint8_t out[ZMTP_HEADER_LIMIT_BYTES], uint8_t flags, uint64_t body_bytes)
{
    if (body_bytes <= ZMTP_SHORT_LIMIT_BYTES) {
        out[0] = flags;
        out[1] = (uint8_t)body_bytes;
        return 2;
    }
    out[0] = flags | ZMTP_LONG;
    for (int i = 0; i < 8; i++)
        out[1 + i] = (uint8_t)(body_bytes >> (56 - 8 * i));
    return 9;
}

int zmtp_get_header(const uint8_t *in, size_t size, struct zmtp_frame *frame)
{
    if (size < 2)
        return 0;
    frame->flags = in[0];
    frame->header_bytes = (in[0] & ZMTP_LONG) != 0 ? 9 : 2;
    if (size < frame->header_bytes)
        return 0;
    frame->body_bytes = in[1];
    for (size_t i = 2; i < frame->header_bytes; i++)
        frame->body_bytes = frame->body_bytes << 8 | in[i];
    return 1;
}
