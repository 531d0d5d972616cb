# SPDX-License-Identifier: MIT
"""lib/compat/libzmq.so.5: its name, its symbols, and that it keeps to itself in a process that
holds libzmq too."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import compat

OURS = compat.COMPAT / "libzmq.so.5"


def theirs():
    """The system's libzmq, with the name that programs load it by."""
    found = compat.run(compat.CC, "-print-file-name=libzmq.so").strip()
    return pathlib.Path(found).resolve() if os.path.isabs(found) else None


def exported(library):
    """{symbol: as nm prints it, with its version if it has one}"""
    told = compat.run("nm", "-D", "--defined-only", "--with-symbol-versions", library)
    names = [line.split()[2] for line in told.splitlines()]
    return {re.sub("@.*", "", name): name for name in names
            if name.startswith(("zmq_", "gmq_"))}


def dynamic(library, tag):
    told = compat.run("readelf", "-d", library)
    return re.findall(rf"\({tag}\).*\[(.*)\]", told)


class Library(unittest.TestCase):
    def setUp(self):
        if not theirs():
            self.skipTest("libzmq is not installed")

    def test_soname(self):
        self.assertEqual(dynamic(OURS, "SONAME"), ["libzmq.so.5"])
        self.assertEqual(dynamic(OURS, "SONAME"), dynamic(theirs(), "SONAME"))

    def test_link_names(self):
        for name in ("libzmq.so", "libzmq.so.5"):
            self.assertEqual((compat.COMPAT / name).resolve(), OURS.resolve())

    def test_has_all_symbols_of_libzmq(self):
        wanted, ours = exported(theirs()), exported(OURS)
        self.assertGreaterEqual(len(wanted), 70)
        self.assertEqual(sorted(set(wanted) - set(ours)), [])
        self.assertEqual([name for name in ours.values() if "@" in name], [])

    def test_says_what_it_is(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "version")
            source = pathlib.Path(folder, "version.c")
            source.write_text("""
                #include <stdio.h>
                #include <zmq.h>
                int main(void)
                {
                    int major, minor, patch;
                    zmq_version(&major, &minor, &patch);
                    printf("%d.%d.%d ", major, minor, patch);
                    return printf("%d %d\\n", zmq_has("ipc"), zmq_has("greenmq")) < 0;
                }""")
            compat.run(compat.CC, source, "-o", program, "-lzmq")
            self.assertEqual(compat.run(program, env=compat.environment(compat.GREENMQ)),
                             "4.3.5 1 1\n")
            told = compat.run(program, env=compat.environment(compat.LIBZMQ))
            self.assertEqual(told.split()[2], "0")


class BothInOneProcess(unittest.TestCase):
    """Linked with libzmq first, so that its symbols come first where names are looked up."""

    def setUp(self):
        if not theirs():
            self.skipTest("libzmq is not installed")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = pathlib.Path(folder.name, "both")
        compat.run(compat.CC, "-std=c11", compat.PROGRAMS / "both.c", "-o", self.program,
                   "-Wl,--no-as-needed", "-lzmq", f"-L{compat.PLAIN}", "-lgreenmq",
                   f"-Wl,-rpath,{compat.PLAIN}")

    def test_both_work_and_talk(self):
        told = compat.run(self.program, env=compat.environment(compat.LIBZMQ))
        self.assertEqual(told, "libzmq asks greenmq: yes\ngreenmq asks libzmq: yes\n")

    def test_greenmq_calls_itself(self):
        env = compat.environment(compat.LIBZMQ, LD_DEBUG="bindings", LD_BIND_NOW="1")
        told = subprocess.run([self.program], env=env, capture_output=True, text=True,
                              timeout=60, check=True).stderr
        bound = re.findall(r"binding file \S*libgreenmq\S* \[0\] to (\S+) \[0\]: .*`(\w+)'", told)
        self.assertTrue(any(symbol == "epoll_pwait" for _, symbol in bound))
        self.assertEqual([(where, symbol) for where, symbol in bound
                          if symbol.startswith(("zmq_", "gmq_")) and "libgreenmq" not in where],
                         [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
