# SPDX-License-Identifier: MIT
"""Event loops that wait for ZMQ_FD: asyncio, tornado, gevent (libev), libuv, epoll by edges, and
poll without ever asking for events. Each scene of programs/loops.py looks at a socket on which
something remains to be done, and has other things to do: it must not use the processor meanwhile,
and in the end nothing may be left lying.

The scenes wait most of the time, so they run side by side. Processor time is counted while a scene
does nothing: some milliseconds, where a loop that spins uses all it can get of two seconds.
"""

import concurrent.futures
import importlib.util
import pathlib
import subprocess
import sys
import tempfile
import unittest

import compat

SCENES = ("asyncio_worker", "asyncio_room", "asyncio_trickle", "asyncio_paused", "asyncio_end",
          "gevent_worker", "gevent_room", "gevent_poller", "gevent_trickle", "tornado_stopped",
          "epoll_edges", "simple_poll")
# libzmq's descriptor may be readable for ever once the context ends, and is no level.
BETTER_THAN_LIBZMQ = ("asyncio_end", "simple_poll")
IDLE_S = 0.15
LIMIT_S = 60
JOBS = 6


def run(argv, library):
    """What a program printed on a library, or None and why it failed."""
    told = subprocess.run([str(word) for word in argv], env=compat.environment(library),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=LIMIT_S, check=False)
    return (told.stdout if told.returncode == 0 else None), told.stdout + told.stderr


class Loops(unittest.TestCase):
    def setUp(self):
        missing = [name for name in ("zmq", "gevent", "tornado")
                   if not importlib.util.find_spec(name)]
        if missing:
            self.skipTest(f"{missing} not installed")

    def use_no_processor(self, commands, skipped=()):
        """Runs each command with one I/O thread on both libraries, and without one on ours."""
        wanted = [(compat.LIBZMQ, "1"), (compat.GREENMQ, "1"), (compat.GREENMQ, "0")]
        runs = {}
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            for name, argv in commands.items():
                for library, threads in wanted:
                    if library == compat.GREENMQ or name not in skipped:
                        runs[name, library, threads] = pool.submit(run, [*argv, threads], library)
        for what, future in runs.items():
            with self.subTest(" ".join(what)):
                said, told = future.result()
                self.assertIsNotNone(said, told)
                self.assertLess(float(said), IDLE_S)

    def test_in_python(self):
        script = compat.PROGRAMS / "loops.py"
        self.use_no_processor({name: (sys.executable, "-W", "ignore", script, name)
                               for name in SCENES}, BETTER_THAN_LIBZMQ)

    def test_in_libuv(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "uvidle")
            compat.run(compat.CC, "-std=gnu11", compat.PROGRAMS / "uvidle.c", "-o", program,
                       "-luv", "-lzmq", limit_s=60)
            self.use_no_processor({"libuv": (program,)})


if __name__ == "__main__":
    unittest.main(verbosity=2)
