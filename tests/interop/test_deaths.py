# SPDX-License-Identifier: MIT
"""Peers and brokers that are killed in mid-flow and come back, while everyone else goes on."""

import re
import signal

import zmq

import harness


class Deaths(harness.Case):
    def numbers(self, child):
        """The numbers that a pull or sub script has got so far."""
        return [int(found[1]) for line in list(child.lines["out"])
                if (found := re.fullmatch(r"got \w+ (\d+)", line))]

    def goes_on(self, client):
        """Waits until a req script, asking for ever, has had 100 answers more."""
        asked = sum(line.startswith("asked") for line in list(client.lines["out"]))
        client.wait_line("^asked", count=asked + 3)

    def test_workers_die_and_come_back(self):
        broker = self.broker("queue")
        workers = [self.script("rep", broker.backend, f"w{n}") for n in range(3)]
        for worker in workers:
            worker.wait_line("ready")
        clients = [self.script("req", broker.frontend, f"c{n}") for n in range(3)]
        for number, worker in enumerate(workers[:2]):
            worker.wait_line("served", count=20)
            worker.kill()
            fresh = self.script("rep", broker.backend, f"fresh{number}")
            fresh.wait_line("served", count=20)
        for client in clients:
            self.goes_on(client)

    def test_clients_die_and_come_back(self):
        broker = self.broker("queue")
        self.worker(broker.backend, lambda parts: [b"w:" + parts[0]])
        steady = self.script("req", broker.frontend, "steady")
        for number in range(3):
            victim = self.script("req", broker.frontend, f"victim{number}")
            self.goes_on(victim)
            victim.kill()
            self.goes_on(steady)
        self.assertNotIn("again", steady.out(), "an answer was lost on the way to a live client")

    def test_pullers_die_and_the_rest_is_not_lost(self):
        """What a dead puller had been given is gone with it; all else arrives, once, in order."""
        broker = self.broker("streamer", None, None, "--hwm", "50")
        victim = self.script("pull", broker.backend)
        self.script("push", broker.frontend, "p")
        victim.wait_line("got", count=500)
        puller = self.socket(zmq.PULL, broker.backend, RCVHWM=50)
        heard = [int(puller.recv_multipart()[1])]
        victim.kill()
        # Sooner or later the only one that is left gets every number.
        while len(heard) < 2000 or heard[-1] - heard[-1000] != 999:
            name, number = puller.recv_multipart()
            self.assertEqual(name, b"p")
            heard.append(int(number))
        self.assertEqual(heard, sorted(set(heard)))
        self.assertFalse(set(self.numbers(victim)) & set(heard), "a message went to two pullers")

    def test_pushers_die_in_mid_flow(self):
        broker = self.broker("streamer")
        puller = self.socket(zmq.PULL, broker.backend)
        steady = self.script("push", broker.frontend, "steady", 5000)
        victims = [self.script("push", broker.frontend, f"victim{n}") for n in range(2)]
        heard, killed = {}, 0
        while len(heard.get(b"steady", [])) < 5000 or killed < 2:
            parts = puller.recv_multipart()
            self.assertEqual(len(parts), 2, "half a message")
            heard.setdefault(parts[0], []).append(int(parts[1]))
            if killed < 2 and len(heard.get(b"victim%d" % killed, [])) >= 1000:
                victims[killed].kill()
                killed += 1
        steady.wait_line("done 5000")
        for name, numbers in heard.items():
            self.assertEqual(numbers, list(range(len(numbers))), name)

    def test_subscribers_die_and_come_back(self):
        broker = self.broker("forwarder")
        publisher = self.socket(zmq.XPUB, broker.frontend)
        steady = self.socket(zmq.SUB, broker.backend, [b"n"])
        self.assertEqual(publisher.recv(), b"\x01n")
        sent = 0
        for round_number in range(3):
            victim = self.script("sub", broker.backend, "n")
            victim.wait_line("ready")
            while not self.numbers(victim):
                publisher.send_multipart([b"n", b"%d" % sent])
                sent += 1
                self.assertEqual(int(steady.recv_multipart()[1]), sent - 1)
            victim.kill()
        self.assertEqual(publisher.poll(0), 0, "the steady one's wish was dropped or repeated")

    def test_publishers_die_and_come_back(self):
        broker = self.broker("forwarder")
        subscriber = self.socket(zmq.SUB, broker.backend, [b"n"])
        for round_number in range(3):
            publisher = self.script("pub", broker.frontend, "n")
            heard = [int(subscriber.recv_multipart()[1]) for _ in range(200)]
            while heard[0] != 0:  # the tail of the one before
                heard = heard[1:] + [int(subscriber.recv_multipart()[1])]
            self.assertEqual(heard, sorted(heard), f"round {round_number}")
            publisher.kill()

    def restart(self, broker, kind):
        """Kills a broker as a power cut would, and starts it again where it was."""
        broker.kill()
        return self.broker(kind, broker.frontend, broker.backend)

    def fixed(self, kind):
        return self.broker(kind, f"tcp://127.0.0.1:{harness.free_port()}",
                           f"tcp://127.0.0.1:{harness.free_port()}")

    def test_queue_dies_and_comes_back(self):
        broker = self.fixed("queue")
        for number in range(2):
            self.script("rep", broker.backend, f"w{number}").wait_line("ready")
        client = self.script("req", broker.frontend, "c")
        for _ in range(2):
            self.goes_on(client)
            broker = self.restart(broker, "queue")
        self.goes_on(client)

    def test_forwarder_dies_and_comes_back(self):
        """Both sides reconnect, and the wishes are told anew."""
        broker = self.fixed("forwarder")
        # A connecting publisher on libzmq keeps the wishes it knew; verbose, it hears them again.
        publisher = self.socket(zmq.XPUB, broker.frontend, XPUB_VERBOSE=1)
        subscriber = self.socket(zmq.SUB, broker.backend, [b"n"])
        self.assertEqual(publisher.recv(), b"\x01n")
        publisher.send(b"n 1")
        self.assertEqual(subscriber.recv(), b"n 1")
        broker = self.restart(broker, "forwarder")

        def publish():
            self.assertEqual(publisher.recv(), b"\x01n")
            publisher.send(b"n 2")

        # A subscriber on libzmq tells its wishes anew only while it is being read from.
        self.together(publish, lambda: self.assertEqual(subscriber.recv(), b"n 2"))

    def test_streamer_dies_and_comes_back(self):
        broker = self.fixed("streamer")
        pusher = self.socket(zmq.PUSH, broker.frontend)
        puller = self.socket(zmq.PULL, broker.backend)
        pusher.send(b"before")
        self.assertEqual(puller.recv(), b"before")
        broker = self.restart(broker, "streamer")
        # What is sent into the broken connection is lost, so it says so until something arrives.
        number = 0
        while not puller.poll(20):
            pusher.send(b"%d" % number)
            number += 1
        heard = [int(puller.recv())]
        pusher.send(b"-1")
        while heard[-1] != -1:
            heard.append(int(puller.recv()))
        self.assertEqual(heard[:-1], list(range(heard[0], number)))

    def test_first_of_two_devices_dies_and_comes_back(self):
        """Our own dialler reconnects, and the second device tells the first its wishes anew."""
        first = self.fixed("forwarder")
        second = self.broker("forwarder", ">" + first.backend)
        publisher = self.socket(zmq.XPUB, first.frontend, XPUB_VERBOSE=1)
        subscriber = self.socket(zmq.SUB, second.backend, [b"n"])
        self.assertEqual(publisher.recv(), b"\x01n")
        first = self.restart(first, "forwarder")
        self.assertEqual(publisher.recv(), b"\x01n")
        publisher.send(b"n")
        self.assertEqual(subscriber.recv(), b"n")

    def test_frozen_peer_is_nobodys_loss(self):
        """A subscriber stopped by SIGSTOP with its connection open: the other one gets all."""
        broker = self.broker("forwarder", None, None, "--hwm", "20000")
        publisher = self.socket(zmq.XPUB, broker.frontend, SNDHWM=0)
        frozen = self.script("sub", broker.backend, "n")
        self.assertEqual(publisher.recv(), b"\x01n")
        frozen.signal(signal.SIGSTOP)
        lively = self.socket(zmq.SUB, broker.backend, [b"n", b"mark"], RCVHWM=0)
        self.assertEqual(publisher.recv(), b"\x01mark")
        body = bytes(2000)
        for number in range(10000):
            publisher.send_multipart([b"n", b"%d" % number, body])
        for number in range(10000):
            self.assertEqual(int(lively.recv_multipart()[1]), number)


if __name__ == "__main__":
    harness.main()
