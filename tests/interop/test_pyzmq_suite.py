# SPDX-License-Identifier: MIT
"""The tests that pyzmq brings (zmq.tests), on libzmq and on greenmq.

Each file runs in a process of its own, on one library and then on the other, several at a time
because they mostly wait. What passes on libzmq must pass on greenmq, apart from SECURITY. A test
that hangs is ended by a signal, a file that hangs all the same by its limit; what had not passed
by then has failed.

Many of them give a thing a tenth of a second to happen, which a busy machine may exceed. What has
failed on greenmq among the others is run alone, and must pass so AGAIN times in a row.
"""

import concurrent.futures
import importlib.util
import pathlib
import re
import subprocess
import sys
import unittest

import compat

JOBS = 8
AGAIN = 3
TEST_LIMIT_S = 20
FILE_LIMIT_S = 90
RESULT = re.compile(r"^(\S+::\S+(?: \S+)*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b", re.M)

# greenmq has the NULL mechanism only: no PLAIN, no CURVE, and no ZAP to ask who may come in.
SECURITY = re.compile(r"""
    test_auth\.py::
  | test_asyncio\.py::Test\w*Authentication::
  | test_security\.py::TestSecurity::test_(null|plain|curve|plain_server|curve_server)$
""", re.X)

# They compile pyzmq anew, which has nothing to do with the library beneath it.
NOT_RUN = ("test_cython.py", "test_mypy.py", "test_win32_shim.py")


def suite():
    """The folder of pyzmq's tests, or None."""
    found = importlib.util.find_spec("zmq.tests")
    return found and pathlib.Path(found.origin).parent


def run_file(library, path, test=None):
    """(all that was printed, {test: result}) of one file of the suite on a library, or of one
    test in it."""
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v", "--tb=short",
            "-o", f"faulthandler_timeout={TEST_LIMIT_S}", "--rootdir", path.parent,
            test or path.name]
    child = subprocess.Popen([str(word) for word in argv], cwd=path.parent,
                             env=compat.environment(library, ZMQ_TEST_TIMEOUT=str(TEST_LIMIT_S)),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    try:
        told, _ = child.communicate(timeout=FILE_LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        told, _ = child.communicate()
        told += f"\n{path.name} was ended after {FILE_LIMIT_S} s\n"
    return told, dict(RESULT.findall(told))


def passes_alone(path, test):
    """Whether a test that has failed among the others does not when it is alone."""
    for _ in range(AGAIN):
        told, results = run_file(compat.GREENMQ, path, test)
        if results.get(test) != "PASSED":
            print(told)
            return False
    print(f"{test} failed among the others, and passes alone")
    return True


class PyzmqSuite(unittest.TestCase):
    def setUp(self):
        self.folder = suite()
        if not self.folder:
            self.skipTest("this pyzmq comes without its tests")

    def test_runs_on_greenmq(self):
        maps = "import zmq; print(open('/proc/self/maps').read())"
        for library, of_ours in ((compat.LIBZMQ, False), (compat.GREENMQ, True)):
            told = compat.run(sys.executable, "-c", maps, env=compat.environment(library))
            self.assertEqual(str(compat.COMPAT) in told, of_ours)

    def test_what_passes_on_libzmq_passes_on_greenmq(self):
        files = sorted(path for path in self.folder.glob("test_*.py")
                       if path.name not in NOT_RUN)
        # The longest first, so that nothing is left to wait for at the end.
        files.sort(key=lambda path: path.name not in ("test_auth.py", "test_asyncio.py"))
        libraries = (compat.LIBZMQ, compat.GREENMQ)
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            runs = {(library, path.name): pool.submit(run_file, library, path)
                    for path in files for library in libraries}
        passed = 0
        for path in files:
            (_, theirs), (told, ours) = (runs[library, path.name].result()
                                         for library in libraries)
            wanted = {name for name, result in theirs.items() if result == "PASSED"}
            passed += len(wanted)
            failed = sorted(name for name in wanted
                            if ours.get(name) != "PASSED" and not SECURITY.search(name))
            if failed:
                print(told)
            failed = [name for name in failed if not passes_alone(path, name)]
            with self.subTest(file=path.name):
                self.assertEqual(failed, [], told)
        print(f"{passed} tests pass on libzmq")
        self.assertGreater(passed, 300)


if __name__ == "__main__":
    unittest.main(verbosity=2)
