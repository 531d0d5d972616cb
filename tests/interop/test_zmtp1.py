# SPDX-License-Identifier: MIT
"""Peers of ZMTP 1.0, as libzmq 2.x is one, made of bytes: with sockets of all types, on libzmq and
on greenmq with the same words (programs/old_peers.py), and at the command's devices."""

import sys
import unittest

import compat
import harness
import zmq
from zmtp import Listener, Wire, frame_v1, message, message_v1

SIZES = (0, 253, 254, 255, 256, 65536, 300_000)


class Sockets(unittest.TestCase):
    maxDiff = None

    def test_all_types_say_and_hear_the_same_as_with_libzmq(self):
        said = [compat.run(sys.executable, compat.PROGRAMS / "old_peers.py",
                           env=compat.environment(library), limit_s=60)
                for library in (compat.LIBZMQ, compat.GREENMQ)]
        self.assertGreater(len(said[0].splitlines()), 200)
        self.assertEqual(said[1], said[0])


class Devices(harness.Case):
    """The books balance at the end of each scene: harness.Case sees to it."""

    def old(self, endpoint, identity=b""):
        wire = Wire.connect(endpoint)
        self.addCleanup(wire.close)
        self.assertEqual(wire.handshake_v1(identity), b"")
        return wire

    def test_streamer_between_old_and_new(self):
        broker = self.broker("streamer")
        pushers = [self.old(broker.frontend), self.socket(zmq.PUSH, broker.frontend)]
        old = self.old(broker.backend)
        for size in SIZES:
            pushers[0].send(message_v1(b"from old", b"x" * size))
            self.assertEqual(old.read_message_v1(), [b"from old", b"x" * size])
            pushers[1].send_multipart([b"from new", b"x" * size])
            self.assertEqual(old.read_message_v1(), [b"from new", b"x" * size])
        old.close()
        broker.stop()
        self.assertEqual(broker.account()["frontend to backend"]["forwarded"][:2],
                         (2 * len(SIZES), 4 * len(SIZES)))

    def test_streamer_to_new(self):
        broker = self.broker("streamer")
        puller = self.socket(zmq.PULL, broker.backend)
        old = self.old(broker.frontend)
        for size in SIZES:
            old.send(message_v1(b"x" * size, b"", b"y" * size))
            self.assertEqual(puller.recv_multipart(), [b"x" * size, b"", b"y" * size])

    def test_queue(self):
        broker = self.broker("queue")
        self.worker(broker.backend, lambda parts: [b"new", *parts])
        client = self.old(broker.frontend, b"old client")
        for size in SIZES:
            client.send(message_v1(b"", b"q" * size))
            self.assertEqual(client.read_message_v1(), [b"", b"new", b"q" * size])

    def test_queue_with_an_old_worker(self):
        broker = self.broker("queue")
        worker = self.old(broker.backend)
        client = self.socket(zmq.REQ, broker.frontend, ROUTING_ID=b"new")
        for size in SIZES:
            client.send(b"q" * size)
            parts = worker.read_message_v1()
            self.assertEqual(parts, [b"new", b"", b"q" * size])
            worker.send(message_v1(*parts))
            self.assertEqual(client.recv(), b"q" * size)

    def test_old_subscriber_gets_everything(self):
        broker = self.broker("forwarder", None, None, "-v")
        old = self.old(broker.backend)
        broker.wait_line("backend peer .*joined")
        publisher = Wire.connect(broker.frontend)
        publisher.handshake("PUB")
        self.assertEqual(publisher.read_wish(), b"+")
        for size in SIZES:
            publisher.send(message(b"topic", b"x" * size))
            self.assertEqual(old.read_message_v1(), [b"topic", b"x" * size])
        old.close()
        self.assertEqual(publisher.read_wish(), b"-")
        publisher.close()

    def test_old_publisher_is_filtered(self):
        """It is told of subscriptions as libzmq tells it, and sends all the same."""
        broker = self.broker("forwarder")
        subscriber = self.socket(zmq.SUB, broker.backend, [b"a"])
        old = self.old(broker.frontend)
        self.assertEqual(old.read_message_v1(), [b"\x01a"])
        for number in range(100):
            old.send(frame_v1(b"b%d" % number), frame_v1(b"a%d" % number))
        for number in range(100):
            self.assertEqual(subscriber.recv(), b"a%d" % number)

    def test_device_that_dials(self):
        listener = Listener()
        self.addCleanup(listener.close)
        broker = self.broker("streamer", None, f">{listener.endpoint}")
        old = listener.accept()
        self.addCleanup(old.close)
        old.handshake_v1()
        self.socket(zmq.PUSH, broker.frontend).send(b"out")
        self.assertEqual(old.read_message_v1(), [b"out"])

    def test_slow_reader_gets_all_in_order(self):
        """More than the system takes at once, so that headers leave in pieces."""
        broker = self.broker("streamer")
        old = self.old(broker.backend)
        pusher = self.socket(zmq.PUSH, broker.frontend)
        sending = self.thread(lambda: [pusher.send(b"%d" % n + b"x" * (n % 700))
                                       for n in range(30000)])
        for number in range(30000):
            self.assertEqual(old.read_message_v1(), [b"%d" % number + b"x" * (number % 700)])
        sending.join()

    def test_what_breaks_the_rules_is_refused_by_name(self):
        broker = self.broker("streamer", None, None, "-v")
        for octets, reason in ((b"\x00", "without flags"),
                               (b"\xff" * 9 + b"\x00", "larger than is allowed")):
            old = self.old(broker.frontend)
            host, port = old.sock.getsockname()
            old.send(octets)
            old.read_end()
            broker.wait_line(f"frontend peer tcp://{host}:{port} refused: .*{reason}")


if __name__ == "__main__":
    harness.main()
