# SPDX-License-Identifier: MIT
"""The programs of examples/c that show green threads: built as their heads say, and run. What goes
over a wire has libzmq at the other end."""

import pathlib
import re
import signal
import socket
import subprocess

import building
import harness
import zmq

ANSWERS_IN_ALL = 50
TEST = pathlib.Path(__file__)


def ask_line(port, *lines, limit_s=harness.LIMIT_S):
    """What a TCP client hears that sends these lines and reads as many."""
    with socket.create_connection(("127.0.0.1", port), timeout=limit_s) as tcp:
        tcp.sendall("".join(f"{line}\n" for line in lines).encode())
        with tcp.makefile() as heard:
            return [heard.readline().rstrip("\n") for _ in lines]


class Alone(building.Builds, harness.Case):
    """Those that need nobody."""

    def test_pusher(self):
        lines = self.run_through("c/pusher.c")
        self.assertEqual(lines[-1], "all have ended")
        for name, count in (("quick", 9), ("slow", 3)):
            heard = [line for line in lines if line.startswith(name)]
            self.assertEqual(heard, [f"{name} {i}" for i in range(1, count + 1)])
        self.assertLess(lines.index("quick 1"), lines.index("slow 1"))
        self.assertLess(lines.index("slow 1"), lines.index("quick 9"))  # they took turns

    def test_ten_devices(self):
        lines = self.run_through("c/ten_devices.c")
        self.assertEqual(lines[0], "ordinary threads: 1")
        kinds = ("queue", "forwarder", "streamer")
        self.assertEqual(lines[1:], [
            f"{i} {kinds[i % 3]}: 100 taken, {0 if i % 3 else 100} answered" for i in range(10)])

    def test_echo(self):
        self.assertEqual(self.run_through("c/echo.c"), ["1000 words came back"])

    def test_in_libuv(self):
        lines = self.run_through("c/in_libuv.c")
        self.assertEqual(lines, [f"question {i}: yes" for i in range(1, 6)]
                         + ["libuv's timer went on: yes"])

    def test_in_poll(self):
        program = subprocess.Popen([self.build("c/in_poll.c")], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   preexec_fn=harness.die_with_parent)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        for text, total in ((b"one\n", 4), (b"three\n", 10)):
            program.stdin.write(text)
            program.stdin.flush()
            self.assertEqual(program.stdout.readline(), f"{total} octets so far\n".encode())
        out, err = program.communicate(timeout=harness.LIMIT_S)
        self.assertEqual(out, b"the end, after 10 octets\n", err)
        self.assertEqual(program.returncode, 0, err)
        self.assertEqual(err, b"")

    def test_seeing(self):
        text = "\n".join(self.run_through("c/seeing.c"))
        self.assertRegex(text, r"(?m)^\d+ +main +running")
        self.assertRegex(text, r"(?m)^\d+ +reader +waiting +zmq_recv.* +\d+\.\d+ +\d+ of 256 KiB$")
        self.assertRegex(text, r"(?m)^\d+ +sleeper +waiting +gmq_sleep ")
        self.assertRegex(text, r"(?m)^3 green threads$")
        self.assertRegex(text, r'green thread "greedy" has let no other run')
        self.assertRegex(text, r"(?m)^  \S*seeing\(compute\+0x[0-9a-f]+\)")

    def test_seeing_a_static_function(self):
        """As greenmq-green(3) says: not exported, but addr2line knows it."""
        text = (building.EXAMPLES / "c/seeing.c").read_text()
        program = self.build_text(text.replace("void *compute", "static void *compute"), "static",
                                  "-rdynamic")
        child = self.child(program)
        self.assertEqual(child.wait_exit(), 0, child.said())
        said = "\n".join(self.clean(child))
        self.assertNotIn("compute", said)
        places = re.findall(r"(?m)^  \S*static\(\+(0x[0-9a-f]+)\)", said)
        names = subprocess.run(["addr2line", "-f", "-e", program, *places], capture_output=True,
                               text=True, check=True).stdout.splitlines()
        self.assertIn("compute", names)


class Relays(building.Builds, harness.Case):
    """The two devices by hand, between clients and workers on libzmq."""

    def relay(self, path):
        frontend, backend = (f"tcp://127.0.0.1:{harness.free_port()}" for _ in range(2))
        relay = self.example(path, frontend, backend)
        relay.wait_line("passing; end with Ctrl-C")
        for _ in range(2):
            self.worker(backend, lambda parts: [b"re", *parts])
        clients = [self.socket(zmq.REQ, frontend) for _ in range(5)]
        for number in range(ANSWERS_IN_ALL // len(clients)):
            for client in clients:
                client.send_multipart([b"question", b"%d" % number])
            for client in clients:
                self.assertEqual(client.recv_multipart(), [b"re", b"question", b"%d" % number])
        lines = self.end(relay, signal.SIGINT)
        self.assertEqual(lines[-1], f"{ANSWERS_IN_ALL} requests, {ANSWERS_IN_ALL} replies")

    def test_with_poll(self):
        self.relay("c/relay_poll.c")

    def test_with_two_threads(self):
        self.relay("c/relay_threads.c")

    def test_the_other_direction_goes_on(self):
        """No worker takes anything; an open reply must come back all the same."""
        frontend, backend = (f"tcp://127.0.0.1:{harness.free_port()}" for _ in range(2))
        relay = self.example("c/relay_threads.c", frontend, backend)
        relay.wait_line("passing; end with Ctrl-C")
        worker = self.socket(zmq.ROUTER, backend, RCVHWM=1)
        client = self.socket(zmq.DEALER, frontend, SNDHWM=1)
        client.send_multipart([b"", b"first"])
        first = worker.recv_multipart()
        body = bytes(1 << 14)
        while client.poll(200, zmq.POLLOUT):  # until nothing goes any more
            client.send_multipart([b"", body])
        worker.send_multipart([*first[:-1], b"reply"])
        self.assertEqual(client.recv_multipart(), [b"", b"reply"])
        self.end(relay, signal.SIGTERM)


class Gateway(building.Builds, harness.Case):
    def gateway(self, service):
        port = harness.free_port()
        gateway = self.example("c/gateway.c", port, service)
        gateway.wait_line("listening")
        return gateway, port

    def test_lines_are_requests(self):
        service = f"tcp://127.0.0.1:{harness.free_port()}"
        answering = self.context.socket(zmq.REP)
        answering.bind(service)

        def serve():
            with answering:
                while True:
                    answering.send(answering.recv()[::-1])

        self.thread(serve)
        gateway, port = self.gateway(service)
        self.assertEqual(ask_line(port, "hello", "", "world"), ["olleh", "", "dlrow"])
        replies = {}
        self.together(*(lambda i=i: replies.update({i: ask_line(port, f"{i:03}")})
                        for i in range(20)))
        self.assertEqual(replies, {i: [f"{i:03}"[::-1]] for i in range(20)})
        with socket.create_connection(("127.0.0.1", port)) as idle:  # cancelled in mid-wait
            self.assertEqual(self.end(gateway, signal.SIGTERM)[-1], "ended")
            self.assertEqual(idle.recv(1), b"")

    def test_nobody_answers(self):
        gateway, port = self.gateway(f"tcp://127.0.0.1:{harness.free_port()}")
        self.assertEqual(ask_line(port, "hello"), ["no answer in time"])
        self.end(gateway, signal.SIGINT)


class Files(building.EveryExample):
    def test_each_is_run(self):
        tests = TEST.read_text() + (TEST.parent / "test_readme.py").read_text()
        self.assert_each_is_named("c", tests)
        self.assert_each_is_named("c", (building.EXAMPLES / "c/README.md").read_text())

    def test_each_says_how_it_is_built(self):
        for path in (building.EXAMPLES / "c").glob("*.c"):
            told = re.sub(r" \\\n \* +", " ", path.read_text())
            self.assertRegex(told, rf"     cc (-rdynamic )?examples/c/{path.name} -o \w+ -Iinclude "
                             r"-Lbuild/lib -Wl,-rpath,build/lib -lgreenmq")


if __name__ == "__main__":
    harness.main()
