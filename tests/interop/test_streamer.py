# SPDX-License-Identifier: MIT
"""A STREAMER between PUSH and PULL scripts that both connect to it, over tcp and ipc."""

import collections
import os
import threading

import zmq

import harness

SIZES = (0, 1, 254, 255, 256, 8191, 8192, 65536, 1 << 20)
HUGE = 64 << 20
MANY = 100_000


class StreamerScenes:
    """The scenes, once for each transport."""

    def pusher(self, broker, **options):
        return self.socket(zmq.PUSH, broker.frontend, **options)

    def puller(self, broker, **options):
        return self.socket(zmq.PULL, broker.backend, **options)

    def meet_all(self, pusher, pullers):
        """Sends until every puller has something, so that each is known to be in the line-up;
        then empties them."""
        poller = zmq.Poller()
        for one in pullers:
            poller.register(one, zmq.POLLIN)
        sent = received = 0
        met = set()
        while len(met) < len(pullers):
            pusher.send(b"hello")
            sent += 1
            for one, _ in poller.poll(harness.LIMIT_S * 1000):
                one.recv()
                received += 1
                met.add(one)
        while received < sent:
            for one, _ in poller.poll(harness.LIMIT_S * 1000):
                one.recv()
                received += 1

    def test_100_000_in_order(self):
        broker = self.broker("streamer")
        pusher, puller = self.pusher(broker), self.puller(broker)

        def send():
            for number in range(MANY):
                pusher.send(b"%d" % number)

        def receive():
            for number in range(MANY):
                self.assertEqual(int(puller.recv()), number)

        self.together(send, receive)

    def test_pushers_come_first(self):
        broker = self.broker("streamer")
        pusher = self.pusher(broker)
        for number in range(500):
            pusher.send(b"%d" % number)
        puller = self.puller(broker)
        self.assertEqual([int(puller.recv()) for _ in range(500)], list(range(500)))

    def test_pullers_take_turns(self):
        broker = self.broker("streamer")
        pusher, pullers = self.pusher(broker), [self.puller(broker) for _ in range(4)]
        self.meet_all(pusher, pullers)
        poller = zmq.Poller()
        for one in pullers:
            poller.register(one, zmq.POLLIN)
        turns = []
        for number in range(80):
            pusher.send(b"%d" % number)
            (one, _), = poller.poll(harness.LIMIT_S * 1000)
            self.assertEqual(int(one.recv()), number)
            turns.append(pullers.index(one))
        for start in range(0, 80, 4):
            self.assertEqual(sorted(turns[start:start + 4]), [0, 1, 2, 3], turns)

    def test_fair_shares_and_nothing_lost(self):
        broker = self.broker("streamer")
        pushers = [self.pusher(broker) for _ in range(4)]
        pullers = [self.puller(broker) for _ in range(4)]
        self.meet_all(pushers[0], pullers)
        each, got = 5000, [[] for _ in pullers]
        left, lock = [4 * each], threading.Lock()

        def send(name):
            for number in range(each):
                pushers[name].send(b"%d %d" % (name, number))

        def receive(index):
            while left[0] > 0:
                if pullers[index].poll(50):
                    got[index].append(tuple(map(int, pullers[index].recv().split())))
                    with lock:
                        left[0] -= 1

        self.together(*[lambda n=n: send(n) for n in range(4)],
                      *[lambda n=n: receive(n) for n in range(4)])
        heard = collections.Counter(message for one in got for message in one)
        self.assertEqual(len(heard), 4 * each, "lost")
        self.assertEqual(set(heard.values()), {1}, "came twice")
        for one in got:
            self.assertGreater(len(one), each / 2, [len(share) for share in got])
            for name in range(4):
                numbers = [number for who, number in one if who == name]
                self.assertEqual(numbers, sorted(numbers), "out of order")

    def test_flood_does_not_starve_a_small_sender(self):
        """400 blocks of 64 KiB stand in line when five short messages of another pusher come."""
        broker = self.broker("streamer", None, None, "--hwm", "10")
        flood = self.pusher(broker, SNDHWM=10)
        puller = self.puller(broker, RCVHWM=10)
        self.meet_all(flood, [puller])
        blocks, block = 400, bytes(65536)

        def send():
            for _ in range(blocks):
                flood.send(block)

        self.thread(send)
        small = self.pusher(broker)
        for number in range(5):
            small.send(b"%d" % number)
        kinds = [len(puller.recv()) == len(block) for _ in range(blocks + 5)]
        self.assertEqual(kinds.count(False), 5)
        behind = kinds[::-1].index(False)
        self.assertGreater(behind, blocks // 4, "the small sender had to wait for the flood")

    def test_sizes(self):
        broker = self.broker("streamer")
        pusher, puller = self.pusher(broker), self.puller(broker)
        for size in (*SIZES, HUGE):
            payload = os.urandom(min(size, 1 << 20)) * max(1, size >> 20)
            pusher.send(payload, copy=False)
            self.assertTrue(puller.recv() == payload, f"{size} bytes came out changed")

    def test_mixed_sizes_in_order(self):
        """Short messages right behind long ones: neither overtakes nor bleeds into the other."""
        broker = self.broker("streamer")
        pusher, puller = self.pusher(broker), self.puller(broker)
        sizes = [(n * 7919) % 300 if n % 10 else (n * 104729) % 200_000 for n in range(2000)]

        def send():
            for number, size in enumerate(sizes):
                pusher.send(b"%08d" % number + bytes([number % 251]) * size)

        def receive():
            for number, size in enumerate(sizes):
                self.assertEqual(puller.recv(), b"%08d" % number + bytes([number % 251]) * size)

        self.together(send, receive)

    def test_many_parts_stay_together(self):
        broker = self.broker("streamer")
        pushers = [self.pusher(broker) for _ in range(3)]
        puller = self.puller(broker)

        def send(name):
            for number in range(300):
                parts = [b"%d %d" % (name, number)] * (1 + number % 7) + [b"end"]
                pushers[name].send_multipart(parts)

        senders = [lambda n=n: send(n) for n in range(3)]

        def receive():
            for _ in range(900):
                *parts, end = puller.recv_multipart()
                self.assertEqual(end, b"end")
                self.assertEqual(len(set(parts)), 1, "parts of two messages in one")
                self.assertEqual(len(parts), 1 + int(parts[0].split()[1]) % 7)

        self.together(*senders, receive)

    def test_thousands_of_parts_in_one_message(self):
        broker = self.broker("streamer")
        pusher, puller = self.pusher(broker), self.puller(broker)
        parts = [b"%d" % n for n in range(5000)]
        pusher.send_multipart(parts)
        self.assertEqual(puller.recv_multipart(), parts)

    def test_stalled_puller_does_not_hold_up_the_others(self):
        broker = self.broker("streamer", None, None, "--hwm", "10")
        pusher = self.pusher(broker, SNDHWM=10)
        stalled, lively = self.puller(broker, RCVHWM=10), self.puller(broker)
        self.meet_all(pusher, [stalled, lively])
        blocks, block = 600, bytes(65536)

        def send():
            for number in range(blocks):
                pusher.send_multipart([b"%d" % number, block])

        self.thread(send)
        # What the stalled one and its connection can hold is far less than half of it all.
        seen = [int(lively.recv_multipart()[0]) for _ in range(blocks // 2)]
        self.assertEqual(seen, sorted(seen))
        poller = zmq.Poller()
        for one in (stalled, lively):
            poller.register(one, zmq.POLLIN)
        while len(seen) < blocks:
            for one, _ in poller.poll(harness.LIMIT_S * 1000):
                seen.append(int(one.recv_multipart()[0]))
        self.assertEqual(sorted(seen), list(range(blocks)))

    def test_waiting_messages_cost_no_processor_time(self):
        broker = self.broker("streamer")
        pusher = self.pusher(broker)
        for number in range(100):
            pusher.send(b"%d" % number)
        before = harness.cpu_s(broker.pid)
        self.socket(zmq.PULL).poll(1000)  # nobody is there: the second over which it is measured
        self.assertLess(harness.cpu_s(broker.pid) - before, 0.1)
        puller = self.puller(broker)
        self.assertEqual([int(puller.recv()) for _ in range(100)], list(range(100)))


class StreamerTcp(StreamerScenes, harness.Case):
    transport = "tcp"


class StreamerIpc(StreamerScenes, harness.Case):
    transport = "ipc"


if __name__ == "__main__":
    harness.main()
