# SPDX-License-Identifier: MIT
"""C programs on our library against other people's ZeroMQ, and the other way round.

client.c has the roles of peers.py; relay.c is a broker made of zmq_proxy, zmq_device,
zmq_proxy_steerable or two threads.
"""

import struct

import zmq

import harness
from parts import Parts
from scenes import Scenes


class CScenes(Parts, Scenes):
    cast = ("client", "script")
    largest = 16 << 20

    def test_sizes(self):
        broker = self.launch("queue")
        self.worker(broker.backend, copy=False)
        client = self.client("sizes", broker.frontend, "", self.largest)
        for size in (1 << 20, 16 << 20, self.largest):  # each has its time
            client.wait_line(f"echoed {min(size, self.largest)}$")
        self.assertEqual(client.wait_exit(), 0)


class AroundOurCommand(CScenes, harness.Case):
    largest = 64 << 20

    def launch(self, kind):
        return self.broker(kind)


class AroundOurCommandOverIpc(AroundOurCommand):
    transport = "ipc"
    largest = 16 << 20
    cast = ("client",)


class AroundLibzmq(CScenes, harness.Case):
    def casts(self):
        """Scripts alone would play it without us."""
        return [pair for pair in super().casts() if "client" in pair]

    def launch(self, kind):
        return self.libzmq_broker(kind)


class AroundLibzmqOverIpc(AroundLibzmq):
    transport = "ipc"
    largest = 1 << 20
    cast = ("client",)


class AroundOurProxy(CScenes, harness.Case):
    cast = ("script",)
    mode = "proxy"

    def launch(self, kind):
        return self.broker(kind, program=[harness.find_client("relay"), self.mode])


class AroundOurDevice(AroundOurProxy):
    mode = "device"
    largest = 1 << 20


class AroundOurTwoThreads(AroundOurProxy):
    mode = "threads"


class Steered(harness.Case):
    """zmq_proxy_steerable of our library, told what to do by libzmq."""

    def launch(self, kind):
        broker = self.broker(kind, None, None, "tcp://127.0.0.1:*",
                             program=[harness.find_client("relay"), "steerable"])
        place = broker.wait_line("control bound to (.*)")[1]
        self.control = self.socket(zmq.REQ, place)
        return broker

    def tell(self, word):
        self.control.send(word)
        return self.control.recv_multipart()

    def test_statistics(self):
        broker = self.launch("streamer")
        pusher = self.socket(zmq.PUSH, broker.frontend)
        puller = self.socket(zmq.PULL, broker.backend)
        for _ in range(10):
            pusher.send_multipart([b"12345", b"678"])
            puller.recv_multipart()
        answer = self.tell(b"STATISTICS")
        numbers = [struct.unpack("=Q", part)[0] for part in answer]
        # Received and sent, messages and octets, of the frontend and of the backend.
        self.assertEqual(numbers, [10, 80, 0, 0, 0, 0, 10, 80])

    def test_pause_and_resume(self):
        broker = self.launch("streamer")
        pusher = self.socket(zmq.PUSH, broker.frontend)
        puller = self.socket(zmq.PULL, broker.backend)
        pusher.send(b"before")
        self.assertEqual(puller.recv(), b"before")
        self.assertEqual(self.tell(b"PAUSE"), [b""])
        for number in range(50):
            pusher.send(b"%d" % number)
        before = harness.cpu_s(broker.pid)
        self.assertEqual(puller.poll(500), 0, "something passed a paused proxy")
        self.assertLess(harness.cpu_s(broker.pid) - before, 0.1, "a paused proxy is busy")
        self.assertEqual(self.tell(b"RESUME"), [b""])
        self.assertEqual([int(puller.recv()) for _ in range(50)], list(range(50)))

    def test_terminate(self):
        broker = self.launch("queue")
        self.assertEqual(self.tell(b"TERMINATE"), [b""])
        self.assertEqual(broker.wait_exit(), 0)


class FaceToFace(Parts, harness.Case):
    """Our library and libzmq connected to each other, whichever of them binds."""

    largest = 64 << 20

    def bound(self, maker, *words):
        """A peer of ours that binds, and where."""
        role, *rest = words
        child = self.client(role, "@" + self.address(role), *rest)
        return child, child.wait_line("^ready (.*)")[1]

    def test_theirs_asks_ours(self):
        _, place = self.bound(self.client, "rep", "ours")
        asker = self.script("req", place, "theirs", 300)
        asker.wait_line("done 300")

    def test_ours_asks_theirs(self):
        answerer = self.socket(zmq.REP)
        port = answerer.bind_to_random_port("tcp://127.0.0.1")
        asker = self.client("req", f"tcp://127.0.0.1:{port}", "ours", 300)
        for number in range(300):
            question = answerer.recv()
            self.assertEqual(question, b"ours-%d" % number)
            answerer.send(b"theirs:" + question)
        asker.wait_line("done 300")

    def test_theirs_hears_ours(self):
        publisher, place = self.bound(self.client, "pub", "topic", 1000)
        subscriber = self.socket(zmq.SUB, place, [b"top"], RCVHWM=0)
        subscriber.subscribe(b"topic")
        publisher.wait_line("wanted")
        for number in range(1000):
            self.assertEqual(subscriber.recv_multipart(), [b"topic", b"%d" % number])

    def test_ours_hears_theirs(self):
        publisher = self.socket(zmq.XPUB, SNDHWM=0)
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        subscriber = self.client("sub", f"tcp://127.0.0.1:{port}", "topic", 1000)
        self.assertEqual(publisher.recv(), b"\x01topic")
        for number in range(1000):
            publisher.send_multipart([b"other", b"%d" % number])
            publisher.send_multipart([b"topic", b"%d" % number])
        subscriber.wait_line("got topic 999")
        subscriber.wait_line("done 1000")
        self.assertEqual(publisher.recv(), b"\x00topic")

    def test_theirs_pulls_from_ours(self):
        _, place = self.bound(self.client, "push", "n", 5000)
        # No limit: over ipc libzmq loses what it has not yet read when the other side is through.
        puller = self.socket(zmq.PULL, place, RCVHWM=0)
        for number in range(5000):
            self.assertEqual(puller.recv_multipart(), [b"n", b"%d" % number])

    def test_ours_pulls_from_theirs(self):
        puller, place = self.bound(self.client, "pull", "", 5000)
        pusher = self.socket(zmq.PUSH, place)
        for number in range(5000):
            pusher.send_multipart([b"n", b"%d" % number])
        puller.wait_line("done 5000")
        got = [int(line.split()[2]) for line in puller.lines["out"] if line.startswith("got")]
        self.assertEqual(got, list(range(5000)))

    def test_sizes(self):
        answerer = self.socket(zmq.REP)
        port = answerer.bind_to_random_port("tcp://127.0.0.1")
        client = self.client("sizes", f"tcp://127.0.0.1:{port}", "", self.largest)
        size = 0
        while size < self.largest:
            body = answerer.recv(copy=False)
            size = len(body)
            answerer.send(body, copy=False)
        client.wait_line(f"echoed {self.largest}")

    def test_ours_reconnects(self):
        port = harness.free_port()
        puller = self.socket(zmq.PULL)
        puller.bind(f"tcp://127.0.0.1:{port}")
        self.client("push", f"tcp://127.0.0.1:{port}", "n")
        self.assertEqual(puller.recv_multipart()[0], b"n")
        for _ in range(3):
            puller.close(0)
            puller = self.bind_again(port)
            heard = [int(puller.recv_multipart()[1]) for _ in range(1000)]
            self.assertEqual(heard, list(range(heard[0], heard[0] + 1000)))

    def bind_again(self, port):
        """The old socket lets go of its port in the background."""
        puller = self.socket(zmq.PULL)
        while True:
            try:
                puller.bind(f"tcp://127.0.0.1:{port}")
                return puller
            except zmq.ZMQError as error:
                self.assertEqual(error.errno, zmq.EADDRINUSE)
                puller.poll(5)


class FaceToFaceOverIpc(FaceToFace):
    transport = "ipc"
    largest = 16 << 20


if __name__ == "__main__":
    harness.main()
