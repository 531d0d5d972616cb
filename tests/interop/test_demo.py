# SPDX-License-Identifier: MIT
"""greenmq demo: all three devices pass messages, their books balance, and it ends when asked."""

import os
import re
import select
import signal
import subprocess
import time
import unittest

import accounts
import harness

DEVICES = {
    "greenmq demo: queue": {"joined": (4, 2), "at_least": 100},
    "greenmq demo: forwarder": {"joined": (1, 3), "at_least": 100},
    "greenmq demo: streamer": {"joined": (1, 3), "at_least": 100},
}


class Demo(harness.Case):
    def check(self, demo):
        """It ended well, and each device passed messages and accounts for them."""
        self.assertEqual(demo.wait_exit(), 0, demo.said())
        self.assertEqual(demo.err(), "", demo.said())
        found = accounts.read(demo.lines["out"])
        self.assertEqual(set(found), set(DEVICES), demo.said())
        for name, wanted in DEVICES.items():
            account = found[name]
            accounts.check_balance(self, account, name)
            self.assertEqual(account["peers"]["joined"], wanted["joined"], demo.said())
            passed = account["frontend to backend"]["forwarded"][0]
            self.assertGreater(passed, wanted["at_least"], f"{name}: {demo.said()}")
        return found

    def test_ends_by_the_clock(self):
        began = time.monotonic()
        demo = self.child(harness.find_command(), "demo", "--for", "2")
        found = self.check(demo)
        self.assertGreaterEqual(time.monotonic() - began, 2)
        queue = found["greenmq demo: queue"]
        self.assertEqual(queue["frontend to backend"]["forwarded"],
                         queue["backend to frontend"]["forwarded"], "a reply for every request")
        self.assertEqual(demo.out().count("the books balance"), len(DEVICES))

    def test_shows_what_passes(self):
        demo = self.child(harness.find_command(), "demo")
        for row in ("queue +requests", "queue +replies", "forwarder +news", "streamer +tasks"):
            demo.wait_line(rf"^{row} +[1-9]\d* +[1-9]\d* +[1-9]\d* ", count=2)
        demo.signal(signal.SIGINT)
        self.check(demo)

    def test_a_second_signal_ends_it_too(self):
        demo = self.child(harness.find_command(), "demo")
        demo.wait_line("^streamer +tasks +[1-9]")
        demo.signal(signal.SIGTERM)
        demo.signal(signal.SIGINT)
        self.assertEqual(demo.wait_exit(), 0, demo.said())
        self.assertEqual(len(accounts.read(demo.lines["out"])), len(DEVICES), demo.said())

    def test_redraws_on_a_terminal(self):
        terminal, inside = os.openpty()
        self.addCleanup(os.close, terminal)
        process = subprocess.Popen([harness.find_command(), "demo"], stdin=inside, stdout=inside,
                                   env={**os.environ, "TERM": "xterm"},
                                   preexec_fn=harness.die_with_parent)
        os.close(inside)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.read_until(terminal, rb"(?s)streamer +tasks.*\x1b\[\d+A.*streamer +tasks")
        process.send_signal(signal.SIGINT)
        self.read_until(terminal, rb"(?s)(the books balance.*){3}")
        self.assertEqual(process.wait(harness.LIMIT_S), 0)

    def read_until(self, terminal, pattern):
        text, deadline = b"", time.monotonic() + harness.LIMIT_S
        while not re.search(pattern, text):
            ready, _, _ = select.select([terminal], [], [], deadline - time.monotonic())
            self.assertTrue(ready, f"never saw {pattern!r} in {text!r}")
            text += os.read(terminal, 4096)


if __name__ == "__main__":
    unittest.main()
