/* SPDX-License-Identifier: MIT */
/* Keys of CURVE: see curve.h. The only file that knows libsodium, which does the mathematics and
 * asks the system for random numbers. */
#include "wire/curve.h"

#include <errno.h>
#include <sodium.h>
#include <stdatomic.h>

_Static_assert(CURVE_KEY_SIZE == crypto_box_PUBLICKEYBYTES, "a public key");
_Static_assert(CURVE_KEY_SIZE == crypto_box_SECRETKEYBYTES, "a secret key");

/* May be called by any number of threads and times. The library is asked once only: it has a lock
 * that another thread might hold at the time of a fork(). */
static int start(void)
{
    static atomic_bool started;
    if (!atomic_load(&started))
        atomic_store(&started, sodium_init() >= 0);
    return atomic_load(&started) ? 0 : -ENOTSUP;
}

int curve_keypair(uint8_t *public_key, uint8_t *secret_key)
{
    int rc = start();
    if (rc == 0)
        crypto_box_keypair(public_key, secret_key);
    return rc;
}

int curve_public(uint8_t *public_key, const uint8_t *secret_key)
{
    int rc = start();
    if (rc == 0)
        crypto_scalarmult_base(public_key, secret_key);
    return rc;
}
