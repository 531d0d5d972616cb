/* SPDX-License-Identifier: MIT */
/* A program whose own names are those of greenmq's inside: linked with the archive, too, each
 * must keep to its own. Includes as a program written for libzmq does. */
#include <stdio.h>
#include <string.h>
#include <zmq.h>
#include <zmq_utils.h>

#ifdef WITH_GREENMQ_H
#include <greenmq/greenmq.h>
#endif

const char *peer_open(void);
const char *socket_open(void);
const char *buffer_init(void);
const char *buffer_term(void);
const char *msg_init(void);
const char *ctx_new(void);
const char *loop_turn(void);
const char *stream_fail(void);

const char *peer_open(void)
{
    return "peer";
}
const char *socket_open(void)
{
    return "socket";
}
const char *buffer_init(void)
{
    return "buffer";
}
const char *buffer_term(void)
{
    return "term";
}
const char *msg_init(void)
{
    return "msg";
}
const char *ctx_new(void)
{
    return "ctx";
}
const char *loop_turn(void)
{
    return "turn";
}
const char *stream_fail(void)
{
    return "fail";
}

int main(void)
{
    void *ctx = zmq_ctx_new(), *rep = zmq_socket(ctx, ZMQ_REP), *req = zmq_socket(ctx, ZMQ_REQ);
    char where[64], text[16] = "";
    size_t size = sizeof where;
    if (zmq_bind(rep, "tcp://127.0.0.1:*") ||
        zmq_getsockopt(rep, ZMQ_LAST_ENDPOINT, where, &size) || zmq_connect(req, where))
        return 1;
    zmq_send(req, "hello", 5, 0);
    zmq_recv(rep, text, sizeof text, 0);
    zmq_send(rep, text, strlen(text), 0);
    memset(text, 0, sizeof text);
    zmq_recv(req, text, sizeof text, 0);
    char public_key[41], secret_key[41];
    if (zmq_curve_keypair(public_key, secret_key))
        return 2;
    zmq_close(req);
    zmq_close(rep);
    zmq_ctx_term(ctx);
#ifdef WITH_GREENMQ_H
    if (gmq_device_new(NULL, NULL, NULL))
        return 3;
#endif
    printf("%s %s %s %s %s %s %s %s %s\n", text, peer_open(), socket_open(), buffer_init(),
           buffer_term(), msg_init(), ctx_new(), loop_turn(), stream_fail());
    return 0;
}
