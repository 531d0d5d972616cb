/* SPDX-License-Identifier: MIT */
/* Commands (37/ZMTP 3.1 "Commands", "Connection Heartbeating", "The ERROR command",
 * "Publish-Subscribe"): see command.h.
 *
 *      name size (1 octet, not 0) | name | data
 *      PING       ttl (2 octets, tenths of a second) | context (16 octets of it count)
 *      PONG       context
 *      SUBSCRIBE  prefix                 CANCEL  prefix
 *      ERROR      reason size (1 octet) | reason
 *
 * Called by the session during the handshake and by the stream after it. */
#include "wire/command.h"

#include "base/check.h"
#include "base/frame.h"

enum { TTL_SIZE = 2 };

static const struct {
    const char *text;
    enum command_name name;
} names[] = {
    {"PING", COMMAND_PING},     {"PONG", COMMAND_PONG},   {"SUBSCRIBE", COMMAND_SUBSCRIBE},
    {"CANCEL", COMMAND_CANCEL}, {"ERROR", COMMAND_ERROR},
};

/* Does the frame hold a name? 37: 1 to 255 octets; it must not reach past the frame. */
static bool has_name(const uint8_t *body, size_t size)
{
    return size >= 1 && body[0] != 0 && body[0] <= size - 1;
}

const uint8_t *command_data(const uint8_t *body, size_t size, const char *name, size_t *data_size)
{
    size_t length = strlen(name);
    if (!has_name(body, size) || body[0] != length || memcmp(body + 1, name, length) != 0)
        return NULL;
    *data_size = size - 1 - length;
    return body + 1 + length;
}

/* Reads a PING's time to live and leaves the context. */
static void read_ttl(struct command *command)
{
    if (command->size < TTL_SIZE) {
        command->name = COMMAND_BAD;
        return;
    }
    command->ttl_ds = (uint16_t)(command->data[0] << 8 | command->data[1]);
    command->data += TTL_SIZE;
    command->size -= TTL_SIZE;
}

/* Takes off the octet that says how long the reason is; it is to be the whole rest. */
static void read_reason(struct command *command)
{
    if (command->size < 1 || command->data[0] != command->size - 1) {
        command->name = COMMAND_BAD;
        return;
    }
    command->data++;
    command->size--;
}

void command_read(struct command *command, const uint8_t *body, size_t size)
{
    *command = (struct command){.name = has_name(body, size) ? COMMAND_UNKNOWN : COMMAND_BAD};
    if (command->name == COMMAND_BAD)
        return;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        command->data = command_data(body, size, names[i].text, &command->size);
        if (command->data) {
            command->name = names[i].name;
            break;
        }
    }
    if (command->name == COMMAND_PING)
        read_ttl(command);
    else if (command->name == COMMAND_ERROR)
        read_reason(command);
    /* A longer context is cut off, as in libzmq: the connection does not suffer for it. */
    bool has_context = command->name == COMMAND_PING || command->name == COMMAND_PONG;
    if (has_context && command->size > COMMAND_CONTEXT_MAX)
        command->size = COMMAND_CONTEXT_MAX;
}

/* Frame header and name of a command with `size` octets of data. */
static size_t head_write(uint8_t *at, const char *name, size_t size)
{
    size_t length = strlen(name);
    size_t header = frame_header_write(at, FRAME_COMMAND, 1 + length + size);
    at[header] = (uint8_t)length;
    memcpy(at + header + 1, name, length);
    return header + 1 + length;
}

static size_t context_write(uint8_t *at, const void *context, size_t size)
{
    check(size <= COMMAND_CONTEXT_MAX);
    if (size)
        memcpy(at, context, size);
    return size;
}

size_t command_write_ping(uint8_t *at, uint16_t ttl_ds, const void *context, size_t size)
{
    size_t head = head_write(at, "PING", TTL_SIZE + size);
    at[head] = (uint8_t)(ttl_ds >> 8);
    at[head + 1] = (uint8_t)ttl_ds;
    return head + TTL_SIZE + context_write(at + head + TTL_SIZE, context, size);
}

size_t command_write_pong(uint8_t *at, const void *context, size_t size)
{
    size_t head = head_write(at, "PONG", size);
    return head + context_write(at + head, context, size);
}

size_t command_write_subscribe(uint8_t *at, bool subscribe, size_t size)
{
    return head_write(at, subscribe ? "SUBSCRIBE" : "CANCEL", size);
}
