/* SPDX-License-Identifier: MIT */
/* posix.h: makes calls of the system green in the file that includes it.
 *
 * Include it last. From there on sleep, usleep, nanosleep, poll, read, write, connect, accept and
 * getaddrinfo stop only the green thread that calls them: code that was written for ordinary
 * threads and blocking descriptors can be taken over as it is. Returns and errors are those of the
 * manual pages, and, in a green thread, ECANCELED and ETIMEDOUT as with every call of green.h.
 * Descriptors that were set to O_NONBLOCK behave as always.
 *
 * No other call is made green. These, among others, still stop the ordinary thread with all its
 * green threads: send, sendto, sendmsg, recv, recvfrom, recvmsg, accept4, select, pselect, ppoll,
 * epoll_wait, readv, writev, pread, pwrite, sendfile, clock_nanosleep, sigwait, pause, open of a
 * FIFO, flock, getnameinfo, gethostbyname, wait, waitpid, system, pthread_mutex_lock,
 * pthread_cond_wait, pthread_join, sem_wait; and all that stdio and other libraries do inside.
 * greenmq-green(3), DESCRIPTORS, says for each what to do instead: mostly gmq_wait_fd() before it,
 * or gmq_offload() around it.
 *
 * The names are function-like macros: a member of a struct that is called like one of them cannot
 * be called in such a file. In an ordinary thread without green threads they are the plain
 * calls. */
#ifndef GREENMQ_POSIX_H_INCLUDED
#define GREENMQ_POSIX_H_INCLUDED

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__ || defined __clang__
#define GMQ_POSIX_EXPORT __attribute__((visibility("default")))
#else
#define GMQ_POSIX_EXPORT
#endif

/* sleep(3): the seconds that were left when it was cut short, with errno saying why. */
GMQ_POSIX_EXPORT unsigned gmq_posix_sleep(unsigned seconds);

/* usleep(3), of any length. */
GMQ_POSIX_EXPORT int gmq_posix_usleep(unsigned long microseconds);

/* nanosleep(2). */
GMQ_POSIX_EXPORT int gmq_posix_nanosleep(const struct timespec *length, struct timespec *left);

/* poll(2). */
GMQ_POSIX_EXPORT int gmq_posix_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

/* read(2). Files are read at once: gmq_offload() is for those that are slow. */
GMQ_POSIX_EXPORT ssize_t gmq_posix_read(int fd, void *data, size_t size);

/* write(2): like a blocking write it returns when all is written, or how much was before it could
 * not go on. */
GMQ_POSIX_EXPORT ssize_t gmq_posix_write(int fd, const void *data, size_t size);

/* connect(2). If it is cut short, the connection may still come about. */
GMQ_POSIX_EXPORT int gmq_posix_connect(int fd, const struct sockaddr *address, socklen_t size);

/* accept(2). */
GMQ_POSIX_EXPORT int gmq_posix_accept(int fd, struct sockaddr *address, socklen_t *size);

/* getaddrinfo(3), in a thread of gmq_offload()'s. EAI_SYSTEM with errno when it is cut short. */
GMQ_POSIX_EXPORT int gmq_posix_getaddrinfo(const char *node, const char *service,
                                           const struct addrinfo *hints, struct addrinfo **result);

#undef GMQ_POSIX_EXPORT

#ifdef __cplusplus
}
#endif

#define sleep(seconds)               gmq_posix_sleep(seconds)
#define usleep(microseconds)         gmq_posix_usleep(microseconds)
#define nanosleep(length, left)      gmq_posix_nanosleep(length, left)
#define poll(fds, count, timeout_ms) gmq_posix_poll(fds, count, timeout_ms)
#define read(fd, data, size)         gmq_posix_read(fd, data, size)
#define write(fd, data, size)        gmq_posix_write(fd, data, size)
#define connect(fd, address, size)   gmq_posix_connect(fd, address, size)
#define accept(fd, address, size)    gmq_posix_accept(fd, address, size)
#define getaddrinfo(node, service, hints, result) \
    gmq_posix_getaddrinfo(node, service, hints, result)

#endif
