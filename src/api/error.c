/* SPDX-License-Identifier: MIT */
/* What the library says about itself and about errors. Nothing in here can fail. */
#include <greenmq/zmq.h>

#include <string.h>

int zmq_errno(void)
{
    return errno;
}

const char *zmq_strerror(int errnum)
{
    /* The words that people search for, so they are libzmq's. */
    switch (errnum) {
    case EFSM: return "Operation cannot be accomplished in current state";
    case ENOCOMPATPROTO: return "The protocol is not compatible with the socket type";
    case ETERM: return "Context was terminated";
    case EMTHREAD: return "No thread available";
    case EHOSTUNREACH: return "Host unreachable";
    default: return strerror(errnum);
    }
}

void zmq_version(int *major, int *minor, int *patch)
{
    if (major)
        *major = ZMQ_VERSION_MAJOR;
    if (minor)
        *minor = ZMQ_VERSION_MINOR;
    if (patch)
        *patch = ZMQ_VERSION_PATCH;
}

int zmq_has(const char *capability)
{
    return capability && (strcmp(capability, "ipc") == 0 || strcmp(capability, "greenmq") == 0);
}
