# SPDX-License-Identifier: MIT
"""What a burst of messages took goes back to the system when it is over."""

import pathlib
import tempfile
import unittest

import compat

SECONDS = 30  # until it has gone back; it takes two if nothing else happens


class Burst(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.program = pathlib.Path(folder.name) / "burst"
        words = compat.pkg_config(compat.COMPAT, "--cflags", "--libs", "libzmq")
        compat.run(compat.CC, "-std=c11", compat.PROGRAMS / "burst.c", "-o", cls.program, *words)

    def check(self, endpoint, size):
        told = compat.run(self.program, endpoint, size, SECONDS,
                          env=compat.environment(compat.GREENMQ))
        full, least = map(int, told.split())
        self.assertGreater(full, 90 << 10)
        self.assertLess(least, full / 10, told)

    def test_small_messages_over_tcp(self):
        self.check("tcp://127.0.0.1:*", 1000)

    def test_messages_over_tcp(self):
        self.check("tcp://127.0.0.1:*", 20000)

    def test_messages_within_a_process(self):
        self.check("inproc://burst", 100)


if __name__ == "__main__":
    unittest.main()
