/* SPDX-License-Identifier: MIT */
/*
 * The ZeroMQ C API as greenmq provides it.
 *
 * The names, values, types, sizes and signatures are those of libzmq 4.3, so that a program
 * written for libzmq compiles against this header unchanged, and one compiled against libzmq
 * runs with this library in its place. What is greenmq's own is in <greenmq/greenmq.h>.
 *
 * Happy path:   ctx = zmq_ctx_new()   s = zmq_socket(ctx, ZMQ_REQ)   zmq_connect(s, "tcp://...")
 *               zmq_send(s, ...)   zmq_recv(s, ...)   zmq_close(s)   zmq_ctx_term(ctx)
 * Failure:      functions that return int return -1 and set errno; those that return a pointer
 *               return NULL and set errno. Nothing here ends the process.
 *
 * Differences worth knowing when you come from libzmq:
 * - A call that must wait suspends only the green thread that made it (see greenmq.h); a plain
 *   thread waits as usual.
 * - A context and its sockets may be used from any thread, also from two at the same time.
 * - After fork() they remain the parent's. In the child they give ETERM, and closing them and
 *   ending their context does nothing and waits for nothing; it may make contexts of its own.
 *
 * Errors that every function on a socket can give, besides those listed with it:
 *   ENOTSOCK  the socket is NULL or has been closed.
 *   ETERM     the socket's context was terminated or shut down.
 */

#ifndef __ZMQ_H_INCLUDED__ /* NOLINT: the name by which other headers recognise zmq.h */
#define __ZMQ_H_INCLUDED__ /* NOLINT */

#define ZMQ_VERSION_MAJOR 4
#define ZMQ_VERSION_MINOR 3
#define ZMQ_VERSION_PATCH 5

/* One comparable number for a version: 40305 for 4.3.5. */
#define ZMQ_MAKE_VERSION(major, minor, patch) ((major)*10000 + (minor)*100 + (patch))

#define ZMQ_VERSION ZMQ_MAKE_VERSION(ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH)

/* Programs written for libzmq rely on zmq.h bringing these four. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ZMQ_DEFINED_STDINT 1

#if defined(__GNUC__)
#define ZMQ_EXPORT __attribute__((visibility("default")))
#else
#define ZMQ_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ------------------------------------------------------------------------------- */

/* The base of the error numbers that ZeroMQ adds to those of the system. */
#define ZMQ_HAUSNUMERO 156384712

/* System errors that ZeroMQ uses and some systems lack. */
#ifndef ENOTSUP
#define ENOTSUP (ZMQ_HAUSNUMERO + 1)
#endif
#ifndef EPROTONOSUPPORT
#define EPROTONOSUPPORT (ZMQ_HAUSNUMERO + 2)
#endif
#ifndef ENOBUFS
#define ENOBUFS (ZMQ_HAUSNUMERO + 3)
#endif
#ifndef ENETDOWN
#define ENETDOWN (ZMQ_HAUSNUMERO + 4)
#endif
#ifndef EADDRINUSE
#define EADDRINUSE (ZMQ_HAUSNUMERO + 5)
#endif
#ifndef EADDRNOTAVAIL
#define EADDRNOTAVAIL (ZMQ_HAUSNUMERO + 6)
#endif
#ifndef ECONNREFUSED
#define ECONNREFUSED (ZMQ_HAUSNUMERO + 7)
#endif
#ifndef EINPROGRESS
#define EINPROGRESS (ZMQ_HAUSNUMERO + 8)
#endif
#ifndef ENOTSOCK
#define ENOTSOCK (ZMQ_HAUSNUMERO + 9)
#endif
#ifndef EMSGSIZE
#define EMSGSIZE (ZMQ_HAUSNUMERO + 10)
#endif
#ifndef EAFNOSUPPORT
#define EAFNOSUPPORT (ZMQ_HAUSNUMERO + 11)
#endif
#ifndef ENETUNREACH
#define ENETUNREACH (ZMQ_HAUSNUMERO + 12)
#endif
#ifndef ECONNABORTED
#define ECONNABORTED (ZMQ_HAUSNUMERO + 13)
#endif
#ifndef ECONNRESET
#define ECONNRESET (ZMQ_HAUSNUMERO + 14)
#endif
#ifndef ENOTCONN
#define ENOTCONN (ZMQ_HAUSNUMERO + 15)
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT (ZMQ_HAUSNUMERO + 16)
#endif
#ifndef EHOSTUNREACH
#define EHOSTUNREACH (ZMQ_HAUSNUMERO + 17)
#endif
#ifndef ENETRESET
#define ENETRESET (ZMQ_HAUSNUMERO + 18)
#endif

#define EFSM           (ZMQ_HAUSNUMERO + 51) /* the socket is not in the state for this call */
#define ENOCOMPATPROTO (ZMQ_HAUSNUMERO + 52) /* transport and socket type do not go together */
#define ETERM          (ZMQ_HAUSNUMERO + 53) /* the context was terminated or shut down */
#define EMTHREAD       (ZMQ_HAUSNUMERO + 54) /* no I/O thread is available */

/*
 * The calling thread's errno. For programs whose C library differs from this library's; others
 * read errno itself. Sets no error. Follows zmq_errno(3).
 */
ZMQ_EXPORT int zmq_errno(void);

/*
 * The text for an error number: the system's text, or ZeroMQ's for EFSM, ENOCOMPATPROTO, ETERM
 * and EMTHREAD. The text is not the caller's to free and stays valid at least until the same
 * thread calls again. Sets no error. Follows zmq_strerror(3).
 */
ZMQ_EXPORT const char *zmq_strerror(int errnum);

/*
 * Writes the version of the API that the loaded library provides, 4.3.5, to *major, *minor and
 * *patch, save those that are NULL. Sets no error. Follows zmq_version(3).
 */
ZMQ_EXPORT void zmq_version(int *major, int *minor, int *patch);

#define ZMQ_HAS_CAPABILITIES 1

/*
 * Returns 1 when the library provides `capability` ("ipc", "curve", "gssapi", "pgm", "norm",
 * "tipc", "vmci", "draft", "WS", "WSS"; case matters), otherwise 0, also for a name that nobody
 * knows. What every build has (tcp, inproc) is no capability: 0. "greenmq" tells this library from
 * libzmq: 1. Sets no error. Follows zmq_has(3).
 */
ZMQ_EXPORT int zmq_has(const char *capability);

/* ---- contexts ----------------------------------------------------------------------------- */

/* Options of zmq_ctx_set and zmq_ctx_get; ZMQ_IPV6 and ZMQ_BLOCKY (below) are others. */
#define ZMQ_IO_THREADS                 1
#define ZMQ_MAX_SOCKETS                2
#define ZMQ_SOCKET_LIMIT               3 /* get only */
#define ZMQ_THREAD_PRIORITY            3 /* set only */
#define ZMQ_THREAD_SCHED_POLICY        4
#define ZMQ_MAX_MSGSZ                  5
#define ZMQ_MSG_T_SIZE                 6 /* get only */
#define ZMQ_THREAD_AFFINITY_CPU_ADD    7 /* set only */
#define ZMQ_THREAD_AFFINITY_CPU_REMOVE 8 /* set only */
#define ZMQ_THREAD_NAME_PREFIX         9

#define ZMQ_IO_THREADS_DFLT          1
#define ZMQ_MAX_SOCKETS_DFLT         1023
#define ZMQ_THREAD_PRIORITY_DFLT     -1
#define ZMQ_THREAD_SCHED_POLICY_DFLT -1

/*
 * Makes a context, the home of sockets that can reach each other by inproc. End it with
 * zmq_ctx_term. Returns NULL and sets errno:
 *   EMFILE  the process or the system has no file descriptor left.
 *   ENOMEM  no memory.
 * Follows zmq_ctx_new(3).
 */
ZMQ_EXPORT void *zmq_ctx_new(void);

/*
 * Ends a context: calls that wait on its sockets return ETERM, and so does every later call on
 * them but zmq_close. Then waits until all its sockets are closed and until what they still had
 * to send has been sent or its ZMQ_LINGER has run out; then frees the context. Returns 0, or -1:
 *   EFAULT  the context is NULL or no context.
 *   EINTR   a signal came while it waited; the context still exists, call again.
 * Follows zmq_ctx_term(3).
 */
ZMQ_EXPORT int zmq_ctx_term(void *context);

/*
 * Makes all calls that wait on the context's sockets, and all later ones but zmq_close, return
 * ETERM at once; zmq_socket gives ETERM from then on. Does not wait and frees nothing:
 * zmq_ctx_term is still due. A second call does nothing. Returns 0, or -1:
 *   EFAULT  the context is NULL or no context.
 * Follows zmq_ctx_shutdown(3).
 */
ZMQ_EXPORT int zmq_ctx_shutdown(void *context);

/*
 * Sets an option of a context.
 *   ZMQ_IO_THREADS        0 or more (1). 0: no background thread at all; I/O happens inside the
 *                         application's own calls. Any other number: one background thread.
 *   ZMQ_MAX_SOCKETS       1 or more (1023, ZMQ_MAX_SOCKETS_DFLT): how many may be open.
 *   ZMQ_MAX_MSGSZ         0 or more bytes (INT_MAX): the longest message that may be sent.
 *   ZMQ_IPV6              0 or 1 (0): ZMQ_IPV6 of sockets made from now on.
 *   ZMQ_BLOCKY            0 or 1 (1): 0 gives sockets made from now on a ZMQ_LINGER of 0.
 *   ZMQ_THREAD_PRIORITY, ZMQ_THREAD_SCHED_POLICY, ZMQ_THREAD_AFFINITY_CPU_ADD and _REMOVE,
 *   ZMQ_THREAD_NAME_PREFIX
 *                         0 or more: how the background thread runs and what it is called.
 * Those of the thread and the number of sockets count when set before the first socket is made.
 * Returns 0, or -1:
 *   EINVAL  unknown option, or a value outside its limits.
 *   EFAULT  the context is NULL or no context.
 * Follows zmq_ctx_set(3).
 */
ZMQ_EXPORT int zmq_ctx_set(void *context, int option, int value);

/*
 * Returns the value of an option of zmq_ctx_set that can be read, or of
 *   ZMQ_SOCKET_LIMIT      the largest ZMQ_MAX_SOCKETS that can be set.
 *   ZMQ_MSG_T_SIZE        sizeof(zmq_msg_t), 64.
 * or -1:
 *   EINVAL  unknown option, or one that cannot be read.
 *   EFAULT  the context is NULL or no context.
 * Follows zmq_ctx_get(3).
 */
ZMQ_EXPORT int zmq_ctx_get(void *context, int option);

/*
 * Old form of zmq_ctx_new followed by zmq_ctx_set(ZMQ_IO_THREADS, io_threads). Returns NULL and
 * sets errno as they do:
 *   EINVAL  io_threads is negative.
 *   EMFILE, ENOMEM  as zmq_ctx_new.
 * Follows zmq_init(3) of version 3.
 */
ZMQ_EXPORT void *zmq_init(int io_threads);

/* Old names of zmq_ctx_term: same argument, results and errors. */
ZMQ_EXPORT int zmq_term(void *context);
ZMQ_EXPORT int zmq_ctx_destroy(void *context);

/* ---- messages ----------------------------------------------------------------------------- */

/*
 * One message part. Make it with one of the zmq_msg_init functions and end it with zmq_msg_close
 * (or give it away with zmq_msg_send). The bytes inside are private; copy or move a message only
 * with zmq_msg_copy and zmq_msg_move, and do not use one from two threads at the same time.
 */
typedef struct zmq_msg_t {
#if defined(__GNUC__)
    unsigned char _[64] __attribute__((aligned(sizeof(void *))));
#else
    unsigned char _[64];
#endif
} zmq_msg_t;

/* Frees what was given to zmq_msg_init_data; `hint` is what was given with it. May be called from
 * any thread, and must not call back into ZeroMQ. */
typedef void(zmq_free_fn)(void *data, void *hint);

/* Properties of zmq_msg_get. */
#define ZMQ_MORE   1
#define ZMQ_SRCFD  2 /* deprecated */
#define ZMQ_SHARED 3

/*
 * Makes an empty message, for instance to receive into. `msg` must not hold a message yet, or its
 * storage is lost. Returns 0, or for NULL -1 with EFAULT. Follows zmq_msg_init(3).
 */
ZMQ_EXPORT int zmq_msg_init(zmq_msg_t *msg);

/*
 * Makes a message with room for `size` bytes, which are not cleared; fill them through
 * zmq_msg_data. Small ones live inside zmq_msg_t. Returns 0, or -1:
 *   EFAULT  msg is NULL.
 *   ENOMEM  no memory for that many bytes.
 * Follows zmq_msg_init_size(3).
 */
ZMQ_EXPORT int zmq_msg_init_size(zmq_msg_t *msg, size_t size);

/*
 * Makes a message of the `size` bytes at `data` without copying them. They belong to the message
 * from now on and `free_fn(data, hint)` is called once when nobody needs them any more; with a
 * NULL free_fn they must outlive every copy of the message. Returns 0, or -1 (free_fn is then not
 * called and `data` remains the caller's):
 *   EFAULT  msg is NULL, or data with a size is.
 *   ENOMEM  no memory.
 * Follows zmq_msg_init_data(3).
 */
ZMQ_EXPORT int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size, zmq_free_fn *free_fn,
                                 void *hint);

/*
 * Sends a message part. `flags`: 0, or ZMQ_DONTWAIT (give EAGAIN rather than wait) and
 * ZMQ_SNDMORE (more parts of this message follow) or'ed. Returns the number of bytes in the part
 * (INT_MAX when there are more); `msg` is then empty and may be used again or closed. Or -1, and
 * `msg` is as it was:
 *   EAGAIN        it would wait and ZMQ_DONTWAIT was given, or ZMQ_SNDTIMEO has passed.
 *   EFAULT        msg is not a valid message.
 *   EFSM          the socket must receive before it may send (REQ, REP).
 *   EHOSTUNREACH  no peer by this routing id (ROUTER with ZMQ_ROUTER_MANDATORY).
 *   EINTR         a signal came while it waited.
 *   EINVAL        the socket type sends single parts only and ZMQ_SNDMORE was given.
 *   EMSGSIZE      the part is longer than the context's ZMQ_MAX_MSGSZ.
 *   ENOTSUP       the socket type cannot send.
 *   ETERM, ENOTSOCK  see above.
 * Follows zmq_msg_send(3).
 */
ZMQ_EXPORT int zmq_msg_send(zmq_msg_t *msg, void *socket, int flags);

/*
 * Receives a message part into `msg`, which must hold a message (zmq_msg_init); what it held is
 * released. `flags`: 0 or ZMQ_DONTWAIT. Whether more parts follow: zmq_msg_more. Parts of one
 * message arrive together, so once there is a first part the others do not have to be waited for.
 * Returns the number of bytes in the part, or -1, and `msg` still holds a message:
 *   EAGAIN   nothing to receive and ZMQ_DONTWAIT was given, or ZMQ_RCVTIMEO has passed.
 *   EFAULT   msg is not a valid message.
 *   EFSM     the socket must send before it may receive (REQ, REP).
 *   EINTR    a signal came while it waited.
 *   ENOTSUP  the socket type cannot receive.
 *   ETERM, ENOTSOCK  see above.
 * Follows zmq_msg_recv(3).
 */
ZMQ_EXPORT int zmq_msg_recv(zmq_msg_t *msg, void *socket, int flags);

/*
 * Releases a message. To be called once for every message made, save those zmq_msg_send took.
 * Returns 0, or -1:
 *   EFAULT  msg is not a valid message, for instance already closed.
 * Follows zmq_msg_close(3).
 */
ZMQ_EXPORT int zmq_msg_close(zmq_msg_t *msg);

/*
 * Moves the content of `src` to `dest`, both valid messages; what `dest` held is released and
 * `src` becomes empty. Returns 0, or -1:
 *   EFAULT  one of them is not a valid message.
 * Follows zmq_msg_move(3).
 */
ZMQ_EXPORT int zmq_msg_move(zmq_msg_t *dest, zmq_msg_t *src);

/*
 * Makes `dest` a copy of `src`, both valid messages; what `dest` held is released. Large content
 * is shared, not copied: do not write to a message after it was copied. Returns 0, or -1:
 *   EFAULT  one of them is not a valid message.
 * Follows zmq_msg_copy(3).
 */
ZMQ_EXPORT int zmq_msg_copy(zmq_msg_t *dest, zmq_msg_t *src);

/*
 * The address of a message's bytes, valid until the message is sent, moved, closed or received
 * into; NULL when it is not a valid message. Sets no error. Follows zmq_msg_data(3).
 */
ZMQ_EXPORT void *zmq_msg_data(zmq_msg_t *msg);

/* The number of a message's bytes; 0 when it is not a valid message. Sets no error. Follows
 * zmq_msg_size(3). */
ZMQ_EXPORT size_t zmq_msg_size(const zmq_msg_t *msg);

/* 1 when more parts of the same message follow this received part, otherwise 0. Sets no error.
 * Follows zmq_msg_more(3). */
ZMQ_EXPORT int zmq_msg_more(const zmq_msg_t *msg);

/*
 * Returns a property of a message:
 *   ZMQ_MORE    as zmq_msg_more.
 *   ZMQ_SHARED  1 when its bytes may be shared with another message, otherwise 0.
 *   ZMQ_SRCFD   the descriptor of the tcp or ipc connection it was received from, which may be
 *               closed by now (deprecated).
 * or -1:
 *   EFAULT  msg is NULL.
 *   EINVAL  unknown property, or ZMQ_SRCFD of a message that zmq_msg_recv took from no such
 *           connection.
 * Follows zmq_msg_get(3).
 */
ZMQ_EXPORT int zmq_msg_get(const zmq_msg_t *msg, int property);

/*
 * Sets a property of a message. None can be set today, so always returns -1:
 *   EINVAL  unknown property.
 * Follows zmq_msg_set(3).
 */
ZMQ_EXPORT int zmq_msg_set(zmq_msg_t *msg, int property, int value);

/*
 * The text of a property of the connection from which zmq_msg_recv took a message (each part of
 * it has them); case matters:
 *   "Socket-Type"   of the peer, such as "DEALER".
 *   "Routing-Id"    that the peer announced, "" for none; also "Identity". Only REQ, DEALER and
 *                   ROUTER have one to announce.
 *   "Peer-Address"  tcp: the peer's bare address, such as "127.0.0.1" or "::1".
 *                   ipc: "localhost:USER:GROUP:PROCESS", the numbers of the peer's process.
 * Belongs to the message, its copies and what it is moved to, and is valid until the last of them
 * is closed, sent or received into. Or NULL:
 *   EFAULT  msg is NULL.
 *   EINVAL  no such property; or a message of inproc, of the socket itself (the subscriptions that
 *           XPUB receives), or that was not received.
 * Follows zmq_msg_gets(3).
 */
ZMQ_EXPORT const char *zmq_msg_gets(const zmq_msg_t *msg, const char *property);

/* ---- sockets ------------------------------------------------------------------------------ */

/* Socket types: zmq_socket(3); patterns 28/REQREP, 29/PUBSUB, 30/PIPELINE, 31/EXPAIR. */
#define ZMQ_PAIR   0
#define ZMQ_PUB    1
#define ZMQ_SUB    2
#define ZMQ_REQ    3
#define ZMQ_REP    4
#define ZMQ_DEALER 5
#define ZMQ_ROUTER 6
#define ZMQ_PULL   7
#define ZMQ_PUSH   8
#define ZMQ_XPUB   9
#define ZMQ_XSUB   10
#define ZMQ_STREAM 11

#define ZMQ_XREQ ZMQ_DEALER /* deprecated */
#define ZMQ_XREP ZMQ_ROUTER /* deprecated */

/* Socket options: zmq_setsockopt(3), zmq_getsockopt(3). */
#define ZMQ_AFFINITY                          4
#define ZMQ_ROUTING_ID                        5
#define ZMQ_SUBSCRIBE                         6
#define ZMQ_UNSUBSCRIBE                       7
#define ZMQ_RATE                              8
#define ZMQ_RECOVERY_IVL                      9
#define ZMQ_SNDBUF                            11
#define ZMQ_RCVBUF                            12
#define ZMQ_RCVMORE                           13
#define ZMQ_FD                                14
#define ZMQ_EVENTS                            15
#define ZMQ_TYPE                              16
#define ZMQ_LINGER                            17
#define ZMQ_RECONNECT_IVL                     18
#define ZMQ_BACKLOG                           19
#define ZMQ_RECONNECT_IVL_MAX                 21
#define ZMQ_MAXMSGSIZE                        22
#define ZMQ_SNDHWM                            23
#define ZMQ_RCVHWM                            24
#define ZMQ_MULTICAST_HOPS                    25
#define ZMQ_RCVTIMEO                          27
#define ZMQ_SNDTIMEO                          28
#define ZMQ_LAST_ENDPOINT                     32
#define ZMQ_ROUTER_MANDATORY                  33
#define ZMQ_TCP_KEEPALIVE                     34
#define ZMQ_TCP_KEEPALIVE_CNT                 35
#define ZMQ_TCP_KEEPALIVE_IDLE                36
#define ZMQ_TCP_KEEPALIVE_INTVL               37
#define ZMQ_IMMEDIATE                         39
#define ZMQ_XPUB_VERBOSE                      40
#define ZMQ_ROUTER_RAW                        41
#define ZMQ_IPV6                              42
#define ZMQ_MECHANISM                         43
#define ZMQ_PLAIN_SERVER                      44
#define ZMQ_PLAIN_USERNAME                    45
#define ZMQ_PLAIN_PASSWORD                    46
#define ZMQ_CURVE_SERVER                      47
#define ZMQ_CURVE_PUBLICKEY                   48
#define ZMQ_CURVE_SECRETKEY                   49
#define ZMQ_CURVE_SERVERKEY                   50
#define ZMQ_PROBE_ROUTER                      51
#define ZMQ_REQ_CORRELATE                     52
#define ZMQ_REQ_RELAXED                       53
#define ZMQ_CONFLATE                          54
#define ZMQ_ZAP_DOMAIN                        55
#define ZMQ_ROUTER_HANDOVER                   56
#define ZMQ_TOS                               57
#define ZMQ_CONNECT_ROUTING_ID                61
#define ZMQ_GSSAPI_SERVER                     62
#define ZMQ_GSSAPI_PRINCIPAL                  63
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL          64
#define ZMQ_GSSAPI_PLAINTEXT                  65
#define ZMQ_HANDSHAKE_IVL                     66
#define ZMQ_SOCKS_PROXY                       68
#define ZMQ_XPUB_NODROP                       69
#define ZMQ_BLOCKY                            70
#define ZMQ_XPUB_MANUAL                       71
#define ZMQ_XPUB_WELCOME_MSG                  72
#define ZMQ_STREAM_NOTIFY                     73
#define ZMQ_INVERT_MATCHING                   74
#define ZMQ_HEARTBEAT_IVL                     75
#define ZMQ_HEARTBEAT_TTL                     76
#define ZMQ_HEARTBEAT_TIMEOUT                 77
#define ZMQ_XPUB_VERBOSER                     78
#define ZMQ_CONNECT_TIMEOUT                   79
#define ZMQ_TCP_MAXRT                         80
#define ZMQ_THREAD_SAFE                       81
#define ZMQ_MULTICAST_MAXTPDU                 84
#define ZMQ_VMCI_BUFFER_SIZE                  85
#define ZMQ_VMCI_BUFFER_MIN_SIZE              86
#define ZMQ_VMCI_BUFFER_MAX_SIZE              87
#define ZMQ_VMCI_CONNECT_TIMEOUT              88
#define ZMQ_USE_FD                            89
#define ZMQ_GSSAPI_PRINCIPAL_NAMETYPE         90
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE 91
#define ZMQ_BINDTODEVICE                      92

/* Deprecated socket options, and old names of others. */
#define ZMQ_IPV4ONLY                31
#define ZMQ_TCP_ACCEPT_FILTER       38
#define ZMQ_IPC_FILTER_PID          58
#define ZMQ_IPC_FILTER_UID          59
#define ZMQ_IPC_FILTER_GID          60
#define ZMQ_IDENTITY                ZMQ_ROUTING_ID
#define ZMQ_CONNECT_RID             ZMQ_CONNECT_ROUTING_ID
#define ZMQ_DELAY_ATTACH_ON_CONNECT ZMQ_IMMEDIATE
#define ZMQ_FAIL_UNROUTABLE         ZMQ_ROUTER_MANDATORY
#define ZMQ_ROUTER_BEHAVIOR         ZMQ_ROUTER_MANDATORY

/* Flags of the send and receive functions. */
#define ZMQ_DONTWAIT 1
#define ZMQ_SNDMORE  2
#define ZMQ_NOBLOCK  ZMQ_DONTWAIT /* deprecated */

/* Values of ZMQ_MECHANISM. */
#define ZMQ_NULL   0
#define ZMQ_PLAIN  1
#define ZMQ_CURVE  2
#define ZMQ_GSSAPI 3

/* Values of ZMQ_GSSAPI_PRINCIPAL_NAMETYPE and ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE. */
#define ZMQ_GSSAPI_NT_HOSTBASED      0
#define ZMQ_GSSAPI_NT_USER_NAME      1
#define ZMQ_GSSAPI_NT_KRB5_PRINCIPAL 2

/* The longest group name of RADIO and DISH, bytes. */
#define ZMQ_GROUP_MAX_LENGTH 255

/*
 * Opens a socket of one of the types above. Close it with zmq_close. Returns NULL and sets errno:
 *   EFAULT  the context is NULL or no context.
 *   EINVAL  unknown type.
 *   EMFILE  ZMQ_MAX_SOCKETS sockets are open, or the process has no descriptor left.
 *   ETERM   the context was terminated or shut down.
 * Follows zmq_socket(3).
 */
ZMQ_EXPORT void *zmq_socket(void *context, int type);

/*
 * Closes a socket. Never waits: what is still to be sent goes out in the background for as long
 * as ZMQ_LINGER says, and zmq_ctx_term waits for that. What was not received is dropped. The
 * handle is invalid afterwards. Returns 0, or -1:
 *   ENOTSOCK  the socket is NULL or closed already.
 * Follows zmq_close(3).
 */
ZMQ_EXPORT int zmq_close(void *socket);

/*
 * Sets a socket option to the `size` bytes at `value`. Most options concern connections and
 * bindings made afterwards. Returns 0, or -1:
 *   EINVAL  unknown option, one that cannot be set on this type, or a wrong size or value.
 *   ETERM, ENOTSOCK  see above.
 * Follows zmq_setsockopt(3), which lists the options with their types, units and limits.
 */
ZMQ_EXPORT int zmq_setsockopt(void *socket, int option, const void *value, size_t size);

/*
 * Reads a socket option into `value`, which has room for *size bytes, and sets *size to the bytes
 * written; the length of texts counts their closing NUL. Returns 0, or -1:
 *   EINVAL  unknown option, one that cannot be read, or *size too small.
 *   ETERM, ENOTSOCK  see above.
 * Follows zmq_getsockopt(3).
 */
ZMQ_EXPORT int zmq_getsockopt(void *socket, int option, void *value, size_t *size);

/*
 * Accepts connections at an endpoint: tcp://ADDRESS:PORT with an IPv4 address, an [IPv6] address,
 * an interface name or * for all, and a port or * for a free one; ipc://PATH, ipc://@NAME or,
 * for a new temporary path, ipc:// and a *; inproc://NAME. What was really bound:
 * ZMQ_LAST_ENDPOINT. Several of each on one socket are fine. Returns 0, or -1:
 *   EADDRINUSE       the address or name is in use.
 *   EADDRNOTAVAIL    the address is not one of this machine.
 *   EINVAL           the text is no endpoint.
 *   ENAMETOOLONG     the ipc path is longer than 107 bytes.
 *   ENODEV           no such interface.
 *   ENOCOMPATPROTO   the transport does not go with the socket type.
 *   EPROTONOSUPPORT  unknown transport; or the options ask for PLAIN or CURVE, not there yet.
 *   EMTHREAD         no I/O thread.
 *   ETERM, ENOTSOCK  see above; other errors of the system as they come.
 * Follows zmq_bind(3), zmq_tcp(7), zmq_ipc(7), zmq_inproc(7).
 */
ZMQ_EXPORT int zmq_bind(void *socket, const char *endpoint);

/*
 * Connects to an endpoint: tcp://HOST:PORT or tcp://SOURCE:PORT;HOST:PORT, ipc://PATH,
 * ipc://@NAME, inproc://NAME. Does not wait for the connection, which is made in the background
 * and made again when it breaks; an inproc name may be bound later. Returns 0, or -1:
 *   EINVAL           the text is no endpoint.
 *   ENAMETOOLONG     the ipc path is longer than 107 bytes.
 *   ENOCOMPATPROTO   the transport does not go with the socket type.
 *   EPROTONOSUPPORT  unknown transport; or the options ask for PLAIN or CURVE, not there yet.
 *   EMTHREAD         no I/O thread.
 *   ETERM, ENOTSOCK  see above.
 * Follows zmq_connect(3), zmq_tcp(7), zmq_ipc(7), zmq_inproc(7).
 */
ZMQ_EXPORT int zmq_connect(void *socket, const char *endpoint);

/*
 * Stops accepting connections at an endpoint: the text given to zmq_bind, or for one with a
 * wildcard the text of ZMQ_LAST_ENDPOINT. The connections accepted there over tcp and ipc end,
 * when what is queued for them has left or ZMQ_LINGER is over; those of inproc go on. As in libzmq
 * this and zmq_disconnect do the same: all goes that the text names. Returns 0, or -1:
 *   EINVAL, EPROTONOSUPPORT, ENOCOMPATPROTO  the text is no endpoint that there could be.
 *   ENOENT  it is neither bound nor connected.
 *   ETERM, ENOTSOCK  see above.
 * Follows zmq_unbind(3).
 */
ZMQ_EXPORT int zmq_unbind(void *socket, const char *endpoint);

/*
 * Ends all connections made by zmq_connect with the same text; what is still to be sent on them
 * goes out for as long as ZMQ_LINGER says. Returns and errors as zmq_unbind.
 * Follows zmq_disconnect(3).
 */
ZMQ_EXPORT int zmq_disconnect(void *socket, const char *endpoint);

/*
 * Sends a copy of the `size` bytes at `data` as a message part; `data` may be NULL when size is 0.
 * Flags, result and errors as zmq_msg_send, and
 *   ENOMEM  no memory for the copy.
 * Follows zmq_send(3).
 */
ZMQ_EXPORT int zmq_send(void *socket, const void *data, size_t size, int flags);

/*
 * Sends `size` bytes at `data` without copying them: they must stay unchanged for ever, as a
 * constant does. Otherwise as zmq_send. Follows zmq_send_const(3).
 */
ZMQ_EXPORT int zmq_send_const(void *socket, const void *data, size_t size, int flags);

/*
 * Receives a message part into `data`, which has room for `size` bytes; what is longer is cut off.
 * Returns the number of bytes that the part had, which may be more than `size`. Whether more parts
 * follow: ZMQ_RCVMORE. Flags and errors as zmq_msg_recv, and
 *   EFAULT  data is NULL and size is not 0; the part is lost, unless it was empty.
 * Follows zmq_recv(3).
 */
ZMQ_EXPORT int zmq_recv(void *socket, void *data, size_t size, int flags);

/* Old forms of zmq_msg_send and zmq_msg_recv: same results and errors, other order of arguments.
 * Follow zmq_sendmsg(3) and zmq_recvmsg(3). */
ZMQ_EXPORT int zmq_sendmsg(void *socket, zmq_msg_t *msg, int flags);
ZMQ_EXPORT int zmq_recvmsg(void *socket, zmq_msg_t *msg, int flags);

/*
 * Old functions without a manual page: the parts of a message as an array of `struct iovec`
 * (<sys/uio.h>), one element a part.
 *
 * zmq_sendiov sends `count` parts. With ZMQ_SNDMORE in `flags` they are one message, of which the
 * last element is the last part; without it each is a message of its own. Returns the number of
 * bytes in the last part, or -1 and errno as zmq_send, or
 *   EINVAL  iov is NULL or count is 0.
 * What was sent before an error remains sent.
 *
 * zmq_recviov receives up to *count parts of one message: each iov_base is set to memory that the
 * caller frees with free(), iov_len to the length of the part, and *count to the number of parts
 * received, also when it fails. Whether the message has more parts: ZMQ_RCVMORE. Returns the
 * number of parts, or -1 and errno as zmq_msg_recv, or
 *   EINVAL  iov or count is NULL, or *count is 0.
 *   ENOMEM  no memory for a part; the part is lost.
 */
struct iovec;
ZMQ_EXPORT int zmq_sendiov(void *socket, struct iovec *iov, size_t count, int flags);
ZMQ_EXPORT int zmq_recviov(void *socket, struct iovec *iov, size_t *count, int flags);

/* ---- waiting for several ------------------------------------------------------------------ */

/* Events of zmq_poll and of the socket option ZMQ_EVENTS. */
#define ZMQ_POLLIN  1
#define ZMQ_POLLOUT 2
#define ZMQ_POLLERR 4
#define ZMQ_POLLPRI 8

#define ZMQ_POLLITEMS_DFLT 16

typedef int zmq_fd_t;

/* What to watch: a ZeroMQ socket, or when that is NULL a file descriptor. */
typedef struct zmq_pollitem_t {
    void *socket;  /* ZeroMQ socket, or NULL */
    zmq_fd_t fd;   /* descriptor, looked at when socket is NULL */
    short events;  /* events wanted */
    short revents; /* those that happened, written by zmq_poll */
} zmq_pollitem_t;

/*
 * Waits until one of `n_items` items has one of its events: ZMQ_POLLIN (something to receive),
 * ZMQ_POLLOUT (something can be sent), for descriptors also ZMQ_POLLERR and ZMQ_POLLPRI. Waits for
 * `timeout_ms` milliseconds at most, not at all for 0, without limit when negative. Sets the
 * revents of all items; of a descriptor that is closed or broken to ZMQ_POLLERR, asked for or not.
 * Returns how many have events, 0 when the time ran out, or -1:
 *   EINVAL    n_items is negative.
 *   EFAULT    items is NULL and n_items is not 0.
 *   EINTR     a signal came while it waited.
 *   ENOTSOCK  an item's socket is no socket, or was closed meanwhile.
 *   ETERM     the context of one of the sockets was terminated or shut down.
 *   ENOMEM    no memory, or no descriptors for sockets of several contexts.
 * Follows zmq_poll(3).
 */
ZMQ_EXPORT int zmq_poll(zmq_pollitem_t *items, int n_items, long timeout_ms);

/* ---- devices ------------------------------------------------------------------------------ */

/* Types of zmq_device. */
#define ZMQ_STREAMER  1
#define ZMQ_FORWARDER 2
#define ZMQ_QUEUE     3

/*
 * Relays messages between two sockets, in the directions that their types allow, until the
 * context ends; greenmq.h offers the same as an object that can be held and asked. A copy of all
 * that passes goes to `capture` (PUB, DEALER, PUSH or PAIR) unless it is NULL; a capture socket
 * that cannot take it loses it and delays nothing, but what comes before its first reader is kept
 * for that (see greenmq.h). Frontend and backend may be the same socket, and capture one of them.
 * The sockets may be of several contexts; then the calling thread itself relays, which is slower,
 * and what comes before the first reader of captures is not kept. Returns only with -1:
 *   EFAULT    frontend or backend is NULL.
 *   ENOTSOCK  another pointer is no socket, or a socket was closed meanwhile.
 *   EBUSY     one of the sockets is in a device already.
 *   EFSM      a message was sent or received in part.
 *   EINVAL    capture is of a type that cannot send at any time.
 *   ETERM     the context of one of the sockets was terminated or shut down.
 *   EINTR     a signal came; what waits is kept, call again to go on.
 * Follows zmq_proxy(3).
 */
ZMQ_EXPORT int zmq_proxy(void *frontend, void *backend, void *capture);

/*
 * As zmq_proxy, and obeys the commands that arrive on `control` (PAIR, REP, PULL or SUB; NULL for
 * none), single-part messages without a closing NUL:
 *   PAUSE       stop relaying; what arrives waits.
 *   RESUME      go on.
 *   TERMINATE   end; the function returns 0.
 *   STATISTICS  answer with 8 parts, each a uint64_t in the byte order of the machine: messages
 *               and bytes received by the frontend, messages and bytes sent by the frontend, and
 *               the same four of the backend.
 * A REP control socket gets an answer to every command, empty for all but STATISTICS. The control
 * may be the capture, too. Returns 0 after TERMINATE, otherwise -1 and errno as zmq_proxy, and
 *   EBUSY   control is frontend or backend.
 *   EINVAL  control is of a type that cannot receive.
 * Follows zmq_proxy_steerable(3).
 */
ZMQ_EXPORT int zmq_proxy_steerable(void *frontend, void *backend, void *capture, void *control);

/*
 * Old form of zmq_proxy(frontend, backend, NULL). `type` (one of the three above) is not looked
 * at: the types of the sockets decide. Results and errors as zmq_proxy.
 */
ZMQ_EXPORT int zmq_device(int type, void *frontend, void *backend);

/* ---- socket events ------------------------------------------------------------------------ */

/*
 * Events of a socket's connections over tcp and ipc, in the order of what they belong to:
 *   connect  CONNECT_DELAYED (not ipc), CONNECTED, HANDSHAKE_SUCCEEDED; or, when nobody is there,
 *            CONNECT_DELAYED, CLOSED, CONNECT_RETRIED, and so on
 *   bind     LISTENING, or BIND_FAILED; then for each connection ACCEPTED, HANDSHAKE_SUCCEEDED
 *   the end  a HANDSHAKE_FAILED_... if it comes to that, DISCONNECTED, CONNECT_RETRIED; CLOSED when
 *            a bind ends. What the application ends itself (zmq_close, zmq_disconnect) is silent.
 * The value is the connection's or listener's descriptor where nothing else is said.
 */
#define ZMQ_EVENT_CONNECTED                  0x0001
#define ZMQ_EVENT_CONNECT_DELAYED            0x0002
#define ZMQ_EVENT_CONNECT_RETRIED            0x0004 /* value: ms until the next attempt */
#define ZMQ_EVENT_LISTENING                  0x0008
#define ZMQ_EVENT_BIND_FAILED                0x0010 /* value: errno */
#define ZMQ_EVENT_ACCEPTED                   0x0020
#define ZMQ_EVENT_ACCEPT_FAILED              0x0040 /* value: errno */
#define ZMQ_EVENT_CLOSED                     0x0080
#define ZMQ_EVENT_CLOSE_FAILED               0x0100 /* value: errno */
#define ZMQ_EVENT_DISCONNECTED               0x0200
#define ZMQ_EVENT_MONITOR_STOPPED            0x0400
#define ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL 0x0800 /* value: errno */
#define ZMQ_EVENT_HANDSHAKE_SUCCEEDED        0x1000
#define ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL  0x2000 /* value: ZMQ_PROTOCOL_ERROR_... */
#define ZMQ_EVENT_HANDSHAKE_FAILED_AUTH      0x4000 /* value: ZAP status 300, 400 or 500 */
#define ZMQ_EVENT_ALL                        0xFFFF

/*
 * Lets a socket tell of its connections: makes a PAIR of the library's own, binds it to `endpoint`
 * (inproc://NAME), and sends each of the `events` (a sum of ZMQ_EVENT_...) through it, to whichever
 * PAIR the application connects there. An event is a message of two parts: the event's number
 * (uint16_t) and value (uint32_t) in six octets, in the byte order of the machine; the endpoint
 * concerned, without a closing NUL. The PAIR counts for ZMQ_MAX_SOCKETS. What happens before
 * somebody connects is kept for it, up to 1,000 events. A reader that does not read loses the
 * newest when 3,000 wait for it, and holds nothing up. When the socket ends, or its
 * monitor is replaced by another or ended (`endpoint` NULL), the last event is
 * ZMQ_EVENT_MONITOR_STOPPED. inproc connections are silent. Returns 0, or -1:
 *   EINVAL           not of the form inproc://NAME; or events that do not exist. The old monitor
 *                    goes on, as with the next.
 *   EPROTONOSUPPORT  another transport than inproc.
 *   EADDRINUSE       the name is bound already. The old monitor has ended, as with the next two.
 *   EMFILE, ENOMEM   no more sockets, no memory.
 *   ENOTSOCK, ETERM  as for zmq_bind.
 * Follows zmq_socket_monitor(3).
 */
ZMQ_EXPORT int zmq_socket_monitor(void *socket, const char *endpoint, int events);

/* Values of ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: what was wrong with the peer (37/ZMTP)... */
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED                   0x10000000
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND            0x10000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE              0x10000002
#define ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE                  0x10000003
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED 0x10000011
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE     0x10000012
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO       0x10000013
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE    0x10000014
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR       0x10000015
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY       0x10000016
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME     0x10000017
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA              0x10000018
/* ...these two may come from a peer that is configured differently... */
#define ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC      0x11000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH 0x11000002
/* ...with the answer of the authenticator (27/ZAP)... */
#define ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED         0x20000000
#define ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY     0x20000001
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID      0x20000002
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION         0x20000003
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE 0x20000004
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA    0x20000005
/* ...or with a WebSocket (45/ZWS). */
#define ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED 0x30000000

/* ---- keys --------------------------------------------------------------------------------- */

/*
 * Writes the `size` bytes at `data` as Z85 text to `dest`, which has room for size / 4 * 5 + 1
 * characters: a closing NUL comes last. Returns dest, or NULL and sets errno:
 *   EINVAL  size is no multiple of 4; or dest, or data with a size, is NULL.
 * Follows zmq_z85_encode(3) and 32/Z85.
 */
ZMQ_EXPORT char *zmq_z85_encode(char *dest, const uint8_t *data, size_t size);

/*
 * Writes the bytes that a Z85 text stands for to `dest`, which has room for strlen(string) / 5 * 4
 * of them. Returns dest, or NULL, and dest may have been written to, and sets errno:
 *   EINVAL  the text is empty, its length is no multiple of 5, it has a character that is not of
 *           Z85, or five of them stand for more than four bytes can hold; or an argument is NULL.
 * Follows zmq_z85_decode(3) and 32/Z85.
 */
ZMQ_EXPORT uint8_t *zmq_z85_decode(uint8_t *dest, const char *string);

/*
 * Makes a new pair of CURVE keys and writes each as 40 characters of Z85 and a closing NUL. (The
 * mechanism itself is not provided yet, see zmq_has.) Returns 0, or -1:
 *   EINVAL   an argument is NULL.
 *   ENOTSUP  the system gives no random numbers.
 * Follows zmq_curve_keypair(3).
 */
ZMQ_EXPORT int zmq_curve_keypair(char *z85_public_key, char *z85_secret_key);

/*
 * Writes the public key that belongs to a secret one, 40 characters of Z85, to `z85_public_key`, in
 * the same way and with a closing NUL. Returns 0, or -1:
 *   EINVAL   an argument is NULL, or the secret key is not 40 characters of Z85.
 *   ENOTSUP  as zmq_curve_keypair.
 * Follows zmq_curve_public(3).
 */
ZMQ_EXPORT int zmq_curve_public(char *z85_public_key, const char *z85_secret_key);

/* ---- counters ----------------------------------------------------------------------------- */

/*
 * A number that threads may count at the same time. zmq_atomic_counter_new makes one, with the
 * value 0, or returns NULL without memory. zmq_atomic_counter_inc adds one and returns the value
 * before; zmq_atomic_counter_dec takes one away and returns 0 if that gave 0, otherwise 1.
 * zmq_atomic_counter_destroy frees it and sets *counter_p to NULL. A counter that is NULL reads as
 * 0. None sets an error. Follow zmq_atomic_counter_new(3) and its neighbours.
 */
ZMQ_EXPORT void *zmq_atomic_counter_new(void);
ZMQ_EXPORT void zmq_atomic_counter_set(void *counter, int value);
ZMQ_EXPORT int zmq_atomic_counter_inc(void *counter);
ZMQ_EXPORT int zmq_atomic_counter_dec(void *counter);
ZMQ_EXPORT int zmq_atomic_counter_value(void *counter);
ZMQ_EXPORT void zmq_atomic_counter_destroy(void **counter_p);

/* ---- timers ------------------------------------------------------------------------------- */

#define ZMQ_HAVE_TIMERS

/* What a timer calls. It may use all functions below, also on its own timer. */
typedef void(zmq_timer_fn)(int timer_id, void *arg);

/*
 * A set of timers, which calls nothing by itself: wait for zmq_timers_timeout milliseconds, then
 * zmq_timers_execute. Used by one thread at a time. Those that return int return 0 unless another
 * result is named, or -1:
 *   EFAULT  timers is NULL or no set of timers; zmq_timers_add: or handler is NULL.
 *   EINVAL  there is no timer timer_id, or it was cancelled.
 *
 * zmq_timers_new makes an empty set, or returns NULL without memory; zmq_timers_destroy frees one
 * with its timers and sets *timers_p to NULL.
 * zmq_timers_add adds a timer that is due every `interval` milliseconds, at first after one, until
 * it is cancelled. Returns its number, 1 or more, or -1 (errors above, and ENOMEM).
 * zmq_timers_set_interval changes the interval, and zmq_timers_reset does not; both let it begin
 * now.
 * zmq_timers_timeout returns in how many milliseconds the next timer is due, 0 when one is due
 * already, or -1 without setting errno when there is none.
 * zmq_timers_execute calls those that are due, each once, the earliest first.
 * Follow zmq_timers(3).
 */
ZMQ_EXPORT void *zmq_timers_new(void);
ZMQ_EXPORT int zmq_timers_destroy(void **timers_p);
ZMQ_EXPORT int zmq_timers_add(void *timers, size_t interval, zmq_timer_fn handler, void *arg);
ZMQ_EXPORT int zmq_timers_cancel(void *timers, int timer_id);
ZMQ_EXPORT int zmq_timers_set_interval(void *timers, int timer_id, size_t interval);
ZMQ_EXPORT int zmq_timers_reset(void *timers, int timer_id);
ZMQ_EXPORT long zmq_timers_timeout(void *timers);
ZMQ_EXPORT int zmq_timers_execute(void *timers);

/* ---- time and threads --------------------------------------------------------------------- */

/*
 * A stopwatch. zmq_stopwatch_start starts one, or returns NULL without memory.
 * zmq_stopwatch_intermediate returns the microseconds since then, and zmq_stopwatch_stop does so
 * and frees it. For NULL they return 0. None sets an error; libzmq has no manual page for them.
 */
ZMQ_EXPORT void *zmq_stopwatch_start(void);
ZMQ_EXPORT unsigned long zmq_stopwatch_intermediate(void *watch);
ZMQ_EXPORT unsigned long zmq_stopwatch_stop(void *watch);

/* Sleeps for so many seconds, without end for a negative number; a signal ends the sleep. */
ZMQ_EXPORT void zmq_sleep(int seconds);

typedef void(zmq_thread_fn)(void *arg);

/*
 * Starts a thread that calls func(arg) and takes no signals. zmq_threadclose waits for its end and
 * frees it (nothing happens for NULL); each thread must be closed. Returns NULL and sets errno:
 *   EAGAIN  the system has no thread left.
 *   EFAULT  func is NULL.
 *   ENOMEM  no memory.
 * libzmq has no manual page for them.
 */
ZMQ_EXPORT void *zmq_threadstart(zmq_thread_fn *func, void *arg);
ZMQ_EXPORT void zmq_threadclose(void *thread);

/* ---- the rest of the API ------------------------------------------------------------------ */

/*
 * Declared for completeness and not provided by this version of the library: they appear only
 * when GREENMQ_DECLARE_ALL is defined, and a program that uses them does not link. A function
 * leaves this block, and gets its description, together with its implementation.
 */
#ifdef GREENMQ_DECLARE_ALL

#endif /* GREENMQ_DECLARE_ALL */

/* ---- drafts ------------------------------------------------------------------------------- */

/* Numbers that libzmq has not declared stable; asking for one gives EINVAL until it is provided. */
#ifdef ZMQ_BUILD_DRAFT_API

#define ZMQ_SERVER  12
#define ZMQ_CLIENT  13
#define ZMQ_RADIO   14
#define ZMQ_DISH    15
#define ZMQ_GATHER  16
#define ZMQ_SCATTER 17
#define ZMQ_DGRAM   18
#define ZMQ_PEER    19
#define ZMQ_CHANNEL 20

#define ZMQ_ZAP_ENFORCE_DOMAIN       93
#define ZMQ_LOOPBACK_FASTPATH        94
#define ZMQ_METADATA                 95
#define ZMQ_MULTICAST_LOOP           96
#define ZMQ_ROUTER_NOTIFY            97
#define ZMQ_XPUB_MANUAL_LAST_VALUE   98
#define ZMQ_SOCKS_USERNAME           99
#define ZMQ_SOCKS_PASSWORD           100
#define ZMQ_IN_BATCH_SIZE            101
#define ZMQ_OUT_BATCH_SIZE           102
#define ZMQ_WSS_KEY_PEM              103
#define ZMQ_WSS_CERT_PEM             104
#define ZMQ_WSS_TRUST_PEM            105
#define ZMQ_WSS_HOSTNAME             106
#define ZMQ_WSS_TRUST_SYSTEM         107
#define ZMQ_ONLY_FIRST_SUBSCRIBE     108
#define ZMQ_RECONNECT_STOP           109
#define ZMQ_HELLO_MSG                110
#define ZMQ_DISCONNECT_MSG           111
#define ZMQ_PRIORITY                 112
#define ZMQ_BUSY_POLL                113
#define ZMQ_HICCUP_MSG               114
#define ZMQ_XSUB_VERBOSE_UNSUBSCRIBE 115
#define ZMQ_TOPICS_COUNT             116
#define ZMQ_NORM_MODE                117
#define ZMQ_NORM_UNICAST_NACK        118
#define ZMQ_NORM_BUFFER_SIZE         119
#define ZMQ_NORM_SEGMENT_SIZE        120
#define ZMQ_NORM_BLOCK_SIZE          121
#define ZMQ_NORM_NUM_PARITY          122
#define ZMQ_NORM_NUM_AUTOPARITY      123
#define ZMQ_NORM_PUSH                124

#define ZMQ_RECONNECT_STOP_CONN_REFUSED     0x1
#define ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED 0x2
#define ZMQ_RECONNECT_STOP_AFTER_DISCONNECT 0x4

#define ZMQ_ZERO_COPY_RECV 10 /* context option */

#define ZMQ_MSG_PROPERTY_ROUTING_ID   "Routing-Id"
#define ZMQ_MSG_PROPERTY_SOCKET_TYPE  "Socket-Type"
#define ZMQ_MSG_PROPERTY_USER_ID      "User-Id"
#define ZMQ_MSG_PROPERTY_PEER_ADDRESS "Peer-Address"

/*
 * zmq_poll with the signals in `sigmask`, a const sigset_t *, blocked while it waits, and those of
 * the thread before and after, as ppoll(2) does it. NULL: the same as zmq_poll. Returns as that
 * does; with EINTR also for a signal that was blocked before, when no item has events. In a green
 * thread that waits the mask has no effect: others run meanwhile.
 */
ZMQ_EXPORT int zmq_ppoll(zmq_pollitem_t *items, int n_items, long timeout_ms, const void *sigmask);

#define ZMQ_NOTIFY_CONNECT    1
#define ZMQ_NOTIFY_DISCONNECT 2

#define ZMQ_EVENT_PIPES_STATS           0x10000
#define ZMQ_CURRENT_EVENT_VERSION       1
#define ZMQ_CURRENT_EVENT_VERSION_DRAFT 2
#define ZMQ_EVENT_ALL_V1                ZMQ_EVENT_ALL
#define ZMQ_EVENT_ALL_V2                (ZMQ_EVENT_ALL_V1 | ZMQ_EVENT_PIPES_STATS)

#endif /* ZMQ_BUILD_DRAFT_API */

#undef ZMQ_EXPORT

#ifdef __cplusplus
}
#endif

#endif
