/* SPDX-License-Identifier: MIT */
/* Gives a SOCKS5 client arbitrary octets of a proxy, once whole and once in arbitrary cuts: both
 * must come to the same end, after the same octets, having said the same.
 *
 *      input:  flags | cuts | octets of the proxy
 *
 * `flags`: bit 0 gives us a login; bits 1-2 choose the type of the target. */
#include <string.h>

#include "base/check.h"
#include "wire/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_SIZE = 2, SAID_MAX = 3 * SOCKS_OUTPUT_MAX };

struct outcome {
    struct socks socks;
    size_t used, said_size;
    uint8_t said[SAID_MAX];
};

static void take_output(struct outcome *outcome)
{
    uint8_t out[SOCKS_OUTPUT_MAX];
    size_t size = socks_output(&outcome->socks, out);
    check(size <= SAID_MAX - outcome->said_size);
    memcpy(outcome->said + outcome->said_size, out, size);
    outcome->said_size += size;
}

static void run(struct outcome *outcome, uint8_t flags, const uint8_t *data, size_t size,
                uint32_t cuts)
{
    static const struct {
        enum socks_host type;
        struct socks_text host;
    } targets[] = {{SOCKS_IPV4, {"\x7f\0\0\1", 4}},
                   {SOCKS_IPV6, {"0123456789abcdef", 16}},
                   {SOCKS_NAME, {"a.host", 6}},
                   {SOCKS_NAME, {"h", 1}}};
    struct socks_text user = {"user", flags & 1 ? 4 : 0}, password = {"password", 8};
    size_t target = flags >> 1 & 3;
    uint32_t seed = cuts;
    outcome->used = outcome->said_size = 0;
    socks_init(&outcome->socks, targets[target].type, targets[target].host, 5555, user, password);
    take_output(outcome);
    while (outcome->used < size) {
        size_t room, n = size - outcome->used;
        uint8_t *at = socks_room(&outcome->socks, &room);
        check(room || outcome->socks.state >= SOCKS_READY);
        if (!room)
            break;
        seed = seed * 1664525 + 1013904223;
        size_t cut = cuts ? 1 + (seed >> 16) % 5 : n;
        n = n < room ? n : room;
        n = n < cut ? n : cut;
        memcpy(at, data + outcome->used, n);
        outcome->used += n;
        socks_input(&outcome->socks, n);
        take_output(outcome);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, cut;
    if (size < HEAD_SIZE)
        return 0;
    run(&whole, data[0], data + HEAD_SIZE, size - HEAD_SIZE, 0);
    run(&cut, data[0], data + HEAD_SIZE, size - HEAD_SIZE, 1u + data[1]);
    check(whole.socks.state == cut.socks.state && whole.socks.error == cut.socks.error);
    check(whole.used == cut.used && whole.said_size == cut.said_size);
    check(memcmp(whole.said, cut.said, whole.said_size) == 0);
    check((whole.socks.state == SOCKS_FAILED) == (whole.socks.error != NULL));
    return 0;
}
