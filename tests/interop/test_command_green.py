# SPDX-License-Identifier: MIT
"""The green threads of the greenmq command: the list on SIGUSR1; none of them holds up the rest."""

import fcntl
import os
import re
import resource
import select
import signal
import subprocess
import time

import zmq

import harness

TCP = "tcp://127.0.0.1:*"
LISTED = re.compile(r"(\d+)  +(\S.*?\S|\S)  +(ready|running|waiting|ended)  +(\S+(?: \S+)?)  +"
                    r"(\d+\.\d{3})(?:  (\d+) of (\d+) KiB)?$")


class Green(harness.Case):
    """What can be seen of them."""

    def listed(self, broker, count=1):
        """The list that comes on SIGUSR1: name to (state, what it waits for, seconds)."""
        broker.signal(signal.SIGUSR1)
        broker.wait_line(r"\d+ green threads", "err", count)
        found = {}
        for line in broker.err().splitlines():
            match = LISTED.match(line)
            if match:
                found[match[2]] = (match[3], match[4], float(match[5]))
        return found

    def test_list_of_a_broker(self):
        broker = self.broker("queue", None, None, "--stats", "100")
        threads = self.listed(broker)
        self.assertEqual(set(threads), {"main", "signals", "news"})
        self.assertEqual(threads["main"][:2], ("waiting", "a device"))
        self.assertEqual(threads["signals"][0], "running")
        self.assertEqual(threads["news"][:2], ("waiting", "gmq_sleep"))
        broker.stop()

    def test_list_while_draining(self):
        broker = self.broker("streamer", None, None, "--drain", "100")
        pusher = self.socket(zmq.PUSH, broker.frontend)
        puller = self.socket(zmq.PULL, broker.backend, RCVHWM=1)
        pusher.SNDTIMEO = 200
        try:
            while True:
                pusher.send(bytes(1 << 20))
        except zmq.Again:
            pass
        broker.signal(signal.SIGTERM)
        for count in range(1, 100):
            threads = self.listed(broker, count)
            if "signal" in threads:
                break
        self.assertEqual(threads["signal"][:2], ("waiting", "a device"))
        self.assertNotIn("news", threads)
        puller.close(0)
        broker.signal(signal.SIGTERM)
        self.assertEqual(broker.wait_exit(), 0)

    def test_it_goes_on_after_each_list(self):
        broker = self.broker("queue")
        self.worker(broker.backend)
        client = self.socket(zmq.REQ, broker.frontend)
        for count in range(1, 20):
            self.listed(broker, count)
            client.send(b"%d" % count)
            self.assertEqual(client.recv(), b"%d" % count)
        broker.stop()

    def test_list_of_the_demo(self):
        demo = self.child(harness.find_command(), "demo", "--for", "100")
        demo.wait_line("in/s")
        threads = self.listed(demo)
        for name in ("main", "signals", "worker 1", "client 3", "subscriber 2", "publisher 0",
                     "consumer 2", "producer 0"):
            self.assertIn(name, threads)
        demo.signal(signal.SIGINT)
        self.assertEqual(demo.wait_exit(), 0)

    def test_ends_though_nobody_reads(self):
        """What it prints fills the pipe. It goes on without, and ends when it is told to."""
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        broker = self.started(["streamer", "--stats", "0.005", TCP, TCP], stdout=writer)
        while select.select([], [writer], [], 0)[1]:
            self.assertIsNone(broker.poll())
            time.sleep(0.01)
        broker.send_signal(signal.SIGTERM)
        self.assertEqual(broker.wait(harness.LIMIT_S), 0)
        os.close(writer)
        with open(reader, encoding="utf-8") as out:
            self.assertIn("running", out.read())

    def test_few_descriptors(self):
        """However few there are, it says that it cannot start, or it runs and can be ended."""
        for limit in range(7, 18):
            def lower(limit=limit):
                harness.die_with_parent()
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

            broker = self.started(["queue", TCP, TCP], stdout=subprocess.PIPE, preexec_fn=lower)
            runs = any("running" in line for line in iter(broker.stdout.readline, ""))
            if runs:
                broker.send_signal(signal.SIGTERM)
            with self.subTest(limit=limit):
                self.assertEqual(broker.wait(harness.LIMIT_S), 0 if runs else 1)
                self.assertEqual(runs, broker.stderr.read() == "")

    def started(self, words, **options):
        options.setdefault("preexec_fn", harness.die_with_parent)
        broker = subprocess.Popen([harness.find_command(), *words], stdin=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True, **options)
        for stream in (broker.stdout, broker.stderr):
            if stream:
                self.addCleanup(stream.close)
        self.addCleanup(broker.wait)
        self.addCleanup(broker.kill)
        return broker


if __name__ == "__main__":
    harness.main()
