# SPDX-License-Identifier: MIT
"""What every interop test stands on: the real command, children, sockets and bounded waiting.

Happy path: a test derives from Case, asks it for a broker (the greenmq command in a process of its
own), for sockets on libzmq that are known to have finished their handshake, and for workers that
serve in threads. At the end everything is closed, each broker is told to stop, and it must leave
with 0, with books that balance and without a word from a sanitizer: that is part of every test.

Failure modes: every wait ends after LIMIT_S with an AssertionError that shows what the child said;
a test that hangs all the same is ended by a watchdog with the stacks of all threads. Children die
with this process, and are only ever signalled by their own pid.

Nothing here sleeps: one waits for a line of output, for an event of a socket monitor, for a message
or for the end of a process.
"""

import ctypes
import faulthandler
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import accounts
import zmq

LIMIT_S = int(os.environ.get("GREENMQ_TEST_LIMIT_S", "20"))
WATCHDOG_S = 120
DRAIN_S = 1
ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
SANITIZER = re.compile(r"Sanitizer|runtime error:|Assertion|check failed")
BOUND = re.compile(r"(frontend|backend|capture)\b.*?((?:tcp|ipc)://\S+)")
PR_SET_PDEATHSIG = 1


def find_built(variable, places, name=""):
    """The path of a built file: where the environment says, or where the builds leave it."""
    if os.environ.get(variable):
        places = [os.environ[variable]]
    for place in places:
        path = ROOT / place / name
        if path.is_file():
            return path
    raise FileNotFoundError(f"nothing is built at {places} {name}; {variable} can say where it is")


def find_command():
    """The greenmq command."""
    return find_built("GREENMQ_BIN", ("build/dev/bin/greenmq", "build/bin/greenmq"))


def find_client(name):
    """A program of this folder's *.c, on our library."""
    return find_built("GREENMQ_PROGRAMS", ("build/dev/tests/interop",), name)


given_ports = set()


def free_port():
    """A port that was free a moment ago, for tests that need the same one twice. Never one that it
    has given already: systems do so when asked for two in a row."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in given_ports:
            given_ports.add(port)
            return port


def cpu_s(pid):
    """The processor seconds that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    """The memory that a process has in use."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Lines:
    """What somebody says on stdout and stderr, and how to wait for it."""

    changed = threading.Condition()  # of all, so that one can wait for several

    def __init__(self):
        self.lines = {"out": [], "err": []}

    def title(self):
        raise NotImplementedError

    def is_over(self):
        """True when nothing more can come."""
        raise NotImplementedError

    def add(self, stream, text):
        with self.changed:
            self.lines[stream].append(text)
            self.changed.notify_all()

    def said(self):
        """All that it has said so far, for the message of a failure."""
        return (f"{self.title()}\n"
                + "".join(f"  out| {line}\n" for line in self.lines["out"])
                + "".join(f"  err| {line}\n" for line in self.lines["err"]))

    def out(self):
        return "\n".join(self.lines["out"])

    def err(self):
        return "\n".join(self.lines["err"])

    def wait_until(self, is_met, what):
        """Waits until is_met() is true of the lines; fails at the limit or at the end of them."""
        deadline = time.monotonic() + LIMIT_S
        with self.changed:
            while not is_met():
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self.is_over():
                    raise AssertionError(f"never saw {what} from {self.said()}")
                self.changed.wait(left_s)

    def wait_line(self, pattern, stream="out", count=1):
        """The match of the count-th line that has the pattern."""
        found = []

        def is_met():
            found[:] = [m for m in (re.search(pattern, x) for x in self.lines[stream]) if m]
            return len(found) >= count

        self.wait_until(is_met, f"{count} x {pattern!r} on std{stream}")
        return found[count - 1]


class Child(Lines):
    """A process whose lines on stdout and stderr can be waited for."""

    def __init__(self, argv, env=None, stdin=subprocess.DEVNULL):
        super().__init__()
        self.argv = [str(word) for word in argv]
        self.open_streams = 2
        self.process = subprocess.Popen(
            self.argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            preexec_fn=die_with_parent)
        self.readers = []
        for name, stream in (("out", self.process.stdout), ("err", self.process.stderr)):
            reader = threading.Thread(target=self._collect, args=(name, stream), daemon=True)
            reader.start()
            self.readers.append(reader)

    def _collect(self, name, stream):
        for line in stream:
            text = line.decode(errors="replace")
            self.add(name, text[:-1] if text.endswith("\n") else text + " (cut off)")
        stream.close()
        with self.changed:
            self.open_streams -= 1
            self.changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    def title(self):
        return f"{' '.join(self.argv)}\n  rc {self.process.poll()}"

    def is_over(self):
        return self.open_streams == 0

    def wait_exit(self, limit_s=LIMIT_S):
        """Its exit code, with all its output collected."""
        try:
            code = self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {limit_s} s: {self.said()}") from None
        for reader in self.readers:
            reader.join(LIMIT_S)
        return code

    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """As a power cut would end it; returns once it is gone."""
        if self.is_running():
            self.process.kill()
        self.wait_exit()


class Broker(Child):
    """The greenmq command (or a stand-in with the same words) around its two endpoints lists."""

    def __init__(self, kind, frontend, backend, *options, program=None):
        self.keeps_books = program is None and "-q" not in options
        argv = program or [find_command()]
        super().__init__([*argv, kind, *options, frontend, backend])
        self.bound = {"frontend": [], "backend": [], "capture": []}
        self.expected = sum(not word.startswith(">") for word in
                            f"{frontend},{backend}".split(","))
        self.expected += sum(word == "--capture" and not options[i + 1].startswith(">")
                             for i, word in enumerate(options))
        if "-q" not in options:
            self.wait_until(self._is_bound, f"{self.expected} bound endpoints")

    def _is_bound(self):
        matches = [BOUND.search(line) for line in self.lines["out"] if "bound" in line]
        for side in self.bound:
            self.bound[side] = [m[2] for m in matches if m and m[1] == side]
        return sum(len(places) for places in self.bound.values()) >= self.expected

    @property
    def frontend(self):
        return self.bound["frontend"][0]

    @property
    def backend(self):
        return self.bound["backend"][0]

    @property
    def capture(self):
        return self.bound["capture"][0]

    def stop(self):
        """SIGTERM, and it must go with 0, in time, and clean in the eyes of the sanitizers."""
        if self.is_running():
            self.signal(signal.SIGTERM)
        try:
            code = self.wait_exit(DRAIN_S)
        except AssertionError:
            self.signal(signal.SIGTERM)  # it waits for peers that this scene has left hanging
            code = self.wait_exit()
        if code != 0 or SANITIZER.search(self.err()):
            raise AssertionError(f"the broker did not end well: {self.said()}")
        if self.keeps_books and "the books balance" not in self.out():
            raise AssertionError(f"the books do not balance: {self.said()}")

    def account(self):
        """The closing account of a broker that has ended, as accounts.py reads it."""
        (_, account), = accounts.read(self.lines["out"]).items()
        return account


class Case(unittest.TestCase):
    """One scene: a context, a folder, children; all gone at its end whatever happens."""

    transport = "tcp"

    def setUp(self):
        faulthandler.dump_traceback_later(WATCHDOG_S, exit=True)
        self.folder = tempfile.mkdtemp(prefix="gmq")
        self.context = zmq.Context()
        self.context.linger = 0
        self.sockets, self.children, self.threads, self.failures = [], [], [], []
        self.addCleanup(self._end)

    def _end(self):
        for sock in self.sockets:
            sock.close(0)
        self.context.term()
        for thread in self.threads:
            thread.join(LIMIT_S)
        try:
            for child in self.children:
                if isinstance(child, Broker) and child.process.returncode != -signal.SIGKILL:
                    child.stop()
        finally:
            for child in self.children:
                child.kill()
            shutil.rmtree(self.folder, ignore_errors=True)
            faulthandler.cancel_dump_traceback_later()
        self.assertEqual(self.failures, [], "a worker failed")

    def address(self, name):
        """An endpoint to bind on this scene's transport."""
        if self.transport == "ipc":
            return f"ipc://{self.folder}/{name}"
        return "tcp://127.0.0.1:*"

    def child(self, *argv, env=None):
        child = Child(argv, env)
        self.children.append(child)
        return child

    def broker(self, kind, frontend=None, backend=None, *options, program=None):
        number = len(self.children)
        child = Broker(kind, frontend or self.address(f"f{number}"),
                       backend or self.address(f"b{number}"), *options, program=program)
        self.children.append(child)
        return child

    def libzmq_broker(self, kind, frontend=None, backend=None):
        """The same words spoken by libzmq's own proxy."""
        program = [sys.executable, HERE / "libzmq_broker.py"]
        return self.broker(kind, frontend, backend, program=program)

    def script(self, *words, green=False):
        """A peer of peers.py in a process of its own, with or without gevent."""
        return self.child(sys.executable, HERE / "peers.py", *(["--green"] if green else []),
                          *words)

    def socket(self, kind, endpoint=None, subscribe=(), **options):
        """A socket on libzmq, connected and past its handshake when an endpoint is given."""
        sock = open_socket(self.context, kind, subscribe, options)
        self.sockets.append(sock)
        if endpoint:
            connect(sock, endpoint)
        return sock

    def worker(self, endpoint, answer=lambda parts: parts, kind=zmq.REP, copy=True, **options):
        """Serves in a thread until the scene's end: receives, answers with what answer() says."""
        sock = open_socket(self.context, kind, (), {"RCVTIMEO": -1, **options})
        connect(sock, endpoint)

        def serve():
            with sock:
                while True:
                    reply = answer(sock.recv_multipart(copy=copy))
                    if reply is not None:
                        sock.send_multipart(reply, copy=copy)

        return self.thread(serve)

    def thread(self, function):
        """Runs it in a thread; what goes wrong in there fails the test at its end."""
        def body():
            try:
                function()
            except zmq.ContextTerminated:
                pass
            except BaseException as error:  # pylint: disable=broad-except
                self.failures.append(f"{type(error).__name__}: {error}")

        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        self.threads.append(thread)
        return thread

    def together(self, *functions):
        """Runs them at the same time and returns when all are through."""
        threads = [self.thread(function) for function in functions]
        for thread in threads:
            thread.join(LIMIT_S)
            self.assertFalse(thread.is_alive(), "a thread did not come to its end")
        self.assertEqual(self.failures, [])


def open_socket(context, kind, subscribe=(), options=None):
    sock = context.socket(kind)
    settings = {"LINGER": 0, "RCVTIMEO": LIMIT_S * 1000, "SNDTIMEO": LIMIT_S * 1000}
    for name, value in {**settings, **(options or {})}.items():
        sock.setsockopt(getattr(zmq, name), value)
    for prefix in subscribe:
        sock.setsockopt(zmq.SUBSCRIBE, prefix)
    return sock


def connect(sock, endpoint, event=zmq.EVENT_HANDSHAKE_SUCCEEDED):
    """Connects and returns once the handshake is through."""
    monitor = sock.get_monitor_socket(event)
    try:
        sock.connect(endpoint)
        wait_event(monitor, event)
    finally:
        sock.disable_monitor()
        monitor.close(0)


def wait_event(monitor, event):
    deadline = time.monotonic() + LIMIT_S
    while monitor.poll(max(0, int((deadline - time.monotonic()) * 1000))):
        # Not by zmq.utils.monitor: it brings asyncio, which every script would load at its start.
        number, _ = struct.unpack("=HI", monitor.recv_multipart()[0])
        if number == event:
            return
    raise AssertionError(f"the socket never reported {event!r}")


def main():
    unittest.main(verbosity=2)
