/* SPDX-License-Identifier: MIT */
/* Descriptors of tcp and ipc connections: made and set up as the options say. All functions give
 * a non-blocking, close-on-exec descriptor or 0, or a negative errno. */
#ifndef GREENMQ_TRANSPORT_DESCRIPTOR_H
#define GREENMQ_TRANSPORT_DESCRIPTOR_H

#include "core/option.h"
#include "transport/endpoint.h"

#include <stdbool.h>

/* Listens on an address. Here and below, *made is the descriptor that was made, also if it had to
 * be closed again, or -1. */
int descriptor_listen(const struct options *options, const struct sockaddr *address, socklen_t size,
                      int *made);

/* Takes over a descriptor that the application listens on, as it is but for what all of ours
 * are. */
int descriptor_adopt(int fd);

/* Begins to connect, from `source` if that is not NULL. *connecting tells whether it is still
 * under way. */
int descriptor_connect(const struct options *options, const struct sockaddr *address,
                       socklen_t size, const struct sockaddr *source, socklen_t source_size,
                       bool *connecting, int *made);

/* Accepts one connection; -EAGAIN when there is none, -ECONNABORTED when it is gone or the options
 * do not let it in. */
int descriptor_accept(const struct options *options, int fd);

/* How what was sent gets on. */
enum delivery {
    DELIVERY_DONE,      /* the far end's system has all; over ipc it always has */
    DELIVERY_GOES_ON,   /* it has taken some lately, or has said that there is no room for it */
    DELIVERY_UNDER_WAY, /* it has not answered yet */
    DELIVERY_UNANSWERED /* it does not answer */
};

enum delivery descriptor_delivery(int fd, uint64_t within_ms);

/* The far end as text, such as tcp://127.0.0.1:40120. */
void descriptor_describe(int fd, char *text, size_t room);

/* The far end as messages tell it: the bare address, or localhost:USER:GROUP:PROCESS for ipc. Empty
 * when the system has forgotten it, as after a connection was reset. */
void descriptor_far_host(int fd, char *text, size_t room);

#endif
