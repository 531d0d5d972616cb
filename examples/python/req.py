# SPDX-License-Identifier: MIT
"""Asks ten questions. Start it before or after its workers (rep.py), once or several times."""

import sys

import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5559"
socket = zmq.Context().socket(zmq.REQ)
socket.connect(endpoint)
for number in range(10):
    socket.send_string(f"question {number}")
    print(socket.recv_string(), flush=True)
