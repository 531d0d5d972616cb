# SPDX-License-Identifier: MIT
"""Answers questions until Ctrl-C. Start several: the queue gives each its turn."""

import os
import sys

import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5560"
socket = zmq.Context().socket(zmq.REP)
socket.connect(endpoint)
while True:
    question = socket.recv_string()
    socket.send_string(f"{question}: answered by process {os.getpid()}")
