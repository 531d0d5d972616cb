// SPDX-License-Identifier: MIT
// A C++ program that includes both headers of greenmq.
#include <greenmq/greenmq.h>
#include <iostream>
#include <string>
#include <zmq.h>

int main()
{
    void *ctx = zmq_ctx_new();
    void *left = zmq_socket(ctx, ZMQ_PAIR), *right = zmq_socket(ctx, ZMQ_PAIR);
    if (zmq_bind(left, "inproc://hello") || zmq_connect(right, "inproc://hello"))
        return 1;
    zmq_send(left, "hello", 5, 0);
    std::string text(5, ' ');
    zmq_recv(right, &text[0], text.size(), 0);
    zmq_close(left);
    zmq_close(right);
    zmq_ctx_term(ctx);
    std::cout << text << '\n';
}
