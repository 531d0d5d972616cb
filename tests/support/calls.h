/* SPDX-License-Identifier: MIT */
/* Every public function that takes a socket or a context, as a call with nothing wrong in it but
 * the handle, so that tests can give each of them the same bad ones. */
#ifndef SUPPORT_CALLS_H
#define SUPPORT_CALLS_H

#include <stdbool.h>

struct call {
    const char *name;
    int (*call)(void *handle); /* -1 when it failed */
    int null_error;            /* its errno for NULL; 0: NULL means something there */
};

/* A good socket for the functions that take two or three. */
extern void *good_socket;

enum { OPTION_CALLS = 2, SOCKET_CALLS = 25, CONTEXT_CALLS = 3, ENDING_CALLS = 4 };
extern const struct call socket_calls[]; /* first those of zmq_getsockopt() and zmq_setsockopt() */
extern const struct call context_calls[];

/* Those that end something stand apart, because they may succeed. */
extern const struct call close_call;
extern const struct call ending_calls[]; /* first zmq_ctx_shutdown(), then zmq_ctx_term() */

/* Calls with the handle. Complains, for the program may be a child that cannot assert, and says
 * whether it was as expected: an errno, or 0 for success. */
bool call_gives(const struct call *call, void *handle, const char *what, int expected);
bool calls_give(const struct call *calls, int count, void *handle, const char *what, int expected);

#endif
