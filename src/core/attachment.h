/* SPDX-License-Identifier: MIT */
/* Attachments: what a bind or a connect has left with its socket. A transport makes them, with
 * socket_add_attachment(), and is told by close() when they shall go. */
#ifndef GREENMQ_CORE_ATTACHMENT_H
#define GREENMQ_CORE_ATTACHMENT_H

#include "base/list.h"

#include <stdbool.h>

struct peer;

/* One bind or connect, as zmq_unbind() and zmq_disconnect() name it. */
struct attachment {
    LIST_ENTRY(attachment) line;
    char *endpoint;                               /* the text that names it */
    char *last;                                   /* the same, to become the socket's last one */
    bool bound, local;                            /* bind, not connect; inproc */
    bool ended;                                   /* disconnected; what was queued still leaves */
    struct peer *peer;                            /* of a connect; NULL for a bind */
    void (*close)(struct attachment *attachment); /* ends it and frees it */
};

#endif
