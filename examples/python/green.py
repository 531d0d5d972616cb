# SPDX-License-Identifier: MIT
"""Ten clients in one thread, each a greenlet of gevent, ask through a queue (see rep.py)."""

import sys

import gevent
import zmq.green as zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5559"
context = zmq.Context()


def ask(name):
    socket = context.socket(zmq.REQ)
    socket.connect(endpoint)
    for number in range(10):
        socket.send_string(f"client {name}, question {number}")
        print(socket.recv_string(), flush=True)


gevent.joinall([gevent.spawn(ask, name) for name in range(10)], raise_error=True)
