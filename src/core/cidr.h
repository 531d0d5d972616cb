/* SPDX-License-Identifier: MIT */
/* A network as ZMQ_TCP_ACCEPT_FILTER takes it: an address, and how many of its leading bits an
 * address must share to be inside. Pure; options keep them and listeners ask them. */
#ifndef GREENMQ_CORE_CIDR_H
#define GREENMQ_CORE_CIDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

struct cidr {
    uint8_t address[16]; /* IPv6, or IPv4 mapped into it */
    uint8_t bits;        /* of the 128 */
};

/* Parses ADDRESS or ADDRESS/BITS, `size` octets at `text`. IPv6 addresses, plain or in brackets,
 * only if `ipv6`. -EINVAL: it is none. */
int cidr_parse(struct cidr *cidr, const char *text, size_t size, bool ipv6);

/* Whether the address of a peer is inside; an IPv4 one also when it is mapped into IPv6. */
bool cidr_has(const struct cidr *cidr, const struct sockaddr *address);

#endif
