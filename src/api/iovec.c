/* SPDX-License-Identifier: MIT */
/* zmq_sendiov() and zmq_recviov(), old functions that no manual page describes: the parts of a
 * message as an array. They send and receive part by part; what a failure finds done stays so. */
#include "api/enter.h"

#include <greenmq/zmq.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

int zmq_sendiov(void *socket, struct iovec *iov, size_t count, int flags)
{
    int rc = 0;
    if (!is_open_socket(socket))
        return answer(-ENOTSOCK);
    if (!iov || count == 0)
        return answer(-EINVAL);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        int last = i + 1 == count ? ZMQ_SNDMORE : 0;
        rc = zmq_send(socket, iov[i].iov_base, iov[i].iov_len, flags & ~last);
    }
    return rc;
}

/* Receives a part into memory of its own, which is the caller's to free. Returns whether more
 * follow, or -1. */
static int receive(void *socket, struct iovec *part, int flags)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    int rc = zmq_msg_recv(&msg, socket, flags);
    size_t size = zmq_msg_size(&msg);
    if (rc >= 0) {
        part->iov_base = malloc(size ? size : 1);
        part->iov_len = part->iov_base ? size : 0;
        rc = part->iov_base ? zmq_msg_more(&msg) : -1;
    }
    if (rc >= 0 && size)
        memcpy(part->iov_base, zmq_msg_data(&msg), size);
    int error = errno;
    zmq_msg_close(&msg);
    errno = error;
    return rc;
}

int zmq_recviov(void *socket, struct iovec *iov, size_t *count, int flags)
{
    int more = 1;
    if (!is_open_socket(socket))
        return answer(-ENOTSOCK);
    if (!iov || !count || *count == 0)
        return answer(-EINVAL);
    size_t room = *count;
    for (*count = 0; *count < room && more > 0; *count += more >= 0)
        more = receive(socket, &iov[*count], flags);
    return more < 0 ? -1 : answer_size(*count);
}
