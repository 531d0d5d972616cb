# SPDX-License-Identifier: MIT
"""The greenmq command while it runs: how it ends, its account, and what its options do."""

import signal
import time

import zmq

import harness
import zmtp
from zmtp import Wire, frame, message

TCP = "tcp://127.0.0.1:*"
DEVICES = ("queue", "forwarder", "streamer")
THERE_AND_BACK = ("frontend to backend", "backend to frontend")


class Life(harness.Case):
    """What the scenes share."""

    def push_and_pull(self, broker, **options):
        return (self.socket(zmq.PUSH, broker.frontend, **options),
                self.socket(zmq.PULL, broker.backend))


class Signals(Life):
    """How it ends."""

    def test_sigint_and_sigterm_end_it_well(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for kind in DEVICES:
                broker = self.broker(kind)
                broker.signal(number)
                self.assertEqual(broker.wait_exit(), 0)
                self.assertIn("the books balance", broker.out())

    def test_it_works_without_its_standard_streams(self):
        for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
            front, back = (f"tcp://127.0.0.1:{harness.free_port()}" for _ in range(2))
            broker = self.child("sh", "-c", f'exec "$@" {closed}', "sh", harness.find_command(),
                                "streamer", front, back)
            push, pull = self.socket(zmq.PUSH, front), self.socket(zmq.PULL, back)
            push.send(b"works")
            self.assertEqual(pull.recv(), b"works")
            broker.signal(signal.SIGTERM)
            self.assertEqual(broker.wait_exit(), 0, closed)

    def test_account_of_a_queue(self):
        broker = self.broker("queue")
        self.worker(broker.backend, lambda parts: [parts[0] + b"!"])
        client = self.socket(zmq.REQ, broker.frontend, ROUTING_ID=b"four")
        for _ in range(10):
            client.send(b"12345")
            client.recv()
        broker.stop()
        there, back = (broker.account()[title] for title in THERE_AND_BACK)
        # The routing id (4 octets), the delimiter, the body of 5, or of 6 on the way back.
        self.assertEqual(there["received"], (10, 30, 90))
        self.assertEqual(there["forwarded"], (10, 30, 90))
        self.assertEqual(back["received"], (10, 30, 100))
        self.assertEqual(back["forwarded"][0], 10)
        self.assertEqual(broker.account()["peers"]["joined"], (1, 1))

    def test_account_of_a_forwarder(self):
        broker = self.broker("forwarder")
        publisher = Wire.connect(broker.frontend)
        publisher.handshake("PUB")
        subscribers = [self.socket(zmq.SUB, broker.backend, [b"a"]) for _ in range(3)]
        self.assertEqual(publisher.read_wish(), b"+a")
        for one in subscribers:  # each is known to be there once its own wish has arrived
            one.subscribe(b"b%d" % subscribers.index(one))
        self.assertEqual(sorted(publisher.read_wish() for _ in range(3)), [b"+b0", b"+b1", b"+b2"])
        publisher.send(message(b"a", b"for three") * 5, frame(b"for nobody") * 7, frame(b"b1"))
        self.assertEqual(len([subscribers[1].recv_multipart() for _ in range(6)]), 6)
        publisher.close()
        broker.stop()
        there = broker.account()["frontend to backend"]
        self.assertEqual(there["received"], (13, 18, 5 * 10 + 7 * 10 + 2))
        self.assertEqual(there["copied"], (10, 20, 100))
        self.assertEqual(there["forwarded"], (16, 31, 152))
        self.assertEqual(there["dropped, unwanted"], (7, 7, 70))

    def test_account_of_a_streamer(self):
        broker = self.broker("streamer")
        pusher, puller = self.push_and_pull(broker)
        for _ in range(100):
            pusher.send_multipart([b"abc", b"", b"x" * 1000])
        for _ in range(100):
            puller.recv_multipart()
        broker.stop()
        there = broker.account()["frontend to backend"]
        self.assertEqual(there["received"], (100, 300, 100300))
        self.assertEqual(there["forwarded"], (100, 300, 100300))
        self.assertEqual(there["queued"], (0, 0, 0))

    def stalled(self, *options, blocks=2000):
        """A streamer whose only puller does not read, so that messages wait inside it."""
        broker = self.broker("streamer", None, None, *options)
        puller = Wire.connect(broker.backend)
        self.addCleanup(puller.close)
        puller.handshake("PULL")
        pusher = self.socket(zmq.PUSH, broker.frontend)
        block = bytes(65536)
        sent = 0
        # Sending stops to succeed when the broker and both connections are full.
        pusher.SNDTIMEO = 200
        try:
            for sent in range(blocks):
                pusher.send(b"%08d" % sent + block)
        except zmq.Again:
            pass
        self.assertLess(sent, blocks - 1, "nothing ever stalled")
        return broker, puller

    def test_draining_lets_out_what_is_inside(self):
        broker, puller = self.stalled("--hwm", "100", "--drain", "20")
        broker.signal(signal.SIGTERM)
        broker.wait_line("drain")
        heard = 0
        try:
            while True:
                self.assertEqual(int(puller.read_message()[0][:8]), heard)
                heard += 1
        except zmtp.Closed as end:
            self.assertIn("after b''", str(end), "it ended within a frame")
        self.assertEqual(broker.wait_exit(), 0)
        there = broker.account()["frontend to backend"]
        self.assertEqual(there["received"][0], heard)
        self.assertEqual(there["forwarded"][0], heard)
        self.assertGreater(heard, 0)

    def test_draining_ends_by_its_deadline(self):
        broker, _ = self.stalled("--hwm", "100", "--drain", "0.3")
        start_s = time.monotonic()
        broker.signal(signal.SIGTERM)
        self.assertEqual(broker.wait_exit(), 0)
        self.assertLess(time.monotonic() - start_s, 3)
        self.assertIn("the books balance", broker.out())
        there = broker.account()["frontend to backend"]
        self.assertGreater(there["dropped, stopped"][0], 0)
        self.assertLessEqual(there["queued"][0], 1)  # the one that had begun to leave

    def test_second_signal_stops_at_once(self):
        for first, second in ((signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)):
            broker, _ = self.stalled("--hwm", "100", "--drain", "1000")
            broker.signal(first)
            broker.wait_line("drain")
            broker.signal(second)
            self.assertEqual(broker.wait_exit(5), 0)
            self.assertIn("the books balance", broker.out())
            self.assertGreater(broker.account()["frontend to backend"]["dropped, stopped"][0], 0)

    def test_stalled_consumer_that_leaves_takes_its_queue_along(self):
        """Before the draining or in the midst of it: it ends then, not at its deadline."""
        for leaves_first in (True, False):
            broker, puller = self.stalled("--hwm", "100", "--drain", "1000")
            if leaves_first:
                puller.close()
            broker.signal(signal.SIGTERM)
            broker.wait_line("drain")
            puller.close()
            self.assertEqual(broker.wait_exit(5), 0)
            self.assertIn("the books balance", broker.out())
            there = broker.account()["frontend to backend"]
            self.assertGreater(there["dropped, peer lost"][0], 0)

    def test_queue_waits_for_replies_that_are_due(self):
        broker = self.broker("queue", None, None, "--drain", "20")
        worker = self.socket(zmq.REP, broker.backend)
        client = self.socket(zmq.REQ, broker.frontend)
        client.send(b"question")
        self.assertEqual(worker.recv(), b"question")
        broker.signal(signal.SIGTERM)
        broker.wait_line("drain")
        worker.send(b"answer")
        self.assertEqual(client.recv(), b"answer")
        self.assertEqual(broker.wait_exit(), 0)

    def test_idle_one_does_not_wait_for_the_deadline(self):
        broker = self.broker("queue", None, None, "--drain", "1000")
        self.worker(broker.backend)
        client = self.socket(zmq.REQ, broker.frontend)
        client.send(b"question")
        client.recv()
        broker.signal(signal.SIGTERM)
        self.assertEqual(broker.wait_exit(5), 0)

    def test_stopped_and_continued(self):
        broker = self.broker("queue")
        self.worker(broker.backend)
        client = self.socket(zmq.REQ, broker.frontend)
        for number in range(3):
            broker.signal(signal.SIGSTOP)
            client.send(b"%d" % number)
            self.assertEqual(client.poll(50), 0)
            broker.signal(signal.SIGCONT)
            self.assertEqual(client.recv(), b"%d" % number)

    def test_reader_of_stdout_goes_away(self):
        """As under `greenmq ... | head -1`: it relays on, and ends with a signal."""
        broker = self.broker("streamer", None, None, "--stats", "0.05")
        broker.wait_line("/s", count=2)
        broker.keeps_books = False  # or rather, nobody will be there to read them
        broker.process.stdout.close()
        self.keep_passing(broker, 0.3)
        self.assertTrue(broker.is_running(), broker.said())

    def keep_passing(self, broker, seconds):
        pusher, puller = self.push_and_pull(broker)
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            pusher.send(b"on and on")
            self.assertEqual(puller.recv(), b"on and on")


class Options(Life):
    """What -q, -v, --stats, --hwm and --capture do."""

    def test_quiet(self):
        places = [f"tcp://127.0.0.1:{harness.free_port()}" for _ in range(2)]
        broker = self.broker("streamer", *places, "-q")
        puller, pusher = self.socket(zmq.PULL), self.socket(zmq.PUSH)
        puller.connect(places[1])
        pusher.connect(places[0])
        pusher.send(b"hush")
        self.assertEqual(puller.recv(), b"hush")
        broker.stop()
        self.assertEqual((broker.out(), broker.err()), ("", ""))

    def test_options_of_all_may_stand_before_the_command(self):
        for words in (["-v"], ["--verbose"], ["-v", "--"]):
            broker = self.broker("streamer", program=[harness.find_command(), *words])
            self.socket(zmq.PUSH, broker.frontend)
            broker.wait_line("frontend peer .*joined")
        child = self.child(harness.find_command(), "-q", "streamer", TCP, "tcp://nonsense")
        self.assertEqual(child.wait_exit(), 2)
        self.assertEqual((child.out(), len(child.lines["err"])), ("", 1))

    def test_verbose_tells_who_comes_and_goes(self):
        broker = self.broker("streamer", None, None, "-v")
        pusher = self.socket(zmq.PUSH, broker.frontend)
        broker.wait_line("frontend peer .*joined")
        self.socket(zmq.PULL, broker.backend)
        broker.wait_line("backend peer .*joined")
        pusher.close(0)
        broker.wait_line("frontend peer .*left.*closed")

    def test_verbose_names_why_a_stranger_was_sent_away(self):
        broker = self.broker("streamer", None, None, "-v")
        wire = Wire.connect(broker.frontend)
        wire.handshake("PUSH")
        wire.send(b"\xff\xff\xff\xff")
        wire.read_end()
        broker.wait_line("frontend.* left.*protocol")
        wire.close()
        broker.stop()
        self.assertEqual(broker.account()["peers"]["left, protocol"], (1, 0))

    def test_strangers_are_counted(self):
        """The account says how many were refused, and of the last one who it was and why."""
        broker = self.broker("streamer")
        for words in (b"GET / HTTP/1.1\r\n\r\n", bytes(64), zmtp.greeting(mechanism=b"CURVE")):
            wire = Wire.connect(broker.frontend)
            wire.send(words)
            wire.read_end()
            host, port = wire.sock.getsockname()
            wire.close()
        broker.stop()
        peers = broker.account()["peers"]
        self.assertEqual(peers["connected"], (0, 0))
        self.assertEqual(peers["refused"], (3, 0))
        self.assertRegex(broker.out(), f"the last: frontend peer tcp://{host}:{port}: "
                                       "the peer uses another security mechanism")

    def test_verbose_names_all_who_are_refused(self):
        broker = self.broker("streamer", None, None, "-v")
        for words, reason in (
                (b"GET / HTTP/1.1\r\n\r\n", "does not speak ZMTP"),
                (zmtp.greeting(mechanism=b"PLAIN"), "another security mechanism"),
                (zmtp.greeting() + zmtp.ready("SUB"), "socket type does not go with ours"),
                (zmtp.greeting() + zmtp.command(b"READY"), "named no socket type"),
                (zmtp.greeting() + frame(b"x"), "not allowed in a handshake"),
                (zmtp.greeting() + zmtp.command(b"ERROR", b"\x05later"), "later"),
                (zmtp.SIGNATURE + b"\x01\x07", "socket type does not go with ours"),
                (zmtp.SIGNATURE + b"\x02", "version of ZMTP that is too old")):
            wire = Wire.connect(broker.frontend)
            host, port = wire.sock.getsockname()
            wire.send(words)
            broker.wait_line(f"frontend peer tcp://{host}:{port} refused: .*{reason}")
            wire.close()

    def test_stats(self):
        broker = self.broker("streamer", None, None, "--stats", "0.1")
        pusher, puller = self.push_and_pull(broker)
        for _ in range(1000):
            pusher.send(b"x" * 100)
        for _ in range(1000):
            puller.recv()
        broker.wait_line("forwarded 1000, queued 0, dropped 0;.* 1 frontend, 1 backend")
        broker.wait_line(r" 0/s, 0\.000 MB/s, forwarded 1000", count=2)

    def test_stats_come_while_everything_is_stalled(self):
        broker = self.broker("streamer", None, None, "--stats", "0.1", "--hwm", "10")
        pusher = self.socket(zmq.PUSH, broker.frontend, SNDTIMEO=100)
        wire = Wire.connect(broker.backend)
        self.addCleanup(wire.close)
        wire.handshake("PULL")
        with self.assertRaises(zmq.Again):
            while True:
                pusher.send(bytes(1 << 20))
        seen = len(broker.lines["out"])
        broker.wait_line(" frontend, ", count=seen + 3)

    def lost(self, hwm):
        """How many of 600 large messages a subscriber loses that does not read meanwhile."""
        broker = self.broker("forwarder", None, None, "--hwm", hwm)
        publisher = self.socket(zmq.XPUB, broker.frontend, SNDHWM=0)
        stalled = Wire.connect(broker.backend)
        self.addCleanup(stalled.close)
        stalled.handshake("SUB")
        stalled.wish(b"n")
        self.assertEqual(publisher.recv(), b"\x01n")
        publisher_done = self.socket(zmq.SUB, broker.backend, [b"end"])
        self.assertEqual(publisher.recv(), b"\x01end")
        block = bytes(30_000)
        for number in range(600):
            publisher.send_multipart([b"n%d" % number, block])
        publisher.send(b"end")
        self.assertEqual(publisher_done.recv(), b"end")
        stalled.wish(b"last")
        self.assertEqual(publisher.recv(), b"\x01last")
        heard = []
        # Room comes with reading, and then the next one gets through.
        reader = self.thread(lambda: heard.extend(self.read_up_to_last(stalled)))
        while reader.is_alive():
            publisher.send_multipart([b"last", b""])
            reader.join(0.05)
        self.assertEqual(heard, sorted(heard))
        self.assertEqual(heard[:1], [0])
        return 600 - len(heard)

    def read_up_to_last(self, wire):
        while (topic := wire.read_message()[0]) != b"last":
            yield int(topic[1:])

    def test_high_water_mark_bounds_what_a_slow_subscriber_keeps(self):
        few, many = self.lost("10"), self.lost("200")
        self.assertGreater(few, many)
        self.assertGreater(many, 0)

    def test_no_high_water_mark(self):
        self.assertEqual(self.lost("0"), 0)

    def test_capture_copies_both_directions(self):
        broker = self.broker("queue", None, None, "--capture", TCP)
        spy = self.socket(zmq.SUB, broker.capture, [b""])
        self.worker(broker.backend, lambda parts: [b"re: " + parts[0]])
        client = self.socket(zmq.REQ, broker.frontend, ROUTING_ID=b"c")
        while not spy.poll(10):  # nothing tells when a spy is there, so ask until it hears
            client.send(b"hello")
            client.recv()
        client.send(b"last")
        self.assertEqual(client.recv(), b"re: last")
        heard = []
        while heard[-1:] != [[b"c", b"", b"re: last"]]:
            heard.append(spy.recv_multipart())
        self.assertEqual(heard[-2], [b"c", b"", b"last"])

    def test_capture_of_a_forwarder_and_a_streamer(self):
        for kind, front, back in (("forwarder", zmq.XPUB, zmq.SUB),
                                  ("streamer", zmq.PUSH, zmq.PULL)):
            broker = self.broker(kind, None, None, "--capture", f"ipc://{self.folder}/{kind}-spy")
            spy = self.socket(zmq.SUB, broker.capture, [b"t"])
            source = self.socket(front, broker.frontend)
            sink = self.socket(back, broker.backend, [b""] if back == zmq.SUB else ())
            if front == zmq.XPUB:
                self.assertEqual(source.recv(), b"\x01")
            while not spy.poll(10):
                source.send_multipart([b"t", b"more"])
                self.assertEqual(sink.recv_multipart(), [b"t", b"more"])
            self.assertEqual(spy.recv_multipart(), [b"t", b"more"])

    def test_capture_can_connect(self):
        spy = self.socket(zmq.SUB, None, [b""])
        port = spy.bind_to_random_port("tcp://127.0.0.1")
        broker = self.broker("streamer", None, None, "--capture", f">tcp://127.0.0.1:{port}")
        pusher, puller = self.push_and_pull(broker)
        while not spy.poll(10):
            pusher.send(b"seen")
            self.assertEqual(puller.recv(), b"seen")
        self.assertEqual(spy.recv(), b"seen")

    def test_stalled_capture_loses_captures_and_nothing_else(self):
        broker = self.broker("streamer", None, None, "--capture", TCP)
        spy = Wire.connect(broker.capture)
        self.addCleanup(spy.close)
        spy.handshake("SUB")
        spy.wish(b"")
        spy.sync()
        pusher, puller = self.push_and_pull(broker)
        block = bytes(10_000)

        def send():
            for number in range(5000):
                pusher.send_multipart([b"%d" % number, block])

        def receive():
            for number in range(5000):
                self.assertEqual(int(puller.recv_multipart()[0]), number)

        self.together(send, receive)
        broker.stop()
        account = broker.account()
        self.assertEqual(account["frontend to backend"]["forwarded"][0], 5000)
        self.assertEqual(account["capture"]["received"][0], 5000)
        self.assertGreater(account["capture"]["dropped, full"][0], 0)


class Shortage(Life):
    """Too few descriptors for all who come."""

    def test_connections_beyond_the_limit(self):
        program = ["prlimit", "--nofile=64:64", harness.find_command()]
        broker = self.broker("streamer", program=program)
        pusher, puller = self.push_and_pull(broker)
        crowd = [Wire.connect(broker.frontend) for _ in range(100)]
        for number in range(100):
            pusher.send(b"%d" % number)
            self.assertEqual(int(puller.recv()), number)
        before = harness.cpu_s(broker.pid)
        puller.poll(500)  # nothing comes: the time over which it is measured
        self.assertLess(harness.cpu_s(broker.pid) - before, 0.2, "it spins on what it cannot take")
        for wire in crowd:
            wire.close()
        self.socket(zmq.PUSH, broker.frontend).send(b"room again")
        self.assertEqual(puller.recv(), b"room again")


if __name__ == "__main__":
    harness.main()
