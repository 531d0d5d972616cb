/* SPDX-License-Identifier: MIT */
/* Z85: see z85.h. A group of five characters is a number to the base of 85, the highest digit
 * first, and so are the four octets one to the base of 256. Called for keys as socket options and
 * by zmq_z85_encode() and zmq_z85_decode(). */
#include "base/z85.h"

#include <errno.h>
#include <string.h>

enum { BASE = 85, DIGITS = 5, OCTETS = 4 };

static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               ".-:+=^!/*?&<>()[]{}@%$#";

int z85_encode(char *text, const uint8_t *data, size_t size)
{
    if (size % OCTETS)
        return -EINVAL;
    for (; size; size -= OCTETS, data += OCTETS, text += DIGITS) {
        uint32_t value = 0;
        for (int i = 0; i < OCTETS; i++)
            value = value << 8 | data[i];
        for (int i = DIGITS - 1; i >= 0; i--, value /= BASE)
            text[i] = alphabet[value % BASE];
    }
    *text = '\0';
    return 0;
}

int z85_decode(uint8_t *data, const char *text, size_t length)
{
    if (length % DIGITS)
        return -EINVAL;
    for (; length; length -= DIGITS, data += OCTETS) {
        uint64_t value = 0;
        for (int i = 0; i < DIGITS; i++, text++) {
            const char *digit = *text ? strchr(alphabet, *text) : NULL;
            if (!digit)
                return -EINVAL;
            value = value * BASE + (uint64_t)(digit - alphabet);
        }
        if (value > UINT32_MAX)
            return -EINVAL;
        for (int i = OCTETS - 1; i >= 0; i--, value >>= 8)
            data[i] = (uint8_t)value;
    }
    return 0;
}
