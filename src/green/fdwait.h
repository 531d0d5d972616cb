/* SPDX-License-Identifier: MIT */
/* Green threads of one hub that wait for descriptors. One epoll descriptor holds them all; the
 * hub's idle thread waits for that. Several may wait for the same descriptor.
 *
 * Each wait arms the descriptor for one event, so that a descriptor nobody waits for wakes nobody,
 * and one that was closed and opened again meanwhile is taken for what it is now. */
#ifndef GREENMQ_GREEN_FDWAIT_H
#define GREENMQ_GREEN_FDWAIT_H

#include <poll.h>
#include <stdint.h>

struct fdwait;
struct hub;

struct fdwait *fdwait_new(void);
void fdwait_free(struct fdwait *fdwait);

/* To be polled: readable when fdwait_look() has something to find. */
int fdwait_fd(const struct fdwait *fdwait);

/* Wakes those whose descriptors are ready, without waiting. */
void fdwait_look(struct fdwait *fdwait);

/* The calling green thread waits, once, for one of these descriptors to be ready; revents is set
 * as poll(2) does it, and negative descriptors are left out. Returns also when it is woken for
 * another reason or at the deadline. How many have revents; -EBADF, -ENOMEM, -EMFILE. */
int fdwait_park(struct hub *hub, struct pollfd *fds, nfds_t count, const char *what,
                uint64_t deadline_ns);

/* poll(2) until the deadline, in which only the calling green thread is suspended. How many have
 * revents, 0 at the deadline; a negative errno as from fdwait_park(), or as from thread_check(). */
int fdwait_poll(struct hub *hub, struct pollfd *fds, nfds_t count, const char *what,
                uint64_t deadline_ns);

/* The descriptor is about to be closed: who waits for it in this hub finds POLLNVAL. */
void fdwait_forget(struct hub *hub, int fd);

#endif
