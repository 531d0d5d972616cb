# SPDX-License-Identifier: MIT
"""Peers that run in a process of their own, so that a test can kill them, with or without gevent.

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


def say(*words):
    print(*words, flush=True)


def connected(context, kind, endpoint, **options):
    sock = harness.open_socket(context, kind, (), options)
    if GREEN:
        sock.connect(endpoint)
    else:
        harness.connect(sock, endpoint)
    say("ready")
    return sock


def rep(context, endpoint, name, _count):
    """Answers 'NAME:request'; says each request it has answered."""
    sock = connected(context, zmq.REP, endpoint, RCVTIMEO=-1)
    while True:
        request = sock.recv()
        sock.send(name.encode() + b":" + request)
        say("served", request.decode())


def req(context, endpoint, name, count):
    """Asks in lock-step and asks again when an answer stays away; the answers must match. It says
    every 50th number; for ever when the count is 0."""
    sock = connected(context, zmq.REQ, endpoint, RCVTIMEO=RETRY_MS, REQ_RELAXED=1, REQ_CORRELATE=1)
    for number in range(count) if count else itertools.count():
        question = f"{name}-{number}".encode()
        answer = None
        while answer is None:
            sock.send(question)
            try:
                answer = sock.recv()
            except zmq.Again:
                say("again", question.decode())
        if answer.split(b":", 1)[1] != question:
            sys.exit(f"asked {question!r} and got {answer!r}")
        if number % 50 == 0:
            say("asked", number)
    say("done", count)


def push(context, endpoint, name, count):
    """Sends 'NAME' and a number as two parts; for ever when the count is 0."""
    sock = connected(context, zmq.PUSH, endpoint, LINGER=-1, SNDTIMEO=-1)
    for number in range(count) if count else itertools.count():
        sock.send_multipart([name.encode(), b"%d" % number])
        if number % 500 == 0:
            say("sent", number)
    say("done", count)


def pull(context, endpoint, _name, _count):
    sock = connected(context, zmq.PULL, endpoint, RCVTIMEO=-1)
    while True:
        say("got", b" ".join(sock.recv_multipart()).decode())


def pub(context, endpoint, name, count):
    """Waits for somebody to want the topic, then sends it with a number."""
    sock = connected(context, zmq.XPUB, endpoint, LINGER=-1, XPUB_NODROP=1)
    while sock.recv() != b"\x01" + name.encode():
        pass
    for number in range(count) if count else itertools.count():
        sock.send_multipart([name.encode(), b"%d" % number])
    say("done", count)


def sub(context, endpoint, name, count):
    """Counts what comes on the topic; for ever when the count is 0."""
    sock = connected(context, zmq.SUB, endpoint, RCVTIMEO=-1)
    sock.setsockopt(zmq.SUBSCRIBE, name.encode())
    for number in range(count) if count else itertools.count():
        say("got", b" ".join(sock.recv_multipart()).decode())
    say("done", count)


ROLES = {"rep": rep, "req": req, "push": push, "pull": pull, "pub": pub, "sub": sub}


def main():
    words = [word for word in sys.argv[1:] if word != "--green"]
    role, endpoint, name, count = words + ["", "", "", "0"][len(words):]
    context = zmq.Context()
    if GREEN:
        gevent.spawn(ROLES[role], context, endpoint, name, int(count)).get()
    else:
        ROLES[role](context, endpoint, name, int(count))
    context.term()


if __name__ == "__main__":
    main()
