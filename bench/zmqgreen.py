#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What gevent makes of libzmq: one PUSH to one PULL over inproc, each in a greenlet of its own.

The same as `library flow --green 1` of greenmq: every message is numbered and looked at, and the
receiver counts in a window after a warm-up. Prints the result as JSON. Started by run.py.
"""

import argparse
import json
import time

import gevent
import zmq.green as zmq

CLOCK_EVERY = 64


def push(socket, size):
    count = 0
    while True:
        socket.send((count & 0xFFFFFFFF).to_bytes(4, "little").ljust(size, b"\0"))
        count += 1


def pull_for(socket, seconds, count):
    """Messages a second, and how many there have been since the beginning."""
    start, first = time.monotonic(), count
    while time.monotonic() - start < seconds:
        for _ in range(CLOCK_EVERY):
            if int.from_bytes(socket.recv()[:4], "little") != count & 0xFFFFFFFF:
                raise SystemExit("a message is lost, or not the next")
            count += 1
    return (count - first) / (time.monotonic() - start), count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=["flow"])
    parser.add_argument("--warmup", type=int, default=100, metavar="MS")
    parser.add_argument("--window", type=int, default=500, metavar="MS")
    parser.add_argument("--size", type=int, default=16, metavar="BYTES")
    args = parser.parse_args()
    context = zmq.Context()
    receiver, sender = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    receiver.bind("inproc://bench")
    sender.connect("inproc://bench")
    pusher = gevent.spawn(push, sender, args.size)
    _, count = gevent.spawn(pull_for, receiver, args.warmup / 1000, 0).get()
    rate, count = gevent.spawn(pull_for, receiver, args.window / 1000, count).get()
    pusher.kill()
    print(json.dumps({"rate": rate}))
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
