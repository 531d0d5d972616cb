/* SPDX-License-Identifier: MIT */
/* Endpoints: "tcp://127.0.0.1:5555" as text, and taken apart. Parsing is pure: text in, struct
 * out; no name is resolved, no interface looked up (but for the zone of an IPv6 address).
 *
 *      tcp://HOST:PORT                bind: address, [IPv6], [IPv6%zone], interface, * : port, *, 0
 *      tcp://SOURCE:PORT;HOST:PORT    connect: from SOURCE, as for bind, to an address or name
 *      ipc://PATH  ipc://@NAME        a file, or a Linux abstract name; bind also ipc:// and a *
 *      inproc://NAME
 *
 * What libzmq 4.3.4 refuses is refused here, with its errno. Refused too, -EINVAL, is what it
 * accepts although it could never connect or binds something else than was written: ports above
 * 65535 or with anything but digits, ports missing before a ';', empty or impossible host names,
 * and a ';' when binding. Names of inproc may have any length, as there. */
#ifndef GREENMQ_TRANSPORT_ENDPOINT_H
#define GREENMQ_TRANSPORT_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    ENDPOINT_HOST_MAX = 255,
    ENDPOINT_PATH_MAX = 107, /* of ipc, or an abstract name with its mark */
    ENDPOINT_TEXT_MAX = 600  /* holds any endpoint of tcp or ipc, with its NUL */
};

enum endpoint_transport { ENDPOINT_TCP, ENDPOINT_IPC, ENDPOINT_INPROC };

enum endpoint_host_kind {
    HOST_NONE,      /* not given: a source that is left to the system */
    HOST_ANY,       /* "*": every address of this machine */
    HOST_NUMERIC,   /* an address */
    HOST_INTERFACE, /* a network interface; bind and source only */
    HOST_NAME       /* to be resolved; connect only */
};

union endpoint_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct endpoint_host {
    enum endpoint_host_kind kind;
    uint16_t port;                    /* 0: whichever is free */
    union endpoint_address address;   /* of a numeric one, with the port in it */
    char name[ENDPOINT_HOST_MAX + 1]; /* of an interface or a name */
};

struct endpoint {
    enum endpoint_transport transport;
    struct endpoint_host host;        /* tcp: what to bind, or connect to */
    struct endpoint_host source;      /* tcp, connect: what to connect from */
    bool is_abstract;                 /* ipc: `name` stood behind an @ */
    bool is_wildcard;                 /* ipc, bind: "*", make a path up */
    char name[ENDPOINT_PATH_MAX + 1]; /* ipc: path or abstract name */
    const char *inproc;               /* inproc: the name, within the text that was parsed */
};

/* Parses what zmq_bind (`bind` true) or zmq_connect is given.
 *   -EINVAL           no endpoint
 *   -EPROTONOSUPPORT  a transport we do not have
 *   -ENOCOMPATPROTO   udp, which is for none of our types of socket
 *   -ENAMETOOLONG     an ipc path beyond its limit
 *   -ENODEV           bind: a host that is no address and too long for an interface */
int endpoint_parse(struct endpoint *endpoint, const char *text, bool bind);

/* Looks no further than the transport, as libzmq does when something shall be unbound: 0 or one
 * of the first three of those. */
int endpoint_check(const char *text);

/* Writes the canonical text of a parsed endpoint; it parses again to the same. `size` should be
 * ENDPOINT_TEXT_MAX. -ENAMETOOLONG: it does not fit. */
int endpoint_format(const struct endpoint *endpoint, char *text, size_t size);

/* Writes what ZMQ_LAST_ENDPOINT says of a bound tcp or ipc socket, from its getsockname().
 * -ENAMETOOLONG; -EINVAL: another family, or an ipc socket without a name. */
int endpoint_format_address(const struct sockaddr *address, socklen_t length, char *text,
                            size_t size);

/* The local address that a host to bind, or a source, stands for. `ipv6` is the option ZMQ_IPV6:
 * without it IPv6 addresses do not exist, with it "*" is [::] and IPv4 addresses are mapped.
 * -ENODEV: no such interface, or no address of these families on it. */
int endpoint_local(const struct endpoint_host *host, bool ipv6, union endpoint_address *address);

/* The first address of an interface, IPv6 before IPv4 if `ipv6`, otherwise IPv4; port 0.
 * -ENODEV: there is none; -ENOMEM or what else the system answers. */
int endpoint_interface(const char *name, bool ipv6, union endpoint_address *address);

/* Fills the address of an ipc endpoint that is no wildcard; returns its length. */
socklen_t endpoint_unix(const struct endpoint *endpoint, struct sockaddr_un *address);

#endif
