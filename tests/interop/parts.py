# SPDX-License-Identifier: MIT
"""Parts of a scene that need no process of their own: starting one costs more than most scenes do.

A Script is a role of peers.py, on libzmq, in a thread of the test. A Member is one of client.c, on
our library; the Crew is the one process of it that plays all of them, each in a thread. Each part
has a context of its own, and so shares nothing with the others. Both say what a harness.Child says,
and can be waited for like one. LibzmqBroker is libzmq's own proxy in such a thread: the other side
of the comparison. Whoever gets stuck fails the test with what it said.
"""

import subprocess
import threading
import unittest

import harness
import peers
import zmq

KINDS = {
    "queue": (zmq.ROUTER, zmq.DEALER),
    "forwarder": (zmq.XSUB, zmq.XPUB),
    "streamer": (zmq.PULL, zmq.PUSH),
}


class Thread(harness.Lines):
    """A thread with a context of its own, which ends it."""

    def __init__(self):
        super().__init__()
        self.context = zmq.Context()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.failure = None

    def _run(self):
        try:
            self.run()
        except zmq.ContextTerminated:
            pass
        except BaseException as error:  # pylint: disable=broad-except
            self.failure = f"{type(error).__name__}: {error}"
            self.add("err", self.failure)
        with self.changed:
            self.changed.notify_all()

    def run(self):
        raise NotImplementedError

    def is_over(self):
        return not self.thread.is_alive() or self.failure is not None

    def is_running(self):
        return not self.is_over()

    def wait_exit(self):
        self.thread.join(harness.LIMIT_S)
        if self.thread.is_alive():
            raise AssertionError(f"still running: {self.said()}")
        return 1 if self.failure else 0

    def kill(self):
        self.context.term()
        if self.wait_exit() != 0:
            raise AssertionError(f"it went wrong: {self.said()}")


class Script(Thread):
    def __init__(self, role, endpoint, name="", count=0):
        super().__init__()
        self.role = role
        self.peer = peers.Peer(self.context, lambda text: self.add("out", text), endpoint, name,
                               count)
        self.thread.start()

    def title(self):
        return f"{self.role} {self.peer.endpoint} {self.peer.name} {self.peer.count}"

    def run(self):
        self.peer.play(self.role)


class LibzmqBroker(Thread):
    def __init__(self, kind, frontend, backend):
        super().__init__()
        self.kind = kind
        self.sockets = [self.context.socket(one) for one in KINDS[kind]]
        for sock, endpoint in zip(self.sockets, (frontend, backend)):
            sock.linger = 0
            sock.bind(endpoint)
        self.frontend, self.backend = (sock.LAST_ENDPOINT.decode() for sock in self.sockets)
        self.thread.start()

    def title(self):
        return f"libzmq's {self.kind}"

    def run(self):
        try:
            zmq.proxy(*self.sockets)
        finally:
            for sock in self.sockets:
                sock.close()


class Crew(harness.Child):
    """The process of client.c; it plays until the end of the module, and must end well."""

    current = None

    def __init__(self):
        super().__init__([harness.find_client("client")], stdin=subprocess.PIPE)
        self.members = []

    @classmethod
    def at_work(cls):
        if cls.current is None or not cls.current.is_running():
            cls.current = cls()
            unittest.addModuleCleanup(cls.current.end)
        return cls.current

    def tell(self, *words):
        self.process.stdin.write("\t".join(map(str, words)).encode() + b"\n")
        self.process.stdin.flush()

    def add(self, stream, text):
        number, _, rest = text.partition(" ")
        if stream == "out" and number.isdigit():
            self.members[int(number)].add(stream, rest)
        else:
            super().add(stream, text)

    def end(self):
        self.process.stdin.close()
        code = self.wait_exit()
        if code != 0 or self.lines["err"]:
            raise AssertionError(f"the clients did not end well: {self.said()}")


class Member(harness.Lines):
    def __init__(self, role, endpoint, name="", count=0):
        super().__init__()
        self.crew = Crew.at_work()
        self.number = len(self.crew.members)
        self.words = (role, endpoint, name, count)
        self.crew.members.append(self)
        self.crew.tell(self.number, *self.words)

    def title(self):
        return " ".join(map(str, self.words)) + "\n" + self.crew.said()

    def is_over(self):
        return self.crew.is_over()

    def wait_exit(self):
        self.wait_line("^done ")
        return 0

    def kill(self):
        if not self.is_over():
            self.crew.tell(self.number, "leave")
            self.wait_line("^left$")


class Parts:
    """Mixed into a harness.Case whose peers these are."""

    def part(self, part):
        self.children.append(part)
        return part

    def script(self, *words):
        return self.part(Script(*words))

    def client(self, *words):
        return self.part(Member(*words))

    def libzmq_broker(self, kind):
        number = len(self.children)
        return self.part(LibzmqBroker(kind, self.address(f"f{number}"),
                                      self.address(f"b{number}")))
