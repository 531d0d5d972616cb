# SPDX-License-Identifier: MIT
"""Publishes the weather and the sports until Ctrl-C. What nobody wants is not even sent."""

import itertools
import sys
import time

import zmq

endpoint = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:5559"
socket = zmq.Context().socket(zmq.PUB)
socket.connect(endpoint)
for number in itertools.count():
    socket.send_string(f"weather report {number}")
    socket.send_string(f"sports result {number}")
    time.sleep(0.1)
