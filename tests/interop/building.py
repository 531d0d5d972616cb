# SPDX-License-Identifier: MIT
"""Builds the C programs that are shown to people: the examples, and what stands in the documents.

Happy path: Builds is mixed into a harness.Case; build(path) gives the program of a file, made once
in a test run, and build_text() that of a text. All warnings are on, and count as errors.

Failure mode: what the compiler said fails the test.
"""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import harness

EXAMPLES = harness.ROOT / "examples"
LIBRARY_PLACES = ("build/dev/lib/libgreenmq.so", "build/lib/libgreenmq.so")
STANDARD_FLAGS = ("-g", "-O1", "-Wall", "-Wextra", "-Werror")


def library():
    return harness.find_built("GREENMQ_LIB", LIBRARY_PLACES, "")


def sanitizer_flags():
    """A program on a sanitized library must be so too."""
    needed = subprocess.run(["ldd", library()], capture_output=True, text=True, check=True).stdout
    return ["-fsanitize=address,undefined"] if "libasan" in needed else []


def built_with(path):
    """The words that follow the file's name in the cc line of its head, such as -luv."""
    shown = re.search(r" \*     cc (.*?)\n \*     \./", path.read_text(), re.DOTALL)
    words = shown[1].replace("\\\n *", " ").split() if shown else []
    return [word for word in words if word.startswith(("-l", "-rdynamic"))]


class Builds:
    """For a harness.Case whose tests build programs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.programs = {}
        cls.program_folder = tempfile.mkdtemp(prefix="gmq")
        cls.addClassCleanup(shutil.rmtree, cls.program_folder)

    def build_text(self, text, name, *words):
        source = pathlib.Path(self.program_folder, f"{name}.c")
        source.write_text(text)
        return self.compile(source, source.with_suffix(""), words)

    def build(self, path):
        """The program of an example, such as "c/queue.c"."""
        if path not in self.programs:
            program = pathlib.Path(self.program_folder, path.replace("/", "-")).with_suffix("")
            words = [word for word in built_with(EXAMPLES / path) if word != "-lgreenmq"]
            self.programs[path] = self.compile(EXAMPLES / path, program, words)
        return self.programs[path]

    def compile(self, source, program, words):
        at = library()
        built = subprocess.run(
            ["cc", *STANDARD_FLAGS, *sanitizer_flags(), f"-I{harness.ROOT / 'include'}", source,
             "-o", program, at, f"-Wl,-rpath,{at.parent}", *words],
            capture_output=True, text=True, check=False)
        self.assertEqual(built.returncode, 0, built.stderr)
        return program

    def example(self, path, *words, env=None):
        """An example that runs, as a harness.Child."""
        return self.child(self.build(path), *words, env=env)

    def run_through(self, path, *words, code=0):
        """The lines of an example that ends by itself."""
        child = self.example(path, *words)
        self.assertEqual(child.wait_exit(), code, child.said())
        return self.clean(child)

    def clean(self, child):
        """The lines of a child that has ended, without a word from a sanitizer."""
        self.assertIsNone(harness.SANITIZER.search(child.err()), child.said())
        return child.lines["out"]

    def end(self, child, number):
        """Ends a child that waits for a signal, and gives its lines."""
        child.signal(number)
        self.assertEqual(child.wait_exit(), 0, child.said())
        return self.clean(child)


class EveryExample(unittest.TestCase):
    """Helpers for tests that want no file forgotten."""

    def assert_each_is_named(self, folder, text):
        files = sorted((EXAMPLES / folder).glob("*.c"))
        self.assertGreater(len(files), 0)
        for path in files:
            self.assertIn(path.name, text, f"{path.name} is not named")
