# SPDX-License-Identifier: MIT
"""The works that measure the library itself: one program, linked with either library.

A run is one process of the program (and its far end, which it starts and ends). run.py drives
them as it drives the brokers: in turn, pair after pair, and judges the ratios of the pairs.
"""

import json
import subprocess

PROGRAMS = {"libzmq": ["library-libzmq"], "greenmq": ["library-greenmq"]}
RUN_SECONDS = 20


def works(make):
    """All of them; make() is Work, with what these have in common."""
    made = []
    for transport in ("tcp", "ipc"):
        for size, title in ((16, "16 B"), (1024, "1 KiB")):
            for msg, calls in ((0, "zmq_send"), (1, "zmq_msg_send")):
                name = f"library-{transport}-{size}" + "-msg" * msg
                made.append(make(
                    name, f"PUSH→PULL, {transport}, {title}, {calls}", "msg/s", "flow",
                    {"transport": transport, "size": size, "msg": msg}, "rate", 2))
    for msg, calls in ((0, "zmq_send"), (1, "zmq_msg_send")):
        made.append(make("library-threads" + "-msg" * msg,
                         f"PUSH→PULL, inproc, two threads, 16 B, {calls}", "msg/s", "flow",
                         {"msg": msg}, "rate", 1))
    for msg, calls in ((0, "zmq_send"), (1, "zmq_msg_send")):
        made.append(make("library-thread" + "-msg" * msg,
                         f"PUSH→PULL, inproc, one thread, 16 B, {calls}", "msg/s", "flow",
                         {"one-thread": 1, "msg": msg}, "rate", 3))
    made.append(make("library-thread-burst", "the same, 64 sent before they are received", "msg/s",
                     "flow", {"one-thread": 1, "burst": 64}, "rate", 3))
    for transport, far in (("tcp", "two processes"), ("inproc", "two threads")):
        made.append(make(f"library-trip-{transport}",
                         f"REQ→REP→REQ, {transport}, {far}, 16 B, median", "µs", "trips",
                         {"transport": transport}, "p50_us", 0.8, "ratio at most"))
    made.append(make("library-poll", "zmq_poll() of 1,000 sockets, 1 ready, median", "µs", "poll",
                     {"sockets": 1000}, "p50_us", 0.2, "ratio at most"))
    return made


def run(command, options, prepare):
    """One measurement: its result, or a sentence about what went wrong."""
    arguments = list(command)
    for option, value in options.items():
        arguments += [f"--{option}", str(value)]
    try:
        ended = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               timeout=RUN_SECONDS, check=False, preexec_fn=prepare)
    except subprocess.TimeoutExpired:
        return None, f"did not end in {RUN_SECONDS} s"
    if ended.returncode != 0:
        return None, ended.stderr.strip() or f"ended with {ended.returncode}"
    return json.loads(ended.stdout), ""
