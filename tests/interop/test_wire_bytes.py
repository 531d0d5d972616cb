# SPDX-License-Identifier: MIT
"""Greetings, handshakes and frames of ZMTP as bytes, said to the real command.

Each test says something right or wrong on a raw connection and sees what the broker makes of it;
where it is wrong, the connection must end and a well-behaved pair must still be served. Headings
name the section of 37/ZMTP 3.1 (or 15/ZMTP 2.0) that the rule is from.
"""

import struct

import zmq

import harness
import zmtp
from zmtp import COMMAND, MORE, Wire, command, frame, message, prop, ready

BAD_TYPES = {
    ("queue", "frontend"): ("REP", "PUB", "SUB", "XPUB", "XSUB", "PUSH", "PULL", "PAIR"),
    ("queue", "backend"): ("REQ", "PUB", "SUB", "XPUB", "XSUB", "PUSH", "PULL", "PAIR"),
    ("forwarder", "frontend"): ("SUB", "XSUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH"),
    ("forwarder", "backend"): ("PUB", "XPUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH"),
    ("streamer", "frontend"): ("PULL", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PAIR"),
    ("streamer", "backend"): ("PUSH", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PAIR"),
}
GOOD_TYPES = {
    ("queue", "frontend"): ("REQ", "DEALER", "ROUTER"),
    ("queue", "backend"): ("REP", "DEALER", "ROUTER"),
    ("forwarder", "frontend"): ("PUB", "XPUB"),
    ("forwarder", "backend"): ("SUB", "XSUB"),
    ("streamer", "frontend"): ("PUSH",),
    ("streamer", "backend"): ("PULL",),
}


class WireCase(harness.Case):
    """A streamer with a PULL script behind it, and raw connections to its front."""

    def raw(self, endpoint):
        wire = Wire.connect(endpoint)
        self.addCleanup(wire.close)
        return wire

    def streamer(self):
        broker = self.broker("streamer")
        self.puller = self.socket(zmq.PULL, broker.backend)
        return broker

    def expect(self, *parts):
        """The next message at the PULL script."""
        self.assertEqual(self.puller.recv_multipart(), list(parts))

    def is_served(self, broker):
        """A well-behaved peer goes through, and nothing odd has gone through before it."""
        wire = self.raw(broker.frontend)
        wire.handshake("PUSH")
        wire.send(frame(b"well-behaved"))
        self.expect(b"well-behaved")


class Greetings(WireCase):
    """'Greeting', 'Version Negotiation', 'Backwards Interoperability', 'Mechanism'."""

    def test_ours_says_3_1_and_null(self):
        wire = self.raw(self.streamer().frontend)
        ours = wire.greet()
        self.assertEqual(ours[0], 0xff)
        self.assertEqual(ours[9], 0x7f)
        self.assertEqual(ours[10:12], b"\x03\x01")
        self.assertEqual(ours[12:32], b"NULL" + bytes(16))
        self.assertEqual(ours[32:], bytes(32))

    def test_octet_by_octet(self):
        wire = self.raw(self.streamer().frontend)
        wire.send_apart(zmtp.greeting() + ready("PUSH"))
        self.read_welcome(wire)
        wire.send_apart(message(b"slow", b"x" * 300, b"but sure"))
        self.expect(b"slow", b"x" * 300, b"but sure")

    def read_welcome(self, wire):
        wire.read(zmtp.GREETING_SIZE)
        self.assertEqual(wire.read_command()[0], b"READY")

    def test_all_at_once(self):
        """A peer may say everything without having heard a word."""
        wire = self.raw(self.streamer().frontend)
        wire.send(zmtp.greeting(), ready("PUSH"), message(b"in", b"one", b"go"))
        self.expect(b"in", b"one", b"go")

    def test_every_cut_in_two(self):
        broker = self.streamer()
        opening, talk = zmtp.greeting() + ready("PUSH"), message(b"cut", b"y" * 256)
        for cut in range(1, len(opening), 3):
            wire = self.raw(broker.frontend)
            wire.send(opening[:cut])
            wire.read(10)  # so that the two pieces are two segments
            wire.send(opening[cut:])
            wire.read(zmtp.GREETING_SIZE - 10)
            self.assertEqual(wire.read_command()[0], b"READY")
            wire.send_apart(talk, cut)
            self.expect(b"cut", b"y" * 256)

    def test_peer_waits_after_eleven_octets(self):
        """A peer that can speak older versions sends signature and major, and waits for ours."""
        wire = self.raw(self.streamer().frontend)
        ours = zmtp.greeting()
        wire.send(ours[:11])
        self.assertEqual(len(wire.read(zmtp.GREETING_SIZE)), 64)
        wire.send(ours[11:], ready("PUSH"))
        self.assertEqual(wire.read_command()[0], b"READY")
        wire.send(frame(b"patient"))
        self.expect(b"patient")

    def test_peer_waits_after_ten_octets(self):
        wire = self.raw(self.streamer().frontend)
        wire.send(zmtp.SIGNATURE)
        wire.read(10)
        wire.send(zmtp.greeting()[10:], ready("PUSH"))
        wire.read(zmtp.GREETING_SIZE - 10)
        self.assertEqual(wire.read_command()[0], b"READY")
        wire.send(frame(b"patient"))
        self.expect(b"patient")

    def test_peer_that_says_nothing_is_told_ten_octets(self):
        """And no more: it may be one of ZMTP 1.0, which knows no version."""
        wire = self.raw(self.streamer().frontend)
        self.assertEqual(wire.read(10), b"\xff" + bytes(7) + b"\x01\x7f")
        wire.send(zmtp.SIGNATURE)
        self.assertEqual(wire.read(1), b"\x03")

    def test_padding_has_no_meaning(self):
        broker = self.streamer()
        for padding in (b"\xff" * 8, bytes(7) + b"\x01", b"\x01\x02\x03\x04\x05\x06\x07\x08"):
            wire = self.raw(broker.frontend)
            wire.greet(padding=padding)
            wire.send(ready("PUSH"), frame(padding))
            self.expect(padding)

    def test_higher_versions_are_spoken_to_as_3_1(self):
        broker = self.streamer()
        for major, minor in ((3, 2), (3, 255), (4, 0), (4, 7), (255, 255)):
            wire = self.raw(broker.frontend)
            self.assertEqual(wire.greet(major=major, minor=minor)[10:12], b"\x03\x01")
            wire.send(ready("PUSH"), frame(b"%d.%d" % (major, minor)))
            self.expect(b"%d.%d" % (major, minor))

    def test_as_server_octet_is_no_reason_to_refuse(self):
        wire = self.raw(self.streamer().frontend)
        wire.greet(as_server=1)
        wire.send(ready("PUSH"), frame(b"served"))
        self.expect(b"served")

    def test_other_mechanisms_are_refused(self):
        broker = self.streamer()
        for mechanism in (b"PLAIN", b"CURVE", b"GSSAPI", b"", b"null", b"NULLX", b"NUL",
                          b"NULL\0X", b"NULL                ", b"\0NULL", b"\xff" * 20):
            with self.subTest(mechanism=mechanism):
                wire = self.raw(broker.frontend)
                wire.send(zmtp.greeting(mechanism=mechanism))
                rest = wire.read_end()
                self.assertLessEqual(len(rest), zmtp.GREETING_SIZE, "more than a greeting")
        self.is_served(broker)

    def test_wrong_signatures_are_refused(self):
        broker = self.streamer()
        for start in (b"\xfe\x01" + bytes(7) + b"\x7f\x03", b"\xff" + bytes(8) + b"\x7e\x03",
                      b"\x00" * 11, b"\x01\x00" + bytes(9), b"\x7f" * 11):
            with self.subTest(start=start):
                wire = self.raw(broker.frontend)
                wire.send(start, bytes(53))
                wire.read_end()
        self.is_served(broker)


class Handshakes(WireCase):
    """'The NULL Security Mechanism', 'Socket Type Property', 'Identity', 'The ERROR command'."""

    def test_ready_comes_without_waiting_for_ours(self):
        broker = self.streamer()
        wire = self.raw(broker.frontend)
        wire.greet()
        name, data = wire.read_command()
        self.assertEqual(name, b"READY")
        self.assertEqual(zmtp.properties(data)["socket-type"], b"PULL")

    def test_each_side_names_its_socket_type(self):
        names = {"queue": ("ROUTER", "DEALER"), "forwarder": ("XSUB", "XPUB"),
                 "streamer": ("PULL", "PUSH")}
        for kind, (front, back) in names.items():
            broker = self.broker(kind)
            for endpoint, name, side in ((broker.frontend, front, "frontend"),
                                         (broker.backend, back, "backend")):
                for partner in GOOD_TYPES[kind, side]:
                    theirs = self.raw(endpoint).handshake(partner)
                    self.assertEqual(theirs["socket-type"].decode(), name)
                    empty = b"" if name in ("ROUTER", "DEALER", "REQ") else None
                    self.assertEqual(theirs.get("identity"), empty)

    def test_wrong_socket_types_are_answered_with_error(self):
        for kind in ("queue", "forwarder", "streamer"):
            broker = self.broker(kind)
            for side in ("frontend", "backend"):
                for partner in (*BAD_TYPES[kind, side], "FOO", ""):
                    with self.subTest(kind=kind, side=side, partner=partner):
                        self.refused(broker.bound[side][0], ready(partner))
            for side in ("frontend", "backend"):
                for partner in GOOD_TYPES[kind, side]:
                    self.raw(broker.bound[side][0]).handshake(partner)

    def refused(self, endpoint, *talk):
        """An ERROR with a reason, after a READY or instead of it, and then the end."""
        wire = self.raw(endpoint)
        wire.greet()
        wire.send(*talk)
        name, data = wire.read_command()
        if name == b"READY":
            name, data = wire.read_command()
        self.assertEqual(name, b"ERROR")
        self.assertEqual(data[0], len(data) - 1, "the reason's length")
        self.assertGreater(data[0], 0, "no reason")
        self.assertTrue(data[1:].decode("ascii").isprintable(), data)
        self.assertEqual(wire.read_end(), b"")

    def test_names_of_properties_have_no_case(self):
        """A comparison that minds the case would let this SUB in as if it had named no type."""
        broker = self.broker("queue")
        for name in (b"socket-type", b"SOCKET-TYPE", b"sOcKeT-tYpE"):
            with self.subTest(name=name):
                self.refused(broker.frontend, ready("SUB", name=name))
                wire = self.raw(broker.frontend)
                wire.greet()
                wire.send(ready("REQ", name=name))
                self.assertEqual(wire.read_command()[0], b"READY")
                wire.sync()

    def test_unknown_properties_are_ignored(self):
        broker = self.streamer()
        wire = self.raw(broker.frontend)
        wire.greet()
        data = (prop(b"X-Colour", b"green") + prop(b"Socket-Type", b"PUSH") + prop(b"a", b"")
                + prop(b"n" * 255, b"v" * 1000))
        wire.send(command(b"READY", data), frame(b"fine"))
        self.expect(b"fine")

    def test_malformed_metadata_is_refused(self):
        broker = self.streamer()
        good = prop(b"Socket-Type", b"PUSH")
        for data in (good + b"\x00" + struct.pack(">I", 1) + b"x",  # a name of no octets
                     good + b"\x05ab",  # a name beyond the frame
                     good + b"\x01a\x00\x00",  # half a value size
                     good + b"\x01a" + struct.pack(">I", 2) + b"x",  # a value beyond the frame
                     good + b"\x01a" + struct.pack(">I", 0xffffffff) + b"x",
                     good + b"\x01"):
            with self.subTest(data=data):
                wire = self.raw(broker.frontend)
                wire.greet()
                wire.send(command(b"READY", data))
                wire.read_end()
        self.is_served(broker)

    def test_other_things_than_ready_are_refused(self):
        broker = self.streamer()
        for talk in (frame(b"a message"), message(b"two", b"parts"), command(b"HELLO", b"\0\0"),
                     frame(b"\x09READY", COMMAND), frame(b"", COMMAND), frame(b"\x00", COMMAND),
                     frame(ready("PUSH")[2:], COMMAND | MORE), frame(ready("PUSH")[2:], 0)):
            with self.subTest(talk=talk):
                wire = self.raw(broker.frontend)
                wire.greet()
                wire.send(talk)
                wire.read_end()
        self.is_served(broker)

    def test_huge_handshake_command_is_refused(self):
        broker = self.streamer()
        wire = self.raw(broker.frontend)
        wire.greet()
        wire.send(bytes([COMMAND | zmtp.LONG]), struct.pack(">Q", 1 << 40), b"\x05READY")
        wire.read_end()
        self.is_served(broker)

    def test_error_ends_the_connection(self):
        broker = self.streamer()
        wire = self.raw(broker.frontend)
        wire.greet()
        wire.send(command(b"ERROR", b"\x0anot today!"))
        wire.read_end()
        self.is_served(broker)

    def test_identity_is_the_clients_name(self):
        broker = self.broker("queue")
        worker = self.raw(broker.backend)
        worker.handshake("REP")
        for identity in (b"A", b"a name", b"\xff\x00\x01", b"i" * 255):
            client = self.raw(broker.frontend)
            client.handshake("REQ", identity)
            client.send(message(b"", b"question"))
            self.assertEqual(worker.read_message(), [identity, b"", b"question"])
            worker.send(message(identity, b"", b"answer"))
            self.assertEqual(client.read_message(), [b"", b"answer"])

    def test_nameless_clients_get_a_name_that_none_can_choose(self):
        broker = self.broker("queue")
        worker = self.raw(broker.backend)
        worker.handshake("REP")
        names = set()
        for identity in (None, b"", None):
            client = self.raw(broker.frontend)
            client.handshake("REQ", identity)
            client.send(message(b"", b"question"))
            name = worker.read_message()[0]
            self.assertEqual((len(name), name[0]), (5, 0))
            names.add(name)
        self.assertEqual(len(names), 3)

    def test_bad_identities_are_refused(self):
        broker = self.broker("queue")
        for identity in (b"\0", b"\0name", b"i" * 256, b"i" * 5000):
            with self.subTest(identity=identity[:10]):
                wire = self.raw(broker.frontend)
                wire.greet()
                wire.send(ready("DEALER", identity))
                wire.read_end()
        self.raw(broker.frontend).handshake("DEALER", b"fine")

    def test_identity_of_others_is_ignored(self):
        wire = self.raw(self.streamer().frontend)
        wire.handshake("PUSH", b"somebody")
        wire.send(frame(b"anybody"))
        self.expect(b"anybody")

    def test_second_of_the_same_name_takes_nothing_from_the_first(self):
        broker = self.broker("queue")
        worker = self.raw(broker.backend)
        worker.handshake("REP")
        first, second = self.raw(broker.frontend), self.raw(broker.frontend)
        first.handshake("REQ", b"name")
        first.sync()
        try:
            second.handshake("REQ", b"name")
            second.send(message(b"", b"mine!"))
        except zmtp.Closed:
            pass  # refusing it is as good as ignoring it
        first.send(message(b"", b"question"))
        self.assertEqual(worker.read_message(), [b"name", b"", b"question"])
        worker.send(message(b"name", b"", b"answer"))
        self.assertEqual(first.read_message(), [b"", b"answer"])


class Frames(WireCase):
    """'Framing', 'Commands', 'Message frames'."""

    def pushing(self, broker):
        wire = self.raw(broker.frontend)
        wire.handshake("PUSH")
        return wire

    def test_short_and_long_forms_are_taken(self):
        broker = self.streamer()
        wire = self.pushing(broker)
        for size in (0, 1, 254, 255):
            for is_long in (False, True):
                wire.send(frame(b"z" * size, is_long=is_long))
                self.expect(b"z" * size)
                wire.send(frame(b"z" * size, MORE, is_long), frame(b"", is_long=not is_long))
                self.expect(b"z" * size, b"")
        for size in (256, 257, 65535, 65536):
            wire.send(frame(b"z" * size))
            self.expect(b"z" * size)

    def test_ours_are_short_up_to_255(self):
        broker = self.broker("streamer")
        pusher, puller = self.pushing(broker), self.raw(broker.backend)
        puller.handshake("PULL")
        for size in (0, 1, 254, 255, 256, 257, 70000):
            pusher.send(frame(b"z" * size, is_long=True))
            flags, = puller.read(1)
            width = 8 if flags & zmtp.LONG else 1
            self.assertEqual(width, 8 if size > 255 else 1, f"for {size} octets")
            self.assertEqual(int.from_bytes(puller.read(width), "big"), size)
            self.assertEqual(puller.read(size), b"z" * size)

    def test_reserved_flag_bits_are_refused(self):
        broker = self.streamer()
        for bit in (3, 4, 5, 6, 7):
            with self.subTest(bit=bit):
                wire = self.pushing(broker)
                wire.send(bytes([1 << bit, 1]) + b"x")
                wire.read_end()
        self.is_served(broker)

    def test_more_on_a_command_is_refused(self):
        broker = self.streamer()
        wire = self.pushing(broker)
        wire.send(frame(b"\x04PING\0\0", COMMAND | MORE))
        wire.read_end()
        self.is_served(broker)

    def test_impossible_sizes_are_refused(self):
        broker = self.streamer()
        for size in (1 << 63, (1 << 64) - 1, (1 << 63) | 5):
            for flags in (0, MORE, COMMAND):
                with self.subTest(size=size, flags=flags):
                    wire = self.pushing(broker)
                    wire.send(bytes([flags | zmtp.LONG]), struct.pack(">Q", size), b"xxxxx")
                    wire.read_end()
        self.is_served(broker)

    def test_enormous_claims_cost_nothing(self):
        """A frame may announce 2^62 octets. Memory is for octets that have come."""
        broker = self.streamer()
        for size in (1 << 40, 1 << 62, (1 << 63) - 1):
            wire = self.pushing(broker)
            wire.send(bytes([zmtp.LONG]), struct.pack(">Q", size), bytes(100_000))
        self.is_served(broker)
        self.assertLess(harness.resident_bytes(broker.pid), 1 << 30)

    def test_unknown_commands_are_ignored(self):
        wire = self.pushing(self.streamer())
        wire.send(command(b"FOO"), command(b"X" * 255, b"data"), command(b"ping", b"xx"))
        wire.send(frame(b"still here"))
        self.expect(b"still here")
        wire.sync()

    def test_command_name_must_fit_its_frame(self):
        broker = self.streamer()
        for body in (b"\x09PING", b"\xff", b"\x01", b"\x00", b"", b"\x05PING"):
            with self.subTest(body=body):
                wire = self.pushing(broker)
                wire.send(frame(body, COMMAND))
                wire.read_end()
        self.is_served(broker)

    def test_commands_between_messages_but_not_within(self):
        """Between two messages a PING is answered; within one it may be, or may be refused, but
        the message is whole or not there."""
        broker = self.streamer()
        wire = self.pushing(broker)
        wire.send(frame(b"a"), zmtp.ping(0, b"1"), frame(b"b"))
        self.expect(b"a")
        self.expect(b"b")
        self.assertEqual(wire.read_command(), (b"PONG", b"1"))
        wire = self.pushing(broker)
        try:
            wire.send(frame(b"first", MORE), zmtp.ping(0, b"2"), frame(b"second"))
            self.assertEqual(wire.read_command(), (b"PONG", b"2"))
            self.expect(b"first", b"second")
        except zmtp.Closed:
            pass
        self.is_served(broker)


if __name__ == "__main__":
    harness.main()
