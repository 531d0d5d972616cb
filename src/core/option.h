/* SPDX-License-Identifier: MIT */
/* Socket options: their values as a plain struct, and one table that says for each option which
 * values libzmq 4.3.4 takes and where they are kept. A socket owns a struct options, which changes
 * as the application sets it. What is bound or connected keeps to a frozen copy of that moment, as
 * its manual says of libzmq; see socket_freeze(). No lock here: that is the context's.
 *
 * Not in the table, because they act on the socket or ask it: ZMQ_SUBSCRIBE, ZMQ_UNSUBSCRIBE,
 * ZMQ_RCVMORE, ZMQ_FD, ZMQ_EVENTS, ZMQ_LAST_ENDPOINT, ZMQ_THREAD_SAFE and ZMQ_CONNECT_ROUTING_ID.
 * core/socket.c answers those before it comes here.
 *
 * Unknown here, with the -EINVAL of a libzmq that was built without them: ZMQ_GSSAPI_... and
 * ZMQ_VMCI_.... ZMQ_BLOCKY is an option of contexts. */
#ifndef GREENMQ_CORE_OPTION_H
#define GREENMQ_CORE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

enum { ROUTING_ID_MAX = 255, KEY_OCTETS = 32 };

/* A value of any length, on the heap: `size` octets and a NUL behind them. Not set: NULL, 0.
 * Texts may hold further NULs, as libzmq lets them. */
struct option_value {
    void *data;
    size_t size;
};

struct options {
    unsigned refs; /* of a frozen copy; a socket's own has none */
    int type;      /* ZMQ_PAIR...: given to options_init, then read only */

    /* Who we are to peers */
    uint8_t routing_id[ROUTING_ID_MAX + 1]; /* announced in the handshake */
    size_t routing_id_size;                 /* 0: none, the peer makes one up */

    /* Queues and waiting */
    int sndhwm;               /* messages a peer's output may hold, 0: no limit */
    int rcvhwm;               /* messages a peer's input may hold, 0: no limit */
    int sndtimeo_ms;          /* how long a send waits, -1: for ever */
    int rcvtimeo_ms;          /* how long a receive waits, -1: for ever */
    int linger_ms;            /* how long unsent messages outlive zmq_close, -1: for ever */
    int64_t maxmsgsize_bytes; /* a longer part ends the connection; negative: no limit */
    int immediate;            /* 1: queue for completed connections only */
    int conflate;             /* 1: keep the newest message only */
    uint64_t affinity;        /* of which I/O threads one may have its connections; 0: of all */

    /* Connections */
    int backlog;              /* of listen() */
    int reconnect_ivl_ms;     /* the first delay; 0 or -1: never reconnect */
    int reconnect_ivl_max_ms; /* the delay doubles up to this, 0: it does not */
    int connect_timeout_ms;   /* 0: as long as the system tries */
    int handshake_ivl_ms;     /* a handshake that takes longer fails, 0: no limit */
    int heartbeat_ivl_ms;     /* between PINGs, 0: none */
    int heartbeat_ttl_ms;     /* announced in PING, a multiple of 100 ms up to 6553500 */
    int heartbeat_timeout_ms; /* silence after a PING that ends it, -1: heartbeat_ivl_ms */

    /* tcp and ipc */
    int ipv6;                         /* 1: IPv6 and IPv4, 0: IPv4 only */
    int sndbuf_bytes;                 /* SO_SNDBUF, -1: the system's */
    int rcvbuf_bytes;                 /* SO_RCVBUF, -1: the system's */
    int tos;                          /* IP_TOS, 0: the system's */
    int tcp_keepalive;                /* SO_KEEPALIVE 0 or 1, -1: the system's; so the next three */
    int tcp_keepalive_cnt;            /* TCP_KEEPCNT */
    int tcp_keepalive_idle_s;         /* TCP_KEEPIDLE */
    int tcp_keepalive_intvl_s;        /* TCP_KEEPINTVL */
    int tcp_maxrt_ms;                 /* TCP_USER_TIMEOUT, 0: the system's */
    int use_fd;                       /* a listening descriptor to bind on, -1: make one */
    struct option_value bindtodevice; /* SO_BINDTODEVICE */
    struct option_value socks_proxy;  /* connect through this SOCKS5 server */
    struct option_value socks_username; /* a login there, if it is set */
    struct option_value socks_password;
    struct option_value tcp_accept_filter; /* struct cidr: ask option_accepts_tcp */
    struct option_value ipc_filter_pid;    /* uint32_t, so the next two: ask option_accepts_ipc */
    struct option_value ipc_filter_uid;
    struct option_value ipc_filter_gid;

    /* Security */
    int mechanism; /* ZMQ_NULL, ZMQ_PLAIN or ZMQ_CURVE; follows from what is set below */
    int as_server; /* 1: the server of the mechanism */
    struct option_value plain_username;
    struct option_value plain_password;
    uint8_t curve_public_key[KEY_OCTETS]; /* all zero: not set; so the next two */
    uint8_t curve_secret_key[KEY_OCTETS];
    uint8_t curve_server_key[KEY_OCTETS];
    struct option_value zap_domain;
    int zap_enforce_domain; /* 1: no ZAP without a domain */

    /* Patterns */
    int router_mandatory; /* 1: EHOSTUNREACH for an unknown peer */
    int router_handover;  /* 1: a new peer takes over a routing id */
    int router_raw;       /* 1: no ZMTP on the connections; deprecated */
    int probe_router;     /* 1: an empty message to each new peer */
    int req_correlate;    /* 1: requests carry an id that replies must repeat */
    int req_relaxed;      /* 1: another request may be sent before the reply */
    int stream_notify;    /* 1: an empty message for connect and disconnect */
    int invert_matching;  /* 1: what does not match is what is wanted */
    int xpub_verbose;     /* 1: report repeated subscriptions, 2: and unsubscriptions */
    int xpub_nodrop;      /* 1: EAGAIN at the high-water mark rather than a drop */
    int xpub_manual;      /* 1: the application confirms subscriptions */
    struct option_value xpub_welcome_msg; /* sent to each new subscriber when size is not 0 */

    /* Multicast: kept to be read back, as there is no such transport */
    int rate_kbit;
    int recovery_ivl_ms;
    int multicast_hops;
    int multicast_maxtpdu_bytes;
    int multicast_loop;
    int loopback_fastpath; /* of another system, kept for the same reason */
};

/* The defaults, for a socket of `type`. */
void options_init(struct options *options, int type);

/* Frees what the values hold. */
void options_term(struct options *options);

/* A copy that stays as it is, with one reference; NULL without memory. */
struct options *options_freeze(const struct options *options);
struct options *options_ref(struct options *options);
void options_unref(struct options *options); /* of NULL: nothing */

/* Sets one to a copy of the `size` octets at `value`. -EINVAL as libzmq gives it: unknown, not
 * settable on this type of socket, wrong size, or a value not allowed. -ENOMEM. Both change
 * nothing. */
int option_set(struct options *options, int option, const void *value, size_t size);

/* Writes one to `value`, which has room for *size octets, and the octets written to *size.
 * -EINVAL: unknown, cannot be read, or *size is wrong (numbers) or too small (texts). */
int option_get(const struct options *options, int option, void *value, size_t *size);

/* Do connections carry bare octets instead of ZMTP? */
bool option_is_raw(const struct options *options);

/* Whether the deprecated filters let in a peer with this address, or with these ids: true when no
 * filter is set or one of them fits. */
bool option_accepts_tcp(const struct options *options, const struct sockaddr *address);
bool option_accepts_ipc(const struct options *options, uint32_t pid, uint32_t uid, uint32_t gid);

#endif
