# SPDX-License-Identifier: MIT
"""Peers on libzmq: in a process of their own, so that a test can kill them, with or without gevent;
or in a thread of the test (parts.py).

    peers.py [--green] ROLE ENDPOINT [NAME [COUNT]]

rep, req, push, pull, pub and sub do what their names say against the endpoint they connect to.
Each says "ready" when it is connected and "done COUNT" when it is through; rep, pull and sub print
what matters of each message, so that the test reads it from their output. With --green the very
same code runs on zmq.green and inside a greenlet.
"""

import itertools
import sys

import harness

GREEN = "--green" in sys.argv
if GREEN:
    import gevent
    import zmq.green as zmq
else:
    import zmq

RETRY_MS = 1000


class Peer:
    """Plays one of the roles, which are its methods; what it says goes to say(text)."""

    def __init__(self, context, say, endpoint, name="", count=0):
        self.context, self.say = context, say
        self.endpoint, self.name, self.count = endpoint, name, count
        self.sock = None

    def play(self, role):
        if role not in ROLES:
            raise ValueError(role)
        try:
            getattr(self, role)()
        finally:
            if self.sock:
                self.sock.close()

    def connect(self, kind, **options):
        self.sock = harness.open_socket(self.context, kind, (), options)
        if GREEN:
            self.sock.connect(self.endpoint)
        else:
            harness.connect(self.sock, self.endpoint)
        self.say("ready")
        return self.sock

    def numbers(self):
        return range(self.count) if self.count else itertools.count()

    def rep(self):
        """Answers 'NAME:request'; says each request it has answered."""
        sock = self.connect(zmq.REP, RCVTIMEO=-1)
        while True:
            request = sock.recv()
            sock.send(self.name.encode() + b":" + request)
            self.say(f"served {request.decode()}")

    def req(self):
        """Asks in lock-step and asks again when an answer stays away; the answers must match. It
        says every 50th number; for ever when the count is 0."""
        sock = self.connect(zmq.REQ, RCVTIMEO=RETRY_MS, REQ_RELAXED=1, REQ_CORRELATE=1)
        for number in self.numbers():
            question = f"{self.name}-{number}".encode()
            answer = None
            while answer is None:
                sock.send(question)
                try:
                    answer = sock.recv()
                except zmq.Again:
                    self.say(f"again {question.decode()}")
            if answer.split(b":", 1)[1] != question:
                sys.exit(f"asked {question!r} and got {answer!r}")
            if number % 50 == 0:
                self.say(f"asked {number}")
        self.say(f"done {self.count}")

    def push(self):
        """Sends 'NAME' and a number as two parts; for ever when the count is 0."""
        sock = self.connect(zmq.PUSH, LINGER=-1, SNDTIMEO=-1)
        for number in self.numbers():
            sock.send_multipart([self.name.encode(), b"%d" % number])
            if number % 500 == 0:
                self.say(f"sent {number}")
        self.say(f"done {self.count}")

    def pull(self):
        sock = self.connect(zmq.PULL, RCVTIMEO=-1)
        while True:
            self.say("got " + b" ".join(sock.recv_multipart()).decode())

    def pub(self):
        """Waits for somebody to want the topic, then sends it with a number."""
        sock = self.connect(zmq.XPUB, LINGER=-1, XPUB_NODROP=1)
        while sock.recv() != b"\x01" + self.name.encode():
            pass
        for number in self.numbers():
            sock.send_multipart([self.name.encode(), b"%d" % number])
        self.say(f"done {self.count}")

    def sub(self):
        """Counts what comes on the topic; for ever when the count is 0."""
        sock = self.connect(zmq.SUB, RCVTIMEO=-1)
        sock.setsockopt(zmq.SUBSCRIBE, self.name.encode())
        for _ in self.numbers():
            self.say("got " + b" ".join(sock.recv_multipart()).decode())
        self.say(f"done {self.count}")


ROLES = ("rep", "req", "push", "pull", "pub", "sub")


def main():
    words = [word for word in sys.argv[1:] if word != "--green"]
    role, endpoint, name, count = words + ["", "", "", "0"][len(words):]
    context = zmq.Context()
    peer = Peer(context, lambda text: print(text, flush=True), endpoint, name, int(count))
    if GREEN:
        gevent.spawn(peer.play, role).get()
    else:
        peer.play(role)
    context.term()


if __name__ == "__main__":
    main()
