# SPDX-License-Identifier: MIT
"""Two devices in a row, of each kind: both ours, and ours before and behind libzmq's own proxy."""

import zmq

import harness


class Chain:
    """The scenes; a subclass says whose device is which. The second device's frontend connects to
    the first one's backend, so requests, messages and wishes cross both."""

    first_is_ours = True
    second_is_ours = True

    def pair(self, kind):
        def launch(is_ours, *endpoints):
            return (self.broker if is_ours else self.libzmq_broker)(kind, *endpoints)

        first = launch(self.first_is_ours)
        return first, launch(self.second_is_ours, ">" + first.backend)

    def test_queue(self):
        first, second = self.pair("queue")
        for number in range(3):
            self.worker(second.backend, lambda parts, n=number: [b"w%d:" % n + parts[0]])

        def ask(name):
            with harness.open_socket(self.context, zmq.REQ) as sock:
                harness.connect(sock, first.frontend)
                for number in range(100):
                    question = b"%d-%d" % (name, number)
                    sock.send(question)
                    self.assertEqual(sock.recv().split(b":")[1], question)

        self.together(*[lambda n=n: ask(n) for n in range(5)])

    def test_queue_with_many_in_flight(self):
        first, second = self.pair("queue")
        self.worker(second.backend, kind=zmq.DEALER)
        clients = [self.socket(zmq.DEALER, first.frontend) for _ in range(4)]
        for number in range(400):
            for name, client in enumerate(clients):
                client.send_multipart([b"", b"%d %d" % (name, number)])
        for name, client in enumerate(clients):
            for number in range(400):
                self.assertEqual(client.recv_multipart(), [b"", b"%d %d" % (name, number)])

    def test_forwarder(self):
        first, second = self.pair("forwarder")
        publisher = self.socket(zmq.XPUB, first.frontend)
        near = self.socket(zmq.SUB, first.backend, [b"a"])
        self.assertEqual(publisher.recv(), b"\x01a")
        far = self.socket(zmq.SUB, second.backend, [b"b"])
        self.assertEqual(publisher.recv(), b"\x01b")
        for number in range(200):
            publisher.send(b"a %d" % number)
            publisher.send(b"b %d" % number)
            publisher.send(b"c %d" % number)
        self.assertEqual([near.recv() for _ in range(200)], [b"a %d" % n for n in range(200)])
        self.assertEqual([far.recv() for _ in range(200)], [b"b %d" % n for n in range(200)])
        far.unsubscribe(b"b")
        self.assertEqual(publisher.recv(), b"\x00b")
        near.close(0)
        self.assertEqual(publisher.recv(), b"\x00a")

    def test_forwarder_whose_second_half_dies(self):
        first, second = self.pair("forwarder")
        publisher = self.socket(zmq.XPUB, first.frontend)
        self.socket(zmq.SUB, second.backend, [b"topic"])
        self.assertEqual(publisher.recv(), b"\x01topic")
        second.kill()
        self.assertEqual(publisher.recv(), b"\x00topic")

    def test_streamer(self):
        first, second = self.pair("streamer")
        pusher = self.socket(zmq.PUSH, first.frontend)
        puller = self.socket(zmq.PULL, second.backend)

        def send():
            for number in range(20000):
                pusher.send_multipart([b"%d" % number, b"body"])

        def receive():
            for number in range(20000):
                self.assertEqual(puller.recv_multipart(), [b"%d" % number, b"body"])

        self.together(send, receive)


class OursAndOurs(Chain, harness.Case):
    pass


class OursAndOursOverIpc(Chain, harness.Case):
    transport = "ipc"


class OursBeforeLibzmq(Chain, harness.Case):
    second_is_ours = False


class LibzmqBeforeOurs(Chain, harness.Case):
    first_is_ours = False


if __name__ == "__main__":
    harness.main()
