#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that clang-format would change no C file. Usage: format.py [ROOT].

Exits 77, which ctest counts as skipped, where clang-format is missing or of another generation:
what it makes of the same settings changes from one to the next.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

GENERATION = 14
SKIPPED = 77


def find_clang_format():
    """The program, or None and why not."""
    for name in (f"clang-format-{GENERATION}", "clang-format"):
        program = shutil.which(name)
        if program:
            told = subprocess.run([program, "--version"], capture_output=True, text=True)
            version = re.search(r"version (\d+)", told.stdout)
            if version and int(version[1]) == GENERATION:
                return program, None
            return None, f"clang-format is not of generation {GENERATION}: {told.stdout.strip()}"
    return None, "clang-format is not installed"


def main(root):
    program, reason = find_clang_format()
    if not program:
        print(reason)
        return SKIPPED
    files = [path for folder in ("include", "src", "app", "tests", "bench", "examples")
             for path in sorted((root / folder).rglob("*.[ch]"))]
    if not files:
        print("there is no C file yet")
        return SKIPPED
    checked = subprocess.run([program, "--dry-run", "-Werror", *files],
                             stderr=subprocess.PIPE, text=True)
    places = re.findall(r"^(.+?:\d+):\d+: error", checked.stderr, re.MULTILINE)
    for place in dict.fromkeys(places):
        print(f"{Path(place).relative_to(root)}: ./dev fmt would write this differently")
    if checked.returncode == 0:
        print(f"{len(files)} files are as clang-format writes them")
    elif not places:
        print(checked.stderr)
    return 1 if checked.returncode else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
