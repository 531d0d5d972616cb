/* SPDX-License-Identifier: MIT */
/* Lists of endpoints, as CZMQ writes them: separated by commas, '>' in front to connect, '@' in
 * front, or nothing, to bind. */
#ifndef APP_ENDPOINT_H_INCLUDED
#define APP_ENDPOINT_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>

struct endpoint {
    const char *text; /* without its sign; lies in the list's copy */
    bool is_connect;
    char actual[256]; /* set by endpoint_attach(): what was bound, with its real port */
};

struct endpoints {
    char *copy; /* the list as written, commas replaced by NULs */
    struct endpoint *items;
    size_t count;
};

/* Splits a list. Returns 0, EINVAL when an endpoint between two commas is empty, or ENOMEM. */
int endpoints_init(struct endpoints *endpoints, const char *list);
void endpoints_term(struct endpoints *endpoints);

/* Binds or connects the socket. Returns 0 or an errno. */
int endpoint_attach(struct endpoint *endpoint, void *socket);

/* Why that errno came, in words that end a sentence. */
const char *endpoint_reason(int error);

/* True when the errno says that the text is no endpoint at all, whatever the machine is like. */
bool endpoint_is_wrong(int error);

#endif
