# SPDX-License-Identifier: MIT
"""Scripts on gevent (zmq.green) around the devices, among themselves and mixed with plain ones."""

import gevent
import zmq.green as zmq

import harness


class Green(harness.Case):
    """All peers of a scene are greenlets of one thread, so a call that blocked the thread instead
    of its greenlet would stop the scene and fail it by its limit."""

    def setUp(self):
        super().setUp()
        self.green = zmq.Context()
        self.addCleanup(self.green.destroy, linger=0)

    def open(self, kind, endpoint, subscribe=(), **options):
        sock = harness.open_socket(self.green, kind, subscribe, options)
        sock.connect(endpoint)
        return sock

    def join(self, *greenlets):
        done = gevent.joinall(greenlets, timeout=harness.LIMIT_S, raise_error=True)
        self.assertEqual(len(done), len(greenlets), "a greenlet did not come to its end")

    def serve(self, endpoint, name):
        sock = self.open(zmq.REP, endpoint)
        while True:
            sock.send(name + b":" + sock.recv())

    def ask(self, endpoint, name, count):
        sock = self.open(zmq.REQ, endpoint)
        for number in range(count):
            question = b"%s-%d" % (name, number)
            sock.send(question)
            self.assertEqual(sock.recv().split(b":")[1], question)

    def test_queue_among_greenlets(self):
        broker = self.broker("queue")
        servers = [gevent.spawn(self.serve, broker.backend, b"w%d" % n) for n in range(3)]
        self.join(*[gevent.spawn(self.ask, broker.frontend, b"c%d" % n, 100) for n in range(10)])
        gevent.killall(servers)

    def test_queue_with_green_clients_and_plain_workers(self):
        broker = self.broker("queue")
        self.script("rep", broker.backend, "plain").wait_line("ready")
        self.join(*[gevent.spawn(self.ask, broker.frontend, b"c%d" % n, 100) for n in range(5)])

    def test_queue_with_plain_clients_and_green_workers(self):
        broker = self.broker("queue")
        self.script("rep", broker.backend, "green", green=True).wait_line("ready")
        client = self.script("req", broker.frontend, "plain", 300)
        client.wait_line("done 300")

    def test_forwarder_among_greenlets(self):
        broker = self.broker("forwarder")
        publisher = self.open(zmq.XPUB, broker.frontend)
        heard = {}

        def listen(topic):
            sock = self.open(zmq.SUB, broker.backend, [topic])
            heard[topic] = [sock.recv_multipart() for _ in range(100)]

        topics = [b"a", b"b", b"c"]
        listeners = [gevent.spawn(listen, topic) for topic in topics]
        told = sorted(publisher.recv() for _ in topics)
        self.assertEqual(told, [b"\x01" + topic for topic in topics])
        for number in range(100):
            for topic in topics:
                publisher.send_multipart([topic, b"%d" % number])
        self.join(*listeners)
        for topic in topics:
            self.assertEqual(heard[topic], [[topic, b"%d" % n] for n in range(100)])

    def test_streamer_among_greenlets(self):
        broker = self.broker("streamer")
        got = []

        def take():
            sock = self.open(zmq.PULL, broker.backend)
            while True:
                got.append(int(sock.recv()))

        def give(start):
            sock = self.open(zmq.PUSH, broker.frontend)
            for number in range(start, start + 1000):
                sock.send(b"%d" % number)

        takers = [gevent.spawn(take) for _ in range(3)]
        self.join(*[gevent.spawn(give, 1000 * n) for n in range(3)])
        with gevent.Timeout(harness.LIMIT_S):
            while len(got) < 3000:
                gevent.idle()
        gevent.killall(takers)
        self.assertEqual(sorted(got), list(range(3000)))

    def test_streamer_from_green_to_plain(self):
        broker = self.broker("streamer")
        puller = self.socket(harness.zmq.PULL, broker.backend)
        pusher = self.script("push", broker.frontend, "green", 2000, green=True)
        for number in range(2000):
            self.assertEqual(puller.recv_multipart(), [b"green", b"%d" % number])
        pusher.wait_line("done 2000")

    def test_forwarder_from_plain_to_green(self):
        broker = self.broker("forwarder")
        subscriber = self.script("sub", broker.backend, "topic", 500, green=True)
        self.script("pub", broker.frontend, "topic", 500)
        subscriber.wait_line("done 500")
        got = [int(line.split()[2]) for line in subscriber.lines["out"] if line.startswith("got")]
        self.assertEqual(got, list(range(500)))

    def test_green_script_is_killed_and_comes_back(self):
        broker = self.broker("queue")
        worker = self.script("rep", broker.backend, "first", green=True)
        client = self.script("req", broker.frontend, "c")
        worker.wait_line("served", count=50)
        worker.kill()
        fresh = self.script("rep", broker.backend, "second", green=True)
        fresh.wait_line("served", count=50)
        self.assertTrue(client.is_running(), client.said())


if __name__ == "__main__":
    harness.main()
