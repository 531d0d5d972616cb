# SPDX-License-Identifier: MIT
"""Programs of programs/ written for libzmq, with the same words on either library: compiled and
linked with libzmq, the same file run on greenmq, and compiled and linked with greenmq."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import compat

# A network of its own in which all that is broadcast comes back, and nothing goes out.
ALONE = ("unshare", "-rn", "sh", "-c",
         'ip link set lo up && ip route add default dev lo && exec "$@"', "sh")


def can_be_alone():
    try:
        return subprocess.run([*ALONE, "true"], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gmq"))
        self.addCleanup(shutil.rmtree, self.folder)

    def build(self, source, compiler, *words):
        program = self.folder / f"{pathlib.Path(source).stem}{len(list(self.folder.iterdir()))}"
        compat.run(compiler, "-Wall", "-Wextra", compat.PROGRAMS / source, "-o", program,
                   *words, limit_s=60)
        return program


class SameSource(Case):
    def say_the_same(self, theirs, ours):
        """Runs a program of libzmq's on both, and one of ours."""
        said = [compat.run(program, env=compat.environment(library), limit_s=60)
                for program, library in ((theirs, compat.LIBZMQ), (theirs, compat.GREENMQ),
                                         (ours, compat.GREENMQ))]
        self.assertGreater(len(said[0]), 100)
        self.assertEqual(said[1], said[0])
        self.assertEqual(said[2], said[0])

    def both(self, source, compiler, *words):
        """The program with libzmq's header and library, and with ours."""
        ours = compat.pkg_config(compat.COMPAT, "--cflags", "--libs", "libzmq")
        return (self.build(source, compiler, *words, "-lzmq", "-pthread"),
                self.build(source, compiler, *words, *ours, "-pthread"))

    def test_c(self):
        self.say_the_same(*self.both("same.c", compat.CC, "-std=c11"))

    def test_in_the_loop_of_libuv(self):
        self.say_the_same(*self.both("uvloop.c", compat.CC, "-luv"))

    def test_cpp(self):
        self.say_the_same(*self.both("same.cpp", compat.CXX, "-std=c++17"))


class Czmq(Case):
    """CZMQ's library stays what it is: linked with libzmq.so.5."""

    def setUp(self):
        super().setUp()
        self.program = self.build("czmq.c", compat.CC, "-lczmq", "-lzmq")

    def on_both(self, *argv, **more):
        said = [compat.run(*argv, env=compat.environment(library, **more), limit_s=60)
                for library in (compat.LIBZMQ, compat.GREENMQ)]
        self.assertEqual(said[1], said[0])
        return said[0]

    def test_runs_on_greenmq(self):
        told = compat.run("ldd", self.program, env=compat.environment(compat.GREENMQ))
        self.assertIn(str(compat.COMPAT / "libzmq.so.5"), told)

    def test_scenes(self):
        told = self.on_both(self.program, self.folder)
        self.assertIn("\nend\n", told)

    def test_beacons(self):
        if not can_be_alone():
            self.skipTest("cannot make a network to broadcast in")
        told = self.on_both(*ALONE, self.program, ZSYS_INTERFACE="*")
        self.assertIn("heard BEACON here", told)


if __name__ == "__main__":
    unittest.main(verbosity=2)
