# SPDX-License-Identifier: MIT
"""The works that measure green threads, each beside what would be used without them.

A run is one process: the program `green` or one of its likes (see README.md). Programs are given
by name, as the command line begins after the kind of work.
"""

SYSTEM = {"system": ["system"], "greenmq": ["green"]}
INPROC = {"libzmq": ["library-libzmq"], "greenmq": ["library-greenmq", "--green", "1"]}
GEVENT = {"zmq.green": ["zmqgreen.py"], "greenmq": ["library-greenmq", "--green", "1"]}
ALONE = {"greenmq": ["green"]}
DEVICES = {"zmq_proxy": ["devices-libzmq", "--count", "1000"],
           "greenmq": ["devices-greenmq", "--count", "10000"]}


def works(make):
    """All of them; make() is Work, with what these have in common."""
    made = [
        make("green-switch", "switch of stacks; swapcontext()", "ns", "switch", {}, "ns", 1 / 8,
             "ratio at most", programs=SYSTEM),
        make("green-spawn", "spawn and join; pthread_create(), pthread_join()", "ns", "spawn", {},
             "ns", 1 / 20, "ratio at most", programs=SYSTEM),
        make("green-growth", "growth of the process by 1,000,000 spawns", "B", "growth",
             {"count": 1_000_000}, "grown_bytes", 1 << 20, "value at most", programs=ALONE,
             most_pairs=1),
        make("green-flow", "PUSH→PULL, inproc, 16 B; libzmq, two threads", "msg/s", "flow", {},
             "rate", 2, programs=INPROC),
        make("green-gevent", "PUSH→PULL, inproc, 16 B; gevent, zmq.green", "msg/s", "flow", {},
             "rate", 20, programs=GEVENT),
        make("green-trip", "REQ→REP→REQ, inproc, 16 B, median; libzmq, threads", "µs", "trips", {},
             "p50_us", 1 / 10, "ratio at most", programs=INPROC),
        make("green-sleepers", "100,000 sleepers, lateness, 99th percentile", "ms", "sleepers",
             {"from": 2000, "to": 10000}, "p99_ms", 5, "value at most", programs=ALONE,
             most_pairs=1, quick_load={"to": 4000}),
    ]
    for metric, title, unit, bar in (("bytes_each", "memory each; 1,000 zmq_proxy", "B", 16384),
                                     ("threads", "threads; of 1,000 zmq_proxy", "", 1),
                                     ("descriptors", "descriptors; of 1,000 zmq_proxy", "", 32),
                                     ("idle_us", "processor in an idle second", "µs", 1000),
                                     ("start_ms", "start of all", "ms", 2000),
                                     ("use_ms", "a message through each", "ms", 2000),
                                     ("stop_ms", "end of all", "ms", 2000)):
        made.append(make(f"green-devices-{metric.partition('_')[0]}",
                         f"10,000 idle devices, {title}", unit, "idle", {"idle": 1000}, metric, bar,
                         "value at most", programs=DEVICES, most_pairs=1))
    return made
