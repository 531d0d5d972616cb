# SPDX-License-Identifier: MIT
"""fork() while other threads are in the middle of their work: see forks.c.

It is compiled here, with the library that is not instrumented: the sanitizers have locks of their
own that a fork can leave locked. GREENMQ_FORKS says how many children there are to be.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("GREENMQ_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILT = pathlib.Path(os.environ.get("GREENMQ_LIB", SOURCE / "build/lib/libgreenmq.so")).parent
CC = os.environ.get("CC", "cc")
TIMES = int(os.environ.get("GREENMQ_FORKS", "100"))


def plain_library():
    """The folder of the library without sanitizers."""
    plain = BUILT / "plain"
    return plain if plain.is_dir() else BUILT


class Forks(unittest.TestCase):
    def test_children_come_to_their_end(self):
        library = plain_library()
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "forks")
            subprocess.run([CC, "-std=c11", "-D_GNU_SOURCE", "-O1", "-g",
                            str(SOURCE / "tests/interop/forks.c"), f"-I{SOURCE / 'include'}",
                            f"-L{library}", "-lgreenmq", "-lpthread", f"-Wl,-rpath,{library}",
                            "-o", program], check=True)
            run = subprocess.run([program, str(TIMES)], capture_output=True, text=True, timeout=240)
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        self.assertEqual(run.stdout, f"{TIMES} of {TIMES} children have come to their end\n")


if __name__ == "__main__":
    unittest.main()
