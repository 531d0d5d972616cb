# SPDX-License-Identifier: MIT
"""Hands out a hundred tasks and ends when all of them have left."""

import sys

import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5559"
socket = zmq.Context().socket(zmq.PUSH)
socket.connect(endpoint)
for number in range(100):
    socket.send_string(f"task {number}")
