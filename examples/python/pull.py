# SPDX-License-Identifier: MIT
"""Takes tasks until Ctrl-C. Start several: the streamer gives each its share."""

import sys

import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5560"
socket = zmq.Context().socket(zmq.PULL)
socket.connect(endpoint)
while True:
    print(socket.recv_string(), flush=True)
