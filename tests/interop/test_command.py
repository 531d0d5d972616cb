# SPDX-License-Identifier: MIT
"""The greenmq command: its words, its exit codes, and the endpoints that it binds and connects."""

import os
import re
import socket

import zmq

import harness
import zmtp

TCP = "tcp://127.0.0.1:*"
DEVICES = ("queue", "forwarder", "streamer")


class Words(harness.Case):
    """What it says without running anything, and how it refuses what makes no sense."""

    def run_command(self, *words):
        child = self.child(harness.find_command(), *words)
        return child, child.wait_exit()

    def test_help(self):
        for words, parts in (
                (["--help"], [*DEVICES, "--help", "--version"]),
                (["-h"], list(DEVICES)),
                *((["%s" % kind, "--help"], ["FRONTEND", "BACKEND", "--capture", "--stats", "--hwm",
                                             "--io-threads", "-q", "-v", "usage:"])
                  for kind in DEVICES),
                (["forwarder", "--help"], ["--subscribe"])):
            with self.subTest(words=words):
                child, code = self.run_command(*words)
                self.assertEqual((code, child.err()), (0, ""))
                for part in parts:
                    self.assertIn(part, child.out())

    def test_only_the_forwarder_offers_subscribe(self):
        for kind in ("queue", "streamer"):
            self.assertNotIn("--subscribe", self.run_command(kind, "--help")[0].out())

    def test_version(self):
        for words in (["--version"], ["queue", "--version"]):
            child, code = self.run_command(*words)
            self.assertEqual((code, child.err()), (0, ""))
            self.assertRegex(child.out(), r"^greenmq \d+\.\d+\.\d+$")

    def refused(self, code, words, *named):
        """It ends with the code, says one sentence on stderr that has the words, and no more."""
        with self.subTest(words=words):
            child, given = self.run_command(*words)
            self.assertEqual(given, code, child.said())
            self.assertEqual(child.out(), "")
            self.assertEqual(len(child.lines["err"]), 1, child.said())
            for part in named:
                self.assertIn(part.lower(), child.err().lower())

    def test_wrong_usage(self):
        for words, named in (
                ([], "command"),
                (["bucket", TCP, TCP], "bucket"),
                (["--colour"], "--colour"),
                (["-x"], "-x"),
                (["queue"], "frontend"),
                (["queue", TCP], "backend"),
                (["queue", TCP, TCP, "more"], "more"),
                (["queue", "--colour", TCP, TCP], "--colour"),
                (["queue", "-x", TCP, TCP], "-x"),
                (["queue", TCP, TCP, "--capture"], "--capture"),
                (["queue", "--subscribe", "a", TCP, TCP], "--subscribe"),
                (["streamer", "--subscribe", "a", TCP, TCP], "--subscribe"),
                (["queue", "--hwm", "many", TCP, TCP], "many"),
                (["queue", "--hwm", "-1", TCP, TCP], "-1"),
                (["queue", "--hwm", "", TCP, TCP], "--hwm"),
                (["queue", "--hwm", "99999999999999999999", TCP, TCP], "99999999999999999999"),
                (["queue", "--hwm", "10x", TCP, TCP], "10x"),
                (["queue", "--io-threads", "0", TCP, TCP], "0"),
                (["queue", "--io-threads", "two", TCP, TCP], "two"),
                (["queue", "--io-threads", "257", TCP, TCP], "257"),
                (["queue", "--stats", "often", TCP, TCP], "often"),
                (["queue", "--stats", "0", TCP, TCP], "--stats"),
                (["queue", "--stats", "-2", TCP, TCP], "-2"),
                (["queue", "--stats", "nan", TCP, TCP], "nan"),
                (["queue", "-q=1", TCP, TCP], "-"),
                (["queue", "--quiet=1", TCP, TCP], "--quiet")):
            self.refused(2, words, named)

    def test_wrong_endpoints(self):
        for wrong in ("tcp:/127.0.0.1:5555", "127.0.0.1:5555", "tcp://127.0.0.1", "http://x:80",
                      "tcp://127.0.0.1:65536", "tcp://127.0.0.1:-1", "tcp://127.0.0.1:port",
                      "tcp://", "ipc://", "://", "ipc://" + "x" * 200,
                      "pgm://127.0.0.1:5555", "tcp://127.0.0.1:5555x", ">tcp://",
                      "@tcp://x", "tcp://127.0.0.1:*/path"):
            self.refused(2, ["queue", wrong, TCP], wrong.lstrip("@>"))
            self.refused(2, ["queue", TCP, wrong], wrong.lstrip("@>"))
        self.refused(2, ["queue", "--capture", "nonsense", TCP, TCP], "nonsense")

    def test_missing_endpoints(self):
        for wrong in ("", ",", f"{TCP},", f",{TCP}", f"{TCP},,{TCP}", ">", "@"):
            self.refused(2, ["queue", wrong, TCP])

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            place = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            for words in (["queue", place, TCP], ["streamer", TCP, place],
                          ["forwarder", f"{TCP},{place}", TCP],
                          ["queue", "--capture", place, TCP, TCP]):
                self.refused(1, words, place, "in use")

    def test_places_that_cannot_be_bound(self):
        for place in ("ipc:///no/such/folder/at/all", f"ipc://{self.folder}",
                      "tcp://192.0.2.1:5555", "tcp://no-such-interface-0:5555",
                      "tcp://:5555", "tcp://[::1:5555"):
            self.refused(1, ["streamer", place, TCP], place)

    def test_port_that_is_taken_by_another_broker(self):
        broker = self.broker("queue")
        self.refused(1, ["queue", broker.frontend, TCP], broker.frontend, "in use")


class Endpoints(harness.Case):
    """What it binds and connects, and what it says of it."""

    def passes(self, broker, front, back):
        """A message goes in there and comes out here."""
        pusher, puller = self.socket(zmq.PUSH), self.socket(zmq.PULL)
        for sock, endpoint in ((pusher, front), (puller, back)):
            harness.connect(sock, endpoint)
        pusher.send(b"through")
        self.assertEqual(puller.recv(), b"through")
        for sock in (pusher, puller):  # or it would come again to who is next at this endpoint
            sock.close(0)

    def test_real_ports_are_told(self):
        for kind in DEVICES:
            broker = self.broker(kind)
            for place in (broker.frontend, broker.backend):
                self.assertRegex(place, r"^tcp://127\.0\.0\.1:[1-9]\d+$")
                zmtp.open_stream(place).close()

    def test_fixed_ports(self):
        ports = harness.free_port(), harness.free_port()
        broker = self.broker("streamer", *[f"tcp://127.0.0.1:{port}" for port in ports])
        self.assertEqual((broker.frontend, broker.backend),
                         tuple(f"tcp://127.0.0.1:{port}" for port in ports))
        self.passes(broker, broker.frontend, broker.backend)

    def test_several_endpoints_and_transports(self):
        name = f"greenmq-test-{os.getpid()}"
        broker = self.broker("streamer", f"{TCP},ipc://{self.folder}/front,@{TCP},ipc://@{name}",
                             f"ipc://{self.folder}/back,{TCP}")
        self.assertEqual(len(broker.bound["frontend"]), 4)
        self.assertEqual(len(broker.bound["backend"]), 2)
        puller = self.socket(zmq.PULL, broker.bound["backend"][1])
        for number, place in enumerate(broker.bound["frontend"]):
            self.socket(zmq.PUSH, place).send(b"%d" % number)
            self.assertEqual(puller.recv(), b"%d" % number)

    def test_at_sign_binds(self):
        broker = self.broker("streamer", "@" + TCP, "@ipc://" + self.folder + "/back")
        self.passes(broker, broker.frontend, broker.backend)

    def test_wildcard_ipc(self):
        broker = self.broker("streamer", "ipc://*", "ipc://*")
        self.passes(broker, broker.frontend, broker.backend)

    def test_wildcard_address(self):
        broker = self.broker("streamer", "tcp://*:*", "tcp://0.0.0.0:*")
        self.assertRegex(broker.frontend, r"^tcp://0\.0\.0\.0:[1-9]\d+$")
        self.passes(broker, broker.frontend.replace("0.0.0.0", "127.0.0.1"),
                    broker.backend.replace("0.0.0.0", "127.0.0.1"))

    def test_interface_name(self):
        broker = self.broker("streamer", "tcp://lo:*", TCP)
        self.assertRegex(broker.frontend, r"^tcp://127\.0\.0\.1:[1-9]\d+$")
        self.passes(broker, broker.frontend, broker.backend)

    def test_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError as error:
            self.skipTest(f"this machine has no IPv6 loopback: {error}")
        broker = self.broker("streamer", "tcp://[::1]:*", TCP)
        self.assertRegex(broker.frontend, r"^tcp://\[::1\]:[1-9]\d+$")
        pusher = self.socket(zmq.PUSH, IPV6=1)
        harness.connect(pusher, broker.frontend)
        pusher.send(b"six")
        self.assertEqual(self.socket(zmq.PULL, broker.backend).recv(), b"six")

    def test_both_sides_connect(self):
        pusher, puller = self.socket(zmq.PUSH), self.socket(zmq.PULL)
        places = []
        for sock in (pusher, puller):
            port = sock.bind_to_random_port("tcp://127.0.0.1")
            places.append(f">tcp://127.0.0.1:{port}")
        broker = self.broker("streamer", *places)
        pusher.send(b"through")
        self.assertEqual(puller.recv(), b"through")
        for place in places:
            broker.wait_line("connected to " + re.escape(place[1:]))

    def test_connects_to_what_is_not_there_yet(self):
        port = harness.free_port()
        broker = self.broker("streamer", f">tcp://127.0.0.1:{port}", TCP)
        puller = self.socket(zmq.PULL, broker.backend)
        pusher = self.socket(zmq.PUSH)
        pusher.bind(f"tcp://127.0.0.1:{port}")
        pusher.send(b"at last")
        self.assertEqual(puller.recv(), b"at last")

    def test_connects_by_name(self):
        pusher = self.socket(zmq.PUSH)
        port = pusher.bind_to_random_port("tcp://127.0.0.1")
        broker = self.broker("streamer", f">tcp://localhost:{port}", TCP)
        pusher.send(b"by name")
        self.assertEqual(self.socket(zmq.PULL, broker.backend).recv(), b"by name")

    def test_binds_and_connects_on_one_side(self):
        bound = self.socket(zmq.PUSH)
        port = bound.bind_to_random_port("tcp://127.0.0.1")
        broker = self.broker("streamer", f"{TCP},>tcp://127.0.0.1:{port}", TCP)
        puller = self.socket(zmq.PULL, broker.backend)
        bound.send(b"from the bound one")
        self.assertEqual(puller.recv(), b"from the bound one")
        self.socket(zmq.PUSH, broker.frontend).send(b"from the other")
        self.assertEqual(puller.recv(), b"from the other")

    def test_ports_are_free_again_at_once(self):
        broker = self.broker("streamer")
        self.passes(broker, broker.frontend, broker.backend)
        broker.stop()
        again = self.broker("streamer", broker.frontend, broker.backend)
        self.passes(again, again.frontend, again.backend)

    def test_socket_file_of_a_dead_broker_is_no_obstacle(self):
        places = [f"ipc://{self.folder}/front", f"ipc://{self.folder}/back"]
        self.broker("streamer", *places).kill()
        self.assertTrue(os.path.exists(f"{self.folder}/front"))
        broker = self.broker("streamer", *places)
        self.passes(broker, *places)
        broker.stop()
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    harness.main()

    def test_several_io_threads(self):
        broker = self.broker("streamer", TCP, TCP, "--io-threads", "4")
        threads = os.listdir(f"/proc/{broker.pid}/task")
        self.assertGreaterEqual(len(threads), 5)  # those four, and the main one
        for _ in range(8):
            self.passes(broker, broker.frontend, broker.backend)
