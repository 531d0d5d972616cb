/* SPDX-License-Identifier: MIT */
/* Endpoints: see endpoint.h.
 *
 * Happy path: cut the transport at "://", then tcp at the last ':' into host and port, and see
 * what the host is: "*", an address, or else an interface (bind) or a name (connect).
 * Failure modes are those of endpoint.h; a struct that was not parsed is not to be used. Called
 * by bind and connect, and by dialers and listeners for the address to use. */
#include "transport/endpoint.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A piece of the text that is being parsed. */
struct piece {
    const char *at;
    size_t size;
};

static bool piece_is(struct piece piece, const char *word)
{
    return piece.size == strlen(word) && memcmp(piece.at, word, piece.size) == 0;
}

/* Cuts a piece at its first (`last`: last) `mark`. False, and both untouched, without one. */
static bool cut(struct piece whole, char mark, bool last, struct piece *left, struct piece *right)
{
    if (whole.size == 0)
        return false;
    const char *at = last ? memrchr(whole.at, mark, whole.size)
                          : memchr(whole.at, mark, whole.size);
    if (!at)
        return false;
    size_t size = (size_t)(at - whole.at);
    *left = (struct piece){whole.at, size};
    *right = (struct piece){at + 1, whole.size - size - 1};
    return true;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

/* A host name as libzmq lets it begin, of the characters that can occur in one. */
static bool is_name(struct piece piece)
{
    for (size_t i = 0; i < piece.size; i++)
        if (!is_name_char(piece.at[i]))
            return false;
    return piece.size > 0 && !strchr(".-_", piece.at[0]);
}

/* 0 is written "0" or, where a free port is meant, "*". */
static int parse_port(struct piece piece, bool wildcard, uint16_t *port)
{
    unsigned long value = 0;
    *port = 0;
    if (piece_is(piece, "0") || (wildcard && piece_is(piece, "*")))
        return 0;
    for (size_t i = 0; i < piece.size; i++) {
        if (piece.at[i] < '0' || piece.at[i] > '9')
            return -EINVAL;
        value = value * 10 + (unsigned long)(piece.at[i] - '0');
        if (value > UINT16_MAX)
            return -EINVAL;
    }
    *port = (uint16_t)value;
    return value ? 0 : -EINVAL;
}

static void set_port(union endpoint_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

/* The index of an IPv6 zone, an interface's name or index. 0: there is no such interface. */
static uint32_t zone_index(const char *zone)
{
    uint32_t index = if_nametoindex(zone);
    if (index == 0 && strspn(zone, "0123456789") == strlen(zone) && strlen(zone) < 10)
        index = (uint32_t)strtoul(zone, NULL, 10);
    return index;
}

/* Reads the host's name up to the zone, if it has one, as an address; false if it is none. */
static bool parse_address(struct endpoint_host *host, char *zone)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    if (zone)
        zone[-1] = '\0';
    int rc = getaddrinfo(host->name, NULL, &hints, &found);
    if (zone)
        zone[-1] = '%';
    if (rc != 0)
        return false;
    bool usable = !zone || found->ai_family == AF_INET6;
    if (usable)
        memcpy(&host->address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return usable;
}

/* A zone that names no interface now: when connecting it may by the time of connecting. */
static int parse_unknown_zone(struct endpoint_host *host, const char *zone, bool local)
{
    if (local || !is_name((struct piece){zone, strlen(zone)}))
        return -EINVAL;
    memset(&host->address, 0, sizeof(host->address));
    host->kind = HOST_NAME;
    return 0;
}

/* A host to bind or to connect from (`local`), or one to connect to. */
static int parse_host(struct endpoint_host *host, struct piece piece, bool local)
{
    if (piece.size > 2 && piece.at[0] == '[' && piece.at[piece.size - 1] == ']')
        piece = (struct piece){piece.at + 1, piece.size - 2};
    if (local && piece_is(piece, "*")) {
        host->kind = HOST_ANY;
        return 0;
    }
    if (piece.size == 0 || piece.size > ENDPOINT_HOST_MAX || memchr(piece.at, '[', piece.size) ||
        memchr(piece.at, ']', piece.size))
        return local ? -ENODEV : -EINVAL;
    memcpy(host->name, piece.at, piece.size);

    char *percent = strchr(host->name, '%');
    char *zone = percent ? percent + 1 : NULL;
    if (parse_address(host, zone)) {
        if (zone && (host->address.v6.sin6_scope_id = zone_index(zone)) == 0)
            return parse_unknown_zone(host, zone, local);
        set_port(&host->address, host->port);
        memset(host->name, 0, sizeof(host->name));
        host->kind = HOST_NUMERIC;
        return 0;
    }
    host->kind = local ? HOST_INTERFACE : HOST_NAME;
    return local || is_name(piece) ? 0 : -EINVAL;
}

static int parse_host_and_port(struct endpoint_host *host, struct piece piece, bool local)
{
    struct piece name, port;
    if (!cut(piece, ':', true, &name, &port) || parse_port(port, local, &host->port) < 0)
        return -EINVAL;
    return parse_host(host, name, local);
}

static int parse_tcp(struct endpoint *endpoint, struct piece address, bool bind)
{
    struct piece source, target = address;
    if (cut(address, ';', false, &source, &target)) {
        if (bind || parse_host_and_port(&endpoint->source, source, true) < 0 ||
            endpoint->source.kind == HOST_ANY)
            return -EINVAL;
    }
    return parse_host_and_port(&endpoint->host, target, bind);
}

static int parse_name(struct endpoint *endpoint, struct piece name, size_t limit)
{
    if (name.size == 0)
        return -EINVAL;
    if (name.size > limit)
        return -ENAMETOOLONG;
    memcpy(endpoint->name, name.at, name.size);
    return 0;
}

static int parse_ipc(struct endpoint *endpoint, struct piece address, bool bind)
{
    if (bind && piece_is(address, "*")) {
        endpoint->is_wildcard = true;
        return 0;
    }
    endpoint->is_abstract = address.at[0] == '@';
    if (endpoint->is_abstract)
        return parse_name(endpoint, (struct piece){address.at + 1, address.size - 1},
                          ENDPOINT_PATH_MAX - 1);
    return parse_name(endpoint, address, ENDPOINT_PATH_MAX);
}

/* Cuts the transport off. */
static int parse_transport(const char *text, enum endpoint_transport *transport,
                           struct piece *address)
{
    const char *mark = text ? strstr(text, "://") : NULL;
    if (!mark || mark == text || mark[3] == '\0')
        return -EINVAL;
    struct piece name = {text, (size_t)(mark - text)};
    *address = (struct piece){mark + 3, strlen(mark + 3)};
    if (piece_is(name, "tcp"))
        *transport = ENDPOINT_TCP;
    else if (piece_is(name, "ipc"))
        *transport = ENDPOINT_IPC;
    else if (piece_is(name, "inproc"))
        *transport = ENDPOINT_INPROC;
    else
        return piece_is(name, "udp") ? -ENOCOMPATPROTO : -EPROTONOSUPPORT;
    return 0;
}

int endpoint_check(const char *text)
{
    enum endpoint_transport transport;
    struct piece address;
    return parse_transport(text, &transport, &address);
}

int endpoint_parse(struct endpoint *endpoint, const char *text, bool bind)
{
    struct piece address;
    memset(endpoint, 0, sizeof(*endpoint));
    int rc = parse_transport(text, &endpoint->transport, &address);
    if (rc < 0)
        return rc;
    if (endpoint->transport == ENDPOINT_TCP)
        return parse_tcp(endpoint, address, bind);
    if (endpoint->transport == ENDPOINT_IPC)
        return parse_ipc(endpoint, address, bind);
    endpoint->inproc = address.at;
    return 0;
}

/* ---- and back to text ---- */

static int fits(int written, size_t size)
{
    return written >= 0 && (size_t)written < size ? 0 : -ENAMETOOLONG;
}

enum { HOST_TEXT_MAX = ENDPOINT_HOST_MAX + sizeof("[]:65535") };

static void format_address(const union endpoint_address *address, char text[HOST_TEXT_MAX])
{
    char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
    bool v6 = address->any.sa_family == AF_INET6;
    getnameinfo(&address->any, v6 ? sizeof(address->v6) : sizeof(address->v4), host, sizeof(host),
                port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, HOST_TEXT_MAX, v6 ? "[%.*s]:%s" : "%.*s:%s", ENDPOINT_HOST_MAX, host, port);
}

static void format_host(const struct endpoint_host *host, char text[HOST_TEXT_MAX])
{
    if (host->kind == HOST_NUMERIC)
        format_address(&host->address, text);
    else if (host->kind == HOST_ANY)
        snprintf(text, HOST_TEXT_MAX, "*:%u", host->port);
    else if (host->kind == HOST_NAME && strchr(host->name, ':'))
        snprintf(text, HOST_TEXT_MAX, "[%s]:%u", host->name, host->port);
    else
        snprintf(text, HOST_TEXT_MAX, "%s:%u", host->name, host->port);
}

int endpoint_format(const struct endpoint *endpoint, char *text, size_t size)
{
    char source[HOST_TEXT_MAX] = "", host[HOST_TEXT_MAX];
    switch (endpoint->transport) {
    case ENDPOINT_TCP:
        format_host(&endpoint->host, host);
        if (endpoint->source.kind == HOST_NONE)
            return fits(snprintf(text, size, "tcp://%s", host), size);
        format_host(&endpoint->source, source);
        return fits(snprintf(text, size, "tcp://%s;%s", source, host), size);
    case ENDPOINT_IPC:
        if (endpoint->is_wildcard)
            return fits(snprintf(text, size, "ipc://*"), size);
        return fits(
            snprintf(text, size, "ipc://%s%s", endpoint->is_abstract ? "@" : "", endpoint->name),
            size);
    case ENDPOINT_INPROC: return fits(snprintf(text, size, "inproc://%s", endpoint->inproc), size);
    }
    return -EINVAL;
}

static int format_unix(const struct sockaddr_un *address, socklen_t length, char *text, size_t size)
{
    size_t start = offsetof(struct sockaddr_un, sun_path);
    size_t octets = length > start ? length - start : 0;
    if (octets > sizeof(address->sun_path))
        octets = sizeof(address->sun_path);
    if (octets > 1 && address->sun_path[0] == '\0')
        return fits(snprintf(text, size, "ipc://@%.*s", (int)octets - 1, address->sun_path + 1),
                    size);
    if (octets == 0 || address->sun_path[0] == '\0')
        return -EINVAL;
    return fits(snprintf(text, size, "ipc://%.*s", (int)octets, address->sun_path), size);
}

int endpoint_format_address(const struct sockaddr *address, socklen_t length, char *text,
                            size_t size)
{
    char host[HOST_TEXT_MAX];
    union endpoint_address copy = {0};
    if (address->sa_family == AF_UNIX)
        return format_unix((const struct sockaddr_un *)address, length, text, size);
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return -EINVAL;
    memcpy(&copy, address, length < sizeof(copy) ? length : sizeof(copy));
    format_address(&copy, host);
    return fits(snprintf(text, size, "tcp://%s", host), size);
}

/* ---- addresses to use ---- */

static const struct sockaddr *first_of(const struct ifaddrs *list, const char *name, int family)
{
    for (; list; list = list->ifa_next)
        if (list->ifa_addr && list->ifa_addr->sa_family == family && !strcmp(list->ifa_name, name))
            return list->ifa_addr;
    return NULL;
}

int endpoint_interface(const char *name, bool ipv6, union endpoint_address *address)
{
    struct ifaddrs *list;
    if (getifaddrs(&list) < 0)
        return -errno;
    const struct sockaddr *found = ipv6 ? first_of(list, name, AF_INET6) : NULL;
    if (!found)
        found = first_of(list, name, AF_INET);
    if (found) {
        bool v6 = found->sa_family == AF_INET6;
        memset(address, 0, sizeof(*address));
        memcpy(address, found, v6 ? sizeof(address->v6) : sizeof(address->v4));
        set_port(address, 0);
    }
    freeifaddrs(list);
    return found ? 0 : -ENODEV;
}

/* An IPv4 address that was written as an IPv6 one becomes what it is. */
static int without_ipv6(union endpoint_address *address)
{
    struct sockaddr_in6 v6 = address->v6;
    if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return -ENODEV;
    memset(address, 0, sizeof(*address));
    address->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = v6.sin6_port};
    memcpy(&address->v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
    return 0;
}

/* What a socket that takes both is bound to. */
static void map_to_ipv6(union endpoint_address *address)
{
    struct sockaddr_in v4 = address->v4;
    memset(address, 0, sizeof(*address));
    address->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
    memset(address->v6.sin6_addr.s6_addr + 10, 0xff, 2);
    memcpy(address->v6.sin6_addr.s6_addr + 12, &v4.sin_addr, 4);
}

int endpoint_local(const struct endpoint_host *host, bool ipv6, union endpoint_address *address)
{
    int rc = 0;
    switch (host->kind) {
    case HOST_NUMERIC:
        *address = host->address;
        if (address->any.sa_family == AF_INET6 && !ipv6)
            rc = without_ipv6(address);
        else if (address->any.sa_family == AF_INET && ipv6)
            map_to_ipv6(address);
        break;
    case HOST_INTERFACE: rc = endpoint_interface(host->name, ipv6, address); break;
    case HOST_ANY:
        memset(address, 0, sizeof(*address));
        address->any.sa_family = ipv6 ? AF_INET6 : AF_INET; /* all zero is any, in both */
        break;
    case HOST_NONE:
    case HOST_NAME: return -EINVAL;
    }
    if (rc == 0)
        set_port(address, host->port);
    return rc;
}

socklen_t endpoint_unix(const struct endpoint *endpoint, struct sockaddr_un *address)
{
    size_t start = endpoint->is_abstract ? 1 : 0, size = strlen(endpoint->name);
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path + start, endpoint->name, size);
    /* An abstract name ends with the length, a path with a NUL. */
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + 1);
}
