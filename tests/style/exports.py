#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the shared library exports zmq_* and gmq_* and nothing else.

Usage: exports.py, with the library's path in GREENMQ_LIB. Exits 77 (skipped) without nm.
"""

import os
import shutil
import subprocess
import sys

SKIPPED = 77


def main(library):
    if not shutil.which("nm"):
        print("nm is not installed")
        return SKIPPED
    told = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                          capture_output=True, text=True).stdout
    names = [line.split()[-1] for line in told.splitlines()]
    foreign = [name for name in names if not name.startswith(("zmq_", "gmq_"))]
    for name in foreign:
        print(f"{library} exports {name}")
    if not foreign:
        print(f"{library} exports {len(names)} names, all of the public interface")
    return 1 if foreign or not names else 0


if __name__ == "__main__":
    sys.exit(main(os.environ["GREENMQ_LIB"]))
