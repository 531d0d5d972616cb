/* SPDX-License-Identifier: MIT */
/* How a connection asks a SOCKS5 proxy to go on to its target (RFC 1928), with a user's name and
 * password if there is one (RFC 1929). Pure code: octets in, octets out.
 *
 *   METHOD ──> (AUTH) ──> REPLY ──> READY
 *       any ──> FAILED, with `error` saying why
 *
 * What follows the proxy's last octet is the target's. So a caller reads no more than socks_room()
 * asks for, and nothing is left over. */
#ifndef GREENMQ_WIRE_SOCKS_H
#define GREENMQ_WIRE_SOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SOCKS_NAME_MAX = 255,                      /* octets of a host's or user's name, or password */
    SOCKS_OUTPUT_MAX = 3 + 2 * SOCKS_NAME_MAX, /* the longest that is sent at once */
    SOCKS_INPUT_MAX = 7 + SOCKS_NAME_MAX       /* ... and received */
};

enum socks_host { SOCKS_IPV4 = 1, SOCKS_NAME = 3, SOCKS_IPV6 = 4 }; /* ATYP */

enum socks_state { SOCKS_METHOD, SOCKS_AUTH, SOCKS_REPLY, SOCKS_READY, SOCKS_FAILED };

struct socks {
    enum socks_state state;
    const char *error; /* of FAILED: one plain sentence, a constant */
    /* Inside: what is sent later, and how far the input is. */
    uint8_t request[SOCKS_INPUT_MAX];
    uint8_t login[SOCKS_OUTPUT_MAX]; /* empty for none */
    uint16_t request_size, login_size;
    uint8_t output[SOCKS_OUTPUT_MAX];
    uint16_t output_size;
    uint8_t input[SOCKS_INPUT_MAX];
    uint16_t have, want;
};

/* A text of at most SOCKS_NAME_MAX octets; none has size 0. */
struct socks_text {
    const void *data;
    size_t size;
};

/* Begins. `host` is 4, 16 or 1 to SOCKS_NAME_MAX octets, as `type` says. A user without a name has
 * no login. */
void socks_init(struct socks *socks, enum socks_host type, struct socks_text host, uint16_t port,
                struct socks_text user, struct socks_text password);

/* Moves what is to be sent now to `out`, which has room for SOCKS_OUTPUT_MAX; returns how many
 * octets. */
size_t socks_output(struct socks *socks, uint8_t *out);

/* Where the next octets of the proxy go: at most *size, which is not 0 before READY or FAILED. */
uint8_t *socks_room(struct socks *socks, size_t *size);

/* So many octets have been put there. */
void socks_input(struct socks *socks, size_t size);

#endif
