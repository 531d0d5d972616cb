# SPDX-License-Identifier: MIT
"""Green threads as AddressSanitizer, Valgrind and gdb see them: see seen.c.

For Valgrind and gdb the program is compiled here, with the library that is not instrumented.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GREENMQ_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILT = pathlib.Path(os.environ.get("GREENMQ_LIB", SOURCE / "build/dev/lib/libgreenmq.so")).parent
PROGRAMS = pathlib.Path(os.environ.get("GREENMQ_PROGRAMS", SOURCE / "build/dev/tests/interop"))
PLAIN = BUILT / "plain" if (BUILT / "plain").is_dir() else BUILT
CC = os.environ.get("CC", "cc")
LIMIT_S = 120


def run(*command, **more):
    return subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=LIMIT_S, check=False, **more)


class Compiled(unittest.TestCase):
    """With a program that has no sanitizer in it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.program = os.path.join(cls.folder.name, "seen")
        subprocess.run([CC, "-std=c11", "-D_GNU_SOURCE", "-O1", "-g", "-fno-optimize-sibling-calls",
                        str(SOURCE / "tests/interop/seen.c"), f"-I{SOURCE / 'include'}",
                        f"-L{PLAIN}", "-lgreenmq", f"-Wl,-rpath,{PLAIN}", "-o", cls.program],
                       check=True)


class AddressSanitizer(unittest.TestCase):
    def setUp(self):
        self.program = PROGRAMS / "seen"
        if b"__asan_init" not in self.program.read_bytes():
            self.skipTest("this build has no AddressSanitizer")

    def report(self, mistake, options=""):
        environment = {**os.environ, "ASAN_OPTIONS": "abort_on_error=0:" + options}
        ended = run(self.program, mistake, env=environment)
        self.assertNotEqual(ended.returncode, 0, ended.stderr)
        return ended.stderr

    def expect_stack(self, report, *functions):
        """The first stack of the report: these functions from its top on, and its end."""
        stack = report.split("\n\n")[0]
        names = re.findall(r"^ +#\d+ 0x[0-9a-f]+ in (\w+)", stack, re.MULTILINE)
        self.assertEqual(names[:len(functions)], list(functions), report)
        self.assertEqual(names[len(functions):], ["begin", "switch_entry"], report)

    def test_no_mistake(self):
        ended = run(self.program, "work")
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "done\n", ""))

    def test_overflow(self):
        report = self.report("overflow")
        self.assertIn("stack-buffer-overflow", report)
        self.assertIn("'numbers'", report)
        self.expect_stack(report, "write_beyond", "overflow")

    def test_use_after_return(self):
        report = self.report("after-return", "detect_stack_use_after_return=1")
        self.assertIn("stack-use-after-return", report)
        self.assertIn("'here'", report)
        self.expect_stack(report, "use_what_is_gone", "after_return")

    def test_use_after_free(self):
        report = self.report("after-free")
        self.assertIn("heap-use-after-free", report)
        self.expect_stack(report, "use_what_is_gone", "after_free")
        freed = report[report.index("freed by thread"):report.index("previously allocated")]
        names = re.findall(r" in (\w+)", freed)
        self.assertEqual(names[-4:], ["give_away", "free_it", "begin", "switch_entry"], report)


class Valgrind(Compiled):
    def test_memcheck_finds_nothing(self):
        if not shutil.which("valgrind"):
            self.skipTest("valgrind is not installed")
        ended = run("valgrind", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds"
                    "=definite,possible", self.program, "work")
        self.assertEqual((ended.returncode, ended.stdout), (0, "done\n"), ended.stderr)
        self.assertIn("ERROR SUMMARY: 0 errors", ended.stderr)
        self.assertNotIn("client switching stacks", ended.stderr)

    def test_memcheck_sees_a_mistake(self):
        if not shutil.which("valgrind"):
            self.skipTest("valgrind is not installed")
        ended = run("valgrind", "--error-exitcode=9", self.program, "after-free")
        self.assertEqual(ended.returncode, 9, ended.stderr)
        self.assertRegex(ended.stderr, r"Invalid read of size 4\n"
                                       r".* use_what_is_gone .*\n.* after_free .*\n.* begin ")


class Gdb(Compiled):
    def setUp(self):
        if not shutil.which("gdb"):
            self.skipTest("gdb is not installed")

    def gdb(self, *commands):
        """What gdb says to these commands, once the walker has come to stop_here()."""
        words = []
        for command in ("set debuginfod enabled off", "set confirm off", "break stop_here", "run",
                        *commands, "kill"):
            words += ["-ex", command]
        ended = run("gdb", "-nx", "-batch", *words, "--args", self.program, "stand")
        if "ptrace" in ended.stderr and "not permitted" in ended.stderr:
            self.skipTest("no process may be traced here")
        return ended.stdout + ended.stderr

    def test_a_backtrace_ends_at_the_trampoline(self):
        said = self.gdb("bt")
        names = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\w+)", said, re.MULTILINE)
        self.assertEqual(names[-5:], ["stop_here", "come_to_it", "walker", "begin", "switch_entry"],
                         said)

    def test_green_threads_are_listed_and_shown(self):
        script = SOURCE / "share/gdb/greenmq.py"
        said = self.gdb(f"source {script}", "green list",
                        "python gdb.execute('green bt %d' % next(int(t['id']) for t in threads() "
                        "if t['name'].string() == 'sleeper'))", "bt", "green bt 5")
        self.assertRegex(said, r"(?m)^\d+ +main +waiting +gmq_join$")
        self.assertRegex(said, r"(?m)^\d+ +sleeper +waiting +gmq_sleep$")
        self.assertRegex(said, r"(?m)^\d+ +walker +running +-$")
        parked = re.findall(r"^#\d+ +0x[0-9a-f]{16} in (\w+)", said, re.MULTILINE)
        self.assertIn("gmq_sleep", parked, said)
        self.assertEqual(parked[parked.index("gmq_sleep") + 1:][:7],
                         ["fall_asleep"] * 4 + ["sleeper", "begin", "switch_entry"], said)
        self.assertRegex(said, r"(?m)^#1 +0x[0-9a-f]+ in come_to_it ", "bt is as before")
        self.assertIn("there is no green thread by this id", said)


if __name__ == "__main__":
    unittest.main()
