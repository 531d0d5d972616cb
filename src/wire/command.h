/* SPDX-License-Identifier: MIT */
/* The commands of 37/ZMTP 3.1 that may come after the handshake: read and written as octets. */
#ifndef GREENMQ_WIRE_COMMAND_H
#define GREENMQ_WIRE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COMMAND_CONTEXT_MAX = 16, /* octets of a PING's context */
    COMMAND_NAME_MAX = 255,
    COMMAND_PING_ROOM = 2 + 5 + 2 + COMMAND_CONTEXT_MAX,
    COMMAND_HEAD_ROOM = 9 + 10 /* frame header and name of SUBSCRIBE or CANCEL */
};

enum command_name {
    COMMAND_UNKNOWN, /* well-formed, to be ignored */
    COMMAND_PING,
    COMMAND_PONG,
    COMMAND_SUBSCRIBE,
    COMMAND_CANCEL,
    COMMAND_ERROR,
    COMMAND_BAD /* the name does not fit the frame, or the data breaks the command's grammar */
};

struct command {
    enum command_name name;
    uint16_t ttl_ds;     /* PING: tenths of a second, 0 for none */
    const uint8_t *data; /* PING, PONG: the context, cut off at COMMAND_CONTEXT_MAX;
                            SUBSCRIBE, CANCEL: the prefix; ERROR: reason */
    size_t size;
};

/* Reads the body of a command frame. `data` points into it. */
void command_read(struct command *command, const uint8_t *body, size_t size);

/* The data of a command, and how many octets it has, if its name is `name`; else NULL. */
const uint8_t *command_data(const uint8_t *body, size_t size, const char *name, size_t *data_size);

/* Writers: whole frames into `at`; they return the octets written. Context at most
 * COMMAND_CONTEXT_MAX octets. */
size_t command_write_ping(uint8_t *at, uint16_t ttl_ds, const void *context, size_t size);
size_t command_write_pong(uint8_t *at, const void *context, size_t size);

/* Writes frame header and name of SUBSCRIBE (CANCEL) for a prefix of `size` octets, which the
 * caller sends behind it. Needs COMMAND_HEAD_ROOM. */
size_t command_write_subscribe(uint8_t *at, bool subscribe, size_t size);

#endif
