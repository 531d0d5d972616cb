# SPDX-License-Identifier: MIT
"""Sockets of all types that meet peers of ZMTP 1.0, and what either side got, printed.

test_zmtp1.py runs it on libzmq and on greenmq and compares. The peers are made of bytes, and both
sides connect in turn. Nothing here waits for a time to pass.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import zmq  # noqa: E402 (the path must be set before)

import zmtp  # noqa: E402
from zmtp import Wire, frame_v1, message_v1  # noqa: E402

SIZES = (0, 1, 252, 253, 254, 255, 256, 70000)
TALK = [b"two", b"parts"]
SENDS = ("PUSH", "DEALER", "PAIR", "PUB", "XPUB")
RECEIVES = ("PULL", "DEALER", "PAIR", "SUB", "XSUB")


class Scene:
    """A socket and its peer of 1.0."""

    def __init__(self, name, context, dials, identity=b"", own=b"", **options):
        self.socket = context.socket(getattr(zmq, name))
        self.socket.linger = 0
        self.socket.rcvtimeo = self.socket.sndtimeo = zmtp.LIMIT_S * 1000
        if own:
            self.socket.routing_id = own
        for option, value in options.items():
            setattr(self.socket, option, value)
        if dials:
            listener = zmtp.Listener()
            self.socket.connect(listener.endpoint)
            self.wire = listener.accept()
            listener.close()
        else:
            port = self.socket.bind_to_random_port("tcp://127.0.0.1")
            self.wire = Wire.connect(f"tcp://127.0.0.1:{port}")
        print(name, "dials" if dials else "listens", "says", self.wire.handshake_v1(identity))

    def close(self):
        self.wire.close()
        self.socket.close(0)


def receive(scene):
    for size in SIZES:
        scene.wire.send(frame_v1(b"r" * size))
        print("  got", [len(part) for part in scene.socket.recv_multipart()])
    scene.wire.send(message_v1(*TALK), frame_v1(b"short in long", is_long=True),
                    frame_v1(b"flags of 2.1.9", 0x7e))
    scene.wire.send_apart(message_v1(b"slow", b"x" * 300, b"sure"))
    for _ in range(4):
        print("  got", scene.socket.recv_multipart())


def send(scene):
    for size in SIZES:
        scene.socket.send(b"s" * size)
        print("  sent", [len(part) for part in scene.wire.read_message_v1()])
    scene.socket.send_multipart(TALK)
    print("  sent", scene.wire.read_message_v1())


def play(context, dials):
    for name in sorted(set(SENDS + RECEIVES)):
        scene = Scene(name, context, dials, b"peer", b"me" if name == "DEALER" else b"")
        if name in ("SUB", "XSUB"):
            scene.socket.subscribe(b"") if name == "SUB" else scene.socket.send(b"\x01")
            scene.wire.send(frame_v1(b"first"))  # libzmq's SUB looks at its peers when it receives
            print("  got", scene.socket.recv(), "told", scene.wire.read_message_v1())
        if name == "XPUB":
            print("  noted", scene.socket.recv())
            scene.wire.send(frame_v1(b"\x01topic"))
            print("  noted", scene.socket.recv())
        if name == "PUB":
            await_subscription(scene)
        if name in RECEIVES:
            receive(scene)
        if name in SENDS:
            send(scene)
        if name == "XPUB" and not dials:
            scene.wire.close()
            print("  noted", sorted(scene.socket.recv() for _ in range(2)))
        scene.close()


def await_subscription(scene):
    """The peer has joined as soon as one message has come: the first ones may be lost."""
    scene.wire.sock.settimeout(0.05)
    while True:
        scene.socket.send(b"?")
        try:
            first = scene.wire.sock.recv(1)
            break
        except TimeoutError:
            pass
    scene.wire.sock.settimeout(zmtp.LIMIT_S)
    scene.wire.read(first[0])
    scene.socket.send(b"!")
    while scene.wire.read_message_v1() != [b"!"]:
        pass


def ask_and_answer(context, dials):
    scene = Scene("REQ", context, dials)
    for size in SIZES:
        scene.socket.send(b"q" * size)
        parts = scene.wire.read_message_v1()
        scene.wire.send(message_v1(*parts, b"a" * size))
        print("  asked", [len(part) for part in parts],
              [len(part) for part in scene.socket.recv_multipart()])
    scene.close()
    scene = Scene("REP", context, dials, b"client")
    for size in SIZES:
        scene.wire.send(message_v1(b"hop", b"", b"q" * size))
        parts = scene.socket.recv_multipart()
        scene.socket.send(b"a" * size)
        print("  answered", [len(part) for part in parts],
              [len(part) for part in scene.wire.read_message_v1()])
    scene.close()
    for identity in (b"client", b"c" * 253, b"c" * 254, b"c" * 255):
        scene = Scene("ROUTER", context, dials, identity, b"server")
        scene.wire.send(message_v1(b"", b"question"))
        print("  got", scene.socket.recv_multipart())
        scene.socket.send_multipart([identity, b"", b"answer"])
        print("  sent", scene.wire.read_message_v1())
        scene.close()
    scene = Scene("ROUTER", context, dials)
    scene.wire.send(message_v1(b"", b"question"))
    name, *parts = scene.socket.recv_multipart()
    scene.socket.send_multipart([name, *parts])
    print("  got", len(name), parts, scene.wire.read_message_v1())
    scene.close()


def break_rules(context):
    for octets in (b"\x00", b"\xff" + bytes(9), b"\xff\x7f" + bytes(8), b"\xff" * 9 + b"\x00"):
        scene = Scene("PULL", context, False)
        scene.wire.send(frame_v1(b"good"), octets)
        print("  got", scene.socket.recv(), "and", scene.wire.read_end())
        scene.close()
    scene = Scene("PULL", context, False, maxmsgsize=10)
    scene.wire.send(frame_v1(b"x" * 10), frame_v1(b"y" * 11))
    print("  got", scene.socket.recv(), "and", scene.wire.read_end())
    scene.close()


def meet_beta(context):
    """libzmq 3.1.0 greets with revision 0 and goes on as in 1.0."""
    pull = context.socket(zmq.PULL)
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    wire = Wire.connect(f"tcp://127.0.0.1:{port}")
    wire.send(zmtp.SIGNATURE, b"\x00\x08", frame_v1())
    print("beta", wire.read(12), wire.read_frame_v1())
    wire.send(message_v1(*TALK))
    print("  got", pull.recv_multipart())
    wire.close()
    pull.close(0)


def main():
    context = zmq.Context()
    for dials in (False, True):
        play(context, dials)
        ask_and_answer(context, dials)
    break_rules(context)
    meet_beta(context)
    context.term()


if __name__ == "__main__":
    main()
