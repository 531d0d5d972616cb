# SPDX-License-Identifier: MIT
"""What is said after the handshake, as bytes: subscriptions, heartbeats, old versions, and peers
that are no peers at all. Said to the real command, while others are served.
"""

import random
import struct
import threading
import time

import zmq

import harness
import zmtp
from test_wire_bytes import WireCase
from zmtp import COMMAND, LONG, MORE, Closed, command, frame, message


class Subscriptions(WireCase):
    """'Publish-Subscribe', 29/PUBSUB. Publishers and subscribers are raw, of any version."""

    def join(self, endpoint, socket_type, version=(3, 1)):
        wire = self.raw(endpoint)
        if version == (2, 0):
            wire.handshake_v2(socket_type)
        else:
            wire.handshake(socket_type, minor=version[1])
        return wire

    def test_3_1_publishers_are_told_by_commands(self):
        broker = self.broker("forwarder")
        publisher = self.join(broker.frontend, "PUB")
        subscriber = self.socket(zmq.SUB, broker.backend, [b"topic"])
        self.assertEqual(publisher.read_command(), (b"SUBSCRIBE", b"topic"))
        subscriber.unsubscribe(b"topic")
        self.assertEqual(publisher.read_command(), (b"CANCEL", b"topic"))
        subscriber.subscribe(b"")
        self.assertEqual(publisher.read_command(), (b"SUBSCRIBE", b""))

    def test_older_publishers_are_told_by_messages(self):
        broker = self.broker("forwarder")
        for version in ((3, 0), (2, 0)):
            for socket_type in ("PUB",) if version == (2, 0) else ("PUB", "XPUB"):
                publisher = self.join(broker.frontend, socket_type, version)
                subscriber = self.socket(zmq.SUB, broker.backend, [b"topic"])
                self.assertEqual(publisher.read_message(), [b"\x01topic"])
                subscriber.unsubscribe(b"topic")
                self.assertEqual(publisher.read_message(), [b"\x00topic"])
                subscriber.close()
                publisher.close()

    def test_every_version_subscribes_and_cancels(self):
        broker = self.broker("forwarder")
        publisher = self.join(broker.frontend, "PUB")
        for version in ((3, 1), (3, 0), (2, 0)):
            with self.subTest(version=version):
                subscriber = self.join(broker.backend, "SUB", version)
                for topic in (b"topic", b"", b"\0\1\2", b"t" * 255, b"t" * 256, b"t" * 70000):
                    subscriber.wish(topic)
                    self.assertEqual(publisher.read_wish(), b"+" + topic)
                    publisher.send(message(topic + b"!", b"body"))
                    self.assertEqual(subscriber.read_message(), [topic + b"!", b"body"])
                    subscriber.wish(topic, False)
                    self.assertEqual(publisher.read_wish(), b"-" + topic)
                subscriber.close()

    def test_messages_of_3_1_subscribers_count_as_wishes(self):
        """libzmq's XSUB passes on a wish that it was given as a message as a message."""
        broker = self.broker("forwarder")
        publisher = self.join(broker.frontend, "PUB")
        subscriber = self.join(broker.backend, "XSUB")
        subscriber.send(frame(b"\x01topic"))
        self.assertEqual(publisher.read_wish(), b"+topic")
        subscriber.send(frame(b"\x00topic"))
        self.assertEqual(publisher.read_wish(), b"-topic")

    def test_wishes_are_counted(self):
        """Two SUBSCRIBE need two CANCEL: they are additive, not idempotent."""
        broker = self.broker("forwarder")
        publisher = self.join(broker.frontend, "PUB")
        for version in ((3, 1), (3, 0), (2, 0)):
            with self.subTest(version=version):
                subscriber = self.join(broker.backend, "SUB", version)
                for is_wanted in (True, True, True, False, False):
                    subscriber.wish(b"twice", is_wanted)
                subscriber.wish(b"mark")
                self.assertEqual(publisher.read_wish(), b"+twice")
                self.assertEqual(publisher.read_wish(), b"+mark")
                publisher.send(frame(b"twice is still wanted"))
                self.assertEqual(subscriber.read_message(), [b"twice is still wanted"])
                subscriber.wish(b"twice", False)
                self.assertEqual(publisher.read_wish(), b"-twice")
                publisher.send(frame(b"twice is not"), frame(b"mark"))
                self.assertEqual(subscriber.read_message(), [b"mark"])
                subscriber.close()
                self.assertEqual(publisher.read_wish(), b"-mark")

    def test_cancel_of_what_was_never_wished(self):
        broker = self.broker("forwarder")
        publisher = self.join(broker.frontend, "PUB")
        other, subscriber = (self.join(broker.backend, "SUB") for _ in range(2))
        other.wish(b"a")
        self.assertEqual(publisher.read_wish(), b"+a")
        subscriber.wish(b"a", False)
        subscriber.wish(b"never", False)
        subscriber.wish(b"mark")
        self.assertEqual(publisher.read_wish(), b"+mark")
        publisher.send(frame(b"a is wanted by the other"))
        self.assertEqual(other.read_message(), [b"a is wanted by the other"])

    def test_peer_loss_cancels(self):
        broker = self.broker("forwarder")
        publisher = self.join(broker.frontend, "PUB")
        staying, leaving = (self.join(broker.backend, "SUB") for _ in range(2))
        staying.wish(b"shared")
        self.assertEqual(publisher.read_wish(), b"+shared")
        for topic in (b"shared", b"own", b"own", b"other"):
            leaving.wish(topic)
        self.assertEqual([publisher.read_wish() for _ in range(2)], [b"+own", b"+other"])
        leaving.close()
        self.assertEqual(sorted(publisher.read_wish() for _ in range(2)), [b"-other", b"-own"])
        staying.wish(b"mark")
        self.assertEqual(publisher.read_wish(), b"+mark")

    def test_one_copy_however_many_wishes_match(self):
        broker = self.broker("forwarder")
        publisher = self.join(broker.frontend, "PUB")
        subscriber = self.join(broker.backend, "SUB")
        for topic in (b"", b"a", b"ab", b"a"):
            subscriber.wish(topic)
        self.assertEqual([publisher.read_wish() for _ in range(3)], [b"+", b"+a", b"+ab"])
        publisher.send(frame(b"abc"), frame(b"b"))
        self.assertEqual(subscriber.read_message(), [b"abc"])
        self.assertEqual(subscriber.read_message(), [b"b"])

    def test_publisher_that_does_not_listen_is_filtered(self):
        """What is sent all the same goes to those who want it and to nobody else."""
        broker = self.broker("forwarder")
        publisher = self.join(broker.frontend, "PUB")
        subscriber = self.join(broker.backend, "SUB")
        subscriber.wish(b"wanted")
        self.assertEqual(publisher.read_wish(), b"+wanted")
        publisher.send(message(b"unwanted", b"wanted"), message(b"wante", b"d"),
                       message(b"wanted", b"yes"))
        self.assertEqual(subscriber.read_message(), [b"wanted", b"yes"])

    def test_subscribe_within_a_message_does_not_split_it(self):
        broker = self.broker("forwarder")
        publisher = self.join(broker.frontend, "PUB")
        first, second = (self.join(broker.backend, "SUB") for _ in range(2))
        first.wish(b"t")
        self.assertEqual(publisher.read_wish(), b"+t")
        publisher.send(frame(b"topic", MORE))
        second.wish(b"t")
        second.wish(b"mark")
        self.assertEqual(publisher.read_wish(), b"+mark")
        publisher.send(frame(b"tail"), message(b"topic", b"2"))
        self.assertEqual(first.read_message(), [b"topic", b"tail"])
        heard = second.read_message()
        self.assertIn(heard, ([b"topic", b"tail"], [b"topic", b"2"]))


class Heartbeats(WireCase):
    """'Connection Heartbeating'."""

    def test_ping_is_answered_with_its_context(self):
        for kind, side, partner in (
                ("queue", "frontend", "DEALER"), ("queue", "backend", "REP"),
                ("forwarder", "frontend", "PUB"), ("forwarder", "backend", "SUB"),
                ("streamer", "frontend", "PUSH"), ("streamer", "backend", "PULL")):
            broker = self.broker(kind)
            wire = self.raw(broker.bound[side][0])
            wire.handshake(partner)
            for context in (b"", b"x", b"sixteen octets !", b"\0" * 16):
                wire.send(zmtp.ping(0, context))
                self.assertEqual(wire.read_command(), (b"PONG", context), f"{kind} {side}")

    def test_short_ping_is_not_echoed(self):
        """PING without its two octets of TTL: an answer could only hold stale memory."""
        broker = self.streamer()
        for body in (b"\x04PING", b"\x04PING\x00"):
            with self.subTest(body=body):
                wire = self.raw(broker.frontend)
                wire.handshake("PUSH")
                wire.send(frame(body, COMMAND))
                try:
                    wire.send(zmtp.ping(0, b"mark"))
                    self.assertEqual(wire.read_command(), (b"PONG", b"mark"))
                except (Closed, ConnectionError):
                    pass
        self.is_served(broker)

    def test_long_context_is_cut_off(self):
        """As in libzmq: sixteen octets come back, and the connection goes on."""
        wire = self.raw(self.streamer().frontend)
        wire.handshake("PUSH")
        for size in (17, 100, 300, 70000):
            wire.send(zmtp.ping(0, b"c" * size))
            self.assertEqual(wire.read_command(), (b"PONG", b"c" * 16), size)
        wire.send(frame(b"still here"))
        self.expect(b"still here")

    def test_unasked_pong_is_ignored(self):
        broker = self.streamer()
        wire = self.raw(broker.frontend)
        wire.handshake("PUSH")
        wire.send(command(b"PONG"), command(b"PONG", b"context"), frame(b"fine"))
        self.expect(b"fine")

    def test_ttl_ends_a_silent_peer(self):
        """A peer that promised to be heard within 0.3 s and is silent is given up."""
        broker = self.streamer()
        wire = self.raw(broker.frontend)
        wire.handshake("PUSH")
        wire.send(zmtp.ping(3, b""))
        self.assertEqual(wire.read_command(), (b"PONG", b""))
        wire.read_end()
        self.is_served(broker)

    def test_many_pings_at_once(self):
        broker = self.streamer()
        wire = self.raw(broker.frontend)
        wire.handshake("PUSH")
        wire.send(*[zmtp.ping(0, b"%d" % n) for n in range(1000)])
        for number in range(1000):
            self.assertEqual(wire.read_command(), (b"PONG", b"%d" % number))


class OldVersions(WireCase):
    """23/ZMTP 3.0 and 15/ZMTP 2.0."""

    def test_types_that_2_0_is_told(self):
        expected = {"queue": ("ROUTER", "DEALER"), "forwarder": ("SUB", "PUB"),
                    "streamer": ("PULL", "PUSH")}
        partner = {"queue": ("REQ", "REP"), "forwarder": ("PUB", "SUB"),
                   "streamer": ("PUSH", "PULL")}
        for kind in expected:
            broker = self.broker(kind)
            for side in (0, 1):
                wire = self.raw((broker.frontend, broker.backend)[side])
                number, identity = wire.handshake_v2(partner[kind][side])
                self.assertEqual(number, zmtp.NUMBERS[expected[kind][side]])
                self.assertEqual(identity, b"")

    def test_2_0_octet_by_octet(self):
        broker = self.streamer()
        wire = self.raw(broker.frontend)
        wire.send_apart(zmtp.SIGNATURE + b"\x01" + b"\x08" + frame(b"me")
                        + message(b"slow", b"x" * 300))
        self.expect(b"slow", b"x" * 300)

    def test_2_0_waits_for_our_signature_first(self):
        broker = self.streamer()
        wire = self.raw(broker.frontend)
        wire.send(zmtp.SIGNATURE)
        wire.read(10)
        wire.send(b"\x01")
        wire.read(2)  # our revision and our socket type, without having told ours
        wire.send(b"\x08", frame(b""), frame(b"hello"))
        self.expect(b"hello")

    def test_2_0_wrong_partners_are_refused(self):
        broker = self.streamer()
        for number in (*range(8), 11, 200, 255):
            with self.subTest(number=number):
                wire = self.raw(broker.frontend)
                wire.send(zmtp.SIGNATURE, b"\x01", bytes([number]), frame(b""))
                wire.read_end()
        self.is_served(broker)

    def test_2_0_request_and_reply(self):
        broker = self.broker("queue")
        client, worker = self.raw(broker.frontend), self.raw(broker.backend)
        client.handshake_v2("REQ", b"old client")
        worker.handshake_v2("REP")
        for body in (b"", b"q" * 255, b"q" * 256, b"q" * 100_000):
            client.send(message(b"", body))
            self.assertEqual(worker.read_message(), [b"old client", b"", body])
            worker.send(message(b"old client", b"", b"re: " + body))
            self.assertEqual(client.read_message(), [b"", b"re: " + body])

    def test_versions_meet_in_one_device(self):
        broker = self.broker("queue")
        worker = self.raw(broker.backend)
        worker.handshake_v2("REP")
        clients = [self.raw(broker.frontend) for _ in range(3)]
        clients[0].handshake("REQ")
        clients[1].handshake("REQ", minor=0)
        clients[2].handshake_v2("REQ")
        for client in clients:
            client.send(message(b"", b"question"))
            name, empty, body = worker.read_message()
            self.assertEqual((empty, body), (b"", b"question"))
            worker.send(message(name, b"", b"answer"))
            self.assertEqual(client.read_message(), [b"", b"answer"])

    def test_2_0_and_3_0_are_sent_no_commands(self):
        """What the broker says to them are messages, from the first frame to the last."""
        broker = self.broker("streamer")
        pusher = self.socket(zmq.PUSH, broker.frontend)
        for version in (2, 3):
            puller = self.raw(broker.backend)
            if version == 2:
                puller.handshake_v2("PULL")
            else:
                puller.handshake("PULL", minor=0)
            for number in range(20):
                pusher.send(b"%d" % number)
                self.assertEqual(puller.read_message(), [b"%d" % number])
            puller.close()


class Strangers(WireCase):
    """Peers that speak something else, too slowly, or leave in the middle."""

    def test_http_gets_nowhere(self):
        broker = self.streamer()
        wire = self.raw(broker.frontend)
        wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n")
        wire.read_end()
        self.is_served(broker)

    def test_garbage_gets_nowhere(self):
        broker = self.streamer()
        dice = random.Random(37)
        for _ in range(150):
            wire = self.raw(broker.frontend)
            try:
                wire.send(dice.randbytes(dice.randrange(1, 300)))
            except ConnectionError:
                pass
            wire.close()
        self.is_served(broker)

    def test_garbage_behind_a_good_start_gets_nowhere(self):
        broker = self.streamer()
        dice = random.Random(31)
        start = zmtp.greeting() + zmtp.ready("PUSH")
        for _ in range(150):
            wire = self.raw(broker.frontend)
            cut = dice.randrange(10, len(start) + 1)
            tail = bytearray(dice.randbytes(200))
            if cut == len(start):
                tail[0] = 0xf8  # no frame at all, else it might be a good message
            try:
                wire.send(start[:cut], bytes(tail))
            except ConnectionError:
                pass
            wire.close()
        self.is_served(broker)

    def test_connections_that_say_nothing(self):
        broker = self.streamer()
        idle = [self.raw(broker.frontend) for _ in range(200)]
        self.is_served(broker)
        for wire in idle:
            wire.close()
        self.is_served(broker)

    def test_drips_disturb_nobody(self):
        """Peers that say an octet now and then, in the greeting, in the handshake and in a
        frame, while 500 requests go their way, each within a moment."""
        broker = self.broker("queue")
        self.worker(broker.backend)
        talk = zmtp.greeting() + zmtp.ready("DEALER") + frame(b"d" * 1000)
        drips = []
        for start in (0, 5, 30, 66, len(talk) - 500):
            wire = self.raw(broker.frontend)
            wire.send(talk[:start])
            drips.append((wire, iter(talk[start:])))
        enough = threading.Event()

        def drip():
            while not enough.wait(0.02):
                for wire, octets in drips:
                    wire.send(bytes([next(octets)]))

        dripping = self.thread(drip)
        client = self.socket(zmq.REQ, broker.frontend)
        slowest_s = 0
        for number in range(500):
            start_s = time.monotonic()
            client.send(b"%d" % number)
            self.assertEqual(int(client.recv()), number)
            slowest_s = max(slowest_s, time.monotonic() - start_s)
        enough.set()
        dripping.join()
        self.assertLess(slowest_s, 1)

    def test_half_messages_go_nowhere(self):
        broker = self.streamer()
        for tail in (frame(b"half", MORE), frame(b"half", MORE) * 3, b"\x01\x05hal",
                     frame(b"half", MORE) + b"\x00", frame(b"half", MORE) + b"\x00\x05whol",
                     frame(b"h" * 100_000, MORE), bytes([LONG]) + struct.pack(">Q", 1 << 20)
                     + bytes(100_000)):
            wire = self.raw(broker.frontend)
            wire.handshake("PUSH")
            wire.send(message(b"whole", b"message"), tail)
            wire.close()
            self.expect(b"whole", b"message")
            self.is_served(broker)

    def test_half_requests_and_half_replies_go_nowhere(self):
        broker = self.broker("queue")
        quitter = self.raw(broker.frontend)
        quitter.handshake("DEALER")
        quitter.send(frame(b"", MORE), frame(b"half a request", MORE))
        quitter.close()
        client = self.raw(broker.frontend)
        client.handshake("REQ", b"client")
        client.sync()
        worker = self.raw(broker.backend)
        worker.handshake("REP")
        client.send(message(b"", b"question"))
        self.assertEqual(worker.read_message(), [b"client", b"", b"question"])
        worker.send(frame(b"client", MORE), frame(b"", MORE), frame(b"half a reply", MORE))
        worker.close()
        second = self.raw(broker.backend)
        second.handshake("REP")
        second.send(message(b"client", b"", b"whole reply"))
        self.assertEqual(client.read_message(), [b"", b"whole reply"])

    def test_half_publications_go_nowhere(self):
        broker = self.broker("forwarder")
        subscriber = self.socket(zmq.SUB, broker.backend, [b""])
        publisher = self.raw(broker.frontend)
        publisher.handshake("PUB")
        self.assertEqual(publisher.read_wish(), b"+")
        publisher.send(message(b"whole", b"message"), frame(b"half", MORE))
        publisher.close()
        self.assertEqual(subscriber.recv_multipart(), [b"whole", b"message"])
        publisher = self.raw(broker.frontend)
        publisher.handshake("PUB")
        self.assertEqual(publisher.read_wish(), b"+")
        publisher.send(message(b"another", b"one"))
        self.assertEqual(subscriber.recv_multipart(), [b"another", b"one"])

    def test_nonsense_of_the_right_form_is_dropped(self):
        """Replies without an envelope or for nobody, and empty messages, harm nobody."""
        broker = self.broker("queue")
        worker = self.raw(broker.backend)
        worker.handshake("DEALER")
        worker.send(frame(b""), frame(b"no envelope"), message(b"nobody", b"", b"reply"),
                    message(b"", b"", b""))
        client = self.raw(broker.frontend)
        client.handshake("REQ", b"c")
        client.send(message(b"", b"question"))
        self.assertEqual(worker.read_message(), [b"c", b"", b"question"])
        worker.send(frame(b"c"), message(b"c", b"", b"answer"))
        heard = client.read_message()
        while heard != [b"", b"answer"]:
            self.assertIn(heard, ([b""], []))
            heard = client.read_message()


class Dialling(harness.Case):
    """The broker as the side that connects."""

    def listener(self):
        listener = zmtp.Listener()
        self.addCleanup(listener.close)
        return listener

    def dialled(self, listener):
        wire = listener.accept()
        self.addCleanup(wire.close)
        return wire

    def test_closed_connections_are_made_again(self):
        listener = self.listener()
        self.broker("streamer", ">" + listener.endpoint)
        for _ in range(3):
            wire = self.dialled(listener)
            self.assertEqual(wire.handshake("PUSH")["socket-type"], b"PULL")
            wire.close()
        wire = self.dialled(listener)  # and when the other side does not even greet
        wire.close()
        self.dialled(listener).handshake("PUSH")

    def test_error_is_final(self):
        """'The ERROR command': a peer that was refused does not come again by itself."""
        listener = self.listener()
        self.broker("streamer", ">" + listener.endpoint)
        wire = self.dialled(listener)
        wire.greet()
        wire.read_command()
        wire.send(command(b"ERROR", b"\x06go off"))
        wire.read_end()
        listener.sock.settimeout(1)  # ten times as long as it would take to come again
        with self.assertRaises(TimeoutError):
            listener.accept()

    def test_dialler_does_not_wait_for_our_greeting(self):
        listener = self.listener()
        self.broker("streamer", ">" + listener.endpoint)
        wire = self.dialled(listener)
        self.assertEqual(wire.read(10)[0], 0xff)

    def test_2_0_listeners(self):
        listener = self.listener()
        broker = self.broker("streamer", None, ">" + listener.endpoint)
        wire = self.dialled(listener)
        self.assertEqual(wire.handshake_v2("PULL")[0], zmtp.NUMBERS["PUSH"])
        self.socket(zmq.PUSH, broker.frontend).send_multipart([b"to an", b"old one"])
        self.assertEqual(wire.read_message(), [b"to an", b"old one"])

    def test_wishes_are_told_anew_after_a_break(self):
        listener = self.listener()
        broker = self.broker("forwarder", ">" + listener.endpoint)
        wire = self.dialled(listener)
        wire.handshake("PUB")
        self.socket(zmq.SUB, broker.backend, [b"a", b"b"])
        self.assertEqual(sorted(wire.read_wish() for _ in range(2)), [b"+a", b"+b"])
        wire.close()
        wire = self.dialled(listener)
        wire.handshake("PUB", minor=0)
        self.assertEqual(sorted(wire.read_wish() for _ in range(2)), [b"+a", b"+b"])


if __name__ == "__main__":
    harness.main()
