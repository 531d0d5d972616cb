/* SPDX-License-Identifier: MIT */
/* Networks: see cidr.h. Both families are kept as IPv6, IPv4 mapped into it (RFC 4291, 2.5.5.2),
 * so that one comparison serves an IPv4 peer of an IPv4 and of a dual-stack listener.
 *
 * Happy path: "10.0.0.0/8" -> ::ffff:10.0.0.0, 104 bits -> cidr_has(10.1.2.3) is true.
 * Failure: a name, an interface, or a bad number of bits is -EINVAL. Called by option.c for each
 * filter that is set and by listeners for each connection. */
#include "core/cidr.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { TEXT_MAX = 255, MAPPED_BITS = 96 };

/* The 16 octets of an address; false for families other than the two. */
static bool to_ipv6(uint8_t octets[16], const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
        memcpy(octets, prefix, sizeof(prefix));
        memcpy(octets + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        memcpy(octets, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
        return true;
    }
    return false;
}

/* Bits as libzmq reads them: "0", or what atoi finds if that is from 1 to `max`. -1: neither. */
static int parse_bits(const char *text, int max)
{
    long bits = strtol(text, NULL, 10);
    if (bits >= 1 && bits <= max)
        return (int)bits;
    return strcmp(text, "0") == 0 ? 0 : -1;
}

static int parse_address(struct cidr *cidr, char *text, bool ipv6, int *family)
{
    size_t length = strlen(text);
    if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
        text[length - 1] = '\0';
        text++;
    }
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_family = ipv6 ? AF_UNSPEC : AF_INET};
    struct addrinfo *found;
    if (getaddrinfo(text, NULL, &hints, &found) != 0)
        return -EINVAL;
    *family = found->ai_family;
    to_ipv6(cidr->address, found->ai_addr);
    freeaddrinfo(found);
    return 0;
}

int cidr_parse(struct cidr *cidr, const char *text, size_t size, bool ipv6)
{
    char copy[TEXT_MAX + 1];
    if (size == 0 || size > TEXT_MAX)
        return -EINVAL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    char *slash = strrchr(copy, '/');
    if (slash)
        *slash = '\0';
    int family;
    if (parse_address(cidr, copy, ipv6, &family) < 0)
        return -EINVAL;
    int max = family == AF_INET ? 32 : 128;
    int bits = slash ? parse_bits(slash + 1, max) : max;
    if (bits < 0)
        return -EINVAL;
    cidr->bits = (uint8_t)(family == AF_INET ? MAPPED_BITS + bits : bits);
    return 0;
}

bool cidr_has(const struct cidr *cidr, const struct sockaddr *address)
{
    uint8_t octets[16];
    if (!to_ipv6(octets, address))
        return false;
    size_t whole = cidr->bits / 8;
    if (memcmp(octets, cidr->address, whole) != 0)
        return false;
    unsigned rest = cidr->bits % 8;
    return rest == 0 || (octets[whole] ^ cidr->address[whole]) >> (8 - rest) == 0;
}
