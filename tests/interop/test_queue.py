# SPDX-License-Identifier: MIT
"""A QUEUE between request scripts and reply scripts that both connect to it, over tcp and ipc."""

import collections
import hashlib
import os
import queue

import zmq

import harness

SIZES = (0, 1, 2, 254, 255, 256, 257, 8191, 8192, 65535, 65536, 1 << 20)
HUGE = 64 << 20


class QueueScenes:
    """The scenes, once for each transport."""

    def ask(self, broker, name, count):
        """A request script in lock-step; each answer must be the one to its question."""
        with harness.open_socket(self.context, zmq.REQ) as sock:
            harness.connect(sock, broker.frontend)
            for number in range(count):
                question = f"{name}-{number}".encode()
                sock.send(question)
                answer = sock.recv()
                self.assertEqual(answer.split(b":")[1], question)

    def name_worker(self, broker, name, served):
        def answer(parts):
            served[name] += 1
            return [name.encode() + b":" + parts[0]]

        self.worker(broker.backend, answer)

    def test_one_client_one_worker(self):
        broker = self.broker("queue")
        self.worker(broker.backend, lambda parts: [b"w:" + parts[0]])
        self.ask(broker, "only", 200)

    def test_request_waits_for_the_first_worker(self):
        broker = self.broker("queue")
        client = self.socket(zmq.REQ, broker.frontend)
        client.send(b"early")
        self.worker(broker.backend)
        self.assertEqual(client.recv(), b"early")

    def test_many_clients_one_worker(self):
        broker, served = self.broker("queue"), collections.Counter()
        self.name_worker(broker, "w", served)
        self.together(*[lambda n=n: self.ask(broker, f"c{n}", 100) for n in range(8)])
        self.assertEqual(served["w"], 800)

    def test_one_client_many_workers_in_turn(self):
        broker, served = self.broker("queue"), collections.Counter()
        for number in range(4):
            self.name_worker(broker, f"w{number}", served)
        self.meet_all(broker, 4)
        served.clear()
        self.ask(broker, "c", 100)
        self.assertEqual(sorted(served.values()), [25, 25, 25, 25])

    def meet_all(self, broker, count):
        """Asks until every worker has answered, so that each is known to be in the line-up."""
        client, met = self.socket(zmq.REQ, broker.frontend), set()
        while len(met) < count:
            client.send(b"hello")
            met.add(client.recv().split(b":")[0])

    def test_many_clients_many_workers(self):
        broker, served = self.broker("queue"), collections.Counter()
        for number in range(4):
            self.name_worker(broker, f"w{number}", served)
        self.meet_all(broker, 4)
        served.clear()
        self.together(*[lambda n=n: self.ask(broker, f"c{n}", 100) for n in range(8)])
        self.assertEqual(sum(served.values()), 800)
        self.assertTrue(all(served[f"w{n}"] >= 100 for n in range(4)), served)

    def test_many_requests_in_flight(self):
        broker = self.broker("queue")
        for number in range(3):
            self.worker(broker.backend, lambda parts, n=number: [b"w%d:" % n + parts[0]])

        def flood(name):
            with harness.open_socket(self.context, zmq.DEALER) as sock:
                harness.connect(sock, broker.frontend)
                asked = {f"{name}-{number}".encode() for number in range(300)}
                for question in asked:
                    sock.send_multipart([b"", question])
                answered = [sock.recv_multipart()[1].split(b":")[1] for _ in asked]
                self.assertEqual(sorted(answered), sorted(asked))

        self.together(*[lambda n=n: flood(f"c{n}") for n in range(6)])

    def test_answers_keep_their_order_through_one_worker(self):
        broker = self.broker("queue")
        self.worker(broker.backend, kind=zmq.DEALER)
        client = self.socket(zmq.DEALER, broker.frontend)
        total, window, received = 20000, 400, 0
        for number in range(total):
            client.send(b"%d" % number)
            if number >= window:
                self.assertEqual(int(client.recv()), received)
                received += 1
        for number in range(received, total):
            self.assertEqual(int(client.recv()), number)

    def test_requests_of_many_parts(self):
        broker = self.broker("queue")
        self.worker(broker.backend, lambda parts: parts[::-1])
        client = self.socket(zmq.REQ, broker.frontend)
        for parts in ([b""], [b"", b""], [b"a", b"", b"c"], [b"%d" % n for n in range(200)]):
            client.send_multipart(parts)
            self.assertEqual(client.recv_multipart(), parts[::-1])

    def test_sizes(self):
        broker = self.broker("queue")
        self.worker(broker.backend)
        client = self.socket(zmq.REQ, broker.frontend)
        for size in SIZES:
            payload = os.urandom(size)
            client.send(payload)
            self.assertTrue(client.recv() == payload, f"{size} bytes came back changed")

    def test_64_mib_there_and_back(self):
        broker = self.broker("queue")
        self.worker(broker.backend)
        client = self.socket(zmq.REQ, broker.frontend)
        payload = os.urandom(1 << 20) * (HUGE >> 20)
        client.send(payload, copy=False)
        answer = client.recv(copy=False)
        self.assertEqual(len(answer), HUGE)
        self.assertEqual(hashlib.sha1(answer.buffer).digest(), hashlib.sha1(payload).digest())

    def test_worker_sees_the_clients_own_routing_id(self):
        broker = self.broker("queue")
        worker = self.socket(zmq.DEALER, broker.backend)
        client = self.socket(zmq.REQ, broker.frontend, ROUTING_ID=b"my own name")
        client.send(b"who am I?")
        self.assertEqual(worker.recv_multipart(), [b"my own name", b"", b"who am I?"])
        worker.send_multipart([b"my own name", b"", b"you"])
        self.assertEqual(client.recv(), b"you")

    def test_router_workers_keep_an_envelope_more(self):
        broker = self.broker("queue")
        self.worker(broker.backend, kind=zmq.ROUTER)
        client = self.socket(zmq.REQ, broker.frontend)
        for number in range(50):
            client.send(b"%d" % number)
            self.assertEqual(int(client.recv()), number)

    def test_vanished_client_is_nobodys_loss(self):
        broker, inbox, outbox = self.broker("queue"), queue.Queue(), queue.Queue()

        def answer(parts):
            inbox.put(parts[0])
            return outbox.get(timeout=harness.LIMIT_S)

        self.worker(broker.backend, answer)
        quitter = self.socket(zmq.REQ, broker.frontend)
        quitter.send(b"and I am off")
        self.assertEqual(inbox.get(timeout=harness.LIMIT_S), b"and I am off")
        quitter.close(0)
        outbox.put([b"too late"])
        client = self.socket(zmq.REQ, broker.frontend)
        client.send(b"still there?")
        self.assertEqual(inbox.get(timeout=harness.LIMIT_S), b"still there?")
        outbox.put([b"yes"])
        self.assertEqual(client.recv(), b"yes")

    def test_idle_without_workers_costs_no_processor_time(self):
        broker = self.broker("queue")
        client = self.socket(zmq.DEALER, broker.frontend)
        for number in range(100):
            client.send_multipart([b"", b"%d" % number])
        before = harness.cpu_s(broker.pid)
        client.poll(1000)  # no worker, no answer: this is the second over which it is measured
        self.assertLess(harness.cpu_s(broker.pid) - before, 0.1)
        self.worker(broker.backend)
        answered = [int(client.recv_multipart()[1]) for _ in range(100)]
        self.assertEqual(answered, list(range(100)))


class QueueTcp(QueueScenes, harness.Case):
    transport = "tcp"


class QueueIpc(QueueScenes, harness.Case):
    transport = "ipc"


if __name__ == "__main__":
    harness.main()
