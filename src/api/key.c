/* SPDX-License-Identifier: MIT */
/* Keys of the public API: CURVE keys, and Z85, the text in which they are written. The secret key
 * is wiped from the stack before a call returns. */
#include "api/enter.h"
#include "base/z85.h"
#include "wire/curve.h"

#include <greenmq/zmq.h>
#include <string.h>

char *zmq_z85_encode(char *dest, const uint8_t *data, size_t size)
{
    int rc = !dest || (!data && size) ? -EINVAL : z85_encode(dest, data, size);
    return answer(rc) < 0 ? NULL : dest;
}

uint8_t *zmq_z85_decode(uint8_t *dest, const char *string)
{
    size_t length = string ? strlen(string) : 0;
    int rc = !dest || length == 0 ? -EINVAL : z85_decode(dest, string, length);
    return answer(rc) < 0 ? NULL : dest;
}

int zmq_curve_keypair(char *z85_public_key, char *z85_secret_key)
{
    uint8_t public_key[CURVE_KEY_SIZE], secret_key[CURVE_KEY_SIZE];
    if (!z85_public_key || !z85_secret_key)
        return answer(-EINVAL);
    int rc = curve_keypair(public_key, secret_key);
    if (rc < 0)
        return answer(rc);
    z85_encode(z85_public_key, public_key, sizeof public_key);
    z85_encode(z85_secret_key, secret_key, sizeof secret_key);
    explicit_bzero(secret_key, sizeof secret_key);
    return 0;
}

int zmq_curve_public(char *z85_public_key, const char *z85_secret_key)
{
    uint8_t public_key[CURVE_KEY_SIZE], secret_key[CURVE_KEY_SIZE];
    if (!z85_public_key || !z85_secret_key || strlen(z85_secret_key) != CURVE_KEY_TEXT)
        return answer(-EINVAL);
    int rc = z85_decode(secret_key, z85_secret_key, CURVE_KEY_TEXT);
    if (rc == 0)
        rc = curve_public(public_key, secret_key);
    explicit_bzero(secret_key, sizeof secret_key);
    if (rc == 0)
        z85_encode(z85_public_key, public_key, sizeof public_key);
    return answer(rc);
}
