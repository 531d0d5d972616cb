/* SPDX-License-Identifier: MIT */
/* A proxy that a device cannot be: one whose sockets belong to several contexts, or that has one
 * socket for two purposes. It is a relay in the calling thread. */
#ifndef GREENMQ_API_PROXY_H
#define GREENMQ_API_PROXY_H

#include <stdbool.h>

struct proxy_sockets {
    void *frontend, *backend;
    void *capture, *control; /* or NULL */
};

/* Are these for proxy_run() rather than a device? What is no socket is not looked at. */
bool proxy_is_needed(const struct proxy_sockets *sockets);

/* Passes messages until the control says TERMINATE: 0. Otherwise -ETERM: one of the contexts ends;
 * -ENOTSOCK; -EBUSY: a socket is a device's, or is face and control at once; -EINVAL: capture
 * cannot send or control cannot receive; -EFSM: a message is half sent; -ENOMEM; in a green thread
 * -ECANCELED and -ETIMEDOUT. No signal ends it. */
int proxy_run(const struct proxy_sockets *sockets);

#endif
