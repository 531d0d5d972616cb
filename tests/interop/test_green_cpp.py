# SPDX-License-Identifier: MIT
"""Green threads of a program in C++: each has its own exceptions."""

import pathlib
import shutil
import tempfile
import unittest

import compat
import harness


class Exceptions(unittest.TestCase):
    def setUp(self):
        self.program = pathlib.Path(tempfile.mkdtemp(prefix="gmq"), "exceptions")
        self.addCleanup(shutil.rmtree, self.program.parent)

    def test_each_green_thread_has_its_own(self):
        for library in (("-lgreenmq",),
                        (compat.PLAIN / "libgreenmq.a", "-lsodium")):
            with self.subTest(library=library):
                compat.run(compat.CXX, "-std=c++17", "-Wall", "-Wextra", "-Werror",
                           f"-I{harness.ROOT / 'include'}", compat.PROGRAMS / "exceptions.cpp",
                           "-o", self.program, f"-L{compat.PLAIN}",
                           f"-Wl,-rpath,{compat.PLAIN}", *library, "-pthread", limit_s=60)
                self.assertEqual(compat.run(self.program, limit_s=60),
                                 "50 caught, 1000 unwound, 0 wrong\n")


if __name__ == "__main__":
    unittest.main()
