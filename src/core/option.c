/* SPDX-License-Identifier: MIT */
/* Socket options: see option.h. The table below is the whole of it; each kind of value has one
 * function that takes it from the caller.
 *
 * Happy path: option_set finds the row, checks that the type of socket has the option, and hands
 * the value to the kind. option_get finds the row and writes what the struct holds.
 * Failure: -EINVAL as libzmq 4.3.4 gives it, found by trying each option there; -ENOMEM. Nothing
 * changes then. Called by core/socket.c for zmq_setsockopt and zmq_getsockopt. */
#define ZMQ_BUILD_DRAFT_API /* libzmq answers some of the drafts in any build */
#include "core/option.h"

#include "base/z85.h"
#include "core/cidr.h"

#include <errno.h>
#include <greenmq/zmq.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum kind {
    INT,        /* int from least to most */
    FLAG,       /* int from least to most, kept as 0 or 1 */
    FLAG_2,     /* the same, kept as 0 or 2 */
    INVERSE,    /* 0 or 1, kept as the other */
    STEP,       /* int from least to most, kept as the multiple of 100 towards 0 */
    OCTETS_8,   /* any int64_t or uint64_t */
    ROUTING_ID, /* 1 to 255 octets */
    TEXT,       /* 1 to most octets; NULL, 0 unsets it if least is 0 */
    NAME,       /* 0 to most octets; NULL or none unsets it */
    BLOB,       /* any number of octets */
    SERVER,     /* 0 or 1, decides about the mechanism */
    PLAIN_TEXT, /* as TEXT, decides about the mechanism */
    KEY,        /* 32 octets, or their Z85, decides about the mechanism */
    NETS,       /* one more network; NULL, 0 removes them all */
    IDS         /* one more uint32_t; NULL, 0 removes them all */
};

/* Which types of socket can set an option: bits 1 << ZMQ_PAIR, and so on. */
#define TYPE(name) (1u << ZMQ_##name)
enum {
    NOBODY = 0,
    ANY = TYPE(STREAM) * 2 - 1,
    REQS = TYPE(REQ),
    STREAMS = TYPE(STREAM),
    PUBS = TYPE(PUB) | TYPE(XPUB),
    ROUTERS = TYPE(ROUTER) | TYPE(REP), /* libzmq's REP is a ROUTER */
    PROBES = TYPE(REQ) | TYPE(DEALER) | ROUTERS
};

enum { HIDDEN, READABLE };
enum { KEY_TEXT = KEY_OCTETS / 4 * 5 };
enum { TEXT_MAX = 255, DEVICE_MAX = 16, TTL_MAX_MS = 6553599 };

struct entry {
    int option;
    enum kind kind;
    size_t at;      /* where struct options keeps it */
    int least;      /* smallest number allowed */
    int most;       /* largest number, or longest text */
    int initial;    /* default, numbers only: others are unset */
    unsigned types; /* of the sockets that can set it */
    int readable;
};

#define AT(field) offsetof(struct options, field)

static const struct entry table[] = {
    {ZMQ_AFFINITY, OCTETS_8, AT(affinity), 0, 0, 0, ANY, READABLE},
    {ZMQ_ROUTING_ID, ROUTING_ID, AT(routing_id), 1, ROUTING_ID_MAX, 0, ANY, READABLE},
    {ZMQ_RATE, INT, AT(rate_kbit), 1, INT_MAX, 100, ANY, READABLE},
    {ZMQ_RECOVERY_IVL, INT, AT(recovery_ivl_ms), 0, INT_MAX, 10000, ANY, READABLE},
    {ZMQ_SNDBUF, INT, AT(sndbuf_bytes), -1, INT_MAX, -1, ANY, READABLE},
    {ZMQ_RCVBUF, INT, AT(rcvbuf_bytes), -1, INT_MAX, -1, ANY, READABLE},
    {ZMQ_TYPE, INT, AT(type), 0, 0, 0, NOBODY, READABLE},
    {ZMQ_LINGER, INT, AT(linger_ms), -1, INT_MAX, -1, ANY, READABLE},
    {ZMQ_RECONNECT_IVL, INT, AT(reconnect_ivl_ms), -1, INT_MAX, 100, ANY, READABLE},
    {ZMQ_BACKLOG, INT, AT(backlog), 0, INT_MAX, 100, ANY, READABLE},
    {ZMQ_RECONNECT_IVL_MAX, INT, AT(reconnect_ivl_max_ms), 0, INT_MAX, 0, ANY, READABLE},
    {ZMQ_MAXMSGSIZE, OCTETS_8, AT(maxmsgsize_bytes), 0, 0, -1, ANY, READABLE},
    {ZMQ_SNDHWM, INT, AT(sndhwm), 0, INT_MAX, 1000, ANY, READABLE},
    {ZMQ_RCVHWM, INT, AT(rcvhwm), 0, INT_MAX, 1000, ANY, READABLE},
    {ZMQ_MULTICAST_HOPS, INT, AT(multicast_hops), 1, INT_MAX, 1, ANY, READABLE},
    {ZMQ_RCVTIMEO, INT, AT(rcvtimeo_ms), -1, INT_MAX, -1, ANY, READABLE},
    {ZMQ_SNDTIMEO, INT, AT(sndtimeo_ms), -1, INT_MAX, -1, ANY, READABLE},
    {ZMQ_IPV4ONLY, INVERSE, AT(ipv6), 0, 1, 0, ANY, READABLE},
    {ZMQ_ROUTER_MANDATORY, FLAG, AT(router_mandatory), 0, INT_MAX, 0, ROUTERS, HIDDEN},
    {ZMQ_TCP_KEEPALIVE, INT, AT(tcp_keepalive), -1, 1, -1, ANY, READABLE},
    {ZMQ_TCP_KEEPALIVE_CNT, INT, AT(tcp_keepalive_cnt), -1, INT_MAX, -1, ANY, READABLE},
    {ZMQ_TCP_KEEPALIVE_IDLE, INT, AT(tcp_keepalive_idle_s), -1, INT_MAX, -1, ANY, READABLE},
    {ZMQ_TCP_KEEPALIVE_INTVL, INT, AT(tcp_keepalive_intvl_s), -1, INT_MAX, -1, ANY, READABLE},
    {ZMQ_TCP_ACCEPT_FILTER, NETS, AT(tcp_accept_filter), 0, 0, 0, ANY, HIDDEN},
    {ZMQ_IMMEDIATE, INT, AT(immediate), 0, 1, 0, ANY, READABLE},
    {ZMQ_XPUB_VERBOSE, FLAG, AT(xpub_verbose), 0, INT_MAX, 0, PUBS, HIDDEN},
    {ZMQ_ROUTER_RAW, FLAG, AT(router_raw), 0, INT_MAX, 0, ROUTERS, HIDDEN},
    {ZMQ_IPV6, INT, AT(ipv6), 0, 1, 0, ANY, READABLE},
    {ZMQ_MECHANISM, INT, AT(mechanism), 0, 0, ZMQ_NULL, NOBODY, READABLE},
    {ZMQ_PLAIN_SERVER, SERVER, AT(as_server), 0, 1, 0, ANY, READABLE},
    {ZMQ_PLAIN_USERNAME, PLAIN_TEXT, AT(plain_username), 1, TEXT_MAX, 0, ANY, READABLE},
    {ZMQ_PLAIN_PASSWORD, PLAIN_TEXT, AT(plain_password), 1, TEXT_MAX, 0, ANY, READABLE},
    {ZMQ_CURVE_SERVER, SERVER, AT(as_server), 0, 1, 0, ANY, READABLE},
    {ZMQ_CURVE_PUBLICKEY, KEY, AT(curve_public_key), 0, 0, 0, ANY, READABLE},
    {ZMQ_CURVE_SECRETKEY, KEY, AT(curve_secret_key), 0, 0, 0, ANY, READABLE},
    {ZMQ_CURVE_SERVERKEY, KEY, AT(curve_server_key), 0, 0, 0, ANY, READABLE},
    {ZMQ_PROBE_ROUTER, FLAG, AT(probe_router), 0, INT_MAX, 0, PROBES, HIDDEN},
    {ZMQ_REQ_CORRELATE, FLAG, AT(req_correlate), 0, INT_MAX, 0, REQS, HIDDEN},
    {ZMQ_REQ_RELAXED, FLAG, AT(req_relaxed), 0, INT_MAX, 0, REQS, HIDDEN},
    {ZMQ_CONFLATE, INT, AT(conflate), 0, 1, 0, ANY, READABLE},
    {ZMQ_ZAP_DOMAIN, TEXT, AT(zap_domain), 1, TEXT_MAX, 0, ANY, READABLE},
    {ZMQ_ROUTER_HANDOVER, FLAG, AT(router_handover), 0, INT_MAX, 0, ROUTERS, HIDDEN},
    {ZMQ_TOS, INT, AT(tos), 0, INT_MAX, 0, ANY, READABLE},
    {ZMQ_IPC_FILTER_PID, IDS, AT(ipc_filter_pid), 0, 0, 0, ANY, HIDDEN},
    {ZMQ_IPC_FILTER_UID, IDS, AT(ipc_filter_uid), 0, 0, 0, ANY, HIDDEN},
    {ZMQ_IPC_FILTER_GID, IDS, AT(ipc_filter_gid), 0, 0, 0, ANY, HIDDEN},
    {ZMQ_HANDSHAKE_IVL, INT, AT(handshake_ivl_ms), 0, INT_MAX, 30000, ANY, READABLE},
    {ZMQ_SOCKS_PROXY, TEXT, AT(socks_proxy), 0, INT_MAX, 0, ANY, READABLE},
    {ZMQ_SOCKS_USERNAME, NAME, AT(socks_username), 0, TEXT_MAX, 0, ANY, READABLE},
    {ZMQ_SOCKS_PASSWORD, NAME, AT(socks_password), 0, TEXT_MAX, 0, ANY, READABLE},
    {ZMQ_XPUB_NODROP, FLAG, AT(xpub_nodrop), 0, INT_MAX, 0, PUBS, HIDDEN},
    {ZMQ_XPUB_MANUAL, FLAG, AT(xpub_manual), 0, INT_MAX, 0, PUBS, HIDDEN},
    {ZMQ_XPUB_WELCOME_MSG, BLOB, AT(xpub_welcome_msg), 0, 0, 0, PUBS, HIDDEN},
    {ZMQ_STREAM_NOTIFY, INT, AT(stream_notify), 0, 1, 1, STREAMS, HIDDEN},
    {ZMQ_INVERT_MATCHING, FLAG, AT(invert_matching), INT_MIN, INT_MAX, 0, ANY, READABLE},
    {ZMQ_HEARTBEAT_IVL, INT, AT(heartbeat_ivl_ms), 0, INT_MAX, 0, ANY, READABLE},
    {ZMQ_HEARTBEAT_TTL, STEP, AT(heartbeat_ttl_ms), -99, TTL_MAX_MS, 0, ANY, READABLE},
    {ZMQ_HEARTBEAT_TIMEOUT, INT, AT(heartbeat_timeout_ms), 0, INT_MAX, -1, ANY, READABLE},
    {ZMQ_XPUB_VERBOSER, FLAG_2, AT(xpub_verbose), 0, INT_MAX, 0, PUBS, HIDDEN},
    {ZMQ_CONNECT_TIMEOUT, INT, AT(connect_timeout_ms), 0, INT_MAX, 0, ANY, READABLE},
    {ZMQ_TCP_MAXRT, INT, AT(tcp_maxrt_ms), 0, INT_MAX, 0, ANY, READABLE},
    {ZMQ_MULTICAST_MAXTPDU, INT, AT(multicast_maxtpdu_bytes), 1, INT_MAX, 1500, ANY, READABLE},
    {ZMQ_ZAP_ENFORCE_DOMAIN, FLAG, AT(zap_enforce_domain), INT_MIN, INT_MAX, 0, ANY, READABLE},
    {ZMQ_LOOPBACK_FASTPATH, FLAG, AT(loopback_fastpath), INT_MIN, INT_MAX, 0, ANY, READABLE},
    {ZMQ_MULTICAST_LOOP, FLAG, AT(multicast_loop), INT_MIN, INT_MAX, 1, ANY, READABLE},
    {ZMQ_USE_FD, INT, AT(use_fd), -1, INT_MAX, -1, ANY, READABLE},
    {ZMQ_BINDTODEVICE, TEXT, AT(bindtodevice), 0, DEVICE_MAX, 0, ANY, READABLE},
};

enum { ENTRIES = sizeof(table) / sizeof(table[0]) };

static const struct entry *find(int option)
{
    for (size_t i = 0; i < ENTRIES; i++)
        if (table[i].option == option)
            return &table[i];
    return NULL;
}

static void *field(const struct options *options, const struct entry *entry)
{
    return (char *)options + entry->at;
}

/* The row's value on the heap, NULL for those that are kept in the struct itself. */
static struct option_value *heap_value(const struct options *options, const struct entry *entry)
{
    switch (entry->kind) {
    case TEXT:
    case NAME:
    case BLOB:
    case PLAIN_TEXT:
    case NETS:
    case IDS: return field(options, entry);
    default: return NULL;
    }
}

void options_init(struct options *options, int type)
{
    *options = (struct options){0};
    for (size_t i = 0; i < ENTRIES; i++) {
        if (table[i].kind == OCTETS_8)
            *(int64_t *)field(options, &table[i]) = table[i].initial;
        else if (table[i].initial)
            *(int *)field(options, &table[i]) = table[i].initial;
    }
    options->type = type;
    /* Subscriptions are not worth waiting for when the subscriber goes; libzmq's default too. */
    if (type == ZMQ_SUB || type == ZMQ_XSUB)
        options->linger_ms = 0;
}

/* Adds octets behind those that a value has. */
static int append(struct option_value *value, const void *data, size_t size)
{
    char *grown = realloc(value->data, value->size + size + 1);
    if (!grown)
        return -ENOMEM;
    if (size)
        memcpy(grown + value->size, data, size);
    value->data = grown;
    value->size += size;
    grown[value->size] = '\0';
    return 0;
}

static void clear(struct option_value *value)
{
    free(value->data);
    *value = (struct option_value){0};
}

static int replace(struct option_value *value, const void *data, size_t size)
{
    struct option_value fresh = {0};
    int rc = append(&fresh, data, size);
    if (rc == 0) {
        clear(value);
        *value = fresh;
    }
    return rc;
}

void options_term(struct options *options)
{
    explicit_bzero(options->curve_secret_key, sizeof options->curve_secret_key);
    for (size_t i = 0; i < ENTRIES; i++) {
        struct option_value *value = heap_value(options, &table[i]);
        if (value)
            clear(value);
    }
}

struct options *options_freeze(const struct options *options)
{
    struct options *frozen = malloc(sizeof *frozen);
    if (!frozen)
        return NULL;
    *frozen = *options;
    frozen->refs = 1;
    int rc = 0;
    for (size_t i = 0; i < ENTRIES; i++) {
        struct option_value *value = heap_value(frozen, &table[i]);
        struct option_value from;
        if (!value)
            continue;
        from = *value;
        *value = (struct option_value){0};
        if (from.data && append(value, from.data, from.size) < 0)
            rc = -ENOMEM;
    }
    if (rc == 0)
        return frozen;
    options_unref(frozen);
    return NULL;
}

struct options *options_ref(struct options *options)
{
    options->refs++;
    return options;
}

void options_unref(struct options *options)
{
    if (!options || --options->refs)
        return;
    options_term(options);
    free(options);
}

/* The mechanism that an option of kind SERVER chooses. */
static int mechanism_of(const struct entry *entry)
{
    return entry->option == ZMQ_CURVE_SERVER ? ZMQ_CURVE : ZMQ_PLAIN;
}

static int set_int(struct options *options, const struct entry *entry, const void *data,
                   size_t size)
{
    int value;
    int *at = field(options, entry);
    if (size != sizeof(value))
        return -EINVAL;
    memcpy(&value, data, sizeof(value));
    if (value < entry->least || value > entry->most)
        return -EINVAL;
    switch (entry->kind) {
    case FLAG: *at = value != 0; break;
    case FLAG_2: *at = value ? 2 : 0; break;
    case INVERSE: *at = !value; break;
    case STEP: *at = value / 100 * 100; break;
    case SERVER:
        *at = value;
        options->mechanism = value ? mechanism_of(entry) : ZMQ_NULL;
        break;
    default: *at = value;
    }
    return 0;
}

static int set_text(struct options *options, const struct entry *entry, const void *data,
                    size_t size)
{
    struct option_value *value = field(options, entry);
    if (!data && entry->least == 0) {
        clear(value);
        return 0;
    }
    if (size == 0 || size > (size_t)entry->most)
        return -EINVAL;
    return replace(value, data, size);
}

/* A user name or password makes the socket a PLAIN client. NULL ends that, and as in libzmq the
 * text itself stays. */
static int set_plain_text(struct options *options, const struct entry *entry, const void *data,
                          size_t size)
{
    if (!data) {
        options->mechanism = ZMQ_NULL;
        return 0;
    }
    int rc = set_text(options, entry, data, size);
    if (rc == 0) {
        options->as_server = 0;
        options->mechanism = ZMQ_PLAIN;
    }
    return rc;
}

/* Any of the keys makes the socket speak CURVE; to know the server's makes it a client. */
static int set_key(struct options *options, const struct entry *entry, const void *data,
                   size_t size)
{
    uint8_t key[KEY_OCTETS];
    const char *text = data;
    if (size == KEY_OCTETS)
        memcpy(key, data, KEY_OCTETS);
    else if ((size != KEY_TEXT && (size != KEY_TEXT + 1 || text[KEY_TEXT] != '\0')) ||
             z85_decode(key, text, KEY_TEXT) < 0)
        return -EINVAL;
    memcpy(field(options, entry), key, KEY_OCTETS);
    if (entry->option == ZMQ_CURVE_SERVERKEY)
        options->as_server = 0;
    options->mechanism = ZMQ_CURVE;
    return 0;
}

static int set_routing_id(struct options *options, const void *data, size_t size)
{
    if (size == 0 || size > ROUTING_ID_MAX)
        return -EINVAL;
    memcpy(options->routing_id, data, size);
    options->routing_id_size = size;
    return 0;
}

/* Lists grow by one with each call; NULL empties them. */
static int set_list(struct options *options, const struct entry *entry, const void *data,
                    size_t size)
{
    struct option_value *list = field(options, entry);
    struct cidr net = {0};
    if (!data) {
        clear(list);
        return 0;
    }
    if (entry->kind == IDS)
        return size == sizeof(uint32_t) ? append(list, data, size) : -EINVAL;
    if (cidr_parse(&net, data, size, options->ipv6) < 0)
        return -EINVAL;
    return append(list, &net, sizeof(net));
}

int option_set(struct options *options, int option, const void *value, size_t size)
{
    const struct entry *entry = find(option);
    if (!entry || !(entry->types >> options->type & 1))
        return -EINVAL;
    if (!value && size)
        return -EINVAL;
    switch (entry->kind) {
    case OCTETS_8:
        if (size != sizeof(int64_t))
            return -EINVAL;
        memcpy(field(options, entry), value, size);
        return 0;
    case ROUTING_ID: return set_routing_id(options, value, size);
    case TEXT: return set_text(options, entry, value, size);
    case NAME: return set_text(options, entry, size ? value : NULL, size);
    case BLOB: return replace(field(options, entry), value, size);
    case PLAIN_TEXT: return set_plain_text(options, entry, value, size);
    case KEY: return set_key(options, entry, value, size);
    case NETS:
    case IDS: return set_list(options, entry, value, size);
    default: return set_int(options, entry, value, size);
    }
}

/* Numbers are read with exactly their size, all else with that or more: the rest is cleared. */
static int put(void *value, size_t *size, const void *data, size_t wanted, bool exact)
{
    if (*size < wanted || (exact && *size != wanted))
        return -EINVAL;
    memset(value, 0, *size);
    memcpy(value, data, wanted);
    *size = wanted;
    return 0;
}

/* Keys are read as octets or as text, whichever has the size asked for. */
static int put_key(void *value, size_t *size, const uint8_t *key)
{
    char text[KEY_TEXT + 1];
    if (*size == KEY_OCTETS)
        return put(value, size, key, KEY_OCTETS, true);
    z85_encode(text, key, KEY_OCTETS);
    return put(value, size, text, sizeof text, true);
}

int option_get(const struct options *options, int option, void *value, size_t *size)
{
    const struct entry *entry = find(option);
    if (!entry || !entry->readable)
        return -EINVAL;
    const void *at = field(options, entry);
    const struct option_value *text = heap_value(options, entry);
    if (text)
        return put(value, size, text->data ? text->data : "", text->size + 1, false);
    if (entry->kind == ROUTING_ID)
        return put(value, size, at, options->routing_id_size, false);
    if (entry->kind == KEY)
        return put_key(value, size, at);
    if (entry->kind == OCTETS_8)
        return put(value, size, at, sizeof(int64_t), true);
    int number = *(const int *)at;
    if (entry->kind == INVERSE)
        number = !number;
    if (entry->kind == SERVER)
        number = number && options->mechanism == mechanism_of(entry);
    return put(value, size, &number, sizeof(number), true);
}

bool option_is_raw(const struct options *options)
{
    return options->type == ZMQ_STREAM || (options->type == ZMQ_ROUTER && options->router_raw);
}

bool option_accepts_tcp(const struct options *options, const struct sockaddr *address)
{
    const struct cidr *nets = options->tcp_accept_filter.data;
    size_t count = options->tcp_accept_filter.size / sizeof(*nets);
    for (size_t i = 0; i < count; i++)
        if (cidr_has(&nets[i], address))
            return true;
    return count == 0;
}

static bool has_id(const struct option_value *list, uint32_t id)
{
    const uint32_t *ids = list->data;
    for (size_t i = 0; i < list->size / sizeof(*ids); i++)
        if (ids[i] == id)
            return true;
    return false;
}

bool option_accepts_ipc(const struct options *options, uint32_t pid, uint32_t uid, uint32_t gid)
{
    if (!options->ipc_filter_pid.size && !options->ipc_filter_uid.size &&
        !options->ipc_filter_gid.size)
        return true;
    return has_id(&options->ipc_filter_pid, pid) || has_id(&options->ipc_filter_uid, uid) ||
           has_id(&options->ipc_filter_gid, gid);
}
