# SPDX-License-Identifier: MIT
"""Hears everything that begins with the word it is given ("weather"), until Ctrl-C."""

import sys

import zmq

topic = sys.argv[1] if len(sys.argv) > 1 else "weather"
endpoint = sys.argv[2] if len(sys.argv) > 2 else "tcp://127.0.0.1:5560"
socket = zmq.Context().socket(zmq.SUB)
socket.setsockopt_string(zmq.SUBSCRIBE, topic)
socket.connect(endpoint)
while True:
    print(socket.recv_string(), flush=True)
