/* SPDX-License-Identifier: MIT */
/* Random numbers: see random.h. A sandbox may forbid getrandom(2), and who asks for some bytes must
 * not fail for that: then they are mixed (splitmix64) from the time, the process and a count. */
#include "base/random.h"

#include "base/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static uint64_t mix(uint64_t state)
{
    state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    state = (state ^ (state >> 27)) * 0x94d049bb133111ebu;
    return state ^ (state >> 31);
}

static void make_up(uint8_t *at, size_t size)
{
    static atomic_uint_fast64_t calls;
    uint64_t state = clock_ns() ^ ((uint64_t)getpid() << 32);
    while (size) {
        size_t part = size < sizeof state ? size : sizeof state;
        state = mix(state + 0x9e3779b97f4a7c15u * (atomic_fetch_add(&calls, 1) + 1));
        memcpy(at, &state, part);
        at += part;
        size -= part;
    }
}

void random_fill(void *memory, size_t size)
{
    uint8_t *at = memory;
    while (size) {
        ssize_t n = getrandom(at, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            make_up(at, size);
            return;
        }
        at += n;
        size -= (size_t)n;
    }
}
