/* SPDX-License-Identifier: MIT */
/*
 * tcp: the few socket calls that the bench programs share.
 *
 * Endpoints are `tcp://IPv4:PORT`, where PORT may be `*` or 0 for one that the system picks.
 * All descriptors are non-blocking and have TCP_NODELAY. Failure is a negative errno.
 */
#ifndef BENCH_TCP_H
#define BENCH_TCP_H

#include <netinet/in.h>

/* Reads an endpoint into `addr`; -EINVAL when it has another form. */
int tcp_parse(const char *endpoint, struct sockaddr_in *addr);

/* Listens there and writes back the address that was really bound. */
int tcp_listen(struct sockaddr_in *addr);

/* Starts to connect; the descriptor becomes writable when that has ended. `buffer_kib` is asked
 * for in both directions (Linux gives twice that); 0 leaves it to the system. */
int tcp_connect(const struct sockaddr_in *addr, unsigned buffer_kib);

/* Takes one connection from a listener. */
int tcp_accept(int listener);

#endif
