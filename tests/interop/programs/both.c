/* SPDX-License-Identifier: MIT */
/* libzmq and greenmq in one process: each asks the other a question over tcp. Linked with libzmq
 * first and greenmq second; each library's functions are taken from its own file. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQ = 3, REP = 4, LAST_ENDPOINT = 32, RCVTIMEO = 27, LIMIT_MS = 20000 };

struct library {
    const char *name;
    void *(*ctx_new)(void);
    int (*ctx_term)(void *);
    void *(*socket)(void *, int);
    int (*close)(void *);
    int (*bind)(void *, const char *);
    int (*connect)(void *, const char *);
    int (*setsockopt)(void *, int, const void *, size_t);
    int (*getsockopt)(void *, int, void *, size_t *);
    int (*send)(void *, const void *, size_t, int);
    int (*recv)(void *, void *, size_t, int);
};

static void *find(void *handle, const char *symbol)
{
    void *function = dlsym(handle, symbol);
    if (!function) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return function;
}

static struct library load(const char *name, const char *file)
{
    void *handle = dlopen(file, RTLD_NOW | RTLD_NOLOAD);
    if (!handle) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    struct library library = {.name = name};
    *(void **)&library.ctx_new = find(handle, "zmq_ctx_new");
    *(void **)&library.ctx_term = find(handle, "zmq_ctx_term");
    *(void **)&library.socket = find(handle, "zmq_socket");
    *(void **)&library.close = find(handle, "zmq_close");
    *(void **)&library.bind = find(handle, "zmq_bind");
    *(void **)&library.connect = find(handle, "zmq_connect");
    *(void **)&library.setsockopt = find(handle, "zmq_setsockopt");
    *(void **)&library.getsockopt = find(handle, "zmq_getsockopt");
    *(void **)&library.send = find(handle, "zmq_send");
    *(void **)&library.recv = find(handle, "zmq_recv");
    return library;
}

static void ask(const struct library *asks, const struct library *answers)
{
    void *rep_ctx = answers->ctx_new(), *rep = answers->socket(rep_ctx, REP);
    void *req_ctx = asks->ctx_new(), *req = asks->socket(req_ctx, REQ);
    char where[64], text[8] = "";
    size_t size = sizeof where;
    int limit_ms = LIMIT_MS;
    answers->setsockopt(rep, RCVTIMEO, &limit_ms, sizeof limit_ms);
    asks->setsockopt(req, RCVTIMEO, &limit_ms, sizeof limit_ms);
    if (answers->bind(rep, "tcp://127.0.0.1:*") ||
        answers->getsockopt(rep, LAST_ENDPOINT, where, &size) || asks->connect(req, where))
        exit(1);
    asks->send(req, "well?", 5, 0);
    if (answers->recv(rep, text, sizeof text, 0) == 5)
        answers->send(rep, "yes", 3, 0);
    memset(text, 0, sizeof text);
    asks->recv(req, text, sizeof text, 0);
    printf("%s asks %s: %s\n", asks->name, answers->name, text);
    asks->close(req);
    answers->close(rep);
    asks->ctx_term(req_ctx);
    answers->ctx_term(rep_ctx);
}

int main(void)
{
    struct library libzmq = load("libzmq", "libzmq.so.5");
    struct library greenmq = load("greenmq", "libgreenmq.so.0");
    ask(&libzmq, &greenmq);
    ask(&greenmq, &libzmq);
    return 0;
}
