/* SPDX-License-Identifier: MIT */
/* The keys of CURVE (26/CURVEZMQ): points and numbers of Curve25519, 32 octets each. */
#ifndef GREENMQ_WIRE_CURVE_H
#define GREENMQ_WIRE_CURVE_H

#include <stdint.h>

enum { CURVE_KEY_SIZE = 32, CURVE_KEY_TEXT = 40 /* characters of a key in Z85 */ };

/* Makes a new pair of keys. 0, or -ENOTSUP: the system gives no random numbers. */
int curve_keypair(uint8_t *public_key, uint8_t *secret_key);

/* The public key that belongs to a secret one. 0, or -ENOTSUP as above. */
int curve_public(uint8_t *public_key, const uint8_t *secret_key);

#endif
