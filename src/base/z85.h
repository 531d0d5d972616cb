/* SPDX-License-Identifier: MIT */
/* Z85: octets as text (32/Z85). Four octets are five characters. */
#ifndef GREENMQ_BASE_Z85_H
#define GREENMQ_BASE_Z85_H

#include <stddef.h>
#include <stdint.h>

/* Writes `size` octets as size / 4 * 5 characters and a NUL. 0, or -EINVAL when the size is no
 * multiple of 4. */
int z85_encode(char *text, const uint8_t *data, size_t size);

/* Reads `length` characters into length / 5 * 4 octets. 0, or -EINVAL when the length is no
 * multiple of 5, a character does not belong, or five of them are more than 32 bits. What was
 * written before that is found stays written. */
int z85_decode(uint8_t *data, const char *text, size_t length);

#endif
